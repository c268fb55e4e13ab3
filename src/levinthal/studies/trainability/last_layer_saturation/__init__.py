"""Glorot & Bengio (2010): which layer saturates, when, and does a start that keeps variances prevent it?"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.studies.trainability.last_layer_saturation.claims import CLAIMS, SOURCE
from levinthal.studies.trainability.last_layer_saturation.figures import figures
from levinthal.studies.trainability.last_layer_saturation.measure import ARMS, Size, measure, preset
from levinthal.vocabulary import Study, Verdict

QUICK = Size(width=50, images=1190, steps=3000, rates=(0.01, 0.03, 0.1, 0.3, 1), seeds=6)
STANDARD = Size(width=100, images=50_000, steps=8000, rates=(0.01, 0.03, 0.1, 0.3, 1), seeds=5)
LONG = Size(width=50, images=1190, steps=60_000, rates=(0.3, 1, 3), seeds=5, arms=ARMS[:3])


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """How low the top layer goes, whether it comes back, and what the normalised start passes on."""
    fall = verdicts["L1"]
    if fall.effect is None:
        return "No runs yet."
    lows = [0.5 - part.value for part in fall.parts.values()]
    said = [
        f"The top layer of sigmoids falls from 0.5 to {min(lows):.2f} at one rate, {max(lows):.2f} at another"
    ]
    told = (
        ("L2", "it comes back"),
        ("L5", "tanh saturates from the first layer up"),
        ("L6", "the normalised start keeps variances"),
    )
    said += [f"that {words}: {verdicts[name].outcome}" for name, words in told if verdicts[name].effect]
    return f"{'; '.join(said)}."


study = Study(
    name="last-layer-saturation",
    chapter="trainability",
    question="Which layer saturates, when, and does a start that keeps variances prevent it?",
    source=SOURCE,
    version=1,
    presets={
        "quick": preset("digits, 50 units a layer; under a minute on two cores", "digits", QUICK),
        "long": preset("digits, sigmoids alone, 500 epochs; five minutes on two cores", "digits", LONG),
        "standard": preset("MNIST, 100 units a layer; about ten minutes on two cores", "mnist", STANDARD),
    },
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
)
