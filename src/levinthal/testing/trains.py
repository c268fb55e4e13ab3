"""`assert_trains`: a test of a training, which passes only where the clinic has grounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from math import inf

from levinthal.arguments import flag, number, several, whole
from levinthal.clinic.answer.decision import answer_of_run
from levinthal.clinic.answer.seen import NAMES_NO_CAUSE
from levinthal.clinic.answer.states import Answer, Reason, State
from levinthal.clinic.examination import Examination, examine
from levinthal.clinic.presentation.terminal import formatted
from levinthal.clinic.problem.validity import require_problem
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.errors import InputError, LevinthalError, require_one_of
from levinthal.vocabulary import Finding, Problem, Severity, rounded

ORDER = [str(severity) for severity in Severity]
"""The severities, the worst first."""
NOTHING_KNOWN = (Reason.NOTHING_SEEN, Reason.NOTHING_MOVED, Reason.ENDED_EARLY, Reason.FAILED)
"""Not judged for a reason that never passes: no training was seen, so that no cause could be."""
JUDGED = (
    "To let a run pass in which no cause was found: require_judged=False. Grounds come from more steps, "
    "or from validation= of the Problem."
)
DOUBTED = " A finding that puts the loss in doubt can be accepted: allow=(...)."


class OutOfTimeError(LevinthalError):
    """A training took longer than `seconds`."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What of an examination counts for a test.

    Attributes:
        examination: The examination.
        findings: Its findings without those that are accepted and what follows from them.
        failing: Of these, the ones that fail the test.
        answer: The answer without the accepted findings.
        require_judged: Whether a run passes only if it was called healthy.
    """

    examination: Examination
    findings: tuple[Finding, ...]
    failing: tuple[Finding, ...]
    answer: Answer
    require_judged: bool

    @property
    def passes(self) -> bool:
        """Whether no finding fails the test, and the run did as well as it should or need not be judged."""
        if self.failing or self.answer.state is State.HEALTHY:
            return not self.failing
        is_open = self.answer.state is State.NOT_JUDGED or self.answer.reason is Reason.UNFINISHED
        return is_open and not self.require_judged and self.answer.reason not in NOTHING_KNOWN

    def __str__(self) -> str:
        """Why the test fails: the causes with evidence and remedy, or what is not known."""
        why = formatted(self._shown()) if self.failing else str(self.answer)
        return "\n\n".join([self._head(), why, self._way_out()])

    def _head(self) -> str:
        if self.failing:
            first, more = self.failing[0], len(self.failing) - 1
            others = f", and {more} more" if more else ""
            return f"the training has a fault: {first.code} in {first.where} ({first.severity}){others}"
        if self.answer.state is State.NOT_JUDGED:
            return "it is not known whether the problem trains"
        return "the problem does not train as well as it should, and no cause was found"

    def _shown(self) -> list[Finding]:
        codes = {finding.code for finding in self.failing}
        return [f for f in self.findings if f.follows in codes or (not f.follows and f.code in codes)]

    def _way_out(self) -> str:
        """The course of the training, and what to change where the outcome is accepted."""
        codes = tuple(dict.fromkeys(finding.code for finding in self.failing))
        is_open = replace(self, require_judged=False).passes
        judged = JUDGED + DOUBTED * (self.answer.reason is Reason.DOUBTED) if is_open else ""
        accept = f"To accept this: assert_trains(..., allow={codes})." if codes else judged
        return "\n".join(filter(None, (self.examination.course(), accept)))


def assert_trains(
    problem: Problem,
    *,
    allow: Iterable[str] = (),
    severity: str = "warning",
    require_judged: bool = True,
    steps: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
) -> Examination:
    """Check a problem, train it once under watch, and fail unless the run is as good as it should be.

    Args:
        problem: The training to test.
        allow: Codes of findings that do not fail the test. What follows from them does not either, but the
            loss has to be as low as without them.
        severity: The mildest severity that fails: "critical", "warning" or "info".
        require_judged: Whether a run also fails that is not judged, or whose loss still falls. A run at
            chance level, or of which nothing was seen, always fails.
        steps: Number of steps of the training. Default: the problem's own.
        seconds: Limit of the whole test. A training that takes longer fails; a part of it is not judged.
        seed: Seed of the initial weights, the order of the data and the noise.

    Returns:
        The Examination, for further assertions: `assert_trains(problem).score > 0.9`.

    Raises:
        AssertionError: The training has a fault, is not as good as it should be, cannot be judged, or takes
            too long. The message has the causes with evidence and remedy.
        InputError: A code or a severity is unknown, a number is none or out of its range, or the problem
            cannot be trained at all.

    >>> import levinthal, torch
    >>> x = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
    >>> problem = levinthal.Problem(
    ...     model=lambda: torch.nn.Linear(8, 4),
    ...     loss=torch.nn.functional.cross_entropy,
    ...     train=(x, x[:, :4].argmax(1)),
    ...     optimizer=lambda model: torch.optim.SGD(model.parameters(), 0.5),
    ...     steps=50,
    ... )
    >>> assert_trains(problem).score > 0.8
    True
    """
    __tracebackhide__ = True  # pytest then shows the line of the test
    outcome = outcome_of(
        problem,
        allow=allow,
        severity=severity,
        require_judged=require_judged,
        steps=steps,
        seconds=seconds,
        seed=seed,
    )
    if not outcome.passes:
        raise AssertionError(str(outcome))
    return outcome.examination


def outcome_of(
    problem: Problem,
    *,
    allow: Iterable[str] = (),
    severity: str = "warning",
    require_judged: bool = True,
    steps: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
) -> Outcome:
    """Examine a problem, and say what of it counts; the arguments and errors are those of `assert_trains`."""
    __tracebackhide__ = True
    require_problem(problem)
    allowed = _codes(allow)
    require_judged, seed = flag("require_judged", require_judged), whole("seed", seed, least=0)
    steps = None if steps is None else whole("steps", steps, least=1)
    mildest = ORDER.index(require_one_of("severity", severity, ORDER))
    limit = _limit(seconds)
    problem = problem if steps is None else replace(problem, steps=steps)
    try:
        examination = examine(problem, seed=seed, on_step=_stopwatch(limit, problem.steps))
    except OutOfTimeError as error:
        raise AssertionError(str(error)) from None
    return judged_by(examination, allowed, mildest, require_judged)


def judged_by(
    examination: Examination, allowed: Collection[str], mildest: int, require_judged: bool
) -> Outcome:
    """The outcome where these codes are allowed, and severities up to this place in ORDER fail."""

    def is_accepted(finding: Finding) -> bool:
        is_mild = finding.severity is not Severity.INFO and ORDER.index(finding.severity) > mildest
        return finding.code in allowed or is_mild

    accepted = {f.code for f in examination.findings if is_accepted(f)}
    kept = [f for f in examination.findings if not is_accepted(f) and f.follows not in accepted]
    failing = [f for f in kept if not f.follows and ORDER.index(f.severity) <= mildest]
    watch = examination.watch
    answer = answer_of_run(kept, watch.history, watch.setup, trouble=watch.trouble, unseen=watch.unseen)
    named = tuple(f for f in failing if f.code not in NAMES_NO_CAUSE)
    return Outcome(examination, tuple(kept), named, answer, require_judged)


def _codes(allow: Iterable[str]) -> set[str]:
    """The codes that are allowed. Raises InputError for one that does not exist, or for a bare string."""
    if isinstance(allow, str):
        raise InputError(f"allow={allow!r} is one text: give a tuple of codes, allow=({allow!r},)")
    return {
        require_one_of("finding in allow", code, CATALOGUE) for code in several("allow", allow, "allow=()")
    }


def _limit(seconds: float | None) -> float:
    return inf if seconds is None else number("seconds", seconds, above=0)


def _stopwatch(limit: float, steps: int) -> Callable[[], None]:
    """A function to be called after each step, which raises OutOfTimeError beyond the limit."""
    begun, done = time.monotonic(), 0

    def after_step() -> None:
        nonlocal done
        done += 1
        if time.monotonic() - begun > limit:
            raise OutOfTimeError(
                f"{done} of {steps} steps took longer than seconds={rounded(limit)}: "
                f"give steps={done} or fewer, or more seconds"
            )

    return after_step
