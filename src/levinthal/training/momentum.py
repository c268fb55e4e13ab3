"""Momentum on a schedule, classical or Nesterov's, after Sutskever, Martens, Dahl & Hinton (2013).

    v <- mu_t v - r g(w + [Nesterov] mu_t v);   w <- w + v
    mu_t = min(1 - 2^(-1 - log2(floor(t / period) + 1)), most)                                 (eqs. 1 to 5)

`most` is 0 (gradient descent), .9, .99... The paper's period is 250 of 750,000 updates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.optim import Optimizer

from levinthal.arguments import whole


def momentum_at(step: int, most: float, period: int = 250) -> float:
    """mu_t = min(1 - 1 / (2 (floor(t / period) + 1)), most): one period each of 1/2, 3/4, 5/6, 7/8...

    >>> [momentum_at(t, 0.99) for t in (0, 249, 250, 500, 750)]
    [0.5, 0.5, 0.75, 0.8333333333333334, 0.875]
    >>> momentum_at(10_000, 0.9), momentum_at(0, 0.0)
    (0.9, 0.0)
    """
    whole("period", period, least=1, because="never ends")
    return min(1 - 0.5 / (step // period + 1), most)


class MemberMomentum(Optimizer):
    """The rule above for every member of an ensemble, where member s has its own learning rate r_s.

    The first axis of a parameter is the member. With `nesterov` the parameters hold the point w + mu_t v,
    where the gradient is taken, and not w. The two differ by one step of momentum.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        rates: Float[Tensor, " s"],
        most: float,
        *,
        nesterov: bool = False,
        period: int = 250,
    ) -> None:
        super().__init__(parameters, {})
        self.rates = rates
        self.most, self.nesterov, self.period = most, nesterov, period
        self.taken = 0

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter."""
        del closure
        now, soon = (momentum_at(t, self.most, self.period) for t in (self.taken, self.taken + 1))
        self.taken += 1
        for weight in self.param_groups[0]["params"]:
            state = self.state[weight]
            velocity = state.setdefault("velocity", torch.zeros_like(weight))
            if self.nesterov:  # from w + mu_t v, where the gradient was taken, back to w
                weight.sub_(velocity, alpha=now)
            rates = self.rates.view(-1, *[1] * (weight.ndim - 1)).to(weight)
            velocity.mul_(now).addcmul_(weight.grad, rates, value=-1)
            weight.add_(velocity, alpha=1 + soon if self.nesterov else 1)
