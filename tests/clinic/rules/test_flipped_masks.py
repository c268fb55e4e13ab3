"""Images and masks that are flipped apart; pairs that belong together, or that no local learner relates."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from levinthal.clinic import watch
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.row_reservoir import Chunk
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.flipped_masks import flipped_masks
from levinthal.clinic.rules.labels import labels_unrelated

DRAW = torch.Generator().manual_seed(0)


def blobs(count: int, side: int = 12) -> Tensor:
    """(count, 1, side, side) one disc each, at any place."""
    middle, grid = torch.rand(count, 2, 1, 1, generator=DRAW) * side, torch.arange(side)
    away = (grid[None, :, None] - middle[:, 0]) ** 2 + (grid[None, None, :] - middle[:, 1]) ** 2
    return (away < 9).float()[:, None]


def image_of(masks: Tensor) -> Tensor:
    return 0.6 * masks + 0.3 * torch.rand(masks.shape, generator=DRAW)


def flipped_at_random(masks: Tensor) -> Tensor:
    both = ((torch.rand(len(masks), 1, 1, 1, generator=DRAW) < 0.5) for _ in range(2))
    return torch.where(next(both), masks.flip(-1), torch.where(next(both), masks.flip(-2), masks))


MASKS = blobs(100)
PAIRS = {
    "flipped at random": (image_of(MASKS), flipped_at_random(MASKS), True),
    "all upside down": (image_of(MASKS), MASKS.flip(-2), True),
    "classes flipped at random": (image_of(MASKS), flipped_at_random(MASKS)[:, 0].long(), True),
    "together": (image_of(MASKS), MASKS, False),
    "both flipped": (image_of(flipped := flipped_at_random(MASKS)), flipped, False),
    "symmetric": (image_of(even := (MASKS + MASKS.flip(-1)).clamp(max=1)), even, False),
    "unrelated": (image_of(blobs(100)), MASKS, False),
    "an image as its own target": (image := image_of(MASKS), image, False),
}


@pytest.mark.parametrize("name", PAIRS)
def test_masks_that_fit_a_flipped_image_better_than_their_own(name: str) -> None:
    images, masks, apart = PAIRS[name]
    history, w = History(), watch(nn.Linear(1, 1), torch.optim.SGD(nn.Linear(1, 1).parameters(), 0.1))
    history.rows.chunks = [Chunk(images, masks, alone=True)]
    found = list(flipped_masks(Context(w.setup, history)))
    assert [f.code for f in found] == ["LABELS_UNRELATED"] * apart


def test_a_watch_names_them_while_the_loss_falls() -> None:
    torch.manual_seed(0)
    images = image_of(MASKS)
    for masks, expected in ((flipped_at_random(MASKS), True), (MASKS, False)):
        model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 3, padding=1))
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        with watch(model, optimizer, every=3) as w:
            for step in range(40):
                rows = torch.arange(step * 20, step * 20 + 20) % len(images)
                optimizer.zero_grad()
                fn.binary_cross_entropy_with_logits(model(images[rows]), masks[rows]).backward()
                optimizer.step()
        assert w.failed_rules == ()
        assert ("LABELS_UNRELATED" in {f.code for f in w.findings()}) == expected
    assert not list(labels_unrelated(Context(w.setup, w.history)))
