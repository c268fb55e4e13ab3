"""Healthy convolutions, sequence models and regressions: different losses, optimisers, loops and sizes."""

from __future__ import annotations

from functools import partial

import torch
from benchmarks.faults.case import TrainingCase, rivalry
from benchmarks.faults.own import data
from benchmarks.faults.own.networks import (
    Attention,
    Bag,
    NextWord,
    OwnAttention,
    OwnRecurrence,
    Recurrent,
    Residual,
    ResidualImages,
    Rivals,
    TiedAutoencoder,
    cnn,
    mlp,
)
from benchmarks.faults.own.recipes import (
    Scaled,
    adam,
    adamw,
    continued,
    empty_head,
    keep_norms,
    norm_at,
    of_trainable,
    relative_squares,
    rivals,
    scaled_targets,
    sgd,
    squares_by_hand,
    unjudged,
)
from torch import nn
from torch.nn import functional

FLAT, STANDARD, IMAGES = data.digits, data.standard_digits, data.images
bce, mse = functional.binary_cross_entropy_with_logits, functional.mse_loss
huber, entropy = functional.huber_loss, functional.cross_entropy
gelu_wide = partial(mlp, (64, 128, 128, 10), nn.GELU)
deep_norm = partial(mlp, (64, *(32,) * 8, 10), nn.ReLU, nn.BatchNorm1d)

NORMED = TrainingCase(
    "cnn-batch-norm",
    IMAGES,
    partial(cnn, norm=nn.BatchNorm2d),
    entropy,
    sgd(0.05, 0.9),
    evaluates="right",
)
CONVOLUTIONS = (
    TrainingCase("cnn-relu-adam", IMAGES, cnn, entropy, adam(5e-3)),
    TrainingCase("cnn-tanh-sgd", IMAGES, partial(cnn, nn.Tanh), entropy, sgd(0.05, 0.9), batch=16),
    NORMED,
    TrainingCase(
        "cnn-group-norm", IMAGES, partial(cnn, nn.SiLU, partial(nn.GroupNorm, 4)), entropy, adam(3e-3)
    ),
    TrainingCase(
        "cnn-instance-norm",
        IMAGES,
        partial(cnn, norm=partial(nn.InstanceNorm2d, affine=True)),
        entropy,
        adam(5e-3),
    ),
    TrainingCase(
        "cnn-fine-tuned",
        IMAGES,
        continued(NORMED),
        entropy,
        of_trainable(torch.optim.Adam, 1e-4),
        prepare=keep_norms,
        frozen=("1.", "5."),
    ),
    TrainingCase("resnet-images", IMAGES, ResidualImages, entropy, adam(3e-3), evaluates="right"),
    TrainingCase("resnet-rows", STANDARD, partial(Residual, 64, 32, 4, 10), entropy, adam(2e-3)),
    TrainingCase(
        "resnet-rows-plain", STANDARD, partial(Residual, 64, 32, 3, 10, nn.Identity), entropy, sgd(0.02, 0.9)
    ),
)
SEQUENCES = (
    TrainingCase("gru", data.melodies, partial(Recurrent, nn.GRU, 3, 24, 4), entropy, adam(1e-2)),
    TrainingCase(
        "lstm", data.melodies, partial(Recurrent, nn.LSTM, 3, 24, 4), entropy, adam(1e-2), clip=norm_at(1)
    ),
    TrainingCase(
        "rnn-written-out", data.melodies, partial(OwnRecurrence, 3, 24, 4), entropy, adam(1e-2), steps=200
    ),
    TrainingCase(
        "gru-two-layers",
        data.melodies,
        partial(Recurrent, nn.GRU, 3, 16, 4, num_layers=2),
        entropy,
        adam(2e-2),
    ),
    TrainingCase("attention-words", data.words, partial(Attention, 50, 16, 4), entropy, adam(5e-3)),
    TrainingCase(
        "attention-sentences",
        data.sentences,
        partial(Attention, 12, 16, 12, each=True),
        entropy,
        adamw(5e-3),
        steps=120,
    ),
    TrainingCase(
        "attention-own", data.long_melodies, partial(OwnAttention, 3, 24, 3), entropy, adam(5e-3), steps=120
    ),
    TrainingCase("bag-of-words", data.words, partial(Bag, 50, 16, 4), entropy, adam(2e-2)),
    TrainingCase("bag-of-words-sparse", data.words, partial(Bag, 50, 16, 4, sparse=True), entropy, sgd(2.0)),
    TrainingCase("next-word-tied", data.sentences, partial(NextWord, 12, 24), entropy, adam(1e-2)),
)
REGRESSIONS = (
    TrainingCase("waves-tanh", data.waves, partial(mlp, (2, 32, 32, 1), nn.Tanh), mse, adam(1e-2), steps=150),
    TrainingCase("waves-relu-huber", data.waves, partial(mlp, (2, 48, 48, 1)), huber, adam(5e-3), steps=150),
    TrainingCase(
        "waves-by-hand", data.waves, partial(mlp, (2, 48, 48, 1), nn.GELU), squares_by_hand, adam(1e-2)
    ),
    TrainingCase("ramps-linear", data.ramps, lambda: nn.Linear(12, 1), mse, sgd(0.1)),
    TrainingCase("ramps-l1", data.ramps, partial(mlp, (12, 24, 1)), functional.l1_loss, adam(1e-2)),
    TrainingCase(
        "ramps-tiny-targets",
        scaled_targets(data.ramps, 1e-3),
        empty_head(partial(mlp, (12, 24, 1), nn.Tanh)),
        mse,
        sgd(0.1, 0.9),
    ),
    TrainingCase(
        "ramps-huge-targets",
        scaled_targets(data.ramps, 1e4),
        lambda: Scaled(mlp((12, 32, 1)), 1e4),
        relative_squares,
        adam(1e-2),
    ),
    TrainingCase(
        "ramps-targets-fifty", scaled_targets(data.ramps, 50), partial(mlp, (12, 64, 1)), mse, adam(5e-2)
    ),
    TrainingCase(
        "counts-poisson",
        data.counts,
        partial(mlp, (6, 24, 1), nn.Tanh),
        functional.poisson_nll_loss,
        adam(1e-2),
        scored=unjudged,
    ),
    TrainingCase("autoencoder", data.pixels, partial(mlp, (64, 32, 12, 32, 64)), mse, adam(1e-2), steps=150),
    TrainingCase("autoencoder-tied", data.pixels, partial(TiedAutoencoder, 64, 16), mse, adam(1e-2)),
    TrainingCase(
        "rivals",
        data.rounds,
        Rivals,
        bce,
        rivals(adam(2e-3, betas=(0.5, 0.99))),
        loop=rivalry,
        batch=64,
        scored=unjudged,
    ),
    TrainingCase(
        "rivals-squares",
        data.rounds,
        partial(Rivals, nn.Tanh),
        mse,
        rivals(adam(1e-3, betas=(0.5, 0.99))),
        loop=rivalry,
        scored=unjudged,
    ),
)
