"""Simulated studies, judged and counted. Only the public judge is used, so this measures whatever it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from benchmarks.simulated.cells import CLAIMS, LOOKS, Cell
from benchmarks.simulated.studies import claim_of, drawn, effects, evidence_of, truth_of

from levinthal.lab.judging.verdicts import judge
from levinthal.vocabulary import Interval, Outcome, Verdict

ROOT_SEED = 20261129
CHUNK = 25
"""Studies from one generator: chunk i of a cell has the generator [ROOT_SEED, the cell's number, i]."""
MOST_SEEDS = 1000
"""The judge names no larger number of seeds."""
DENIED = (Outcome.WEAKER, Outcome.DOES_NOT_REPLICATE)
OPEN = Outcome.INCONCLUSIVE
Counts = Counter[str]


def counted(cell: Cell, studies: int, chunk: int) -> Counts:
    """The counts of one chunk of a cell."""
    rng = np.random.default_rng([ROOT_SEED, cell.number, chunk])
    return Counter(studies=studies) + KINDS[cell.kind](rng, cell, studies)


def words(rng: np.random.Generator, cell: Cell, studies: int) -> Counts:
    """Words, intervals that hold the truth, and conditions that were set aside."""
    counts = Counts()
    claim, truth = claim_of(cell), truth_of(cell)
    for evidence in drawn(rng, cell, studies):
        verdict = judge(claim, evidence)
        counts[verdict.outcome] += 1
        counts["set aside"] += has_set_aside(verdict)
        counts["in doubt"] += is_in_doubt(verdict)
        interval = interval_of(verdict)
        if interval is not None:
            counts["intervals"] += 1
            counts["covered"] += interval.low - 1e-12 <= truth <= interval.high + 1e-12
    return counts


def interval_of(verdict: Verdict) -> Interval | None:
    """The interval of the effect, if it has one."""
    return None if verdict.effect is None else verdict.effect.interval


def has_set_aside(verdict: Verdict) -> bool:
    """Whether a condition was excluded, or the whole held open, because the control shows the effect too."""
    return any("the control shows the same" in reason.lower() for reason in verdict.reasons)


def is_in_doubt(verdict: Verdict) -> bool:
    """Whether a condition, or the whole, cannot be distinguished from its control."""
    words = ("cannot be distinguished from their control", "the control may show the same")
    return any(word in reason.lower() for reason in verdict.reasons for word in words)


def looks(rng: np.random.Generator, cell: Cell, studies: int) -> Counts:
    """A study judged at every look: which words it ever had, and the first that decided."""
    counts = Counts()
    claim = claim_of(cell)
    for study in effects(rng, cell, studies, cell.seeds):
        outcomes = [
            judge(claim, evidence_of(study, seeds=seeds), analyses=number if cell.counted else 1).outcome
            for number, seeds in enumerate(LOOKS, 1)
        ]
        counts["ever replicates"] += Outcome.REPLICATES in outcomes
        counts["ever denied"] += bool(set(DENIED) & set(outcomes))
        counts[f"last {outcomes[-1]}"] += 1
        counts[f"first {first_word(outcomes)}"] += 1
    return counts


def first_word(outcomes: Sequence[Outcome]) -> Outcome:
    """The word of someone who stops at the first that is not *inconclusive*."""
    return next((outcome for outcome in outcomes if outcome is not OPEN), OPEN)


def settling(rng: np.random.Generator, cell: Cell, studies: int) -> Counts:
    """Whether an open claim is settled by as many seeds as were asked for, fresh or added."""
    counts = Counts()
    claim = claim_of(cell)
    for study in effects(rng, cell, studies, MOST_SEEDS):
        verdict = judge(claim, evidence_of(study, seeds=cell.seeds))
        if verdict.outcome is not OPEN:
            continue
        counts["open"] += 1
        needed = verdict.seeds_needed
        if needed is None:
            counts["none named"] += 1
            continue
        counts["asked"] += 1
        counts["seeds asked"] += needed
        added = judge(claim, evidence_of(study, seeds=needed), analyses=2)
        fresh = judge(claim, evidence_of(effects(rng, cell, 1, needed)[0]))
        counts["settled with added seeds"] += settled(added)
        counts["settled with fresh seeds"] += settled(fresh)
    return counts


def settled(verdict: Verdict) -> bool:
    """Whether the interval no longer holds both the null value and the smallest effect size."""
    claim, interval = verdict.claim, interval_of(verdict)
    if interval is None or claim.smallest_effect is None:
        return False
    return not interval.low <= claim.null <= claim.smallest_effect <= interval.high


def page(rng: np.random.Generator, cell: Cell, studies: int) -> Counts:
    """Twelve claims of one page: how many hold or are denied, and how many pages have one such."""
    counts = Counts()
    claim = claim_of(cell)
    for study in effects(rng, cell, studies, cell.seeds):
        outcomes = [judge(claim, evidence_of(study[i : i + 1])).outcome for i in range(CLAIMS)]
        held, denied = outcomes.count(Outcome.REPLICATES), sum(o in DENIED for o in outcomes)
        partial = outcomes.count(Outcome.PARTIALLY)
        counts.update({"held": held, "denied": denied, "partial": partial})
        counts.update({"a page with held": held > 0, "a page with denied": denied > 0})
        counts["a page with held or partial"] += held + partial > 0
    return counts


KINDS: dict[str, Callable[[np.random.Generator, Cell, int], Counts]] = {
    "words": words,
    "looks": looks,
    "settle": settling,
    "page": page,
}
