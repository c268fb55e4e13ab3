"""The claims on first-last information: a rise, a peak, the state space (C1, C6, C10)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from levinthal.lab.analysis import Effect, Reading, evidence, mean_over, of_curve, slope_over
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
    at_each_width,
    both,
    inside,
    main,
    named,
    where_read,
)
from levinthal.vocabulary import Basis, Claim

BUDGET = 120
"""Updates within which the peak of C6 shows on digits. A shorter run says nothing of the course (C1, C6)."""


def with_own_statistics(of: Reading) -> Reading:
    """A reading of information with the statistics of the images that are read.

    Moving averages settle during a run, with frozen weights too: they make a rise or a peak, or hide one.
    """
    return lambda rows: of(rows.where(**information("batch")))


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
    """C6: no number while the seeds' mean curve is highest where the run ends."""
    found = held_out_peak(rows)
    if not found.by_seed or not still_rising(rows):
        return found
    why = "Still rising when the run ends: whether a decline follows is open."
    return Effect(dict.fromkeys(found.by_seed, math.nan), note=found.note or why)


def moving_averages(of: Reading, architecture: str, batches: Batches) -> Callable[[Rows], Iterator[str]]:
    """A note: the protocol, and the same with moving averages, beside networks whose weights are frozen."""

    def note(rows: Rows) -> Iterator[str]:
        yield from where_read(main(batches))(rows)
        networks = main(batches)(rows).where(architecture=architecture)
        for mode in MODES[:-1]:
            curves_ = networks.where(**information(mode))
            frozen = curves_.where(**FROZEN)
            trained = curves_.where(width=frozen.distinct("width"), **PLAIN)
            bits = [np.mean([*of(arm).by_seed.values()]) for arm in (trained, frozen) if len(arm)]
            if len(bits) == 2 and np.isfinite(bits).all():
                frozen_words = f"with frozen weights, where they alone move, {bits[1]:.2f}"
                yield f"With {mode} statistics: {bits[0]:.2f} bits; {frozen_words}."

    return note


Note = Callable[[Rows], Iterator[str]]


def and_still_rising(note: Note, batches: Batches) -> Note:
    """A note, and for C1 that at a width the course of the MLP is highest where the run ends."""

    def notes(rows: Rows) -> Iterator[str]:
        yield from note(rows)
        mlp = main(batches)(rows).where(architecture="mlp", **PLAIN, **information("batch"))
        for (width,), one in mlp.group_by("width").items() if len(mlp) else ():
            if still_rising(one):
                yield f"W={width}: still rising when the run ends: whether the rise stays is open."

    return notes


def still_rising(rows: Rows) -> bool:
    """Whether the seeds' mean course is highest where the run ends."""
    known = [curve[1] for curve in curves(rows).values()]
    return int(np.argmax(np.mean(known, axis=0))) == len(known[0]) - 1


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


FROZEN_IS_ZERO = (
    "with frozen weights the statistics of the images stay as they are, and the effect is 0 by construction"
)


def rising(batches: Batches) -> Claim:
    """C1."""
    of = within_budget(kept_rise)
    sentence = "the MLP's first-last information rises with training, and most of the rise stays to the end "
    sentence += "of the updates run here."
    return Claim(
        **named(batches, "C1", sentence, "sec. 3, Fig. 4"),
        effect="information at the end less that at initialisation, less its fall from the step where the "
        "mean curve of the other seeds is highest, with the statistics of the images read",
        unit="bits",
        smallest_effect=0.25,
        why_smallest="chosen by us: a quarter of a bit; it was a rank correlation of .5 at first, then the "
        "rise alone, which a course that mostly falls can have too, then the mean over batch norm's modes: "
        "moving averages rise by themselves. The score changes with the last layer's scale, too",
        basis=Basis.SEEN,
        quote="Traditional MLPs follow a trend of systematically increasing the mutual information.",
        control="",
        why_no_control=FROZEN_IS_ZERO,
        evidence=evidence(
            at_each_width(batches, "mlp", with_own_statistics(of)),
            notes=and_still_rising(moving_averages(of, "mlp", batches), batches),
        ),
    )


def peaking(batches: Batches) -> Claim:
    """C6."""
    sentence = "a residual network's information rises, peaks and declines, within the updates run here."
    return Claim(
        **named(batches, "C6", sentence, "sec. 3, Fig. 5a"),
        effect="height above the end, the start and the first step, where the other seeds' mean curve peaks, "
        "with the statistics of the images read",
        unit="bits",
        smallest_effect=0.25,
        why_smallest="chosen by us before the first run: a quarter of a bit; the paper gives no number. The "
        "way to measure the height was changed after results were seen: moving averages that settle made a "
        "peak, and hid one where the smallest of batch norm's modes counted. A decline may be one of the "
        "last layer's scale: z-scored layers are read at two to four steps, which show no peak",
        basis=Basis.SEEN,
        quote="As ResNets train, they start with low mutual information between weights. The MI gradually "
        "increases as it trains, maximizes and begins to decrease again (see Fig. 5a).",
        control="",
        why_no_control=FROZEN_IS_ZERO,
        evidence=evidence(
            at_each_width(batches, "residual", with_own_statistics(within_budget(declining_peak))),
            notes=moving_averages(within_budget(held_out_peak), "residual", batches),
        ),
    )


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
