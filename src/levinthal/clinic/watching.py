"""`watch`: an ordinary training loop under observation, and the findings after it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from torch import nn
from torch.optim import Optimizer

from levinthal.arguments import flag, in_short
from levinthal.clinic.announcing import Announcer, OnFinding
from levinthal.clinic.answer.decision import answer_of_run
from levinthal.clinic.answer.narrow import with_narrow_layer
from levinthal.clinic.answer.seen import NAMES_NO_CAUSE, causes
from levinthal.clinic.answer.severity import as_severe_as_the_run, as_the_answer_says
from levinthal.clinic.answer.states import Answer
from levinthal.clinic.failures.arguments import as_frozen, as_optimizers, require_every
from levinthal.clinic.failures.frozen import require_known_prefixes
from levinthal.clinic.failures.losses import require_loss
from levinthal.clinic.presentation.notebook import run_html
from levinthal.clinic.presentation.page import write_page
from levinthal.clinic.presentation.terminal import answered
from levinthal.clinic.recording.loop import LoopRecorder
from levinthal.clinic.recording.scoring import LossFn
from levinthal.clinic.recording.training_setup import Frozen, TrainingSetup, together
from levinthal.clinic.recording.validation import Validation, as_validation
from levinthal.clinic.rules.diagnosis import diagnose
from levinthal.errors import InputError, LevinthalError, require_one_of
from levinthal.vocabulary import Finding, Severity


class FindingError(LevinthalError):
    """`Watch.raise_if` found a finding of the given severity or worse."""


class Watch:
    """The result of `watch`: a context manager around a training loop, and the findings after it.

    A sampled step begins with the first forward pass in training mode and ends with the optimiser's step.
    `print(watch)` shows the findings in the terminal; a notebook shows them as HTML.

    Args:
        setup: The model, its optimisers and parameters.
        every: One step in so many is sampled.
        validation: The validation set, where there is one.
        behavioural_checks: Whether the behaviour of the model is checked once.
        on_finding: Is called with each finding while the training goes on.

    Attributes:
        history: The sampled steps: losses, layers, gradients, weights and updates.
        failed_rules: Rules that raised when the findings were last computed, and why.
    """

    def __init__(
        self,
        setup: TrainingSetup,
        every: int,
        validation: Validation | None = None,
        *,
        behavioural_checks: bool = True,
        on_finding: OnFinding | None = None,
    ) -> None:
        if not isinstance(setup, TrainingSetup):
            raise InputError(
                f"setup={in_short(setup)} is no TrainingSetup: call levinthal.watch(...) instead"
            )
        require_every(every)
        self.setup, self.every, self._is_open = setup, every, False
        self._loop = LoopRecorder(setup, every, validation, behavioural_checks)
        self.history = self._loop.history
        self.failed_rules: tuple[str, ...] = ()
        self._announcer = None if on_finding is None else Announcer(on_finding, self.findings)
        if self._announcer is not None:
            self._loop.after_detailed = self._announcer.during
        self._found: tuple[tuple[object, ...], list[Finding]] | None = None
        self._answer: tuple[tuple[object, ...], Answer] | None = None

    @property
    def trouble(self) -> str:
        """The failure of the watch itself, or ""; it then stops recording, and the loop goes on."""
        return self._loop.trouble

    @property
    def steps(self) -> int:
        """The number of steps under watch of the first optimiser, and of those that took its place."""
        return self._loop.steps.step

    @property
    def unseen(self) -> tuple[str, ...]:
        """What of the training was not seen, each as a sentence without its full stop; empty if all was."""
        return self._loop.unseen()

    def __enter__(self) -> Watch:
        if self._is_open:
            raise InputError("this watch is open already: leave its `with` block, or make a new watch")
        self._is_open = True
        self._loop.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_open = False
        self._loop.end(error)
        if self._announcer is not None:
            self._announcer.at_end()

    def begin_step(self, *inputs: Any) -> None:
        """Begin a step by hand, for loops that call parts of the model and never the model itself.

        It does nothing in a step that is not sampled, or that has begun.

        Args:
            inputs: The inputs of the step, as the model would get them.
        """
        self._loop.begin_step(inputs)

    def findings(self) -> list[Finding]:
        """The findings so far: causes before their symptoms, the most important first.

        They are computed once for the steps that were sampled.

        Returns:
            A list of Finding. An empty list is not a healthy run: `answer` says what the run is held against.
        """
        self._loop.catch_up()
        if self._found is None or self._found[0] != self._sampled():
            failed = list[str]()
            found = diagnose(self.setup, self.history, failed.append)
            found = with_narrow_layer(found, self.history, self.setup)
            self.failed_rules = tuple(failed)
            found = as_severe_as_the_run(found, self.history)
            if any(cause.code in NAMES_NO_CAUSE for cause in causes(found)):
                found = as_the_answer_says(found, self._answered(found))
            self._found = self._sampled(), found
        return list(self._found[1])

    def answer(self) -> Answer:
        """The answer so far: a cause, a healthy run with its grounds, a run that did badly, or not judged.

        Returns:
            An Answer with its state, one sentence, and the numbers that the loss is held against.
        """
        return self._answered(self.findings())

    def _answered(self, found: Sequence[Finding]) -> Answer:
        """The answer with these findings, computed once for the steps that were sampled."""
        if self._answer is None or self._answer[0] != self._sampled():
            answer = answer_of_run(found, self.history, self.setup, trouble=self.trouble, unseen=self.unseen)
            self._answer = self._sampled(), answer
        return self._answer[1]

    def _sampled(self) -> tuple[object, ...]:
        """What changes with every sampled step, evaluation and failure."""
        held, samples = self.history.validation, self.history.samples
        evaluations = (len(held.evaluations), held.trouble) if held else ()
        last = samples[-1].step if samples else -1, self.history.spreads
        return (len(samples), *last, evaluations, self.trouble, self.unseen)

    def __str__(self) -> str:
        """The answer and the findings for a terminal."""
        lines = [answered(self.answer(), self.findings())]
        return "\n".join(
            [*lines, *(f"A rule failed, please report it: {rule}" for rule in self.failed_rules)]
        )

    def report(self, path: str | Path) -> Path:
        """Write findings, figures and their provenance as one self-contained page.

        Args:
            path: The HTML file to write; its folder is made where it does not exist.

        Returns:
            The path of the page.

        Raises:
            InputError: `path` is a folder.
            StoreError: `path` cannot be written.
        """
        return write_page(
            path,
            title=type(self.setup.hooked_module).__name__,
            answer=self.answer(),
            findings=self.findings(),
            history=self.history,
            setup=self.setup,
            provenance={"sampled": "every step" if self.every == 1 else f"one step in {self.every:,}"},
        )

    def _repr_html_(self) -> str:
        """The findings for a notebook."""
        return run_html(self.answer(), self.findings(), self.history, self.setup)

    def raise_if(self, severity: str = "critical") -> None:
        """Raise where there is a finding of this severity or worse.

        Args:
            severity: "critical", "warning" or "info".

        Raises:
            FindingError: There is such a finding; the line names each with its remedy.
            InputError: The severity is unknown.
        """
        order = [str(s) for s in Severity]
        worst = order.index(require_one_of("severity", severity, order))
        found = [f for f in self.findings() if order.index(str(f.severity)) <= worst]
        if found:
            raise FindingError("; ".join(f"{f.code} in {f.where}: {f.remedy}" for f in found))


def watch(
    model: nn.Module | Sequence[nn.Module],
    optimizer: Optimizer | Sequence[Optimizer],
    *,
    loss_fn: LossFn | None = None,
    every: int = 10,
    validation: Any = None,
    frozen: Frozen | Iterable[Frozen] = (),
    behavioural_checks: bool = True,
    on_finding: OnFinding | None = None,
) -> Watch:
    """Watch an ordinary training loop: `with watch(model, optimizer) as w: ...`, then `w.findings()`.

    The training is bit-identical with and without the watch, and no hook is left behind.

    Args:
        model: The network that the loop trains, called as a whole or by its parts; or a sequence of networks
            (a generator and a discriminator, say), whose parameters are then named "0.", "1.", ...
        optimizer: Its optimiser, or several; the steps of the first one are counted.
        loss_fn: The loss (output, targets) -> scalar tensor that evaluates the validation rows. Default: the
            loss function of torch that the loop calls.
        every: One step in so many is sampled, at a place that changes from one block of steps to the next.
        validation: A pair (inputs, targets), or an iterable of such pairs, for example a DataLoader. Up to
            2,048 rows (and 128 MiB) are read once, on entering. About ten times a run the model is evaluated
            on them and on rows that it was trained on.
        frozen: Parameters that are meant to stay as they are: prefixes of their names, patterns
            (`"*.bias"`), or predicates (`lambda name: "lora" not in name`).
        behavioural_checks: Whether a copy of the model is passed up to 7 times early, and twice at the end,
            with 16 rows in evaluation mode: are rows mixed, is the future seen, is an input ignored, does
            dropout stay on, have all outputs become the same?
        on_finding: A function that is called once with each Finding while the training goes on, `print` say.
            The rules are applied after a few steps, at growing distances, and at the end.

    Returns:
        A Watch, to be used in a `with` statement.

    Raises:
        InputError: No model, no optimiser, or no parameters; `every` below 1; a prefix that matches no
            parameter; validation data that can be read only once; `on_finding` is no function;
            `behavioural_checks` is no truth value. On entering: the watch is open already.

    >>> import levinthal, torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.Softmax(1))
    >>> optimizer = torch.optim.SGD(model.parameters(), 0.1)
    >>> inputs, targets = torch.randn(64, 8), torch.arange(64) % 4
    >>> with levinthal.watch(model, optimizer, every=1) as w:
    ...     for _ in range(5):
    ...         optimizer.zero_grad()
    ...         torch.nn.functional.cross_entropy(model(inputs), targets).backward()
    ...         optimizer.step()
    >>> w.findings()[0].code
    'DOUBLE_SOFTMAX'
    """
    require_every(every)
    behavioural_checks = flag("behavioural_checks", behavioural_checks)
    if loss_fn is not None:
        require_loss(loss_fn, "loss_fn")
    whole = together(model)
    setup = TrainingSetup.of(whole, as_optimizers(optimizer), as_frozen(frozen))
    require_known_prefixes(whole, setup.frozen)
    held = as_validation(validation, loss_fn)
    return Watch(setup, every, held, behavioural_checks=behavioural_checks, on_finding=on_finding)
