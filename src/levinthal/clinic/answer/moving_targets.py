"""Losses whose fall means nothing, because their targets move."""

from __future__ import annotations

import numpy as np

from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.loss_trend import FEWEST

DRIFT = 0.5
"""Standard deviations of the targets by which their mean moves, from which on the targets move."""


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
