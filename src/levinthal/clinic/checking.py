"""`check`: a network, its loss and one batch, before training: nine gradient evaluations and five passes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from levinthal.clinic.checkup import Checkup
from levinthal.clinic.failures.explained import explained
from levinthal.clinic.failures.losses import require_loss
from levinthal.clinic.findings.finding import found
from levinthal.clinic.recording.batch_stats import batch_sum, batch_values
from levinthal.clinic.recording.behaviour import Behaviour
from levinthal.clinic.recording.behaviour_passes import behaviour as read_behaviour
from levinthal.clinic.recording.calls import is_compiled
from levinthal.clinic.recording.given_batch import as_the_model_takes
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.hooks import StepRecorder
from levinthal.clinic.recording.outside_leaves import outside_leaves
from levinthal.clinic.recording.sample import Sample
from levinthal.clinic.recording.training_setup import EQUAL_AT_INIT, TrainingSetup
from levinthal.clinic.rules import (
    activations,
    architecture,
    behaviour,
    data,
    first_loss,
    frozen,
    gradient_flow,
    loss_function,
    loss_input,
    pipeline,
    signs_and_labels,
    targets,
    wiring,
)
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.diagnosis import ranked
from levinthal.errors import InputError
from levinthal.estimators import cka
from levinthal.probes.gradient_scale import gradient_scale, nonlinearity
from levinthal.probes.recording import recorded
from levinthal.probes.signal import Signal, signal
from levinthal.probes.signal_state import signal_state
from levinthal.probes.untouched import untouched
from levinthal.user_data import require_module
from levinthal.vocabulary import Estimate, Finding, Trust

SIDES = ("inputs", "targets")
PRODUCTS, TOO_LARGE = 3, 3.0
"""Jacobian-vector products of each of the two coefficients; the first loss over ln K that is too large."""
RULES = (
    pipeline.graph_broken,
    frozen.frozen_params,
    wiring.unregistered_parameters,
    architecture.symmetric_init,
    loss_function.loss_inputs,
    loss_input.wrong_input,
    loss_input.softmax_over_one,
    loss_input.maximised_loss,
    targets.targets_out_of_range,
    signs_and_labels.no_signs,
    signs_and_labels.no_path,
    targets.several_labels,
    targets.target_scale,
    architecture.normalisation,
    architecture.missing_nonlinearity,
    data.non_finite_input,
    behaviour.rows_mixed,
    behaviour.future_seen,
    behaviour.input_ignored,
    behaviour.random_evaluation,
)
SIGNALS = {
    "vanishing": gradient_flow.VANISHING_GRADIENT,
    "saturated": activations.SATURATED_ACTIVATION,
    "chaotic": gradient_flow.EXPLODING_GRADIENT,
    "exploding": gradient_flow.EXPLODING_GRADIENT,
}


def check(
    model: nn.Module,
    loss_fn: Callable[[Any, Any], Tensor],
    batch: tuple[Any, Any],
    *,
    optimizer: torch.optim.Optimizer | None = None,
) -> Checkup:
    """Examine a network on one batch before it is trained. The model is left as it was, to the bit.

    The check covers: exact tests of model, loss and batch; the first loss against ln K; whether signal and
    gradient vanish, explode or saturate on the way through the layers; the nonlinearity coefficient (NLC) and
    the gradient scale coefficient (GSC), from three products each; the similarity of the first and the last
    hidden layer (CKA); with `optimizer`, whether it holds the parameters.

    Args:
        model: The network; its mode, gradients, buffers and hooks are restored.
        loss_fn: A function or module (outputs, targets) -> scalar tensor.
        batch: The pair (inputs, targets), as the training loop passes them to model and loss. Rows are on
            the first axis of both. Arrays and lists of numbers become tensors: floats in the dtype of the
            model, whole numbers as int64, on its device.
        optimizer: The optimiser that is to train the model.

    Returns:
        A Checkup: findings, numbers of the network, and statistics of each layer. NLC (1 for an affine
        network) and GSC have no unit; the first loss is in the unit of the loss.

    Raises:
        InputError: The batch is not a pair or has no rows; the model has no parameters; the loss is not a
            scalar; or the batch does not fit a layer or the loss, which the line names.

    GSC: Philipp, Song & Carbonell (2017, arXiv 1712.05577). NLC: Philipp & Carbonell (2018, arXiv
    1806.00179). CKA: Kornblith et al. (2019, arXiv 1905.00414).

    >>> import levinthal, torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.Softmax(1))
    >>> batch = torch.randn(64, 8), torch.arange(64) % 4
    >>> checkup = levinthal.check(model, torch.nn.functional.cross_entropy, batch)
    >>> [finding.code for finding in checkup.findings]
    ['DOUBLE_SOFTMAX']
    """
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        raise InputError(f"a batch is a pair (inputs, targets); got {type(batch).__name__}: pass both")
    require_module(model)
    inputs, targets = (as_the_model_takes(*side) for side in zip(batch, (model, model), SIDES, strict=True))
    if isinstance(inputs, Tensor) and inputs.dim() and not len(inputs):
        raise InputError("the batch has 0 rows: pass at least one")
    require_loss(loss_fn)
    setup = TrainingSetup.of(model, () if optimizer is None else (optimizer,))
    with untouched(model), explained(model, loss_fn, inputs, targets):
        if not model.training:
            model.train()
        context = Context(setup, _history(setup, loss_fn, inputs, targets))
        context.history.behaviour = _behaviour(model, inputs, targets)
        rules = RULES if optimizer is None else (*RULES, pipeline.optimizer_detached)
        seen = [finding for rule in rules for finding in rule(context)]
        if any(finding.code == "NON_FINITE_INPUT" for finding in seen):
            return Checkup(tuple(ranked(seen)), {}, ())
        through = signal(model, inputs, targets, loss_fn)
        numbers = _numbers(context, model, inputs, through)
    seen += [*_signal_findings(through, model, context.history), *_first_loss(context, numbers)]
    return Checkup(tuple(ranked(seen)), numbers, through.layers)


def _behaviour(model: nn.Module, inputs: Any, targets: Any) -> Behaviour | None:
    """How the outputs depend on the inputs; None where a copy of the model cannot be passed."""
    try:
        return read_behaviour(model, (inputs,), {}, targets if isinstance(targets, Tensor) else None)
    except Exception:  # the model itself has passed already: only its copy fails
        return None


def _signal_findings(through: Signal, model: nn.Module, history: History) -> list[Finding]:
    """Signal or gradient that vanishes or explodes between input and output."""
    state = signal_state(through)
    weighted = [layer for layer in through.layers if layer.weighted and layer.parameter_gradient is not None]
    hidden = weighted and not any(float(layer.backward_scale) > 0 for layer in weighted[:-1])
    reached = all(float(layer.parameter_gradient or 0) > 0 for layer in weighted)
    # the last state of a recurrence may be read, not its output; a layer of zeros passes nothing on yet
    waits = any(p.dim() > 1 and not p.any() for p in model.parameters())
    if state.state not in SIGNALS or (state.state == "vanishing" and hidden and (reached or waits)):
        return []
    if state.state == "vanishing" and (dead := activations.dead_before_training(history)):
        return dead
    return [found(SIGNALS[state.state], state.where, 0, {"state": state.state, "because": state.why})]


def _history(
    setup: TrainingSetup, loss_fn: Callable[[Any, Any], Tensor], inputs: Any, targets: Any
) -> History:
    """Two forward and backward passes that change nothing, as two samples."""
    history = History(equal_row_matrices=setup.equal_row_matrices(EQUAL_AT_INIT))
    for step in range(2):
        sample = Sample(step, detailed=True)
        if isinstance(inputs, Tensor) and inputs.dim():
            sample.batch_size = len(inputs)
            if inputs.is_floating_point():
                sample.batch_values, sample.batch_sum = batch_values(inputs), batch_sum(inputs)
        with untouched(setup.model):
            setup.model.zero_grad(set_to_none=True)
            recorder = StepRecorder(setup.hooked_module)
            recorder.begin(sample)
            try:
                outputs = setup.model(inputs)
                recorder.forward_done()  # what follows is outside of the model, as in a loop
                _note_outside_leaves(history, setup, inputs, outputs)
                loss_fn(outputs, targets).sum().backward()  # type: ignore[no-untyped-call]
                del outputs
            finally:
                recorder.end()
            gradients = zip(setup.names, setup.parameters, strict=True)
            sample.without_gradient = tuple(name for name, p in gradients if p.grad is None)
            history.row_movements = setup.row_gradients(history.equal_row_matrices)
        history.add(sample)
    return history


def _note_outside_leaves(history: History, setup: TrainingSetup, inputs: Any, outputs: Any) -> None:
    """At the first pass, what the output is made from; at the second, what of it is gone."""
    if history.outside_leaves is None and not is_compiled(setup.model) and not setup.is_sharded:
        history.outside_leaves = outside_leaves(setup, (inputs,), {}, outputs)
    for leaf in history.outside_leaves or ():
        leaf.look_again()


def _numbers(context: Context, model: nn.Module, inputs: Any, through: Signal) -> dict[str, Estimate]:
    loss, numbers = through.loss, {"first loss": Estimate.exact(through.loss)}
    chance = _chance(context)
    if chance is not None:
        numbers["first loss / ln K"] = Estimate(loss / chance, trust=Trust.EXACT, details={"ln K": chance})
    if isinstance(inputs, Tensor) and inputs.is_floating_point() and len(inputs) >= 4:
        numbers["non-linearity coefficient (NLC; 1 is affine)"] = nonlinearity(
            model, inputs, products=PRODUCTS
        )
        scales = gradient_scale(model, inputs, products=PRODUCTS)
        numbers["gradient scale coefficient (GSC) of the output"] = scales["input"]
        numbers |= _similarity(model, inputs)
    return numbers


def _similarity(model: nn.Module, inputs: Tensor) -> dict[str, Estimate]:
    """CKA of the first and the last hidden layer, where two keep one row for each of the batch."""
    with recorded(model, inputs) as taken:
        hidden = [c.output.detach().flatten(1).float() for c in taken.calls if len(c.output) == len(inputs)]
    if len(hidden) < 3:
        return {}
    name = "similarity of first and last hidden layer (CKA)"
    try:
        return {name: cka(hidden[0], hidden[-2], checks="none")}
    except InputError as error:
        return {name: Estimate(math.nan, trust=Trust.UNRELIABLE, reasons=(str(error),))}


def _chance(context: Context) -> float | None:
    """ln K, the cross-entropy at chance level, where the loss is one of K classes."""
    calls = [c for c in context.history.calls() if c.kind == "cross_entropy" and len(c.input_shape) >= 2]
    return math.log(calls[0].input_shape[1]) if calls and calls[0].input_shape[1] > 1 else None


def _first_loss(context: Context, numbers: Mapping[str, Estimate]) -> list[Finding]:
    """A first loss far above chance level, by the inputs or the last layer; not where a layer saturates."""
    ratio = numbers.get("first loss / ln K")
    if ratio is None or not ratio.value > TOO_LARGE:
        return []
    mean, deviation = (float(context.history.batch(column)[0]) for column in ("mean", "std"))
    evidence = {"first loss / ln K": ratio.value, "|mean| of inputs": abs(mean), "their deviation": deviation}
    if abs(mean) > data.FAR_MEAN or deviation > data.WIDE:
        return [found(data.INPUT_SCALE, "input", 0, evidence)]
    if activations.is_saturated_at_first(context):
        return []
    return [found(first_loss.FIRST_LOSS_TOO_LARGE, "loss", 0, evidence)]
