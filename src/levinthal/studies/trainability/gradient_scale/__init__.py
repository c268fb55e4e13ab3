"""Philipp et al.: do exploding gradients persist with batch norm and SELU, and do skips tame them?"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.lab.analysis.units import LOG2_RATIO, LOG10_RATIO
from levinthal.studies.trainability.gradient_scale.claims import CLAIMS
from levinthal.studies.trainability.gradient_scale.claims.scale import JUDGED
from levinthal.studies.trainability.gradient_scale.design import NLC, PHILIPP, PRESETS, YANG
from levinthal.studies.trainability.gradient_scale.figures import figures
from levinthal.studies.trainability.gradient_scale.measure import measure
from levinthal.vocabulary import Study, Verdict


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """How fast GSC grows with batch norm, what skips do to it, and whether NLC predicts the error."""
    grown, lowered, predicted = (verdicts[name].effect for name in ("G1", "G3", "G5"))
    if grown is None or lowered is None:
        return "Not measured yet."
    growth = f"With batch norm GSC grows by {2**grown.value - 1:.0%} a layer or more, and skips lower it"
    growth += f" {float(f'{10**lowered.value:.2g}'):,.0f}-fold or more over {JUDGED} layers"
    among = "among networks of one normalisation, NLC before training and test error"
    more = f"; {among} correlate by {predicted.value:.2f}" if predicted else ""
    return f"{growth}{more}."


study = Study(
    name="gradient-scale",
    chapter="trainability",
    question="Do exploding gradients persist with batch norm and SELU, and what do they do to a network?",
    source=f"{PHILIPP}; {NLC}; {YANG}",
    version=1,
    presets=PRESETS,
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
    terms={
        "GSC": "gradient scale coefficient: the factor by which a small relative change of the input "
        "grows on its way to the output; 1 for the identity",
        "NLC": "nonlinearity coefficient of the untrained network: 1 for an affine map, "
        "more for a network that is less linear",
        **LOG2_RATIO,
        **LOG10_RATIO,
    },
    seed_by_seed=True,
    protocol=("images", "steps", "deepest"),
)
