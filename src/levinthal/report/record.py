"""How the claims of a report stand to the claims that were frozen before the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from levinthal.lab.judging.blocks import stability
from levinthal.lab.judging.changes import Change
from levinthal.lab.storage.claims import Frozen
from levinthal.vocabulary import Basis, Claim, Verdict

NOT_FROZEN = "not frozen: runs older than the record"
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_AFTER = (Basis.PILOT, Basis.SEEN)


@dataclass(frozen=True, slots=True)
class Record:
    """What a report says about the time before its run.

    Attributes:
        state: Whether the claims were frozen before the first run, when, and their hash, in one line.
        changes: What became of each claim since; claims that are the same are left out.
        notices: One line for each claim that was dropped, and for a preset that was changed.
        frozen: The claims as they were frozen, for the file beside the page.
        versions: How many runs of other versions of the study the store has, which are not used.
    """

    state: str = ""
    changes: Mapping[str, Change] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    frozen: Frozen | None = None
    versions: str = ""

    def differences(self, claim: str) -> tuple[str, ...]:
        """How a claim differs from the frozen one, field by field."""
        change = self.changes.get(claim)
        return change.differences if change else ()


NO_RECORD = Record()
"""A report of which nobody knows what was frozen."""


def marks(claim: Claim, verdict: Verdict | None, record: Record) -> tuple[str, ...]:
    """What a reader must know of a claim before its verdict, one line each; none for most claims.

    Args:
        claim: the claim.
        verdict: its verdict, where it is judged.
        record: how the claims stand to those that were frozen.

    Returns:
        A change after the run, a test or a smallest effect size chosen after results, and a later analysis.

    >>> late = Claim("X", "rises", "a book", "rise", "", 0.1, "", lambda rows: None, basis=Basis.SEEN)
    >>> marks(late, None, Record(changes={"X": Change("added after the run")}))
    ('added after the run', 'its test or its smallest effect size was chosen after the results were seen')
    """
    return tuple(_marks(claim, verdict, record))


def _marks(claim: Claim, verdict: Verdict | None, record: Record) -> Iterator[str]:
    change = record.changes.get(claim.id)
    if change:
        yield change.brief
    if claim.basis in _AFTER and claim.smallest_effect is not None:
        yield f"its test or its smallest effect size was {claim.basis}"
    if verdict and verdict.analyses > 1:
        yield f"{ordinal(verdict.analyses)} analysis: intervals at 99 %"


def over_blocks(verdict: Verdict) -> str:
    """In how many blocks of seeds the verdict comes out, here or in another preset; empty without blocks."""
    words = stability(verdict.outcome, verdict.blocks)
    return f"with the preset {verdict.blocks_from}: {words}" if words and verdict.blocks_from else words


def ordinal(number: int) -> str:
    """A whole number as an ordinal.

    >>> ordinal(2), ordinal(12), ordinal(23)
    ('second', '12th', '23rd')
    """
    if number <= len(_ORDINALS):
        return _ORDINALS[number - 1]
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
