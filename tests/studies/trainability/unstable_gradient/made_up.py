"""Made-up rows of `unstable-gradient`: speeds of layers, and accuracies over depth and learning rates."""

from __future__ import annotations

from itertools import product

import numpy as np

from levinthal.lab import Rows
from levinthal.lab.judging.verdicts import judge
from levinthal.studies.trainability.unstable_gradient import study
from levinthal.studies.trainability.unstable_gradient.design import EPOCHS, NORMS
from levinthal.vocabulary import Estimate, Measurement, Row

CLAIMS = {claim.id: claim for claim in study.claims}
VANISHING = {"book": 0.65, "unit": 0.2, "orthogonal": 0.05}


def speeds(a_layer, *, pixels=784, times=1.0, dip=None, two=None):
    """Rows of ||dC/db|| that grow by 10^a_layer[start] a layer up to about the book's last norm.

    `dip` is an epoch at which they grow by 10^.1; `two` is a_layer of the book's two layers.
    """
    draw = np.random.default_rng(0)
    for start, rate in a_layer.items():
        for hidden in NORMS:
            for epochs in (0, EPOCHS[-1]):
                cell = {"read": "speed", "start": start, "hidden": hidden, "epochs": epochs}
                cell |= {"labels": "true", "pixels": pixels}
                for seed, step in product(range(8), EPOCHS if epochs else (0,)):
                    here = rate if (start, hidden) != ("book", 2) or two is None else two
                    here = here if step != dip else 0.1
                    for layer in range(1, hidden + 1):
                        norm = (
                            times
                            * (1.1 if start == "unit" else 0.285)
                            * 10 ** (here * (layer - hidden) + draw.normal(0, 0.03))
                        )
                        at = {"seed": seed, "step": step, "layer": f"{layer}"}
                        yield Row(cell, Measurement("bias_gradient", Estimate.exact(norm), **at))


def accuracies(share, *, pixels=784, images=1190, falls=None):
    """Rows of accuracy: `share(start, hidden, width, rate)` plus a little noise.

    At epoch 10 it is less by `falls(start, hidden)`.
    """
    draw = np.random.default_rng(1)
    arms = [("book", hidden, 30) for hidden in (1, 2, 3, 4)] + [("book", 1, 42)]
    arms += [("orthogonal", hidden, 30) for hidden in (2, 4)]
    for start, hidden, width in arms:
        cell = {"read": "accuracy", "start": start, "hidden": hidden, "width": width, "pixels": pixels}
        cell |= {"images": images, "epochs": 30, "labels": "true"}
        for seed in range(8):
            for rate in (0.03, 0.1, 0.3, 1):
                value = share(start, hidden, width, rate) + draw.normal(0, 3e-4)
                for epoch, less in ((1, 0.2), (10, falls(start, hidden) if falls else 0.0), (30, 0.0)):
                    estimate = Estimate.exact(value - less)
                    yield Row(cell, Measurement("accuracy", estimate, seed, epoch, "", f"rate={rate:g}"))


def hump(rate):
    return -0.02 * abs(np.log10(rate / 0.1))


def verdict(claim, rows):
    return judge(CLAIMS[claim], CLAIMS[claim].evidence(Rows.of(rows)))
