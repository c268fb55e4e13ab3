"""Read one sampled step: its batch, its weights before and after it, its gradients."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

from levinthal.clinic.recording.apart import is_readable
from levinthal.clinic.recording.batch_stats import batch_sum, batch_values
from levinthal.clinic.recording.behaviour_check import BehaviourCheck
from levinthal.clinic.recording.external_updates import ExternalUpdates
from levinthal.clinic.recording.history import TURNS, History
from levinthal.clinic.recording.hooks import StepRecorder
from levinthal.clinic.recording.last_layer import is_of_last_layer
from levinthal.clinic.recording.outside_leaves import outside_leaves
from levinthal.clinic.recording.parameter_norms import Tensors
from levinthal.clinic.recording.processes import ProcessComparison
from levinthal.clinic.recording.row_reservoir import row_fingerprints
from levinthal.clinic.recording.sample import Sample
from levinthal.clinic.recording.token_targets import TokenTargets
from levinthal.clinic.recording.training_setup import TrainingSetup, some_values
from levinthal.clinic.recording.unseen import INPUTS
from levinthal.errors import said_by

WHOLE = 8
"""Number of samples after which layers, weights and batches are read in turns."""
LAST, MOST_PAIRS, MOST_PASSES = 4, 16, 32
"""Parameters whose values are held until the first step; pairs of tokens and targets that are compared, and
backward passes of a step, each the most.
"""
DETAIL_RATIO = 1.5
"""Ratio of the steps of two successive detailed samples, at least."""


class StepReader:
    """Reads the sampled steps, one after the other, and adds them to the history.

    Attributes:
        sample: The step that is being read; None between two of them.
        check: The behavioural checks of the model, which are made after one of them.
    """

    def __init__(self, setup: TrainingSetup, history: History, recorder: StepRecorder, checks: bool) -> None:
        self.setup, self.history, self.recorder = setup, history, recorder
        self.sample: Sample | None = None
        self.external_updates = ExternalUpdates()
        self.check = BehaviourCheck(setup, history, checks)
        self._tensors, self._tokens = Tensors(setup.parameters), TokenTargets()
        self._sampled, self._next_detailed, self._weighed = 0, 0.0, False
        self._batch: Tensor | None = None
        self._left_at: Sample | None = None
        self._fresh: list[tuple[Tensor, Tensor]] = []
        self._processes = ProcessComparison(setup)
        self._trained = set[int]()

    def begin(self, step: int, args: tuple[Any, ...], words: dict[str, Any], module: nn.Module) -> None:
        """A step begins with this call of the model, or of a part of it.

        Args:
            step: Its number.
            args: The arguments of the call.
            words: Its keyword arguments.
            module: What is called.
        """
        first = next((a for a in (*args, *words.values()) if isinstance(a, Tensor) and a.dim()), None)
        if first is not None and not len(first):
            return  # an empty batch teaches nothing
        sample = self.sample = Sample(step, training=module.training)
        if step >= self._next_detailed:
            sample.detailed, self._next_detailed = True, DETAIL_RATIO * step + 1
        whole, turn = sample.detailed or self._sampled < WHOLE, self._sampled % TURNS
        layers, self._weighed, batch = whole or turn == 0, whole or turn == 1, whole or turn == 2
        self._tensors.had_gradient.clear()
        if self._weighed:
            self._tensors.begin()
        if first is not None:
            sample.batch_size, sample.needs_gradient = len(first), first.requires_grad
            self._read_batch(sample, first, batch)
            if sample.detailed and is_readable(first):
                self._processes.note(step, first)
        self.history.rows.offer(args, words)
        self.check.offer(module, args, words)
        if sample.detailed:
            self._tokens.hold(module, args, words)
            self._trained.clear()
        if not self._sampled:
            last = [p for p in self.setup.parameters if p.requires_grad and not is_lazy(p)][-LAST:]
            self._fresh = [(p, some_values(p).clone()) for p in last]
        self._sampled += 1
        self.recorder.begin(sample, layers=layers)

    def begin_without_call(self, step: int) -> None:
        """A step begins of which losses and gradients are recorded alone."""
        self.begin(step, (), {}, self.setup.model)
        self.recorder.forward_done()

    def _have_moved(self) -> bool:
        """Whether one of the last weights has changed, though no watched optimiser stepped."""
        return not self._fresh or any(not torch.equal(some_values(p), values) for p, values in self._fresh)

    def _read_batch(self, sample: Sample, first: Tensor, whole: bool) -> None:
        if not is_readable(first):
            self.history.not_seen(INPUTS)
        elif first.is_floating_point():
            sample.batch_values = batch_values(first) if whole else None
            if whole or first.device.type != "cpu":
                sample.batch_sum = batch_sum(first)
            else:  # it takes a tenth of a sample's time, so it waits for a reason
                self._batch = first
        else:
            sample.token_fingerprint = row_fingerprints(first.reshape(1, -1))[0]

    def pair(self, targets: Tensor, outputs: Tensor | None = None) -> None:
        """A loss is called with these targets, and with these outputs."""
        self.history.rows.pair(targets)
        self.check.pair(targets)
        if self.sample is not None and len(self.sample.ahead) < MOST_PAIRS:
            self.sample.ahead += self._tokens.compared(targets)
            if outputs is not None and outputs.dim() > 1:
                self.sample.hidden += self._tokens.hidden(targets, outputs)
        if self.sample is not None and self.sample.detailed and outputs is not None:
            self._trained = self._trained or self.setup.trained()
            self.sample.losses[-1].of_last_layer = is_of_last_layer(outputs, self._trained)

    def forward_is_over(self, args: tuple[Any, ...], words: dict[str, Any], output: Any) -> None:
        """The model has returned: leave its modules alone, and read once what its output is made from."""
        history, is_compiled = self.history, self.recorder.is_disabled
        self.recorder.forward_done()
        if self.sample is not None:
            self.sample.forwards += 1
        if self.sample is None or not self.sample.detailed or is_compiled or self.setup.is_sharded:
            return
        if history.outside_leaves is None:
            history.outside_leaves, self._left_at = (
                outside_leaves(self.setup, args, words, output),
                self.sample,
            )
        elif self._left_at is not self.sample:
            for leaf in history.outside_leaves:
                leaf.look_again()

    def backward_begins(self) -> None:
        """A backward pass begins: what gradients are there already?"""
        if not self._weighed:
            return
        self._tensors.backward_begins()
        if self.sample is not None and 0 < self.sample.backwards < MOST_PASSES:
            gone, known = self._tensors.gone(), self.sample.cleared
            self.sample.cleared = gone if known is None else torch.minimum(known, gone)
            same, known = self._tensors.unchanged(), self.sample.added_to
            self.sample.added_to = same if known is None else torch.minimum(known, same)

    def backward_is_over(self) -> None:
        """A backward pass is over: what did it add to?"""
        if self.sample is not None:
            self.sample.backwards += 1
            if self.sample.backwards <= MOST_PASSES:
                self.sample.losses_until.append(len(self.sample.losses))
        if self.sample is not None and self._weighed and self._tensors.are_there():
            left = self._tensors.backward_is_over()
            if self.sample.step > 0:
                # of several passes (accumulation, a GAN) the least: a forgotten zero_grad leaves some in each
                known = self.sample.stale
                self.sample.stale = left if known is None else torch.minimum(known, left)

    def step_in_backward(self, optimizer: Optimizer) -> None:
        """An optimiser steps inside the backward pass, and clears its gradients afterwards."""
        if self.sample is not None:
            self.sample.in_backward = True
            self._tensors.note_gradients(optimizer)

    def end(self) -> None:
        """The optimiser has stepped: read what the step did, and add it to the history."""
        self.recorder.end()
        sample, setup, history, batch = self.sample, self.setup, self.history, self._batch
        self._batch = None
        self._tokens.release()
        if sample is None:
            return
        if batch is not None and (sample.loss is None or not math.isfinite(sample.loss)):
            sample.batch_sum = batch_sum(batch)
        sample.rates = setup.rates()
        had = self._tensors.had_gradient
        named = zip(setup.names, setup.parameters, strict=True)
        sample.without_gradient = tuple(name for name, p in named if p.grad is None and id(p) not in had)
        is_there = self._tensors.are_there()
        is_weighed = self._weighed and is_there
        if sample.detailed and is_there:
            self.external_updates.begin(sample, self._tensors)
            sample.bounded, sample.bias_gradients = self._tensors.bounded(), self._tensors.bias_gradients()
        sample.tensors = self._tensors.columns(rounding=sample.detailed) if is_weighed else None
        history.add(sample)
        if len(history) == 2 and history.equal_row_matrices:
            history.row_distances = setup.row_distances(history.equal_row_matrices)
            history.row_movements = setup.row_movements(history.equal_rows)
        history.rows.keep()
        self.sample = None

    def read_at_end(self) -> None:
        """The watch ends: which weights are not finite, and what have other processes read?"""
        self.history.not_finite = self.setup.not_finite()
        try:
            self.history.processes = self._processes.compared()
        except Exception as error:
            self.history.not_seen(f"other processes were not read: {said_by(error)}")

    def drop(self) -> None:
        """Leave the present step out."""
        self.sample = self._batch = None
        self._tokens.release()

    def forget(self) -> None:
        """Release what is held of the weights; note a step that began and never came."""
        if self.sample is not None and not len(self.history) and not self._have_moved():
            self.history.passes_without_step = self.sample.backwards
            is_trained = self.sample.training and not self.sample.backwards
            self.history.losses_without_backward = len(self.sample.losses) if is_trained else 0
            self.history.without_step = self.sample.losses
        self.sample = self.external_updates.sample = self._batch = None
        self._tensors.forget()
        self._tokens.release()
