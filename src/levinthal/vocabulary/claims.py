"""A claim, what its test found, and the claim judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from levinthal.vocabulary.estimates import Cell, Estimate, Measurement, as_html


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement together with the cell it was taken in: a row of the long table.

    Attributes:
        cell: Factor -> level.
        measurement: What was measured.
    """

    cell: Cell
    measurement: Measurement


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a claim's test found: the effects, positive in the claimed direction.

    Attributes:
        effects: Condition -> seed -> effect. One that is not finite is that of a seed that failed: it
            diverged, or never reached its target.
        control: The same effect in the control arm of each condition; "" stands for all that have none of
            their own.
        grid_edge: Whether the best learning rate of a compared arm sits on the edge of its grid, which leaves
            the comparison inconclusive.
        notes: More sentences for the verdict.
        rival: The same effect of a rival treatment.
    """

    effects: Mapping[str, Mapping[int, float]]
    control: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    grid_edge: bool = False
    notes: tuple[str, ...] = ()
    rival: Mapping[str, Mapping[int, float]] = field(default_factory=dict)


class Basis(StrEnum):
    """Where a claim's smallest effect size comes from, and what was known when it, or the test, was set."""

    SOURCE = "from the source"
    CHOSEN = "chosen before the first run"
    PILOT = "chosen after a pilot run"
    SEEN = "chosen after the results were seen"


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the source with its test, smallest effect size and control, all fixed before the run.

    Attributes:
        id: A short name, as C5.
        says: What is tested, in one sentence of ours.
        source: The work and the place in it.
        effect: What the effect of a seed is, in words.
        unit: The unit of effect, smallest effect size, null, control and rival.
        smallest_effect: The smallest effect size of interest: beyond `null`, in `unit`. None marks a number
            that is reported and never judged.
        control: What the null control is: an arm in which the effect must not appear. If it does, the claim
            is void. Empty where none is possible, see `why_no_control`.
        evidence: From the rows to the evidence.
        why_smallest: Where the smallest effect size comes from, in words.
        basis: What was known when it was set.
        null: The effect where the claim is empty: 0 for a difference or a log ratio, 1/2 or chance level for
            a share. An effect must lie beyond it.
        rival: What the rival treatment is: another way to the same effect. It is shown beside the effect, and
            changes no verdict.
        why_no_control: Why there is no null control, where there is none.
        deterministic: Whether nothing in the effect is random. Only then do seeds that agree make it exact.
        binary: Whether the effect of a seed is 1 or 0: it happened, or it did not. The intervals are then
            those of a share.
        quote: The sentence of the source that is tested, word by word. Empty for a hypothesis of our own.
    """

    id: str
    says: str
    source: str
    effect: str
    unit: str
    smallest_effect: float | None
    control: str
    evidence: Callable[[Any], Evidence]
    why_smallest: str = ""
    basis: Basis = Basis.CHOSEN
    null: float = 0.0
    rival: str = ""
    why_no_control: str = ""
    deterministic: bool = False
    binary: bool = False
    quote: str = ""


class Outcome(StrEnum):
    """The word of a verdict."""

    REPLICATES = "replicates"
    PARTIALLY = "partially"
    WEAKER = "weaker than claimed"
    DOES_NOT_REPLICATE = "does not replicate"
    INCONCLUSIVE = "inconclusive"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A claim, judged: the effect over seeds, part by part, beside its control, and why.

    Attributes:
        claim: What was judged.
        outcome: The word of the verdict.
        effect: The mean effect over seeds, where there is one.
        seeds: How many seeds it rests on.
        control: The same of the control arm.
        parts: Condition -> its effect.
        seeds_needed: How many seeds would settle an open claim, where that is known.
        reasons: What decided it, one sentence each.
        rival: The effect of the rival treatment.
        failed: The share of seeds without a finite effect.
        analyses: How often the claim was judged while seeds were added, this time included.
        blocks: The word over each of several disjoint blocks of seeds.
        blocks_from: The preset that the blocks are of, where it is another one.
        why_no_seeds: Why more seeds cannot settle an open claim, in one sentence; empty where they can.
    """

    claim: Claim
    outcome: Outcome
    effect: Estimate | None
    seeds: int
    control: Estimate | None = None
    parts: Mapping[str, Estimate] = field(default_factory=dict)
    seeds_needed: int | None = None
    reasons: tuple[str, ...] = ()
    rival: Estimate | None = None
    failed: Estimate | None = None
    analyses: int = 1
    blocks: tuple[Outcome, ...] = ()
    blocks_from: str = ""
    why_no_seeds: str = ""

    @property
    def plan(self) -> str:
        """How many seeds would settle an open claim, or why more seeds cannot; else an empty text."""
        if self.seeds_needed is None or self.seeds_needed <= self.seeds:
            return self.why_no_seeds
        return f"About {self.seeds_needed:,} seeds would settle it."

    def _repr_html_(self) -> str:
        arms = (("effect", self.effect), ("control", self.control), ("rival", self.rival))
        found = [f"{name}: {arm}" for name, arm in arms if arm is not None]
        failed = [f"failed: {self.failed}"] if self.failed is not None else []
        seeds = "1 seed" if self.seeds == 1 else f"{self.seeds} seeds"
        notes = (*found, *failed, seeds, *self.reasons, self.plan, self.claim.source)
        return as_html(self.outcome, f"{self.claim.id}: {self.claim.says}", notes)
