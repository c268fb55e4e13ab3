"""Nielsen, chapter 5: do the early layers of a deep network learn slower, and does depth then not help?"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.lab.analysis.units import LOG10_RATIO
from levinthal.studies.trainability.unstable_gradient.claims import CLAIMS
from levinthal.studies.trainability.unstable_gradient.claims.accuracies import SMALLEST
from levinthal.studies.trainability.unstable_gradient.design import PRESETS, SOURCE
from levinthal.studies.trainability.unstable_gradient.figures import figures
from levinthal.studies.trainability.unstable_gradient.measure import measure
from levinthal.vocabulary import Study, Verdict


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """How much slower the early layers are, whether that lasts, and the effect of depth on accuracy."""
    first, lasting, depth = (verdicts[name].effect for name in ("U1", "U3", "U6b"))
    if first is None or lasting is None:
        return "No runs yet."
    slower = f"Each layer back has {10**first.value:.1f} times less gradient before training"
    later = f"{10**lasting.value:.1f} times less at the worst depth and epoch that were read"
    if depth is None:
        return f"{slower} and {later}."
    more = "loses" if depth.value > 0 else "gains"
    bound = "at most" if 0 < depth.value < SMALLEST else "at least"
    points = f"going from two to four layers {more} {bound} {abs(depth.value):.2g} points of accuracy"
    return f"{slower} and {later}; {points} after the updates run here."


study = Study(
    name="unstable-gradient",
    chapter="trainability",
    question="Do early layers learn slower, throughout training, and is that why depth does not help?",
    source=f"{SOURCE}: its text, code and the data of its figures",
    version=1,
    presets=PRESETS,
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
    terms=LOG10_RATIO,
    protocol=("images", "epochs"),
)
