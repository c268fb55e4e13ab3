"""The claims on skips: a shortcut speeds training (C3), residual sums lower the final error (C7)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from levinthal.lab.analysis import Effect, Reading, evidence
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.arms import ends_better, faster
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import ANY_RATE, ERROR
from levinthal.studies.skips_and_dynamics.first_last_information.claims.protocols import (
    Batches,
    both,
    depths,
    grid,
    inside,
    named,
    where_read,
)
from levinthal.studies.skips_and_dynamics.first_last_information.design import RATE, RIVAL, SAME_LOGITS
from levinthal.vocabulary import Basis, Claim

LOW_ERROR, TWICE, A_TENTH = 0.1, 1.0, 0.15
Arm = Mapping[str, Any]


def plain(architecture: str) -> dict[str, Any]:
    """The usual initialisation of an architecture, at any learning rate."""
    return {"architecture": architecture, **ERROR, **ANY_RATE}


def other(architecture: str, init: str) -> dict[str, Any]:
    """Another initialisation of an architecture, at any learning rate."""
    return plain(architecture) | {"init": init}


def of_each_depth(batches: Batches, fast: Arm, *, best: bool = True, needed: float | None = None) -> Parts:
    """C3: the MLP's steps to 10 % error over those of another arm, at every depth from 5 layers on."""

    def parts(rows: Rows) -> dict[str, Reading]:
        deep = rows.where(depth=lambda depth: depth >= 5)
        return {
            f"D={depth}": _at(depth, faster(plain("mlp"), fast, LOW_ERROR, best=best, needed=needed))
            for depth in deep.distinct("depth")
        }

    return inside(depths(batches), parts)


def _at(depth: int, of: Reading) -> Reading:
    return lambda rows: of(rows.where(depth=depth))


def at_the_papers_rate(batches: Batches) -> Callable[[Rows], Iterator[str]]:
    """A note: the protocol, and the effect of C3 at the paper's learning rate."""

    def note(rows: Rows) -> Iterator[str]:
        yield from where_read(depths(batches))(rows)
        parts = of_each_depth(batches, plain("shortcut"), best=False, needed=-math.inf)
        held = parts(rows) if callable(parts) else parts
        found = {name: read(rows).by_seed for name, read in held.items()}
        known = {name: [v for v in one.values() if math.isfinite(v)] for name, one in found.items()}
        means = [f"{np.mean(one):.2f} ({name})" for name, one in known.items() if one]
        if means:
            yield f"At the paper's learning rate, {RATE:g}, the mean log2 ratio is {', '.join(means)}."
            yield "There, runs that never reach the error count as their budget: at least this, if the MLP's."

    return note


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
    return Claim(
        **named(
            batches,
            "C3",
            "shortcut networks reach a low error in half the steps or fewer.",
            "sec. 4, and the arXiv abstract (not the published one)",
        ),
        effect="steps of the MLP to 10 % test error over those of the shortcut network, at the best rates, "
        "from 5 layers on",
        unit="log2 ratio",
        smallest_effect=TWICE,
        why_smallest="chosen by us before the first run: twice as fast; the paper says 'accelerates' and "
        "gives no number. Since the results were seen, a run that never reaches the error counts as its "
        "budget; it counted as twice its budget, which gave the smallest size away. A depth at which "
        "neither arm reaches it leaves the claim open; it was left out. Learning rates are a factor of "
        "three apart: an arm that diverges just below one of them loses as much, more than this size, for "
        "or against",
        basis=Basis.SEEN,
        quote="Despite adding no new free parameters, the shortcut conditions the network's gradients in a "
        "way that accelerates training",
        control="the MLP without a shortcut, its first logits as large as those of the shortcut network",
        rival="orthogonal initialisation of the MLP, without a shortcut",
        evidence=evidence(
            of_each_depth(batches, plain("shortcut"), needed=TWICE),
            control=of_each_depth(batches, other("mlp", SAME_LOGITS)),
            rival=_one(of_each_depth(batches, other("mlp", RIVAL))),
            notes=at_the_papers_rate(batches),
        ),
    )


def _one(parts: Parts) -> Reading:
    """The first condition that has runs: the rival is run at one depth."""

    def read(rows: Rows) -> Effect:
        held = parts(rows) if callable(parts) else parts
        return next((e for e in (one(rows) for one in held.values()) if e.by_seed), Effect({}))

    return read


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
