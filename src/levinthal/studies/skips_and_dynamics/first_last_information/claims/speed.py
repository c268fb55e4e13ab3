"""The claims on skips: a shortcut speeds training (C3), residual sums lower the final error (C7)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from levinthal.lab.analysis import Effect, Reading, evidence
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.arms import ends_better
from levinthal.studies.skips_and_dynamics.first_last_information.claims.bounds import decided
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import ANY_RATE, ERROR
from levinthal.studies.skips_and_dynamics.first_last_information.claims.protocols import (
    MINI,
    Batches,
    both,
    depths,
    grid,
    inside,
    named,
    where_read,
)
from levinthal.studies.skips_and_dynamics.first_last_information.claims.races import faster, race
from levinthal.studies.skips_and_dynamics.first_last_information.design import RATE, RIVAL, SAME_LOGITS
from levinthal.vocabulary import Basis, Claim

LOW_ERROR, TWICE, A_TENTH = 0.1, 1.0, 0.15
FEWEST_RATES = 3
"""The fewest learning rates of which `best_of` takes the best."""
Arm = Mapping[str, Any]


def plain(architecture: str) -> dict[str, Any]:
    """The usual initialisation of an architecture, at any learning rate."""
    return {"architecture": architecture, **ERROR, **ANY_RATE}


def other(architecture: str, init: str) -> dict[str, Any]:
    """Another initialisation of an architecture, at any learning rate."""
    return plain(architecture) | {"init": init}


def of_each_depth(
    batches: Batches, fast: Arm, *, best: bool = True, neither: float = 0.0, about: str = ""
) -> Parts:
    """The MLP's steps to 10 % error over those of another arm, at every depth from 5 layers on."""

    def parts(rows: Rows) -> dict[str, Reading]:
        def of(depth: int) -> Reading:
            words = f"{about}, D={depth}" if about else ""
            return faster(plain("mlp"), fast, LOW_ERROR, best=best, neither=neither, about=words)

        return {f"D={depth}": _at(depth, of(depth)) for depth in _deep(rows)}

    return inside(depths(batches), parts)


def that_decide(batches: Batches, fast: Arm) -> Parts:
    """C3: as `of_each_depth`, without the bounds that do not decide the mean over the depths."""
    steps = race(plain("mlp"), fast, LOW_ERROR)

    def at(depth: int, rows: Rows) -> Effect:
        return decided({one: steps(rows.where(depth=one)) for one in _deep(rows)}, TWICE)[depth]

    def parts(rows: Rows) -> dict[str, Reading]:
        return {f"D={depth}": partial(at, depth) for depth in _deep(rows)}

    return inside(depths(batches), parts)


def _deep(rows: Rows) -> list[int]:
    return list(rows.where(depth=lambda depth: depth >= 5).distinct("depth"))


def _at(depth: int, of: Reading) -> Reading:
    return lambda rows: of(rows.where(depth=depth))


def of_single_depths(batches: Batches) -> Callable[[Rows], Iterator[str]]:
    """A note: the protocol, and the effect of C3 at each depth, at the best rates and at the paper's."""

    def note(rows: Rows) -> Iterator[str]:
        yield from where_read(depths(batches))(rows)
        shortcut = partial(of_each_depth, batches, plain("shortcut"), neither=math.nan)
        best, own = _by_depth(shortcut(), rows), _by_depth(shortcut(best=False), rows)
        if best:
            yield f"At the best learning rates the mean log2 ratio is {best}."
        if own:
            yield f"At the paper's learning rate, {RATE:g}, the mean log2 ratio is {own}."
        if best or own:
            yield from _too_few_rates(depths(batches)(rows))
            yield (
                "In these means a run that never reaches the error counts as its budget: if it does so "
                "later, the true number is larger where it is the MLP's, smaller where it is the shortcut's. "
                "Seeds in which neither arm reaches it are left out, and those in which the shortcut's error "
                "rests above it."
            )

    return note


def _too_few_rates(rows: Rows) -> Iterator[str]:
    """The depths that have not run at three learning rates, and therefore do not count."""
    rates = {depth: rows.where(depth=depth, **plain("shortcut")).distinct("rate") for depth in _deep(rows)}
    few = [f"{depth}" for depth, known in rates.items() if len(known) < FEWEST_RATES]
    if few:
        yield f"Depths that ran at fewer than three learning rates do not count: {', '.join(few)}."


def _by_depth(parts: Parts, rows: Rows) -> str:
    """The mean over seeds at each depth, in words; nothing where there is none."""
    held = parts(rows) if callable(parts) else parts
    found = {name: read(rows).by_seed.values() for name, read in held.items()}
    known = {name: [v for v in one if math.isfinite(v)] for name, one in found.items()}
    return ", ".join(f"{np.mean(one):.2f} ({name})" for name, one in known.items() if one)


PAIRS = (("mlp", "residual"), ("shortcut", "shortcut-residual"))


def residuals_end_better(batches: Batches) -> Parts:
    """C7: final error without over that with residual sums."""
    return inside(
        grid(batches),
        {
            f"{after} against {before}": ends_better(plain(before), plain(after), A_TENTH)
            for before, after in PAIRS
        },
    )


def orthogonal_ends_better(batches: Batches) -> Parts:
    """C7's rival: the final error with the usual over that with orthogonal weights, without residual sums."""
    return inside(
        grid(batches),
        {
            f"{after} against {before}": ends_better(plain(before), other(before, RIVAL), A_TENTH)
            for before, after in PAIRS
        },
    )


def shortcut_is_faster(batches: Batches) -> Claim:
    """C3."""
    forty = ". In standard, 40 layers ran at the paper's rate alone and do not count"
    also = forty if batches is MINI else ""
    return Claim(
        **named(
            batches,
            "C3",
            "on the mean over those depths from 5 layers on that ran at three learning rates or more, "
            "shortcut networks reach 10 % test error in half the steps or fewer.",
            "sec. 4, and the arXiv abstract (not the published one)",
        ),
        effect="steps of the MLP to 10 % test error (recalibrated statistics) over those of the shortcut "
        "network, at the best rates, from 5 layers on, mean over the depths that ran at three rates or more",
        unit="log2 ratio",
        smallest_effect=TWICE,
        why_smallest="chosen by us before the first run: twice as fast; the paper says 'accelerates' and "
        "gives no number. Since the results were seen, a run of the MLP that never reaches the error counts "
        "as its budget if the shortcut is then twice as fast at its depth and on the mean over depths; one "
        "of the shortcut counts so if the mean is then at most 0, and either only while the median error of "
        "such runs still falls by a fifteenth per doubling of the steps, at that rate and at the rate of "
        "the lowest error; else the seed has no number, and none with bounds of both kinds. It counted as "
        "twice its budget, which gave the smallest size away. Until made-up runs showed it, a bound of the "
        "MLP could deny the claim, a shortcut that never reaches the error could support it, and an arm that "
        "rests just above the error counted as slow, a control too. A depth at which neither arm reaches it "
        "in most seeds leaves the claim open; it was left out. Learning rates are a factor of three apart: "
        "an arm that diverges just below one of them loses as much, more than this size, for or against. "
        "That the number is a mean over depths is said since made-up runs of 18 times "
        f"at 20 layers, with 1.2 and 1.4 at 5 and 10, replicated; a note has the number of each depth{also}",
        basis=Basis.SEEN,
        quote="Despite adding no new free parameters, the shortcut conditions the network's gradients in a "
        "way that accelerates training",
        control="the MLP without a shortcut, its first logits as large as those of the shortcut network",
        rival="orthogonal initialisation of the MLP, without a shortcut",
        evidence=evidence(
            that_decide(batches, plain("shortcut")),
            control=of_each_depth(batches, other("mlp", SAME_LOGITS), about="Control"),
            rival=of_each_depth(batches, other("mlp", RIVAL)),
            notes=of_single_depths(batches),
        ),
    )


def residuals_help(batches: Batches) -> Claim:
    """C7."""
    return Claim(
        **named(
            batches,
            "C7",
            "residual sums lower the final error of the MLP and of the shortcut network.",
            "arXiv version, sec. 3, Fig. 5b",
        ),
        effect="final test error without over that with residual sums, each at its best rate",
        unit="log2 ratio",
        smallest_effect=A_TENTH,
        why_smallest="chosen by us before the first run: a tenth less error; the paper gives no number. "
        "Since the results were seen, an error is final by the rule of C4b. All seeds share the test "
        "images, whose chance the interval leaves out: of the 600 of digits, a tenth less error is one or "
        "two. Learning rates are a factor of three apart, and either arm may be better between two of "
        "them. A later fall is possible",
        basis=Basis.SEEN,
        quote="residuals help both the traditional MLP and shortcut reach a higher final accuracy.",
        control="",
        why_no_control="both networks share parameters, initial weights and batches, and batch norm cancels "
        "the size of a residual sum: no arm has all of it but the sum",
        rival="orthogonal initialisation, without residual sums",
        evidence=evidence(
            residuals_end_better(batches),
            rival=orthogonal_ends_better(batches),
            notes=where_read(grid(batches)),
        ),
    )


CLAIMS = (*both(shortcut_is_faster), *both(residuals_help))
