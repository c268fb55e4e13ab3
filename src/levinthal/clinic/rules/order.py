"""The order of the data: batches that a shuffled order would not give."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sample import LossCall
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.loss_trend import FEWEST
from levinthal.clinic.rules.tables import is_numbers
from levinthal.vocabulary import Finding, Severity

FEW_CLASSES = 0.5
"""Share of the classes expected in a shuffled batch below which batches are sorted."""
FAR_APART = 10.0
"""Variance of batch means over that of a shuffled order above which targets are sorted."""
INPUTS_APART = 6.0
"""Standard errors by which the ratio of the inputs has to exceed one: targets may move, inputs may not."""
MOST_COLUMNS = 64
"""Columns of the inputs that are read, at most."""
MOSTLY = 0.9
"""Share of the steps whose passes have to be of one class each."""
BINARY = ("binary_cross_entropy", "binary_cross_entropy_with_logits")

UNSHUFFLED = FindingKind(
    code="UNSHUFFLED",
    means="a batch contains far fewer classes than the data: the data are sorted",
    remedy="`DataLoader(..., shuffle=True)`",
    severity=Severity.WARNING,
    area=Area.DATA,
    order=180,
    evidence=(
        "one label a row, and fewer than {share:.0%} of the classes per batch that a shuffled order gives; "
        "or a variance of batch means, from one sample to the next, {times} times as large as of shuffled "
        "rows, in the targets, and {errors} standard errors too large in the inputs; not where a recurrence "
        "goes on from the state of the batch before; or every pass of a step has one class alone, and batch "
        "norm averages over it"
    ),
    thresholds={"share": FEW_CLASSES, "times": FAR_APART, "errors": INPUTS_APART},
    source="expectation under a random order; von Neumann (1941), for successive differences",
    explains=symptoms.NO_LEARNING,
)


def first_calls(history: History, *, one_label_a_row: bool) -> list[LossCall]:
    """The first loss of each sample, in the order of the samples: the others may be of other heads, or of the
    real and the fake rows of an adversary. Actions that are rewarded are no labels. Where asked for, only
    those with one label for each row.
    """
    first = [(sample.batch_size, sample.losses[0]) for sample in history if sample.losses]
    pairs = [(size, call) for size, call in first if not call.is_rewarded]
    return [call for size, call in pairs if not one_label_a_row or is_one_label_a_row(call, size)]


def is_one_label_a_row(call: LossCall, batch_size: int) -> bool:
    """Whether a loss has one label for each row of the batch: not for each pixel, or for each token."""
    rows = call.target_shape[0] if call.target_shape else 0
    return rows > 0 and math.prod(call.target_shape) == rows and batch_size in (0, rows)


def class_counts(history: History, *, one_label_a_row: bool = True) -> np.ndarray:
    """(samples, classes) how often each class is a target, where the number of classes is the same."""
    calls = first_calls(history, one_label_a_row=one_label_a_row)
    counts = [call.counts.cpu().numpy() for call in calls if call.counts is not None]
    same = [c for c in counts if len(c) == len(counts[0]) and c.sum() > 1]
    return np.stack(same) if same else np.zeros((0, 0))


def has_one_class_a_pass(history: History) -> bool:
    """Whether the losses of a step are of one class each, and not all of the same: the loop passes classes
    one after the other.
    """
    several = [[c.counts for c in s.losses if c.counts is not None] for s in history if len(s.losses) > 1]
    steps = [counts for counts in several if len(counts) > 1 and len({len(c) for c in counts}) == 1]
    alone = [all(int(np.count_nonzero(c.cpu())) == 1 and c.sum() > 1 for c in counts) for counts in steps]
    differ = [len({int(c.argmax()) for c in counts}) > 1 for counts in steps]
    found = sum(a and b for a, b in zip(alone, differ, strict=True))
    return len(steps) >= FEWEST and found >= MOSTLY * len(history)


@rule(UNSHUFFLED)
def class_by_class(context: Context) -> Iterator[Finding]:
    """One class in each pass: the statistics of a batch norm then give the class away, and those of an
    evaluation do not. Without batch norm the sum of the losses is that of one batch. Networks with optimisers
    of their own, as adversaries, keep true and false rows apart on purpose.
    """
    history = context.history
    norms = {name for sample in history for name in sample.norm_sizes}
    if norms and len(context.setup.optimizers) == 1 and has_one_class_a_pass(history):
        passes = max(len(sample.losses) for sample in history)
        evidence = {"classes per pass": 1, "passes per step": passes, "batch norms": len(norms)}
        yield found(UNSHUFFLED, "labels", 0, evidence, remedy=TOGETHER)


TOGETHER = "pass all classes in one batch: `model(torch.cat((first, second)))`"


@rule(UNSHUFFLED)
def label_order(context: Context) -> Iterator[Finding]:
    """Batches with fewer classes than a shuffled order would give."""
    table = class_counts(context.history)
    if len(table) < FEWEST or context.history.carries_state or _adds_up_batches(context.history):
        return
    shares, sizes = table.sum(0) / table.sum(), table.sum(1)
    expected = float(np.mean([(1 - (1 - shares) ** n).sum() for n in sizes]))
    seen = float((table > 0).sum(1).mean())
    # of two classes one is the least that a batch can have
    if (seen < FEW_CLASSES * expected or seen == 1) and expected > 1.5:
        yield found(UNSHUFFLED, "labels", 0, {"classes per batch": seen, "expected if shuffled": expected})


def _adds_up_batches(history: History) -> bool:
    """Whether most steps add up several batches, which may be of one class each."""
    passes = [sample.backwards for sample in history]
    return sum(count > 1 for count in passes) > len(passes) / 2


@rule(UNSHUFFLED)
def target_order(context: Context) -> Iterator[Finding]:
    """Batches of numeric targets whose means differ more than in a shuffled order, and so do their inputs."""
    calls = [c for c in first_calls(context.history, one_label_a_row=False) if c.kind not in BINARY]
    known = [c for c in calls if c.target is not None and c.target_shape]
    if len(known) < 2 * FEWEST or min(c.target_shape[0] for c in known) < 2 or context.history.carries_state:
        return
    means, _, variances = np.array([c.target.tolist() for c in known if c.target is not None]).T
    within = float(np.mean(variances / np.array([c.target_shape[0] for c in known])))
    apart = _successive(means) / within if within > 0 else 0.0
    if apart > FAR_APART and _inputs_are_ordered(context.history):
        yield found(UNSHUFFLED, "targets", 0, {"variance of batch means / expected if shuffled": apart})


def _successive(means: np.ndarray) -> float:
    """The variance of batch means, from successive differences: a slow drift hardly adds to it."""
    return float(np.mean(np.diff(means) ** 2) / 2)


def _inputs_are_ordered(history: History) -> bool:
    """Whether the means of input columns, or of their squares, differ between steps more than in a shuffled
    order. Targets that a network makes itself move during training, and the inputs do not.
    """
    rows = [c.inputs.reshape(len(c.inputs), -1) for c in history.rows.chunks if is_numbers(c.inputs)]
    several = [r[:, :: max(1, r.shape[1] // MOST_COLUMNS)] for r in rows if len(r) > 1]
    same = [r.double().cpu().numpy() for r in several if r.shape[1] == several[0].shape[1]]
    if len(same) < 2 * FEWEST or not all(np.isfinite(r).all() for r in same):
        return False
    columns = [np.concatenate((r, r**2), 1) for r in same]
    means = np.array([c.mean(0) for c in columns])
    within = np.mean([c.var(0) / (len(c) - 1) for c in columns], 0)
    ratios = (np.diff(means, axis=0) ** 2).mean(0) / 2 / np.where(within > 0, within, np.inf)
    return bool(ratios.max() > 1 + INPUTS_APART * math.sqrt(2 / (len(same) - 1)))
