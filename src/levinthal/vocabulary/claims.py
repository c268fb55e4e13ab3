"""A claim, what its test found, and the claim judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from levinthal.vocabulary.estimates import Cell, Estimate, Measurement, as_html


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement together with the cell it was taken in: a row of the long table."""

    cell: Cell
    measurement: Measurement


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a claim's test found: condition -> seed -> effect, positive in the claimed direction.

    An effect that is not finite is that of a seed that failed: it diverged, or never reached its target.

    `control` holds the same effect in the control arm of each part, and `rival` that of a rival treatment.
    The part "" stands for all that have none of their own. `grid_edge` says that a compared arm's best
    learning rate sits on the edge of the grid, which leaves the comparison inconclusive.
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
        rival: What the rival treatment is: another way to the same effect. It is shown beside the effect,
            and voids nothing.
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

    `failed` is the share of seeds without a finite effect. `analyses` counts how often the claim was judged
    while seeds were added, this time included. `blocks` is the word over each of several disjoint blocks of
    seeds, and `blocks_from` the preset that they are of, where it is another one.
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

    def _repr_html_(self) -> str:
        arms = (("effect", self.effect), ("control", self.control), ("rival", self.rival))
        found = [f"{name}: {arm}" for name, arm in arms if arm is not None]
        failed = [f"failed: {self.failed}"] if self.failed is not None else []
        seeds = "1 seed" if self.seeds == 1 else f"{self.seeds} seeds"
        notes = (*found, *failed, seeds, *self.reasons, self.claim.source)
        return as_html(self.outcome, f"{self.claim.id}: {self.claim.says}", notes)
