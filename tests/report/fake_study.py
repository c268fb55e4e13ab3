"""A study that looks like the real one: thirteen claims of every outcome, traces, bands, bars; no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import fake_figures
from fake_figures import ARCHITECTURES, SEEDS, STEPS, error, information

from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import (
    Claim,
    Estimate,
    Evidence,
    Interval,
    Measurement,
    Outcome,
    Preset,
    Row,
    Study,
    Trust,
    Verdict,
)

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
R, P, W, N, U, X = (
    Outcome.REPLICATES,
    Outcome.PARTIALLY,
    Outcome.WEAKER,
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
    (U, 0.004, -0.006, 0.014, 0.001, 0.005, "of the test error", 44),
    (P, 0.35, 0.12, 0.55, 0.05, 0.3, "rank correlation", None),
    (R, 0.62, 0.55, 0.69, 0.06, 0.3, "decades", None),
    (X, 2.1e4, 1.9e4, 2.3e4, None, None, "bits", None),
    (N, 0.02, -0.05, 0.09, 0.0, 0.3, "times fewer steps", None),
    (W, 0.13, 0.09, 0.17, 0.01, 0.2, "CKA", None),
    (U, 0.4, -1.9, 2.7, None, 0.3, "% error", 60),
)


def _evidence(rows: Any) -> Evidence:
    return Evidence({"all": dict.fromkeys(SEEDS, 1.0)})


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


WHY = {
    R: ("the whole interval lies beyond the smallest size; the control shows no such effect",),
    P: ("beyond zero, but not beyond the smallest effect size of interest", "holds in 2 of 3 conditions"),
    W: ("the interval lies above zero and below the smallest effect size of interest",),
    N: ("the interval excludes the claimed size",),
    U: ("the interval holds both zero and the claimed size",),
    X: ("a number that depends on N: at 1,000 images it is 3.1e3, at 10,000 it is 2.1e4",),
}


def _parts(value: float, low: float, high: float, unit: str) -> dict[str, Estimate]:
    names = ("width 20, depth 5", "width 50, depth 5", "width 20, depth 20")
    grown = ((0.6 + 0.3 * k, 0.5 + 0.3 * k, 0.7 + 0.3 * k) for k in range(3))
    return {
        name: Estimate(value * a, unit, Interval(low * b, high * c), trust=Trust.EXACT)
        for name, (a, b, c) in zip(names, grown, strict=True)
    }


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
    why = ("KSG in 100 dimensions: its ceiling is 11.5 bits, and halving one layer moves it",) * (
        unit == "bits"
    )
    effect = Estimate(value, unit, Interval(low, high, 0.95, "paired bootstrap"), trust=trust, reasons=why)
    half = (high - low) / 4
    null = (
        None
        if control is None
        else Estimate(control, unit, Interval(control - half, control + half), trust=Trust.EXACT)
    )
    parts = _parts(value, low, high, unit) if claim.id in ("C2", "C3", "C8") else {}
    return Verdict(claim, outcome, effect, 8, null, parts, needed, WHY[outcome])


def rows() -> Rows:
    return Rows.of(_rows())


def _rows() -> Iterator[Row]:
    why = ("its ceiling is 11.5 bits", "it moves to 0.39 bits if the layer is halved")
    for architecture in ARCHITECTURES:
        for seed in SEEDS:
            for step in STEPS[::3]:
                cell = {"architecture": architecture, "width": 50, "depth": 5}
                value = information(architecture, step, seed)
                yield Row(
                    cell,
                    Measurement(
                        "first_last_information",
                        Estimate(value, "bits", trust=Trust.ORDINAL, reasons=why),
                        seed,
                        step,
                    ),
                )
                yield Row(
                    cell,
                    Measurement(
                        "test_error", Estimate.exact(error(architecture, step, seed), "%"), seed, step
                    ),
                )
                poor = Trust.UNRELIABLE if step < 10 else Trust.CALIBRATED
                rank = Estimate(
                    3.0 + value,
                    "",
                    Interval(2.0, 4.0),
                    trust=poor,
                    reasons=(f"only {step + 5} samples in the smallest class",) * (step < 10),
                )
                yield Row(cell, Measurement("effective_rank", rank, seed, step, "last", "batch_norm=running"))


def answer(verdicts: Mapping[str, Verdict]) -> str:
    return "Faster, yes: 3.3 times at 10 % error. Because of information, no."


def study(**changes: Any) -> Study:
    plain: dict[str, Any] = {
        "name": "first-last-information",
        "chapter": "2.4",
        "question": "Do shortcuts train faster because they raise first-last information?",
        "source": "Hodas & Stinis, Doing the impossible. Frontiers in Psychology 9:1185 (2018)",
        "version": 1,
        "presets": {
            "standard": Preset("MNIST, 60,000 images, minibatch and full batch, 8 paired seeds", "mnist", ())
        },
        "measure": lambda task, **context: (),
        "claims": claims(),
        "figures": fake_figures.figures,
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
