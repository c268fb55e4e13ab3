"""`check`: a network, its loss and one batch, before training. A verdict from nine gradient evaluations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from levinthal.clinic.failures.explained import explained
from levinthal.clinic.failures.losses import require_loss
from levinthal.clinic.findings.finding import found
from levinthal.clinic.presentation.notebook import checkup_html
from levinthal.clinic.presentation.page import write_page
from levinthal.clinic.presentation.terminal import formatted
from levinthal.clinic.recording.batch_stats import batch_numbers
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.hooks import StepRecorder
from levinthal.clinic.recording.sample import Sample
from levinthal.clinic.recording.training_setup import EQUAL_AT_INIT, TrainingSetup
from levinthal.clinic.rules import (
    activations,
    architecture,
    data,
    first_loss,
    gradient_flow,
    loss_function,
    pipeline,
)
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.diagnosis import ranked
from levinthal.errors import InputError
from levinthal.estimators import cka
from levinthal.probes.gradient_scale import gradient_scale, nonlinearity
from levinthal.probes.recording import recorded
from levinthal.probes.signal import Layer, Signal, signal
from levinthal.probes.signal_state import signal_state
from levinthal.probes.untouched import untouched
from levinthal.vocabulary import Estimate, Finding, Severity, Trust

PRODUCTS = 3
TOO_LARGE = 3.0
"""Times ln K from which the first loss counts as too large."""
RULES = (
    pipeline.graph_broken,
    pipeline.frozen_params,
    architecture.symmetric_init,
    loss_function.loss_inputs,
    architecture.normalisation,
    architecture.missing_nonlinearity,
    data.non_finite_input,
)
SIGNALS = {
    "vanishing": gradient_flow.VANISHING_GRADIENT,
    "saturated": activations.SATURATED_ACTIVATION,
    "chaotic": gradient_flow.EXPLODING_GRADIENT,
    "exploding": gradient_flow.EXPLODING_GRADIENT,
}


@dataclass(frozen=True, slots=True)
class Checkup:
    """What `check` found: findings, numbers of the whole, and of every layer."""

    findings: tuple[Finding, ...]
    numbers: Mapping[str, Estimate]
    layers: tuple[Layer, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is worse than a remark."""
        return all(finding.severity is Severity.INFO for finding in self.findings)

    def __str__(self) -> str:
        head = "Healthy." if self.is_healthy else formatted(self.findings)
        lines = [f"  {name}: {estimate}" for name, estimate in self.numbers.items()]
        return "\n".join([head, "", "Measured before training:", *lines])

    def report(self, path: str | Path, *, title: str = "the network") -> Path:
        """Write findings, numbers and figures as one self-contained page; the path it now has.

        Raises InputError where `path` is a folder, StoreError where it cannot be written.
        """
        return write_page(path, title=title, findings=self.findings, checkup=self)

    def _repr_html_(self) -> str:
        """The answer for a notebook."""
        return checkup_html(self.findings, self.numbers)


def check(
    model: nn.Module,
    loss_fn: Callable[[Any, Any], Tensor],
    batch: tuple[Any, Any],
    *,
    optimizer: torch.optim.Optimizer | None = None,
) -> Checkup:
    """Examine a network before it is trained, on one batch (inputs, targets); the model is left as it is.

    Exact checks of model, loss and batch; the first loss against ln K; how signal and gradient go through the
    layers (vanishing, saturated or chaotic), NLC and GSC from three products each, likeness of first and last
    layer. With `optimizer`, whether it holds the parameters.

    Raises InputError for a batch that is no pair, a model without parameters, or a loss that is no scalar.
    """
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise InputError(f"a batch is a pair (inputs, targets); got {type(batch).__name__}: pass both")
    inputs, targets = batch
    if isinstance(inputs, Tensor) and inputs.dim() and not len(inputs):
        raise InputError("the batch has 0 rows: give some")
    require_loss(loss_fn)
    setup = TrainingSetup.of(model, () if optimizer is None else (optimizer,))
    with untouched(model), explained(model, loss_fn, inputs, targets):
        if not model.training:
            model.train()
        chart = Context(setup, _history(setup, loss_fn, inputs, targets))
        rules = RULES if optimizer is None else (*RULES, pipeline.optimizer_detached)
        seen = [finding for rule in rules for finding in rule(chart)]
        if any(finding.code == "NON_FINITE_INPUT" for finding in seen):
            return Checkup(tuple(ranked(seen)), {}, ())
        through = signal(model, inputs, targets, loss_fn)
        numbers = _numbers(chart, model, inputs, through)
    seen += [*_on_the_way(through), *_first_loss(chart, numbers)]
    return Checkup(tuple(ranked(seen)), numbers, through.layers)


def _on_the_way(through: Signal) -> list[Finding]:
    """Signal or gradient lost or blown up between input and output."""
    state = signal_state(through)
    if state.state not in SIGNALS:
        return []
    evidence = {"state": state.state, "because": state.why}
    return [found(SIGNALS[state.state], state.where, 0, evidence)]


def _history(
    setup: TrainingSetup, loss_fn: Callable[[Any, Any], Tensor], inputs: Any, targets: Any
) -> History:
    """Two passes forward and backward that change nothing, as two samples."""
    history = History(equal_row_matrices=setup.equal_row_matrices(EQUAL_AT_INIT))
    for step in range(2):
        sample = Sample(step)
        if isinstance(inputs, Tensor) and inputs.dim():
            sample.batch_size = len(inputs)
            sample.batch = batch_numbers(inputs) if inputs.is_floating_point() else None
        with untouched(setup.model):
            setup.model.zero_grad(set_to_none=True)
            recorder = StepRecorder(setup.hooked_module)
            recorder.begin(sample)
            try:
                loss_fn(setup.model(inputs), targets).sum().backward()  # type: ignore[no-untyped-call]
            finally:
                recorder.end()
            gradients = zip(setup.names, setup.parameters, strict=True)
            sample.without_gradient = tuple(name for name, p in gradients if p.grad is None)
        history.add(sample)
    return history


def _numbers(chart: Context, model: nn.Module, inputs: Any, through: Signal) -> dict[str, Estimate]:
    loss, numbers = through.loss, {"first loss": Estimate.exact(through.loss)}
    chance = _chance(chart)
    if chance is not None:
        numbers["first loss / ln K"] = Estimate(loss / chance, trust=Trust.EXACT, details={"ln K": chance})
    if isinstance(inputs, Tensor) and inputs.is_floating_point() and len(inputs) >= 4:
        numbers["non-linearity coefficient (NLC; 1 is affine)"] = nonlinearity(
            model, inputs, products=PRODUCTS
        )
        scales = gradient_scale(model, inputs, products=PRODUCTS)
        numbers["gradient scale coefficient (GSC) of the output"] = scales["input"]
        numbers |= _likeness(model, inputs)
    return numbers


def _likeness(model: nn.Module, inputs: Tensor) -> dict[str, Estimate]:
    """CKA of the first and the last hidden layer, where there are two whose rows are the batch's."""
    with recorded(model, inputs) as taken:
        hidden = [c.output.detach().flatten(1).float() for c in taken.calls if len(c.output) == len(inputs)]
    if len(hidden) < 3:
        return {}
    name = "likeness of first and last hidden layer (CKA)"
    try:
        return {name: cka(hidden[0], hidden[-2], checks="none")}
    except InputError as error:
        return {name: Estimate(math.nan, trust=Trust.UNRELIABLE, reasons=(str(error),))}


def _chance(chart: Context) -> float | None:
    """ln K, the cross-entropy of a guess, where the loss is one of K classes."""
    calls = [call for call in chart.history.calls() if call.kind == "cross_entropy"]
    classes = [call.input_shape[1] for call in calls if len(call.input_shape) >= 2]
    return math.log(classes[0]) if classes and classes[0] > 1 else None


def _first_loss(chart: Context, numbers: Mapping[str, Estimate]) -> list[Finding]:
    """A first loss far above chance: the inputs are too large, or else the weights; all of them, and not the
    last layer's alone, where hidden layers sit on their flat part.
    """
    share = numbers.get("first loss / ln K")
    if share is None or not share.value > TOO_LARGE:
        return []
    mean, spread = (float(chart.history.batch(column)[0]) for column in ("mean", "std"))
    evidence = {"first loss / ln K": share.value, "|mean| of inputs": abs(mean), "their spread": spread}
    if abs(mean) > data.FAR_MEAN or spread > data.WIDE:
        return [found(data.INPUT_SCALE, "input", 0, evidence)]
    if activations.is_saturated_at_first(chart):
        return []
    return [found(first_loss.FIRST_LOSS_TOO_LARGE, "loss", 0, evidence)]
