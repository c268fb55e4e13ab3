"""Remedies that make the same training, of which only the first is tried; found in their first steps."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from levinthal.clinic.problem.batches import batches
from levinthal.clinic.problem.places import in_one_line
from levinthal.clinic.problem.training import built, built_optimizers, problem_step
from levinthal.clinic.treatment.remedies import Remedy
from levinthal.errors import InputError
from levinthal.vocabulary import Problem

STEPS = 2
SEED = 10_003
"""No comparison and no screening uses it."""
CLOSE = 1e-4
"""Share of the first steps by which the steps of two equal trainings may differ, by rounding."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first steps of a training: the initial weights, what the steps changed, and the settings."""

    weights: Tensor
    change: Tensor
    settings: tuple[object, ...]

    def is_same(self, other: Beginning) -> bool:
        """Whether two trainings begin in the same way, and have the same settings later."""
        if self.settings != other.settings or not torch.equal(self.weights, other.weights):
            return False
        size = float(self.change.norm())
        return size > 0 and float((self.change - other.change).norm()) <= CLOSE * size


def different(problem: Problem, remedies: Sequence[tuple[str, Remedy]]) -> list[tuple[str, Remedy]]:
    """The remedies that change the training and fit it, one for each training that they make."""
    seen, kept = [_beginning(problem)], list[tuple[str, Remedy]]()
    for code, remedy in remedies:
        new = _edited(problem, remedy)
        start = _beginning(new) if new else None
        if start is not None and not any(other is not None and start.is_same(other) for other in seen):
            seen.append(start)
            kept.append((code, remedy))
    return kept


def _edited(problem: Problem, remedy: Remedy) -> Problem | None:
    """The problem with the remedy; None where that changes nothing or does not fit."""
    try:
        with in_one_line(problem):
            return remedy.edit(problem)
    except InputError:
        return None


def _beginning(problem: Problem) -> Beginning | None:
    """Two steps of the training; None where they fail."""
    settings = (problem.steps, problem.batch_size, problem.shuffle)
    parts = (problem.schedule, problem.train, problem.clip)
    try:
        with in_one_line(problem), torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(SEED)
            model = built(problem)
            optimizers = built_optimizers(problem, model)
            before = _weights(model.parameters())
            for batch in itertools.islice(batches(problem, SEED), STEPS):
                problem_step(problem, model, optimizers, *batch)
    except InputError:
        return None
    return Beginning(before, _weights(model.parameters()) - before, (*settings, *map(id, parts)))


def _weights(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters as one vector."""
    return torch.cat([p.detach().reshape(-1).double() for p in parameters] or [torch.zeros(0)])
