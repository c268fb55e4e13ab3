"""Images and their masks that are flipped apart, or in unlike order: does a mask fit its own image best?"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import rule
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.labels import FITS, LABELS_UNRELATED, OTHER_FITS
from levinthal.vocabulary import Finding

FEWEST_ROWS, MOST_ROWS = 40, 128
"""Images that are compared, at least and at most."""
SIDE, FEWEST_PLACES = 32, 6
"""Places of a side to which larger images are reduced; places below which nothing is compared."""
MOST_CLASSES = 8
BETTER = 0.3
"""Correlation by which another image has to fit better than a mask's own."""
BY_CHANCE = 3.0
"""Times by which flipped images have to fit more often than images of other rows do."""
FLIPS = ((), (-1,), (-2,), (-2, -1))
"""Axes of an image that are flipped; none first."""
APART = "apply one flip to both: draw it once, and assign what `flip` returns to image and mask"


@rule(LABELS_UNRELATED)
def flipped_masks(context: Context) -> Iterator[Finding]:
    """Masks that fit their flipped image far better than their own."""
    both = _images_and_masks(context.history)
    if both is None:
        return
    own, flipped, others = fits(*both)
    share, chance = _share_better(own, flipped), _share_better(own, others)
    if share > OTHER_FITS and share > BY_CHANCE * chance:
        evidence = {"share of masks that fit their flipped image better": share}
        evidence |= {"that fit one of three other images better": chance, "masks": len(own)}
        yield found(LABELS_UNRELATED, "targets", 0, evidence, remedy=APART)


def _share_better(own: Tensor, other: Tensor) -> float:
    """The share of rows in which something else fits well, and far better than the row's own."""
    return float(((other > FITS) & (other > own + BETTER)).float().mean())


def fits(images: Tensor, masks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """How well each mask fits its own image, the best of its flips, and the best of three other images.

    A local learner (ridge regression on a place and the mean around it) predicts the masks from the images.
    It is fitted to the flip of all masks that it predicts best, so it is right where each one is flipped.

    Args:
        images: (n, channels, height, width).
        masks: (n, classes, height, width).

    Returns:
        (n,) each: correlations of mask and prediction over the places.

    >>> x = torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    >>> own, flipped, others = fits(x, (x > 0.7).float())
    >>> bool((own > 0.6).all()), bool((own > flipped).all())
    (True, True)
    """
    features = _features(images)
    predictions = [_predicted(features, masks.flip(axes) if axes else masks) for axes in FLIPS]
    best = max(predictions, key=lambda one: one[1])[0]
    scores = torch.stack([_correlation(best, masks.flip(axes) if axes else masks) for axes in FLIPS])
    others = torch.stack([_correlation(best, masks.roll(i, 0)) for i in range(1, len(FLIPS))])
    return scores[0], scores[1:].amax(0), others.amax(0)


def _features(images: Tensor) -> Tensor:
    """(n, 2 channels + 1, height, width) each place, the mean of nine around it, and one."""
    around = functional.avg_pool2d(images, 3, 1, 1, count_include_pad=False)
    return torch.cat((images, around, torch.ones_like(images[:, :1])), 1)


def _predicted(features: Tensor, masks: Tensor) -> tuple[Tensor, float]:
    """The masks as the local learner predicts them, and the share of their variance that it explains."""
    x, y = (t.movedim(1, -1).flatten(0, 2) for t in (features, masks))
    gram = x.T @ x
    gram += 1e-6 * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    predicted = x @ torch.linalg.solve(gram, x.T @ y)
    left = float((y - predicted).square().mean() / (y - y.mean(0)).square().mean().clamp(min=1e-30))
    return predicted.reshape(*masks.movedim(1, -1).shape).movedim(-1, 1), 1 - left


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """(n,) the correlation of two maps over places and classes; 0 where one is constant."""
    a, b = (t - t.mean((2, 3), keepdim=True) for t in (a, b))
    size = (a.square().sum((1, 2, 3)) * b.square().sum((1, 2, 3))).sqrt()
    return (a * b).sum((1, 2, 3)) / size.clamp(min=1e-12)


def _images_and_masks(history: History) -> tuple[Tensor, Tensor] | None:
    """Some images (n, channels, height, width), and masks (n, classes, height, width), reduced in size."""
    pairs = [
        (x, y)
        for x, y in history.rows.pairs()
        if x.dim() == 4 and y.dim() in (3, 4) and x.shape[-2:] == y.shape[-2:]
    ]
    if sum(len(x) for x, _ in pairs) < FEWEST_ROWS or min(pairs[0][0].shape[-2:]) < FEWEST_PLACES:
        return None
    images, masks = (torch.cat(part) for part in zip(*pairs, strict=True))
    some = torch.linspace(0, len(images) - 1, min(len(images), MOST_ROWS)).long()
    images, maps = images[some].cpu().double(), _as_maps(masks[some].cpu())
    if maps is None or not (images.isfinite().all() and maps.isfinite().all()):
        return None
    size = min(images.shape[-2], SIDE), min(images.shape[-1], SIDE)
    return functional.adaptive_avg_pool2d(images, size), functional.adaptive_avg_pool2d(maps, size)


def _as_maps(masks: Tensor) -> Tensor | None:
    """(n, classes, height, width) numbers; None of more classes than eight."""
    if masks.is_floating_point():
        maps = masks if masks.dim() == 4 else masks[:, None]
        return maps.double() if maps.shape[1] <= MOST_CLASSES else None
    values = torch.unique(masks)
    if (masks.dim() == 4 and masks.shape[1] != 1) or not 1 < len(values) <= MOST_CLASSES:
        return None
    flat = masks if masks.dim() == 3 else masks[:, 0]
    return torch.stack([(flat == value).double() for value in values], 1)
