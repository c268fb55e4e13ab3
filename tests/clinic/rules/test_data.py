"""The same batch at every step, of tokens too."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from levinthal.clinic import watch
from levinthal.vocabulary import Finding

DICE = torch.Generator().manual_seed(0)
TOKENS, LABELS = torch.randint(0, 50, (400, 12), generator=DICE), torch.randint(0, 4, (400,), generator=DICE)


def findings_of(plateaued: bool, validation: Any = None) -> dict[str, Finding]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.EmbeddingBag(50, 16), nn.Linear(16, 4))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    with watch(model, optimizer, every=2, validation=validation) as w:
        for step in range(40):
            rows = torch.arange(32) + (0 if plateaued else step)
            optimizer.zero_grad()
            functional.cross_entropy(model(TOKENS[rows]), LABELS[rows]).backward()
            optimizer.step()
    assert w.trouble == ""
    return {f.code: f for f in w.findings()}


def test_the_same_tokens_at_every_step_are_noticed() -> None:
    assert findings_of(plateaued=True)["STUCK_BATCH"].severity == "info"
    assert "STUCK_BATCH" not in findings_of(plateaued=False)


def test_a_batch_smaller_than_validation_is_not_all_there_is() -> None:
    found = findings_of(plateaued=True, validation=(TOKENS[100:], LABELS[100:]))
    assert found["STUCK_BATCH"].severity == "warning"
    assert all(f.follows == "STUCK_BATCH" for f in found.values() if f.code == "OVERFIT")
