"""Record an ordinary training loop: which steps are sampled, when each begins and ends, what is read of it.

It reads, never writes, and never raises inside the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from levinthal.clinic.recording.apart import apart, evaluated_apart, is_in_backward
from levinthal.clinic.recording.calls import Calls, Parts, is_compiled
from levinthal.clinic.recording.evaluations import Evaluations
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.hooks import StepRecorder
from levinthal.clinic.recording.norm_statistics import frozen_statistics
from levinthal.clinic.recording.recurrences import recurrent_gains
from levinthal.clinic.recording.sampling import Sampling
from levinthal.clinic.recording.step_reader import StepReader
from levinthal.clinic.recording.successors import Successors
from levinthal.clinic.recording.training_setup import EQUAL_AT_INIT, TrainingSetup
from levinthal.clinic.recording.unseen import COMPILED, NOT_CALLED, SHARDED, unseen_of
from levinthal.clinic.recording.validation import Validation
from levinthal.errors import said_by

UNCALLED = 3
"""Steps that were to be sampled and in which nothing was called, after which losses are recorded alone."""


class LoopRecorder:
    """Follows the calls of a model and the steps of its optimisers; holds the history of what was sampled.

    A sampled step begins with the first forward pass of the model, or of a part of it with parameters where
    the loop calls parts, and ends with the step of the first optimiser, or of one that was made anew in its
    place. In every other step a few integers are compared, and nothing else is done. One exception: the pass
    after a detailed sample reads whether the weights were changed outside the optimiser's step.

    Attributes:
        setup: The model, its optimisers and parameters.
        history, steps: The sampled steps; the number of steps so far, and which are sampled.
        trouble: The failure that ended the recording; the loop goes on.
        after_detailed: Is called between two steps, after each detailed sample.
    """

    def __init__(self, setup: TrainingSetup, every: int, validation: Validation | None, checks: bool) -> None:
        self.setup = setup
        self.history = History(
            equal_row_matrices=setup.equal_row_matrices(EQUAL_AT_INIT),
            recurrent_gains=recurrent_gains(setup.hooked_module),
            frozen_values=setup.frozen_values(),
            frozen_statistics=frozen_statistics(setup.hooked_module),
            validation=validation,
        )
        self.history.norm_gains = setup.norm_gains()
        self.history.equal_rows = setup.equal_rows(self.history.equal_row_matrices)
        self.history.rows.with_fingerprints = validation is not None
        self.trouble = ""
        self.after_detailed: Callable[[], None] = lambda: None
        self.steps, self._held = Sampling(every), self.history.evaluated
        self._evaluations = Evaluations(setup, self.history, self._safely)
        self._recorder = recorder = StepRecorder(setup.hooked_module)
        self._reader = reader = StepReader(setup, self.history, recorder, checks)
        recorder.safely, recorder.on_targets = self._safely, reader.pair
        recorder.on_backward, recorder.on_gradients = reader.backward_begins, reader.backward_is_over
        self._handles: list[RemovableHandle] = []
        self._model_calls = Calls(setup.model, self._forward_begins, self._forward_is_over, recorder.depth)
        self._parts = Parts(setup.hooked_module, setup.model, self._part_begins, recorder.depth)
        self._is_whole = self._stepped = self._is_uncalled = False
        follow = self._drop_sample, self._step_begins, self._step_is_over
        self._successors = Successors(setup, self.history.remade, self._safely, *follow)

    def begin(self) -> None:
        """Follow the model and its optimisers, and read the validation set."""
        self._recorder.is_disabled = is_compiled(self.setup.model)
        if self._recorder.is_disabled:
            self.history.not_seen(COMPILED)
        if self.setup.is_sharded:
            self.history.not_seen(SHARDED)
        self._model_calls.is_idle = False
        self._model_calls.begin()
        self._handles += [one.register_step_pre_hook(self._step_begins) for one in self.setup.optimizers]
        self._handles.append(self.setup.optimizers[0].register_step_post_hook(self._step_is_over))
        self._successors.begin()
        self._await()
        self._evaluations.begin()

    def end(self, error: BaseException | None = None) -> None:
        """Leave nothing behind, and evaluate the validation set a last time."""
        if isinstance(error, Exception):
            self.history.ended_by = f"{type(error).__name__} in step {self.steps.step:,}"
        self._finish()
        self._model_calls.end()
        self._parts.end()
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._successors.end()
        self._recorder.end()
        self._reader.forget()
        self._safely(self._reader.read_at_end)
        self._reader.check.take_last()
        self._evaluations.evaluate_if_due(self.steps.step, is_last=True)

    def begin_step(self, inputs: tuple[Any, ...]) -> None:
        """Begin a step by hand, where none has begun and it is to be sampled."""
        self._finish()
        if self._handles and self._reader.sample is None and self.steps.is_due:
            self._recorder.by_parts = True
            self._safely(self._reader.begin, self.steps.step, inputs, {}, self.setup.model)
            if not self._recorder.is_disabled:
                self._parts.begin()
                self._safely(self._recorder.join)  # the model itself may never be called

    def unseen(self) -> tuple[str, ...]:
        """What of the training was not seen: failures of the watch first, then what it had to skip."""
        if self.trouble:
            return (f"the watch ended early: {self.trouble}", *self.history.unseen)
        called, by_parts = self._parts.called, not self._is_whole
        return unseen_of(self.setup, self.history, self.steps, called, by_parts=by_parts)

    def catch_up(self) -> None:
        """Evaluate the validation set between two steps, if an evaluation is due."""
        if self._handles and self._reader.sample is None:
            self._evaluations.evaluate_if_due(self.steps.step)

    def _safely(self, function: Callable[..., None], *args: Any) -> None:
        """Call a function; its failure is noted and ends the recording instead of the user's training."""
        if self.trouble:
            return
        try:
            (evaluated_apart if function == self._evaluations.evaluate else apart)(function, *args)
        except Exception as error:
            self.trouble = said_by(error)
            self._reader.sample = None
            self._recorder.end()
            self._parts.end()

    def _await(self) -> None:
        """The next step is to be sampled: where the model may not be called, await a call of any part; where
        neither is ever called, begin the step now.
        """
        if self._is_uncalled:
            self._safely(self._reader.begin_without_call, self.steps.step)
        elif not self._is_whole and not self._recorder.is_disabled and not self.trouble:
            self._parts.begin()

    def _forward_begins(self, model: nn.Module, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        if not torch.is_grad_enabled():
            self.history.evaluated_in_train += model.training
            if not (model.training or self._evaluations.is_evaluating or self._held.passes_over()):
                self._safely(self._held.take, args, words)
            return
        if not self.setup.is_trained:
            return
        self._finish()
        self._read_external_updates()
        if self._reader.sample is None and self.steps.is_due:
            self._is_whole, self._recorder.by_parts = True, False
            self._parts.end()
            self._safely(self._reader.begin, self.steps.step, args, words, model)

    def _forward_is_over(self, _: Any, args: tuple[Any, ...], words: dict[str, Any], output: Any) -> None:
        if self._reader.sample is not None and torch.is_grad_enabled():
            self._safely(self._reader.forward_is_over, args, words, output)

    def _part_begins(self, part: nn.Module, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        """A part of the model is called, from the loop or from another part."""
        self._finish()
        is_first = self._reader.sample is None and self.steps.is_due and torch.is_grad_enabled()
        is_trained = self.setup.is_trained and (part.training or not self.setup.model.training)
        if is_first and is_trained and not self.trouble:
            self._read_external_updates()
            self._recorder.by_parts = True
            self._safely(self._reader.begin, self.steps.step, args, words, part)

    def _read_external_updates(self) -> None:
        if self._reader.external_updates.sample is not None:
            self._safely(self._reader.external_updates.read)

    def _step_begins(self, optimizer: Optimizer, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        """Stop recording before the optimiser's own arithmetic, but not before the passes of a closure."""
        self.history.note_step(id(optimizer))
        if (sample := self._reader.sample) is None:
            return
        if is_in_backward():  # an optimiser per parameter, which clears the gradient afterwards
            self._safely(self._reader.step_in_backward, optimizer)
            return
        if optimizer is not self.setup.optimizers[0] and sample.loss is not None:
            sample.cleared = torch.zeros_like(sample.loss)  # what is cleared next was used
        is_closed = any(map(callable, (*args, *words.values())))  # the last pass of an accumulated step, say
        if optimizer is self.setup.optimizers[0] and sample.loss is not None and not is_closed:
            self._safely(self._recorder.end)

    def _step_is_over(self, *_: Any) -> None:
        self.steps.step += 1
        if self._model_calls.is_idle and self.steps.step < self.steps.due and self._model_calls.is_there():
            return  # nearly always
        if self._reader.sample is not None:
            self._stepped = True
            if not is_in_backward():
                self._finish()
        elif self.steps.step > self.steps.due:
            self._is_whole = False  # the step was due, and the model was not called
            self.steps.missed += 1
            if self.steps.missed == UNCALLED and not (len(self.history) or self.trouble):
                self._is_uncalled = self._recorder.is_disabled = True
                self.history.not_seen(NOT_CALLED)
                self._parts.end()
        if not self._model_calls.is_there():
            self._compiled_meanwhile()
        self.steps.plan_next()
        is_pending = self._stepped or self._reader.external_updates.sample is not None
        self._model_calls.is_idle = not (self.steps.is_due or is_pending)
        if self.steps.is_due:
            self._await()

    def _finish(self) -> None:
        """End a sampled step whose optimiser has stepped, unless its backward pass is still going on."""
        if self._stepped and not is_in_backward():
            self._stepped = False
            if (sample := self._reader.sample) is not None:
                self._safely(self._reader.end)
                self._parts.end()
                self._reader.check.take(self.steps.step - 1)
                self._evaluations.evaluate_if_due(self.steps.step)
                if sample.detailed:
                    self.after_detailed()
                if self.steps.is_due:
                    self._await()

    def _drop_sample(self) -> None:
        """Other optimisers step from here on: a step that began before the last of their steps is none."""
        if self._reader.sample is not None:
            self._reader.drop()
            self._recorder.end()
            self._parts.end()
            self._stepped = False
        if self.steps.is_due:
            self._await()

    def _compiled_meanwhile(self) -> None:
        """`model.compile()` was called during the watch: go on outside of the compiled call."""
        self._recorder.is_disabled = True
        self.history.not_seen(COMPILED)
        self._parts.end()
        self._model_calls.begin()
