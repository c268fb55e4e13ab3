"""Outputs that have become the same for every input during the training."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.adversaries import is_game
from levinthal.clinic.rules.collapse import FALLEN_TO, OF_TARGETS, RANK_COLLAPSE, rank_collapse
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.loss_terms import other_terms
from levinthal.clinic.rules.tables import is_numbers
from levinthal.vocabulary import Finding, Severity

OF_EARLY, OF_SIZE = 1e-4, 1e-10
"""Where targets are classes, or unknown: the same over the early one, and over the mean square of outputs."""
AS_INPUTS = 0.02
"""Relative difference of two variances below which the inputs are the targets."""
UNEVEN = (
    "the terms of the loss weigh unlike: take sums, or means, of all of them; lower the factor of the "
    "divergence, or raise it slowly from 0"
)
ONE_POINT = "a smaller learning rate; not the hardest pairs alone at first; a term that keeps points apart"


@rule(RANK_COLLAPSE)
def same_outputs(context: Context) -> Iterator[Finding]:
    """The outputs differed from row to row after an early step, and are the same at the end."""
    evidence = have_become_one(context)
    is_known = any(each.severity is not Severity.INFO for each in rank_collapse(context))
    if evidence and not is_known:
        last, several = int(context.history.steps[-1]), _has_other_terms(context.history)
        is_free = context.trend.has_no_floor  # the best policy may be the same everywhere
        severity = Severity.INFO if is_free else None
        remedy = UNEVEN if several else "" if context.history.calls() else ONE_POINT
        yield found(RANK_COLLAPSE, "output", last, evidence, severity=severity, remedy=remedy)


def have_become_one(context: Context) -> dict[str, float]:
    """The evidence that outputs have become the same for all rows. It is empty where they have not, or where
    nothing asks for different ones: targets that do not vary, networks that train against each other.
    """
    history = context.history
    early, late = history.spreads
    if early is None or late is None or is_game(history, context.setup):
        return {}
    if not late.between < FALLEN_TO * early.between:
        return {}
    wanted = _variance_of_targets(history, late.numbers)
    if wanted is not None:
        share = late.between / wanted if wanted > 0 else 1.0
        return {"variance between outputs / between targets": share} if share < OF_TARGETS else {}
    share = late.between / early.between
    is_one = late.between <= OF_SIZE * late.size or (context.trend.is_at_chance and _has_classes(history))
    return {"variance between outputs / at first": share} if is_one and share < OF_EARLY else {}


def _variance_of_targets(history: History, numbers: int) -> float | None:
    """The mean variance of a number of the targets between rows, where the targets have as many numbers as
    the outputs. Where the loss is written by hand, the inputs may be the targets, as of an autoencoder.
    """
    chunks = [c for c in history.rows.chunks if is_numbers(c.inputs)]
    known = [c.targets for c in chunks if c.targets is not None and c.targets.is_floating_point()]
    rows = known or ([c.inputs for c in chunks] if _inputs_are_targets(history) else [])
    flat = [x.reshape(len(x), -1) for x in rows]
    same = [x.float() for x in flat if x.shape[1] == numbers]
    return float(torch.cat(same).var(0).mean()) if sum(map(len, same)) > 1 else None


def _inputs_are_targets(history: History) -> bool:
    """Whether the first difference in the loss takes targets of the mean and the variance of the inputs."""
    history.batch("std")  # computed when it is asked for
    pairs = [
        (s.difference.tolist(), s.batch.tolist())
        for s in history
        if s.difference is not None and s.batch is not None
    ]
    equal = [
        abs(d[1] - b[1] ** 2) <= AS_INPUTS * b[1] ** 2 and abs(d[0] - b[0]) <= AS_INPUTS * b[1]
        for d, b in pairs
    ]
    return bool(equal) and all(equal)


def _has_classes(history: History) -> bool:
    """Whether the targets are classes, two or more of which come."""
    counts = [call.counts for call in history.calls() if call.counts is not None]
    return any(int(torch.count_nonzero(c)) > 1 for c in counts)


def _has_other_terms(history: History) -> bool:
    """Whether the loss is more than one function of the outputs and the targets."""
    return bool(history.calls()) and bool((other_terms(history) != 0).any())
