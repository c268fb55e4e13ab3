"""`watch`: observe an ordinary training loop. It reads, never writes, and never raises inside the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from levinthal.clinic.failures.frozen import require_known_prefixes
from levinthal.clinic.failures.losses import require_loss
from levinthal.clinic.presentation.notebook import run_html
from levinthal.clinic.presentation.page import write_page
from levinthal.clinic.presentation.terminal import formatted
from levinthal.clinic.recording.batch_stats import batch_numbers
from levinthal.clinic.recording.external_updates import ExternalUpdates
from levinthal.clinic.recording.history import TURNS, History
from levinthal.clinic.recording.hooks import StepRecorder, is_compiled
from levinthal.clinic.recording.parameter_norms import Tensors
from levinthal.clinic.recording.recurrences import recurrent_gains
from levinthal.clinic.recording.row_reservoir import row_fingerprints
from levinthal.clinic.recording.sample import Sample
from levinthal.clinic.recording.training_setup import EQUAL_AT_INIT, TrainingSetup
from levinthal.clinic.recording.validation import LossFn, Validation, as_source
from levinthal.clinic.rules.diagnosis import diagnose
from levinthal.errors import InputError, LevinthalError, require_one_of
from levinthal.vocabulary import Finding, Severity

WHOLE = 8
"""Number of samples after which layers, weights and batches are read in turns."""
DETAIL_RATIO = 1.5
"""Ratio of the steps of two successive detailed samples, at least."""
GOLDEN = (5**0.5 - 1) / 2
NOTHING_SEEN = (
    "Nothing was seen: no training step of this model with this optimiser was sampled. Is the loop inside "
    "the `with` block, and does it call the model in training mode and then `optimizer.step()`?"
)


def sampled_step(block: int, every: int) -> int:
    """The step that is sampled in a block of `every` steps. Its place in the block follows the golden ratio,
    so that periodic events of the loop (epochs, accumulated batches) are not aliased.

    >>> [sampled_step(block, 10) for block in range(5)]
    [0, 16, 22, 38, 44]
    """
    return block * every + int(every * (block * GOLDEN % 1))


class FindingError(LevinthalError):
    """`Watch.raise_if` found a finding of the given severity or worse."""


class Watch:
    """The result of `watch`: a context manager around a training loop, and the findings after it.

    A sampled step begins with the first forward pass in training mode and ends with the optimiser's step. In
    every other step two integers are compared, and nothing else is done. One exception: the pass after a
    detailed sample reads whether the weights were changed outside the optimiser's step. `print(watch)` shows
    the findings in the terminal; a notebook shows them as HTML.

    Args:
        setup: The model, its optimisers and parameters.
        every: One step in so many is sampled.
        validation: The validation set, where there is one.

    Attributes:
        history: The sampled steps: losses, layers, gradients, weights and updates.
        failed_rules: Rules that raised when the findings were last computed, and why.
        trouble: The failure of the watch itself; it then stops recording, and the loop goes on.
    """

    def __init__(self, setup: TrainingSetup, every: int, validation: Validation | None = None) -> None:
        self.setup, self.every = setup, every
        self.history = History(
            equal_row_matrices=setup.equal_row_matrices(EQUAL_AT_INIT),
            recurrent_gains=recurrent_gains(setup.hooked_module),
            validation=validation,
        )
        self.history.rows.with_fingerprints = validation is not None
        self.failed_rules: tuple[str, ...] = ()
        self.trouble = ""
        self._step = self._due = self._block = 0
        self._sample: Sample | None = None
        self._tensors = Tensors(setup.parameters)
        self._recorder = StepRecorder(setup.hooked_module)
        self._recorder.safely = self._safely
        self._recorder.on_backward = self._backward_begins
        self._recorder.on_gradients = self._backward_is_over
        self._recorder.on_targets = self.history.rows.pair
        self._external_updates = ExternalUpdates()
        self._handles: list[RemovableHandle] = []
        self._sampled, self._next_detailed, self._weighed = 0, 0.0, False

    def __enter__(self) -> Watch:
        model, first = self.setup.model, self.setup.optimizers[0]
        self._recorder.is_disabled = is_compiled(model)
        self._handles = [
            model.register_forward_pre_hook(self._forward_begins, with_kwargs=True),
            model.register_forward_hook(self._forward_is_over),
            first.register_step_pre_hook(self._step_begins),
            first.register_step_post_hook(self._step_is_over),
        ]
        if self.history.validation is not None:
            self.history.validation.read()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._recorder.end()
        self._sample = self._external_updates.sample = None
        self._tensors.forget()
        self._safely(self._evaluate, True)

    def begin_step(self, *inputs: Any) -> None:
        """Begin a step by hand, for loops that call parts of the model and never the model itself.

        It does nothing in a step that is not sampled, or that has begun.

        Args:
            inputs: The inputs of the step, as the model would get them.
        """
        if self._handles and self._sample is None and self._step == self._due:
            self._safely(self._begin, inputs, {})
            if not self._recorder.is_disabled:
                self._safely(self._recorder.join)  # the model itself may never be called

    def findings(self) -> list[Finding]:
        """The findings so far: causes before their symptoms, the most important first.

        Returns:
            A list of Finding; empty for a healthy run.
        """
        if self._handles and self._sample is None:
            self._safely(self._evaluate)
        failed = list[str]()
        found = diagnose(self.setup, self.history, failed.append)
        self.failed_rules = tuple(failed)
        return found

    def __str__(self) -> str:
        """The findings for a terminal."""
        found = self.findings()
        lines = [formatted(found) if found or len(self.history) else NOTHING_SEEN]
        held = self.history.validation.trouble if self.history.validation else ""
        lines += [f"The watch ended early: {self.trouble}"] if self.trouble else []
        lines += [f"The validation data were not evaluated: {held}"] if held else []
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
            findings=self.findings(),
            history=self.history,
            setup=self.setup,
            provenance={"sampled": "every step" if self.every == 1 else f"one step in {self.every:,}"},
            notice=f"The watch ended early: {self.trouble}" if self.trouble else "",
        )

    def _repr_html_(self) -> str:
        """The findings for a notebook."""
        return run_html(self.findings(), self.history, self.setup)

    def _evaluate(self, last: bool = False) -> None:
        """Evaluate the validation set, if there is one and an evaluation is due."""
        validation, calls = self.history.validation, [s.losses for s in self.history.samples[-1:]]
        if validation is not None and calls:
            kind = calls[0][0].kind if calls[0] else ""
            step = max(self._step - 1, 0)
            validation.evaluate(self.setup.hooked_module, step, self.history.rows, kind, last=last)

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

    def _safely(self, function: Callable[..., None], *args: Any) -> None:
        """Call a function; its failure is noted and ends the recording instead of the user's training."""
        if self.trouble:
            return
        try:
            with torch._C.DisableTorchFunction():  # else every operation comes back to the recorder
                function(*args)
        except Exception as error:
            self.trouble = f"{type(error).__name__}: {error}"
            self._sample = None
            self._recorder.end()

    def _forward_begins(self, model: nn.Module, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        if torch.compiler.is_compiling():  # the whole step is compiled, and this call would be with it
            return
        if not torch.is_grad_enabled():
            self.history.evaluated_in_train += model.training
        else:
            if self._external_updates.sample is not None:
                self._safely(self._external_updates.read)
            if self._sample is None and self._step == self._due:
                self._safely(self._begin, args, words)

    def _forward_is_over(self, *_: Any) -> None:
        if self._sample is not None and not torch.compiler.is_compiling():
            self._safely(self._recorder.forward_done)

    def _step_begins(self, _: Optimizer, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        """Stop recording before the optimiser's own arithmetic, but not before the passes of a closure."""
        if self._sample is None or self._sample.loss is None:
            return
        if not any(map(callable, (*args, *words.values()))):  # else the last pass of an accumulated step, say
            self._safely(self._recorder.end)

    def _step_is_over(self, *_: Any) -> None:
        self._step += 1
        if self._sample is not None:
            self._safely(self._after_step, self._sample)
        if self._step > self._due:
            self._block += 1
            self._due = sampled_step(self._block, self.every)

    def _begin(self, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        self._sample = Sample(self._step, training=self.setup.model.training)
        if self._step >= self._next_detailed:
            self._sample.detailed, self._next_detailed = True, DETAIL_RATIO * self._step + 1
        whole, turn = self._sample.detailed or self._sampled < WHOLE, self._sampled % TURNS
        layers, self._weighed, batch = whole or turn == 0, whole or turn == 1, whole or turn == 2
        if self._weighed:
            self._tensors.begin()
        first = next((a for a in (*args, *words.values()) if isinstance(a, Tensor) and a.dim()), None)
        if first is not None:
            self._sample.batch_size = len(first)
            self._sample.batch = batch_numbers(first, whole=batch) if first.is_floating_point() else None
            if not first.is_floating_point():
                self._sample.token_fingerprint = row_fingerprints(first.reshape(1, -1))[0]
        self.history.rows.offer(args, words)
        self._sampled += 1
        self._recorder.begin(self._sample, layers=layers)

    def _backward_begins(self) -> None:
        if self._weighed:
            self._tensors.backward_begins()

    def _backward_is_over(self) -> None:
        if self._sample is None or not self._weighed:
            return
        left = self._tensors.backward_is_over()
        if self._step > 0:
            # of several passes (accumulation, a GAN) the least: a forgotten zero_grad leaves some in each
            known = self._sample.stale
            self._sample.stale = left if known is None else torch.minimum(known, left)

    def _after_step(self, sample: Sample) -> None:
        self._recorder.end()
        sample.rates = self.setup.rates()
        named = zip(self.setup.names, self.setup.parameters, strict=True)
        sample.without_gradient = tuple(name for name, p in named if p.grad is None)
        if sample.detailed:
            self._external_updates.begin(sample, self._tensors)
            sample.bounded, sample.bias_gradients = self._tensors.bounded(), self._tensors.bias_gradients()
        sample.tensors = self._tensors.columns(rounding=sample.detailed) if self._weighed else None
        self.history.add(sample)
        if len(self.history) == 2 and self.history.equal_row_matrices:
            self.history.row_distances = self.setup.row_distances(self.history.equal_row_matrices)
        self.history.rows.keep()
        self._sample = None
        self._evaluate()


def watch(
    model: nn.Module,
    optimizer: Optimizer | Sequence[Optimizer],
    *,
    loss_fn: LossFn | None = None,
    every: int = 10,
    validation: Any = None,
    frozen: Iterable[str] = (),
) -> Watch:
    """Watch an ordinary training loop: `with watch(model, optimizer) as w: ...`, then `w.findings()`.

    The training is bit-identical with and without the watch, and no hook is left behind.

    Args:
        model: The network that the loop trains.
        optimizer: Its optimiser, or several; the steps of the first one are counted.
        loss_fn: The loss (output, targets) -> scalar tensor that evaluates the validation rows. Default: the
            loss function of torch that the loop calls.
        every: One step in so many is sampled, at a place that changes from one block of steps to the next.
        validation: A pair (inputs, targets), or an iterable of such pairs, for example a DataLoader. Up to
            2,048 rows (and 128 MiB) are read once, on entering. About ten times a run the model is evaluated
            on them and on rows that it was trained on.
        frozen: Prefixes of the names of parameters that are meant to stay as they are.

    Returns:
        A Watch, to be used in a `with` statement.

    Raises:
        InputError: No model, no optimiser, or no parameters; `every` below 1; a prefix that matches no
            parameter; validation data that can be read only once.

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
    given: Any = optimizer  # of any type: `TrainingSetup.of` refuses anything but optimisers
    several = isinstance(given, Iterable) and not isinstance(given, Optimizer)
    optimizers: tuple[Optimizer, ...] = tuple(given) if several else (given,)
    if not isinstance(every, Integral) or every < 1:
        raise InputError(f"every={every!r}: give the number of steps between samples, 1 or more")
    if not optimizers:
        raise InputError("0 optimisers: pass the one, or the ones, that train the model")
    if loss_fn is not None:
        require_loss(loss_fn, "loss_fn")
    setup = TrainingSetup.of(model, optimizers, (frozen,) if isinstance(frozen, str) else tuple(frozen))
    require_known_prefixes(model, setup.frozen)
    held = None if validation is None else Validation(as_source(validation), loss_fn)
    return Watch(setup, every, held)
