"""The search for remedies, round by round: screening of many, paired comparison of a few, combinations."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from levinthal.clinic.problem.scores import Loss
from levinthal.clinic.problem.training import trained
from levinthal.clinic.treatment.comparison import CONFIRMED, Comparison, compared, is_above, not_pursued
from levinthal.clinic.treatment.journal import Journal
from levinthal.clinic.treatment.remedies import REMEDIES, Remedy
from levinthal.clinic.treatment.remedy_code import Code
from levinthal.clinic.treatment.same_training import different
from levinthal.vocabulary import Finding, Problem, Severity

SCREENING_SEEDS = (10_001, 10_002)
"""Seeds that screen many remedies. No comparison uses them, so the selection does not bias its gain."""
UNTREATED = "untreated"
MOST_COMPARED = 3
"""Remedies of one round that are compared; more are screened first."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The problem with the remedies that are confirmed so far, and its scores, one a seed."""

    problem: Problem
    scores: tuple[float, ...]
    remedies: tuple[Comparison, ...] = ()

    @property
    def name(self) -> str:
        """The confirmed remedies."""
        return " + ".join(comparison.remedy.name for comparison in self.remedies)


@dataclass
class Trainer:
    """Trains a problem once for each seed, as long as there is time, and collects the comparisons.

    `untried` counts the remedies that the time did not allow for.
    """

    seeds: int
    score_name: str
    until: float
    on_step: Callable[[str], None]
    loss: Loss | None = None
    chance: float = -math.inf
    journal: Journal = field(default_factory=lambda: Journal(None, {}))
    comparisons: list[Comparison] = field(default_factory=list)
    untried: int = 0
    is_interrupted: bool = False

    @property
    def is_out_of_time(self) -> bool:
        """Whether no further training may begin."""
        return time.monotonic() > self.until

    def scores(self, problem: Problem, name: str, base: str = "") -> tuple[float, ...]:
        """The scores of all seeds, under this name in the journal; `base`: the remedies that it builds on."""
        return tuple(self._score(problem, seed, name, base) for seed in range(self.seeds))

    def screened(self, problem: Problem, name: str, base: str) -> float:
        """The mean score of the screening seeds; minus infinity if one is not finite."""
        scores = [self._score(problem, seed, name, base) for seed in SCREENING_SEEDS]
        return statistics.mean(scores) if all(map(math.isfinite, scores)) else -math.inf

    def _score(self, problem: Problem, seed: int, name: str, base: str) -> float:
        note = f"{name}, " + ("screening" if seed in SCREENING_SEEDS else f"seed {seed + 1} of {self.seeds}")
        on_step = partial(self.on_step, note)

        def train() -> float:
            return trained(problem, seed, self.score_name, loss=self.loss, on_step=on_step).score

        return self.journal.score(f"{base} + {name}" if base else name, seed, train)

    def compare(self, code: str, remedy: Remedy, on: Stage, at_once: int) -> Stage | None:
        """The stage with one more remedy, if that gains."""
        new = remedy.edit(on.problem)
        if new is None or self.is_out_of_time:
            self.untried += new is not None
            return None
        after, line = self.scores(new, remedy.name, on.name), remedy.text(on.problem)
        comparison = compared(code, remedy, on.name, on.scores, after, at_once, chance=self.chance, line=line)
        self.comparisons.append(comparison)
        return Stage(new, comparison.scores, (*on.remedies, comparison)) if comparison.is_gain else None


def settled(trainer: Trainer, first: Stage, last: Stage) -> Stage:
    """The last stage, with all of its remedies confirmed; the first one, where the last is at chance level.

    A remedy whose gain stays at chance level by itself is confirmed as a part of a cure.
    """
    if not last.remedies or not is_above(last.scores, trainer.chance):
        return first
    parts = {id(one): replace(one, outcome=CONFIRMED) for one in last.remedies}
    trainer.comparisons = [parts.get(id(one), one) for one in trainer.comparisons]
    return replace(last, remedies=tuple(parts.values()))


def next_stage(trainer: Trainer, stage: Stage, findings: Sequence[Finding], seen: set[str]) -> Stage | None:
    """The best remedy of the causes, or else of their symptoms, or else a pair; each remedy is tried once."""
    roots = [f for f in findings if not f.follows]
    warnings = [f for f in roots if f.severity is not Severity.INFO]
    # findings of severity info are treated only where there is nothing worse and nothing treated yet
    causes = warnings or ([] if stage.remedies else roots)
    treatable, tried = [f.code for f in causes if f.code in REMEDIES], list[tuple[str, Remedy]]()
    for codes in (treatable, [f.code for f in findings if f.follows in treatable]):
        new = _applicable(stage.problem, codes, seen)
        tried += new
        better = _best(trainer, stage, new)
        if better:
            return better
    return _best_pair(trainer, stage, tried) if tried else None


def _applicable(problem: Problem, codes: Sequence[str], seen: set[str]) -> list[tuple[str, Remedy]]:
    """Remedies of these findings, not seen before, that change something here; each for one finding."""
    known = [(code, remedy) for code in codes for remedy in REMEDIES.get(code, ())]
    new = [(code, remedy) for code, remedy in known if remedy.name not in seen]
    once = {remedy.name: (code, remedy) for code, remedy in reversed(new)}
    seen |= once.keys()
    return different(problem, list(reversed(once.values())))


def _best(trainer: Trainer, stage: Stage, remedies: Sequence[tuple[str, Remedy]]) -> Stage | None:
    """The best single remedy, then the best of every other cause that is confirmed on top of it."""
    chosen = _selected(trainer, stage, remedies)
    tried = [trainer.compare(code, remedy, stage, len(chosen)) for code, remedy in chosen]
    confirmed = sorted((new for new in tried if new), key=lambda new: -new.remedies[-1].gain.value)
    if not confirmed:
        return None
    best, codes = confirmed[0], {confirmed[0].remedies[-1].code}
    for comparison in (new.remedies[-1] for new in confirmed):
        if comparison.code not in codes:
            codes.add(comparison.code)
            best = trainer.compare(comparison.code, comparison.remedy, best, len(chosen)) or best
    return best


def _selected(
    trainer: Trainer, stage: Stage, remedies: Sequence[tuple[str, Remedy]]
) -> list[tuple[str, Remedy]]:
    """All of a few; of many those with the largest gain in screening. The others are noted as not pursued."""
    if len(remedies) <= MOST_COMPARED:
        return list(remedies)
    gains = list(_screening_gains(trainer, stage, [remedy for _, remedy in remedies]))
    trainer.untried += len(remedies) - len(gains)
    order = sorted(range(len(gains)), key=lambda place: -gains[place])
    for place in sorted(order[MOST_COMPARED:]):
        line = remedies[place][1].text(stage.problem)
        trainer.comparisons.append(not_pursued(*remedies[place], stage.name, gains[place], line))
    return [remedies[place] for place in sorted(order[:MOST_COMPARED])]


def _screening_gains(trainer: Trainer, stage: Stage, remedies: Sequence[Remedy]) -> Iterator[float]:
    """The gain of each remedy in screening, as long as there is time."""
    if trainer.is_out_of_time:
        return
    baseline = trainer.screened(stage.problem, UNTREATED, stage.name)
    for remedy in remedies:
        new = remedy.edit(stage.problem)
        if new is None or trainer.is_out_of_time:
            return
        yield _minus(trainer.screened(new, remedy.name, stage.name), baseline)


def _minus(score: float, baseline: float) -> float:
    """The difference of two scores, of which either may be minus infinity."""
    return 0.0 if score == baseline else score - baseline


def _best_pair(trainer: Trainer, stage: Stage, remedies: Sequence[tuple[str, Remedy]]) -> Stage | None:
    """The best pair of the first cause's remedy and another's, where no remedy alone is confirmed."""
    (code, first), *rest = remedies
    others = [other for other in rest if other[0] != code and other[1].kind != first.kind]
    pairs = {both.name: (both, other) for other in others for both in [_combined(first, other[1])]}
    chosen = _selected(trainer, stage, [(code, both) for both, _ in pairs.values()])
    tried = [(pairs[both.name][1], trainer.compare(code, both, stage, len(chosen))) for _, both in chosen]
    confirmed = [(other, new) for other, new in tried if new]
    if not confirmed:
        return None
    other, best = max(confirmed, key=lambda one: one[1].remedies[-1].gain.value)
    needed = _needed(trainer, stage, ((code, first), other), best)
    return replace(best, remedies=(*stage.remedies, *needed))


def _combined(first: Remedy, second: Remedy) -> Remedy:
    """Two remedies as one: the second is an edit of the problem with the first."""

    def code(problem: Problem) -> Code:
        new = first.edit(problem)
        return (*first.code(problem), *second.code(new)) if new else ()

    return Remedy(f"{first.name} + {second.name}", code)


def _needed(
    trainer: Trainer, stage: Stage, pair: Sequence[tuple[str, Remedy]], whole: Stage
) -> Iterator[Comparison]:
    """Each of two remedies against the other one alone; a remedy that adds nothing is left out."""
    for (code, remedy), (_, other) in (tuple(pair), tuple(reversed(pair))):
        without = other.edit(stage.problem)
        if without is not None:
            before = trainer.scores(without, other.name, stage.name)
            comparison = compared(
                code,
                remedy,
                other.name,
                before,
                whole.scores,
                len(pair),
                chance=trainer.chance,
                line=remedy.text(without),
            )
            trainer.comparisons.append(comparison)
            if comparison.is_gain:
                yield comparison
