"""`examine`: one list of findings from a check before training and a watched training."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from levinthal.clinic.answer.decision import answer_of_run
from levinthal.clinic.answer.states import Answer
from levinthal.clinic.checking import check
from levinthal.clinic.checkup import Checkup
from levinthal.clinic.findings.finding import found
from levinthal.clinic.presentation.cards import TriedRemedy
from levinthal.clinic.presentation.notebook import run_html
from levinthal.clinic.presentation.page import write_page
from levinthal.clinic.presentation.terminal import answered
from levinthal.clinic.problem.batches import first_batch, held_out
from levinthal.clinic.problem.places import in_one_line
from levinthal.clinic.problem.scores import score, score_name
from levinthal.clinic.problem.training import TrainedRun, built, built_optimizers, trained
from levinthal.clinic.problem.validity import require_valid
from levinthal.clinic.rules import data
from levinthal.clinic.rules.diagnosis import ranked
from levinthal.clinic.rules.loss_trend import LossTrend, loss_trend
from levinthal.clinic.watching import Watch
from levinthal.errors import InputError
from levinthal.vocabulary import Finding, Problem, Severity, rounded

SAMPLES = 50
"""Steps of a training that are sampled, about."""


@dataclass(frozen=True, slots=True, repr=False)
class Examination:
    """The result of `examine`. `print(examination)` shows it in the terminal; a notebook shows it as HTML.

    Attributes:
        problem: The Problem that was examined.
        checkup: The check before training.
        watch: The watch of one training.
        findings: The findings of both, causes before their symptoms. A finding of the check alone is of
            severity info where the training did not degrade.
        score: The score of the trained network on the validation rows; larger is better.
        score_name: Accuracy, balanced accuracy, R^2, minus loss, or the name of the problem's metric.
        answer: A cause, a healthy run with its grounds, a run that did badly, or not judged.
    """

    problem: Problem
    checkup: Checkup
    watch: Watch
    findings: tuple[Finding, ...]
    score: float
    score_name: str
    answer: Answer

    @property
    def is_healthy(self) -> bool:
        """Whether no cause was found and the run did as well as it should."""
        return self.answer.is_healthy

    def __str__(self) -> str:
        shown = [f for f in self.findings if f.severity is not Severity.INFO]
        infos = [f.code for f in self.findings if f.severity is Severity.INFO and not f.follows]
        noted = [f"Info, without degradation: {', '.join(infos)}."] if infos else []
        return "\n".join([answered(self.answer, shown), "", self.course(), *noted])

    def __repr__(self) -> str:
        codes = ", ".join(f.code for f in self.findings if not f.follows) or "none"
        return f"Examination(findings: {codes}; {self.score_name} {rounded(self.score)})"

    def _repr_html_(self) -> str:
        """The examination for a notebook."""
        return self.html()

    def html(self, trials: Sequence[TriedRemedy] = ()) -> str:
        """The examination, and the remedies that were tried, as a piece of HTML for a notebook.

        Args:
            trials: The remedies that were tried, with their gains.

        Returns:
            HTML without a head, which holds its style and its figures.
        """
        return run_html(self.answer, self.findings, self.watch.history, self.watch.setup, trials)

    def course(self) -> str:
        """One sentence about the loss and the score of the training.

        Returns:
            Such as "The loss fell from 2.3 to 0.1 in 300 steps; accuracy 0.97."
        """
        trend = loss_trend(self.watch.history)
        return f"{_fall(trend)} in {self.problem.steps} steps; {self.score_name} {rounded(self.score)}."

    def report(self, path: str | Path, *, title: str = "problem", trials: Sequence[TriedRemedy] = ()) -> Path:
        """Write findings, figures and the remedies that were tried as one self-contained page.

        Args:
            path: The HTML file to write; its folder is made where it does not exist.
            title: What the page calls the problem.
            trials: Remedies that were tried, as `treat` gives them.

        Returns:
            The path of the page.

        Raises:
            InputError: `path` is a folder.
            StoreError: `path` cannot be written.
        """
        return write_page(
            path,
            title=title,
            answer=self.answer,
            findings=self.findings,
            history=self.watch.history,
            setup=self.watch.setup,
            checkup=self.checkup,
            trials=trials,
            provenance={"Training": self.course()},
        )


def _fall(trend: LossTrend) -> str:
    chance = f" (chance level: {rounded(trend.chance)})" if np.isfinite(trend.chance) else ""
    end = "nan" if trend.broken else rounded(trend.end)
    return f"The loss went from {rounded(trend.start)} to {end}{chance}"


def examine(problem: Problem, *, seed: int = 0, on_step: Callable[[], None] = lambda: None) -> Examination:
    """Check a problem on its first batch, then train it once under watch.

    Args:
        problem: The training to examine.
        seed: Seed of the initial weights, the order of the data and the noise.
        on_step: Called after every training step.

    Returns:
        An Examination: the findings of both, the course of the loss, and the score of the trained network.

    Raises:
        InputError: A field of the problem that no training can use; anything that the problem's own code
            raises, with its file and line.

    >>> import levinthal, torch
    >>> x = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
    >>> problem = levinthal.Problem(
    ...     model=lambda: torch.nn.Linear(8, 4),
    ...     loss=torch.nn.functional.cross_entropy,
    ...     train=(x, x[:, :4].argmax(1)),
    ...     optimizer=lambda model: torch.optim.SGD(model.parameters(), 0.5),
    ...     steps=50,
    ... )
    >>> examination = levinthal.examine(problem)
    >>> examination.is_healthy, examination.score_name, examination.score > 0.8
    (True, 'accuracy', True)
    """
    require_valid(problem)
    with in_one_line(problem):
        name = score_name(problem)
        checkup = _checkup(problem, seed, name)
        trial = trained(problem, seed, name, every=sampling(problem), validation=True, on_step=on_step)
        return _examination(problem, checkup, trial, name)


def sampling(problem: Problem) -> int:
    """Steps from one sample to the next: about 50 samples, at most ten steps apart."""
    return min(10, max(1, problem.steps // SAMPLES))


def _checkup(problem: Problem, seed: int, score_name: str) -> Checkup:
    """The check before training, also of what is called after it: a fault there is not found hours later."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = built(problem)
        made = built_optimizers(problem, model)
        optimizer = made[0] if len(made) == 1 else None
        checkup = check(model, problem.loss, first_batch(problem), optimizer=optimizer)
        _require_new(model, built(problem))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score(problem, model, score_name)
    return checkup


def _require_new(model: nn.Module, other: nn.Module) -> None:
    """Raise InputError where two calls of `model()` share a parameter that is trained."""
    trained_twice = {id(p) for p in model.parameters() if p.requires_grad}
    if not trained_twice.isdisjoint(id(p) for p in other.parameters()):
        raise InputError("model() returns the same network twice: build it anew, or return a copy.deepcopy")


def _examination(problem: Problem, checkup: Checkup, trial: TrainedRun, name: str) -> Examination:
    assert trial.watch is not None
    seen = trial.watch.findings()
    before = _still_true(checkup.findings, seen, loss_trend(trial.watch.history))
    findings = [*ranked([*seen, *before]), *_of_validation(problem, (*seen, *before))]
    watch = trial.watch
    answer = answer_of_run(findings, watch.history, watch.setup, trouble=watch.trouble, unseen=watch.unseen)
    return Examination(problem, checkup, watch, tuple(findings), trial.score, name, answer)


def _of_validation(problem: Problem, known: Sequence[Finding]) -> list[Finding]:
    """Validation rows with nan or infinity, which make the score meaningless, where no batch has any."""
    if problem.validation is None or any(f.code == data.NON_FINITE_INPUT.code for f in known):
        return []
    there = data.rows_not_finite(held_out(problem))
    return [found(data.NON_FINITE_INPUT, where, 0, evidence) for where, evidence in there]


def _still_true(before: Sequence[Finding], seen: Sequence[Finding], trend: LossTrend) -> list[Finding]:
    """Findings of the check alone: of severity info where the training did not degrade."""
    known = {finding.code for finding in seen}
    alone = [finding for finding in before if finding.code not in known]
    return [f if trend.is_degraded else replace(f, severity=Severity.INFO) for f in alone]
