"""Optimisers with torch's or Keras' constants, as frozen values that build the real thing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from levinthal.errors import InputError, require_one_of
from levinthal.training.flat import FlatParameters

CONSTANTS = ("keras", "torch")

LATE = 1e9
"""A step at which Adam's bias corrections, rho^t, have vanished."""

OptimizerRule = Callable[[list[Tensor]], Optimizer]
"""What makes an optimiser of parameters: one of the values below, or any such function."""


def _require_rate(lr: float) -> None:
    if not lr >= 0:
        raise InputError(f"lr={lr} goes uphill: use a learning rate above 0 (0 keeps the weights)")


@dataclass(frozen=True, slots=True)
class SGD:
    """Gradient descent, torch's and Keras' alike: v <- momentum v + g; w <- w - lr v."""

    lr: float = 1e-2
    momentum: float = 0.0
    nesterov: bool = False

    def __call__(self, parameters: Iterable[Tensor]) -> Optimizer:
        """torch.optim.SGD, fused."""
        _require_rate(self.lr)
        return torch.optim.SGD(
            parameters, self.lr, momentum=self.momentum, nesterov=self.nesterov, fused=True
        )


@dataclass(frozen=True, slots=True)
class RMSprop:
    """w <- w - lr g / (sqrt(v) + eps), v <- rho v + (1 - rho) g^2 from v = 0, no bias correction.

    The first step has size lr / sqrt(1 - rho). Keras: rho .9, eps 1e-8 up to 2.1.2, 1e-7 from 2.1.3;
    torch: rho .99, eps 1e-8, the same rule. What is None takes the default of `constants`.
    """

    lr: float = 1e-3
    constants: str = "keras"
    rho: float | None = None
    eps: float = 1e-8

    def __call__(self, parameters: Iterable[Tensor]) -> Optimizer:
        """The rule in one pass over memory: Adam, fused, with beta1 = 0 and its corrections long past."""
        _require_rate(self.lr)
        require_one_of("constants", self.constants, CONSTANTS)
        rho = self.rho if self.rho is not None else {"keras": 0.9, "torch": 0.99}[self.constants]
        optimizer = torch.optim.Adam(parameters, self.lr, betas=(0.0, rho), eps=self.eps, fused=True)
        for weight in optimizer.param_groups[0]["params"]:
            zeros = (torch.zeros_like(weight) for _ in range(2))
            step = torch.tensor(LATE, dtype=torch.float32, device=weight.device)
            optimizer.state[weight] = dict(
                zip(("step", "exp_avg", "exp_avg_sq"), (step, *zeros), strict=True)
            )
        return optimizer


@dataclass(frozen=True, slots=True)
class Adam:
    """m and v are moving averages of g and g^2 with their start taken out.

    torch: eps is added to sqrt(v / (1 - b2^t)); Keras: to sqrt(v), with the rate corrected by
    sqrt(1 - b2^t) / (1 - b1^t), "epsilon hat" of Kingma & Ba (2015), section 2.
    """

    lr: float = 1e-3
    constants: str = "torch"
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __call__(self, parameters: Iterable[Tensor]) -> Optimizer:
        """torch.optim.Adam, fused; or Keras' rule."""
        _require_rate(self.lr)
        if require_one_of("constants", self.constants, CONSTANTS) == "keras":
            return KerasAdam(parameters, self.lr, self.betas, self.eps)
        return torch.optim.Adam(parameters, self.lr, betas=self.betas, eps=self.eps, fused=True)


class KerasAdam(Optimizer):
    """Adam as Keras writes it: w <- w - lr_t m / (sqrt(v) + eps)."""

    def __init__(
        self, parameters: Iterable[Tensor], lr: float, betas: tuple[float, float], eps: float
    ) -> None:
        super().__init__(parameters, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move the parameters that have a gradient."""
        del closure
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._move(weight, weight.grad, group)

    def _move(self, weight: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state.update(t=0, m=torch.zeros_like(weight), v=torch.zeros_like(weight))
        state["t"] += 1
        b1, b2 = group["betas"]
        m = state["m"].lerp_(grad, 1 - b1)
        v = state["v"].mul_(b2).addcmul_(grad, grad, value=1 - b2)
        rate = group["lr"] * (1 - b2 ** state["t"]) ** 0.5 / (1 - b1 ** state["t"])
        weight.addcdiv_(m, v.sqrt().add_(group["eps"]), value=-rate)


OPTIMIZERS: dict[str, OptimizerRule] = {"sgd": SGD(), "rmsprop": RMSprop(), "adam": Adam()}


def named_optimizer(optimizer: str | OptimizerRule) -> OptimizerRule:
    """The optimiser of that name with its default constants, or the rule itself."""
    if isinstance(optimizer, str):
        return OPTIMIZERS[require_one_of("optimizer", optimizer, OPTIMIZERS)]
    return optimizer


def build(rule: OptimizerRule, flat: FlatParameters, model: nn.Module) -> Optimizer:
    """The optimiser: over whole rows where the rule is ours and works number by number."""
    elementwise = isinstance(rule, SGD | RMSprop | Adam)
    return rule(list(flat.rows) if elementwise else list(model.parameters()))
