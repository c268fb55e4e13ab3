"""What a study must be before anything runs: a mistake in it is one line, not a wrong verdict later."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from levinthal.errors import StudyError
from levinthal.vocabulary import Claim, Study


def require_valid(study: Study) -> Study:
    """Refuse a study whose parts contradict each other.

    Args:
        study: a study, of the package or of a user's file.

    Returns:
        The same study.

    Raises:
        StudyError: a version that is no whole number from 1 on, two claims of one id, or a smallest
            effect size that is not above zero.
    """
    for fault in _faults(study):
        raise StudyError(f"study '{study.name}': {fault}")
    return study


def _faults(study: Study) -> Iterator[str]:
    if type(study.version) is not int or study.version < 1:
        yield f"version={study.version!r}: it must be a whole number, 1 or more"
    twice = [id for id, count in Counter(claim.id for claim in study.claims).items() if count > 1]
    if twice:
        yield f"two claims have the id {twice[0]}: give each its own"
    for claim in study.claims:
        yield from _faults_of(claim)


def _faults_of(claim: Claim) -> Iterator[str]:
    size = claim.smallest_effect
    if size is not None and not (size > 0 and math.isfinite(size)):
        way_out = (
            "it must be above 0 (effects are positive as claimed), or None for a number that is reported"
        )
        yield f"claim {claim.id} has smallest_effect={size:g}: {way_out}"
