"""Six inputs, two hidden units: does back-propagation find weights that detect mirror symmetry?

Rumelhart, Hinton & Williams (1986), fig. 1: 64 binary vectors, sigmoid units, E = 1/2 sum (y - d)^2 over all
of them in each sweep, learning rate .1, momentum .9, initial weights uniform in [-.3, .3]; solved after 1,425
sweeps. Both hidden units' weights are equal and opposite about the middle, and 1:2:4: w.x = 0 for symmetric x
alone.

With d_i = x_i - x_(7-i) in {-1, 0, 1}, that is sum a_i d_i = 0 for d = 0 only. 1:2:4 does it, and so do other
ratios, as 2:3:4. Seeds draw weights; a seed is several networks, each with weights of its own, and claims on
solutions count networks.
"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.lab.analysis.units import DIGITS
from levinthal.studies.trainability.backprop_symmetry.claims import CLAIMS
from levinthal.studies.trainability.backprop_symmetry.design import PRESETS, SOURCE
from levinthal.studies.trainability.backprop_symmetry.figures import figures
from levinthal.studies.trainability.backprop_symmetry.measure import measure
from levinthal.vocabulary import Study, Verdict


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """The share of networks that learn it, and the share of those with the paper's weights."""
    solved, ratio = (verdicts[name].effect for name in ("B1", "B3"))
    if solved is None or ratio is None:
        return "Not measured yet."
    return (
        f"{100 * solved.value:.0f} % of networks detect the symmetry within 5,000 sweeps, "
        f"{100 * ratio.value:.0f} % of the solutions with the paper's weights, 1:2:4."
    )


study = Study(
    name="backprop-symmetry",
    chapter="trainability",
    question="Do hidden units come to represent the features of the task?",
    source=SOURCE,
    version=1,
    presets=PRESETS,
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
    protocol=("sweeps",),
    terms={"sweep": "one update on all 64 input vectors", **DIGITS},
)
