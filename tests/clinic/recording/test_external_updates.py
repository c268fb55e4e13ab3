from __future__ import annotations

import torch
from tests.clinic.cases import Loop, mlp

from levinthal.clinic.recording.external_updates import external_update


def test_restored_weights_are_distinguished_from_changed_ones() -> None:
    before, after = [torch.zeros(10), torch.ones(4)], [torch.arange(10.0), torch.ones(4)]
    now = [after[0].clone(), after[1].clone()]
    now[0][1:4] = 0.0
    back, size = external_update(before, after, now).tolist()
    assert back == torch.tensor(3 / 9).item()  # of nine that moved; one never did
    whole = torch.cat(after).norm()
    assert size == (torch.cat(now).norm() / whole).item()


def test_a_step_that_nobody_touches_is_not_undone() -> None:
    torch.manual_seed(0)
    model = mlp()
    w = Loop(steps=30, every=1).run(model, torch.optim.SGD(model.parameters(), 0.1))
    seen = [sample.external_update.tolist() for sample in w.history if sample.external_update is not None]
    assert len(seen) >= 5
    assert all(back == 0 and size == 1 for back, size in seen)
