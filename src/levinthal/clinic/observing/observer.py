"""Notice what a program trains: an optimiser is made, a model with its parameters is called, it steps.

The watch of a training begins before the first call of its model, so that the first loss is seen. A function
comes between `torch.nn.Module.__call__` and its callers only while an optimiser waits for that call.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from levinthal.clinic.observing.owners import largest_owners, owns_all, owns_some, parameters_of
from levinthal.clinic.observing.training import Observed, Training
from levinthal.clinic.recording.step_hooks import STEP_HOOKS, nothing
from levinthal.errors import LevinthalError, said_by

MOST = 16
"""Trainings of a program that are observed; later ones are counted."""
IDLE = 100
"""Steps of other trainings after which one counts as over, so that its models are held no longer."""
_is_compiling = torch.compiler.is_compiling


class Observer:
    """Watches every training of the program between `begin` and `end`.

    Args:
        every: One step in so many is sampled.

    Attributes:
        over: The trainings that are over.
        built: The number of optimisers that were made.
        unowned: The number of optimisers that stepped, and whose tensors belong to no module.
        missed: The number of trainings that were not observed, because there were too many.
        trouble: The failure that ended the observation; the program goes on.
    """

    def __init__(self, every: int = 10) -> None:
        self.every = every
        self.over: list[Observed] = []
        self.built = self.unowned = self.missed = self.steps = 0
        self.trouble = ""
        self._open: list[Training] = []
        self._training_of: dict[int, Training] = {}
        self._waiting = weakref.WeakKeyDictionary[Optimizer, int]()
        self._unrelated = weakref.WeakValueDictionary[int, nn.Module]()
        self._is_busy = False
        self._undo: list[Callable[[], None]] = []
        self._call: Callable[..., Any] | None = None
        self._undo_call: Callable[[], None] = lambda: None

    def begin(self) -> None:
        """Notice optimisers from here on."""
        make = Optimizer.__init__

        @functools.wraps(make)
        def made(optimizer: Optimizer, *args: Any, **words: Any) -> None:
            make(optimizer, *args, **words)
            self._safely(self._note_optimizer, optimizer)

        Optimizer.__init__ = made  # type: ignore[assignment, method-assign]
        self._undo.append(lambda: setattr(Optimizer, "__init__", make))
        self._undo.append(STEP_HOOKS.hold(self._note_step, nothing))

    def end(self, error: BaseException | None = None, page: Path | None = None) -> list[Observed]:
        """Leave the program alone, and say what was observed.

        Args:
            error: The exception that ended the program.
            page: The page to write of the last training.

        Returns:
            The trainings that stepped, in the order in which they ended.
        """
        for undo in self._undo:
            undo()
        self._undo.clear()
        self._follow_calls(False)
        for training in list(self._open):
            try:
                self._close(training, error, page if training is self._open[-1] else None)
            except LevinthalError:  # the page cannot be written
                raise
            except Exception as failure:
                self.trouble = self.trouble or f"{type(failure).__name__}: {failure}"
        return self.over

    def _safely(self, function: Callable[..., None], *args: Any) -> None:
        """Call a function; its failure is noted and ends the observation instead of the program."""
        if self.trouble or self._is_busy:
            return
        self._is_busy = True
        try:
            function(*args)
        except Exception as error:
            self.trouble = said_by(error)
            self._follow_calls(False)
        finally:
            self._is_busy = False

    def _note_optimizer(self, optimizer: Optimizer) -> None:
        """An optimiser was made: wait for a call of its model."""
        self.built += 1
        self._waiting[optimizer] = self.built
        self._unrelated.clear()
        self._follow_calls(True)

    def _follow_calls(self, follow: bool) -> None:
        """Come between modules and their callers, or go away."""
        if follow and self._call is None:
            call = nn.Module.__call__

            @functools.wraps(call)
            def observed(module: nn.Module, *args: Any, **words: Any) -> Any:
                if not _is_compiling() and self._call is observed:
                    self._safely(self._note_call, module)
                return call(module, *args, **words)

            self._call = observed
            nn.Module.__call__ = observed  # type: ignore[method-assign]
            self._undo_call = lambda: setattr(nn.Module, "__call__", call)
        elif not follow and self._call is not None:
            if nn.Module.__call__ is self._call:  # else another one came between later: leave ours, at rest
                self._undo_call()
            self._call = None

    def _note_call(self, module: nn.Module) -> None:
        """A module is called: is it one whose optimiser waits?"""
        if self._unrelated.get(id(module)) is module:
            return
        if not (torch.is_grad_enabled() or getattr(module, "training", False)):
            return  # an evaluation
        mine = [each for each in self._waiting if owns_some(module, parameters_of([each]))]
        if mine:
            self._start(module, sorted(mine, key=self._waiting.__getitem__))
        else:
            self._unrelated[id(module)] = module

    def _start(self, module: nn.Module | None, optimizers: Sequence[Optimizer]) -> None:
        """A training begins, or one that has not stepped yet has more models than were known."""
        for each in optimizers:
            self._waiting.pop(each, None)
        held = parameters_of(optimizers)
        models = [module] if module is not None and owns_all(module, held) else largest_owners(held)
        if models:
            self._open_with(models, optimizers)
        else:
            self.unowned += 1
        if not self._waiting:
            self._follow_calls(False)

    def _open_with(self, models: Sequence[nn.Module], optimizers: Sequence[Optimizer]) -> None:
        """Watch these models, together with those of a training that has not stepped yet."""
        last = self._open[-1] if self._open else None
        if last is not None and last.last_active is None:
            self._open[-1] = last.together_with(models, optimizers)
        elif len(self._open) + len(self.over) < MOST:
            for earlier in [t for t in self._open if not set(models).isdisjoint(t.models)]:
                self._close(earlier)  # a later stage, with an optimiser of its own
            self._open.append(Training(models, optimizers, self.every))
        else:
            self.missed += 1
            return
        self._training_of |= {id(each): self._open[-1] for each in self._open[-1].optimizers}

    def _note_step(self, optimizer: Optimizer, *_: Any) -> None:
        """An optimiser is about to step."""
        if not _is_compiling():
            self._safely(self._count_step, optimizer)

    def _count_step(self, optimizer: Optimizer) -> None:
        self.steps += 1
        if optimizer in self._waiting:
            self._start(None, [optimizer])  # its model is not called as a module
        if training := self._training_of.get(id(optimizer)):
            training.last_active = self.steps
        if self.steps % IDLE == 0:
            for each in [t for t in self._open[:-1] if self.steps - (t.last_active or 0) > IDLE]:
                self._close(each)

    def _close(
        self, training: Training, error: BaseException | None = None, page: Path | None = None
    ) -> None:
        """A training is over."""
        self._open.remove(training)
        for each in training.optimizers:
            self._training_of.pop(id(each), None)
        observed = training.ended(error, page)
        if training.last_active is not None:
            self.over.append(observed)
