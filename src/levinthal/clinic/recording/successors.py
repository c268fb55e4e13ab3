"""Successors: optimisers that a loop makes anew over the parameters of the first watched one.

They are seen by torch's hooks on the steps of all optimisers, which are there during the watch alone. None of
them is kept alive.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.optim import Optimizer

from levinthal.clinic.recording.step_hooks import STEP_HOOKS, nothing
from levinthal.clinic.recording.training_setup import TrainingSetup

IN_A_ROW = 2
"""Steps of others without one of the first watched optimiser, from which on they are followed instead."""
MOST = 64
"""The most successors whose steps are counted one by one; further ones are added to the last of them."""
_is_compiling = torch.compiler.is_compiling  # looked up once: this comes before every step of any optimiser

Begins = Callable[[Optimizer, tuple[Any, ...], dict[str, Any]], None]


@dataclass(slots=True)
class Remade:
    """Optimisers that stepped in place of the first watched one, each over the same parameters.

    Attributes:
        before: The steps of the watched one.
        lives: The steps of each of them, in order, of the first 64.
        made: How many there were.
        of_changed_weights: How many of them found other weights than the step before had left, as after a
            reset.
        keeps_state: Whether one of them keeps a state between its steps, as of a momentum.
        take_turns: Whether one that had been left stepped again, the watched one included.
    """

    before: int = 0
    lives: list[int] = field(default_factory=list)
    made: int = 0
    of_changed_weights: int = 0
    keeps_state: bool = False
    take_turns: bool = False

    def begins(self, *, is_changed: bool) -> None:
        """Another one has made its first step."""
        self.made += 1
        self.of_changed_weights += is_changed
        if len(self.lives) < MOST:
            self.lives.append(0)


class Successors:
    """Follows the optimisers that step in place of the first watched one, and counts them.

    Not followed are those of other parameters, those that take turns with the watched one or with each other,
    and those that have a watched one step inside their own step (sharpness-aware minimisation, lookahead).

    Args:
        setup: The model and its optimisers.
        remade: What is counted.
        safely: Calls a function whose failure must not reach the loop.
        taken_over: Is called once, after the last step that is not followed.
        begins: Is called before each step that is, as if the first watched optimiser stepped.
        is_over: Is called after each such step.
    """

    def __init__(
        self,
        setup: TrainingSetup,
        remade: Remade,
        safely: Callable[..., None],
        taken_over: Callable[[], None],
        begins: Begins,
        is_over: Callable[[], None],
    ) -> None:
        self._setup, self._remade, self._safely = setup, remade, safely
        self._taken_over, self._begins, self._is_over = taken_over, begins, is_over
        self._first, self._watched = setup.optimizers[0], frozenset(map(id, setup.optimizers))
        self._last: Callable[[], Optimizer | None] = _nobody
        self._met = weakref.WeakSet[Optimizer]()
        self._is_same = self._is_new = self._is_changed = self._is_followed = False
        self._stepped = self._stepped_before = self._in_a_row = self._version = 0
        self._mark: torch.Tensor | None = None
        self._let_go: Callable[[], None] = nothing

    def begin(self) -> None:
        """Follow the steps of all optimisers."""
        self._safely(self._choose_mark)
        self._let_go = STEP_HOOKS.hold(self._step_begins, self._step_is_over)

    def end(self) -> None:
        """Leave all of them alone again."""
        self._let_go()
        self._let_go, self._last, self._mark = nothing, _nobody, None
        self._met.clear()

    def _choose_mark(self) -> None:
        """A parameter whose version says whether something has written to it since a step."""
        mark = next((p for p in self._setup.parameters if p.requires_grad), None)
        self._version = 0 if mark is None else mark._version
        self._mark = mark

    def _step_begins(self, optimizer: Optimizer, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        if _is_compiling() or id(optimizer) in self._watched or self._remade.take_turns:
            return
        if self._last() is not optimizer:
            self._last, self._is_same = weakref.ref(optimizer), False
            self._safely(self._meet, optimizer)
        self._stepped_before = self._stepped
        if self._is_followed and self._is_same:
            self._begins(self._first, args, words)

    def _meet(self, optimizer: Optimizer) -> None:
        """Another optimiser steps than before: is it a new one over the same parameters?"""
        self._is_same = self._is_new = _ids(optimizer) == _ids(self._first)
        self._remade.take_turns = self._is_same and optimizer in self._met
        if self._is_same:
            self._met.add(optimizer)
            self._is_changed = self._mark is not None and self._mark._version != self._version

    def _step_is_over(self, optimizer: Optimizer, *_: Any) -> None:
        remade = self._remade
        if _is_compiling() or remade.take_turns:
            return
        if id(optimizer) in self._watched:
            self._stepped += 1
            if optimizer is self._first:
                remade.before, remade.take_turns, self._in_a_row = remade.before + 1, remade.made > 0, 0
        elif self._is_same and self._last() is optimizer:
            self._is_same = self._stepped == self._stepped_before  # else a watched one stepped inside
            if self._is_same:
                self._count(optimizer)
        if self._mark is not None:
            self._version = self._mark._version

    def _count(self, optimizer: Optimizer) -> None:
        """A successor has stepped."""
        if self._is_new:
            self._is_new = False
            self._remade.begins(is_changed=self._is_changed)
            self._remade.keeps_state = self._remade.keeps_state or any(optimizer.state.values())
        self._remade.lives[-1] += 1
        self._in_a_row += 1
        if self._is_followed:
            self._is_over()
        elif self._in_a_row >= IN_A_ROW:
            self._is_followed = True
            self._taken_over()


def _nobody() -> None:
    """No optimiser."""


def _ids(optimizer: Optimizer) -> set[int]:
    """The parameters that an optimiser holds, by their ids."""
    return {id(p) for group in optimizer.param_groups for p in group["params"]}
