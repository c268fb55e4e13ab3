"""The claims on first-last information: a rise, a peak, the state space (C1, C6, C10)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from levinthal.lab.analysis import Effect, Reading, evidence, mean_over, of_curve, slope_over
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.analysis.curves import curves, last
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import (
    FROZEN,
    MODES,
    PLAIN,
    information,
)
from levinthal.studies.skips_and_dynamics.first_last_information.claims.protocols import (
    FULL,
    Batches,
    both,
    inside,
    main,
    named,
    where_read,
)
from levinthal.vocabulary import Basis, Claim

BUDGET = 120
"""Updates within which the peak of C6 shows on digits. A shorter run says nothing of the course (C1, C6)."""


def in_each_mode(reading: Reading, arm: Mapping[str, Any], batches: Batches) -> Parts:
    """A reading of information, in trained networks or in frozen ones: one condition for each mode."""
    return inside(
        main(batches),
        {f"{mode} statistics": mean_over("width", of=reading, **information(mode), **arm) for mode in MODES},
    )


def within_budget(of: Reading) -> Reading:
    """A reading of a course: no number for runs of less than BUDGET steps."""

    def read(rows: Rows) -> Effect:
        found = of(rows)
        steps = int(max(rows.values("step"), default=0))
        if not found.by_seed or steps >= BUDGET:
            return found
        why = f"The budget of {steps} steps ends before step {BUDGET}: how information goes on is open."
        return Effect(dict.fromkeys(found.by_seed, math.nan), note=why)

    return read


def kept_rise(rows: Rows) -> Effect:
    """C1: the last value less the first, less the fall from the step where the other seeds are highest.

    A course that only rises has its whole rise, also if it then stays; one that falls back halfway has none.
    """
    values = {seed: curve[1] for seed, curve in curves(rows).items()}
    if len(values) < 2:
        return Effect({})
    return Effect({seed: _kept(own, _others(values, seed)) for seed, own in values.items()})


def _kept(own: np.ndarray, others: np.ndarray) -> float:
    fall = own[int(np.argmax(others))] - own[-1]
    return float(own[-1] - own[0] - max(fall, 0.0))


def held_out_peak(rows: Rows) -> Effect:
    """C6: height above start and end, at the step where the mean curve of the other seeds is highest between.

    It has either sign, and noise does not lift it: a curve that only rises, or only falls, gives less than 0.
    """
    found = curves(rows)
    if len(found) < 2:
        return Effect({})
    values = {seed: curve[1] for seed, curve in found.items()}
    return Effect({seed: _height(own, _others(values, seed)) for seed, own in values.items()})


def declining_peak(rows: Rows) -> Effect:
    """C6 in trained networks: no number while the seeds' mean curve is highest where the run ends."""
    found, known = held_out_peak(rows), [curve[1] for curve in curves(rows).values()]
    if not found.by_seed or int(np.argmax(np.mean(known, axis=0))) < len(known[0]) - 1:
        return found
    why = "Still rising when the run ends: whether a decline follows is open."
    return Effect(dict.fromkeys(found.by_seed, math.nan), note=found.note or why)


def in_the_least_mode(of: Callable[[Rows], Effect], arm: Mapping[str, Any], batches: Batches) -> Reading:
    """C6: the smallest of the modes, seed by seed: running statistics that settle can make a peak."""
    parts = in_each_mode(partial(_of, "residual", within_budget(of)), arm, batches)

    def read(rows: Rows) -> Effect:
        held = parts(rows) if callable(parts) else parts
        modes = [effect for mode in held.values() if (effect := mode(rows)).by_seed]
        seeds = set.intersection(*(set(effect.by_seed) for effect in modes)) if modes else set()
        note = " ".join(dict.fromkeys(effect.note for effect in modes if effect.note))
        return Effect({s: float(np.min([one.by_seed[s] for one in modes])) for s in sorted(seeds)}, note=note)

    return read


def _others(values: Mapping[int, np.ndarray], seed: int) -> np.ndarray:
    return np.asarray(np.mean([curve for other, curve in values.items() if other != seed], axis=0))


def _height(own: np.ndarray, others: np.ndarray) -> float:
    """Above the first two values and the last: batch norm's statistics jump at the first step."""
    at = 2 + int(np.argmax(others[2:-1]))
    return float(own[at] - max(own[0], own[1], own[-1]))


def exponent(rows: Rows) -> Effect:
    """C10: n MI, the number of layers times the information at the end."""
    if not len(rows):
        return Effect({})
    depth = float(rows.distinct("depth")[0])
    return of_curve(lambda curve: depth * last(curve))(rows)


def most_images(rows: Rows) -> Effect:
    """C10: the exponent, read on the most images."""
    counts = rows.distinct("n")
    return exponent(rows.where(n=max(counts, key=float))) if counts else Effect({})


BY_IMAGES: Mapping[str, Any] = {
    "name": "mutual_information_by_images",
    "architecture": "mlp",
    "readout": "before",
    **PLAIN,
}


def rising(batches: Batches) -> Claim:
    """C1."""
    of = partial(_of, "mlp", within_budget(kept_rise))
    arms = (in_each_mode(of, arm, batches) for arm in (PLAIN, FROZEN))
    sentence = "the MLP's first-last information rises with training, and most of the rise stays."
    return Claim(
        **named(batches, "C1", sentence, "sec. 3, Fig. 4"),
        effect="information at the end less that at initialisation, less its fall from the highest point",
        unit="bits",
        smallest_effect=0.25,
        why_smallest="chosen by us: a quarter of a bit; it was a rank correlation of .5 at first, then the "
        "rise alone, which a course that mostly falls can have too",
        basis=Basis.SEEN,
        quote="Traditional MLPs follow a trend of systematically increasing the mutual information.",
        control="the same network with frozen weights, where only batch norm's statistics move",
        evidence=evidence(*arms, notes=where_read(main(batches))),
    )


def peaking(batches: Batches) -> Claim:
    """C6."""
    sentence = "a residual network's information rises, peaks and declines."
    return Claim(
        **named(batches, "C6", sentence, "sec. 3, Fig. 5a"),
        effect="height above the end, the start and the first step, where the other seeds' mean curve peaks; "
        "the smallest of batch norm's modes",
        unit="bits",
        smallest_effect=0.25,
        why_smallest="chosen by us before the first run: a quarter of a bit; the paper gives no number. The "
        "way to measure the height was changed after results were seen: running statistics that settle made "
        "a peak. A decline may be one of the last layer's scale: z-scored layers are read at three or four "
        "steps, which show no peak",
        basis=Basis.SEEN,
        quote="As ResNets train, they start with low mutual information between weights. The MI gradually "
        "increases as it trains, maximizes and begins to decrease again (see Fig. 5a).",
        control="the same network with frozen weights, where statistics that settle can only rise",
        evidence=evidence(
            in_the_least_mode(declining_peak, PLAIN, batches),
            control=in_the_least_mode(held_out_peak, FROZEN, batches),
            notes=where_read(main(batches)),
        ),
    )


def _of(architecture: str, of: Callable[[Rows], Effect], rows: Rows) -> Effect:
    return of(rows.where(architecture=architecture))


QUOTE_C10 = (
    "High mutual information implies that the effective size of the available training state-space has been "
    "reduced on order ~2^(n*MI), where n is the number of layers."
)
STATE_SPACE = (
    Claim(
        **named(FULL, "C10", "information shrinks the state space of training by 2^(n MI).", "sec. 4"),
        effect="the exponent n MI of the MLP, read on the most images",
        unit="bits",
        smallest_effect=None,
        quote=QUOTE_C10,
        control="",
        evidence=evidence(inside(main(FULL), {"": mean_over("width", of=most_images, **BY_IMAGES)})),
    ),
    Claim(
        **named(FULL, "C10b", "n MI does not depend on how many images it is read on.", "")
        | {"source": "ours"},
        effect="change of the exponent n MI when it is read on twice as many images",
        unit="bits",
        smallest_effect=None,
        control="",
        evidence=evidence(
            inside(main(FULL), {"": mean_over("width", of=slope_over("n", of=exponent), **BY_IMAGES)})
        ),
    ),
)
CLAIMS = (*both(rising), *both(peaking), *STATE_SPACE)
