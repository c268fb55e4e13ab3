"""A training problem as a value, and the ordinary loops that people write around one."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from benchmarks.faults.own.data import Rows
from torch import Generator, Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from levinthal.clinic import Watch, watch

Order = Callable[["TrainingCase", Tensor, Generator], Iterator[Tensor]]
"""TrainingCase, targets (n,), generator -> row numbers, batch after batch."""
SPLITS = ("development", "held-out")
"""The rules may be learnt from the first; the second measures them."""


@dataclass(frozen=True)
class TrainingCase:
    """Everything that defines a training; `base` names the healthy case that a faulty one was made from."""

    name: str
    data: Callable[[int], Rows]
    model: Callable[[], nn.Module]
    loss: Callable[[Any, Tensor], Tensor]
    optimizer: Callable[[nn.Module], Optimizer | tuple[Optimizer, ...]]
    batch: int = 32
    steps: int = 100
    every: int = 5
    schedule: Callable[[Optimizer], LRScheduler] | None = None
    frozen: tuple[str, ...] = ()
    clip: Callable[[nn.Module], object] | None = None
    accumulate: int = 1
    autocast: bool = False
    zero_every: int = 1
    loop: Callable[[Run, Tensor, Tensor], None] = field(default_factory=lambda: ordinary)
    order: Order = field(default_factory=lambda: shuffled)
    batch_made: Callable[[Tensor, Tensor], Rows] | None = None
    """The change that the loader makes to a batch."""
    evaluates: str = ""
    """`right`: with eval() and train() around it; `in train`: without; `stays`: eval() and never train()."""
    prepare: Callable[[nn.Module], object] | None = None
    """A change of the model after the optimiser was made."""
    validation: Callable[[Rows, Rows], Any] | None = None
    """Training rows and held-out rows in, the watch's `validation` argument out."""
    scored: Callable[[TrainingCase, nn.Module, Rows], float] = field(default_factory=lambda: score)
    base: str = ""

    @property
    def split(self) -> str:
        """`development` or `held-out`, by a hash of the healthy case's name."""
        return SPLITS[zlib.crc32((self.base or self.name).encode()) & 1]


@dataclass(frozen=True)
class FaultyCase:
    """A faulty case, its healthy baseline, and the cause.

    `also` are codes as correct as the first; a `silent` fault need not show in the score.
    """

    problem: TrainingCase
    baseline: TrainingCase
    code: str
    also: tuple[str, ...] = ()
    silent: bool = False

    @property
    def split(self) -> str:
        """The split of its healthy baseline."""
        return self.baseline.split


@dataclass
class Run:
    """A training in progress."""

    problem: TrainingCase
    model: nn.Module
    optimizers: tuple[Optimizer, ...]
    schedules: list[LRScheduler]
    step: int = 0


def ordinary(run: Run, x: Tensor, y: Tensor) -> None:
    """Forward, backward, step; with accumulation, autocast, clipping and schedule where the case has them."""
    p = run.problem
    if p.zero_every and run.step % p.zero_every == 0:
        for optimizer in run.optimizers:
            optimizer.zero_grad()
    for some, targets in zip(x.chunk(p.accumulate), y.chunk(p.accumulate), strict=True):
        with torch.autocast("cpu", torch.bfloat16, enabled=p.autocast):
            loss = p.loss(run.model(some), targets)
        (loss / p.accumulate).backward()
    if p.clip:
        p.clip(run.model)
    stepped: tuple[Optimizer | LRScheduler, ...] = (*run.optimizers, *run.schedules)
    for one in stepped:
        one.step()


def with_closure(run: Run, x: Tensor, y: Tensor) -> None:
    """The loop of LBFGS, which evaluates several times a step."""

    def closure() -> Tensor:
        run.optimizers[0].zero_grad()
        loss = run.problem.loss(run.model(x), y)
        loss.backward()
        return loss

    run.optimizers[0].step(closure)  # type: ignore[arg-type]


def rivalry(run: Run, x: Tensor, _y: Tensor) -> None:
    """A GAN's loop: the discriminator's step, then the generator's."""
    critic, painter = run.optimizers
    loss = run.problem.loss
    critic.zero_grad()
    fake, real = run.model(torch.randn(len(x), 4), x)
    (loss(fake, torch.zeros_like(fake)) + loss(real, torch.ones_like(real))).backward()
    critic.step()
    painter.zero_grad()
    fake = run.model(torch.randn(len(x), 4))
    loss(fake, torch.ones_like(fake)).backward()
    painter.step()


def shuffled(problem: TrainingCase, targets: Tensor, generator: Generator) -> Iterator[Tensor]:
    """Epoch after epoch, each in an order of its own."""
    while True:
        whole = len(targets) // problem.batch * problem.batch
        yield from torch.randperm(len(targets), generator=generator)[:whole].split(problem.batch)


def split(rows: Rows) -> tuple[Rows, Rows]:
    """Three quarters of the rows to train on, one quarter for the score."""
    x, y = rows
    cut = 3 * len(x) // 4
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


def begun(problem: TrainingCase, seed: int) -> tuple[Run, Rows, Rows]:
    """A training before its first step, the training rows, and the held-out rows."""
    torch.manual_seed(seed)
    rows, held = split(problem.data(seed))
    model = problem.model()
    made = problem.optimizer(model)
    optimizers = (made,) if isinstance(made, Optimizer) else made
    if problem.prepare:
        problem.prepare(model)
    schedules = [problem.schedule(o) for o in optimizers] if problem.schedule else []
    return Run(problem, model, optimizers, schedules), rows, held


def steps(run: Run, rows: Rows, held: Rows, seed: int) -> Iterator[int]:
    """Train; yields the number of finished steps after each."""
    (x, y), problem = rows, run.problem
    batches = problem.order(problem, y, Generator().manual_seed(seed))
    for run.step in range(problem.steps):
        chosen = next(batches)
        batch = (x[chosen], y[chosen])
        problem.loop(run, *(problem.batch_made(*batch) if problem.batch_made else batch))
        if problem.evaluates and run.step % 20 == 9:
            _evaluate(run, held)
        yield run.step + 1


def watching(run: Run, rows: Rows, held: Rows) -> Watch:
    """The watch with the settings of the evaluation."""
    p = run.problem
    return watch(
        run.model,
        run.optimizers,
        loss_fn=p.loss if p.validation else None,
        every=p.every,
        validation=p.validation(rows, held) if p.validation else None,
        frozen=p.frozen,
    )


def trained(
    problem: TrainingCase, seed: int, observe: Callable[[int, Watch], None] | None = None
) -> tuple[Watch, float]:
    """Train inside a watch; the watch, and the score on held-out rows."""
    run, rows, held = begun(problem, seed)
    with warnings.catch_warnings(), watching(run, rows, held) as w:
        warnings.simplefilter("ignore")
        for done in steps(run, rows, held, seed):
            if observe:
                observe(done, w)
    return w, problem.scored(problem, run.model, held)


def _evaluate(run: Run, held: Rows) -> None:
    if run.problem.evaluates != "in train":
        run.model.eval()
    with torch.no_grad():
        run.model(held[0])
    if run.problem.evaluates == "right":
        run.model.train()


def answer_of(output: Any) -> Tensor:
    """The first tensor of a tensor, a tuple or a mapping."""
    if isinstance(output, Tensor):
        return output
    first: Tensor = next(iter(output.values())) if isinstance(output, Mapping) else output[0]
    return first


def score(problem: TrainingCase, model: nn.Module, held: Rows) -> float:
    """Mean recall of the classes above chance (0 to 1), or the share of variance explained; nan is 0."""
    x, y = problem.batch_made(*held) if problem.batch_made else held
    model.eval()
    with torch.no_grad():
        out = answer_of(model(x)).float()
    if y.is_floating_point() and not set(y.unique().tolist()) <= {0.0, 1.0}:
        y, out = y.reshape(len(y), -1), out.reshape(len(y), -1)
        value = 1 - float(((out - y) ** 2).mean() / y.var(0).mean())
    else:
        predicted = (out > 0).long() if y.is_floating_point() else out.argmax(1)
        value = _recall(predicted.reshape(-1), y.long().reshape(-1))
    return max(value, 0.0) if value == value else 0.0


def _recall(predicted: Tensor, y: Tensor) -> float:
    classes = y.unique()
    recalls = [float((predicted[y == c] == c).float().mean()) for c in classes]
    chance = 1 / max(len(classes), 2)
    return (sum(recalls) / len(recalls) - chance) / (1 - chance)
