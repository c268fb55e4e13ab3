"""Faults of networks and their initial weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from benchmarks.faults.blind_2.faulty.operators import by, linears, of_type, rebuilt, sick, variant
from benchmarks.faults.blind_2.networks.bases import (
    Attention,
    Block,
    Marked,
    Pairs,
    RawNet,
    Recurrent,
    Residual,
    Tastes,
    Tokens,
    convolved,
    flat,
    stacked,
)
from torch import Tensor, nn
from torch.optim import SGD


class Heads(nn.Module):
    """torch's own attention, one head."""

    def __init__(self, width: int, gain: float = 1.0, mask: bool = False) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(width, 1, batch_first=True)
        with torch.no_grad():
            self.inner.in_proj_weight[: 2 * width] *= gain
        self.mask = mask

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        padded = (torch.arange(x.shape[1]) != 1).expand(x.shape[:2]) if self.mask else None
        return self.inner(x, x, x, key_padding_mask=padded)[0]


class Faint(Attention):
    """Divided by the width again and again."""

    def __init__(self, width: int) -> None:
        super().__init__(width, temper=width**-4.0)


class Idle(nn.Module):
    """An activation that is made and never called."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer, self.act = nn.Linear(10, 48), nn.Linear(48, 1), nn.SiLU()
        self.middle = nn.Linear(48, 48)

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        return self.outer(self.middle(self.inner(x))).squeeze(-1)


class Swollen(Block):
    """No norm, and the branch counted many times."""

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        return x + 60 * self.inner(x)


def open_ended(block: Callable[..., nn.Module] = Block) -> nn.Module:
    """Residual blocks without a norm behind the last."""
    model = Residual(block)
    model.end = nn.Sequential(nn.Linear(20, 3))
    return model


class BatchMean(Tokens):
    """The mean over texts instead of tokens."""

    def pooled(self, seen: Tensor) -> Tensor:
        """See the class."""
        return seen.mean((0, 1), keepdim=True)[0].expand(len(seen), -1)


def normal(std: float, *, heads: bool = True) -> Callable[[nn.Module], None]:
    """All matrices normal with one spread; or all but the last."""

    def change(model: nn.Module) -> None:
        for layer in linears(model)[: None if heads else -1]:
            nn.init.normal_(layer.weight, std=std)

    return change


def last_times(factor: float) -> Callable[[nn.Module], None]:
    return lambda model: linears(model)[-1].weight.mul_(factor)


def biased(value: float, *kinds: type[nn.Module]) -> Callable[[nn.Module], None]:
    """Every bias but the last layer's set to one value."""

    def change(model: nn.Module) -> None:
        for m in list(of_type(model, *(kinds or (nn.Linear,))))[: None if kinds else -1]:
            nn.init.constant_(m.bias, value)  # type: ignore[arg-type]

    return change


def one_way(model: nn.Module) -> None:
    """Small weights beside large biases."""
    for layer in linears(model)[:-1]:
        layer.weight.mul_(0.05)
        nn.init.uniform_(layer.bias, 1.0, 3.0)


def growing_memory() -> nn.Module:
    """A ReLU memory that doubles what it keeps."""
    model = Recurrent()
    model.rnn = nn.RNN(24, 32, nonlinearity="relu", batch_first=True)
    nn.init.orthogonal_(model.rnn.weight_hh_l0, 4.0)
    return model


ARM_RELU = variant("arm", "relu", model=partial(stacked, 3, 40, 40, 2))
FRIEDMAN = variant("friedman", "sigmoid", model=partial(flat, 10, 48, 48, 1, act=nn.Sigmoid))
SHELLS = variant("shells-residual", "open", model=open_ended)
HEADS = variant("marked-attention", "mha", model=partial(Marked, attention=Heads))
WINE_SGD = variant("wine-layers", "plain", model=partial(stacked, 13, 24, 24, 3, act=nn.GELU),
                   optimizer=by(SGD, lr=0.1))  # fmt: skip
FAULTY = (
    sick("MISSING_NONLINEARITY", "activation never called", "friedman", model=Idle),
    sick("MISSING_NONLINEARITY", "formulas without tanh", "crescents-raw",
         model=partial(RawNet, act=lambda x: x)),
    sick("MISSING_NONLINEARITY", "dropout in the activations' places", "arm",
         model=partial(stacked, 3, 40, 40, 2, act=partial(nn.Dropout, 0.05))),
    sick("EXCESS_DROPOUT", "0.9 behind each convolution", "wave-conv", model=partial(convolved, drop=0.9)),
    sick("EXCESS_DROPOUT", "0.9 in the tower", "couples", model=partial(Pairs, drop=0.9)),
    sick("EXCESS_DROPOUT", "keep and drop confused", "friedman",
         model=partial(flat, 10, 48, 48, 1, act=nn.SiLU, drop=0.95)),
    sick("EXPLODING_GRADIENT", "normal weights of spread 1", "figures-deep", also=("FIRST_LOSS_TOO_LARGE",),
         model=rebuilt("figures-deep", normal(1.0))),
    sick("EXPLODING_GRADIENT", "memory that quadruples", "trails-rnn", also=("FIRST_LOSS_TOO_LARGE",),
         model=growing_memory, clip=None),
    sick("EXPLODING_GRADIENT", "branches counted sixty times without a norm", SHELLS,
         also=("FIRST_LOSS_TOO_LARGE",), model=lambda: open_ended(Swollen)),
    sick("EXPLODING_GRADIENT", "formulas without 1/sqrt", "crescents-raw", also=("FIRST_LOSS_TOO_LARGE",),
         model=partial(RawNet, gain=6.0, act=torch.relu)),
    sick("VANISHING_GRADIENT", "seven sigmoids", "figures-deep", also=("RANK_COLLAPSE",),
         model=partial(stacked, 64, *[48] * 7, 10, act=nn.Sigmoid)),
    sick("VANISHING_GRADIENT", "weights of spread 0.01", "figures-deep", also=("RANK_COLLAPSE",),
         model=rebuilt("figures-deep", normal(0.01))),
    sick("VANISHING_GRADIENT", "formulas with small weights", "crescents-raw",
         model=partial(RawNet, gain=0.02)),
    sick("VANISHING_GRADIENT", "weights of spread 0.003", WINE_SGD, also=("RANK_COLLAPSE",),
         model=rebuilt(WINE_SGD, normal(0.003))),
    sick("SATURATED_ACTIVATION", "formulas with large weights", "crescents-raw",
         model=partial(RawNet, gain=25.0)),
    sick("SATURATED_ACTIVATION", "sigmoids behind large weights", FRIEDMAN,
         model=rebuilt(FRIEDMAN, normal(8.0, heads=False))),
    sick("SATURATED_ACTIVATION", "tanh behind large biases", "tumour-drop",
         model=rebuilt("tumour-drop", biased(9.0))),
    sick("DEAD_RELU", "biases -4", "figures-deep", model=rebuilt("figures-deep", biased(-4.0))),
    sick("DEAD_RELU", "biases -6", ARM_RELU, model=rebuilt(ARM_RELU, biased(-6.0))),
    sick("DEAD_RELU", "norms' offsets -6", "spectra-batchnorm",
         model=rebuilt("spectra-batchnorm", biased(-6.0, nn.BatchNorm1d))),
    sick("DEAD_RELU", "biases -5 in the tower", "couples", model=rebuilt("couples", biased(-5.0))),
    sick("FIRST_LOSS_TOO_LARGE", "last layer times 300", "figures-deep",
         model=rebuilt("figures-deep", last_times(300))),
    sick("FIRST_LOSS_TOO_LARGE", "tables of spread 8", "ratings", model=partial(Tastes, first=8.0)),
    sick("FIRST_LOSS_TOO_LARGE", "head times 500", "trails-rnn",
         model=rebuilt("trails-rnn", last_times(500))),
    sick("RANK_COLLAPSE", "mean over texts", "families-encoder", model=BatchMean),
    sick("RANK_COLLAPSE", "large biases beside small weights", "figures-deep",
         also=("VANISHING_GRADIENT",),
         model=rebuilt("figures-deep", one_way)),
    sick("RANK_COLLAPSE", "fourteen plain layers", "wine-layers", also=("VANISHING_GRADIENT",),
         model=partial(stacked, 13, *[24] * 14, 3)),
    sick("ATTENTION_COLLAPSE", "scores over the width's fourth power", "marked-attention",
         model=partial(Marked, attention=Faint)),
    sick("ATTENTION_COLLAPSE", "large projections", HEADS,
         model=partial(Marked, attention=partial(Heads, gain=200.0))),
    sick("ATTENTION_COLLAPSE", "a padding mask that leaves one vector", HEADS,
         model=partial(Marked, attention=partial(Heads, mask=True))),
)  # fmt: skip
