"""`examine`: a problem before training and while it trains, in one list of findings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from levinthal.clinic.checking import Checkup, check
from levinthal.clinic.findings.finding import found
from levinthal.clinic.presentation.cards import TriedRemedy
from levinthal.clinic.presentation.page import write_page
from levinthal.clinic.presentation.terminal import formatted
from levinthal.clinic.problem.batches import first_batch, held_out
from levinthal.clinic.problem.scores import score_name
from levinthal.clinic.problem.training import TrainedRun, built, built_optimizers, in_one_line, trained
from levinthal.clinic.problem.validity import require_valid
from levinthal.clinic.rules import data
from levinthal.clinic.rules.diagnosis import ranked
from levinthal.clinic.rules.loss_trend import LossTrend, loss_trend
from levinthal.clinic.watching import Watch
from levinthal.errors import InputError
from levinthal.vocabulary import Finding, Problem, Severity

LOOKS = 50
"""Steps of a training that are looked at."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What a problem looks like before training (`checkup`) and while it trains once (`watch`).

    `findings` are those of both, causes first. What was found before training and did no harm in it is a
    remark. `score` is that of the trained network, named by `score_name`.
    """

    problem: Problem
    checkup: Checkup
    watch: Watch
    findings: tuple[Finding, ...]
    score: float
    score_name: str

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is worse than a remark."""
        return all(finding.severity is Severity.INFO for finding in self.findings)

    def __str__(self) -> str:
        loud = [f for f in self.findings if f.severity is not Severity.INFO]
        remarks = [f.code for f in self.findings if f.severity is Severity.INFO and not f.follows]
        noted = [f"In passing: {', '.join(remarks)}."] if remarks else []
        head = formatted(loud) if loud else "Healthy."
        return "\n".join([head, "", self.course(), *noted])

    def course(self) -> str:
        """How the training went, in a sentence."""
        went = loss_trend(self.watch.history)
        return f"{_fall(went)} in {self.problem.steps} steps; {self.score_name} {self.score:.3g}."

    def report(self, path: str | Path, *, title: str = "problem", trials: Sequence[TriedRemedy] = ()) -> Path:
        """Write findings, figures and what has been tried as one page; the path it now has."""
        return write_page(
            path,
            title=title,
            findings=self.findings,
            history=self.watch.history,
            setup=self.watch.setup,
            checkup=self.checkup,
            trials=trials,
            provenance={"Training": self.course()},
        )


def _fall(went: LossTrend) -> str:
    guess = f" (a guess loses {went.chance:.3g})" if np.isfinite(went.chance) else ""
    end = "nan" if went.broken else f"{went.end:.3g}"
    return f"The loss went from {went.start:.3g} to {end}{guess}"


def examine(problem: Problem, *, seed: int = 0, on_step: Callable[[], None] = lambda: None) -> Examination:
    """Check a problem on its first batch, then train it once under watch.

    Raises InputError, in one line, for what the problem's own code raises, and for a budget below 1 step.
    """
    require_valid(problem)
    with in_one_line():
        name, checkup = score_name(problem), _checkup(problem, seed)
    trial = trained(problem, seed, name, every=sampling(problem), validation=True, on_step=on_step)
    return _examination(problem, checkup, trial, name)


def sampling(problem: Problem) -> int:
    """Steps from one sampled step to the next: about 50 looks, at most ten steps apart."""
    return min(10, max(1, problem.steps // LOOKS))


def _checkup(problem: Problem, seed: int) -> Checkup:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = built(problem)
        made = built_optimizers(problem, model)
        optimizer = made[0] if len(made) == 1 else None
        checkup = check(model, problem.loss, first_batch(problem), optimizer=optimizer)
        _require_new(model, built(problem))
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
    return Examination(problem, checkup, trial.watch, tuple(findings), trial.score, name)


def _of_validation(problem: Problem, known: Sequence[Finding]) -> list[Finding]:
    """Validation rows with nan or infinity, which make the score meaningless, where no batch has any."""
    if problem.validation is None or any(f.code == data.NON_FINITE_INPUT.code for f in known):
        return []
    inputs = [x for x, _ in held_out(problem) if isinstance(x, Tensor) and x.is_floating_point()]
    bad = sum(int((~x.isfinite()).flatten(1).any(1).sum()) for x in inputs if x.dim() > 1)
    evidence = {"rows with nan or infinity": bad, "of": sum(map(len, inputs))}
    return [found(data.NON_FINITE_INPUT, "validation", 0, evidence)] if bad else []


def _still_true(before: Sequence[Finding], seen: Sequence[Finding], went: LossTrend) -> list[Finding]:
    """What the check alone has found: a remark if the training came to no harm."""
    known = {finding.code for finding in seen}
    alone = [finding for finding in before if finding.code not in known]
    return [f if went.is_degraded else replace(f, severity=Severity.INFO) for f in alone]
