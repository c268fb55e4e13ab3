"""The claims of the paper, C1 to C12, in its order: each with full batches, and (m) with minibatches."""

from __future__ import annotations

import re

from levinthal.studies.skips_and_dynamics.first_last_information.claims import (
    depth,
    head_start,
    information,
    initialisations,
    lost_with_depth,
    speed,
    training,
    within,
)
from levinthal.vocabulary import Claim


def _place(claim: Claim) -> tuple[int, str, str]:
    """C4, C4m, C4b, C4bm, C5..."""
    parts = re.fullmatch(r"C(\d+)([a-l]?)(m?)", claim.id)
    number, letter, batches = parts.groups() if parts else ("0", "", "")
    return int(number), letter, batches


CLAIMS = tuple(
    sorted(
        information.CLAIMS
        + head_start.CLAIMS
        + speed.CLAIMS
        + depth.CLAIMS
        + lost_with_depth.CLAIMS
        + within.CLAIMS
        + training.CLAIMS
        + initialisations.CLAIMS,
        key=_place,
    )
)
