"""Autoencoders with good and bad initialisations, with and without momentum: which of the two matters?

After Sutskever, Martens, Dahl & Hinton (2013): sparse initialisation (15 connections a unit, unit Gaussian,
biases 0) against N(0, .01^2); momentum mu_t = min(1 - 2^(-1 - log2(floor(t / 250) + 1)), most) with most 0,
.9 and .99, classical or Nesterov's. The paper trains for 750,000 updates of 200 images, as does the preset
`long`; the others train for a thousand or so, and their claims speak of these updates alone. There the period
of 250 is shortened to a hundredth of the run, so that .9 and .99 are reached. Squared error
through sigmoid outputs, at smaller sizes (see CODERS); the paper's last 1,000 updates at .9 are left out.

Its training errors: 2.1 without momentum; classical 1.0 and .77, Nesterov's 1.0 and .73 at .9 and .99; sparse
initialisation scaled by 1/4, 1/2, 1, 2, 4: 16, 16, .074, .083, .35 (on another data set).
"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.lab.analysis.units import LOG2_RATIO
from levinthal.studies.trainability.init_and_momentum.claims import CLAIMS
from levinthal.studies.trainability.init_and_momentum.design import PRESETS, SOURCE
from levinthal.studies.trainability.init_and_momentum.figures import figures
from levinthal.studies.trainability.init_and_momentum.measure import measure
from levinthal.vocabulary import Outcome, Study, Verdict


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """The cost of no momentum after a good initialisation, and the gain of momentum after a bad one."""
    cost, left = verdicts["M1"].effect, verdicts["M2"].effect
    if cost is None or left is None:
        return "Not measured yet."
    good = f"good initialisation ends with {2**cost.value:.1f} times the error without momentum"
    share = f"{100 * left.value:.0f} % of the mean image's error"
    bad = f"bad one with {share} at its best momentum and learning rate"
    both = all(verdicts[name].outcome is Outcome.REPLICATES for name in ("M1", "M2"))
    return f"After the updates run here{', both' if both else ''}: a {good}; a {bad}."


study = Study(
    name="init-and-momentum",
    chapter="trainability",
    question="Is it the initialisation or the momentum that lets a deep network train?",
    source=SOURCE,
    version=1,
    presets=PRESETS,
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
    terms=LOG2_RATIO,
    protocol=("images", "steps", "batch"),
)
