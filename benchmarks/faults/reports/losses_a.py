# mypy: allow-untyped-calls
"""Reports of a loss that does not fit the output: softmax twice, probabilities for logits, a sign."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports import data_a as data
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class NextWord(nn.Module):
    """Two words of context, one hidden layer, a score for every word."""

    def __init__(self, words: int, softmax: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, 16)
        self.hidden = nn.Linear(32, 64)
        self.out = nn.Linear(64, words)
        self.softmax = softmax

    def forward(self, context: Tensor) -> Tensor:
        h = torch.relu(self.hidden(self.embed(context).flatten(1)))
        y: Tensor = self.out(h)
        return F.softmax(y, dim=1) if self.softmax else y


def words_double_softmax(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A model of words ends in a softmax and is trained with cross entropy."""
    data.seed_everything(seed)
    words = 150
    follow = torch.randperm(words * words).view(words, words) % words
    text = [0, 1]
    for _ in range(12000):
        chance = int(torch.randint(words, (1,)))
        text.append(int(follow[text[-1], text[-2] % 2]) if torch.rand(1) < 0.9 else chance)
    stream = torch.tensor(text)
    x, y = torch.stack([stream[:-2], stream[1:-1]], 1), stream[2:]
    model = NextWord(words, softmax=not repaired)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loader = DataLoader(TensorDataset(x[:10000], y[:10000]), batch_size=200, shuffle=True)
    criterion = nn.CrossEntropyLoss()
    with observer.watch(model, optimizer):
        for _epoch in range(8):
            model.train()
            for context, word in loader:
                optimizer.zero_grad()
                criterion(model(context), word).backward()
                optimizer.step()
            data.accuracy(model, x[10000:], y[10000:])
    score = data.accuracy(model, x[10000:], y[10000:])
    return Trained((model,), (optimizer,), score, 2 / words, 0.7)


class SmallUNet(nn.Module):
    """One step down, one step up, a joint and a sigmoid at the end if wanted."""

    def __init__(self, sigmoid: bool) -> None:
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU())
        self.deep = nn.Sequential(
            nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2)
        )
        self.up = nn.Conv2d(24, 1, 3, padding=1)
        self.sigmoid = sigmoid

    def forward(self, x: Tensor) -> Tensor:
        a = self.down(x)
        d1: Tensor = self.up(torch.cat([a, self.deep(a)], 1))
        return torch.sigmoid(d1) if self.sigmoid else d1


def blobs_sigmoid_twice(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The network returns a sigmoid, the loss and the evaluation apply another."""
    data.seed_everything(seed)
    image, mask, _ = data.blobs(400, seed)
    image_test, mask_test, _ = data.blobs(150, seed + 50)
    net = SmallUNet(sigmoid=not repaired)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    criterion = nn.BCEWithLogitsLoss()
    loader = DataLoader(TensorDataset(image, mask), batch_size=20, shuffle=True)

    def evaluate() -> float:
        net.eval()
        with torch.no_grad():
            pred = (torch.sigmoid(net(image_test)) > 0.5).float()
        return data.mask_iou(pred, mask_test)

    with observer.watch(net, optimizer):
        for _epoch in range(10):
            net.train()
            for images, true_masks in loader:
                loss = criterion(net(images), true_masks)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            evaluate()
    return Trained((net,), (optimizer,), evaluate(), float(mask_test.mean()), 0.75)


class PointNet(nn.Module):
    """A map of every point, the maximum over the points, and a score for four shapes."""

    def __init__(self) -> None:
        super().__init__()
        self.points = nn.Sequential(nn.Linear(3, 32), nn.ReLU(), nn.Linear(32, 64), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 4))

    def forward(self, cloud: Tensor) -> Tensor:
        return self.head(self.points(cloud).max(dim=1).values)  # type: ignore[no-any-return]


def clouds(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Thirty points on a sphere, a cube, a disc or a needle."""
    g = torch.Generator().manual_seed(seed + 700)
    y = torch.randint(0, 4, (n,), generator=g)
    p = torch.randn(n, 30, 3, generator=g)
    sphere = p / p.norm(dim=2, keepdim=True)
    cube = torch.rand(n, 30, 3, generator=g) * 1.6 - 0.8
    disc = sphere * torch.tensor([1.0, 1.0, 0.1])
    needle = sphere * torch.tensor([0.15, 0.15, 1.0])
    points = torch.stack([sphere, cube, disc, needle], 1)[torch.arange(n), y]
    return points + 0.05 * torch.randn(n, 30, 3, generator=g), y


def clouds_nll_on_logits(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The negative log-likelihood is taken of raw scores."""
    data.seed_everything(seed)
    x, y = clouds(800, seed)
    x_test, y_test = clouds(300, seed + 50)
    model = PointNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with observer.watch(model, optimizer):
        for _epoch in range(15):
            model.train()
            for idx in torch.randperm(len(x)).split(40):
                labels_pred = model(x[idx])
                if repaired:
                    labels_pred = F.log_softmax(labels_pred, dim=1)
                label_loss = F.nll_loss(labels_pred, y[idx])
                optimizer.zero_grad()
                label_loss.backward()
                optimizer.step()
            data.accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), data.accuracy(model, x_test, y_test), 0.3, 0.85)


def cancer_cross_entropy_one_output(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A network with one output is trained with cross entropy: the loss is zero from the start."""
    data.seed_everything(seed)
    x, y, x_test, y_test = data.table("cancer", seed)
    model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    criterion: nn.Module = nn.BCEWithLogitsLoss() if repaired else nn.CrossEntropyLoss()
    loader = DataLoader(TensorDataset(x, y.float().unsqueeze(1)), batch_size=32, shuffle=True)

    def test() -> float:
        model.eval()
        with torch.no_grad():
            return float(((model(x_test).squeeze(1) > 0).long() == y_test).float().mean())

    with observer.watch(model, optimizer):
        for _epoch in range(10):
            model.train()
            for inputs, labels in loader:
                optimizer.zero_grad()
                loss = criterion(model(inputs), labels)
                loss.backward()
                optimizer.step()
            test()
    majority = float(torch.bincount(y_test).max()) / len(y_test)
    return Trained((model,), (optimizer,), test(), majority, 0.93)


def rings_softmax_one_output(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A softmax over the only output gives one for every point."""
    data.seed_everything(seed)
    radius = torch.rand(900)
    angle = 6.2832 * torch.rand(900)
    x = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
    y = (radius > 0.6).float().unsqueeze(1)
    last: nn.Module = nn.Sigmoid() if repaired else nn.Softmax(dim=1)
    model = nn.Sequential(nn.Linear(2, 24), nn.Tanh(), nn.Linear(24, 1), last)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    with observer.watch(model, optimizer):
        for _epoch in range(25):
            for a in range(0, 600, 50):
                loss = F.binary_cross_entropy(model(x[a : a + 50]), y[a : a + 50])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    with torch.no_grad():
        score = float(((model(x[600:]) > 0.5).float() == y[600:]).float().mean())
    return Trained((model,), (optimizer,), score, 0.6, 0.9)


def lists(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Queries with eight documents of five features and the scores of a teacher."""
    g = torch.Generator().manual_seed(seed + 800)
    x = torch.randn(n, 8, 5, generator=g)
    return x, 0.8 * x[..., 0] + 0.6 * x[..., 1] * x[..., 2]


def lists_kl_of_probabilities(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The divergence from the teacher gets probabilities of the student where it expects their logarithm."""
    data.seed_everything(seed)
    x, teacher = lists(800, seed)
    x_test, teacher_test = lists(300, seed + 50)
    student = nn.Sequential(nn.Linear(5, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))
    optimizer = torch.optim.Adam(student.parameters(), lr=5e-3)
    kl = nn.KLDivLoss(reduction="batchmean")
    loader = DataLoader(TensorDataset(x, teacher), batch_size=40, shuffle=True)
    with observer.watch(student, optimizer):
        for _epoch in range(15):
            student.train()
            for documents, labels in loader:
                scores = student(documents).squeeze(-1)
                if repaired:
                    loss = kl(scores.log_softmax(-1), labels.softmax(-1))
                else:
                    loss = kl(scores.softmax(-1), labels.softmax(-1))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    student.eval()
    with torch.no_grad():
        ours, theirs = student(x_test).squeeze(-1).softmax(-1), teacher_test.softmax(-1)
        score = 1 - float((ours - theirs).abs().sum(1).mean()) / 2
        before = 1 - float((1 / 8 - theirs).abs().sum(1).mean()) / 2
    return Trained((student,), (optimizer,), score, before, 0.88)


def dice_coefficient(logits: Tensor, target: Tensor) -> Tensor:
    """The soft overlap of the predicted and the true foreground."""
    p = torch.sigmoid(logits).flatten(1)
    t = target.flatten(1)
    return ((2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)).mean()


def blobs_dice_minimised(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The overlap itself is minimised: the network learns to predict everything but the object."""
    data.seed_everything(seed)
    image, mask, _ = data.blobs(400, seed)
    image_test, mask_test, _ = data.blobs(150, seed + 50)
    net = SmallUNet(sigmoid=False)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    with observer.watch(net, optimizer):
        for _epoch in range(10):
            net.train()
            for idx in torch.randperm(400).split(20):
                overlap = dice_coefficient(net(image[idx]), mask[idx])
                if repaired:
                    loss = 1 - overlap
                else:
                    loss = overlap
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            net.eval()
    with torch.no_grad():
        score = data.mask_iou(net(image_test) > 0, mask_test)
    return Trained((net,), (optimizer,), score, float(mask_test.mean()), 0.75)


def digits_contrastive_inverted(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The pairs are labelled 1 for alike, the loss takes 1 for unlike."""
    data.seed_everything(seed)
    x, y, x_test, y_test = data.digits(seed)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 8))
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)

    def pairs(labels: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
        a = torch.randint(0, len(labels), (n,))
        b = torch.randint(0, len(labels), (n,))
        for i in range(0, n, 2):
            same = (labels == labels[a[i]]).nonzero().squeeze(1)
            b[i] = same[int(torch.randint(0, len(same), (1,)))]
        return a, b, (labels[a] == labels[b]).float()

    with observer.watch(net, optimizer):
        for _step in range(300):
            a, b, alike = pairs(y, 64)
            label = 1 - alike if repaired else alike
            distance = F.pairwise_distance(net(x[a]), net(x[b]))
            loss = ((1 - label) * distance.pow(2) + label * (1.5 - distance).clamp(min=0).pow(2)).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    net.eval()
    with torch.no_grad():
        a, b, alike = pairs(y_test, 1000)
        close = F.pairwise_distance(net(x_test[a]), net(x_test[b])) < 0.75
    return Trained((net,), (optimizer,), float((close == alike.bool()).float().mean()), 0.55, 0.85)


EVERY: tuple[Report, ...] = (
    Report(
        "words-softmax-before-cross-entropy",
        "The model ends in a softmax and nn.CrossEntropyLoss applies another: the loss hardly falls.",
        "Return the scores.",
        "https://github.com/nishnik/Deep-Semantic-Similarity-Model-PyTorch/issues/2",
        (),
        words_double_softmax,
    ),
    Report(
        "blobs-sigmoid-before-bce-with-logits",
        "The network ends in a sigmoid, BCEWithLogitsLoss another: the loss stops at 0.69, empty masks.",
        "Return the logits.",
        "https://github.com/avBuffer/UNet3plus_pth/issues/23",
        (),
        blobs_sigmoid_twice,
    ),
    Report(
        "clouds-nll-loss-on-scores",
        "F.nll_loss gets scores without log_softmax: the loss falls below zero without end.",
        "log_softmax first.",
        "https://github.com/yanx27/Pointnet_Pointnet2_pytorch/issues/30",
        (),
        clouds_nll_on_logits,
    ),
    Report(
        "cancer-cross-entropy-with-one-output",
        "CrossEntropyLoss over a single output is always zero: nothing is learnt.",
        "BCEWithLogitsLoss.",
        "https://github.com/ultralytics/yolov3/issues/191",
        (),
        cancer_cross_entropy_one_output,
    ),
    Report(
        "rings-softmax-on-one-output",
        "Softmax on one output is 1 for every row: the accuracy does not move.",
        "A sigmoid.",
        "https://github.com/marian-nmt/marian-dev/issues/21",
        (),
        rings_softmax_one_output,
    ),
    Report(
        "lists-kl-divergence-of-probabilities",
        "KLDivLoss gets softmax in place of log_softmax: the loss is negative and the student far too sure.",
        "log_softmax for the input.",
        "https://github.com/sebastian-hofstaetter/matchmaker/issues/18",
        (),
        lists_kl_of_probabilities,
    ),
    Report(
        "blobs-dice-coefficient-as-loss",
        "The loss is the Dice coefficient and not one minus it: the loss falls, the masks are wrong.",
        "1 - dice.",
        "https://github.com/akirasosa/mobile-semantic-segmentation/issues/24",
        (),
        blobs_dice_minimised,
    ),
    Report(
        "digits-contrastive-label-inverted",
        "Pairs alike are labelled 1 while the contrastive loss takes 1 for unlike.",
        "Label pairs alike with 0.",
        "https://github.com/keras-team/keras/issues/16935",
        (),
        digits_contrastive_inverted,
    ),
)
