"""Representations by comparison: SimCLR, two towers, triplets and supervised contrast."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from torch import Tensor, nn

from .common import digits, epochs, neighbour_accuracy, seed_everything


def placed(x: Tensor) -> Tensor:
    """Digits put at random into 12 x 12 pixels, with another contrast and noise each."""
    n = len(x)
    canvas = torch.zeros(n, 1, 12, 12)
    rows, columns = torch.randint(0, 5, (n,)), torch.randint(0, 5, (n,))
    for i in range(n):
        canvas[i, :, rows[i] : rows[i] + 8, columns[i] : columns[i] + 8] = x[i]
    canvas = canvas * (0.7 + 0.6 * torch.rand(n, 1, 1, 1)) + 0.15 * torch.randn_like(canvas)
    return (canvas - 0.13) / 0.33


def encoder(width: int = 96) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(64, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def probe(net: nn.Module, seed: int, train: Tensor, train_y: Tensor, test: Tensor, test_y: Tensor) -> float:
    """Neighbours among the features of placed digits; the same views whenever it is asked."""
    was_training = net.training
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed + 1000)
        net.eval()
        score = neighbour_accuracy(net(placed(train)), train_y, net(placed(test)), test_y)
    net.train(was_training)
    return score


def retrieval(net: nn.Module, seed: int, test: Tensor) -> float:
    """How often the other view of a held-out digit is the nearest of all."""
    was_training = net.training
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed + 2000)
        net.eval()
        a, b = F.normalize(net(placed(test)), dim=1), F.normalize(net(placed(test)), dim=1)
    net.train(was_training)
    return float(((a @ b.T).argmax(1) == torch.arange(len(test))).float().mean())


def simclr(observer: Observer, seed: int) -> Trained:
    """SimCLR on digits placed at random: NT-Xent between two views, a projection head, LARS-free AdamW."""
    seed_everything(seed)
    train, _, test, _ = digits(seed)
    model = nn.Sequential(encoder(), nn.Linear(96, 96), nn.ReLU(inplace=True), nn.Linear(96, 48))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=150)
    same = torch.cat((torch.arange(128, 256), torch.arange(128)))
    before = retrieval(model, seed, test)
    with observer.watch(model, optimizer):
        for index in epochs(len(train), 128, 150):
            views = torch.cat((placed(train[index]), placed(train[index])))
            z = F.normalize(model(views), dim=1)
            logits = z @ z.T / 0.2
            logits.fill_diagonal_(-torch.inf)
            loss = F.cross_entropy(logits, same)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    extra = {"loss": loss.detach(), "codes": model.eval()(views[:4]).detach()}
    return Trained((model,), (optimizer,), retrieval(model, seed, test), before, before + 0.12, extra)


CAPTIONS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


TEMPLATES = ("a photo of a {}", "the digit {}", "{} written by hand", "a small {} in the picture")


VOCABULARY = {c: i + 1 for i, c in enumerate(" abcdefghijklmnopqrstuvwxyz")}


def tokens(texts: list[str]) -> Tensor:
    rows = [torch.tensor([VOCABULARY[c] for c in text]) for text in texts]
    return F.pad(nn.utils.rnn.pad_sequence(rows, batch_first=True), (0, 32))[:, :32]


class CLIP(nn.Module):
    """A convolutional tower for images and a transformer for captions, with a learnt temperature."""

    def __init__(self, dim: int = 48) -> None:
        super().__init__()
        self.image = nn.Sequential(encoder(), nn.Linear(96, dim, bias=False))
        self.token = nn.Embedding(28, dim, padding_idx=0)
        self.place = nn.Parameter(0.02 * torch.randn(32, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 2 * dim, 0.1, "gelu", batch_first=True, norm_first=True)
        self.text = nn.TransformerEncoder(layer, 2, nn.LayerNorm(dim), enable_nested_tensor=False)
        self.project = nn.Linear(dim, dim, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def encode_text(self, ids: Tensor) -> Tensor:
        """Unit vectors of captions: the mean over what is not padding."""
        padding = ids == 0
        h = self.text(self.token(ids) + self.place, src_key_padding_mask=padding)
        h = h.masked_fill(padding[..., None], 0).sum(1) / (~padding).sum(1, keepdim=True)
        return F.normalize(self.project(h), dim=1)

    def forward(self, images: Tensor, ids: Tensor) -> Tensor:
        """The logits of every image with every caption."""
        return self.logit_scale.exp() * F.normalize(self.image(images), dim=1) @ self.encode_text(ids).T


def clip_digits(observer: Observer, seed: int) -> Trained:
    """Two towers learn which caption belongs to which digit; zero-shot classification by an unseen template."""
    seed_everything(seed)
    train, train_y, test, test_y = digits(seed)
    captions = torch.stack([tokens([t.format(c) for c in CAPTIONS]) for t in TEMPLATES])
    prompt, test_images = tokens([f"a photo of the digit {c}" for c in CAPTIONS]), placed(test)
    model = CLIP()
    plain = [p for p in model.parameters() if p.ndim < 2]
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}],
        lr=2e-3,
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=150)

    @torch.no_grad()
    def zero_shot() -> float:
        model.eval()
        right = (model(test_images, prompt).argmax(1) == test_y).float().mean()
        model.train()
        return float(right)

    before = max(0.1, zero_shot())
    with observer.watch(model, optimizer):
        for index in epochs(len(train), 64, 150):
            ids = captions[torch.randint(0, 4, (64,)), train_y[index]]
            logits = model(placed(train[index]), ids)
            own = torch.arange(64)
            loss = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                model.logit_scale.clamp_(0, math.log(100))
    score = zero_shot()
    extra = {
        "loss": loss.detach(),
        "scale": model.logit_scale.detach(),
        "text": model.eval().encode_text(prompt).detach(),
    }
    return Trained((model,), (optimizer,), score, before, 0.6, extra)


def triplet_semi_hard(observer: Observer, seed: int) -> Trained:
    """A metric by triplets, the negatives semi-hard within the batch."""
    seed_everything(seed)
    train, train_y, test, test_y = digits(seed)
    model = nn.Sequential(encoder(), nn.Linear(96, 24))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    before = probe(model, seed, train, train_y, test, test_y)
    with observer.watch(model, optimizer):
        for index in epochs(len(train), 80, 180):
            z, y = F.normalize(model(placed(train[index])), dim=1), train_y[index]
            distance = 2 - 2 * z @ z.T
            alike = y[:, None] == y[None]
            anchor, positive = (alike & ~torch.eye(len(y), dtype=torch.bool)).nonzero(as_tuple=True)
            near = distance[anchor, positive]
            far = distance[anchor].detach()
            semi_hard = (far > near[:, None]) & (far < near[:, None] + 0.4) & ~alike[anchor]
            found = semi_hard.any(1)
            if not found.any():
                continue
            negative = far.masked_fill(~semi_hard, torch.inf).argmin(1)
            a, p, n = z[anchor[found]], z[positive[found]], z[negative[found]]
            loss = F.triplet_margin_with_distance_loss(
                a, p, n, distance_function=lambda u, v: (u - v).pow(2).sum(1), margin=0.4
            )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
    score = probe(model, seed, train, train_y, test, test_y)
    extra = {"loss": loss.detach(), "codes": model.eval()(placed(test[:4])).detach()}
    return Trained((model,), (optimizer,), score, before, 0.8, extra)


def supervised_contrastive(observer: Observer, seed: int) -> Trained:
    """Supervised contrastive learning, with an online linear probe on the detached features."""
    seed_everything(seed)
    train, train_y, test, test_y = digits(seed)
    backbone, projector, head = (
        encoder(),
        nn.Sequential(nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 32)),
        nn.Linear(96, 10),
    )
    optimizer = torch.optim.SGD(
        [*backbone.parameters(), *projector.parameters()], lr=0.2, momentum=0.9, weight_decay=1e-4
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 120)
    probe_optimizer = torch.optim.Adam(head.parameters(), lr=1e-2)
    others = ~torch.eye(128, dtype=torch.bool)
    test_images = placed(test)
    with observer.watch([backbone, projector, head], [optimizer, probe_optimizer]):
        for index in epochs(len(train), 64, 120):
            y = train_y[index].repeat(2)
            h = backbone(torch.cat((placed(train[index]), placed(train[index]))))
            z = F.normalize(projector(h), dim=1)
            logits = (z @ z.T / 0.1).masked_fill(~others, -torch.inf)
            log_prob = logits.log_softmax(1).masked_fill(~others, 0)
            positive = (y[:, None] == y[None]) & others
            loss = -((log_prob * positive).sum(1) / positive.sum(1)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            probe_loss = F.cross_entropy(head(h.detach()), y)
            probe_optimizer.zero_grad()
            probe_loss.backward()
            probe_optimizer.step()
    logits = head(backbone.eval()(test_images)).detach()
    score = float((logits.argmax(1) == test_y).float().mean())
    extra = {"losses": torch.stack((loss, probe_loss)).detach(), "logits": logits[:4]}
    return Trained((backbone, projector, head), (optimizer, probe_optimizer), score, 0.1, 0.75, extra)


PROGRAMS = (
    Program("simclr-digits", "SimCLR, NT-Xent", (), simclr),
    Program("clip-two-towers", "CLIP-like two towers", (), clip_digits),
    Program("triplet-semi-hard", "triplet loss, semi-hard negatives", (), triplet_semi_hard),
    Program("supervised-contrastive", "supervised contrast, online linear probe", (), supervised_contrastive),
)
