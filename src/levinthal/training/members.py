"""Independent members of an ensemble: each has its own data order and its own learning rate.

This is for ensembles of any module. The loop itself gives those of `first_last` an order each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim import Optimizer

from levinthal.networks.initial import generator
from levinthal.networks.losses import Loss
from levinthal.networks.sigmoid import SigmoidNets
from levinthal.networks.sigmoid_gradients import SLOPES, SigmoidGradients


class ByRow(nn.Module):
    """An ensemble whose input is row numbers (n, S), one column per member. It looks the data up itself.

    So one loop serves every member in its own order, and the data are held once.
    """

    def __init__(self, nets: nn.Module, inputs: Float[Tensor, "rows d"]) -> None:
        super().__init__()
        self.nets = nets
        self.inputs = [inputs]  # in a list: no buffer, for the loop copies buffers at every snapshot

    def forward(self, rows: Int[Tensor, "n s"]) -> Float[Tensor, "s n c"]:
        """Outputs of every member for its own rows."""
        out: Tensor = self.nets(self.inputs[0][rows.T])
        return out


def own_orders(rows: int, seeds: Sequence[int]) -> Int[Tensor, "rows s"]:
    """One permutation of the rows per seed: column s is the order of seed s.

    Every epoch the loop permutes these rows, the same way for all members. Each member still has its own
    order, because the columns differ.

    >>> own_orders(3, (0, 1, 0)).T.tolist()
    [[0, 2, 1], [1, 0, 2], [0, 2, 1]]
    """
    draws = {seed: torch.randperm(rows, generator=generator(seed, "own order")) for seed in set(seeds)}
    return torch.stack([draws[seed] for seed in seeds], dim=1)


@dataclass(frozen=True, slots=True)
class Summed:
    """The sum of the members' losses, with row numbers (n, S) in the place of labels.

    The networks share no parameter, so the gradient of the sum is the gradient of each network's own loss.
    """

    loss: Loss
    labels: Tensor

    def __call__(self, outputs: Float[Tensor, "s n c"], rows: Int[Tensor, "n s"]) -> Float[Tensor, ""]:
        """The sum for the rows of every member."""
        return self.loss(outputs, self.labels[rows.T]).sum()


class RowGradients:
    """Writes the gradients of a batch of rows and returns its summed loss, in passes over a few members."""

    def __init__(self, nets: SigmoidNets, inputs: Float[Tensor, "rows d"]) -> None:
        self.inputs = inputs
        self.passes = SigmoidGradients(nets)

    @classmethod
    def of(cls, model: nn.Module) -> RowGradients | None:
        """Those of a model whose backward pass is written by hand; None for any other."""
        if isinstance(model, ByRow) and isinstance(model.nets, SigmoidNets) and model.nets.unit in SLOPES:
            return cls(model.nets, model.inputs[0])
        return None

    def __call__(self, rows: Int[Tensor, "n s"], loss: Summed) -> Float[Tensor, ""]:
        """The loss. Each pass looks its own rows up, so that they are in the cache when they are read."""

        def batch(members: slice) -> tuple[Tensor, Tensor]:
            own = rows[:, members].T
            inputs = looked_up(self.inputs, own)
            return inputs, inputs if loss.labels is self.inputs else looked_up(loss.labels, own)

        return self.passes(batch, len(rows), loss.loss).sum()


def looked_up(values: Tensor, rows: Int[Tensor, "s n"]) -> Tensor:
    """`values[rows]`, by the faster of torch's two ways."""
    return values.index_select(0, rows.reshape(-1)).view(*rows.shape, *values.shape[1:])


class MemberSGD(Optimizer):
    """w <- (1 - r_s decay) w - r_s g, where member s has its own learning rate r_s.

    Biases (S, out) do not decay. The decay is lambda / n of the cost C + lambda / (2n) sum w^2 (Nielsen 2015,
    ch. 3, eq. 93).
    """

    def __init__(self, parameters: Iterable[Tensor], rates: Float[Tensor, " s"], decay: float = 0.0) -> None:
        super().__init__(parameters, {"decay": decay})
        self.rates = rates

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter. Its first axis is the member."""
        del closure
        for group in self.param_groups:
            for weight in group["params"]:
                rates = self.rates.view(-1, *[1] * (weight.ndim - 1)).to(weight)
                if group["decay"] and weight.ndim > 2:
                    weight.mul_(1 - rates * group["decay"])
                weight.addcmul_(weight.grad, rates, value=-1)
