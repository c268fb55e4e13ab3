"""KSG-1 on the leading principal components of each side: what few directions say, and no more."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from levinthal.estimators.arrays import is_constant
from levinthal.estimators.canonical import principal_axes
from levinthal.estimators.ksg import ksg
from levinthal.estimators.settings import Settings
from levinthal.estimators.trust import Concern, ignored_columns
from levinthal.vocabulary import Estimate, Trust

ENOUGH_VARIANCE = 0.99


def pca_ksg(x: Float[np.ndarray, "n dx"], y: Float[np.ndarray, "n dy"], settings: Settings) -> Estimate:
    """KSG-1 of the first `components` principal components of each side, its leading one at deviation 1.

    The components keep their relative variances (no whitening, which would make noise the equal of signal);
    one number a side sets the scale, so rotating or rescaling a layer as a whole changes nothing.
    What a projection leaves out can only lose information (data processing): the truth between the
    components is a lower bound on the truth between the sides.
    """
    few_x, kept_x = _leading(x, settings.components)
    few_y, kept_y = _leading(y, settings.components)
    details = {"components": (few_x.shape[1], few_y.shape[1]), "variance_kept": (kept_x, kept_y)}
    return ksg(few_x, few_y, settings, "pca_ksg", [_left_out(kept_x, kept_y), ignored_columns(x, y)], details)


def _leading(side: Float[np.ndarray, "n d"], components: int) -> tuple[Float[np.ndarray, "n c"], float]:
    """Component scores in units of the leading deviation, and the share of variance they hold."""
    if is_constant(side):
        return np.zeros((len(side), 1)), 1.0
    centred = side - side.mean(0)
    centred /= np.abs(centred).max()
    axes = principal_axes(centred.T @ centred / len(side))
    scores = centred @ axes.directions[:, :components] / axes.deviations[0]
    variances = axes.deviations**2
    return scores, float(variances[:components].sum() / variances.sum())


def _left_out(kept_x: float, kept_y: float) -> Concern | None:
    """A concern where the components leave out more than a hundredth of a side's variance."""
    if min(kept_x, kept_y) >= ENOUGH_VARIANCE:
        return None
    return Concern(
        Trust.ORDINAL,
        f"dimension: the components hold {kept_x:.0%} of x's and {kept_y:.0%} of y's variance; what the rest "
        "shares is not counted",
    )
