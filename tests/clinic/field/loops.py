"""A training loop of a few lines under watch, and what was found in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from levinthal.clinic import watch
from levinthal.vocabulary import Finding

Step = Callable[[int], Tensor | None]


def drawn(seed: int = 0) -> torch.Generator:
    """A generator of its own, so that a test's data do not depend on what was drawn before."""
    return torch.Generator().manual_seed(seed)


def findings(
    model: nn.Module, optimizer: Any, loss: Step, *, steps: int = 200, every: int = 5, **options: Any
) -> dict[str, Finding]:
    """Code -> finding of an ordinary loop; a step whose loss is None has run backward and step itself."""
    first = optimizer[0] if isinstance(optimizer, list) else optimizer
    torch.manual_seed(1)
    with watch(model, optimizer, every=every, **options) as w:
        for i in range(steps):
            value = loss(i)
            if value is not None:
                first.zero_grad()
                value.backward()
                first.step()
    assert (w.trouble, w.failed_rules) == ("", ())
    return {f.code: f for f in w.findings()}


def warned(found: dict[str, Finding]) -> list[str]:
    """The codes that are a warning or critical."""
    return [code for code, f in found.items() if f.severity != "info"]
