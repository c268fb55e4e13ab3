"""Targets that are all the same: there is nothing to learn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sample import LossCall, Sample
from levinthal.clinic.rules.adversaries import is_game
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.loss_function import REGRESSION
from levinthal.clinic.rules.loss_input import is_whole
from levinthal.clinic.rules.loss_terms import other_terms
from levinthal.vocabulary import Finding, Severity

FEWEST_SAMPLES = 8
"""Samples from which on targets that change from step to step would have been seen to change."""
FEWEST_TARGETS = 200
"""Targets, of one a row, from which on no target of another class is unlikely to be due to chance."""
FEWEST_ROWS = 100
"""Rows of several targets each (pixels, tokens, labels), which are not independent, likewise."""
SURE = 1000
"""Rows from which on the finding is critical: of fewer, a rare class may be missing by chance."""
ROUNDING = 1e-5
"""Standard deviation of equal numbers over their size, at most."""
CLASSIFICATION = (
    "cross_entropy",
    "nll_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
)

CONSTANT_TARGETS = FindingKind(
    code="CONSTANT_TARGETS",
    means="all targets are the same: there is nothing to learn",
    remedy=(
        "count the targets, `torch.unique(y, return_counts=True)`, where they are loaded, and after each "
        "cast, join and mask; shuffle data that are sorted by class"
    ),
    severity=Severity.CRITICAL,
    area=Area.LABELS,
    order=48,
    evidence=(
        "one loss, without other terms, of the output of the last trained layer, has one number or class as "
        "target in {samples} or more samples, of {targets} or more rows ({rows} of several targets each); a "
        "warning below {sure} rows, because a rare class may be missing; info of a regression, where a "
        "constant may be meant"
    ),
    thresholds={
        "samples": FEWEST_SAMPLES,
        "targets": FEWEST_TARGETS,
        "rows": FEWEST_ROWS,
        "sure": SURE,
    },
    source=EXACT,
    explains=(
        *("INPUT_IGNORED", "GRAPH_BROKEN", "UNSHUFFLED", "LABELS_UNRELATED", "CLASS_IMBALANCE"),
        *("FIRST_LOSS_TOO_LARGE", *symptoms.OF_ALL_DYNAMICS),
    ),
    only_by_hand="the targets come from the user's own data",
)


@rule(CONSTANT_TARGETS)
def constant_targets(context: Context) -> Iterator[Finding]:
    """One target for all rows, in a training of one loss. A term of several may have one target on purpose,
    and so may a loss of something that is made of several outputs, as the difference of two scores is.
    """
    history = context.history
    if len(history) < FEWEST_SAMPLES or not all(_has_one_loss(sample) for sample in history):
        return
    calls = history.calls()
    values = {_value(call) for call in calls}
    if len(values) > 1 or None in values or not _is_the_task(history) or is_game(history, context.setup):
        return
    rows, is_of_rows = _rows(calls)
    if rows >= (FEWEST_TARGETS if is_of_rows else FEWEST_ROWS):
        severity = Severity.CRITICAL if rows >= SURE else Severity.WARNING
        if calls[0].kind in REGRESSION:
            severity = Severity.INFO
        evidence = {"target": values.pop(), "rows": rows, "samples": len(history)}
        yield found(CONSTANT_TARGETS, "targets", history.samples[0].step, evidence, severity=severity)


def _has_one_loss(sample: Sample) -> bool:
    """Whether each backward pass of a step is that of one loss, all of one kind."""
    each = [a == b for a, b in enumerate(sample.losses_until, 1)]
    kinds = {call.kind for call in sample.losses}
    is_known = kinds <= {*CLASSIFICATION, *REGRESSION} and all(is_whole(sample, c) for c in sample.losses)
    return bool(each) and all(each) and len(each) == len(sample.losses) and len(kinds) == 1 and is_known


def _is_the_task(history: History) -> bool:
    """Whether the loss has no other terms, and reads the last layer wherever that was looked at."""
    detailed = [call for sample in history if sample.detailed for call in sample.losses]
    rest = other_terms(history)
    is_whole_loss = bool(np.allclose(rest[np.isfinite(rest)], 0, atol=1e-6)) and np.isfinite(rest).any()
    return is_whole_loss and bool(detailed) and all(call.of_last_layer for call in detailed)


def _value(call: LossCall) -> float | None:
    """The number or class that all targets of a loss are; None where they differ, or are no targets.

    >>> import torch
    >>> call = LossCall("nll_loss", "mean", (4, 3), (4,), None, counts=torch.tensor([0, 4, 0]))
    >>> _value(call), _value(LossCall("mse_loss", "mean", (2,), (2,), None, target=torch.tensor([1.0, 0.5])))
    (1.0, None)
    """
    if call.is_rewarded or call.of_candidates or call.is_partial or not math.prod(call.target_shape):
        return None
    if call.counts is not None:
        counts = call.counts.tolist()
        return float(np.argmax(counts)) if len(counts) > 1 and sum(c > 0 for c in counts) == 1 else None
    if call.target is None:
        return None
    mean, variance = call.target.tolist()[:2]
    is_one = math.sqrt(variance) <= ROUNDING * max(abs(mean), ROUNDING) if variance >= 0 else False
    return float(f"{mean:.4g}") if is_one else None


def _rows(calls: Sequence[LossCall]) -> tuple[int, bool]:
    """The rows that were seen, and whether each has one target."""
    rows = [call.target_shape[0] if call.target_shape else 1 for call in calls]
    numbers = [math.prod(call.target_shape) for call in calls]
    return sum(rows), rows == numbers
