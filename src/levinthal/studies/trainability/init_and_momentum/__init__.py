"""Autoencoders from good and bad starts, with and without momentum: which of the two matters?

After Sutskever, Martens, Dahl & Hinton (2013): sparse start (15 connections a unit, unit Gaussian, biases 0)
against N(0, .01^2); momentum mu_t = min(1 - 2^(-1 - log2(floor(t / 250) + 1)), most) with most 0, .9 and .99,
classical or Nesterov's. The paper trains for 750,000 updates; here there are a few thousand, and the period
of 250 is shortened to a hundredth of the run, so that .9 and .99 are reached. Squared error through sigmoid
outputs, at smaller sizes (see CODERS); the paper's last 1,000 updates at .9 are left out.

Its training errors: 2.1 without momentum; classical 1.0 and .77, Nesterov's 1.0 and .73 at .9 and .99; start
scaled by 1/4, 1/2, 1, 2, 4: 16, 16, .074, .083, .35 (on another data set).
"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.lab.analysis.rates import rates_word
from levinthal.studies.trainability.init_and_momentum.claims import ARMS, CLAIMS, PLAIN, SOURCE
from levinthal.studies.trainability.init_and_momentum.figures import figures
from levinthal.studies.trainability.init_and_momentum.measure import measure
from levinthal.vocabulary import Outcome, Preset, Scalar, Study, Task, Verdict

RATES = (0.01, 0.03, 0.1, 0.3, 1, 3, 10)
SCALES = (0.25, 0.5, 2.0, 4.0)


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """What the lack of momentum costs a good start, and what momentum does for a bad one."""
    cost, left = verdicts["M1"].effect, verdicts["M2"].effect
    if cost is None or left is None:
        return "Not measured yet."
    good = f"good start ends with {2**cost.value:.1f} times the error without momentum"
    bad = f"bad one with {100 * left.value:.0f} % of the mean image's error, on average over the momenta"
    both = all(verdicts[name].outcome is Outcome.REPLICATES for name in ("M1", "M2"))
    return f"{'Both: a' if both else 'A'} {good}; a {bad}."


def _preset(about: str, data: str, seeds: int, rates: tuple[float, ...], **sizes: Scalar) -> Preset:
    arms = [(init, 1.0, arm) for init in ("sparse", "small") for arm in (PLAIN, *ARMS)]
    arms += [("sparse", scale, ARMS[-1]) for scale in SCALES]
    cells: list[dict[str, Scalar]] = [
        {
            "init": init,
            "scale": scale,
            "rule": rule,
            "momentum": most,
            **sizes,
            "rates": rates_word(rates),
        }
        for init, scale, (rule, most) in arms
    ]
    return Preset(about, data, tuple(Task(cell, tuple(range(seeds))) for cell in cells))


study = Study(
    name="init-and-momentum",
    chapter="trainability",
    question="Is it the start or the momentum that lets a deep network train?",
    source=SOURCE,
    version=1,
    presets={
        "quick": _preset(
            "digits, 64-32-16-8-16-32-64, 6 seeds: a minute",
            "digits",
            6,
            RATES,
            images=1197,
            steps=1500,
            batch=50,
        ),
        "standard": _preset(
            "MNIST, 784-128-64-16-64-128-784, 5 seeds: ten minutes",
            "mnist",
            5,
            RATES[:-1],
            images=5000,
            steps=1000,
            batch=100,
        ),
    },
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
)
