"""A claim's evidence as an expression: readings compared and put side by side.

compare        two readings, paired by seed          difference, log2_ratio, log10_ratio   how to compare
mapped         a reading with every number changed   each        one reading per level of a factor
evidence       the evidence function of a claim      Expression  that function, and what it is made of

An expression alone leaves out the conditions without runs, wraps a control that stands for all conditions,
joins the notes and applies the rule on grid edges: a best learning rate of any arm, of the effect or of the
control, on the edge of its grid marks the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from levinthal.errors import InputError
from levinthal.lab.analysis.comparisons import (
    How,
    difference,
    log2_ratio,
    log10_ratio,
    range_of,
    unit_of,
)
from levinthal.lab.analysis.descriptions import ANY, Described, Range, Reading, describe
from levinthal.lab.analysis.effects import NOT_RUN, BySeed, Effect
from levinthal.lab.analysis.parts import Parts, each
from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import Evidence

__all__ = [
    "Expression",
    "Parts",
    "compare",
    "difference",
    "each",
    "evidence",
    "log2_ratio",
    "log10_ratio",
    "mapped",
]


def compare(one: Reading, other: Reading, how: How = difference) -> Described:
    """Two readings, paired by seed.

    Args:
        one: the first reading.
        other: the second.
        how: from both numbers of a seed to the effect, positive in the claimed direction.

    Returns:
        The reading of `how`, among the seeds that both have; no seeds where either has none.

    Raises:
        InputError: two units that differ: at once where both are known, or by the reading.

    >>> both = compare(lambda rows: Effect({0: 8.0, 1: 5.0}), lambda rows: Effect({0: 2.0}), log2_ratio)
    >>> both(Rows.of([])).by_seed
    {0: 2.0}
    """

    def read(rows: Rows) -> Effect:
        a, b = one(rows), other(rows)
        paired = {s: how(a.by_seed[s], b.by_seed[s]) for s in a.by_seed if s in b.by_seed}
        if not paired:
            return NOT_RUN
        note = " ".join(filter(None, (a.note, b.note)))
        unit = unit_of(how, a.unit, b.unit)
        return Effect(paired, a.rates + b.rates, a.at_edge or b.at_edge, note, unit)

    a, b = describe(one), describe(other)
    itself = bool(a.recipe) and a.recipe == b.recipe and how in (difference, log2_ratio, log10_ratio)
    within = (0.0, 0.0) if itself else range_of(how, a.within, b.within)
    known = a.combined_with(b, unit_of(how, a.unit, b.unit), within)
    return Described(read, known.made("compare", how, of=(a.recipe, b.recipe)))


def mapped(
    reading: Reading, change: Callable[[float], float], *, unit: str = "", within: Range = ANY
) -> Described:
    """A reading with the number of every seed changed.

    Args:
        reading: the reading.
        change: from a number to a number.
        unit: the unit of the changed numbers; empty where it is not known.
        within: the lowest and the highest value that they can have.

    Returns:
        The reading of the changed numbers; its rates, edge and note are as before.

    >>> mapped(lambda rows: Effect({0: 0.75}), lambda share: 1 - share)(Rows.of([])).by_seed
    {0: 0.25}
    """

    def read(rows: Rows) -> Effect:
        return replace(reading(rows).map(change), unit=unit)

    known = describe(reading)
    changed = replace(known, unit=unit, within=within)
    return Described(read, changed.made("mapped", change, of=(known.recipe,)))


@dataclass(frozen=True, slots=True)
class Expression:
    """The evidence of a claim as it is written down; `evidence` makes it.

    Attributes:
        effects: the reading of every condition, or one reading of the whole.
        control: the same of the null control.
        rival: the same of a rival treatment.
        notes: from the rows to more sentences for the verdict.
    """

    effects: Reading | Parts
    control: Reading | Parts | None = None
    rival: Reading | Parts | None = None
    notes: Callable[[Rows], Iterable[str]] | None = None

    def __call__(self, rows: Rows) -> Evidence:
        """The evidence, from the rows."""
        parts, controls, rivals = (_read(side, rows) for side in (self.effects, self.control, self.rival))
        known = [*parts.values(), *controls.values()]
        _require_one_unit(parts)
        sentences = [
            *_about_rates("Best", parts),
            *_about_rates("Control, best", controls),
            *_about_rates("Rival, best", rivals),
            *filter(None, (effect.note for effect in [*known, *rivals.values()])),
            *(self.notes(rows) if self.notes else ()),
        ]
        return Evidence(
            _seeds(parts),
            _seeds(controls),
            any(effect.at_edge for effect in known if effect.by_seed),
            tuple(dict.fromkeys(sentences)),
            _seeds(rivals),
        )


def evidence(
    effects: Reading | Parts,
    control: Reading | Parts | None = None,
    *,
    rival: Reading | Parts | None = None,
    notes: Callable[[Rows], Iterable[str]] | None = None,
) -> Expression:
    """The evidence function of a claim.

    Args:
        effects: the reading of every condition, or one reading of the whole.
        control: the same of the null control: by condition, or one reading that stands for all.
        rival: the same of a rival treatment, which is shown beside the effect and changes no verdict.
        notes: from the rows to more sentences for the verdict.

    Returns:
        From the rows to the evidence. Conditions without runs are left out, their notes are not. The best
        learning rates of each condition are noted. It raises InputError for conditions whose rows have
        different units. `grid_edge` is set if the best learning rate of any arm,
        of the effect or of the control, is on the edge of its grid; one of the rival's is noted only.

    >>> claim = evidence(lambda rows: Effect({0: 1.0}), control=lambda rows: Effect({0: 0.0}))
    >>> found = claim(Rows.of([]))
    >>> found.effects, found.control, found.grid_edge
    ({'': {0: 1.0}}, {'': {0: 0.0}}, False)
    """

    return Expression(effects, control, rival, notes)


def _read(side: Reading | Parts | None, rows: Rows) -> dict[str, Effect]:
    """Condition -> effect, those without seeds too."""
    found = side(rows) if callable(side) else side or {}
    return {"": found} if isinstance(found, Effect) else {part: read(rows) for part, read in found.items()}


def _seeds(parts: Mapping[str, Effect]) -> dict[str, BySeed]:
    """Condition -> seed -> effect, of the conditions that have run."""
    return {part: effect.by_seed for part, effect in parts.items() if effect.by_seed}


def _require_one_unit(parts: Mapping[str, Effect]) -> None:
    """Refuse conditions in two known units: their mean would mean nothing."""
    units = {effect.unit: part for part, effect in parts.items() if effect.unit and effect.by_seed}
    if len(units) > 1:
        (one, part), (other, another) = list(units.items())[:2]
        raise InputError(
            f"'{part}' is in {one} and '{another}' in {other}: make one claim of each, numbers of two units "
            "have no mean"
        )


def _about_rates(words: str, parts: Mapping[str, Effect]) -> Iterator[str]:
    for part, effect in parts.items():
        if effect.rates and effect.by_seed:
            rates = " and ".join(f"{rate:g}" for rate in effect.rates)
            where = f", {part}" if part else ""
            several = len(effect.rates) > 1
            edge = f" ({'at least one of them ' * several}on the edge of the grid)" if effect.at_edge else ""
            yield f"{words} learning rate{'s' * several}{where}: {rates}{edge}."
