"""`treat`: train untreated and treated arms, paired by seed, and say what helped."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from levinthal.clinic.catalogue import CATALOGUE
from levinthal.clinic.examination import Examination, examine
from levinthal.clinic.remedies import REMEDIES, Remedy
from levinthal.clinic.told import told
from levinthal.clinic.trial import trained
from levinthal.errors import InputError
from levinthal.lab.statistics import mean_interval
from levinthal.report.spoken import counted
from levinthal.vocabulary import Estimate, Finding, Problem, Severity, Trust

PROVED, NO_EFFECT, WORSE = "proved here", "no effect here", "made it worse"
ROUNDS = 3
FEWEST_SEEDS = 3
LEVEL = 0.95
LEAST = 1e-3
"""Share of the score's own size below which a gain is none."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A treated arm against the one it was built on: `gain` is the mean over seeds of paired differences."""

    code: str
    remedy: Remedy
    on: str
    gain: Estimate
    outcome: str
    scores: tuple[float, ...]

    @property
    def name(self) -> str:
        """The remedy, and what it was added to."""
        return f"{self.on} + {self.remedy.name}" if self.on else self.remedy.name

    @property
    def line(self) -> str:
        """The remedy as code."""
        return self.remedy.line


@dataclass(frozen=True, slots=True)
class Treatment:
    """What `treat` found: arms in the order they were tried, and the problem with all that earned its place.

    `scores` are those of the untreated arm, one a seed; `model` is the best arm's first network, trained.
    `left` counts the remedies that the time did not allow for.
    """

    examination: Examination
    findings: tuple[Finding, ...]
    arms: tuple[Arm, ...]
    scores: tuple[float, ...]
    cured: Problem
    cure: tuple[Arm, ...]
    after: tuple[float, ...]
    left: int = 0

    def __str__(self) -> str:
        loud = [f for f in self.findings if f.severity is not Severity.INFO]
        return "\n".join([told(loud) if loud else "Healthy.", "", *self._tried(), *self._cure()])

    def report(self, path: str | Path, *, title: str = "problem") -> Path:
        """Write findings, figures and every arm as one page; the path it now has."""
        told = replace(self.examination, findings=self.findings)
        return told.report(path, title=title, trials=self.arms)

    def _tried(self) -> Iterator[str]:
        name, seeds = self.examination.score_name, len(self.scores)
        if self.arms:
            yield f"Tried ({name}, {seeds} paired seeds, {self.examination.problem.steps} steps an arm):"
        words = (PROVED, NO_EFFECT, WORSE)
        for arm in sorted(self.arms, key=lambda arm: (words.index(arm.outcome), -arm.gain.value)):
            yield f"  {arm.outcome:<14} {_signed(arm.gain):<26} {arm.name}"
        if self.left:
            yield f"  not tried for want of time: {self.left} remedies"

    def _cure(self) -> Iterator[str]:
        if self.cure:
            before, after = statistics.mean(self.scores), statistics.mean(self.after)
            yield f"Cure: {', then '.join(arm.line for arm in self.cure)}"
            yield f"  {self.examination.score_name} from {before:.3g} to {after:.3g}"
        elif self.arms:
            yield "None of these helped."
        elif not self.examination.is_healthy and not self.left:
            yield "The remedy is a line of your own loop: nothing here can be changed from outside."


def _signed(gain: Estimate) -> str:
    span = f" [{gain.interval.low:+.3g}, {gain.interval.high:+.3g}]" if gain.interval else ""
    return f"{gain.value:+.3g}{span}"


@dataclass(frozen=True, slots=True)
class _Stage:
    """What has been earned so far."""

    problem: Problem
    scores: tuple[float, ...]
    cure: tuple[Arm, ...] = ()

    @property
    def name(self) -> str:
        return " + ".join(arm.remedy.name for arm in self.cure)


@dataclass
class _Bench:
    """Where arms are trained, one seed after the other, as long as there is time."""

    seeds: int
    score_name: str
    until: float
    on_step: Callable[[str], None]
    arms: list[Arm] = field(default_factory=list)
    left: int = 0

    def scores(self, problem: Problem, name: str) -> tuple[float, ...]:
        """The scores of every seed, trained under this name."""
        return tuple(self._score(problem, seed, name) for seed in range(self.seeds))

    def _score(self, problem: Problem, seed: int, name: str) -> float:
        note = f"{name}, seed {seed + 1} of {self.seeds}"
        return trained(problem, seed, self.score_name, on_step=partial(self.on_step, note)).score

    def arm(self, code: str, remedy: Remedy, on: _Stage, arms: int) -> _Stage | None:
        """The stage with a remedy on top, if it has earned its place."""
        new = remedy.change(on.problem)
        if new is None or time.monotonic() > self.until:
            self.left += new is not None
            return None
        arm = judged(code, remedy, on.name, on.scores, self.scores(new, remedy.name), arms)
        self.arms.append(arm)
        return _Stage(new, arm.scores, (*on.cure, arm)) if arm.outcome == PROVED else None


def treat(
    problem: Problem,
    *,
    seeds: int = 5,
    seconds: float = 300.0,
    on_step: Callable[[str], None] = lambda _: None,
) -> Treatment:
    """Train the problem as it is and with each remedy of what was found, paired by seed; say what helped.

    An arm differs from the one it is compared with in the remedy alone: data order, noise and, where the
    remedy leaves them, initial weights are the same for one seed. The gain is the mean paired difference
    with its interval, widened for the number of arms (Bonferroni) so that all hold together: *proved here*
    lies above zero, *made it worse* below, *no effect here* is the rest. Symptoms are treated only where
    no remedy of a cause has helped; remedies are combined only where each has earned its place on top of the
    others; what is found on the improved problem is treated in its turn, up to three rounds. No arm is
    begun after `seconds`, or after Ctrl-C; the untreated one is always trained whole.

    Raises InputError for fewer than 3 seeds, and for what the problem's own code raises.
    """
    if seeds < FEWEST_SEEDS:
        raise InputError(f"seeds={seeds} gives no interval for a gain: use {FEWEST_SEEDS} or more")
    bench = _Bench(seeds, "", time.monotonic() + seconds, on_step)
    before = examine(problem, on_step=partial(on_step, "examined"))
    bench.score_name = before.score_name
    scores = (before.score,) if before.is_healthy else bench.scores(problem, "untreated")
    last = _last_stage(bench, _Stage(problem, scores), before)
    proved, arms = _proved(before.findings, bench.arms), tuple(bench.arms)
    return Treatment(before, proved, arms, scores, last.problem, last.cure, last.scores, bench.left)


def _last_stage(bench: _Bench, stage: _Stage, found: Examination) -> _Stage:
    """Round after round, until nothing more is found or helps; Ctrl-C keeps what is finished."""
    seen = set[str]()
    with suppress(KeyboardInterrupt):
        for _ in range(ROUNDS):
            better = _round(bench, stage, found.findings, seen)
            if better is None:
                break
            stage = better
            found = examine(stage.problem, on_step=partial(bench.on_step, "examined again"))
    return stage


def _round(bench: _Bench, stage: _Stage, findings: Sequence[Finding], seen: set[str]) -> _Stage | None:
    """The best that the causes' remedies can do, or else those of their symptoms; each remedy once."""
    roots = [f.code for f in findings if f.severity is not Severity.INFO and not f.follows]
    mendable, asked = [code for code in roots if code in REMEDIES], list[tuple[str, Remedy]]()
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


def _best(bench: _Bench, stage: _Stage, fit: Sequence[tuple[str, Remedy]]) -> _Stage | None:
    """The best single remedy, and on top of it the best of every other cause that earns its place there."""
    tried = [bench.arm(code, remedy, stage, len(fit)) for code, remedy in fit]
    proved = sorted((new for new in tried if new), key=lambda new: -new.cure[-1].gain.value)
    if not proved:
        return None
    best, codes = proved[0], {proved[0].cure[-1].code}
    for arm in (new.cure[-1] for new in proved):
        if arm.code not in codes:
            codes.add(arm.code)
            best = bench.arm(arm.code, arm.remedy, best, len(fit)) or best
    return best


def _together(bench: _Bench, stage: _Stage, fit: Sequence[tuple[str, Remedy]]) -> _Stage | None:
    """The first cause's remedy and another's, where none helps alone; each must be missed if left out."""
    others = [(code, remedy) for code, remedy in fit if code != fit[0][0]]
    pairs = [(fit[0], other) for other in others]
    tried = [(pair, bench.arm(pair[0][0], _both(pair), stage, len(pairs))) for pair in pairs]
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


def _missed(bench: _Bench, stage: _Stage, pair: Sequence[tuple[str, Remedy]], whole: _Stage) -> Iterator[Arm]:
    """What each of two adds to the other; one that adds nothing is not named as part of the cure."""
    for (code, remedy), (_, other) in (tuple(pair), tuple(reversed(pair))):
        without = other.change(stage.problem)
        if without is not None:
            before = bench.scores(without, other.name)
            arm = judged(code, remedy, other.name, before, whole.scores, len(pair))
            bench.arms.append(arm)
            if arm.outcome == PROVED:
                yield arm


def judged(
    code: str, remedy: Remedy, on: str, before: Sequence[float], after: Sequence[float], arms: int = 1
) -> Arm:
    """An arm with its gain over another, paired by seed; `arms` are judged at once.

    A score that is no number counts as the worst number among the two arms.
    """
    worst = min((s for s in (*before, *after) if math.isfinite(s)), default=0.0)
    x, y = ([s if math.isfinite(s) else worst for s in side] for side in (before, after))
    gain = paired_gain([b - a for a, b in zip(x, y, strict=True)], arms)
    assert gain.interval is not None
    least = LEAST * max(map(abs, (*x, *y)))
    low, high = gain.interval.low, gain.interval.high
    outcome = PROVED if low > 0 and gain.value > least else WORSE if high < 0 else NO_EFFECT
    return Arm(code, remedy, on, gain, outcome, tuple(after))


def paired_gain(differences: Sequence[float], arms: int = 1) -> Estimate:
    """The mean of paired differences with its interval at level 1 - .05 / arms (Bonferroni).

    >>> paired_gain([0.5, 0.5, 0.5]).interval.low
    0.5
    """
    level = 1 - (1 - LEVEL) / arms
    found = mean_interval(differences, level=level)
    method = f"{found.method}, {len(differences)} paired seeds, {counted(arms, 'arm')} at once"
    return Estimate(statistics.mean(differences), "", replace(found, method=method), Trust.CALIBRATED)


def _proved(findings: Sequence[Finding], arms: Sequence[Arm]) -> tuple[Finding, ...]:
    """The findings, each with what its remedies were seen to do."""
    return tuple(replace(f, proof=_proof(f, [arm for arm in arms if arm.code == f.code])) for f in findings)


def _proof(finding: Finding, arms: Sequence[Arm]) -> str:
    if not arms:
        return "" if finding.code in REMEDIES else f"a line of your own: {CATALOGUE[finding.code].remedy}"
    best = max(arms, key=lambda arm: arm.gain.value)
    return f"{best.outcome}: {best.name} {_signed(best.gain)}"
