"""Losses whose fall means nothing: networks that train against each other, and targets that move."""

from __future__ import annotations

import numpy as np

from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sample import LossCall, Sample
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.loss_trend import FEWEST

OFTEN = 0.5
"""Share of the samples that have to show it."""
DRIFT = 0.5
"""Standard deviations of the targets by which their mean moves, from which on the targets move."""


def is_game(history: History, setup: TrainingSetup | None) -> bool:
    """Whether two networks train against each other.

    Either one step compares outputs with real and with fake labels (each constant, and different), or several
    optimisers hold different parts of the model and no loss has targets that vary.
    """
    labelled = [_has_opposite_labels(sample) for sample in history if sample.losses]
    if labelled and sum(labelled) > OFTEN * len(labelled):
        return True
    constant = all(_is_constant(call) for call in history.calls())
    no_target = all(sample.difference is None for sample in history)
    return constant and no_target and setup is not None and _holds_parts(setup)


def _has_opposite_labels(sample: Sample) -> bool:
    """Whether two losses of a step have constant targets that differ."""
    means = [
        float(call.target[0]) for call in sample.losses if _is_constant(call) and call.target is not None
    ]
    return len(means) > 1 and max(means) > min(means)


def _is_constant(call: LossCall) -> bool:
    """Whether the targets are one number, as the labels real and fake are."""
    several = int(np.prod(call.target_shape)) > 1
    return several and call.target is not None and float(call.target[1]) <= 1e-12


def _holds_parts(setup: TrainingSetup) -> bool:
    """Whether each of several optimisers trains children of the model that no other one trains."""
    child = {name: name.partition(".")[0] for name in setup.names}
    trained = [{id(p) for group in o.param_groups for p in group["params"]} for o in setup.optimizers]
    parts = [
        {child[n] for n, p in zip(setup.names, setup.parameters, strict=True) if id(p) in ids}
        for ids in trained
    ]
    together = set[str]().union(*parts)
    return len(parts) > 1 and all(parts) and len(together) == sum(map(len, parts))


def targets_move(history: History) -> bool:
    """Whether the mean of numeric targets at the end differs from that at the start, as for returns that
    are estimated by the network itself.
    """
    firsts = [sample.losses[0].target for sample in history if sample.losses]
    known = [target for target in firsts if target is not None]
    seen = [s.difference[:2] for s in history if s.difference is not None] if not firsts else known
    if len(seen) < 2 * FEWEST:
        return False
    means, variances = np.array([target[:2].tolist() for target in seen]).T
    part = len(seen) // 5
    within = float(np.sqrt(np.mean(variances) + 1e-300))
    early, late = means[:part], means[-part:]
    noise = 3 * float(np.sqrt((np.var(early) + np.var(late)) / part))
    return bool(abs(late.mean() - early.mean()) > DRIFT * within + noise)
