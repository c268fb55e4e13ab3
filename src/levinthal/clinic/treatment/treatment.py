"""`treat`: train untreated and treated arms, paired by seed, and say what helped."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from levinthal.clinic.examination import Examination, examine
from levinthal.clinic.presentation.terminal import formatted
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.clinic.treatment.comparison import NOT_PURSUED, PROVED, WORDS, Arm, signed
from levinthal.clinic.treatment.journal import Kept
from levinthal.clinic.treatment.remedies import REMEDIES
from levinthal.clinic.treatment.search import UNTREATED, Bench, Stage, next_stage
from levinthal.errors import InputError
from levinthal.lab.judging.statistics import seeds_needed
from levinthal.vocabulary import Finding, Problem, Severity

ROUNDS, FEWEST_SEEDS, MOST_SEEDS = 3, 3, 50


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
    is_interrupted: bool = False

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is worse than a remark."""
        return all(finding.severity is Severity.INFO for finding in self.findings)

    def __str__(self) -> str:
        loud = [f for f in self.findings if f.severity is not Severity.INFO]
        return "\n".join([formatted(loud) if loud else "Healthy.", "", *self._tried(), *self._cure()])

    def report(self, path: str | Path, *, title: str = "problem") -> Path:
        """Write findings, figures and every arm as one page; the path it now has."""
        told = replace(self.examination, findings=self.findings)
        return told.report(path, title=title, trials=self.arms)

    def _tried(self) -> Iterator[str]:
        name, seeds = self.examination.score_name, len(self.scores)
        if self.arms:
            yield f"Tried ({name}, {seeds} paired seeds, {self.examination.problem.steps} steps an arm):"
        for arm in sorted(self.arms, key=lambda arm: (WORDS.index(arm.outcome), -arm.gain.value)):
            yield f"  {arm.outcome:<14} {signed(arm.gain):<26} {arm.name}"
        if self.left:
            yield f"  not tried for want of time: {self.left} remedies"

    def _cure(self) -> Iterator[str]:
        if self.is_interrupted:
            yield "Interrupted: trials that were not finished are not told."
        if self.cure:
            before, after = statistics.mean(self.scores), statistics.mean(self.after)
            yield f"Cure: {', then '.join(arm.line for arm in self.cure)}"
            yield f"  {self.examination.score_name} from {before:.3g} to {after:.3g}"
        elif self.arms:
            yield "None of these helped, as far as this many seeds can tell." + self._seeds_needed()
        elif not (self.examination.is_healthy or self.left or self.is_interrupted):
            yield "The remedy is a line of your own loop: nothing here can be changed from outside."

    def _seeds_needed(self) -> str:
        """How many seeds would settle the arm that gained most, if it did."""
        tried = [arm for arm in self.arms if arm.gain.value > 0 and len(arm.scores) == len(self.scores)]
        best = max(tried, key=lambda arm: arm.gain.value, default=None)
        if best is None or best.on:
            return ""
        spread = statistics.stdev(b - a for a, b in zip(self.scores, best.scores, strict=True))
        needed = seeds_needed(best.gain.value, spread)
        more = needed is not None and len(self.scores) < needed <= MOST_SEEDS
        return f" About {needed} would settle: {best.name}." if more else ""


def treat(
    problem: Problem,
    *,
    seeds: int = 5,
    seconds: float = 300.0,
    keep: str | Path | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> Treatment:
    """Train the problem as it is and with each remedy of what was found, paired by seed; say what helped.

    An arm differs from the one it is compared with in the remedy alone: data order, noise and, where the
    remedy leaves them, initial weights are the same for one seed. The gain is the mean paired difference
    with its interval, widened for the number of arms (Bonferroni) so that all hold together: *proved
    here* lies above zero, *made it worse* below, *no effect here* is the rest. Of many remedies the three
    that gain most on two seeds of their own get such a trial, the others are *not pursued*. Symptoms are
    treated only where no remedy of a cause has helped, remarks only where nothing is worse (one whose
    remedy is proved becomes a warning); remedies are combined only where each has earned its place on top
    of the others; what is found on the improved problem is treated in its turn, up to three rounds. No
    arm is begun after `seconds`, or after Ctrl-C; the untreated one is always trained whole.

    `keep` is a file for the scores of trials that are over: a second call with it goes on where the first one
    stopped, however that was. One trial is trained again, and has to come to the same score.

    Raises InputError for fewer than 3 seeds, for a file of trials of something else, and for what the
    problem's own code raises.
    """
    if seeds < FEWEST_SEEDS:
        raise InputError(f"seeds={seeds} gives no interval for a gain: use {FEWEST_SEEDS} or more")
    if not seconds >= 0:
        raise InputError(f"seconds={seconds} is no time to spend: use 0 or more")
    kept = Kept(keep, {"steps": problem.steps})
    bench = Bench(seeds, "", time.monotonic() + seconds, on_step, problem.loss, kept)
    before = examine(problem, on_step=partial(on_step, "examined"))
    bench.score_name = before.score_name
    nothing = not any(f.code in REMEDIES for f in before.findings)
    scores = (before.score,) if nothing else bench.scores(problem, UNTREATED)
    last = _last_stage(bench, Stage(problem, scores), before)
    proved, arms = _proved(before.findings, bench.arms), tuple(bench.arms)
    return Treatment(
        before, proved, arms, scores, last.problem, last.cure, last.scores, bench.left, bench.is_interrupted
    )


def _last_stage(bench: Bench, stage: Stage, found: Examination) -> Stage:
    """Round after round, until nothing more is found or helps; Ctrl-C keeps what is finished."""
    seen = set[str]()
    try:
        for _ in range(ROUNDS):
            better = next_stage(bench, stage, found.findings, seen)
            if better is None:
                break
            stage = better
            seen -= {arm.remedy.name for arm in stage.cure}  # what has helped once may help again
            found = examine(stage.problem, on_step=partial(bench.on_step, "examined again"))
    except KeyboardInterrupt:
        bench.is_interrupted = True
    return stage


def _proved(findings: Sequence[Finding], arms: Sequence[Arm]) -> tuple[Finding, ...]:
    """The findings, each with what its remedies were seen to do."""
    return tuple(_with_proof(f, [arm for arm in arms if arm.code == f.code]) for f in findings)


def _with_proof(finding: Finding, arms: Sequence[Arm]) -> Finding:
    """The finding with its proof; a remark that was seen to do harm is one no more."""
    harmful = finding.severity is Severity.INFO and any(arm.outcome == PROVED for arm in arms)
    severity = Severity.WARNING if harmful else finding.severity
    return replace(finding, severity=severity, proof=_proof(finding, arms))


def _proof(finding: Finding, arms: Sequence[Arm]) -> str:
    if not arms:
        return "" if finding.code in REMEDIES else f"a line of your own: {CATALOGUE[finding.code].remedy}"
    best = max(arms, key=lambda arm: (arm.outcome == PROVED, arm.outcome != NOT_PURSUED, arm.gain.value))
    return f"{best.outcome}: {best.name} {signed(best.gain)}"
