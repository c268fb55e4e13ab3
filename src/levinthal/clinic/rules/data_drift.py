"""Data that change while they are trained on: the same rows come again at another scale."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import EXACT
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.row_reservoir import Chunk
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.loss_trend import FEWEST
from levinthal.clinic.rules.tables import is_numbers
from levinthal.vocabulary import Finding, Severity

FAR = 3.0
"""Times by which the standard deviation of the batches changes, or of these by which their mean moves."""
STEADY = 0.9
"""Rank correlation of the scale with the step, above which it drifts one way."""
SAME = 1e-6
"""One less the correlation of two rows, below which they are one row."""
MOVED = 1.2
"""Times by which the scale of one row has to change; its mean by as much of its deviation, beyond one."""
PAIRS, ONE_WAY = 8, 0.95
"""Pairs of one row that are needed, and the share of them that has to change as the batches do."""
FEWEST_VALUES, FEWEST_DISTINCT, COLUMNS = 8, 4, 1024
"""Values of a row, and different ones, below which rows are equal by chance; the most that are compared."""

DATA_DRIFT = FindingKind(
    code="DATA_DRIFT",
    means="the data are changed in place: the same rows come again at another scale, further away each time",
    remedy=(
        "normalise once before training, or a copy: `x = (x - mean) / std`, never `data[rows] = ...`, "
        "`x -= mean` or `x.div_(255)` on what the data set holds"
    ),
    severity=Severity.WARNING,
    area=Area.DATA,
    order=5,
    evidence=(
        "the standard deviation of the batches changes by a factor of {far}, or their mean by as many "
        "deviations, one way (rank correlation {steady}); and {pairs} or more pairs of rows equal up to "
        "scale and offset, of which {way:.0%} change the same way, by a factor of {moved} or more"
    ),
    thresholds={"far": FAR, "steady": STEADY, "pairs": PAIRS, "way": ONE_WAY, "moved": MOVED},
    source=EXACT,
    explains=("NON_FINITE_INPUT", "INPUT_SCALE", "NON_FINITE_LOSS", "OVERFIT", *symptoms.OF_ALL_DYNAMICS),
    only_by_hand="the change is in the user's own data set or loop",
)


@dataclass(frozen=True, slots=True)
class _Drift:
    """By what factor the deviation of the batches changes, and by how many deviations their mean moves; 1 and
    0 where that is small or not steady.
    """

    factor: float
    distance: float


@rule(DATA_DRIFT)
def data_drift(context: Context) -> Iterator[Finding]:
    """Batches whose scale drifts, and rows of which the data set holds another version than before. A
    curriculum, a stream in time or the states of a game drift too, but no row of them comes again rescaled.
    """
    drift = _drift(context.history)
    if drift is None:
        return
    rows = [_scaled_rows(chunk) for chunk in context.history.rows.chunks if is_numbers(chunk.inputs)]
    changes = _changes_of_one_row([r for r in rows if r is not None])
    moved = changes[:, 0] if drift.factor != 1.0 else changes[:, 1]
    way = math.log(drift.factor) if drift.factor != 1.0 else drift.distance
    least = math.log(MOVED) if drift.factor != 1.0 else MOVED - 1
    right = moved * math.copysign(1.0, way) > least
    if len(moved) >= PAIRS and right.mean() >= ONE_WAY:
        what = "times the standard deviation" if drift.factor != 1.0 else "standard deviations of the mean"
        size = drift.factor if drift.factor != 1.0 else drift.distance
        yield found(
            DATA_DRIFT, "input", 0, {f"batches moved by ({what})": size, "rows seen again": len(moved)}
        )


def _drift(history: History) -> _Drift | None:
    """How the batches drift; None where they do not."""
    mean, deviation = history.batch("mean"), history.batch("std")
    known = np.isfinite(mean) & np.isfinite(deviation) & (deviation > 0)
    mean, deviation = mean[known], deviation[known]
    if len(mean) < 2 * FEWEST:
        return None
    part = len(mean) // 5
    (m0, m1), (s0, s1) = (
        (float(np.median(x[:part])), float(np.median(x[-part:]))) for x in (mean, deviation)
    )
    factor = s1 / s0 if max(s1 / s0, s0 / s1) >= FAR and _is_steady(deviation) else 1.0
    away = (m1 - m0) / max(s0, s1)
    distance = away if abs(away) >= FAR and _is_steady(mean) else 0.0
    return _Drift(factor, distance) if factor != 1.0 or distance else None


def _is_steady(values: np.ndarray) -> bool:
    """Whether numbers rise, or fall, with their place."""
    ranks = np.argsort(np.argsort(values)).astype(float)
    return bool(abs(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1]) >= STEADY)


def _scaled_rows(chunk: Chunk) -> tuple[Tensor, Tensor, Tensor] | None:
    """(n, d) the rows at mean 0 and norm 1, by channel of images; (n,) their means and deviations."""
    x = chunk.inputs.detach().cpu().double()
    if x.dim() < 2:
        return None
    rows = x.reshape(len(x), x.shape[1] if x.dim() > 3 else 1, -1)
    rows = rows[:, :, :: -(-rows.shape[2] // COLUMNS)]
    if rows.shape[2] < FEWEST_VALUES:
        return None
    mean, deviation = rows.mean(2, keepdim=True), rows.std(2, keepdim=True)
    distinct = (rows.sort(2).values.diff(dim=2) > 0).sum(2).amin(1) + 1
    good = torch.isfinite(rows).all(2).all(1) & (deviation > 0).all(1)[:, 0] & (distinct >= FEWEST_DISTINCT)
    unit = torch.nn.functional.normalize(((rows - mean) / deviation)[good].flatten(1), dim=1)
    return unit, mean[good].mean((1, 2)), deviation[good].log().mean((1, 2)).exp()


def _changes_of_one_row(chunks: list[tuple[Tensor, Tensor, Tensor]]) -> np.ndarray:
    """(pairs, 2) of rows of different steps that are one up to scale and offset: the logarithm of the factor
    between their scales, and the movement of the mean in deviations.
    """
    width = chunks[0][0].shape[1] if chunks else 0
    same = [chunk for chunk in chunks if chunk[0].shape[1] == width and len(chunk[0])]
    if len(same) < 2:
        return np.zeros((0, 2))
    unit, mean, deviation = (torch.cat([chunk[i] for chunk in same]) for i in range(3))
    step = torch.cat([torch.full((len(chunk[0]),), i) for i, chunk in enumerate(same)])
    equal = (unit @ unit.T > 1 - SAME) & (step[:, None] < step[None, :])
    early, late = equal.nonzero(as_tuple=True)
    factor = (deviation[late] / deviation[early]).log()
    away = (mean[late] - mean[early]) / torch.maximum(deviation[late], deviation[early])
    return torch.stack((factor, away), 1).numpy()
