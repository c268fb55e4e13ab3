"""Images that are flipped while what is to be found in them is not: boxes, points, angles.

An odd function of the image (what is left and right of the middle, with opposite signs) changes its sign when
the image is flipped. If it gives the targets of some images, and those of others with the wrong sign, then
images and targets were not flipped together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.labels import EXPLAINED, LABELS_UNRELATED, WRONG_SIGN
from levinthal.vocabulary import Finding

FEWEST_ROWS, MOST_ROWS = 200, 512
"""Rows that are read, at least and at most."""
MOST_TARGETS, BINS = 8, 16
"""Numbers of a target that are read, at most; places along an axis."""
RIDGE, ROUNDS = 1e-3, 8
CLEAR, MOSTLY_CLEAR = 2.0, 0.3
"""Deviations of the residual above which a sign is clear, and the share of the rows that has to be."""
FLIP_BOTH = "flip the targets with the image: a box (x0, y0, x1, y1) becomes (1 - x1, y0, 1 - x0, y1)"


@dataclass(frozen=True, slots=True)
class Signs:
    """What an odd function says of each target.

    Attributes:
        explained: (k,) share of the variance of a target's absolute value that it explains, up to the sign of
            each row.
        wrong: (k,) share of the rows with a clear sign in which it is the rarer one.
    """

    explained: Tensor
    wrong: Tensor


WELL_LEARNT = 0.1
"""Loss over the chance level below which the network itself has found the side."""


@rule(LABELS_UNRELATED)
def flipped_targets(context: Context) -> Iterator[Finding]:
    """A place or an angle that the image gives with the wrong sign in a part of the rows."""
    both = _images_and_numbers(context.history)
    if both is None or (context.trend.known and context.trend.end < WELL_LEARNT * context.trend.chance):
        return
    images, targets = both
    for axis, name in ((-1, "horizontally"), (-2, "vertically")):
        columns, values = _from_the_middle(targets, images.shape[axis])
        signs = signs_of(odd_profiles(images, axis), values)
        is_apart = (signs.explained > EXPLAINED) & (signs.wrong > WRONG_SIGN)
        if is_apart.any():
            k = int(torch.where(is_apart, signs.explained, -1.0).argmax())
            where = f"targets, column {' and '.join(map(str, columns[k]))}"
            evidence: dict[str, float | str] = {"rows with the wrong side": float(signs.wrong[k])}
            evidence |= {"explained up to the side": float(signs.explained[k]), "flipped": name}
            yield found(LABELS_UNRELATED, where, 0, evidence, remedy=FLIP_BOTH)


def signs_of(odd: Tensor, values: Tensor) -> Signs:
    """Fit each target by a linear function of odd features, and a sign for each row, in turns.

    Args:
        odd: (n, d) features that change their sign when the image is flipped.
        values: (n, k) targets, 0 in the middle.

    Returns:
        What is explained, and the share of wrong signs; 0 where too few signs are clear.

    >>> x = torch.linspace(-1, 1, 200).double()[:, None]
    >>> side = torch.tensor([[1.0], [1.0], [1.0], [-1.0]]).repeat(50, 1)
    >>> both = signs_of(x, torch.cat((2 * x, 2 * x * side), 1))
    >>> both.explained.min() > 0.99, [round(float(share), 2) for share in both.wrong]
    (tensor(True), [0.0, 0.25])
    """
    x = functional.normalize(odd, dim=0)
    solve = torch.linalg.solve(x.T @ x + RIDGE * torch.eye(x.shape[1], dtype=x.dtype), x.T)
    ramp = odd @ torch.linspace(1, 0, odd.shape[1] + 1, dtype=odd.dtype)[:-1, None]
    sign = torch.where(values * ramp < 0, -1.0, 1.0).to(values)
    for _ in range(ROUNDS):
        fit = x @ (solve @ (sign * values))
        sign = torch.where(values * fit < 0, -1.0, 1.0).to(values)
    left = (sign * values - fit).square().mean(0)
    clear = fit.abs() > CLEAR * left.sqrt()
    share = (clear & (sign < 0)).sum(0) / clear.sum(0).clamp(min=1)
    wrong = torch.where(clear.double().mean(0) > MOSTLY_CLEAR, torch.minimum(share, 1 - share), 0.0)
    return Signs(1 - left / values.abs().var(0).clamp(min=1e-30), wrong)


def odd_profiles(images: Tensor, axis: int) -> Tensor:
    """(n, 8) how much of what stands out in an image is on one side of the middle along an axis, less what is
    at the same distance on the other side; the outermost place first.

    >>> image = torch.zeros(1, 1, 4, 4)
    >>> image[..., 0] = 1.0
    >>> odd_profiles(image, -1).tolist(), odd_profiles(image.flip(-1), -1).tolist()
    ([[1.0, 0.0]], [[-1.0, 0.0]])
    """
    line = images.mean(1).mean(-2 if axis == -1 else -1)
    line = functional.adaptive_avg_pool1d(line[:, None], min(BINS, line.shape[1]))[:, 0]
    mass = (line - line.amin(1, keepdim=True)).square()
    mass = mass / mass.sum(1, keepdim=True).clamp(min=1e-12)
    return (mass - mass.flip(1))[:, : mass.shape[1] // 2]


def _from_the_middle(targets: Tensor, size: int) -> tuple[list[tuple[int, ...]], Tensor]:
    """Columns of the targets, and means of two (the middle of a box), less what the image's middle may be:
    0, a half, half of its pixels, or the mean; with the columns that each is made of.
    """
    columns: list[tuple[int, ...]] = [(k,) for k in range(targets.shape[1])]
    columns += combinations(range(targets.shape[1]), 2)
    values = torch.stack([targets[:, c].mean(1) for c in columns], 1)
    parts = [values, values - 0.5, values - size / 2, values - values.mean(0)]
    return columns * len(parts), torch.cat(parts, 1)


def _images_and_numbers(history: History) -> tuple[Tensor, Tensor] | None:
    """Some images (n, channels, height, width), and their targets as (n, k) numbers."""
    pairs = [(x, y) for x, y in history.rows.pairs() if x.dim() == 4 and y.is_floating_point()]
    flat = [(x, y.reshape(len(y), -1)) for x, y in pairs if min(x.shape[-2:]) > 1]
    few = [(x, y) for x, y in flat if 0 < y.shape[1] <= MOST_TARGETS]
    if sum(len(x) for x, _ in few) < FEWEST_ROWS:
        return None
    images, targets = (torch.cat(part) for part in zip(*few, strict=True))
    some = torch.linspace(0, len(images) - 1, min(len(images), MOST_ROWS)).long()
    images, targets = images[some].cpu().double(), targets[some].cpu().double()
    is_finite = bool(images.isfinite().all() and targets.isfinite().all())
    return (images, targets) if is_finite else None
