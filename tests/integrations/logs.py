"""A short training that was watched, for the writers of logs."""

from __future__ import annotations

import torch
from tests.clinic.cases import Loop, mlp
from torch import nn

from levinthal.clinic import Watch


def trained(top: nn.Module | None = None, steps: int = 30) -> Watch:
    model = mlp(depth=1, top=top)
    return Loop(steps=steps).run(model, torch.optim.Adam(model.parameters(), 1e-3))
