"""Multiply each layer's gradient by a constant, so that all layers learn at one speed: does it work?

For constants d_l > 0 and D their diagonal, <g, D g> = sum d_l |g_l|^2 > 0: D g goes downhill, always. Nielsen
warns that nothing guarantees a good direction. The run decides, each rule over its whole grid of rates:

    plain     every layer's own gradient
    fixed     times constants that make all layers' gradients on the training set equally long at the start
    tracked   the same factors, anew from every batch
    lars      every layer's step a share of the length of its weights (You, Gitman & Ginsburg 2017)
    adam      every number's step by its own history

Arms of one seed share weights and order of the data. A layer's speed is the norm of the gradient of its
weights and biases; the last layer's factor is 1. Weights N(0, 1 / inputs), biases N(0, 1), softmax and
cross-entropy.
"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.lab.analysis.rates import rates_word
from levinthal.studies.trainability.layer_rescaling.claims import CLAIMS, SOURCE
from levinthal.studies.trainability.layer_rescaling.figures import figures
from levinthal.studies.trainability.layer_rescaling.measure import RATES, measure
from levinthal.vocabulary import Preset, Scalar, Study, Task, Verdict


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """By what constants multiply the loss, depth by depth, and factors taken anew do so again."""
    helps, tracks = verdicts["R2"], verdicts["R4"]
    if not helps.parts or not tracks.parts:
        return "Not measured yet."
    left = ", ".join(f"{2 ** (e.value - 1):.2g} ({name})" for name, e in helps.parts.items())
    further = ", ".join(f"{2**-e.value:.2g}" for e in tracks.parts.values())
    return f"Constants multiply the loss by {left}; factors taken anew at every step by a further {further}."


def _preset(about: str, data: str, hidden: tuple[int, ...], images: int, steps: int, seeds: int) -> Preset:
    def task(rule: str, depth: int) -> Task:
        sizes: dict[str, Scalar] = {
            "images": images,
            "steps": steps,
            "rates": rates_word(RATES.get(rule, ())),
        }
        cost = (1 + depth) * max(1, len(RATES.get(rule, ())))
        return Task({"rule": rule, "hidden": depth, **sizes}, tuple(range(seeds)), float(cost))

    return Preset(about, data, tuple(task(rule, n) for rule in (*RATES, "directions") for n in hidden))


study = Study(
    name="layer-rescaling",
    chapter="trainability",
    question="Can vanishing gradients be cured by multiplying every layer's by a constant?",
    source=SOURCE,
    version=1,
    presets={
        "quick": _preset(
            "digits, 1, 3 and 5 hidden layers of 30, 8 seeds: a minute", "digits", (1, 3, 5), 1197, 1200, 8
        ),
        "standard": _preset(
            "MNIST, 1 to 5 hidden layers of 30, 8 seeds: seven minutes",
            "mnist",
            (1, 2, 3, 4, 5),
            10000,
            2000,
            8,
        ),
    },
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
)
