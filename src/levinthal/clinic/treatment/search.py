"""Remedies on trial, round after round: a first glance at many, a paired trial of a few, combinations."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from levinthal.clinic.problem.scores import Loss
from levinthal.clinic.problem.training import trained
from levinthal.clinic.treatment.comparison import PROVED, Arm, judged, not_pursued
from levinthal.clinic.treatment.journal import Kept
from levinthal.clinic.treatment.remedies import REMEDIES, Remedy
from levinthal.vocabulary import Finding, Problem, Severity

GLANCES = (10_001, 10_002)
"""Seeds for a first glance at many remedies; no trial uses them, so that the choice costs it nothing."""
UNTREATED = "untreated"
TRIALS = 3
"""Remedies of a round that are worth a trial."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What has been earned so far."""

    problem: Problem
    scores: tuple[float, ...]
    cure: tuple[Arm, ...] = ()

    @property
    def name(self) -> str:
        """All that has been earned."""
        return " + ".join(arm.remedy.name for arm in self.cure)


@dataclass
class Bench:
    """Where arms are trained, one seed after the other, as long as there is time."""

    seeds: int
    score_name: str
    until: float
    on_step: Callable[[str], None]
    loss: Loss | None = None
    kept: Kept = field(default_factory=lambda: Kept(None, {}))
    arms: list[Arm] = field(default_factory=list)
    left: int = 0
    is_interrupted: bool = False

    @property
    def is_over(self) -> bool:
        """Whether the time is."""
        return time.monotonic() > self.until

    def scores(self, problem: Problem, name: str, on: str = "") -> tuple[float, ...]:
        """The scores of every seed, trained under this name; `on`: what it was built on."""
        return tuple(self._score(problem, seed, name, on) for seed in range(self.seeds))

    def glance(self, problem: Problem, name: str, on: str) -> float:
        """The mean score of the two seeds for a first glance; minus infinity if one is no number."""
        scores = [self._score(problem, seed, name, on) for seed in GLANCES]
        return statistics.mean(scores) if all(map(math.isfinite, scores)) else -math.inf

    def _score(self, problem: Problem, seed: int, name: str, on: str) -> float:
        note = f"{name}, " + ("a first glance" if seed in GLANCES else f"seed {seed + 1} of {self.seeds}")
        on_step = partial(self.on_step, note)

        def train() -> float:
            return trained(problem, seed, self.score_name, loss=self.loss, on_step=on_step).score

        return self.kept.score(f"{on} + {name}" if on else name, seed, train)

    def arm(self, code: str, remedy: Remedy, on: Stage, arms: int) -> Stage | None:
        """The stage with a remedy on top, if it has earned its place."""
        new = remedy.change(on.problem)
        if new is None or self.is_over:
            self.left += new is not None
            return None
        arm = judged(code, remedy, on.name, on.scores, self.scores(new, remedy.name, on.name), arms)
        self.arms.append(arm)
        return Stage(new, arm.scores, (*on.cure, arm)) if arm.outcome == PROVED else None


def next_stage(bench: Bench, stage: Stage, findings: Sequence[Finding], seen: set[str]) -> Stage | None:
    """The best that the causes' remedies can do, or else those of their symptoms; each remedy once."""
    roots = [f for f in findings if not f.follows]
    loud = [f for f in roots if f.severity is not Severity.INFO]
    # remarks have their turn only where there is nothing else, and nothing has been treated yet
    causes = loud or ([] if stage.cure else roots)
    mendable, asked = [f.code for f in causes if f.code in REMEDIES], list[tuple[str, Remedy]]()
    for codes in (mendable, [f.code for f in findings if f.follows in mendable]):
        new = _fit(stage.problem, codes, seen)
        asked += new
        better = _best(bench, stage, new)
        if better:
            return better
    return _together(bench, stage, asked) if asked else None


def _fit(problem: Problem, codes: Sequence[str], seen: set[str]) -> list[tuple[str, Remedy]]:
    """Remedies of these findings that change something here and have not been seen, each for one cause."""
    asked = [(code, remedy) for code in codes for remedy in REMEDIES.get(code, ())]
    new = [(code, remedy) for code, remedy in asked if remedy.name not in seen]
    once = {remedy.name: (code, remedy) for code, remedy in reversed(new)}
    seen |= once.keys()
    return [pair for pair in reversed(once.values()) if pair[1].change(problem)]


def _best(bench: Bench, stage: Stage, fit: Sequence[tuple[str, Remedy]]) -> Stage | None:
    """The best single remedy, and on top of it the best of every other cause that earns its place there."""
    worth = _worth_a_trial(bench, stage, fit)
    tried = [bench.arm(code, remedy, stage, len(worth)) for code, remedy in worth]
    proved = sorted((new for new in tried if new), key=lambda new: -new.cure[-1].gain.value)
    if not proved:
        return None
    best, codes = proved[0], {proved[0].cure[-1].code}
    for arm in (new.cure[-1] for new in proved):
        if arm.code not in codes:
            codes.add(arm.code)
            best = bench.arm(arm.code, arm.remedy, best, len(worth)) or best
    return best


def _worth_a_trial(bench: Bench, stage: Stage, fit: Sequence[tuple[str, Remedy]]) -> list[tuple[str, Remedy]]:
    """All of a few; of many those that gain most at a first glance, the others noted as not pursued."""
    if len(fit) <= TRIALS:
        return list(fit)
    gains = list(_glances(bench, stage, [remedy for _, remedy in fit]))
    bench.left += len(fit) - len(gains)
    order = sorted(range(len(gains)), key=lambda place: -gains[place])
    for place in sorted(order[TRIALS:]):
        bench.arms.append(not_pursued(*fit[place], stage.name, gains[place]))
    return [fit[place] for place in sorted(order[:TRIALS])]


def _glances(bench: Bench, stage: Stage, remedies: Sequence[Remedy]) -> Iterator[float]:
    """The gain of each at a first glance, as long as there is time."""
    if bench.is_over:
        return
    base = bench.glance(stage.problem, UNTREATED, stage.name)
    for remedy in remedies:
        new = remedy.change(stage.problem)
        if new is None or bench.is_over:
            return
        yield _less(bench.glance(new, remedy.name, stage.name), base)


def _less(score: float, base: float) -> float:
    """The gain over another score, of which either may be no number."""
    return 0.0 if score == base else score - base


def _together(bench: Bench, stage: Stage, fit: Sequence[tuple[str, Remedy]]) -> Stage | None:
    """The first cause's remedy and another's, where none helps alone; each must be missed if left out."""
    kind = fit[0][1].name.split()[0]
    others = [pair for pair in fit if pair[0] != fit[0][0] and pair[1].name.split()[0] != kind]
    pairs = {both.name: (both, (fit[0], other)) for other in others for both in [_both((fit[0], other))]}
    worth = _worth_a_trial(bench, stage, [(fit[0][0], both) for both, _ in pairs.values()])
    tried = [(pairs[both.name][1], bench.arm(code, both, stage, len(worth))) for code, both in worth]
    proved = [(pair, new) for pair, new in tried if new]
    if not proved:
        return None
    pair, best = max(proved, key=lambda one: one[1].cure[-1].gain.value)
    return replace(best, cure=(*stage.cure, *_missed(bench, stage, pair, best)))


def _both(pair: Sequence[tuple[str, Remedy]]) -> Remedy:
    """Two remedies as one."""
    (_, first), (_, second) = pair

    def change(problem: Problem) -> Problem | None:
        new = first.change(problem)
        return new and second.change(new)

    return Remedy(f"{first.name} + {second.name}", f"{first.line}; {second.line}", change)


def _missed(bench: Bench, stage: Stage, pair: Sequence[tuple[str, Remedy]], whole: Stage) -> Iterator[Arm]:
    """What each of two adds to the other; one that adds nothing is not named as part of the cure."""
    for (code, remedy), (_, other) in (tuple(pair), tuple(reversed(pair))):
        without = other.change(stage.problem)
        if without is not None:
            before = bench.scores(without, other.name, stage.name)
            arm = judged(code, remedy, other.name, before, whole.scores, len(pair))
            bench.arms.append(arm)
            if arm.outcome == PROVED:
                yield arm
