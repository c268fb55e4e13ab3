"""One training loop, a generator of snapshots: it computes, prints nothing and writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from levinthal.errors import InputError, require_one_of
from levinthal.networks.architecture import require_at_least
from levinthal.networks.ensemble import Ensemble
from levinthal.networks.gradients import EnsembleGradients
from levinthal.networks.losses import Loss, named_loss
from levinthal.training.flat import FlatParameters, flatten, gradient
from levinthal.training.optimizers import OptimizerRule, RMSprop, build, named_optimizer
from levinthal.training.schedules import batch_rows, log_spaced
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
    """Train in place, stopping to show a Snapshot at the steps of `snapshots` (default: log_spaced(steps)).

    Snapshot t is the state just before update t + 1, after t updates: weights, running statistics, and in
    the parameters the gradients of the batch about to be used. The last one, at t = steps, comes when
    all is done. Exhaust the generator, or stop early: nothing is computed ahead. What a reader of a
    snapshot does to gradients, buffers or mode is undone; only writing to the weights changes the run.

    `model` is an `Ensemble` of seeds (`loss` is (S)), or any module from a batch to (n, classes) logits
    (`loss` is a scalar). `batch_size` None is the full batch. `order_seeds`: one int, an order shared by
    all networks of an ensemble; or one each. An epoch is a permutation, its incomplete batch dropped.
    `loss`: "cross_entropy", "squared_error", or a callable (outputs, labels) -> one loss a network.

    A loss that is not finite raises nothing: the snapshot carries it and training goes on, so that one
    network of an ensemble that diverges does not stop the others.

    Raises InputError for data that disagree in number, an impossible batch size or number of steps, and
    unknown names.
    """
    require_at_least("steps", steps, 0, "goes back in time")
    target = choose_device(device)
    x, y = _on(inputs, target), _on(labels, target)
    x = x.to(next(model.parameters()).dtype) if x.is_floating_point() else x
    y = y if y.is_floating_point() else y.long()
    if len(x) != len(y):
        raise InputError(f"{len(x)} inputs and {len(y)} labels: give one label for each input")
    seeds = len(model.seeds) if isinstance(model, Ensemble) else 1
    feed = _Feed(x, y, batch_size, order_seeds, seeds)
    rule, measure = named_optimizer(optimizer), named_loss(loss)
    shown = frozenset(log_spaced(steps) if snapshots is None else snapshots)
    return _moments(model.to(target), feed, measure, rule, steps, shown)


def choose_device(device: str) -> torch.device:
    """`auto` is the GPU where there is one. Raises InputError for an unknown or absent device."""
    require_one_of("device", device, ("auto", "cpu", "cuda"))
    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise InputError("device='cuda' but torch sees no CUDA device: use device='cpu' or 'auto'")
    return torch.device("cuda" if there and device != "cpu" else "cpu")


def _on(array: Array, device: torch.device) -> Tensor:
    if isinstance(array, np.ndarray) and not array.flags.writeable:
        array = array.copy()
    return torch.as_tensor(array).to(device)


class _Feed:
    """Batches of the data, shared by all networks or one a network; the full batch copies nothing."""

    def __init__(
        self, x: Tensor, y: Tensor, batch_size: int | None, order_seeds: int | Sequence[int], seeds: int
    ) -> None:
        self.x, self.y = x, y
        self.epoch_steps = 1 if batch_size is None else max(1, len(x) // batch_size)
        self._rows = None if batch_size is None else batch_rows(len(x), batch_size, order_seeds, seeds)

    def next(self) -> tuple[Tensor, Tensor]:
        if self._rows is None:
            return self.x, self.y
        rows = next(self._rows).to(self.x.device, non_blocking=True)
        flat = rows.reshape(-1)
        x, y = self.x.index_select(0, flat), self.y.index_select(0, flat)
        return x.view(*rows.shape, *x.shape[1:]), y.view(*rows.shape, *y.shape[1:])


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """All that a forward pass, or a reader of a snapshot, may change beside the weights."""

    buffers: dict[str, Tensor]
    training: dict[str, bool]
    gradients: tuple[Tensor, ...]
    random: Tensor

    @staticmethod
    def of(model: nn.Module, flat: FlatParameters) -> _Snapshot:
        return _Snapshot(
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
        for row, kept in zip(flat.rows, self.gradients, strict=True):
            gradient(row).copy_(kept)
        flat.relink()
        torch.set_rng_state(self.random)


@torch.no_grad()
def _restore_buffers(model: nn.Module, kept: dict[str, Tensor]) -> None:
    for name, buffer in model.named_buffers():
        buffer.copy_(kept[name])


Gradients = Callable[[Tensor, Tensor, Loss], Tensor]


def _gradients_of(model: nn.Module, flat: FlatParameters) -> Gradients:
    """What writes the gradients of a batch and returns its loss."""
    if isinstance(model, Ensemble):
        return EnsembleGradients(model)

    def by_autograd(x: Tensor, y: Tensor, loss: Loss) -> Tensor:
        flat.zero()
        value = loss(model(x), y)
        value.backward()  # type: ignore[no-untyped-call]
        return value.detach()

    return by_autograd


def _moments(
    model: nn.Module, feed: _Feed, loss: Loss, rule: OptimizerRule, steps: int, shown: frozenset[int]
) -> Iterator[Snapshot]:
    flat = flatten(model)
    optimizer, gradients = build(rule, flat, model), _gradients_of(model, flat)
    model.train()
    for step in range(steps + (steps in shown)):
        x, y = feed.next()
        before = {name: buffer.clone() for name, buffer in model.named_buffers()} if step in shown else {}
        value = gradients(x, y, loss)
        if step in shown:
            after = _Snapshot.of(model, flat)
            _restore_buffers(model, before)
            yield Snapshot(step, step / feed.epoch_steps, model, x, y, value)
            after.restore(model, flat)
            if step == steps:
                _restore_buffers(model, before)
                return
        optimizer.step()
