"""What a validation set tells: overfitting, and another distribution than the training set's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.validation import Look, Score
from levinthal.clinic.rules.context import Chart
from levinthal.clinic.rules.label_probes import told_by_neighbours
from levinthal.clinic.rules.tables import Table, is_numbers, table, vocabulary
from levinthal.vocabulary import Finding, Severity

FEWEST_LOOKS = 4
"""Evaluations on validation below which nothing is said of overfitting."""
AFTER_BEST = 2
"""Evaluations after the best that all have to be above it."""
SURE = 2.0
"""Standard errors of an interval."""
SURER = 3.0
"""Standard errors beyond which a rise, or a difference of two sets, is no chance."""
RISEN = 0.1
"""Rise of the validation loss, as a share of its least."""
OF_THE_WAY = 0.05
"""The same, as a share of how far it had fallen."""
WORSE = 1.5
"""Times its least, above which a loss without right and wrong answers is a warning."""
WIDE = 0.1
"""Gap in accuracy that matters."""
WIDER = 0.2
"""Gap in accuracy that matters without a rise of the loss."""
WIDE_LOSS = 0.5
"""Gap as a share of the validation loss that matters."""
WIDER_LOSS = 0.8
"""Gap as a share of the validation loss that matters without a rise."""
OF_A_GUESS = 0.25
"""Share of the chance level above which such a loss is poor."""
FEWEST_ROWS = 30
"""Distinct rows of each set below which they are not compared."""
MOVED = 0.25
"""Least distance of two distributions."""
ERROR = 1e-3
"""Chance of a false alarm over all columns together."""
A_THOUSAND = 1000
"""Rows at most of which neighbours are looked for."""
UNSEEN = 0.02
"""Share of validation rows of classes that training does not know."""
EXPECTED = 10
"""Rows of such a class that should have been seen in training."""

TRAIN_VAL_SHIFT = FindingKind(
    code="TRAIN_VAL_SHIFT",
    means="validation is not of the distribution trained on, and the model is worse there",
    remedy="prepare both alike, with the statistics of the training set; split at random",
    severity=Severity.WARNING,
    area=Area.VALIDATION,
    order=170,
    evidence=(
        "a column's Kolmogorov-Smirnov distance above {moved} and beyond chance in all columns "
        "together ({error}); or neighbours that separate the sets by {moved} ({sigma} standard "
        "deviations); and the model worse"
    ),
    thresholds={"moved": MOVED, "error": ERROR, "sigma": SURER},
    source=(
        "Kolmogorov-Smirnov, bound of Dvoretzky, Kiefer, Wolfowitz and Massart; Bonferroni; Schilling (1986)"
    ),
    explains=("OVERFIT",),
    only_by_hand="the split is made before the Problem",
)

OVERFIT = FindingKind(
    code="OVERFIT",
    means="the model fits rows it was trained on far better than others",
    remedy="stop at the least validation loss; more data, augmentation, weight decay or a smaller model",
    severity=Severity.WARNING,
    area=Area.VALIDATION,
    order=380,
    evidence=(
        "validation loss risen from its least by {risen:.0%}, beyond {errors} standard errors, while "
        "training loss falls; or accuracy {wide:.0%} ({wider:.0%} without a rise) lower, with its "
        "binomial interval"
    ),
    thresholds={"risen": RISEN, "errors": SURER, "wide": WIDE, "wider": WIDER},
    source="Prechelt, Early stopping (1998), for the rise",
)


@dataclass(frozen=True, slots=True)
class Gap:
    """How much worse the model does on validation than on training rows, and the least that this may be:
    in accuracy, or as a share of the validation loss.
    """

    value: float
    low: float
    in_accuracy: bool

    @property
    def is_wide(self) -> bool:
        """Whether it matters: a tenth of all answers, or half of the loss."""
        return self.low > (WIDE if self.in_accuracy else WIDE_LOSS)


def gap(held: Score, seen: Score | None) -> Gap | None:
    """In accuracy with its binomial interval where answers can be counted, else in loss; None if not known.

    >>> import torch
    >>> ones = torch.ones(4)
    >>> gap(Score(ones, torch.tensor(75), 100), Score(ones, torch.tensor(100), 100)).value
    0.25
    """
    if seen is None:
        return None
    value, error = held.loss - seen.loss, math.hypot(held.error, seen.error)
    if held.right is None or seen.right is None:
        return Gap(value / held.loss, (value - SURE * error) / held.loss, False) if held.loss > 0 else None
    value = seen.accuracy - held.accuracy
    return Gap(value, value - SURE * math.hypot(_binomial(held), _binomial(seen)), True)


def _binomial(score: Score) -> float:
    """The standard error of an accuracy, not 0 where all or none are right (Agresti and Coull)."""
    share = (score.accuracy * score.rows + 2) / (score.rows + 4)
    return math.sqrt(share * (1 - share) / (score.rows + 4))


@rule(OVERFIT)
def overfit(chart: Chart) -> Iterator[Finding]:
    """Validation loss up from its least while training loss fell, or far above it. A warning where the gap is
    wide, or a loss without right and wrong answers is half as large again; where accuracy holds, a remark.
    """
    looks = _looks(chart.history)
    if len(looks) < FEWEST_LOOKS:
        return
    best, last = min(looks, key=lambda look: look.held.loss), looks[-1]
    parted, apart = _has_risen(looks, best) and _fell(chart, best, last), gap(last.held, last.seen)
    far, wide = apart is not None and _is_far(chart, apart), apart is not None and apart.is_wide
    if not (parted or far or (wide and last.held.right is not None)):
        return
    evidence = {"validation loss": last.held.loss, "its least": best.held.loss, "at step": best.step}
    if apart is not None:
        evidence |= {"accuracy lost" if apart.in_accuracy else "share of it not in training": apart.value}
        evidence |= {"at least": apart.low}
    worse = last.held.right is None and last.held.loss > WORSE * best.held.loss
    severity = Severity.WARNING if far or (parted and (wide or worse)) else Severity.INFO
    yield found(OVERFIT, "validation", best.step, evidence, severity=severity)


def _looks(history: History) -> list[Look]:
    """The looks whose losses are numbers."""
    looks = history.validation.looks if history.validation else []
    return [look for look in looks if math.isfinite(look.held.loss)]


def _has_risen(looks: Sequence[Look], best: Look) -> bool:
    """Whether validation loss rose from its least, surely, for several looks, by a part of its own size
    and of the way that it had come.
    """
    after = [look.held.loss for look in looks if look.step > best.step]
    rises = looks[-1].held.losses - best.held.losses
    rise, error = float(rises.mean()), float(rises.std()) / math.sqrt(len(rises))
    least = max(RISEN * abs(best.held.loss), OF_THE_WAY * (looks[0].held.loss - best.held.loss))
    lasting = len(after) >= AFTER_BEST and min(after[-AFTER_BEST:]) > best.held.loss
    return lasting and rise > max(least, SURER * error)


def _fell(chart: Chart, best: Look, last: Look) -> bool:
    """Whether the loss of training rows fell between two looks; where they are not known, of the batches."""
    if best.seen is not None and last.seen is not None:
        return last.seen.loss < best.seen.loss
    steps, losses = chart.history.steps, chart.history.task_losses
    then, now = losses[steps <= best.step][-3:], losses[-3:]
    return len(then) > 0 and bool(np.nanmean(now) < np.nanmean(then))


def _is_far(chart: Chart, apart: Gap) -> bool:
    """Whether a gap is so wide that it tells without a rise."""
    if apart.in_accuracy:
        return apart.low > WIDER
    poor = _looks(chart.history)[-1].held.loss > OF_A_GUESS * chart.went.chance
    return apart.low > WIDER_LOSS and poor


@rule(TRAIN_VAL_SHIFT)
def shift(chart: Chart) -> Iterator[Finding]:
    """Validation rows from another distribution than training rows, and the model worse for it."""
    train, held = both_tables(chart.history)
    if train is None or held is None or min(len(train), len(held)) < FEWEST_ROWS:
        return
    moved = _words_moved if is_text(chart.history) else _rows_moved
    evidence = {**moved(train.values, held.values), **_classes_moved(chart.history, held, len(train))}
    if not evidence:
        return
    looks = _looks(chart.history)
    apart = gap(looks[-1].held, looks[-1].seen) if looks else None
    harm = "rows of classes not trained on" in evidence or (apart is not None and apart.low > WIDE / 2)
    severity = None if harm else Severity.INFO
    yield found(TRAIN_VAL_SHIFT, "validation", 0, evidence, severity=severity)


def both_tables(history: History) -> tuple[Table | None, Table | None]:
    """Training rows seen, and validation rows."""
    chunks, bulks = history.rows.chunks, history.validation.bulks if history.validation else []
    words = vocabulary([*(c.inputs for c in chunks), *(x for x, _ in bulks)])
    return table(((c.inputs, c.targets) for c in chunks), words), table(bulks, words)


def _columns_moved(train: np.ndarray, held: np.ndarray) -> dict[str, float]:
    """Columns whose distributions are apart by Kolmogorov and Smirnov's distance, beyond chance in all of
    them together (Bonferroni) and by a quarter at the least.
    """
    if train.shape[1:] != held.shape[1:]:
        return {}
    distances = np.array([_distance(a, b) for a, b in zip(train.T, held.T, strict=True)])
    rows = len(train) * len(held) / (len(train) + len(held))
    least = max(MOVED, math.sqrt(math.log(2 * len(distances) / ERROR) / 2 / rows))
    moved = np.flatnonzero(distances > least)
    if not len(moved):
        return {}
    worst = int(distances.argmax())
    return {
        "columns that moved": len(moved),
        "of": len(distances),
        "the most: column": worst,
        "Kolmogorov-Smirnov distance": float(distances[worst]),
    }


def _rows_moved(train: np.ndarray, held: np.ndarray) -> dict[str, float]:
    return _columns_moved(train, held) or _neighbours_moved(train, held)


def _neighbours_moved(train: np.ndarray, held: np.ndarray) -> dict[str, float]:
    """Rows whose neighbours are of their own set more often than chance would have it (Schilling 1986): what
    moved shows in no column alone.
    """
    if train.shape[1:] != held.shape[1:]:
        return {}
    sets = [values[:: -(-len(values) // A_THOUSAND)] for values in (train, held)]
    members = np.repeat([0, 1], [len(values) for values in sets])
    told = told_by_neighbours(Table(np.concatenate(sets), members))
    apart = told is not None and told.value > MOVED and told.z > SURER
    return {"told from training rows by neighbours, beyond chance": told.value} if told and apart else {}


def is_text(history: History) -> bool:
    """Whether rows hold tokens."""
    return any(not is_numbers(chunk.inputs) for chunk in history.rows.chunks)


def _words_moved(train: np.ndarray, held: np.ndarray) -> dict[str, float]:
    """How much of all words would have to be others, where it is a quarter and beyond chance."""
    a, b = train.sum(0), held.sum(0)
    apart = _apart(a, b, int(a.sum()), int(b.sum()))
    return {"distance of word shares": apart} if apart > MOVED else {}


def _apart(a: np.ndarray, b: np.ndarray, rows_a: int, rows_b: int) -> float:
    """The distance of two tables of counts as shares (total variation); 0 if chance may make it."""
    apart = float(np.abs(a / a.sum() - b / b.sum()).sum()) / 2
    expected = math.sqrt(np.count_nonzero(a + b) * (1 / rows_a + 1 / rows_b) / (2 * math.pi))
    return apart if apart > SURE * expected else 0.0


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference of two samples' distribution functions.

    >>> _distance(np.zeros(3), np.ones(2))
    1.0
    """
    a, b = np.sort(a), np.sort(b)
    places = np.concatenate((a, b))
    shares = (np.searchsorted(sample, places, "right") / len(sample) for sample in (a, b))
    return float(np.abs(next(shares) - next(shares)).max())


def _classes_moved(history: History, held: Table, rows: int) -> dict[str, float]:
    """Classes of validation that training does not know, or whose shares are another's."""
    tables = [call.counts.cpu().numpy() for call in history.calls() if call.counts is not None]
    if held.classes is None or not tables or any(len(t) != len(tables[0]) for t in tables):
        return {}
    trained = np.sum(tables, 0)
    if held.classes.min() < 0 or held.classes.max() >= len(trained):
        return {}
    counts = np.bincount(held.classes, minlength=len(trained))
    shares = counts / counts.sum()
    strange = (trained == 0) & (shares * rows > EXPECTED)
    if shares[strange].sum() > UNSEEN:
        return {"rows of classes not trained on": float(shares[strange].sum()), "classes": int(strange.sum())}
    apart = _apart(trained, counts, rows, len(held))
    return {"distance of class shares": apart} if apart > MOVED else {}
