"""Boxes, points and angles of images that are flipped without them; targets that a flip does not change."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from levinthal.clinic import watch
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.row_reservoir import Chunk
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.flipped_targets import flipped_targets, signs_of

DRAW = torch.Generator().manual_seed(0)
CORNER = torch.randint(0, 9, (400, 2), generator=DRAW)
SIZE = torch.randint(3, 7, (400, 2), generator=DRAW)
GRID = torch.arange(16)
INSIDE = [(CORNER[:, k, None] <= GRID) & ((CORNER + SIZE)[:, k, None] > GRID) for k in range(2)]
IMAGES = (INSIDE[1][:, :, None] & INSIDE[0][:, None]).float()[:, None]
IMAGES = 0.6 * IMAGES + 0.3 * torch.rand(IMAGES.shape, generator=DRAW)
BOXES = torch.cat((CORNER, CORNER + SIZE), 1) / 16
TURNED = torch.rand(400, 1, generator=DRAW) < 0.5
TURNED_BOXES = torch.stack((1 - BOXES[:, 2], BOXES[:, 1], 1 - BOXES[:, 0], BOXES[:, 3]), 1)
FLIPPED = torch.where(TURNED[:, :, None, None], IMAGES.flip(-1), IMAGES)
ANGLE = BOXES[:, [0, 2]].mean(1, keepdim=True) - 0.5
CASES: dict[str, tuple[Tensor, Tensor, bool]] = {
    "boxes stay": (FLIPPED, BOXES, True),
    "an angle stays": (FLIPPED, ANGLE, True),
    "upside down, boxes stay": (FLIPPED.transpose(2, 3), BOXES[:, [1, 0, 3, 2]], True),
    "boxes are flipped too": (FLIPPED, torch.where(TURNED, TURNED_BOXES, BOXES), False),
    "nothing is flipped": (IMAGES, BOXES, False),
    "sizes do not change": (FLIPPED, SIZE / 16, False),
    "noise": (FLIPPED, torch.randn(400, 2, generator=DRAW), False),
    "targets of another order": (IMAGES, BOXES[torch.randperm(400, generator=DRAW)], False),
}


@pytest.mark.parametrize("name", CASES)
def test_a_place_on_the_wrong_side_in_a_part_of_the_rows(name: str) -> None:
    images, targets, apart = CASES[name]
    history, w = History(), watch(nn.Linear(1, 1), torch.optim.SGD(nn.Linear(1, 1).parameters(), 0.1))
    history.rows.chunks = [Chunk(images, targets, alone=True)]
    found = list(flipped_targets(Context(w.setup, history)))
    assert [f.code for f in found] == ["LABELS_UNRELATED"] * apart


def test_signs_that_are_all_changed_are_no_disagreement() -> None:
    x = torch.linspace(-1, 1, 200).double()[:, None]
    signs = signs_of(x, torch.cat((3 * x, -3 * x, x.abs()), 1))
    assert signs.explained.tolist() == pytest.approx([1.0, 1.0, 1.0], abs=1e-2)
    assert signs.wrong.tolist() == pytest.approx([0.0, 0.0, 0.5], abs=0.02)


def test_a_watch_names_the_columns() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(256, 16), nn.ReLU(), nn.Linear(16, 4))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    with watch(model, optimizer, every=3) as w:
        for step in range(40):
            rows = torch.arange(step * 40, step * 40 + 40) % 400
            optimizer.zero_grad()
            fn.smooth_l1_loss(model(FLIPPED[rows]), BOXES[rows]).backward()
            optimizer.step()
    assert w.failed_rules == ()
    places = [f.where for f in w.findings() if f.code == "LABELS_UNRELATED"]
    assert places == ["targets, column 0 and 2"]
