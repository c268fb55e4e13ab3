"""A recurrent network read at its padding, and one read at the last token."""

from __future__ import annotations

import pytest
import torch
from tests.clinic.field.loops import drawn, findings
from tests.clinic.recording.test_read_places import Reader
from torch import Tensor
from torch.nn import functional

CODE = "PADDING_READ"
WORDS = torch.randint(1, 12, (600, 40), generator=drawn())
LENGTHS = torch.randint(3, 7, (600,), generator=drawn(1))
ASKED = WORDS[:, 0] % 3


@pytest.mark.parametrize(
    ("way", "columns", "severity"),
    [
        pytest.param("last output", 40, "warning", id="long padding"),
        pytest.param("last output", 6, "info", id="short padding, which is learnt"),
        pytest.param("last token", 40, "", id="the last token"),
        pytest.param("packed", 40, "", id="packed"),
    ],
)
def test_padding_that_is_read_is_named(way: str, columns: int, severity: str) -> None:
    torch.manual_seed(0)
    model, x = Reader(way), (WORDS * (torch.arange(40) < LENGTHS[:, None]))[:, :columns]

    def loss(i: int) -> Tensor:
        at = (torch.arange(50) + 50 * i) % 600
        return functional.cross_entropy(model(x[at]), ASKED[at])

    optimizer = torch.optim.Adam(model.parameters(), 2e-2)
    found = findings(model, optimizer, loss, steps=60, every=4)
    said = str(found[CODE].severity) if CODE in found else ""
    assert (said if said in ("", "info") else "warning") == severity
