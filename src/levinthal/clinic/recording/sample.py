"""What is recorded of one training step.

Numbers stay on the device where they were computed until findings are asked for, so recording a step does not
wait for a GPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from torch import Tensor

BATCH = ("mean", "std", "fingerprint")
"""The numbers of a batch, in the order of `Sample.batch`."""
TENSOR = ("gradient", "weight", "update", "unchanged", "before_clipping")
"""The numbers of a parameter, in the order of the columns of `Sample.tensors`."""


@dataclass(slots=True)
class LossCall:
    """One call of a loss function.

    Attributes:
        kind: The name of the function.
        reduction: Its reduction.
        input_shape: The shape of its input.
        target_shape: The shape of its target.
        rows: (5,) where they were read: largest |row sum - 1| of the input, smallest value, share of exact
            zeros, number of columns, largest value.
        counts: (classes,) how often each class is a target, where targets are classes.
        target: (3,) mean and variance of targets that are numbers, and the variance of the means of rows.
        value: The loss, or the mean of the losses of the rows.
        weight: (classes,) the weights of the classes, or of the positive targets; None without weights.
        label_weights: (2, labels) as in `label_weights`, of a binary cross-entropy with logits.
        of_last_layer: Whether its input is the output of a trained layer, as `is_of_last_layer` says; read at
            detailed samples.
        smoothing: The label smoothing.
        made_by: The operation that made its input, where that should be logits: "Softmax", "Sigmoid", "Relu";
            for `nll_loss`, the one that made the input of the log-softmax; "" for any other.
        operation: The operation that made its input, as the graph names it; "" where there is none.
        fit: (6,) as in `target_fit.FIT`, of targets that are numbers, at detailed samples.
        log_target: Whether its targets are logarithms (`kl_div`).
        ignored: The class that does not count (`ignore_index`).
        kept: () the share of the targets that count, where the loop reduces losses of single targets by hand.
        least_weight: () the least weight that it gives one of them; negative ones are rewards.
        of_candidates: Whether its columns are candidates and no classes; read at detailed samples.
        is_drawn: Whether the targets were drawn in this step, as the actions of a policy are.
    """

    kind: str
    reduction: str
    input_shape: tuple[int, ...]
    target_shape: tuple[int, ...]
    rows: Tensor | None
    counts: Tensor | None = None
    target: Tensor | None = None
    value: Tensor | None = None
    weight: Tensor | None = None
    smoothing: float = 0.0
    made_by: str = ""
    operation: str = ""
    fit: Tensor | None = None
    log_target: bool = False
    ignored: int = -100
    kept: Tensor | None = None
    least_weight: Tensor | None = None
    is_drawn: bool = False
    of_candidates: bool = False
    label_weights: Tensor | None = None
    of_last_layer: bool = False

    @property
    def is_partial(self) -> bool:
        """Whether some targets do not count."""
        return self.kept is not None and float(self.kept) < 1

    @property
    def is_rewarded(self) -> bool:
        """Whether its targets are no truth to be learnt, but actions that a reward makes more likely."""
        return self.is_drawn or (self.least_weight is not None and float(self.least_weight) < 0)

    @property
    def mean(self) -> float:
        """The loss as a mean over all targets, also of a sum; nan where it is unknown, or of actions."""
        targets = math.prod(self.target_shape) if self.reduction == "sum" else 1
        if self.value is None or self.is_rewarded:
            return math.nan
        return float(self.value) / max(targets, 1)


@dataclass(slots=True)
class LayerStats:
    """What some rows of a batch show of a layer.

    Attributes:
        norm: Euclidean norm of its output.
        count: The number of values in that norm.
        live_inputs: How many inputs of an activation are outside its saturated region; None for other layers.
        live_units: How many units of an activation are so for some row; None for other layers.
        inputs: The number of inputs that were read.
        units: The number of units that were read.
        saturates: Whether the activation saturates at both ends.
        shut: Of a recurrence: gate -> () the share of its units that let nothing through, in all rows at all
            times.
    """

    norm: Tensor
    count: int
    live_inputs: Tensor | None = None
    live_units: Tensor | None = None
    inputs: int = 1
    units: int = 1
    saturates: bool = False
    shut: dict[str, Tensor] = field(default_factory=dict)

    @property
    def saturated_share(self) -> float:
        """Share of inputs in the saturated region; nan for a layer that is no activation."""
        return _share_without(self.live_inputs, self.inputs)

    @property
    def dead_share(self) -> float:
        """Share of units that are constant; nan for a layer that is no activation."""
        return _share_without(self.live_units, self.units)


def _share_without(live: Tensor | None, count: int) -> float:
    return math.nan if live is None else (count - float(live)) / max(count, 1)


@dataclass(slots=True)
class Sample:
    """One training step. Fields below `detailed` are recorded at detailed samples alone.

    Attributes:
        step: The number of the step, from 0.
        batch_size: Rows of the batch.
        loss: () the value that backward was called on.
        batch_values: (about 8,192,) evenly spaced values of a batch of floats, until `batch` is computed.
        batch: (3,) as in BATCH, of a batch of floats.
        batch_sum: () the sum of a batch of floats, to see whether all are finite. On a CPU it is read where
            the batch is, and in every step whose loss is not finite.
        names: Layers in order of execution; `kinds` and `layers` go with it.
        kinds: The class of each layer.
        layers: The statistics of each layer.
        tensors: (parameters, 5) as in TENSOR.
        losses: Calls of loss functions.
        stale: () least norm of the gradients present when a backward pass of this step began.
        norms_in_eval: Batch norms in evaluation mode.
        norm_sizes: Batch norm in training mode -> number of values it averaged over.
        rates: (parameters,) learning rates.
        without_gradient: Parameters without a gradient.
        direct_pairs: Pairs of weighted layers with nothing between them.
        dropout_rates: Place -> dropout probability.
        in_backward: Whether optimisers stepped inside the backward pass, each as soon as it had its gradient.
        training: Whether the model was in training mode.
        needs_gradient: Whether the batch needs a gradient, as coordinates do whose derivative is taken.
        broadcast: Shapes (n, 1) and (n,), in any order, of a difference or product outside the model.
        difference: (4,) of the first difference outside the model between a prediction and a target: mean and
            variance of the target, mean square and mean absolute value of the difference. None where a loss
            function was called.
        difference_operation: The operation that made the prediction of that difference.
        difference_fit: (6,) as in `LossCall.fit`, of the target of that difference.
        softmax_over_one: The shapes of the results of softmaxes over one element, or of the queries of
            attentions over one key.
        softmaxes: The number of softmaxes and attentions over more elements.
        log_softmax_inputs: (5,) as in `LossCall.rows`, of the inputs of log-softmax outside the model.
        summed: Rows of the batch, if the loss is an explicit sum over them; else 0.
        least_given: Root, norm or logarithm ("sqrt", "norm", "log") -> () the least number that it was given,
            or that the norm was. Of tensors of more than 8,192 numbers at detailed samples alone.
        token_fingerprint: () the fingerprint of a batch of tokens.
        detailed: Whether the step was sampled in detail.
        effective_ranks: Weighted layer -> effective rank of its output.
        attention: (3,) of each attention, as `attention_numbers`.
        external_update: (2,) what happened between this step and the next forward pass: the share of changed
            weights with their old value again, and the norm of all weights over what it was after the step.
        bounded: (2, read) each gradient's largest absolute value, and the share of its numbers that reach it.
        bias_gradients: (parameters,) root mean square of the gradient of each vector.
        affine_residuals: Pair of weighted layers -> share of the variance of the second one's input that no
            affine map, unit by unit, of the first one's output explains.
        gates: Recurrent module -> statistics of its gates.
        sequence_lengths: Recurrent module -> steps through time.
        carried: () the largest absolute value of a state that a recurrence begins with and that no gradient
            goes through; None where there is none.
        backwards: The number of backward passes.
        losses_until: The number of loss functions called until the end of each backward pass.
        cleared: () the least share of the gradients of one backward pass that were gone when the next one of
            this step began, with the weights as they were; None of a single pass.
        added_to: () the least share of the gradients of one backward pass that were there unchanged when the
            next one of this step began; None of a single pass.
        forwards: The number of passes of the whole model.
        hidden: (7,) as in `hidden_tokens.HIDDEN`, of each input of tokens and each loss.
        ahead: (4,) as in `token_targets.AHEAD`, of each input of tokens and each loss.
    """

    step: int
    batch_size: int = 0
    loss: Tensor | None = None
    batch_values: Tensor | None = None
    batch: Tensor | None = None
    batch_sum: Tensor | None = None
    names: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    layers: list[LayerStats] = field(default_factory=list)
    tensors: Tensor | None = None
    losses: list[LossCall] = field(default_factory=list)
    stale: Tensor | None = None
    norms_in_eval: tuple[str, ...] = ()
    norm_sizes: dict[str, int] = field(default_factory=dict)
    rates: tuple[float, ...] = ()
    without_gradient: tuple[str, ...] = ()
    direct_pairs: tuple[tuple[str, str], ...] = ()
    dropout_rates: dict[str, float] = field(default_factory=dict)
    training: bool = True
    needs_gradient: bool = False
    in_backward: bool = False
    broadcast: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    difference: Tensor | None = None
    difference_operation: str = ""
    difference_fit: Tensor | None = None
    softmax_over_one: list[tuple[int, ...]] = field(default_factory=list)
    softmaxes: int = 0
    log_softmax_inputs: list[Tensor] = field(default_factory=list)
    summed: int = 0
    least_given: dict[str, Tensor] = field(default_factory=dict)
    token_fingerprint: Tensor | None = None
    detailed: bool = False
    effective_ranks: dict[str, Tensor] = field(default_factory=dict)
    attention: list[Tensor] = field(default_factory=list)
    external_update: Tensor | None = None
    bounded: Tensor | None = None
    bias_gradients: Tensor | None = None
    affine_residuals: dict[tuple[str, str], Tensor] = field(default_factory=dict)
    gates: dict[str, LayerStats] = field(default_factory=dict)
    sequence_lengths: dict[str, int] = field(default_factory=dict)
    carried: Tensor | None = None
    backwards: int = 0
    losses_until: list[int] = field(default_factory=list)
    cleared: Tensor | None = None
    added_to: Tensor | None = None
    forwards: int = 0
    hidden: list[Tensor] = field(default_factory=list)
    ahead: list[Tensor] = field(default_factory=list)
