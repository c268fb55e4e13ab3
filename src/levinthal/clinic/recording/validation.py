"""Validation: a held-out set that is evaluated about ten times a run and never trained on.

Validation rows and some training rows are put through the model in the same way, in evaluation mode. So
neither dropout, nor batch statistics, nor the augmentation of a loader causes a gap between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from levinthal.arguments import article
from levinthal.clinic.recording.restored import loader_restored
from levinthal.clinic.recording.row_reservoir import BYTES, Reservoir, count, taken
from levinthal.clinic.recording.scoring import (
    AT_ONCE,
    BatchLoss,
    LossFn,
    Rule,
    Score,
    known_loss,
    loss_of_batch,
    loss_of_output,
    scored,
)
from levinthal.errors import InputError, said_by
from levinthal.interrupts import is_ctrl_c
from levinthal.probes.untouched import untouched

ROWS, PIECES, REFERENCE = 2048, 16, 512
PACE, EMPTY = 1.5, 10_000


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores on validation rows, and on training rows where these are known, after a step."""

    step: int
    held_out: Score
    training: Score | None


@dataclass(slots=True)
class Validation:
    """A validation set and its evaluations.

    Attributes:
        source: A pair (inputs, targets), or an iterable of such pairs.
        loss_fn: The loss; None for the loss function that the training calls.
        batch_loss: In place of `loss_fn`: a trainer's own way from a batch to its loss.
        training: As `source`, rows that the model is trained on; None for those that were seen.
        most: The most rows that are read of each source.
        batches: What was read of the source, at most 256 rows each, on the device where it was.
        training_batches: The same of `training`.
        evaluations: The evaluations so far.
        trouble: The error that ended the evaluations; the training goes on.
    """

    source: Any
    loss_fn: LossFn | None = None
    batch_loss: BatchLoss | None = None
    training: Any = None
    most: int = ROWS
    batches: list[tuple[Any, Any]] = field(default_factory=list)
    training_batches: list[tuple[Any, Any]] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    trouble: str = ""
    _due: float = 0.0

    def read(self) -> None:
        """Read up to 2,048 rows (and 128 MiB), once; restore random states and the loaders' generators."""
        source, training = plain_loader(self.source), plain_loader(self.training)
        with self._noted(), loader_restored(source), loader_restored(training):
            self.batches = list(_batches(source, self.most))
            self.training_batches = [] if training is None else list(_batches(training, self.most))
            if not self.batches:
                raise InputError(
                    "validation holds no tensor that has rows: pass (inputs, targets) as tensors"
                )

    def evaluate(
        self, model: nn.Module, step: int, rows: Reservoir, kind: str, *, last: bool = False
    ) -> None:
        """Evaluate if it is due: after the first sampled step, then when the steps have grown by half."""
        late = bool(self.evaluations) and step <= self.evaluations[-1].step
        if not self.batches or self.trouble or late or (not last and step < self._due):
            return
        self._due = PACE * step + 1
        losses = [loss for loss in (self.loss_fn, self.batch_loss) if loss is not None]
        with self._noted(), untouched(model, in_training=True, also=losses), torch.no_grad():
            model.eval()
            self._evaluate(model, step, rows, kind)

    def _evaluate(self, model: nn.Module, step: int, rows: Reservoir, kind: str) -> None:
        rule = self._rule(kind)
        if rule is None:
            return
        size = min(max(sum(count(x) for x, _ in self.batches) // PIECES, 8), 128)
        held = scored(model, rule, self.batches, size, kind)
        most = min(REFERENCE, self.most)
        training = self.training_batches or list(_comparable(rows, self.batches[0], most))
        seen = scored(model, rule, training, size, kind)
        if held is not None:
            self.evaluations.append(Evaluation(step, held, seen))

    def _rule(self, kind: str) -> Rule | None:
        """How a loss is computed; None where it is not known."""
        if self.batch_loss is not None:
            return loss_of_batch(self.batch_loss)
        loss = self.loss_fn or known_loss(kind)
        return None if loss is None else loss_of_output(loss)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """An error inside ends the evaluations, and nothing else."""
        try:
            yield
        except BaseException as error:  # also what would end the program, if the model raises it here alone
            if is_ctrl_c(error):
                raise
            self.trouble = said_by(error)


def as_validation(validation: Any, loss_fn: LossFn | None) -> Validation | None:
    """Validation data that a user or a callback gives, ready to be read; None where there are none.

    Raises:
        InputError: What `as_source` refuses.
    """
    if validation is None or isinstance(validation, Validation):
        return validation
    return Validation(as_source(validation), loss_fn)


def as_source(validation: Any) -> Any:
    """The validation set, if it can be read more than once.

    Raises:
        InputError: It is an iterator, a pair with arrays, or neither a pair nor an iterable.
    """
    if isinstance(validation, tuple | list) and any(isinstance(part, np.ndarray) for part in validation):
        raise InputError(
            "validation holds NumPy arrays, and the model takes tensors: pass "
            "(torch.as_tensor(inputs).float(), torch.as_tensor(targets))"
        )
    if validation is None or is_pair(validation):
        return validation
    if not isinstance(validation, Iterable) or isinstance(validation, str | bytes):
        kind = article(type(validation).__name__)
        raise InputError(f"validation is {kind}: pass (inputs, targets) or a loader")
    if isinstance(validation, tuple | list) and len(validation) == 2 and isinstance(validation[0], Tensor):
        kind = article(type(validation[1]).__name__)
        raise InputError(f"the targets of validation are {kind}: pass (inputs, targets) as tensors")
    if isinstance(validation, Iterator):
        raise InputError("validation is an iterator, which can be read only once: pass the DataLoader itself")
    return validation


def plain_loader(source: Any) -> Any:
    """The loader inside that of Accelerate, which counts what is read of it: if it is not read to its end,
    later gradients are accumulated by it instead of by the training loader.
    """
    return getattr(source, "base_dataloader", source)


def is_pair(value: Any) -> bool:
    """Whether a value is one batch (inputs, targets) rather than a collection of batches."""
    return isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[1], Tensor)


def _batches(source: Any, most: int) -> Iterator[tuple[Any, Any]]:
    """Pairs of at most 256 rows, until there are enough."""
    rows = size = empty = 0
    for batch in [source] if is_pair(source) else source:
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise InputError(f"validation batch of type {type(batch).__name__}: give pairs (inputs, targets)")
        inputs, targets = batch
        empty = 0 if count(inputs) else empty + 1
        if empty >= EMPTY:
            raise InputError(f"validation yields {EMPTY:,} empty batches one after the other: give rows")
        for low in range(0, count(inputs), AT_ONCE):
            high = low + min(AT_ONCE, most - rows)
            part = taken(inputs, low, high), taken(targets, low, high)
            rows, size = rows + count(part[0]), size + _bytes(part)
            yield part
            if rows >= most or size > BYTES:
                return


def _bytes(value: Any) -> int:
    """The memory of all tensors in a value."""
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else ()
    return sum(map(_bytes, inner))


def _comparable(rows: Reservoir, held: tuple[Any, Any], most: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Training rows whose targets have the type and shape of those of validation, the latest first."""
    left = most
    for inputs, targets in reversed(list(rows.pairs())):
        same = isinstance(held[1], Tensor) and targets.dtype == held[1].dtype
        if left > 0 and same and targets.shape[1:] == held[1].shape[1:]:
            left -= len(inputs)
            yield inputs, targets
