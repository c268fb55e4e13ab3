"""`treat`: train with and without each remedy, paired by seed, and report which remedies help."""

from __future__ import annotations

import statistics
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from numbers import Real
from pathlib import Path

from levinthal.clinic.answer.states import Answer
from levinthal.clinic.examination import Examination, examine
from levinthal.clinic.presentation.terminal import answered
from levinthal.clinic.problem.chance_score import chance_score
from levinthal.clinic.problem.places import in_one_line
from levinthal.clinic.problem.validity import require_count, require_problem
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.clinic.treatment.comparison import (
    CONFIRMED,
    NOT_PURSUED,
    OUTCOMES,
    STILL_AT_CHANCE,
    Comparison,
    signed,
)
from levinthal.clinic.treatment.journal import Journal
from levinthal.clinic.treatment.remedies import REMEDIES
from levinthal.clinic.treatment.search import UNTREATED, Stage, Trainer, next_stage, settled
from levinthal.clinic.treatment.undecided import seeds_that_decide
from levinthal.errors import InputError
from levinthal.report.formatting import counted
from levinthal.vocabulary import Finding, Problem, Severity, rounded

ROUNDS, FEWEST_SEEDS = 3, 3


@dataclass(frozen=True, slots=True, repr=False)
class Treatment:
    """The result of `treat`: what was found, every comparison, and the improved problem.

    `print(treatment)` shows it in the terminal; a notebook shows the findings and the remedies.

    Attributes:
        examination: The examination of the untreated problem.
        findings: Its findings, causes first, each with the `confirmation` of its remedies.
        comparisons: Every remedy that was tried, in the order of the trials.
        scores: Scores of the untreated problem, one a seed.
        improved: The Problem with all confirmed remedies; the given one where none is confirmed.
        remedies: The comparisons whose remedies make up `improved`, in the order of application.
        improved_scores: Scores of `improved`, one a seed, paired with `scores`.
        untried: Number of remedies that the time did not allow for.
        is_interrupted: Whether Ctrl-C ended the search.
    """

    examination: Examination
    findings: tuple[Finding, ...]
    comparisons: tuple[Comparison, ...]
    scores: tuple[float, ...]
    improved: Problem
    remedies: tuple[Comparison, ...]
    improved_scores: tuple[float, ...]
    untried: int = 0
    is_interrupted: bool = False

    @property
    def is_healthy(self) -> bool:
        """Whether no cause was found and the run did as well as it should."""
        return self.answer.is_healthy

    @property
    def answer(self) -> Answer:
        """The answer of the untreated problem."""
        return self.examination.answer

    def __str__(self) -> str:
        shown = [f for f in self.findings if f.severity is not Severity.INFO]
        return "\n".join([answered(self.answer, shown), "", *self._tried(), *self._conclusion()])

    def __repr__(self) -> str:
        helped = ", ".join(one.remedy.name for one in self.remedies) or "none"
        return f"Treatment({self.examination!r}, confirmed remedies: {helped})"

    def _repr_html_(self) -> str:
        """The findings and the remedies for a notebook."""
        return replace(self.examination, findings=self.findings).html(self.comparisons)

    def report(self, path: str | Path, *, title: str = "problem") -> Path:
        """Write findings, figures and every comparison as one self-contained page.

        Args:
            path: The HTML file to write; its folder is made where it does not exist.
            title: What the page calls the problem.

        Returns:
            The path of the page.

        Raises:
            InputError: `path` is a folder.
            StoreError: `path` cannot be written.
        """
        examined = replace(self.examination, findings=self.findings)
        return examined.report(path, title=title, trials=self.comparisons)

    def _tried(self) -> Iterator[str]:
        name, seeds = self.examination.score_name, len(self.scores)
        if self.comparisons:
            steps = f"{self.examination.problem.steps} steps per training"
            yield f"Remedies tried ({name}, {seeds} paired seeds, {steps}):"
        for one in sorted(self.comparisons, key=lambda c: (OUTCOMES.index(c.outcome), -c.gain.value)):
            yield f"  {one.outcome:<15} {signed(one.gain):<26} {one.name}"
        if any(one.outcome == STILL_AT_CHANCE for one in self.comparisons):
            best = rounded(chance_score(self.examination.problem, name))
            yield f"  No cure: the {name} does not end above {best}, that of the best constant output."
        if self.untried:
            untried = f"{self.untried} {'remedy' if self.untried == 1 else 'remedies'}"
            yield f"  not tried, out of time: {untried}"

    def _conclusion(self) -> Iterator[str]:
        name = self.examination.score_name
        if self.is_interrupted:
            yield "Interrupted: comparisons that were not finished are left out."
        if self.remedies:
            before, after = statistics.mean(self.scores), statistics.mean(self.improved_scores)
            label = "Remedy" if len(self.remedies) == 1 else "Combined remedy"
            yield f"{label}, as it was run: {name} from {rounded(before)} to {rounded(after)}"
            yield textwrap.indent("\n".join(one.line for one in self.remedies), "  ")
        elif self.comparisons:
            more = seeds_that_decide(name, self.scores, self.comparisons)
            yield f"No remedy is confirmed with {counted(len(self.scores), 'seed')}.{more}"
        elif not (self.examination.is_healthy or self.untried or self.is_interrupted):
            yield "The remedy is a change in your own code: no edit of the Problem can make it."


def treat(
    problem: Problem,
    *,
    seeds: int = 5,
    seconds: float = 300.0,
    keep: str | Path | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> Treatment:
    """Examine a problem, then train it with and without each remedy of its findings, and report what helps.

    For one seed, the two trainings of a comparison differ in the remedy alone: the order of the data, the
    noise and, where the remedy leaves them, the initial weights are the same. The gain is the mean paired
    difference of the score on the validation rows. Its interval holds for all comparisons of a round together
    (Bonferroni). The outcome is *confirmed here* where the interval lies above zero and the score ends above
    that of the best constant output; *still at chance* where it does not; *made it worse* where the interval
    lies below zero; and *no effect here* otherwise.

    The code of a remedy is what was run. Of remedies that make the same training, the first is tried.

    More than three remedies are first screened with two seeds of their own: the best three are compared, the
    others are *not pursued*. Symptoms are treated only where no remedy of a cause is confirmed, and findings
    of severity info only where nothing is worse; an info whose remedy is confirmed becomes a warning. Another
    remedy is added to the first only where it gains on top of it. The improved problem is examined and
    treated again, in up to three rounds.

    Args:
        problem: The training to treat.
        seeds: Paired seeds of a comparison, 3 or more.
        seconds: No training of a remedy begins after this time. The untreated problem is always trained.
        keep: A journal file. Every score is written to it when its training ends, and a second call with the
            same file resumes there. One stored training is run again, and has to give the same score.
        on_step: Called after every training step with the name of the training.

    Returns:
        A Treatment: findings with their confirmation, every comparison, and the improved problem. After
        Ctrl-C it holds the comparisons that were finished.

    Raises:
        InputError: Fewer than 3 seeds; no `seconds`; a journal of another treatment; anything that the
            problem's own code raises, with its file and line.

    >>> import levinthal, torch
    >>> x = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
    >>> problem = levinthal.Problem(
    ...     model=lambda: torch.nn.Linear(8, 4),
    ...     loss=torch.nn.functional.cross_entropy,
    ...     train=(x, x[:, :4].argmax(1)),
    ...     optimizer=lambda model: torch.optim.SGD(model.parameters(), 1e-5),
    ...     steps=50,
    ... )
    >>> treatment = levinthal.treat(problem, seeds=3)
    >>> treatment.findings[0].code, treatment.remedies[0].name
    ('LR_TOO_LOW', 'learning rate x 10000')
    """
    require_problem(problem)
    require_count("seeds", seeds)
    if seeds < FEWEST_SEEDS:
        raise InputError(f"seeds={seeds} gives no interval for a gain: use {FEWEST_SEEDS} or more")
    if not isinstance(seconds, Real):
        raise InputError(f"seconds is of type {type(seconds).__name__}: pass a number of seconds")
    if not seconds > 0:
        raise InputError(
            f"seconds={float(seconds):g} leaves no time to try a remedy: use more, or only examine"
        )
    journal = Journal(keep, {"steps": problem.steps})
    with in_one_line(problem):
        return _treated(problem, seeds, seconds, journal, on_step)


def _treated(
    problem: Problem, seeds: int, seconds: float, journal: Journal, on_step: Callable[[str], None]
) -> Treatment:
    trainer = Trainer(seeds, "", time.monotonic() + seconds, on_step, problem.loss, journal=journal)
    before = examine(problem, on_step=partial(on_step, "examination"))
    trainer.score_name, trainer.chance = before.score_name, chance_score(problem, before.score_name)
    nothing = not any(f.code in REMEDIES for f in before.findings)
    scores = (before.score,) if nothing else trainer.scores(problem, UNTREATED)
    first = Stage(problem, scores)
    last = settled(trainer, first, _last_stage(trainer, first, before))
    comparisons = tuple(trainer.comparisons)
    return Treatment(
        examination=before,
        findings=tuple(_confirmed(f, [c for c in comparisons if c.code == f.code]) for f in before.findings),
        comparisons=comparisons,
        scores=scores,
        improved=last.problem,
        remedies=last.remedies,
        improved_scores=last.scores,
        untried=trainer.untried,
        is_interrupted=trainer.is_interrupted,
    )


def _last_stage(trainer: Trainer, stage: Stage, found: Examination) -> Stage:
    """Round after round, until nothing more is found or confirmed; Ctrl-C keeps what is finished."""
    seen = set[str]()
    try:
        for _ in range(ROUNDS):
            better = next_stage(trainer, stage, found.findings, seen)
            if better is None:
                break
            stage = better
            seen -= {one.remedy.name for one in stage.remedies}  # a confirmed remedy may help once more
            found = examine(stage.problem, on_step=partial(trainer.on_step, "second examination"))
    except KeyboardInterrupt:
        trainer.is_interrupted = True
    return stage


def _confirmed(finding: Finding, comparisons: Sequence[Comparison]) -> Finding:
    """The finding with its confirmation; an info whose remedy is confirmed becomes a warning."""
    worse = finding.severity is Severity.INFO and any(c.outcome == CONFIRMED for c in comparisons)
    severity = Severity.WARNING if worse else finding.severity
    return replace(finding, severity=severity, confirmation=_confirmation(finding, comparisons))


def _confirmation(finding: Finding, comparisons: Sequence[Comparison]) -> str:
    if not comparisons:
        return "" if finding.code in REMEDIES else f"change your own code: {CATALOGUE[finding.code].remedy}"
    best = max(comparisons, key=lambda c: (c.outcome == CONFIRMED, c.outcome != NOT_PURSUED, c.gain.value))
    return f"{best.outcome}: {best.name} {signed(best.gain)}"
