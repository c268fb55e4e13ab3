"""Six inputs, two hidden units: does back-propagation find how to see mirror symmetry?

Rumelhart, Hinton & Williams (1986), fig. 1: 64 binary vectors, sigmoid units, E = 1/2 sum (y - d)^2 over all
of them in each sweep, rate .1, momentum .9, first weights uniform in [-.3, .3]; solved after 1,425 sweeps.
Both hidden units' weights are equal and opposite about the middle, and 1:2:4: w.x = 0 for symmetric x alone.

With d_i = x_i - x_(7-i) in {-1, 0, 1}, that is sum a_i d_i = 0 for d = 0 only. 1:2:4 does it, and so do other
ratios, as 2:3:4. Seeds draw weights; a seed is several networks, and its number the share of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.studies.trainability.backprop_symmetry.claims import CLAIMS, SOURCE
from levinthal.studies.trainability.backprop_symmetry.figures import figures
from levinthal.studies.trainability.backprop_symmetry.measure import measure
from levinthal.vocabulary import Preset, Study, Task, Verdict


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """How many learn it, and how many of those found the paper's weights."""
    shares = [verdicts[name].effect for name in ("B1", "B3")]
    solved, ratio = shares
    if solved is None or ratio is None:
        return "Not measured yet."
    return (
        f"{100 * solved.value:.0f} % of networks see the symmetry within 5,000 sweeps, "
        f"{100 * ratio.value:.0f} % of the solutions with the paper's weights, 1:2:4."
    )


def _preset(about: str, nets: int, sweeps: int, seeds: int) -> Preset:
    def task(name: str) -> Task:
        return Task({"task": name, "nets": nets, "sweeps": sweeps}, tuple(range(seeds)))

    return Preset(about, None, tuple(map(task, ("symmetry", "random function", "gradient"))))


study = Study(
    name="backprop-symmetry",
    chapter="trainability",
    question="Do hidden units come to stand for what the task is about?",
    source=SOURCE,
    version=1,
    presets={
        "quick": _preset("8 seeds of 20 networks, 10,000 sweeps: half a minute", 20, 10_000, 8),
        "standard": _preset("12 seeds of 40 networks, 20,000 sweeps: minutes", 40, 20_000, 12),
    },
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
    terms={
        "sweep": "one update on all 64 input vectors",
        "digits (as a unit)": "-log10 of the relative error: 6 digits are one part in a million",
    },
)
