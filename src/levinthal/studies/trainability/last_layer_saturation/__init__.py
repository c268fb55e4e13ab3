"""Glorot & Bengio (2010): which layer saturates, when, and which initialisation prevents it?"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.lab.analysis.units import LOG2_RATIO
from levinthal.studies.trainability.last_layer_saturation.claims import CLAIMS
from levinthal.studies.trainability.last_layer_saturation.design import PRESETS, SOURCE
from levinthal.studies.trainability.last_layer_saturation.figures import figures
from levinthal.studies.trainability.last_layer_saturation.measure import measure
from levinthal.vocabulary import Study, Verdict


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """How far the top layer falls over the grid of learning rates, and the other main verdicts."""
    fall = verdicts["L1b"]
    if fall.effect is None:
        return "No runs yet."
    lows = [0.5 - part.value for part in fall.parts.values()]
    first = f"The top layer of sigmoids falls from 0.5 to {min(lows):.2f} at one learning rate, "
    others = (
        ("L1", "it goes to 0 at the best learning rate"),
        ("L3", "five layers stay saturated where four do not"),
        ("L5", "tanh saturates from the first layer up"),
        ("L6", "the normalised initialisation keeps variances"),
    )
    outcomes = [f"'{words}' {verdicts[id_].outcome}" for id_, words in others if verdicts[id_].effect]
    return f"{'; '.join([f'{first}to {max(lows):.2f} at another', *outcomes])}."


study = Study(
    name="last-layer-saturation",
    chapter="trainability",
    question="Which layer saturates, when, and does an initialisation that keeps variances prevent it?",
    source=SOURCE,
    version=1,
    presets=PRESETS,
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
    terms=LOG2_RATIO,
    protocol=("images", "steps"),
)
