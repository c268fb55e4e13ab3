"""The claims of the paper, C1 to C12, in its order."""

from __future__ import annotations

from levinthal.studies.skips_and_dynamics.first_last_information.claims import information, speed, training

CLAIMS = tuple(
    sorted(
        information.CLAIMS + speed.CLAIMS + training.CLAIMS,
        key=lambda claim: (int(claim.id[1:].rstrip("b")), claim.id),
    )
)
