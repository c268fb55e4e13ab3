"""The figures of the fake study: every role, log axes, arrows, bands, bars, categories, one to six panels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from levinthal.vocabulary import Axis, Figure, Panel, Series

ARCHITECTURES = ("mlp", "shortcut", "residual", "shortcut-residual")
NAMES = {
    "mlp": "MLP",
    "shortcut": "shortcut",
    "residual": "residual",
    "shortcut-residual": "shortcut residual",
}
STEPS = (0, *sorted({round(10 ** (k / 5)) for k in range(18)}))
SEEDS = range(8)


def error(architecture: str, step: int, seed: int = -1, depth: int = 5) -> float:
    speed = {"mlp": 1.0, "shortcut": 3.3, "residual": 1.6, "shortcut-residual": 3.6}[architecture] * 5 / depth
    wobble = 0.0 if seed < 0 else 0.12 * math.sin(2.3 * seed + 0.7 * math.log1p(step))
    return float(1.6 + 88.4 / (1 + (speed * step / 12) ** 1.1) * math.exp(wobble))


def information(architecture: str, step: int, seed: int = -1, width: int = 50) -> float:
    t = math.log10(1 + step) / 3.4
    shape = {
        "mlp": 1.1 + 2.6 * t - 0.5 * t**3,
        "shortcut": 1.1 + 5.2 * t * math.exp(-1.1 * t * t) - 0.3 * t,
        "residual": 1.0 + 3.2 * math.sin(2.1 * t),
        "shortcut-residual": 1.1 + 3.7 * math.sin(2.4 * t) + 0.3 * t,
    }[architecture]
    wobble = 0.0 if seed < 0 else 0.16 * math.sin(1.7 * seed + 5 * t) + 0.05 * math.cos(3.1 * seed)
    return float((shape + wobble) * (1 + 0.2 * math.log10(width / 50)))


INFORMATION = Axis("Mutual information, first and last layer", "bits")
ERROR = Axis("Test error", "%", log=True)
STEP = Axis("Training step", log=True)


def traces(architecture: str, width: int = 50, **more: Any) -> Iterator[Series]:
    for seed in SEEDS:
        xs = tuple(error(architecture, s, seed) for s in STEPS)
        ys = tuple(information(architecture, s, seed, width) for s in STEPS)
        yield Series(f"seed {seed}", xs, ys, "seed", architecture, arrow=True, **more)
    xs = tuple(error(architecture, s) for s in STEPS)
    ys = tuple(information(architecture, s, width=width) for s in STEPS)
    yield Series(more.get("name", NAMES[architecture]), xs, ys, "median", architecture, arrow=True)


def over_steps(architecture: str, measure: Any) -> Iterator[Series]:
    every = np.array([[measure(architecture, s, seed) for s in STEPS] for seed in SEEDS])
    for seed in SEEDS:
        yield Series(f"seed {seed}", STEPS, tuple(every[seed].tolist()), "seed", architecture)
    low, high = (tuple(np.quantile(every, q, axis=0).tolist()) for q in (0.025, 0.975))
    middle = tuple(np.median(every, axis=0).tolist())
    yield Series(NAMES[architecture], STEPS, middle, "median", architecture, low=low, high=high)


def figures(rows: Any) -> Iterable[Figure]:
    yield Figure(
        "4a",
        "The shortcut net goes up, then back; the MLP only climbs",
        "MNIST, N = 10,000 test images, 8 seeds a net, minibatch 128, KSG k = 3; thick: median seed.",
        tuple(
            Panel(ERROR, INFORMATION, (*traces("mlp", w), *traces("shortcut", w)), f"width {w}")
            for w in (20, 50, 100)
        ),
    )
    yield Figure(
        "5b",
        "All four end in the same place by different ways",
        "MNIST, N = 10,000, width 50, depth 5, 8 seeds.",
        (Panel(ERROR, INFORMATION, tuple(s for a in ARCHITECTURES for s in traces(a))),),
    )
    yield Figure(
        "steps",
        "Nets with a shortcut are below 10 % error three times sooner",
        "Median over 8 seeds with its 95 % interval; thin lines are seeds.",
        (
            Panel(STEP, ERROR, tuple(s for a in ARCHITECTURES for s in over_steps(a, error))),
            Panel(STEP, INFORMATION, tuple(s for a in ARCHITECTURES for s in over_steps(a, information))),
        ),
    )
    yield Figure(
        "4b",
        "Every further layer slows the MLP down",
        "8 seeds a depth; median; one learning rate.",
        (
            Panel(
                STEP,
                ERROR,
                (
                    *(
                        Series(
                            f"{d} layers", STEPS, tuple(error("mlp", s, depth=d) for s in STEPS), level=k / 4
                        )
                        for k, d in enumerate((3, 5, 8, 12, 20))
                    ),
                    Series("chance", (1, 1000), (90.0, 90.0), "reference"),
                ),
            ),
        ),
    )
    modes = ("running", "debiased", "recalibrated")
    yield Figure(
        "grid",
        "The paper's picture needs running statistics and the read-out after the sum",
        "Rows: read-out; columns: how batch norm is evaluated. 8 seeds, width 50, depth 5.",
        tuple(
            Panel(
                STEP,
                INFORMATION,
                tuple(s for a in ("mlp", "shortcut") for s in over_steps(a, information)),
                f"{m}, {r} the sum",
            )
            for r in ("before", "after")
            for m in modes
        ),
    )
    kinds = ("KSG", "KSG, z-scored", "KSG on PCA-10", "Gaussian copula", "linear CKA", "shuffled null")
    yield Figure(
        "estimators",
        "The estimators disagree on how much, and agree on the order",
        "At the last step; dot and 95 % bootstrap interval over 8 seeds.",
        (
            Panel(
                Axis("Estimator"),
                Axis("Information", "bits"),
                tuple(
                    Series(
                        NAMES[a],
                        kinds,
                        tuple(4.0 - 0.7 * i + 0.2 * j for i in range(6)),
                        "point",
                        a,
                        low=tuple(3.6 - 0.7 * i + 0.2 * j for i in range(6)),
                        high=tuple(4.3 - 0.7 * i + 0.2 * j for i in range(6)),
                    )
                    for j, a in enumerate(ARCHITECTURES)
                ),
            ),
        ),
    )
    targets = ("30 %", "20 %", "10 %", "5 %")
    yield Figure(
        "speed",
        "The shortcut is 3.3 times faster at 10 % error",
        "Steps of the MLP over steps of the other net, paired by seed; 95 % bootstrap interval, 8 seeds.",
        (
            Panel(
                Axis("Error to reach"),
                Axis("Speed-up", "times"),
                (
                    *(
                        Series(
                            NAMES[a],
                            targets,
                            (2.1 + j, 2.6 + j, 3.3 + j, 3.5 + j),
                            "bar",
                            a,
                            low=(1.8 + j, 2.2 + j, 2.8 + j, 2.6 + j),
                            high=(2.5 + j, 3.0 + j, 3.9 + j, 4.6 + j),
                        )
                        for j, a in enumerate(ARCHITECTURES[1:])
                    ),
                    Series("as fast as the MLP", targets, (1.0,) * 4, "reference"),
                ),
            ),
        ),
    )
    yield Figure(
        "scatter",
        "Across depths, information and speed go together; within a depth they do not",
        "Each point one seed; 8 seeds, 5 depths.",
        (
            Panel(
                Axis("Information at step 10", "bits"),
                Axis("Steps to 10 % error", log=True),
                tuple(
                    Series(
                        f"{d} layers",
                        tuple(4 - 0.1 * d + 0.1 * math.sin(3 * s) for s in SEEDS),
                        tuple(40.0 * d * math.exp(0.2 * math.cos(5 * s + d)) for s in SEEDS),
                        "point",
                        level=k / 4,
                    )
                    for k, d in enumerate((3, 5, 8, 12, 20))
                ),
            ),
        ),
    )
