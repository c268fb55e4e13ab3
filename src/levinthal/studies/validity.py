"""What a study must be before anything runs: a mistake in it is one line, not a wrong verdict later.

A line names the two things that disagree, and the way out. What concerns the readings of a claim stands in
`validity_of_parts`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from numbers import Real

from levinthal.errors import StudyError
from levinthal.lab.analysis import Expression
from levinthal.studies.validity_of_parts import Plan, faults_of_parts
from levinthal.vocabulary import Basis, Claim, Study
from levinthal.vocabulary.studies import LARGEST_SEED, NAME


def require_valid(study: Study) -> Study:
    """Refuse a study whose parts contradict each other.

    Args:
        study: a study, of the package or of a user's file.

    Returns:
        The same study.

    Raises:
        StudyError: a name with other signs than small letters, digits and hyphens, a version that is no whole
            number from 1 on, two claims of one id, a claim without control that does not say why, a smallest
            effect that is not beyond the null, parts that differ in unit, measurement or protocol...
            `docs/write-a-study.md` shows each.
    """
    for fault in _faults(study):
        raise StudyError(f"study '{study.name}': {fault}")
    return study


def _faults(study: Study) -> Iterator[str]:
    if not (isinstance(study.name, str) and re.fullmatch(NAME, study.name)):
        yield f"name={study.name!r}: use small letters, digits and hyphens, such as 'toy-study'"
    if not callable(study.measure):
        yield f"measure={study.measure!r}: give a function measure(task, data=..., device=...)"
    if any(not isinstance(claim.id, str) or not claim.id.strip() for claim in study.claims):
        yield "a claim has no id: give each a short one, such as id='C1'"
    if type(study.version) is not int or study.version < 1:
        yield f"version={study.version!r}: it must be a whole number, 1 or more"
    twice = [id for id, count in Counter(claim.id for claim in study.claims).items() if count > 1]
    if twice:
        yield f"two claims have the id {twice[0]}: give each its own"
    yield from _seeds(study)
    plan = Plan.of(study)
    for factor in study.protocol:
        if factor not in plan.factors:
            known = ", ".join(sorted(plan.factors))
            yield f"protocol names '{factor}', which no task has: name factors of its cells ({known})"
    for claim in study.claims:
        # One after the other: the later checks rely on the types that the first ones have seen.
        for faults in (_types(claim), _faults_of(claim)):
            yield from (f"claim {claim.id} {fault}" for fault in faults)
        yield from (f"claim {claim.id} {fault}" for fault in faults_of_parts(claim, study.protocol, plan))


def _seeds(study: Study) -> Iterator[str]:
    for name, preset in study.presets.items():
        for seed in (seed for task in preset.tasks for seed in task.seeds):
            if type(seed) is not int or not 0 <= seed <= LARGEST_SEED:
                yield f"preset {name} has the seed {seed!r}: give whole numbers from 0 to {LARGEST_SEED}"


def _types(claim: Claim) -> Iterator[str]:
    if not claim.says:
        yield "has no sentence: say in says=... what is tested"
    if claim.smallest_effect is not None and not isinstance(claim.smallest_effect, Real):
        yield f"has smallest_effect={claim.smallest_effect!r}: give a number, or None to report it only"
    if not isinstance(claim.null, Real):
        yield f"has null={claim.null!r}: give a number, 0 for a difference or chance level for a share"
    if not isinstance(claim.basis, Basis):
        yield f"has basis={claim.basis!r}: give one of {', '.join(f'Basis.{one.name}' for one in Basis)}"


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
