"""The order of the calls in a loop: zero_grad, backward, clipping, accumulation, step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports.data_c import (
    accuracy,
    digits,
    energy_distance,
    loader,
    names,
    r2,
    seed_everything,
    table,
    waves,
)
from torch import Tensor, nn
from torch.nn import functional as F


def zero_after_backward(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Digits: the gradients are cleared between backward and step."""
    seed_everything(seed)
    x, y, x_test, y_test = digits(seed, images=True)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 10)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    before = max(0.1, accuracy(model, x_test, y_test))
    with observer.watch(model, optimizer):
        for _ in range(6):
            for xb, yb in loader(x, y):
                if repaired:
                    optimizer.zero_grad()
                loss = F.cross_entropy(model(xb), yb)
                loss.backward()
                if not repaired:
                    optimizer.zero_grad()
                optimizer.step()
            scheduler.step()
            accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), before, 0.85)


class Reader(nn.Module):
    """A GRU over a series."""

    def __init__(self, width: int = 24, outputs: int = 4) -> None:
        super().__init__()
        self.rnn = nn.GRU(1, width, batch_first=True)
        self.out = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Answer from the mean of the states."""
        out: Tensor = self.out(self.rnn(x.unsqueeze(2))[0].mean(1))
        return out


def never_zeroed(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Kinds of waves: zero_grad is nowhere in the trainer."""
    seed_everything(seed)
    x, y, x_test, y_test = waves(seed)
    model = nn.Sequential(
        nn.Unflatten(1, (1, 40)),
        nn.Conv1d(1, 24, 7),
        nn.ReLU(),
        nn.AdaptiveMaxPool1d(1),
        nn.Flatten(),
        nn.Linear(24, 4),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    before = max(0.25, accuracy(model, x_test, y_test))

    def train_epoch() -> None:
        """One pass over the training data."""
        model.train()
        for xb, yb in loader(x, y):
            if repaired:
                optimizer.zero_grad()
            loss = F.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()

    with observer.watch(model, optimizer):
        for _ in range(12):
            train_epoch()
            accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), before, 0.85)


def critic_never_zeroed(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A GAN on two clusters: only the generator's gradients are ever cleared."""
    seed_everything(seed)
    centre = torch.tensor([[1.5, 0.0], [-1.5, 1.0]])[torch.arange(1000) % 2]
    real = (centre + 0.3 * torch.randn(1000, 2))[torch.randperm(1000)]
    g = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
    d = nn.Sequential(
        nn.Linear(2, 48), nn.LeakyReLU(0.2), nn.Linear(48, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1)
    )
    opt_g = torch.optim.Adam(g.parameters(), lr=2e-3, betas=(0.5, 0.9))
    opt_d = torch.optim.Adam(d.parameters(), lr=2e-3, betas=(0.5, 0.9))
    with torch.no_grad():
        before = -energy_distance(g(torch.randn(500, 4)), real)
    with observer.watch([g, d], [opt_g, opt_d]):
        for _ in range(20):
            for i in range(0, 1000, 50):
                if repaired:
                    opt_d.zero_grad()
                fake = g(torch.randn(50, 4))
                loss_d = F.softplus(-d(real[i : i + 50])).mean() + F.softplus(d(fake.detach())).mean()
                loss_d.backward()
                opt_d.step()
                opt_g.zero_grad()
                loss_g = F.softplus(-d(fake)).mean()
                loss_g.backward()
                opt_g.step()
    with torch.no_grad():
        score = -energy_distance(g(torch.randn(500, 4)), real)
    return Trained((g, d), (opt_g, opt_d), score, before, -0.3)


def zeroed_every_micro_batch(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A masked series is filled in with accumulation: each small batch clears what the others gave."""
    seed_everything(seed)
    x, _, x_test, _ = waves(seed, 1600)
    keep = torch.rand(40) < 0.75
    model = nn.Sequential(nn.Linear(40, 96), nn.ReLU(), nn.Linear(96, 40))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.04, momentum=0.9)
    accumulation_steps = 8
    with observer.watch(model, optimizer):
        for _ in range(6):
            optimizer.zero_grad()
            for i, (xb, _) in enumerate(loader(x, x[:, 0], 4)):
                if not repaired:
                    optimizer.zero_grad()
                loss = F.mse_loss(model(xb * keep), xb) / accumulation_steps
                loss.backward()
                if (i + 1) % accumulation_steps == 0:
                    optimizer.step()
                    optimizer.zero_grad()
    with torch.no_grad():
        score = r2(model(x_test * keep)[:, ~keep], x_test[:, ~keep])
    return Trained((model,), (optimizer,), score, 0.0, 0.5)


def not_divided(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Wines with sixteen small batches to a step, whose losses are not divided by sixteen."""
    seed_everything(seed)
    x, y, x_test, y_test = table("wine", seed)
    model = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    before = max(0.4, accuracy(model, x_test, y_test))
    accum_grad_n_steps = 16
    with observer.watch(model, optimizer):
        step = 0
        for _ in range(40):
            for xb, yb in loader(x, y, 4):
                loss = F.cross_entropy(model(xb), yb)
                if repaired:
                    loss = loss / accum_grad_n_steps
                loss.backward()
                step += 1
                if step % accum_grad_n_steps == 0:
                    optimizer.step()
                    optimizer.zero_grad()
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), before, 0.9)


class Adding(nn.Module):
    """A plain recurrent network which adds up a series."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(1, 32, nonlinearity="relu", batch_first=True)
        nn.init.eye_(self.rnn.weight_hh_l0)  # type: ignore[arg-type]
        self.out = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The sum from the last state."""
        out: Tensor = self.out(self.rnn(x)[1][-1])
        return out.squeeze(1)


def clipped_after_step(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Sums of long series by a recurrent network: the gradients are clipped after the step."""
    seed_everything(seed)
    x = torch.rand(800, 50, 1)
    y = x.squeeze(2).sum(1) - 25
    model = Adding()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    with observer.watch(model, optimizer):
        for _ in range(15):
            for xb, yb in loader(x[:640], y[:640]):
                optimizer.zero_grad()
                loss = F.mse_loss(model(xb), yb)
                loss.backward()
                if repaired:
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                if not repaired:
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    with torch.no_grad():
        score = r2(model(x[640:]), y[640:])
    return Trained((model,), (optimizer,), score, 0.0, 0.35)


def grad_clipping(params: Iterable[Tensor], theta: float) -> None:
    """Scale the gradients down to a norm of theta, as a textbook writes it."""
    norm = torch.zeros(1)
    for param in params:
        norm += (param.grad**2).sum() if param.grad is not None else 0.0
    total = float(norm.sqrt())
    if total > theta:
        for param in params:
            if param.grad is not None:
                param.grad *= theta / total


class Speller(nn.Module):
    """A recurrent network which predicts the next letter of a name."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = nn.Embedding(27, 24)
        self.rnn = nn.RNN(24, 64, batch_first=True)
        self.out = nn.Linear(64, 27)

    def forward(self, x: Tensor) -> Tensor:
        """Scores of the next letter at every place."""
        out: Tensor = self.out(self.rnn(self.letters(x))[0])
        return out


def exhausted(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A model of letters: the function that clips goes twice over a generator of parameters."""
    seed_everything(seed)
    x, _, x_test, _ = names(seed)
    model = Speller()
    optimizer = torch.optim.SGD(model.parameters(), lr=100.0)

    def hits() -> float:
        """How often the next letter has the largest score."""
        with torch.no_grad():
            guess, truth = model(x_test[:, :-1]).argmax(2), x_test[:, 1:]
        return float((guess == truth)[truth > 0].float().mean())

    before = max(0.12, hits())
    with observer.watch(model, optimizer):
        for _ in range(15):
            for xb, _ in loader(x, x[:, 0]):
                loss = F.cross_entropy(model(xb[:, :-1]).flatten(0, 1), xb[:, 1:].flatten())
                optimizer.zero_grad()
                loss.backward()
                grad_clipping(list(model.parameters()) if repaired else model.parameters(), 0.01)
                optimizer.step()
            hits()
    return Trained((model,), (optimizer,), hits(), before, 0.5)


class Swish(torch.autograd.Function):
    """x * sigmoid(x) with a derivative by hand; the wrong one forgets what comes from above."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, complete: bool) -> Tensor:
        """The value."""
        ctx.save_for_backward(x)
        ctx.complete = complete
        return x * torch.sigmoid(x)

    @staticmethod
    def backward(ctx: Any, *grad_output: Tensor) -> tuple[Tensor, None]:
        """The derivative."""
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        local = s * (1 + x * (1 - s))
        return (grad_output[0] * local if ctx.complete else local), None


class SwishNet(nn.Module):
    """Two hidden layers with the activation written by hand."""

    def __init__(self, complete: bool) -> None:
        super().__init__()
        self.complete = complete
        self.a, self.b, self.c = nn.Linear(10, 48), nn.Linear(48, 48), nn.Linear(48, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Predict one number."""
        x = Swish.apply(self.a(x), self.complete)
        x = Swish.apply(self.b(x), self.complete)
        out: Tensor = self.c(x)
        return out.squeeze(1)


def backward_by_hand(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Friedman's function by a network whose own activation leaves out grad_output in backward."""
    seed_everything(seed)
    x = torch.rand(1000, 10)
    y = 10 * torch.sin(3.1416 * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
    y = (y - y.mean()) / y.std()
    model = SwishNet(complete=repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with observer.watch(model, optimizer):
        for _ in range(14):
            for xb, yb in loader(x[:700], y[:700]):
                optimizer.zero_grad()
                F.mse_loss(model(xb), yb).backward()
                optimizer.step()
    with torch.no_grad():
        score = r2(model(x[700:]), y[700:])
    return Trained((model,), (optimizer,), score, 0.0, 0.65)


def new_optimiser(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Digits with three batches to an epoch, and a new optimiser for every epoch."""
    seed_everything(seed)
    x, y, x_test, y_test = digits(seed)
    model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))

    def make() -> torch.optim.Optimizer:
        """Momentum for a small rate."""
        return torch.optim.SGD(model.parameters(), lr=2e-3, momentum=0.98, nesterov=True)

    optimizer = make()
    before = max(0.1, accuracy(model, x_test, y_test))

    def train_epoch() -> None:
        """One pass over the data, with an optimiser of its own unless one is kept."""
        opt = optimizer if repaired else make()
        for xb, yb in loader(x, y, 419):
            opt.zero_grad()
            F.cross_entropy(model(xb), yb).backward()
            opt.step()

    with observer.watch(model, optimizer):
        for _ in range(60):
            train_epoch()
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), before, 0.65)


GITHUB = "https://github.com/"
EVERY: tuple[Report, ...] = (
    Report(
        "digits-zero-grad-between-backward-and-step",
        "optimizer.zero_grad() stands between backward and step, so nothing is ever learnt.",
        "zero_grad stands before backward.",
        GITHUB + "Tony-Y/pytorch_warmup/issues/12",
        (),
        zero_after_backward,
    ),
    Report(
        "waves-without-zero-grad",
        "zero_grad is missing from the trainer: the gradients of all steps add up and the loss jumps about.",
        "zero_grad before every backward.",
        GITHUB + "yastrebksv/TennisCourtDetector/issues/7",
        (),
        never_zeroed,
    ),
    Report(
        "clusters-gan-critic-without-zero-grad",
        "The critic's optimiser never clears its gradients, which also gather those of the generator's loss.",
        "zero_grad for the critic as well.",
        GITHUB + "Hsintien-Ng/idinvert_pytorch-reproduced/issues/1",
        (),
        critic_never_zeroed,
    ),
    Report(
        "masked-waves-zero-grad-in-every-micro-batch",
        "zero_grad is called for every micro-batch, so a step sees the last one alone, divided by "
        "their number.",
        "zero_grad only after a step.",
        GITHUB + "ZiqiaoPeng/DualTalk/issues/9",
        (),
        zeroed_every_micro_batch,
    ),
    Report(
        "wine-accumulated-loss-not-divided",
        "The losses of the accumulated micro-batches are summed, not averaged: the steps are far too large.",
        "Each loss is divided by the number of micro-batches.",
        GITHUB + "hirofumi0810/neural_sp/issues/168",
        (),
        not_divided,
    ),
    Report(
        "sums-gradients-clipped-after-the-step",
        "clip_grad_norm_ comes after optimizer.step(): it does nothing and the recurrent network blows up.",
        "It comes between backward and step.",
        GITHUB + "VGraphRNN/VGRNN/issues/4",
        (),
        clipped_after_step,
    ),
    Report(
        "letters-clipping-an-exhausted-generator",
        "The function that clips goes twice over model.parameters(), a generator that is empty by then.",
        "A list of the parameters is given.",
        GITHUB + "ShusenTang/Dive-into-DL-PyTorch/issues/101",
        (),
        exhausted,
    ),
    Report(
        "friedman-backward-by-hand-without-grad-output",
        "A custom Function returns its local derivative without grad_output: the lower layers go anywhere.",
        "backward multiplies by grad_output.",
        GITHUB + "zergtant/pytorch-handbook/issues/69",
        (),
        backward_by_hand,
    ),
    Report(
        "digits-new-optimiser-in-every-epoch",
        "The optimiser is made anew for each epoch of few steps: its momentum is lost and learning "
        "is very slow.",
        "One optimiser is kept.",
        GITHUB + "alan-turing-institute/deepsensor/issues/47",
        (),
        new_optimiser,
    ),
)
