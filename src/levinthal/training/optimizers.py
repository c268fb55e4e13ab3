"""Optimisers with torch's or Keras' constants: frozen values that build a `torch.optim.Optimizer`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from levinthal.arguments import flag, function, in_short, number, several
from levinthal.errors import InputError, require_one_of, said_by
from levinthal.training.flat import FlatParameters

CONSTANTS = ("keras", "torch")
BETAS = "betas=(0.9, 0.999)"
EXAMPLE = "'sgd', 'rmsprop', 'adam', or a function of the parameters that builds an optimiser"

LATE = 1e9
"""A step at which Adam's bias corrections, rho^t, have vanished."""

OptimizerRule = Callable[[list[Tensor]], Optimizer]
"""A function from parameters to their optimiser. The values below are such functions."""


def _set(rule: Any, **checked: Any) -> None:
    """Put checked values into a frozen rule."""
    for name, value in checked.items():
        object.__setattr__(rule, name, value)


def _rate(lr: Any) -> float:
    """A learning rate; 0 keeps the weights."""
    return number("lr", lr, least=0, because="goes uphill")


@dataclass(frozen=True, slots=True)
class SGD:
    """Stochastic gradient descent: v <- momentum v + g; w <- w - lr v. Torch and Keras agree on it.

    Args:
        lr: learning rate, 0 or above. At 0 the weights do not change.
        momentum: decay of the velocity v, in [0, 1).
        nesterov: whether the update is momentum v + g, after Nesterov (Sutskever et al. 2013, sec. 2).

    Calling the value with parameters gives a fused `torch.optim.SGD`.

    Raises:
        InputError: for a number that is none or out of its range.

    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> w.grad = torch.tensor([0.5])
    >>> SGD(lr=0.5)([w]).step()
    >>> w.item()  # 1 - 0.5 * 0.5
    0.75
    """

    lr: float = 1e-2
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        momentum = number("momentum", self.momentum, least=0, below=1)
        _set(self, lr=_rate(self.lr), momentum=momentum, nesterov=flag("nesterov", self.nesterov))
        if self.nesterov and not momentum:
            raise InputError("nesterov=True looks ahead along a velocity, and momentum=0: give momentum=0.9")

    def __call__(self, parameters: Iterable[Tensor]) -> Optimizer:
        """A fused `torch.optim.SGD` of the parameters."""
        return torch.optim.SGD(
            parameters, self.lr, momentum=self.momentum, nesterov=self.nesterov, fused=True
        )


@dataclass(frozen=True, slots=True)
class RMSprop:
    """RMSprop: v <- rho v + (1 - rho) g^2, from v = 0; w <- w - lr g / (sqrt(v) + eps). No bias correction.

    The first step of every weight has size lr / sqrt(1 - rho), whatever its gradient. Source: Tieleman &
    Hinton (2012), lecture 6.5. Torch and Keras use this rule with different constants.

    Args:
        lr: learning rate, 0 or above.
        constants: "keras" (rho .9) or "torch" (rho .99), the default of `rho`.
        rho: decay of the mean square; None takes that of `constants`.
        eps: added to the root. Keras used 1e-8 up to version 2.1.2 and 1e-7 from 2.1.3; torch uses 1e-8.

    Calling the value with parameters gives the optimiser.

    Raises:
        InputError: for a number that is none or out of its range, or unknown `constants`.

    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> w.grad = torch.tensor([1e-3])
    >>> RMSprop(lr=0.1)([w]).step()
    >>> round(1 - w.item(), 4)  # 0.1 / sqrt(0.1)
    0.3162
    """

    lr: float = 1e-3
    constants: str = "keras"
    rho: float | None = None
    eps: float = 1e-8

    def __post_init__(self) -> None:
        require_one_of("constants", self.constants, CONSTANTS)
        rho = None if self.rho is None else number("rho", self.rho, least=0, below=1)
        _set(self, lr=_rate(self.lr), rho=rho, eps=number("eps", self.eps, least=0))

    def __call__(self, parameters: Iterable[Tensor]) -> Optimizer:
        """The rule in one pass over memory: fused Adam with beta1 = 0 and bias corrections at their limit."""
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
    """Adam: m and v are moving averages of g and g^2, corrected for their zero initialisation.

    Source: Kingma & Ba (2015). Torch follows algorithm 1 and adds eps to sqrt(v / (1 - b2^t)). Keras adds it
    to sqrt(v) and corrects the learning rate by sqrt(1 - b2^t) / (1 - b1^t): "epsilon hat" of section 2.

    Args:
        lr: learning rate, 0 or above.
        constants: "torch" or "keras", which of the two rules.
        betas: decay of m and of v, each in [0, 1).
        eps: added to the root.

    Calling the value with parameters gives the optimiser.

    Raises:
        InputError: for a number that is none or out of its range, or unknown `constants`.

    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> w.grad = torch.tensor([1e-3])
    >>> Adam(lr=0.1)([w]).step()
    >>> round(1 - w.item(), 4)  # the first step has size lr, whatever the gradient
    0.1
    """

    lr: float = 1e-3
    constants: str = "torch"
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        require_one_of("constants", self.constants, CONSTANTS)
        betas = tuple(number("betas", b, least=0, below=1) for b in several("betas", self.betas, BETAS))
        if len(betas) != 2:
            raise InputError(f"betas={in_short(self.betas)} is no pair: pass {BETAS}")
        _set(self, lr=_rate(self.lr), betas=betas, eps=number("eps", self.eps, least=0))

    def __call__(self, parameters: Iterable[Tensor]) -> Optimizer:
        """A fused `torch.optim.Adam`, or an optimiser with Keras' rule."""
        if self.constants == "keras":
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
    return function("optimizer", optimizer, EXAMPLE)


def build(rule: OptimizerRule, flat: FlatParameters, model: nn.Module) -> Optimizer:
    """The optimiser, over whole rows of parameters where the rule is one of ours and elementwise."""
    elementwise = isinstance(rule, SGD | RMSprop | Adam)
    parameters: list[Tensor] = [*(flat.rows if elementwise else model.parameters())]
    try:
        made = rule(parameters)
    except Exception as error:
        raise InputError(f"the optimizer fails to be built: {said_by(error)}") from error
    if not isinstance(made, Optimizer):
        raise InputError(f"the function optimizer returns {in_short(made)}: return a torch.optim.Optimizer")
    return made
