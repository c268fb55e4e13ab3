"""Building the bitmap index of one variable: how finely to code it, and where its thresholds lie."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from levinthal.estimators.kernels.bitmap import LEVELS, TILE, TOP, Index, draw_bitmaps, encode
from levinthal.estimators.kernels.order import sample_rows

SAMPLE = 512
# codes span this many times the bulk of the widest column: heavy tails are clamped, and do not coarsen it
TAILS = 128
SCORE = 128

Runner = Callable[[int, Callable[[int, int], None]], None]


def build_index(values: np.ndarray, order: np.ndarray, run: Runner, bitmaps: bool = True) -> Index:
    """Index the rows values[order]; `run(n, task)` calls task(first, last) on ranges that cover 0..n."""
    n, d = values.shape
    sample = np.sort(values[sample_rows(n, SAMPLE)].T.copy(), axis=1).T
    quantiles = sample[((np.arange(LEVELS) + 0.5) * len(sample) / LEVELS).astype(int)]
    quantum = _quantum(values, sample, quantiles)
    origin = quantiles[0] / 2 + quantiles[-1] / 2 - quantum * (TOP + 1) / 2
    thresholds = np.zeros((_up(d, 32), LEVELS), np.uint16)
    thresholds[:d] = np.clip((quantiles - origin) / quantum, 0, TOP - 1).T
    index = Index(
        reals=aligned(np.float64, n, _up(d, 8)),
        codes=aligned(np.uint16, n, _up(d, 32)),
        clamped=np.zeros(n, np.bool_),
        thresholds=thresholds,
        bulk=_bulk(thresholds),
        bitmaps=aligned(np.uint64, -(-n // TILE) if bitmaps else 0, len(thresholds), LEVELS, TILE // 64),
        quantum=quantum,
    )
    run(n, lambda first, last: encode(values, order, origin, index, first, last))
    run(len(index.bitmaps), lambda first, last: draw_bitmaps(index, first, last))
    return index


def _quantum(values: np.ndarray, sample: np.ndarray, quantiles: np.ndarray) -> float:
    """Choose the width of a code: fine in the bulk of the widest column, yet reaching its tails."""
    bulk = (quantiles[-1] - quantiles[0]).max()
    span = (sample[-1] - sample[0]).max()
    wide = min(1.5 * span, TAILS * bulk) or span or values.max() - values.min()
    return float(wide / TOP) if wide > 0 else 1.0


def _bulk(thresholds: np.ndarray) -> np.ndarray:
    """Return for every 32 columns where their bulks begin and end, and the gains that scale them to SCORE."""
    low, high = thresholds[:, 0].astype(int), thresholds[:, -1].astype(int)
    gain = np.minimum(TOP, (SCORE << 16) // np.maximum(1, high - low))
    return np.stack([low, high, gain]).reshape(3, -1, 32).swapaxes(0, 1).astype(np.uint16, order="C")


def _up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


def aligned(kind: type, *shape: int) -> np.ndarray:
    """Return an uninitialised array that starts at a cache line: vectors that straddle two cost double."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(kind).reshape(shape)
