"""Healthy cases of the first blind suite: images, sequences, sets and graphs."""

from __future__ import annotations

from functools import partial

import torch
from benchmarks.faults.blind_1 import losses
from benchmarks.faults.blind_1.data.structured import (
    adding,
    chain,
    copied,
    discs,
    drifting,
    graphs,
    grey,
    in_order,
    keyword_order,
    lines_of_digits,
    reversed_tokens,
    running_sums,
    seasons,
    sets,
    shapes,
    signals,
    smudged,
    spoken,
    topics,
    two_digits,
)  # fmt: skip
from benchmarks.faults.blind_1.loops import adam, adamw, by, cut_out, ramp_and_line, shaped
from benchmarks.faults.blind_1.losses import cross, squares
from benchmarks.faults.blind_1.networks.structured import (
    Encoder,
    Mixer,
    NextBlock,
    OfGraphs,
    OfSets,
    Recurrence,
    Spectral,
    Squeezed,
    Teller,
    Temporal,
    Twins,
    UNet,
    Weighed,
    stack,
)  # fmt: skip
from benchmarks.faults.blind_1.networks.vectors import dense
from benchmarks.faults.case import TrainingCase
from torch import nn

optim = torch.optim


class Bag(nn.Module):
    """The mean of word vectors, and a small network."""

    def __init__(self, words: int, width: int, outputs: int, sparse: bool = False):
        super().__init__()
        self.words, self.end = nn.EmbeddingBag(words, width, sparse=sparse), dense(width, 24, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, length) -> (n, outputs)"""
        return self.end(self.words(x))


def squeezed() -> nn.Module:
    body = (Squeezed(1, 8), nn.MaxPool2d(2), Squeezed(8, 16), nn.AdaptiveMaxPool2d(1), nn.Flatten())
    return nn.Sequential(*body, nn.Linear(16, 4))


def next_blocks() -> nn.Module:
    body = (nn.Conv2d(1, 16, 2, 2), NextBlock(16), NextBlock(16), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*body, nn.LayerNorm(16), nn.Linear(16, 10))


def smooth_and_back() -> nn.Module:
    """A picture to a small code and back, by strided convolutions."""
    down = (
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3, 2, 1),
        nn.SiLU(),
        nn.Conv2d(8, 16, 3, 2, 1),
        nn.SiLU(),
    )
    up = (nn.ConvTranspose2d(16, 8, 2, 2), nn.SiLU(), nn.ConvTranspose2d(8, 1, 2, 2), nn.Flatten())
    return nn.Sequential(*down, *up)


PICTURES = (
    TrainingCase("drifting-mish", drifting, lambda: stack(1, 8, 16, act=nn.Mish), cross, adam(1e-2), 32, 200),
    TrainingCase("drifting-norm", drifting, lambda: stack(1, 8, 16, norm=nn.BatchNorm2d), cross, adam(1e-2), 32,
        200, evaluates="right"),
    TrainingCase("grey-cut-out", grey, lambda: stack(1, 12, 24), cross, adam(5e-3), 32, 250, batch_made=cut_out),
    TrainingCase("grey-next-blocks", grey, next_blocks, cross, adamw(1e-2), 24, 150),
    TrainingCase("shapes-squeezed", shapes, squeezed, cross, adam(1e-2), 32, 150),
    TrainingCase("shapes-channels-dropped", shapes,
        lambda: nn.Sequential(stack(1, 12, 16, outputs=32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 4)),
        cross, adam(1e-2), 32, 200, evaluates="right"),
    TrainingCase("discs-unet", discs, UNet, nn.BCEWithLogitsLoss(), adam(1e-2), 12, 80),
    TrainingCase("discs-overlap", discs, UNet, losses.dice_and_binary, adam(1e-2), 16, 80),
    TrainingCase("smudged-convolved", smudged, smooth_and_back, squares, adam(1e-2), 32, 150),
    TrainingCase("two-digits-twins", two_digits, lambda: Twins(64, 24), cross, adamw(5e-3, weight_decay=0.1), 32,
        250),
)  # fmt: skip
SEQUENCES = (
    TrainingCase("lines-both-ways", lines_of_digits,
        lambda: Recurrence(nn.GRU, 8, 24, 10, "mean", bidirectional=True), cross, adam(1e-2), 32, 120),
    TrainingCase("lines-mixer", lines_of_digits, lambda: Mixer(8, 8, 24, 10), cross, adamw(5e-3), 32, 150),
    TrainingCase("lines-weighed", lines_of_digits,
        lambda: nn.Sequential(nn.GRU(8, 24, batch_first=True), Picked(), Weighed(24, 32, 10)), cross,
        adam(1e-2), 32, 120),
    TrainingCase("copied-lstm", copied, lambda: Recurrence(nn.LSTM, 6, 24, 6, "each", tokens=True), cross,
        adam(2e-2), 32, 200, clip=lambda m: nn.utils.clip_grad_norm_(m.parameters(), 5.0)),
    TrainingCase("reversed-encoder", reversed_tokens, lambda: Encoder(6, 24, 6, 8, 1, each=True), cross,
        adam(1e-2), 32, 200),
    TrainingCase("reversed-post-norm", reversed_tokens, lambda: Encoder(6, 24, 6, 8, 1, each=True, pre=False),
        cross, adam(1e-2), 32, 200, schedule=shaped(ramp_and_line, 200)),
    TrainingCase("reversed-teller", partial(reversed_tokens, length=6, kinds=4), lambda: Teller(4, 32, 6), cross,
        adam(1e-2), 32, 250),
    TrainingCase("sorted-encoder", in_order, lambda: Encoder(6, 24, 6, 8, 2, each=True), cross, adamw(5e-3), 32,
        150),
    TrainingCase("sums-gru", running_sums, lambda: Recurrence(nn.GRU, 3, 32, 3, "each", tokens=True), cross,
        adam(2e-2), 32, 250),
    TrainingCase("adding-lstm", adding, lambda: Recurrence(nn.LSTM, 2, 24, 1, "mean"), squares, adam(2e-2), 64,
        300, clip=lambda m: nn.utils.clip_grad_norm_(m.parameters(), 1.0)),
    TrainingCase("keyword-order-encoder", keyword_order, lambda: Encoder(12, 24, 2, 10, 1), cross, adam(1e-2), 48,
        250),
    TrainingCase("keyword-order-gru", keyword_order, lambda: Recurrence(nn.GRU, 12, 24, 2, tokens=True), cross,
        adam(1e-2), 48, 250),
    TrainingCase("topics-bag", topics, lambda: Bag(60, 16, 4), cross, adam(1e-2), 32, 150),
    TrainingCase("chain-gru", chain, lambda: Recurrence(nn.GRU, 8, 24, 8, "each", tokens=True), cross, adam(1e-2),
        32, 150),
    TrainingCase("chain-rnn", chain, lambda: Recurrence(nn.RNN, 8, 32, 8, "each", tokens=True), cross,
        by(optim.RMSprop, 3e-3), 32, 150),
    TrainingCase("seasons-gelu", seasons, lambda: dense(24, 64, 4, act=nn.GELU), squares, adam(5e-3), 48, 200),
    TrainingCase("seasons-spectral", seasons, lambda: Spectral(4), squares, adam(1e-2), 48, 250),
    TrainingCase("signals-dilated", signals, lambda: Temporal(1, 12, 4), cross, adam(1e-2), 32, 150),
    TrainingCase("spoken", spoken,
        lambda: nn.Sequential(nn.GRU(6, 24, batch_first=True), Picked(), nn.Linear(24, 6)), losses.heard,
        adam(2e-2), 24, 150, scored=losses.by_sounds),
    TrainingCase("sets", sets, lambda: OfSets(3, 32, 1), squares, adam(1e-2), 48, 200),
    TrainingCase("graphs", graphs, lambda: OfGraphs(4, 24, 2), cross, adam(1e-2), 48, 200),
    TrainingCase("grey-patches", grey,
        lambda: nn.Sequential(nn.Unfold(2, stride=2), Turned(), Encoder(4, 32, 10, 16, 1, tokens=False)),
        cross, adamw(5e-3), 32, 200),
)  # fmt: skip


class Picked(nn.Module):
    """The output of a recurrent layer at each place, without its state."""

    def forward(self, x: tuple[torch.Tensor, object]) -> torch.Tensor:
        """Output and state -> output"""
        return x[0]


class Turned(nn.Module):
    """Channels last."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, a, b) -> (n, b, a)"""
        return x.mT


STREAMS = (*PICTURES, *SEQUENCES)
