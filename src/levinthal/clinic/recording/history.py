"""What is written down of one training step, and the history of such steps as arrays.

Numbers stay where they were made (a GPU's stay there) until somebody asks for findings: writing down a step
waits for nothing. The history keeps at most 400 steps, thinned evenly, so its memory does not grow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from levinthal.clinic.recording.row_reservoir import Reservoir
from levinthal.clinic.recording.validation import Validation

MOST, TURNS = 400, 3
ROBUST: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1_loss": functional.l1_loss,
    "smooth_l1_loss": functional.smooth_l1_loss,
    "huber_loss": functional.huber_loss,
}
BATCH = ("mean", "std", "non_finite", "fingerprint")
TENSOR = ("gradient", "weight", "update", "unchanged", "before_clipping")


@dataclass(slots=True)
class LossCall:
    """One call of a loss function: which, how reduced, on what shapes, and what its input looks like.

    `rows` is (5,), where they were looked at: the largest |row sum - 1| of the input, its least value, its
    share of exact zeros, its number of columns, its largest value. `counts` is how often each class is a
    target, where targets are classes; `target` (2,) the mean and variance of targets that are numbers;
    `value` what came out.
    """

    kind: str
    reduction: str
    input_shape: tuple[int, ...]
    target_shape: tuple[int, ...]
    rows: Tensor | None
    counts: Tensor | None = None
    target: Tensor | None = None
    value: Tensor | None = None


@dataclass(slots=True)
class LayerStats:
    """What some rows of a batch told of a layer: the norm of its output, and of an activation how many of its
    inputs lay on the flat part and how many of its units were constant there.
    """

    norm: Tensor
    count: int
    saturated_inputs: Tensor | None = None
    constant_units: Tensor | None = None
    inputs: int = 1
    units: int = 1
    saturates: bool = False

    @property
    def saturated_share(self) -> float:
        """Share of inputs on the flat part; nan for a layer that is no activation."""
        return (
            float("nan")
            if self.saturated_inputs is None
            else float(self.saturated_inputs) / max(self.inputs, 1)
        )

    @property
    def dead_share(self) -> float:
        """Share of units that are constant; nan for a layer that is no activation."""
        return (
            float("nan") if self.constant_units is None else float(self.constant_units) / max(self.units, 1)
        )


@dataclass(slots=True)
class Sample:
    """One training step. `tensors`: (parameters, 5) as in TENSOR; `names`, `kinds`, `layers` go together."""

    step: int
    batch_size: int = 0
    loss: Tensor | None = None
    batch: Tensor | None = None
    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    layers: list[LayerStats] = field(default_factory=list)
    tensors: Tensor | None = None
    losses: list[LossCall] = field(default_factory=list)
    stale: Tensor | None = None
    """The least norm of the gradients that lay there when a backward pass of this step began."""
    norms_in_eval: tuple[str, ...] = ()
    norm_sizes: dict[str, int] = field(default_factory=dict)
    """Values that each batch norm in training mode averaged over."""
    rates: tuple[float, ...] = ()
    without_gradient: tuple[str, ...] = ()
    direct_pairs: tuple[tuple[str, str], ...] = ()
    """Pairs of weighted layers with nothing between them."""
    dropout_rates: dict[str, float] = field(default_factory=dict)
    """Shares that dropout took, by place."""
    training: bool = True
    detailed: bool = False
    """Whether this step is looked at closer; what follows up to `recurrences` is told of such steps alone."""
    broadcast: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    """Shapes (n, 1) and (n,), or the reverse, of a difference or a product taken outside the model."""
    difference: Tensor | None = None
    """(4,) of the first difference outside the model of what was learnt and what was not: mean and variance
    of the targets, mean square and mean size of the difference. None where a loss function was called."""
    log_softmax_inputs: list[Tensor] = field(default_factory=list)
    """(5,) as in LossCall, of what a log-softmax outside the model was given."""
    summed: int = 0
    """The rows of the batch, if the loss is their sum by hand."""
    token_fingerprint: Tensor | None = None
    """What a batch of tokens is known by."""
    effective_ranks: dict[str, Tensor] = field(default_factory=dict)
    """Effective rank of each weighted layer's output, where this step was looked at closer."""
    attention: list[Tensor] = field(default_factory=list)
    """(3,) of each call of attention: entropy, the favourite token's share, unevenness."""
    external_update: Tensor | None = None
    """(2,) what became of the step before the next one began: the share of moved numbers that were put back,
    and the norm of all over what the step had left."""
    bounded: Tensor | None = None
    """(2, read) each gradient's largest number, and the share of its numbers that are as large."""
    bias_gradients: Tensor | None = None
    """(parameters,) root mean square of each vector's gradient."""
    affine_residuals: dict[tuple[str, str], Tensor] = field(default_factory=dict)
    """Of pairs of weighted layers the part of what the second reads that is no affine map, unit by unit, of
    what the first gave."""
    gates: dict[str, LayerStats] = field(default_factory=dict)
    """Of each recurrent module with gates, how many of these are on their flat part."""
    sequence_lengths: dict[str, int] = field(default_factory=dict)
    """Steps through time of each recurrent module."""


@dataclass(slots=True)
class History:
    """The steps written down so far."""

    samples: list[Sample] = field(default_factory=list)
    equal_row_matrices: tuple[str, ...] = ()
    """Matrices whose rows were all equal before the first step."""
    row_distances: dict[str, Tensor] = field(default_factory=dict)
    """How far the rows of these were from being equal at the second step written down."""
    evaluated_in_train: int = 0
    """Forward passes in training mode without gradients."""
    recurrent_gains: dict[str, Tensor] = field(default_factory=dict)
    """Gain of each recurrence without gates before the first step."""
    rows: Reservoir = field(default_factory=Reservoir)
    """Some of the rows trained on."""
    validation: Validation | None = None

    def add(self, sample: Sample) -> None:
        """Keep a step; where there are too many, every second turn goes, but not the last step."""
        self.samples.append(sample)
        if len(self.samples) > MOST:
            kept = [s for place, s in enumerate(self.samples[:-1]) if place // TURNS % 2 == 0]
            self.samples = [*kept, self.samples[-1]]

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    @property
    def steps(self) -> np.ndarray:
        """(samples,)"""
        return np.array([sample.step for sample in self.samples])

    @property
    def tensor_steps(self) -> np.ndarray:
        """(samples with weights,) their steps: the rows of `tensors`."""
        return np.array([sample.step for sample in self.samples if sample.tensors is not None])

    @property
    def losses(self) -> np.ndarray:
        """(samples,) the value that backward was called on; nan where it was not seen."""
        return np.array([_number(sample.loss) for sample in self.samples])

    @property
    def task_losses(self) -> np.ndarray:
        """(samples,) the mean that a loss function of torch's gave, without penalties; else `losses`."""
        found = np.array([_task_loss(sample) for sample in self.samples])
        return found if len(found) and np.isfinite(found).all() else self.losses

    @property
    def chance(self) -> float:
        """The loss of a guess that knows the targets' distribution alone; nan where it is not known."""
        calls = self.calls()
        kinds = {call.kind for call in calls}
        if kinds == {"cross_entropy"} or kinds == {"nll_loss"}:
            tables = [call.counts.cpu().numpy() for call in calls if call.counts is not None]
            if tables and all(len(table) == len(tables[0]) for table in tables):
                return _entropy(np.sum(tables, 0))
        targets = [call.target.tolist() for call in calls if call.target is not None]
        if kinds == {"mse_loss"} and targets:
            return _spread(np.array(targets))
        if not calls:
            return self._explicit_chance()
        if len(kinds) == 1 and kinds <= ROBUST.keys():
            return _least(ROBUST[calls[0].kind], self._targets())
        if kinds <= {"binary_cross_entropy", "binary_cross_entropy_with_logits"} and targets:
            share = float(np.mean([mean for mean, _ in targets]))
            return _entropy(np.array([share, 1 - share])) if 0 <= share <= 1 else float("nan")
        return float("nan")

    def _explicit_chance(self) -> float:
        """That of a squared error by hand: a loss that is the mean square of a difference."""
        seen = [
            (float(s.loss), s.difference.tolist())
            for s in self.samples
            if s.loss is not None and s.difference is not None
        ]
        squares = [told for loss, told in seen if math.isclose(loss, told[2], rel_tol=1e-3)]
        return _spread(np.array(squares)) if squares and len(squares) > len(seen) / 2 else float("nan")

    def _targets(self) -> Tensor:
        """Numbers to be predicted, of the rows that are kept."""
        kept = [c.targets.reshape(-1).cpu().float() for c in self.rows.chunks if c.targets is not None]
        return torch.cat(kept) if kept else torch.zeros(0)

    def tensors(self, column: str) -> np.ndarray:
        """(samples with weights, parameters) of one column of TENSOR."""
        found = [
            sample.tensors[:, TENSOR.index(column)] for sample in self.samples if sample.tensors is not None
        ]
        return torch.stack(found).cpu().double().numpy() if found else np.zeros((0, 0))

    def layer(self, name: str) -> list[LayerStats]:
        """What each sample that called it told of a layer."""
        return [s.layers[s.names.index(name)] for s in self.samples if name in s.names]

    def batch(self, column: str) -> np.ndarray:
        """(samples that know it,) of one column of BATCH; of batches of floats."""
        index = BATCH.index(column)
        found = [sample.batch[index] for sample in self.samples if sample.batch is not None]
        values = torch.stack(found).cpu().double().numpy() if found else np.zeros(0)
        return values[~np.isnan(values)]

    @property
    def layer_names(self) -> dict[str, str]:
        """Layer -> kind, in the order of the last complete forward pass."""
        last = next((sample for sample in reversed(self.samples) if sample.names), None)
        return dict(zip(last.names, last.kinds, strict=True)) if last else {}

    def calls(self) -> Sequence[LossCall]:
        """Every call of a loss function."""
        return [call for sample in self.samples for call in sample.losses]


def _spread(targets: np.ndarray) -> float:
    """The variance of targets of which each line has mean and variance."""
    means, variances = targets.T[:2]
    return float(np.mean(variances) + np.var(means))


def _least(loss: Callable[[Tensor, Tensor], Tensor], targets: Tensor) -> float:
    """The least loss of one number for all targets, of those between their mean and their median."""
    if not len(targets):
        return float("nan")
    predictions = torch.linspace(float(targets.mean()), float(targets.median()), 9)
    return min(float(loss(chance_level.expand_as(targets), targets)) for chance_level in predictions)


def _number(loss: Tensor | None) -> float:
    return float("nan") if loss is None else float(loss)


def _task_loss(sample: Sample) -> float:
    """The value of the first loss function called, as a mean."""
    if not sample.losses or sample.losses[0].value is None:
        return float("nan")
    call = sample.losses[0]
    summed = call.reduction == "sum" and call.target_shape
    value = float("nan") if call.value is None else float(call.value)
    return value / (max(call.target_shape[0], 1) if summed else 1)


def _entropy(counts: np.ndarray) -> float:
    """Nats; nan where there is one outcome only, and nothing to be told."""
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum()) if len(shares) > 1 else float("nan")
