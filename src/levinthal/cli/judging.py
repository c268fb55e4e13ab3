"""From the rows of a store to the verdicts; a fault of a claim is one line, and the others are judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from levinthal.errors import InputError
from levinthal.vocabulary import Claim, Evidence, Outcome, Study, Verdict

if TYPE_CHECKING:
    from levinthal.lab import Rows


class Fault(NamedTuple):
    """Why the evidence of a claim cannot be computed.

    Attributes:
        line: what is shown in the terminal.
        is_contradiction: whether it asks for a factor, level, measurement or condition that does not exist,
            or compares numbers of two units; else its code failed.
    """

    line: str
    is_contradiction: bool


Counter = Callable[[Claim, Evidence], int]
Check = Callable[[Claim, "Rows"], None]


def _first(claim: Claim, evidence: Evidence) -> int:
    """Every analysis is the first where nobody counts."""
    del claim, evidence
    return 1


def _no_check(claim: Claim, rows: Rows) -> None:
    del claim, rows


def judged(
    study: Study,
    rows: Rows,
    *,
    on_fault: Callable[[Fault], None],
    count: Counter = _first,
    check_units: bool = False,
) -> list[Verdict]:
    """A verdict on every claim; one whose evidence cannot be computed is inconclusive and says why.

    Args:
        study: the study.
        rows: its measurements.
        on_fault: called for each claim whose evidence cannot be computed: it raises, returns no Evidence, or
            contradicts the study. The line stands in the verdict's reasons as well.
        count: the number of the analysis of a claim on its evidence.
        check_units: whether the unit of a claim must be that of its measurements.

    Returns:
        The verdicts, in the order of the claims.
    """
    from levinthal.studies.validity_of_units import require_measured_units

    units = require_measured_units if check_units else _no_check
    return [_judged(claim, rows, on_fault, count, units) for claim in study.claims]


def _judged(
    claim: Claim, rows: Rows, on_fault: Callable[[Fault], None], count: Counter, check: Check
) -> Verdict:
    from levinthal.lab.analysis.parts import require_known_conditions
    from levinthal.lab.execution.own_code import in_one_line, own_code
    from levinthal.lab.execution.soundness import require_evidence
    from levinthal.lab.judging.verdicts import judge

    try:
        with own_code():
            found = claim.evidence(rows)
        evidence = require_known_conditions(require_evidence(found))
        check(claim, rows)
        first = judge(claim, evidence)
    except Exception as error:
        line = str(error) if isinstance(error, InputError) else in_one_line(error)
        on_fault(
            Fault(
                f"the evidence of claim {claim.id} cannot be computed: {line}", isinstance(error, InputError)
            )
        )
        why = f"Its evidence could not be computed: {in_one_line(error)}."
        return Verdict(claim, Outcome.INCONCLUSIVE, None, 0, reasons=(why,))
    analyses = count(claim, evidence)
    return judge(claim, evidence, analyses=analyses) if analyses > 1 else first
