"""Philipp et al.: do exploding gradients persist with batch norm and SELU, and do skips tame them?"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.studies.trainability.gradient_scale.claims import CLAIMS, NLC, PHILIPP, YANG
from levinthal.studies.trainability.gradient_scale.figures import figures
from levinthal.studies.trainability.gradient_scale.measure import NETWORKS, measure
from levinthal.vocabulary import Cell, Preset, Study, Task, Verdict

BATCHES = (("batch norm, ReLU", (8, 16, 32, 64, 128, 256)), ("batch norm, linear", (8, 16)))
BARE = (("ReLU", (64,)), ("linear", (64,)))


def _preset(
    about: str, data: str, depths: tuple[int, ...], seeds: int, nets: int, trained: int, **training: int
) -> Preset:
    """Cells of the three kinds; `nets` networks of each of `trained` seeds are trained."""
    scale: list[Cell] = [{"arm": "scale", "network": n, "depth": d} for d in depths for n in NETWORKS]
    batch: list[Cell] = [
        {"arm": "batch", "network": n, "batch": b, "depth": 50} for n, bs in (*BATCHES, *BARE) for b in bs
    ]
    error: list[Cell] = [{"arm": "error", "net": k, **training} for k in range(nets)]
    exact = [Task(cell, tuple(range(seeds)), cost=1.0) for cell in (*scale, *batch)]
    return Preset(about, data, (*exact, *(Task(cell, tuple(range(trained)), cost=3.0) for cell in error)))


def answer(verdicts: Mapping[str, Verdict]) -> str:
    """How fast GSC grows with batch norm, what skips do to it, and whether NLC foretells the error."""
    grown, tamed, foretold = (verdicts[name].effect for name in ("G1", "G3", "G5"))
    if grown is None or tamed is None:
        return "Not measured yet."
    said = f"With batch norm GSC grows by {2**grown.value - 1:.0%} a layer, and skips lower it"
    said += f" {float(f'{10**tamed.value:.2g}'):,.0f}-fold over the whole depth"
    more = f"; NLC before training and test error correlate by {foretold.value:.2f}" if foretold else ""
    return f"{said}{more}."


study = Study(
    name="gradient-scale",
    chapter="trainability",
    question="Do exploding gradients persist with batch norm and SELU, and what do they do to a network?",
    source=f"{PHILIPP}; {NLC}; {YANG}",
    version=1,
    presets={
        "quick": _preset(
            "50 layers of 100 units; 16 small networks trained on the embedded digits; under a minute",
            "digits", (50,), 8, 16, 6, deepest=12, images=1197, steps=100,
        ),
        "standard": _preset(
            "26, 50 and 100 layers; 30 small networks trained on MNIST; ten minutes",
            "mnist", (26, 50, 100), 12, 30, 8, deepest=20, images=5000, steps=250,
        ),
    },
    measure=measure,
    claims=CLAIMS,
    figures=figures,
    answer=answer,
    seed_by_seed=True,
)  # fmt: skip
