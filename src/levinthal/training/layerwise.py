"""Rules with one step size per layer: constants, gradient norms equalised at each step, LARS, and Adam.

They are for ensembles with this order of parameters: all weights (S, out, in) layer by layer, then all biases
(S, out). `SigmoidNets` has it. Every member has its own learning rate. A layer is its weights and biases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

Speeds = Float[Tensor, "s layer"]
Factors = Callable[[Sequence[Tensor], Sequence[Tensor]], Speeds]
"""Parameters and their gradients to a positive factor for each member and layer."""


def norms(tensors: Sequence[Tensor]) -> Speeds:
    """Euclidean norm over the weights and biases of each layer of each member.

    >>> norms([torch.full((1, 2, 3), 2.0), torch.full((1, 2), 1.0)]).square()
    tensor([[26.]])
    """
    half = len(tensors) // 2
    pairs = zip(tensors[:half], tensors[half:], strict=True)
    return torch.stack([torch.cat((w.flatten(1), b), 1).norm(dim=1) for w, b in pairs], dim=1)


def equalising(gradients: Sequence[Tensor]) -> Speeds:
    """The factors that give each layer's gradient the norm of the last layer's; 1 where it is zero."""
    speeds = norms(gradients)
    return torch.where(speeds > 0, speeds[:, -1:] / speeds, 1)


def rescaled(tensors: Sequence[Tensor], factors: Speeds) -> list[Tensor]:
    """Each layer's weights and biases times the layer's factor: D g."""
    half = len(tensors) // 2
    return [
        tensor * factors[:, i % half].view(-1, *[1] * (tensor.ndim - 1)) for i, tensor in enumerate(tensors)
    ]


def constant(factors: Speeds) -> Factors:
    """The same factors at every step."""
    return lambda *_: factors


def tracked(weights: Sequence[Tensor], gradients: Sequence[Tensor]) -> Speeds:
    """The equalising factors of the current batch, computed at every step."""
    del weights
    return equalising(gradients)


def lars(weights: Sequence[Tensor], gradients: Sequence[Tensor]) -> Speeds:
    """||w|| / ||g||: a step is a fixed share of the layer's norm (LARS: You, Gitman & Ginsburg 2017).

    Weight decay and momentum of the paper are left out. The step does not shrink with the gradient.
    """
    speeds = norms(gradients)
    return torch.where(speeds > 0, norms(weights) / speeds, 1)


class LayerwiseSGD(Optimizer):
    """w_l <- w_l - r_s d_sl g_l for member s and layer l, with the factors d that `factors` gives."""

    def __init__(self, parameters: Iterable[Tensor], rates: Float[Tensor, " s"], factors: Factors) -> None:
        super().__init__(parameters, {})
        self.rates = rates
        self.factors = factors

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every layer by its own factor times the member's learning rate."""
        del closure
        weights = self.param_groups[0]["params"]
        gradients = [weight.grad for weight in weights]
        factors = self.factors(weights, gradients) * self.rates[:, None]
        for weight, move in zip(weights, rescaled(gradients, factors), strict=True):
            weight.sub_(move)


class MemberAdam(Optimizer):
    """torch.optim.Adam's rule, where member s has its own learning rate r_s (Kingma & Ba 2015, alg. 1)."""

    def __init__(
        self,
        parameters: Iterable[Tensor],
        rates: Float[Tensor, " s"],
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, {"betas": betas, "eps": eps})
        self.rates = rates
        self.taken = 0

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter. Its first axis is the member."""
        del closure
        self.taken += 1
        for group in self.param_groups:
            b1, b2 = group["betas"]
            corrections = 1 - b1**self.taken, (1 - b2**self.taken) ** 0.5
            for weight in group["params"]:
                state = self.state[weight]
                if not state:
                    state.update(m=torch.zeros_like(weight), v=torch.zeros_like(weight))
                m = state["m"].lerp_(weight.grad, 1 - b1)
                v = state["v"].mul_(b2).addcmul_(weight.grad, weight.grad, value=1 - b2)
                rates = (self.rates / corrections[0]).view(-1, *[1] * (weight.ndim - 1))
                weight.sub_(m / (v.sqrt() / corrections[1]).add_(group["eps"]) * rates)
