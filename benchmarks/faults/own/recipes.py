"""Building blocks of the healthy cases: optimisers, schedules, losses, initialisations."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from benchmarks.faults.case import Rows, TrainingCase, answer_of, trained
from benchmarks.faults.own.networks import Parts, Rivals, mlp
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer, lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

Make = Callable[[nn.Module], Optimizer]


def sgd(rate: float, momentum: float = 0.0, **words: Any) -> Make:
    """Stochastic gradient descent."""
    return lambda m: torch.optim.SGD(m.parameters(), rate, momentum=momentum, **words)


def adam(rate: float, **words: Any) -> Make:
    """Adam."""
    return lambda m: torch.optim.Adam(m.parameters(), rate, **words)


def adamw(rate: float, decay: float = 0.01) -> Make:
    """AdamW."""
    return lambda m: torch.optim.AdamW(m.parameters(), rate, weight_decay=decay)


def of_trainable(make: Callable[..., Optimizer], rate: float) -> Make:
    """An optimiser of the parameters that ask for a gradient."""
    return lambda m: make([p for p in m.parameters() if p.requires_grad], rate)


def norm_at(largest: float) -> Callable[[nn.Module], object]:
    """Clip the gradient's norm."""
    return lambda m: nn.utils.clip_grad_norm_(m.parameters(), largest)


def warm_up(steps: int, total: int) -> Callable[[Optimizer], LRScheduler]:
    """Linear warm-up, then a cosine to zero."""

    def make(optimizer: Optimizer) -> LRScheduler:
        up = lr_scheduler.LinearLR(optimizer, 0.01, total_iters=steps)
        down = lr_scheduler.CosineAnnealingLR(optimizer, total - steps)
        return lr_scheduler.SequentialLR(optimizer, [up, down], [steps])

    return make


def one_cycle(rate: float, total: int) -> Callable[[Optimizer], LRScheduler]:
    """Up and down in one cycle."""
    return lambda o: lr_scheduler.OneCycleLR(o, rate, total_steps=total + 1)


def classes(output: Any, target: Tensor) -> Tensor:
    """Cross-entropy of whatever holds the logits."""
    return functional.cross_entropy(answer_of(output), target)


def softened(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy with label smoothing."""
    return functional.cross_entropy(output, target, label_smoothing=0.1)


def log_likelihood(output: Tensor, target: Tensor) -> Tensor:
    """The same in two calls."""
    return functional.nll_loss(functional.log_softmax(output, 1), target)


def by_hand(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy without any loss of torch's."""
    return (output.logsumexp(1) - output.gather(1, target[:, None])[:, 0]).mean()


def squares_by_hand(output: Tensor, target: Tensor) -> Tensor:
    """Mean squared error without any loss of torch's."""
    return ((output - target) ** 2).mean()


def kept_apart(output: Any, target: Tensor) -> Tensor:
    """Cross-entropy, and a small price on large features."""
    return functional.cross_entropy(output["logits"], target) + 1e-3 * output["features"].square().mean()


def scaled_targets(rows: Callable[[int], Rows], factor: float, offset: float = 0.0) -> Callable[[int], Rows]:
    """The same task in other units."""

    def scaled(seed: int) -> Rows:
        x, y = rows(seed)
        return x, offset + factor * y

    return scaled


class Scaled(nn.Module):
    """A model whose answers are given in the units of the targets."""

    def __init__(self, inner: nn.Module, factor: float):
        super().__init__()
        self.inner, self.factor = inner, factor

    def forward(self, x: Tensor) -> Tensor:
        """(n, ...) -> (n, outputs)"""
        return self.factor * self.inner(x)


def relative_squares(output: Tensor, target: Tensor) -> Tensor:
    """Squared error in thousands."""
    return functional.mse_loss(output / 1000, target / 1000)


def frozen_backbone() -> nn.Module:
    """Random features that stay, and a head that learns."""
    model = Parts(mlp((64, 128, 64)), nn.Linear(64, 10))
    model.backbone.requires_grad_(False)
    return model


def keep_norms(model: nn.Module) -> None:
    """Batch norm keeps its statistics, as is usual when fine-tuning."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval().requires_grad_(False)


@cache
def _weights(problem: TrainingCase) -> dict[str, Tensor]:
    with torch.random.fork_rng():
        watched, _ = trained(problem, 99)
    return {k: v.detach().clone() for k, v in watched.setup.model.state_dict().items()}


def continued(problem: TrainingCase) -> Callable[[], nn.Module]:
    """The model of another problem, trained already."""

    def made() -> nn.Module:
        model = problem.model()
        model.load_state_dict(_weights(problem))
        return model

    return made


def full_batch(_problem: TrainingCase, targets: Tensor, _dice: torch.Generator) -> Any:
    """All rows at every step."""
    while True:
        yield torch.arange(len(targets))


def orthogonal(make: Callable[[], nn.Module], gain: float) -> Callable[[], nn.Module]:
    """Orthogonal weight matrices."""

    def made() -> nn.Module:
        model = make()
        for p in model.parameters():
            if p.dim() >= 2:
                nn.init.orthogonal_(p, gain)
        return model

    return made


def empty_head(make: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    """The last layer is initialised to zero: the first outputs are 0."""

    def made() -> nn.Module:
        model = make()
        for p in list(model.parameters())[-2:]:
            nn.init.zeros_(p)
        return model

    return made


def unjudged(_problem: TrainingCase, _model: nn.Module, _held: Rows) -> float:
    """A score for what has none that a hundred steps could move: a generator, a likelihood."""
    return 1.0


def wide_and_deep(make: Make) -> Callable[[nn.Module], tuple[Optimizer, ...]]:
    """One optimiser for the backbone, one for the head."""

    def made(m: nn.Module) -> tuple[Optimizer, ...]:
        assert isinstance(m, Parts)
        return make(m.backbone), make(m.head)

    return made


def rivals(make: Make) -> Callable[[nn.Module], tuple[Optimizer, ...]]:
    """The discriminator's optimiser, then the generator's."""

    def made(m: nn.Module) -> tuple[Optimizer, ...]:
        assert isinstance(m, Rivals)
        return make(m.discriminator), make(m.generator)

    return made
