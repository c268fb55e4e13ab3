"""What a study must be before anything runs: a mistake in it is one line, not a wrong verdict later.

A line names the two things that disagree, and the way out. What concerns the readings of a claim stands in
`validity_of_parts`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from levinthal.errors import StudyError
from levinthal.lab.analysis import Expression
from levinthal.lab.execution.kinds import shown
from levinthal.lab.execution.own_code import own_code
from levinthal.studies.places import placed
from levinthal.studies.validity_of_fields import faults_of_claim, faults_of_fields, is_id
from levinthal.studies.validity_of_parts import Plan, faults_of_parts
from levinthal.vocabulary import Basis, Claim, Study


def require_valid(study: Study, file: Path | None = None) -> Study:
    """Refuse a study whose parts contradict each other.

    Args:
        study: a study, of the package or of a user's file.
        file: the user's file, for the line of the fault.

    Returns:
        The same study.

    Raises:
        StudyError: a field of another type, a name with other signs than small letters, digits and hyphens,
            two claims of one id, a claim without control that does not say why, a smallest effect that is
            not beyond the null, parts that differ in unit, measurement or protocol...
            `docs/write-a-study.md` shows each.
    """
    with own_code():
        for fault in _faults(study):
            said = f"study {shown(study.name)}: {fault}"
            raise StudyError(placed(said, file) if file else said)
    return study


def _faults(study: Study) -> Iterator[str]:
    # One after the other: the later checks rely on the types that the first ones have seen.
    yield from faults_of_fields(study)
    for claim in study.claims:
        if claim.id == "":
            yield "a claim has no id: give each a short one, such as id='C1'"
        if not is_id(claim.id):
            yield f"a claim has id={shown(claim.id)}: give each a short one, such as id='C1'"
    twice = [id for id, count in Counter(claim.id for claim in study.claims).items() if count > 1]
    if twice:
        yield f"two claims have the id {twice[0]}: give each its own"
    plan = Plan.of(study)
    for factor in study.protocol:
        if factor not in plan.factors:
            known = ", ".join(sorted(plan.factors))
            yield f"protocol names '{factor}', which no task has: name factors of its cells ({known})"
    for claim in study.claims:
        for faults in (faults_of_claim(claim), _faults_of(claim)):
            yield from (f"claim {claim.id} {fault}" for fault in faults)
        yield from (f"claim {claim.id} {fault}" for fault in faults_of_parts(claim, study.protocol, plan))


def _faults_of(claim: Claim) -> Iterator[str]:
    if not claim.source:
        yield "has no source: name the work and the place in it, or 'ours' for a hypothesis of your own"
    if claim.basis is Basis.SOURCE and not claim.quote:
        yield "has basis=Basis.SOURCE and no quote: quote the sentence, or say Basis.CHOSEN"
    if claim.smallest_effect is not None:
        yield from _sizes(claim, claim.smallest_effect)
        yield from _controls(claim)
    yield from _arms(claim)


def _sizes(claim: Claim, size: float) -> Iterator[str]:
    null = claim.null
    if not math.isfinite(null):
        yield f"has null={null:g}: give a finite number, 0 for a difference or chance level for a share"
    if not (size > null and math.isfinite(size)):
        yield (
            f"has smallest_effect={size:g} and null={null:g}: it must lie above the null (effects are "
            "positive as claimed), or be None for a number that is reported"
        )
    if claim.binary and not (0 <= null < 1 and size <= 1):
        yield (
            f"is binary, with null={null:g} and smallest_effect={size:g}: both are shares of seeds, "
            "from 0 to 1"
        )


def _controls(claim: Claim) -> Iterator[str]:
    if not claim.control and not claim.why_no_control:
        yield "has no control: name an arm without the cause, or say in why_no_control why there is none"
    if claim.control and claim.why_no_control:
        yield "has both control and why_no_control: keep one of them"


def _arms(claim: Claim) -> Iterator[str]:
    """The words of the control and of the rival against what the evidence reads, where that is known."""
    if not isinstance(claim.evidence, Expression):
        return
    if claim.rival and not claim.control and claim.evidence.control and not claim.evidence.rival:
        yield "passes its rival as control=: pass it as rival=, a rival changes no verdict"
    for arm in ("control", "rival"):
        words, read = getattr(claim, arm), getattr(claim.evidence, arm) is not None
        if words and not read:
            yield f"has {arm}='{words}' and evidence without one: pass {arm}=... to evidence() too"
        if read and not words:
            yield f"has evidence with a {arm} and no words for it: say {arm}='...' in the Claim too"
