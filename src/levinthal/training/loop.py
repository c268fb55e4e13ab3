"""One training loop that is a generator of snapshots. It prints nothing and writes no file."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from levinthal.arguments import in_short, whole
from levinthal.errors import InputError, require_one_of
from levinthal.networks.ensemble import Ensemble
from levinthal.networks.gradients import EnsembleGradients
from levinthal.networks.losses import Loss, fitting, named_loss
from levinthal.training.flat import FlatParameters, flatten, gradient
from levinthal.training.members import RowGradients, Summed
from levinthal.training.optimizers import OptimizerRule, RMSprop, build, named_optimizer
from levinthal.training.schedules import MOST_STEPS, batch_rows, log_spaced, orders, steps_of
from levinthal.user_data import as_tensor, require_module
from levinthal.vocabulary import Snapshot

Array = Tensor | np.ndarray


def train(
    model: nn.Module,
    inputs: Array,
    labels: Array,
    *,
    steps: int,
    loss: str | Loss = "cross_entropy",
    optimizer: str | OptimizerRule = RMSprop(),  # noqa: B008  (a frozen value)
    batch_size: int | None = None,
    order_seeds: int | Sequence[int] = 0,
    snapshots: Collection[int] | None = None,
    device: str = "auto",
) -> Iterator[Snapshot]:
    """Train a model in place and yield a Snapshot at chosen steps.

    Snapshot t is the state after t updates, just before update t + 1. It holds the weights, the running
    statistics, and in `.grad` the gradients of the next batch. The snapshot at t = steps comes after the last
    update. Nothing is computed ahead, so the caller may stop early. Changes that a reader makes to gradients,
    buffers, modes or torch's random state are undone after the snapshot. Only writing to the weights changes
    the run.

    A loss that is not finite raises nothing. The snapshot carries it and training goes on, so that one
    diverged network of an ensemble does not stop the others.

    Args:
        model: an `Ensemble` of S seeds, or any module from a batch to logits (n, classes).
        inputs: (n, ...) samples: a tensor, an array or nested lists.
        labels: (n,) class numbers, or (n, ...) float targets.
        steps: number of updates.
        loss: "cross_entropy", "squared_error", or a function (outputs, labels) -> loss. It gives (S) losses
            for an ensemble and a scalar for any other module.
        optimizer: "sgd", "rmsprop", "adam", or a function from parameters to a `torch.optim.Optimizer`.
        batch_size: samples per update; None is the full batch. An epoch is a permutation of the samples, and
            its incomplete last batch is dropped.
        order_seeds: seed of the data order, 0 or more: one for all networks of an ensemble, or one each.
        snapshots: the steps to yield at, from 0; by default `log_spaced(steps)`.
        device: "auto" (the GPU where there is one), "cpu" or "cuda".

    Returns:
        A generator of Snapshots. `snapshot.loss` is that of the next batch, (S) or scalar, in the unit of
        `loss` (nats for cross-entropy).

    Raises:
        InputError: inputs and labels are no arrays of numbers or differ in number, the batch size or the
            number of steps is impossible, or a name is unknown. With the first snapshot: data, model and
            loss do not fit each other.

    >>> from levinthal.training import SGD
    >>> net = nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.ones_(net.weight)
    >>> x, y = torch.ones(4, 1), torch.zeros(4, 1)
    >>> run = train(net, x, y, steps=3, loss="squared_error", optimizer=SGD(0.25), snapshots=range(4))
    >>> [snapshot.loss.item() for snapshot in run]  # w <- w - 0.25 * 2 w halves the weight; the loss is w^2
    [1.0, 0.25, 0.0625, 0.015625]
    """
    require_module(model)
    steps = whole("steps", steps, least=0, most=MOST_STEPS, because="goes back in time")
    target = choose_device(device)
    x, y = as_tensor(inputs, "inputs").to(target), as_tensor(labels, "labels").to(target)
    x = x.to(next(model.parameters()).dtype) if x.is_floating_point() else x
    y = y if y.is_floating_point() else y.long()
    if len(x) != len(y):
        raise InputError(f"{len(x)} inputs and {len(y)} labels: give one label for each input")
    if not len(x):
        raise InputError("0 inputs: there is nothing to train on")
    seeds = len(model.seeds) if isinstance(model, Ensemble) else 1
    feed = _Feed(x, y, batch_size, order_seeds, seeds)
    rule, measure = named_optimizer(optimizer), named_loss(loss)
    shown = frozenset(log_spaced(steps) if snapshots is None else steps_of("snapshots", snapshots))
    return _snapshots(model.to(target), feed, measure, rule, steps, shown)


def choose_device(device: str) -> torch.device:
    """The torch device of a name.

    Args:
        device: "auto" (the GPU where there is one, else the CPU), "cpu" or "cuda".

    Returns:
        The device.

    Raises:
        InputError: the name is unknown, or it is "cuda" and torch sees no CUDA device.

    >>> choose_device("cpu")
    device(type='cpu')
    """
    require_one_of("device", device, ("auto", "cpu", "cuda"))
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise InputError("device='cuda' but torch sees no CUDA device: use device='cpu' or 'auto'")
    return torch.device("cuda" if there and device != "cpu" else "cpu")


class _Feed:
    """Batches of the data, one for all networks or one for each. The full batch is not copied."""

    def __init__(
        self, x: Tensor, y: Tensor, batch_size: int | None, order_seeds: int | Sequence[int], seeds: int
    ) -> None:
        self.x, self.y = x, y
        order_seeds = orders(order_seeds)
        self._rows = None if batch_size is None else batch_rows(len(x), batch_size, order_seeds, seeds)
        self.epoch_steps = 1 if batch_size is None else max(1, len(x) // int(batch_size))

    def next(self) -> tuple[Tensor, Tensor]:
        if self._rows is None:
            return self.x, self.y
        rows = next(self._rows).to(self.x.device, non_blocking=True)
        flat = rows.reshape(-1)
        x, y = self.x.index_select(0, flat), self.y.index_select(0, flat)
        return x.view(*rows.shape, *x.shape[1:]), y.view(*rows.shape, *y.shape[1:])


@dataclass(frozen=True, slots=True)
class _State:
    """Everything besides the weights that a forward pass, or a reader of a snapshot, may change."""

    buffers: dict[str, Tensor]
    training: dict[str, bool]
    gradients: tuple[Tensor, ...]
    random: Tensor

    @staticmethod
    def of(model: nn.Module, flat: FlatParameters) -> _State:
        return _State(
            {name: buffer.clone() for name, buffer in model.named_buffers()},
            {name: module.training for name, module in model.named_modules()},
            tuple(gradient(row).clone() for row in flat.rows),
            torch.get_rng_state(),
        )

    @torch.no_grad()
    def restore(self, model: nn.Module, flat: FlatParameters) -> None:
        _restore_buffers(model, self.buffers)
        for name, module in model.named_modules():
            module.training = self.training[name]
        for row, stored in zip(flat.rows, self.gradients, strict=True):
            gradient(row).copy_(stored)
        flat.relink()
        torch.set_rng_state(self.random)


@torch.no_grad()
def _restore_buffers(model: nn.Module, stored: dict[str, Tensor]) -> None:
    for name, buffer in model.named_buffers():
        buffer.copy_(stored[name])


Gradients = Callable[[Tensor, Tensor, Loss], Tensor]


def _gradients_of(model: nn.Module, flat: FlatParameters) -> Gradients:
    """The function that writes the gradients of a batch and returns its loss."""
    if isinstance(model, Ensemble):
        return EnsembleGradients(model)
    by_hand = RowGradients.of(model)

    def written(x: Tensor, y: Tensor, loss: Loss) -> Tensor:
        if by_hand is not None and isinstance(loss, Summed):
            return by_hand(x, loss)
        flat.zero()
        value = scalar(loss(model(x), y))
        value.backward()  # type: ignore[no-untyped-call]
        return value.detach()

    return written


def scalar(value: Any) -> Tensor:
    """The value of a loss. Raises InputError where it is not one number in a tensor."""
    if isinstance(value, Tensor) and value.numel() == 1:
        return value
    raise InputError(f"the loss returns {in_short(value)}: return one number, as a tensor")


def _first(gradients: Gradients, model: nn.Module, x: Tensor, y: Tensor, loss: Loss) -> Tensor:
    """The first gradients: here it shows whether data, model and loss fit each other."""
    with fitting(x, y):
        value = gradients(x, y, loss)
    wanted = (len(model.seeds),) if isinstance(model, Ensemble) else value.shape
    if value.shape != wanted:
        raise InputError(f"the loss has shape {tuple(value.shape)}: return one number a network, {wanted}")
    return value


def _snapshots(
    model: nn.Module, feed: _Feed, loss: Loss, rule: OptimizerRule, steps: int, shown: frozenset[int]
) -> Iterator[Snapshot]:
    flat = flatten(model)
    optimizer, gradients = build(rule, flat, model), _gradients_of(model, flat)
    model.train()
    for step in range(steps + (steps in shown)):
        x, y = feed.next()
        before = {name: buffer.clone() for name, buffer in model.named_buffers()} if step in shown else {}
        value = gradients(x, y, loss) if step else _first(gradients, model, x, y, loss)
        if step in shown:
            after = _State.of(model, flat)
            _restore_buffers(model, before)
            yield Snapshot(step, step / feed.epoch_steps, model, x, y, value)
            after.restore(model, flat)
            if step == steps:
                _restore_buffers(model, before)
                return
        optimizer.step()
