"""The claim that a shortcut network starts with higher information, which then falls (C2): reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from levinthal.lab.analysis import Reading, compare, evidence, of_curve
from levinthal.lab.analysis.curves import curves, first, last
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import PLAIN, information
from levinthal.studies.skips_and_dynamics.first_last_information.claims.protocols import (
    Batches,
    both,
    inside,
    main,
    named,
    where_read,
)
from levinthal.vocabulary import Claim

SCORES = {"ksg": "KSG", "zscored_ksg": "z-scored KSG"}


def score(estimator: str) -> dict[str, Any]:
    """The key of the score of first layer and sum, in the networks in which z-scored layers are read too."""
    return {**information("batch", "after"), **PLAIN, "estimator": estimator, "read": "everything"}


def head_start_and_fall(estimator: str) -> Reading:
    """The smaller of the head start over the MLP and of the later fall."""
    initial, final, mlp = (
        of_curve(number, architecture=name, **score(estimator))
        for number, name in ((first, "shortcut"), (last, "shortcut"), (first, "mlp"))
    )
    return compare(compare(initial, mlp), compare(initial, final), min)


def both_scores(batches: Batches) -> Callable[[Rows], Iterator[str]]:
    """A note: the protocol, and both scores of the shortcut network at first and at the end."""

    def note(rows: Rows) -> Iterator[str]:
        yield from where_read(main(batches))(rows)
        for estimator, name in SCORES.items():
            found = curves(main(batches)(rows), architecture="shortcut", **score(estimator)).values()
            if found:
                start, end = (np.mean([number(curve) for curve in found]) for number in (first, last))
                yield f"{name} at first {start:.2f}, at the end {end:.2f} bits."

    return note


def falling_from_a_head_start(batches: Batches) -> Claim:
    """C2."""
    sentence = "the KSG score of first layer and sum starts higher in the shortcut network, and then falls."
    smaller = compare(head_start_and_fall("ksg"), head_start_and_fall("zscored_ksg"), min)
    return Claim(
        **named(batches, "C2", sentence, "sec. 3, Fig. 4"),
        effect="the smaller of head start over the MLP and later fall, of the KSG and the z-scored KSG score",
        unit="bits",
        smallest_effect=None,
        quote="MLPs with shortcuts start with higher mutual information which then decreases towards the "
        "optimum.",
        control="",
        why_no_control="the sum holds the first layer, so that a head start is there by construction. The "
        "score falls or rises by bits where the last layer is only scaled against it, which loses no "
        "information; frozen weights freeze that scale too. The number is reported, not judged",
        evidence=evidence(inside(main(batches), {"": smaller}), notes=both_scores(batches)),
    )


CLAIMS = both(falling_from_a_head_start)
