"""A study that looks like the real one: thirteen claims of every outcome, traces, bands, bars; no network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from levinthal.lab.rows import Rows
from levinthal.vocabulary import (
    Axis,
    Claim,
    Estimate,
    Evidence,
    Figure,
    Interval,
    Measurement,
    Outcome,
    Panel,
    Preset,
    Row,
    Series,
    Study,
    Trust,
    Verdict,
)

ARCHITECTURES = ("mlp", "shortcut", "residual", "shortcut-residual")
NAMES = {"mlp": "MLP", "shortcut": "shortcut", "residual": "residual", "shortcut-residual": "shortcut residual"}
STEPS = (0, *sorted({round(10 ** (k / 5)) for k in range(18)}))
SEEDS = range(8)
SAYS = (
    "The MLP's first-last information rises with training",
    "The shortcut net starts higher, then falls towards an optimum",
    "Shortcut nets reach 10 % error in far fewer steps",
    "Beyond 5 to 10 layers a deeper MLP trains slower and ends worse",
    "Deeper nets have lower first-last information",
    "A ResNet's information starts low, rises, peaks and declines",
    "Residuals lower the final error of the MLP and of the shortcut net",
    "High information goes with a fast decrease of error, within a run, within a depth, and across depths",
    "A drift phase is followed by a diffusion phase",
    "The state space shrinks by 2^(n MI)",
    "More information at the start, without a skip, trains faster",
    "Successive layers are highly correlated; features go from simple to complex",
    "Annealing the skips from 1 to 0 ends in a better plain net",
)  # fmt: skip
R, P, N, I, X = (
    Outcome.REPLICATES,
    Outcome.PARTIALLY,
    Outcome.DOES_NOT_REPLICATE,
    Outcome.INCONCLUSIVE,
    Outcome.REPORTED,
)
# outcome, effect, low, high, control, smallest, unit, seeds needed
FOUND = (
    (R, 0.82, 0.71, 0.93, 0.02, 0.2, "bits", None),
    (P, 0.31, 0.05, 0.57, 0.04, 0.3, "bits", 21),
    (R, 3.3, 2.8, 3.9, 0.1, 0.5, "times fewer steps", None),
    (R, 0.12, 0.10, 0.14, 0.01, 0.05, "of the test error", None),
    (R, 1.94, 1.7, 2.1, -0.1, 0.5, "bits", None),
    (N, -0.44, -0.6, -0.29, 0.0, 0.2, "bits", None),
    (I, 0.004, -0.006, 0.014, 0.001, 0.005, "of the test error", 44),
    (P, 0.35, 0.12, 0.55, 0.05, 0.3, "rank correlation", None),
    (R, 0.62, 0.55, 0.69, 0.06, 0.3, "decades", None),
    (X, 2.1e4, 1.9e4, 2.3e4, None, None, "bits", None),
    (N, 0.02, -0.05, 0.09, 0.0, 0.3, "times fewer steps", None),
    (R, 0.48, 0.41, 0.55, 0.11, 0.2, "CKA", None),
    (I, 0.4, -1.9, 2.7, None, 0.3, "% error", 60),
)


def _evidence(rows: Any) -> Evidence:
    return Evidence({"all": {seed: 1.0 for seed in SEEDS}})


def claims() -> tuple[Claim, ...]:
    return tuple(
        Claim(
            f"C{i + 1}",
            says,
            "Hodas & Stinis 2018, section 3.2, Figs. 4 and 5",
            "information at the last step minus at step 0, read before the sum, batch statistics",
            found[6],
            found[5],
            "the same difference with the images paired at random",
            _evidence,
        )
        for i, (says, found) in enumerate(zip(SAYS, FOUND, strict=True))
    )


def verdicts() -> list[Verdict]:
    return [_verdict(claim, *found) for claim, found in zip(claims(), FOUND, strict=True)]


def _verdict(
    claim: Claim,
    outcome: Outcome,
    value: float,
    low: float,
    high: float,
    control: float | None,
    smallest: float | None,
    unit: str,
    needed: int | None,
) -> Verdict:
    trust = Trust.ORDINAL if unit == "bits" else Trust.CALIBRATED
    why = ("KSG in 100 dimensions: its ceiling is 11.5 bits, and halving one layer moves it",) * (unit == "bits")
    effect = Estimate(value, unit, Interval(low, high, 0.95, "paired bootstrap"), trust, why)
    half = (high - low) / 4
    null = None if control is None else Estimate(control, unit, Interval(control - half, control + half))
    parts = {
        f"width {w}, depth {d}": Estimate(value * (0.6 + 0.3 * k), unit, Interval(low * (0.5 + 0.3 * k), high * (0.7 + 0.3 * k)))
        for k, (w, d) in enumerate(((20, 5), (50, 5), (20, 20)))
    } if claim.id in ("C2", "C8", "C3") else {}  # fmt: skip
    reasons = {
        Outcome.REPLICATES: ("the whole interval lies beyond the smallest effect that counts; the control shows no such effect",),
        Outcome.PARTIALLY: ("beyond zero, but not beyond the smallest effect that counts", "holds in 2 of 3 parts of the grid: width 50 and depth 20"),
        Outcome.DOES_NOT_REPLICATE: ("the interval excludes the claimed size: the effect has the other sign" if value < 0 else "the interval excludes the claimed size",),
        Outcome.INCONCLUSIVE: ("the interval holds both zero and the claimed size",),
        Outcome.REPORTED: ("a number that depends on N: at 1,000 images it is 3.1e3, at 10,000 it is 2.1e4",),
    }[outcome]  # fmt: skip
    return Verdict(claim, outcome, effect, 8, null, parts, needed, reasons)


def rows() -> Rows:
    return Rows.of(_rows())


def _rows() -> Iterator[Row]:
    why = ("its ceiling is 11.5 bits", "it moves to 0.39 bits if the layer is halved, which leaves true information unchanged")  # fmt: skip
    for architecture in ARCHITECTURES:
        for seed in SEEDS:
            for step in STEPS[::3]:
                cell = {"architecture": architecture, "width": 50, "depth": 5}
                value = information(architecture, step, seed)
                yield Row(cell, Measurement("first_last_information", Estimate(value, "bits", None, Trust.ORDINAL, why), seed, step))
                yield Row(cell, Measurement("test_error", Estimate(error(architecture, step, seed), "%"), seed, step))
                poor = Trust.UNRELIABLE if step < 10 else Trust.CALIBRATED
                rank = Estimate(3.0 + value, "", Interval(2.0, 4.0), poor, (f"only {step + 5} samples in the smallest class",) * (step < 10))
                yield Row(cell, Measurement("effective_rank", rank, seed, step, "last", "batch_norm=running"))
                # fmt: skip


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
    yield Figure("4a", "The shortcut net goes up, then back; the MLP only climbs",
                 "MNIST, N = 10,000 test images, 8 seeds a net, minibatch 128, KSG k = 3, read before the sum; thick: median seed.",
                 tuple(Panel(ERROR, INFORMATION, (*traces("mlp", w), *traces("shortcut", w)), f"width {w}") for w in (20, 50, 100)))
    yield Figure("5b", "All four end in the same place by different ways",
                 "MNIST, N = 10,000, width 50, depth 5, 8 seeds.",
                 (Panel(ERROR, INFORMATION, tuple(s for a in ARCHITECTURES for s in traces(a))),))
    yield Figure("steps", "Nets with a shortcut are below 10 % error three times sooner",
                 "Median over 8 seeds with its 95 % interval; thin lines are seeds.",
                 (Panel(STEP, ERROR, tuple(s for a in ARCHITECTURES for s in over_steps(a, error))),
                  Panel(STEP, INFORMATION, tuple(s for a in ARCHITECTURES for s in over_steps(a, information)))))
    yield Figure("4b", "Every further layer slows the MLP down", "8 seeds a depth; median; one learning rate.",
                 (Panel(STEP, ERROR, (*(Series(f"{d} layers", STEPS, tuple(error("mlp", s, depth=d) for s in STEPS), level=k / 4)
                                        for k, d in enumerate((3, 5, 8, 12, 20))),
                                      Series("chance", (1, 1000), (90.0, 90.0), "reference"))),))
    modes = ("running", "debiased", "recalibrated")
    yield Figure("grid", "The paper's picture needs running statistics and the read-out after the sum",
                 "Rows: read-out; columns: how batch norm is evaluated. 8 seeds, width 50, depth 5.",
                 tuple(Panel(STEP, INFORMATION, tuple(s for a in ("mlp", "shortcut") for s in over_steps(a, information)), f"{m}, {r} the sum")
                       for r in ("before", "after") for m in modes))
    kinds = ("KSG", "KSG, z-scored", "KSG on PCA-10", "Gaussian copula", "linear CKA", "shuffled null")
    yield Figure("estimators", "The estimators disagree on how much, and agree on the order",
                 "At the last step; dot and 95 % bootstrap interval over 8 seeds.",
                 (Panel(Axis("Estimator"), Axis("Information", "bits"),
                        tuple(Series(NAMES[a], kinds, tuple(4.0 - 0.7 * i + 0.2 * j for i in range(6)), "point", a,
                                     low=tuple(3.6 - 0.7 * i + 0.2 * j for i in range(6)), high=tuple(4.3 - 0.7 * i + 0.2 * j for i in range(6)))
                              for j, a in enumerate(ARCHITECTURES))),))
    targets = ("30 %", "20 %", "10 %", "5 %")
    yield Figure("speed", "The shortcut is 3.3 times faster at 10 % error",
                 "Steps of the MLP over steps of the other net, paired by seed; 95 % bootstrap interval, 8 seeds.",
                 (Panel(Axis("Error to reach"), Axis("Speed-up", "times"),
                        (*(Series(NAMES[a], targets, (2.1 + j, 2.6 + j, 3.3 + j, 3.5 + j), "bar", a,
                                  low=(1.8 + j, 2.2 + j, 2.8 + j, 2.6 + j), high=(2.5 + j, 3.0 + j, 3.9 + j, 4.6 + j))
                           for j, a in enumerate(ARCHITECTURES[1:])),
                         Series("as fast as the MLP", targets, (1.0,) * 4, "reference"))),))
    yield Figure("scatter", "Across depths, information and speed go together; within a depth they do not",
                 "Each point one seed; 8 seeds, 5 depths.",
                 (Panel(Axis("Information at step 10", "bits"), Axis("Steps to 10 % error", log=True),
                        tuple(Series(f"{d} layers", tuple(4 - 0.1 * d + 0.1 * math.sin(3 * s) for s in SEEDS),
                                     tuple(40.0 * d * math.exp(0.2 * math.cos(5 * s + d)) for s in SEEDS), "point", level=k / 4)
                              for k, d in enumerate((3, 5, 8, 12, 20)))),))
    # fmt: skip


def answer(verdicts: Mapping[str, Verdict]) -> str:
    return "Faster, yes: 3.3 times at 10 % error. Because of information, no."


def study(**changes: Any) -> Study:
    plain: dict[str, Any] = {
        "name": "first-last-information",
        "chapter": "2.4",
        "question": "Do shortcuts train faster because they raise the information between first and last layer?",
        "source": "Hodas & Stinis, Doing the impossible: why neural networks can be trained at all. Frontiers in Psychology 9:1185 (2018)",
        "version": 1,
        "presets": {"standard": Preset("MNIST, 60,000 images, minibatch and full batch, 8 paired seeds", "mnist", ())},
        "measure": lambda task, **context: (),
        "claims": claims(),
        "figures": figures,
        "answer": answer,
    }
    return Study(**(plain | changes))


PROVENANCE = {
    "Data": "mnist, 60,000 training and 10,000 test images",
    "Data checksum": "sha256:9c1f0b6e4f2b0a1d7f6f0c0f3a5b8e77d2c6ad2f1e3f4b5a6978877665544332",
    "Versions": "levinthal 0.1.0, torch 2.13.0, numpy 2.3.1, Python 3.11.2",
    "Machine": "Linux x86_64, 2 cores, no GPU",
    "Seeds": "0 to 7, paired over the arms",
    "Duration": "18 min 42 s",
    "Made": "2025-11-20 18:40 UTC",
    "Command": "levinthal study run first-last-information --preset standard",
}
