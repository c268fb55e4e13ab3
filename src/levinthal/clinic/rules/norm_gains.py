"""Gains of normalisation layers that weight decay drives to zero: the layers behind them see nothing."""

from __future__ import annotations

from collections.abc import Iterator

from levinthal.clinic.findings.finding import abbreviated, found
from levinthal.clinic.findings.kind import rule
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.updates import EXCESS_WEIGHT_DECAY, GAINS_LEFT
from levinthal.vocabulary import Finding

REMEDY = "put gains and biases into a parameter group of their own, with `weight_decay=0`"


@rule(EXCESS_WEIGHT_DECAY)
def gains_of_norms(context: Context) -> Iterator[Finding]:
    """Gains that shrink to a tenth under weight decay, while the loss stays high.

    All weights together hardly change then: the gains are a small part of them.
    """
    if context.trend.has_learnt or not len(context.history):
        return
    before, now, decays = context.history.norm_gains, context.setup.norm_gains(), _decays(context.setup)
    left = {n: float(now[n] / before[n]) for n in now if decays.get(f"{n}.weight") and before.get(n, 0) > 0}
    shrunk = {name: share for name, share in left.items() if share < GAINS_LEFT}
    if shrunk:
        decay = max(decays[f"{name}.weight"] for name in shrunk)
        evidence = {"gains at the end / at the start": min(shrunk.values()), "weight decay": decay}
        yield found(EXCESS_WEIGHT_DECAY, abbreviated(sorted(shrunk)), 0, evidence, remedy=REMEDY)


def _decays(setup: TrainingSetup) -> dict[str, float]:
    """Parameter -> its weight decay."""
    return {name: _decay(group) for name, group in zip(setup.names, setup.groups(), strict=True) if group}


def _decay(group: dict[str, object]) -> float:
    value = group.get("weight_decay", 0.0)
    return float(value) if isinstance(value, int | float) else 0.0
