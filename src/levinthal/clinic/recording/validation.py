"""Validation: a held-out set that is evaluated about ten times a run and never trained on.

Validation rows and some training rows are put through the model in the same way, in evaluation mode. So
neither dropout, nor batch statistics, nor the augmentation of a loader causes a gap between them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic.recording.restored import attributes_restored, loader_restored
from levinthal.clinic.recording.row_reservoir import BYTES, Reservoir, count, moved, taken
from levinthal.errors import InputError
from levinthal.probes.untouched import untouched

LossFn = Callable[[Any, Any], Tensor]
ROWS, AT_ONCE, PIECES, REFERENCE = 2048, 256, 16, 512
PACE = 1.5
KNOWN = ("cross_entropy", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss", "smooth_l1_loss")
"""Loss functions of torch that can be applied to a model's output as it is."""
LOGITS = "binary_cross_entropy_with_logits"


@dataclass(frozen=True, slots=True)
class Score:
    """The loss and the accuracy of the model on some rows.

    Attributes:
        losses: (pieces,) the mean loss of each piece of the rows.
        right: () the number of right answers; None where answers cannot be counted.
        rows: The number of answers.
    """

    losses: Tensor
    right: Tensor | None
    rows: int

    @property
    def loss(self) -> float:
        """The mean loss."""
        return float(self.losses.mean())

    @property
    def error(self) -> float:
        """The standard error of the mean loss, from the spread of its pieces."""
        return float(self.losses.std() / math.sqrt(len(self.losses))) if len(self.losses) > 1 else math.nan

    @property
    def accuracy(self) -> float:
        """Share of right answers; nan where they cannot be counted."""
        return math.nan if self.right is None else float(self.right) / self.rows


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
        batches: What was read of the source, at most 256 rows each, on the device where it was.
        evaluations: The evaluations so far.
        trouble: The error that ended the evaluations; the training goes on.
    """

    source: Any
    loss_fn: LossFn | None = None
    batches: list[tuple[Any, Any]] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)
    trouble: str = ""
    _due: float = 0.0

    def read(self) -> None:
        """Read up to 2,048 rows (and 128 MiB), once; restore random states and the loader's generator."""
        with self._noted(), loader_restored(self.source):
            self.batches = list(_batches(self.source))
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
        with self._noted(), untouched(model), attributes_restored(model), torch.no_grad():
            model.eval()
            self._evaluate(model, step, rows, kind)

    def _evaluate(self, model: nn.Module, step: int, rows: Reservoir, kind: str) -> None:
        loss = self.loss_fn or _known(kind)
        if loss is None:
            return
        size = min(max(sum(count(x) for x, _ in self.batches) // PIECES, 8), 128)
        held = scored(model, loss, self.batches, size, kind)
        seen = scored(model, loss, list(_comparable(rows, self.batches[0])), size, kind)
        if held is not None:
            self.evaluations.append(Evaluation(step, held, seen))

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """An error inside ends the evaluations, and nothing else."""
        try:
            yield
        except Exception as error:
            self.trouble = f"{type(error).__name__}: {error}"


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
    if not isinstance(validation, Iterable):
        raise InputError(f"validation is a {type(validation).__name__}: pass (inputs, targets) or a loader")
    if isinstance(validation, Iterator):
        raise InputError("validation is an iterator, which can be read only once: pass the DataLoader itself")
    return validation


def is_pair(value: Any) -> bool:
    """Whether a value is one batch (inputs, targets) rather than a collection of batches."""
    return isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[1], Tensor)


def _batches(source: Any) -> Iterator[tuple[Any, Any]]:
    """Pairs of at most 256 rows, until there are enough."""
    rows = size = 0
    for batch in [source] if is_pair(source) else source:
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise InputError(f"validation batch of type {type(batch).__name__}: give pairs (inputs, targets)")
        inputs, targets = batch
        for low in range(0, count(inputs), AT_ONCE):
            high = low + min(AT_ONCE, ROWS - rows)
            part = taken(inputs, low, high), taken(targets, low, high)
            rows, size = rows + count(part[0]), size + _bytes(part)
            yield part
            if rows >= ROWS or size > BYTES:
                return


def _bytes(value: Any) -> int:
    """The memory of all tensors in a value."""
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else ()
    return sum(map(_bytes, inner))


def _known(kind: str) -> LossFn | None:
    """The loss function of torch with this name, if it can be applied to an output."""
    return partial(_of_tensor, getattr(functional, kind)) if kind in KNOWN else None


def _of_tensor(function: LossFn, output: Any, targets: Any) -> Tensor:
    """The loss of an output that is a tensor."""
    if not isinstance(output, Tensor):
        raise InputError(f"the model returns a {type(output).__name__}: pass loss_fn=, which takes it")
    return function(output, targets)


def _comparable(rows: Reservoir, held: tuple[Any, Any]) -> Iterator[tuple[Tensor, Tensor]]:
    """Training rows whose targets have the type and shape of those of validation, the latest first."""
    left = REFERENCE
    for inputs, targets in reversed(list(rows.pairs())):
        same = isinstance(held[1], Tensor) and targets.dtype == held[1].dtype
        if left > 0 and same and targets.shape[1:] == held[1].shape[1:]:
            left -= len(inputs)
            yield inputs, targets


@torch.no_grad()
def scored(
    model: nn.Module, loss: LossFn, batches: Sequence[tuple[Any, Any]], size: int, kind: str
) -> Score | None:
    """The model's score on rows, with the loss of pieces of one size; None where no piece is full."""
    device = next(model.parameters()).device
    losses, right, rows = [], [], 0
    for inputs, targets in joined(batches):
        x, y = moved(inputs, device), moved(targets, device)
        output = model(x) if isinstance(x, Tensor) else model(**x) if isinstance(x, Mapping) else model(*x)
        ends = [(low, low + size) for low in range(0, count(x) - size + 1, size)]
        losses += [loss(taken(output, *piece), taken(y, *piece)).float().mean() for piece in ends]
        hits = _hits(output, y, kind)
        if hits is not None:
            right.append(torch.count_nonzero(hits))
            rows += hits.numel()
    total = torch.stack(right).sum() if right else None
    return Score(torch.stack(losses), total, rows) if losses else None


def joined(pairs: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """Small batches joined to about 256 rows, where inputs and targets are tensors of one shape."""
    held: list[tuple[Tensor, Tensor]] = []
    for inputs, targets in pairs:
        if not isinstance(inputs, Tensor) or not isinstance(targets, Tensor):
            yield inputs, targets
            continue
        full = sum(len(x) for x, _ in held) >= AT_ONCE
        if held and (full or inputs.shape[1:] != held[0][0].shape[1:]):
            yield _together(held)
            held = []
        held.append((inputs, targets))
    if held:
        yield _together(held)


def _together(pairs: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    return torch.cat([x for x, _ in pairs]), torch.cat([y for _, y in pairs])


def _hits(output: Any, targets: Any, kind: str) -> Tensor | None:
    """Which answers are right, where the targets are classes, or binary with logits."""
    if isinstance(output, Mapping):
        output = next(iter(output.values()), None)
    z = output[0] if isinstance(output, tuple | list) and output else output
    if not isinstance(z, Tensor) or not isinstance(targets, Tensor):
        return None
    if not targets.is_floating_point() and z.dim() == targets.dim() + 1 and z.shape[:1] == targets.shape[:1]:
        answers = z.argmax(1)
        return answers == targets if answers.shape == targets.shape else None
    return (z > 0) == (targets > 0.5) if kind == LOGITS and z.shape == targets.shape else None
