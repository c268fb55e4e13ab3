"""The history of the sampled steps, as arrays.

It keeps at most 400 steps, thinned evenly, so its memory does not grow with the training.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from levinthal.clinic.recording.batch_stats import batch_numbers
from levinthal.clinic.recording.behaviour import Behaviour
from levinthal.clinic.recording.chance_level import chance_level
from levinthal.clinic.recording.output_spread import OutputSpread
from levinthal.clinic.recording.outside_leaves import OutsideLeaf
from levinthal.clinic.recording.processes import Processes
from levinthal.clinic.recording.row_reservoir import Reservoir
from levinthal.clinic.recording.sample import BATCH, TENSOR, LayerStats, LossCall, Sample
from levinthal.clinic.recording.successors import Remade
from levinthal.clinic.recording.validation import Validation

MOST, TURNS = 400, 3
"""The most samples that are stored; samples until layers, weights and batch have each been read once."""


@dataclass(slots=True)
class History:
    """The sampled steps, and what was recorded once.

    Attributes:
        samples: The sampled steps, in order.
        equal_row_matrices: Matrices whose rows were all equal before the first step.
        norm_gains: Normalisation layer -> the root mean square of its gain before the first step.
        frozen_values: Parameter that requires no gradient -> some of its values before the first step.
        frozen_statistics: Batch norm of which no parameter requires a gradient -> (3, units) its running mean
            and variance before the first step, and how many batches they are of.
        equal_rows: Matrix of equal rows -> the mean of these rows before the first step.
        row_movements: Matrix -> how far its rows have moved at the second sample, together and apart.
        row_distances: Matrix -> distance of its rows at the second sample, for these matrices.
        evaluated_in_train: Forward passes in training mode without gradients.
        recurrent_gains: Recurrence without gates -> its gain per step before the first step.
        rows: Some of the training rows.
        evaluated: Some of the rows that the loop itself put through the model in evaluation mode, without
            gradients.
        processes: What watches of several processes have in common; None where no other one watched.
        validation: The validation set and its evaluations.
        behaviour: How the outputs depend on the inputs; None where it was not checked.
        spreads: How far outputs of different rows are apart, after an early step and at the end; None where
            it was not read.
        not_finite: Parameters that are nan or infinite when the watch ends.
        ended_by: The error that ended the loop, with its step; empty without one.
        unseen: What could not be recorded, each as a sentence without its full stop.
        outside_leaves: Tensors that need a gradient, take part in the output of the model, and that nobody
            holds; None where no graph of the whole model was read.
        passes_without_step: Backward passes of a run in which no optimiser stepped and no weight changed.
        without_step: The calls of losses, 64 at most, of a run in which no optimiser stepped.
        losses_without_backward: Losses, 64 at most, of a run in training mode without any backward pass.
        remade: The optimisers that stepped in place of the first one.
        turns: How many times another optimiser stepped than the one before.
    """

    samples: list[Sample] = field(default_factory=list)
    equal_row_matrices: tuple[str, ...] = ()
    norm_gains: dict[str, Tensor] = field(default_factory=dict)
    row_distances: dict[str, Tensor] = field(default_factory=dict)
    frozen_values: dict[str, Tensor] = field(default_factory=dict)
    frozen_statistics: dict[str, Tensor] = field(default_factory=dict)
    equal_rows: dict[str, Tensor] = field(default_factory=dict)
    row_movements: dict[str, Tensor] = field(default_factory=dict)
    evaluated_in_train: int = 0
    recurrent_gains: dict[str, Tensor] = field(default_factory=dict)
    rows: Reservoir = field(default_factory=Reservoir)
    evaluated: Reservoir = field(default_factory=Reservoir)
    processes: Processes | None = None
    validation: Validation | None = None
    behaviour: Behaviour | None = None
    spreads: tuple[OutputSpread | None, OutputSpread | None] = (None, None)
    not_finite: tuple[str, ...] = ()
    ended_by: str = ""
    unseen: list[str] = field(default_factory=list)
    outside_leaves: list[OutsideLeaf] | None = None
    remade: Remade = field(default_factory=Remade)
    turns: int = 0
    passes_without_step: int = 0
    losses_without_backward: int = 0
    without_step: list[LossCall] = field(default_factory=list)
    _last_stepped: int = 0

    def note_step(self, optimizer: int) -> None:
        """An optimiser, given by its id, is about to step."""
        if optimizer != self._last_stepped:
            self.turns, self._last_stepped = self.turns + (self._last_stepped != 0), optimizer

    def not_seen(self, what: str) -> None:
        """Note once that something could not be recorded."""
        if what not in self.unseen:
            self.unseen.append(what)

    def add(self, sample: Sample) -> None:
        """Keep a step. Where there are too many, every second turn is dropped, but not the last step."""
        self.samples.append(sample)
        if len(self.samples) > MOST:
            retained = [s for place, s in enumerate(self.samples[:-1]) if place // TURNS % 2 == 0]
            self.samples = [*retained, self.samples[-1]]

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    @property
    def steps(self) -> np.ndarray:
        """(samples,) the number of each step."""
        return np.array([sample.step for sample in self.samples])

    @property
    def tensor_steps(self) -> np.ndarray:
        """(samples with weights,) the number of each step that is a row of `tensors`."""
        return np.array([sample.step for sample in self.samples if sample.tensors is not None])

    @property
    def losses(self) -> np.ndarray:
        """(samples,) the value that backward was called on; nan where it was not seen."""
        values = (sample.loss for sample in self.samples)
        return np.array([math.nan if value is None else float(value) for value in values])

    @property
    def task_losses(self) -> np.ndarray:
        """(samples,) the mean of the first loss function called, without penalties; else `losses`."""
        found = np.array([sample.losses[0].mean if sample.losses else math.nan for sample in self.samples])
        return found if len(found) and np.isfinite(found).all() else self.losses

    @property
    def has_losses(self) -> bool:
        """Whether a loss of any step was seen."""
        return any(sample.loss is not None or sample.losses for sample in self.samples)

    @property
    def chance(self) -> float:
        """The loss at chance level; nan where it is unknown."""
        return chance_level(self.samples, self._targets)

    def _targets(self) -> Tensor:
        """(n,) numeric targets of the rows in the reservoir."""
        held = [c.targets.reshape(-1).cpu().float() for c in self.rows.chunks if c.targets is not None]
        return torch.cat(held) if held else torch.zeros(0)

    def tensors(self, column: str) -> np.ndarray:
        """(samples with weights, parameters) one column of TENSOR."""
        index = TENSOR.index(column)
        found = [sample.tensors[:, index] for sample in self.samples if sample.tensors is not None]
        return torch.stack(found).cpu().double().numpy() if found else np.zeros((0, 0))

    def layer(self, name: str) -> list[LayerStats]:
        """The statistics of a layer, of each sample that called it."""
        return [s.layers[s.names.index(name)] for s in self.samples if name in s.names]

    def batch(self, column: str) -> np.ndarray:
        """(samples that know it,) one column of BATCH, for batches of floats."""
        index = BATCH.index(column)
        for sample in self.samples:
            if sample.batch_values is not None:
                sample.batch, sample.batch_values = batch_numbers(sample.batch_values), None
        found = [sample.batch[index] for sample in self.samples if sample.batch is not None]
        return torch.stack(found).cpu().double().numpy() if found else np.zeros(0)

    @property
    def finite_batches(self) -> np.ndarray:
        """(samples that know it,) whether all values of a batch of floats are finite."""
        sums = [sample.batch_sum for sample in self.samples if sample.batch_sum is not None]
        return np.isfinite(torch.stack(sums).cpu().double().numpy()) if sums else np.zeros(0, bool)

    @property
    def carries_state(self) -> bool:
        """Whether a recurrence goes on from the state of an earlier batch: then the order of the batches is
        that of time.
        """
        return any(s.carried is not None and float(s.carried) > 0 for s in self.samples)

    @property
    def layer_names(self) -> dict[str, str]:
        """Layer -> kind, in the order of the last complete forward pass."""
        last = next((sample for sample in reversed(self.samples) if sample.names), None)
        return dict(zip(last.names, last.kinds, strict=True)) if last else {}

    def calls(self) -> Sequence[LossCall]:
        """Every call of a loss function."""
        return [call for sample in self.samples for call in sample.losses]
