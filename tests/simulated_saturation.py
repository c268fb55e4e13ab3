"""Made-up rows of `last-layer-saturation`: what the paper describes, and networks that do not differ."""

from __future__ import annotations

import numpy as np

from levinthal.lab import Rows
from levinthal.lab.judging.verdicts import judge
from levinthal.studies.trainability.last_layer_saturation import study
from levinthal.studies.trainability.last_layer_saturation.design import ARMS
from levinthal.vocabulary import Estimate, Measurement, Row

CLAIMS = {claim.id: claim for claim in study.claims}
STEPS = (0, 10, 100, 1000, 2000, 3000)
RATES = (0.03, 0.1, 0.3)


def simulated(mean, level, error, spread, singular, sd=None):
    """Rows of every arm from functions of it; see `paper` for their arguments.

    Unless `sd` says it, the spread of a sigmoid layer follows its mean: .3 at 1/2, .003 at .05.
    """
    draw = np.random.default_rng(0)
    sd = sd or (
        lambda unit, start, hidden, labels, layer, step: (
            0.3 * (2 * mean(start, hidden, labels, layer, step)) ** 2
            if unit == "sigmoid"
            else spread(start, layer)
        )
    )
    arms = [(*arm, 3000) for arm in ARMS] + [("tanh", "orthogonal", 4, "true", 0)]
    for unit, start, hidden, labels, steps in arms:
        cell = {"activation": unit, "start": start, "hidden": hidden, "labels": labels, "steps": steps}
        for seed in range(20):

            def row(name, value, step=0, layer="", condition="", cell=cell, seed=seed):
                noisy = Estimate.exact(value + draw.normal(0, 1e-3))
                return Row(cell, Measurement(name, noisy, seed, step, layer, condition))

            for rate in RATES:
                words = f"rate={rate:g}"
                for step in (s for s in STEPS if s <= steps):
                    for layer in range(1, hidden + 1):
                        at = (step, f"{layer}", words)
                        yield row("mean", mean(start, hidden, labels, layer, step), *at)
                        yield row("p98", level(start, layer, step), *at)
                        spreads = sd(unit, start, hidden, labels, layer, step)
                        yield row("sd", spreads, *at)
                        yield row("image_sd", spreads, *at)
                if steps:
                    yield row("error", error(unit, start, rate), steps, "", words)
            if unit == "tanh":
                for layer in range(2, 5):
                    yield row("singular_value", singular(start), 0, f"{layer}")


PASSED = {"fan_in_uniform": 0.577, "normalised_uniform": 0.98, "orthogonal": 0.99}
SINGULAR = {"fan_in_uniform": 0.49, "normalised_uniform": 0.83, "orthogonal": 0.97}


def paper():
    """What the paper describes, word for word."""

    def mean(start, hidden, labels, layer, step):
        if layer < hidden or step < 10 or start == "normalised_uniform":
            return 0.5
        return 0.4 if step >= 2000 and hidden == 4 and labels == "true" else 0.05

    def level(start, layer, step):
        return 0.95 if start == "fan_in_uniform" and step >= (10, 100, 1000, 3000)[min(layer, 4) - 1] else 0.5

    def error(unit, start, rate):
        better = unit == "tanh" and start == "normalised_uniform"
        return (0.030 if better else 0.037) + 0.05 * abs(np.log10(rate / 0.1))

    def spread(start, layer):
        return 0.4 * PASSED[start] ** layer

    return simulated(mean, level, error, spread, SINGULAR.__getitem__)


def nothing():
    """Networks in which no start, layer or label makes a difference."""
    return simulated(
        lambda *_: 0.5,
        lambda *_: 0.5,
        lambda unit, start, rate: 0.04 + 0.05 * abs(np.log10(rate / 0.1)),
        lambda *_: 0.3,
        lambda start: 0.8,
    )


def verdicts(rows):
    rows = Rows.of(rows)
    return {name: judge(claim, claim.evidence(rows)) for name, claim in CLAIMS.items()}


def errors(unit, start, rate):
    """Test errors that are lowest at the learning rate 0.1."""
    return 0.04 + 0.05 * abs(np.log10(rate / 0.1))


def verdict(name, *, mean=None, level=None, error=errors, spread=None, singular=None, sd=None):
    """The verdict on one claim, of rows in which nothing differs but what is given."""
    rows = simulated(
        mean or (lambda *_: 0.5),
        level or (lambda *_: 0.5),
        error,
        spread or (lambda *_: 0.3),
        singular or (lambda _: 0.8),
        sd,
    )
    return judge(CLAIMS[name], CLAIMS[name].evidence(Rows.of(rows)))
