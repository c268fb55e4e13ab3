"""Healthy cases for the development split, of kinds that only the held-out split had.

Added after the held-out split had missed its targets on healthy cases. They were chosen by kind (a GAN, an LSTM,
targets in other units, counts, a density, PReLU...), without knowing which of its cases had failed. Its targets, its
table by cause and one crash (PReLU) were known.
"""

from __future__ import annotations

from functools import partial

import torch
from benchmarks.faults.case import TrainingCase, rivalry
from benchmarks.faults.own import data
from benchmarks.faults.own.networks import Attention, Recurrent, Rivals, cnn, mlp
from benchmarks.faults.own.recipes import (
    adam,
    adamw,
    empty_head,
    norm_at,
    rivals,
    scaled_targets,
    sgd,
    unjudged,
)
from torch import Tensor, nn
from torch.nn import functional


def distilled(output: Tensor, target: Tensor) -> Tensor:
    """Against a teacher's softened answers."""
    teacher = 0.9 * functional.one_hot(target, 5) + 0.02
    return functional.kl_div(output.log_softmax(1), teacher, reduction="batchmean")


def density(output: Tensor, target: Tensor) -> Tensor:
    """A normal density with a mean and a log variance for every row: the loss may fall below 0."""
    mean, spread = output[:, :1], output[:, 1:]
    return functional.gaussian_nll_loss(mean, target, spread.exp())


def sentence_losses(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy place by place."""
    return functional.cross_entropy(output.transpose(1, 2).flatten(0, 1), target.flatten())


class NextByLstm(nn.Module):
    """Embedding, LSTM, linear layer, with an answer for every place."""

    def __init__(self, vocabulary: int, width: int):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.rnn = nn.LSTM(width, width, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, t) -> (n, vocabulary, t)"""
        return self.head(self.rnn(self.embed(tokens))[0]).transpose(1, 2)


entropy, mse = functional.cross_entropy, functional.mse_loss
rival_loss = functional.binary_cross_entropy_with_logits
RELATIVES = (
    TrainingCase(
        "rivals-elu",
        *(data.rounds, partial(Rivals, nn.ELU), rival_loss, rivals(adam(1e-3, betas=(0.5, 0.9)))),
        loop=rivalry,
        scored=unjudged,
    ),
    TrainingCase("lstm-wide", data.melodies, partial(Recurrent, nn.LSTM, 3, 40, 4), entropy, adam(1e-2)),
    TrainingCase("sentences-lstm", data.sentences, partial(NextByLstm, 12, 24), sentence_losses, adam(2e-2)),
    TrainingCase("words-attention-wide", data.words, partial(Attention, 50, 24, 4), entropy, adamw(3e-3)),
    TrainingCase(
        "waves-fifty", scaled_targets(data.waves, 50), partial(mlp, (2, 64, 64, 1)), mse, adam(3e-2)
    ),
    TrainingCase(
        "waves-millimetres",
        *(scaled_targets(data.waves, 1e-3), empty_head(partial(mlp, (2, 48, 1), nn.Tanh)), mse),
        sgd(0.03, 0.9),
        steps=200,
    ),
    TrainingCase(
        "counts-gelu",
        *(data.counts, partial(mlp, (6, 32, 1), nn.GELU), functional.poisson_nll_loss, adam(1e-2)),
        scored=unjudged,
    ),
    TrainingCase(
        "waves-gaussian",
        *(data.waves, partial(mlp, (2, 48, 48, 2), nn.Tanh), density, adam(1e-2)),
        scored=unjudged,
        steps=150,
    ),
    TrainingCase("blobs-distilled", data.blobs, partial(mlp, (20, 32, 5)), distilled, adam(1e-2)),
    TrainingCase(
        "cnn-data-parallel",
        *(data.images, lambda: nn.DataParallel(cnn(nn.GELU)), entropy, adam(5e-3)),
    ),
    TrainingCase("prelu-narrow", data.blobs, partial(mlp, (20, 16, 5), nn.PReLU), entropy, adam(1e-2)),
    TrainingCase(
        "blobs-clipped", data.blobs, partial(mlp, (20, 32, 5)), entropy, sgd(0.5), clip=norm_at(0.5)
    ),
    TrainingCase(
        "dropout-fifth",
        *(data.blobs, partial(mlp, (20, 48, 48, 5), dropout=0.2), entropy),
        lambda m: torch.optim.RMSprop(m.parameters(), 2e-3),
        evaluates="right",
    ),
)
