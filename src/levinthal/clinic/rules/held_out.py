"""What a validation set tells: overfitting, another distribution, rows that were trained on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from levinthal.clinic.findings.finding import found
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.row_reservoir import marks
from levinthal.clinic.recording.validation import Look, Score
from levinthal.clinic.rules.context import Chart
from levinthal.clinic.rules.label_probes import told_by_neighbours
from levinthal.clinic.rules.tables import Table, is_numbers, table, vocabulary
from levinthal.vocabulary import Finding, Severity

FEWEST_LOOKS, AFTER_BEST = 4, 2
SURE, SURER = 2.0, 3.0
RISEN, OF_THE_WAY, WORSE = 0.1, 0.05, 1.5
WIDE, WIDER = 0.1, 0.2
WIDE_LOSS, WIDER_LOSS, OF_A_GUESS = 0.5, 0.8, 0.25
FEWEST_ROWS = 30
MOVED, ERROR = 0.25, 1e-3
A_THOUSAND = 1000
FEWEST_COLUMNS, A_TENTH, EQUAL = 4, 0.1, 1e-4
UNSEEN, EXPECTED = 0.02, 10
LEAKED, SOME = 0.03, 0.005


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
    yield found("OVERFIT", "validation", best.step, evidence, severity=severity)


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


def shift(chart: Chart) -> Iterator[Finding]:
    """Validation rows from another distribution than training rows, and the model worse for it."""
    train, held = both_tables(chart.history)
    if train is None or held is None or min(len(train), len(held)) < FEWEST_ROWS:
        return
    moved = _words_moved if _is_text(chart.history) else _rows_moved
    evidence = {**moved(train.values, held.values), **_classes_moved(chart.history, held, len(train))}
    if not evidence:
        return
    looks = _looks(chart.history)
    apart = gap(looks[-1].held, looks[-1].seen) if looks else None
    harm = "rows of classes not trained on" in evidence or (apart is not None and apart.low > WIDE / 2)
    severity = None if harm else Severity.INFO
    yield found("TRAIN_VAL_SHIFT", "validation", 0, evidence, severity=severity)


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


def _is_text(history: History) -> bool:
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


def leakage(chart: Chart) -> Iterator[Finding]:
    """Validation rows that stand, to the bit, among the training rows seen, more than equal rows would by
    chance: those within validation and within batches tell how often rows are alike.
    """
    held = [marks(x).cpu().numpy() for x in _inputs(chart.history)]
    seen = [m.cpu().numpy() for m in chart.history.rows.marks]
    if not held or not seen:
        return
    validation, distinct = np.concatenate(held), np.unique(np.concatenate(seen))
    shared = int(np.isin(validation, distinct).sum())
    # batches drawn with replacement hold equal rows too: validation alone may know better
    others = len(distinct), sum(map(len, seen))
    natural = min(_by_chance(samples, *others) for samples in ([validation], [validation, *seen]))
    rows = len(validation)
    beyond = shared / rows - natural
    sure = beyond * rows > SURE * math.sqrt(rows * natural * (1 - natural)) + SURE
    if shared > max(SURER, SOME * rows) and (sure or shared / rows > LEAKED):
        severity = None if sure and beyond > LEAKED else Severity.INFO
        evidence = {"validation rows trained on": shared, "of": rows, "share to expect, at most": natural}
        evidence |= {"training rows seen": len(distinct)}
        yield found("DATA_LEAKAGE", "validation", 0, evidence, severity=severity)


def near_twins(chart: Chart) -> Iterator[Finding]:
    """Validation rows each with a training row far closer than any other: copies with a little noise, views
    of one thing, visits of one patient. A remark: it is not known which; equal rows are `leakage`.
    """
    train, held = both_tables(chart.history)
    if train is None or held is None or min(len(train), len(held)) < FEWEST_ROWS or _is_text(chart.history):
        return
    if train.values.shape[1:] != held.values.shape[1:] or train.values.shape[1] < FEWEST_COLUMNS:
        return
    twins, rows = share_of_twins(train.values, held.values[:A_THOUSAND])
    if twins > max(A_TENTH, SURER / math.sqrt(rows)):
        evidence = {"validation rows with a near twin among some training rows": twins, "of": rows}
        yield found("DATA_LEAKAGE", "validation", 0, evidence, severity=Severity.INFO)


def share_of_twins(train: np.ndarray, held: np.ndarray) -> tuple[float, int]:
    """The share of held rows whose nearest training row is at a third of the next one's distance, beyond that
    whose next one is so beside the one after it; and of how many rows. Equal rows are left out.

    >>> rows = np.random.default_rng(0).normal(size=(200, 9))
    >>> share_of_twins(rows[:100], rows[:100] + 1e-3)[0], share_of_twins(rows[:100], rows[100:])[0] < 0.02
    (1.0, True)
    """
    spread = np.maximum(train.std(0), A_TENTH * max(float(np.median(train.std(0))), 1e-30))
    a, b = train / spread, held / spread
    squares = (b**2).sum(1)[:, None] + (a**2).sum(1) - 2 * b @ a.T
    near = np.sqrt(np.maximum(np.partition(squares, 2, 1)[:, :3], 0))
    near = np.sort(near, 1)[near.min(1) > EQUAL * math.sqrt(a.shape[1])]
    if not len(near):
        return 0.0, 0
    first, second = (np.mean(near[:, i] < near[:, i + 1] / 3) for i in (0, 1))
    return float(first - second), len(near)


def _inputs(history: History) -> Iterator[torch.Tensor]:
    bulks = history.validation.bulks if history.validation else []
    return (x for x, _ in bulks if isinstance(x, torch.Tensor))


def _by_chance(samples: Sequence[np.ndarray], distinct: int, drawn: int) -> float:
    """The share of rows that would have a twin among so many others, at most."""
    pairs = sum(len(s) * (len(s) - 1) / 2 for s in samples)
    counts = [np.unique(s, return_counts=True)[1] for s in samples]
    equal = float(sum((c * (c - 1) / 2).sum() for c in counts))
    # about the upper end of a Poisson count's interval; 1 where nothing was seen
    often = (equal + SURE * math.sqrt(equal) + 1) / max(pairs, 1)
    return min(1.0, (drawn if equal else distinct) * often)


RULES = (shift, leakage, near_twins, overfit)
