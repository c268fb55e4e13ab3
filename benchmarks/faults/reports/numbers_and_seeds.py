"""Numbers that stop being finite, weights that start wrong, data and seeds that change or stay."""

from __future__ import annotations

import copy
from itertools import pairwise

import torch
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports.data_c import (
    accuracy,
    digits,
    loader,
    neighbours,
    r2,
    seed_everything,
    spirals,
    split,
    waves,
)
from sklearn.datasets import load_breast_cancer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset


def root_of_zero(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Pairs of digits, among them an image with itself: the derivative of the root at zero."""
    seed_everything(seed)
    x, y, x_test, y_test = digits(seed)
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 12))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    eps = 1e-8 if repaired else 0.0
    with observer.watch(net, optimizer):
        for _ in range(8):
            for xb, yb in loader(x, y, 64):
                other = torch.randint(0, len(xb), (len(xb),))
                a, b = net(xb), net(xb[other])
                distance = torch.sqrt(((a - b) ** 2).sum(1) + eps)
                same = (yb == yb[other]).float()
                loss = (same * distance**2 + (1 - same) * F.relu(2 - distance) ** 2).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    with torch.no_grad():
        score = neighbours(net(x), y, net(x_test), y_test)
    return Trained((net,), (optimizer,), score, 0.1, 0.85)


def log_of_softmax(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Tumours by their measures as they are: the logarithm of a softmax which is zero."""
    seed_everything(seed)
    raw = load_breast_cancer()
    x, y, x_test, y_test = split(torch.tensor(raw.data, dtype=torch.float32), torch.tensor(raw.target), seed)
    model = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    before = max(0.63, accuracy(model, x_test, y_test))
    with observer.watch(model, optimizer):
        for _ in range(25):
            for xb, yb in loader(x, y):
                logits = model(xb)
                if repaired:
                    log_p = F.log_softmax(logits, dim=1)
                else:
                    log_p = torch.log(F.softmax(logits, dim=1))
                loss = -(F.one_hot(yb, 2) * log_p).sum(1).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), before, 0.75)


class SetNet(nn.Module):
    """The mean of the members of a set, then a classifier; an empty set has the mean zero."""

    def __init__(self, safe: bool) -> None:
        super().__init__()
        self.safe = safe
        self.member = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32))
        self.out = nn.Sequential(nn.ReLU(), nn.Linear(32, 3))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Classes of the sets."""
        weight = mask.unsqueeze(2)
        h = self.member(x)
        count = weight.sum(1)
        norm = (h.pow(2) * weight).sum(1)
        if self.safe:
            scale = torch.where(count > 0, norm, 1.0).sqrt()
            spread = torch.where(count > 0, scale / count.clamp(min=1), torch.zeros_like(norm))
        else:
            spread = torch.where(count > 0, norm.sqrt() / count, torch.zeros_like(norm))
        mean = (h * weight).sum(1) / count.clamp(min=1)
        out: Tensor = self.out(mean + spread)
        return out


def empty_sets(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Sets of points, a few of them empty: torch.where hides 0 / 0 forwards, not backwards."""
    seed_everything(seed)
    y = torch.randint(0, 3, (800,))
    size = torch.randint(0, 9, (800,))
    x = torch.randn(800, 8, 2) * torch.tensor([0.5, 1.0, 2.0])[y][:, None, None]
    mask = (torch.arange(8) < size[:, None]).float()
    test = torch.arange(800) >= 560
    fit = torch.arange(560)
    model = SetNet(safe=repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _ in range(15):
            for (rows,) in DataLoader(TensorDataset(fit), batch_size=32, shuffle=True):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(x[rows], mask[rows]), y[rows])
                loss.backward()
                optimizer.step()
    filled = test & (size > 2)
    with torch.no_grad():
        score = float((model(x[filled], mask[filled]).argmax(1) == y[filled]).float().mean())
    return Trained((model,), (optimizer,), score, 0.4, 0.6)


def masked_after_loss(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Three targets of which some are missing: the error is masked after it was computed."""
    seed_everything(seed)
    x = torch.randn(900, 6)
    clean = torch.stack([x[:, 0] * x[:, 1], x[:, 2].abs() - x[:, 3], (x[:, 4] + x[:, 5]).tanh()], 1)
    y = clean + 0.05 * torch.randn(900, 3)
    y[torch.rand(900, 3) < 0.1] = torch.nan
    net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    criterion = nn.MSELoss(reduction="none")
    with observer.watch(net, optimizer):
        for _ in range(15):
            for xb, yb in loader(x[:700], y[:700]):
                mask = torch.logical_not(torch.isnan(yb))
                out = net(xb)
                loss = criterion(out[mask], yb[mask]).mean() if repaired else criterion(out, yb)[mask].mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    with torch.no_grad():
        score = r2(net(x[700:]), clean[700:])
    return Trained((net,), (optimizer,), score, 0.0, 0.65)


def same_weights(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Spirals by a network whose weights all start at the same number."""
    seed_everything(seed)
    x, y, x_test, y_test = spirals(seed)
    model = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    for layer in model:
        if isinstance(layer, nn.Linear):
            if repaired:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            else:
                nn.init.constant_(layer.weight, 0.05)
            nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    before = max(0.5, accuracy(model, x_test, y_test))
    with observer.watch(model, optimizer):
        for _ in range(18):
            for xb, yb in loader(x, y):
                optimizer.zero_grad()
                F.cross_entropy(model(xb), yb).backward()
                optimizer.step()
            accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), before, 0.88)


def relu_at_the_end(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Standardised strengths of mixtures by a network that ends in a ReLU."""
    seed_everything(seed)
    x = torch.rand(900, 8)
    y = 8 * x[:, 0] * x[:, 1] - 5 * (x[:, 2] - 0.4) ** 2 + 3 * x[:, 3] + 0.3 * torch.randn(900)
    y = (y - y.mean()) / y.std()
    layers: list[nn.Module] = [nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1)]
    if not repaired:
        layers.append(nn.ReLU())
    net = nn.Sequential(*layers)
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    with observer.watch(net, optimizer):
        for _ in range(18):
            for xb, yb in loader(x[:650], y[:650]):
                optimizer.zero_grad()
                F.mse_loss(net(xb).squeeze(1), yb).backward()
                optimizer.step()
    with torch.no_grad():
        score = r2(net(x[650:]).squeeze(1), y[650:])
    return Trained((net,), (optimizer,), score, 0.0, 0.78)


class Plain(nn.Module):
    """Many tanh layers for a series."""

    def __init__(self, std: float) -> None:
        super().__init__()
        sizes = [40, 64, 64, 64, 64, 4]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=std)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the kinds."""
        for layer in self.layers:
            x = layer(torch.relu(x)) if layer is not self.layers[0] else layer(x)
        return x


def tiny_weights(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Waves by many layers whose weights are drawn with a deviation of 0.01."""
    seed_everything(seed)
    x, y, x_test, y_test = waves(seed)
    model = Plain(0.2 if repaired else 0.01)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    before = max(0.25, accuracy(model, x_test, y_test))
    with observer.watch(model, optimizer):
        for _ in range(20):
            for xb, yb in loader(x, y):
                optimizer.zero_grad()
                F.cross_entropy(model(xb), yb).backward()
                optimizer.step()
            accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), before, 0.75)


class Scans(Dataset[tuple[Tensor, Tensor]]):
    """Digits in memory, augmented when they are asked for."""

    def __init__(self, x: Tensor, y: Tensor, copied: bool) -> None:
        self.x, self.y, self.copied = x, y, copied

    def __len__(self) -> int:
        """How many."""
        return len(self.x)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        """One image with noise and another brightness."""
        image = self.x[i].clone() if self.copied else self.x[i]
        image *= 0.8 + 0.4 * torch.rand(1)
        image += 0.4 * torch.randn(64)
        return image, self.y[i]


def augmented_in_place(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The noise of every epoch is added to the data in memory."""
    seed_everything(seed)
    x, y, x_test, y_test = digits(seed)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    data = DataLoader(Scans(x, y, copied=repaired), batch_size=64, shuffle=True)
    with observer.watch(model, optimizer):
        for _ in range(20):
            for xb, yb in data:
                optimizer.zero_grad()
                F.cross_entropy(model(xb), yb).backward()
                optimizer.step()
            accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), 0.1, 0.86)


def seeded_every_epoch(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A denoiser whose seed is set at the start of every epoch: each image meets one noise for ever."""
    seed_everything(seed)
    x, _, x_test, _ = digits(seed)
    x = x[:128]
    net = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 64))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)

    def train_one_epoch(epoch: int) -> None:
        """Predict the noise that was added."""
        torch.manual_seed(42 + epoch if repaired else 42)
        for (batch,) in DataLoader(TensorDataset(x), batch_size=32, shuffle=True):
            noise = 0.3 * torch.randn_like(batch)
            optimizer.zero_grad()
            F.mse_loss(net(batch + noise), noise).backward()
            optimizer.step()

    with observer.watch(net, optimizer):
        for epoch in range(96):
            train_one_epoch(epoch)
    torch.manual_seed(1000 + seed)
    noise = 0.3 * torch.randn_like(x_test)
    with torch.no_grad():
        score = r2(net(x_test + noise), noise)
    return Trained((net,), (optimizer,), score, 0.0, 0.58)


def best_not_copied(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Labels of which many are wrong: the weights of the best epoch are kept by reference."""
    seed_everything(seed)
    x, y, x_test, y_test = digits(seed)
    x, y = x[:500], y[:500].clone()
    flip = torch.rand(500) < 0.5
    y[flip] = torch.randint(0, 10, (int(flip.sum()),))
    x_val, y_val, x_test, y_test = x_test[:200], y_test[:200], x_test[200:], y_test[200:]
    model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    best_acc, best_model_wts = 0.0, model.state_dict()
    with observer.watch(model, optimizer):
        for _ in range(45):
            for xb, yb in loader(x, y, 64):
                optimizer.zero_grad()
                F.cross_entropy(model(xb), yb).backward()
                optimizer.step()
            val_acc = accuracy(model, x_val, y_val)
            if val_acc > best_acc:
                best_acc = val_acc
                best_model_wts = copy.deepcopy(model.state_dict()) if repaired else model.state_dict()
    model.load_state_dict(best_model_wts)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), 0.1, 0.8)


GITHUB = "https://github.com/"
EVERY: tuple[Report, ...] = (
    Report(
        "digit-pairs-root-of-a-zero-distance",
        "A pair may be an image with itself: the derivative of sqrt at 0 is infinite, all weights "
        "become nan.",
        "A small number stands below the root.",
        GITHUB + "richzhang/PerceptualSimilarity/issues/69",
        (),
        root_of_zero,
    ),
    Report(
        "tumours-log-of-a-softmax",
        "torch.log(softmax(x)) is -inf where a probability becomes 0, and the loss is nan after some steps.",
        "log_softmax.",
        GITHUB + "summerlvsong/Aggregation-Cross-Entropy/issues/2",
        (),
        log_of_softmax,
    ),
    Report(
        "sets-where-after-a-division-by-zero",
        "torch.where replaces 0 / 0 for empty sets in the forward pass, but their gradients are nan "
        "all the same.",
        "The divisor is made safe before the division.",
        GITHUB + "pytorch/pytorch/issues/16317",
        (),
        empty_sets,
    ),
    Report(
        "three-targets-missing-ones-masked-after-the-loss",
        "The error of missing targets (nan) is masked after MSELoss: the gradients are nan though "
        "the loss is not.",
        "Outputs and targets are masked before the loss.",
        GITHUB + "pytorch/pytorch/issues/121416",
        (),
        masked_after_loss,
    ),
    Report(
        "spirals-all-weights-start-at-one-number",
        "All weights start at 0.05, so all units of a layer stay alike and the network is as good "
        "as one unit wide.",
        "Random weights.",
        GITHUB + "microsoft/ai-edu/issues/425",
        (),
        same_weights,
    ),
    Report(
        "mixtures-relu-after-the-regression-layer",
        "A ReLU after the last layer: the output is constantly zero, or zero for all targets below the mean.",
        "No activation at the end.",
        GITHUB + "ProteomicsML/ProteomicsML/pull/203",
        (),
        relu_at_the_end,
    ),
    Report(
        "waves-many-layers-with-tiny-weights",
        "Weights drawn with a deviation of 0.01: signals vanish from layer to layer and the loss "
        "does not move.",
        "A deviation of 0.2.",
        GITHUB + "ageron/handson-ml/pull/176",
        (),
        tiny_weights,
    ),
    Report(
        "digits-augmented-in-place",
        "__getitem__ adds noise to the data in memory: after some epochs no digit is left in them.",
        "A copy is augmented.",
        GITHUB + "facebookresearch/pycls/pull/21",
        (),
        augmented_in_place,
    ),
    Report(
        "digits-denoiser-seeded-at-every-epoch",
        "The seed is set at the start of each epoch: every image has the same noise for ever, "
        "learnt by heart.",
        "The seed of an epoch is 42 + epoch.",
        GITHUB + "k2-fsa/icefall/pull/221",
        (),
        seeded_every_epoch,
    ),
    Report(
        "digits-overfitted-weights-kept-by-reference",
        "best = model.state_dict() is no copy: what is loaded at the end are the overfitted last weights.",
        "copy.deepcopy(model.state_dict()).",
        GITHUB + "pytorch/tutorials/pull/188",
        (),
        best_not_copied,
    ),
)
