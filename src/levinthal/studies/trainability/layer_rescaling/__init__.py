"""Multiply each layer's gradient by a constant, so that all layers learn at one speed: does it work?

For constants d_l > 0 and D their diagonal, <g, D g> = sum d_l |g_l|^2 > 0: D g goes downhill, always. Notes
on Nielsen's chapter warn that nothing guarantees a good direction. The run decides, each rule over its whole
learning-rate grid:

    plain     every layer's own gradient
    fixed     times constants that give all layers' initial gradients on the training set the same length
    tracked   the same factors, computed again from every batch
    lars      every layer's step a share of the length of its weights (You, Gitman & Ginsburg 2017)
    adam      every parameter's step by its own history

Arms of one seed share weights and order of the data. A layer's speed is the norm of the gradient of its
weights and biases; the last layer's factor is 1. Weights N(0, 1 / inputs), biases N(0, 1), softmax and
cross-entropy.
"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.lab.analysis.units import LOG2_RATIO, LOG10_RATIO
from levinthal.studies.trainability.layer_rescaling.claims import CLAIMS
from levinthal.studies.trainability.layer_rescaling.design import PRESETS, SOURCE
from levinthal.studies.trainability.layer_rescaling.figures import figures
from levinthal.studies.trainability.layer_rescaling.measure import measure
from levinthal.vocabulary import Study, Verdict


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """The factor on the loss from constants, depth by depth, and from factors updated at every step."""
    helps, tracks = verdicts["R2"], verdicts["R4"]
    if not helps.parts or not tracks.parts:
        return "Not measured yet." if verdicts["R6"].effect is None else "No depth decides: see R2 and R4."
    left, updated = (
        ", ".join(f"{2 ** (sign * e.value):.2g} ({name})" for name, e in verdict.parts.items())
        for verdict, sign in ((helps, 1), (tracks, -1))
    )
    return (
        f"Constants multiply the loss by {left}; factors updated at every step multiply the lower loss of "
        f"plain gradient descent and constants by {updated}."
    )


study = Study(
    name="layer-rescaling",
    chapter="trainability",
    question="Can vanishing gradients be cured by multiplying every layer's by a constant?",
    source=f"Reading notes on {SOURCE}",
    version=1,
    presets=PRESETS,
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
    protocol=("images", "steps"),
    terms=LOG2_RATIO | LOG10_RATIO,
)
