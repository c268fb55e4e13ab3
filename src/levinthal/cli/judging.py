"""From the rows of a store to the verdicts; a fault of a claim is one line, and the others are judged."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from levinthal.errors import InputError
from levinthal.vocabulary import Claim, Evidence, Outcome, Study, Verdict

if TYPE_CHECKING:
    from levinthal.lab import Rows

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
    on_fault: Callable[[str], None],
    count: Counter = _first,
    check_units: bool = False,
) -> list[Verdict]:
    """A verdict on every claim; one whose evidence cannot be computed is inconclusive and says why.

    Args:
        study: the study.
        rows: its measurements.
        on_fault: called with one line for each claim whose evidence asks for a factor, level, measurement or
            condition that does not exist, or compares numbers of two units. The line stands in the verdict's
            reasons as well.
        count: the number of the analysis of a claim on its evidence.
        check_units: whether the unit of a claim must be that of its measurements.

    Returns:
        The verdicts, in the order of the claims.
    """
    from levinthal.studies.validity_of_units import require_measured_units

    units = require_measured_units if check_units else _no_check
    return [_judged(claim, rows, on_fault, count, units) for claim in study.claims]


def _judged(
    claim: Claim, rows: Rows, on_fault: Callable[[str], None], count: Counter, check: Check
) -> Verdict:
    from levinthal.lab.analysis.parts import require_known_conditions
    from levinthal.lab.judging.verdicts import judge

    try:
        evidence = require_known_conditions(claim.evidence(rows))
        check(claim, rows)
        first = judge(claim, evidence)
    except Exception as error:
        if isinstance(error, InputError):
            on_fault(f"the evidence of claim {claim.id} cannot be computed: {error}")
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        why = f"Its evidence could not be computed ({type(error).__name__}: {error}, {place})."
        return Verdict(claim, Outcome.INCONCLUSIVE, None, 0, reasons=(why,))
    analyses = count(claim, evidence)
    return judge(claim, evidence, analyses=analyses) if analyses > 1 else first
