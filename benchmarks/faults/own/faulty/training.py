"""Faults of training: learning rates, gradients, activations, regularisation."""

from __future__ import annotations

import torch
from benchmarks.faults.inject import (
    Row,
    another,
    both,
    clipped,
    clipped_values,
    groups,
    last,
    loss,
    model_of,
    rate,
    row,
    rows,
    schedule,
    settings,
    weights,
)
from benchmarks.faults.own.faulty.losses import log_of_zero, root_at_zero
from benchmarks.faults.own.faulty.operators import (
    Forgotten,
    biased,
    deep,
    dropping,
    half_precision,
    l2_by_hand,
    loud_recurrence,
    louder_blocks,
    louder_head,
    more_dropout,
    negative,
    norm_by_hand,
    shuffled_labels,
    wild_biases,
)
from benchmarks.faults.own.networks import mlp
from torch import nn

TRAININGS: tuple[Row, ...] = (
    row("EXCESS_WEIGHT_DECAY", "SGD, 1", groups(weight_decay=1.0), "mlp-relu-sgd mlp-weight-decay"),
    row("EXCESS_WEIGHT_DECAY", "momentum, .3", groups(weight_decay=0.3), "cnn-tanh-sgd mlp-selu-nesterov"),
    row("EXCESS_WEIGHT_DECAY", "Adam's L2, 5", groups(weight_decay=5.0), "rings-relu gru mlp-relu-adam"),
    row(
        "EXCESS_WEIGHT_DECAY", "AdamW, 50", groups(weight_decay=50.0), "mlp-adamw-decay-tenth mlp-gelu-adamw"
    ),
    row("EXCESS_WEIGHT_DECAY", "in the loss", l2_by_hand, "mlp-elu-adagrad mlp-weight-decay"),
    row("LR_TOO_HIGH", "SGD x 100", rate(100), "mlp-relu-sgd blobs-small-start"),
    row("LR_TOO_HIGH", "SGD x 30", rate(30), "cnn-tanh-sgd mlp-selu-nesterov ramps-linear"),
    row("LR_TOO_HIGH", "Adam x 300", rate(300), "mlp-wide mlp-relu-adam"),
    row("LR_TOO_HIGH", "Adam x 50", rate(50), "rings-relu gru attention-words lstm"),
    row("LR_TOO_HIGH", "AdamW x 100", rate(100), "mlp-adamw-decay-tenth attention-sentences"),
    row("LR_TOO_LOW", "SGD / 1e5", rate(1e-5), "mlp-relu-sgd mlp-tanh-orthogonal"),
    row("LR_TOO_LOW", "SGD / 1000", rate(1e-3), "cnn-tanh-sgd mlp-selu-nesterov"),
    row("LR_TOO_LOW", "Adam / 1e4", rate(1e-4), "gru mlp-relu-adam waves-tanh"),
    row("LR_TOO_LOW", "Adam / 100", rate(1e-2), "rings-relu attention-words cnn-relu-adam"),
    row("LR_DECAYED", "half every step", schedule(lambda i: 0.5**i), "mlp-relu-sgd lstm"),
    row(
        "LR_DECAYED",
        "linear to 0 in 8 steps",
        schedule(lambda i: max(0.0, 1 - i / 8)),
        "rings-relu attention-words waves-tanh",
    ),
    row(
        "LR_DECAYED",
        "a tenth every 5 steps",
        schedule(lambda i: 0.1 ** (i // 5)),
        "gru mlp-relu-adam cnn-tanh-sgd",
    ),
    row(
        "UPDATE_LOST_TO_ROUNDING",
        "bfloat16, SGD",
        both(half_precision(torch.bfloat16), rate(0.1), settings(steps=300)),
        "mlp-relu-sgd mlp-weight-decay",
    ),
    row(
        "UPDATE_LOST_TO_ROUNDING",
        "bfloat16, Adam",
        both(half_precision(torch.bfloat16), rate(0.05), settings(steps=250)),
        "mlp-wide rings-tanh",
    ),
    row(
        "UPDATE_LOST_TO_ROUNDING",
        "bfloat16, slow Adam",
        both(half_precision(torch.bfloat16), rate(0.025), settings(steps=300)),
        "blobs-tanh-adam cnn-relu-adam",
    ),
    row("EXPLODING_GRADIENT", "relu, gain 4", deep(nn.ReLU, 10, 4.0), "mlp-relu-sgd mlp-relu-adam"),
    row("EXPLODING_GRADIENT", "leaky, gain 3", deep(nn.LeakyReLU, 14, 3.0), "mlp-tanh-sgd mlp-selu-nesterov"),
    row("EXPLODING_GRADIENT", "recurrence", loud_recurrence("relu", 3.0), "rnn-written-out lstm gru"),
    row(
        "EXPLODING_GRADIENT",
        "residual without norm",
        model_of(lambda m: louder_blocks(m)),
        "resnet-rows-plain resnet-rows",
    ),
    row("NON_FINITE_LOSS", "log of 0", loss(log_of_zero), "mlp-relu-sgd rings-gelu"),
    row("NON_FINITE_LOSS", "a root at 0", loss(root_at_zero), "blobs-relu cnn-batch-norm"),
    row("NON_FINITE_LOSS", "over a spread of 0", last(norm_by_hand), "gru mlp-dropout-half"),
    row(
        "FIRST_LOSS_TOO_LARGE",
        "a loud head",
        model_of(lambda m: louder_head(m, 100.0)),
        "mlp-tanh-sgd rings-gelu",
    ),
    row(
        "FIRST_LOSS_TOO_LARGE",
        "wild biases",
        model_of(lambda m: wild_biases(m, 30.0)),
        "rings-relu gru mlp-relu-adam",
    ),
    row("VANISHING_GRADIENT", "sigmoid, 8 layers", deep(nn.Sigmoid, 8, 1.0), "mlp-tanh-sgd mlp-relu-adam"),
    row("VANISHING_GRADIENT", "sigmoid, 5 layers", deep(nn.Sigmoid, 5, 1.0), "mlp-relu-sgd mlp-weight-decay"),
    row("VANISHING_GRADIENT", "tanh, gain .3", deep(nn.Tanh, 8, 0.3), "mlp-relu-sgd mlp-selu-nesterov"),
    row("VANISHING_GRADIENT", "relu, gain .4", deep(nn.ReLU, 10, 0.4), "mlp-tanh-sgd mlp-clipped"),
    row(
        "SATURATED_ACTIVATION", "tanh, weights x 20", weights(lambda p: p.mul_(20)), "mlp-tanh-sgd rings-tanh"
    ),
    row(
        "SATURATED_ACTIVATION", "sigmoid, weights x 30", weights(lambda p: p.mul_(30)), "mlp-sigmoid-shallow"
    ),
    row(
        "SATURATED_ACTIVATION", "sigmoid, N(0, 9)", deep(nn.Sigmoid, 2, 24.0), "mlp-relu-sgd mlp-weight-decay"
    ),
    row(
        "SATURATED_ACTIVATION",
        "tanh, biases of 4",
        model_of(lambda m: biased(m, 4.0)),
        "mlp-tanh-orthogonal cnn-tanh-sgd",
    ),
    row(
        "DEAD_RELU",
        "biases of -10",
        model_of(lambda m: biased(m, -10.0)),
        "mlp-relu-sgd mlp-relu-adam cnn-relu-adam",
    ),
    row(
        "DEAD_RELU",
        "biases of -2",
        model_of(lambda m: biased(m, -2.0)),
        "mlp-relu-depth-six mlp-dropout-tenth blobs-small-start",
    ),
    row("DEAD_RELU", "negative weights", weights(negative, lambda p: p.sub_(0.1)), "mlp-wide mlp-relu-adam"),
    row("OVER_CLIPPING", "norm 1e-5", clipped(1e-5), "mlp-relu-sgd mlp-clipped"),
    row("OVER_CLIPPING", "norm 1e-3", clipped(1e-3), "cnn-tanh-sgd mlp-weight-decay"),
    row("OVER_CLIPPING", "values 1e-6", clipped_values(1e-6), "mlp-tanh-sgd mlp-selu-nesterov"),
    row("EXCESS_DROPOUT", "p .97", dropping(0.97), "mlp-tanh-sgd mlp-gelu-adamw"),
    row("EXCESS_DROPOUT", "p .9, twice", dropping(0.9), "rings-relu cnn-relu-adam mlp-relu-adam"),
    row("EXCESS_DROPOUT", "raised to .95", more_dropout(0.95), "mlp-dropout-half mlp-dropout-tenth"),
    row(
        "EXCESS_DROPOUT",
        "a function",
        model_of(lambda m: Forgotten(m, 0.95)),
        "mlp-relu-sgd mlp-silu-rmsprop",
    ),
    row(
        "UNDERFIT",
        "one unit",
        another(lambda: mlp((64, 1, 10), nn.Tanh)),
        "mlp-tanh-sgd mlp-selu-nesterov",
        also=("NARROW_LAYER",),
    ),
    row("UNDERFIT", "linear on rings", another(lambda: nn.Linear(2, 3)), "rings-relu rings-gelu"),
    row(
        "UNDERFIT",
        "labels shuffled",
        rows(shuffled_labels),
        "blobs-relu cnn-relu-adam mlp-relu-sgd",
        also=("LABELS_UNRELATED",),
    ),
)
