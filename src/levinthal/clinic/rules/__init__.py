"""Rules, family by family: a chart in, findings out. Each rule knows one cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from levinthal.clinic.rules import collapse, data, dynamics, held_out, labels, pipeline, signals, steps
from levinthal.clinic.rules.context import Chart
from levinthal.vocabulary import Finding

Rule = Callable[[Chart], Iterator[Finding]]
RULES: tuple[Rule, ...] = (
    *pipeline.RULES,
    *data.RULES,
    *held_out.RULES,
    *labels.RULES,
    *steps.RULES,
    *signals.RULES,
    *collapse.RULES,
    *dynamics.RULES,
)

__all__ = ["RULES", "Rule"]
