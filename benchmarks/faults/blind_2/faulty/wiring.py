"""Faults of losses, graphs, optimisers' parameters and modes."""

from __future__ import annotations

import copy
from functools import partial

import torch
from benchmarks.faults.blind_2.faulty.operators import by, of_type, over, rebuilt, sick, variant
from benchmarks.faults.blind_2.networks.bases import (
    Cells,
    Experts,
    Pairs,
    Tokens,
    convolved,
    flat,
    imaged,
    stacked,
)
from benchmarks.faults.case import Run, TrainingCase
from torch import Tensor, nn
from torch.nn import functional as fn
from torch.optim import SGD, Adam, Optimizer

BATCHED_WAVES = variant("wave-conv", "bn", model=partial(convolved, norm=nn.BatchNorm1d))
RIGHT_TOKENS = variant("families-encoder", "eval", evaluates="right")


def two_rates(model: nn.Module) -> Optimizer:
    """A parameter group left over from a fine-tuning, with learning rate 0."""
    head = {id(p) for p in model.head.parameters()}  # type: ignore[union-attr]
    rest = [p for p in model.parameters() if id(p) not in head]
    return Adam([{"params": rest, "lr": 0.0}, {"params": list(model.head.parameters())}], lr=0.01)  # type: ignore


def new_tower(model: nn.Module) -> None:
    """The tower is set up anew, after the optimiser."""
    model.tower = stacked(10, 32, 32, 8)


def copied_front(model: nn.Module) -> None:
    """Device wrappers that copy."""
    model.embed, model.attention = copy.deepcopy(model.embed), copy.deepcopy(model.attention)  # type: ignore


def held_fast(*names: str) -> object:
    def change(model: nn.Module) -> None:
        for name in names:
            model.get_submodule(name).requires_grad_(False)

    return change


def gate_alone_cleared(run: Run, x: Tensor, y: Tensor) -> None:
    """Two groups of parameters, of which one is cleared."""
    run.problem.loss(run.model(x), y).backward()
    run.optimizers[0].step()
    run.model.gate.zero_grad()  # type: ignore[operator, union-attr]


def by_hand(run: Run, x: Tensor, y: Tensor) -> None:
    """Gradient descent in formulas; nobody clears `grad`."""
    run.problem.loss(run.model(x), y).backward()
    with torch.no_grad():
        for p in run.model.parameters():
            p -= 0.2 * p.grad  # type: ignore[operator]


def filled(value: float) -> object:
    """Every matrix set to one value."""

    def change(model: nn.Module) -> None:
        for p in model.parameters():
            if p.ndim > 1:
                p.fill_(value)

    return change


class FrozenReader(Tokens):
    """Whoever wrote this meant the encoder only to read."""

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        with torch.no_grad():
            seen = self.encoder(self.words(x) + self.places)
        return self.head(seen[:, 0])


class HardGate(Experts):
    """The best expert, by argmax."""

    def mixed(self, gate: Tensor) -> Tensor:
        """All to one."""
        return fn.one_hot(gate.argmax(1), 4).float()


class ThroughNumpy(Pairs):
    """The towers' answers take a way through numpy."""

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        a, b = (self.tower(x[:, i]).detach().numpy() for i in (0, 1))
        return self.offset + self.scale * torch.from_numpy(((a - b) ** 2).sum(1))


class Rounded(nn.Module):
    """A code of whole numbers."""

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        return x.round()


def rounded_code() -> nn.Module:
    layers = list(stacked(64, 48, 14, 48, 64, act=nn.ELU))
    return nn.Sequential(*layers[:4], Rounded(), *layers[4:])


class LastStateLost(Cells):
    """The state is taken as a tensor of its own at every step, and the cell's answer is rebuilt from it."""

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        state = x.new_zeros(len(x), self.cell.hidden_size)
        for piece in x.split(4, 1):
            state = torch.tensor(self.cell(piece, state).tolist())
        return self.head(state)


class Sure(Pairs):
    """Probabilities where the loss wants logits."""

    def forward(self, x: Tensor) -> Tensor:
        """The answers."""
        return super().forward(x).sigmoid()


def over_probabilities(out: Tensor, y: Tensor) -> Tensor:
    return fn.cross_entropy(fn.softmax(out, 1), y)


def likelihood_sum(out: Tensor, y: Tensor) -> Tensor:
    """The log-likelihood, as the book has it."""
    return -(out - out.logsumexp(1, keepdim=True)).gather(1, y[:, None]).sum()


def as_column(out: Tensor, y: Tensor) -> Tensor:
    return fn.smooth_l1_loss(out, y.view(-1, 1))


def against_flat(out: Tensor, y: Tensor) -> Tensor:
    return torch.mean((y.squeeze() - out) ** 2)


def absolute(out: Tensor, y: Tensor) -> Tensor:
    return (out[:, None] - y).abs().mean()


def pixel_entropy(out: Tensor, y: Tensor) -> Tensor:
    """-y log p - (1 - y) log (1 - p), with p any number."""
    return -(y * out.log() + (1 - y) * (1 - out).log()).mean()


def logarithmic(out: Tensor, y: Tensor) -> Tensor:
    """The error of log(1 + value), of values that may be below -1."""
    return (((1 + out).log() - (1 + y).log()) ** 2).mean()


def gamma(out: Tensor, y: Tensor) -> Tensor:
    return (out - y * out.log()).mean()


def asleep(model: nn.Module) -> None:
    """Batch norms put to sleep, as in a fine-tuning."""
    for m in of_type(model, nn.BatchNorm1d, nn.BatchNorm2d):
        m.eval()


def tail_norm() -> nn.Module:
    layers = list(imaged())
    return nn.Sequential(*layers[:-2], nn.BatchNorm1d(96), *layers[-2:])


FIGURES_BN = variant("figures-deep", "bn", model=partial(stacked, 64, 64, 64, 10, norm=nn.BatchNorm1d))
PICTURE_TAIL: TrainingCase = variant("picture-conv", "tail", model=tail_norm)
FAULTY = (
    sick("OPTIMIZER_DETACHED", "the decoder alone", "copy-digits",
         optimizer=over(lambda m: m[4:].parameters(), "copy-digits")),
    sick("OPTIMIZER_DETACHED", "front copied after the optimiser was made", "marked-attention",
         prepare=copied_front),
    sick("OPTIMIZER_DETACHED", "new tower after the optimiser was made", "couples", prepare=new_tower),
    sick("OPTIMIZER_DETACHED", "the head alone", "wave-cells",
         optimizer=over(lambda m: m.head.parameters(), "wave-cells")),
    sick("FROZEN_PARAMS", "tables held fast", "ratings", prepare=held_fast("people", "films")),
    sick("FROZEN_PARAMS", "a group at rate 0", "marked-attention", optimizer=two_rates),
    sick("FROZEN_PARAMS", "the recurrent part held fast", "trails-rnn", prepare=held_fast("rnn", "enter")),
    sick("FROZEN_PARAMS", "one layer left held fast", "figures-deep", silent=True, prepare=held_fast("4")),
    sick("MISSING_ZERO_GRAD", "never cleared", "figures-deep", zero_every=0),
    sick("MISSING_ZERO_GRAD", "formulas without clearing", "crescents-raw", loop=by_hand),
    sick("MISSING_ZERO_GRAD", "cleared once an epoch", "spectra-batchnorm", zero_every=28),
    sick("MISSING_ZERO_GRAD", "only the gate is cleared", "pieces-experts", loop=gate_alone_cleared),
    sick("SYMMETRIC_INIT", "all matrices 0.1", "crescents-raw", model=rebuilt("crescents-raw", filled(0.1))),
    sick("SYMMETRIC_INIT", "all matrices 0.05", "copy-digits", model=rebuilt("copy-digits", filled(0.05))),
    sick("SYMMETRIC_INIT", "all matrices 0.15", "friedman", model=rebuilt("friedman", filled(0.15))),
    sick("GRAPH_BROKEN", "reader under no_grad", "families-encoder", model=FrozenReader),
    sick("GRAPH_BROKEN", "expert chosen by argmax", "pieces-experts", silent=True, model=HardGate),
    sick("GRAPH_BROKEN", "through numpy", "couples", model=ThroughNumpy),
    sick("GRAPH_BROKEN", "code rounded", "copy-digits", model=rounded_code),
    sick("GRAPH_BROKEN", "states through lists", "wave-cells", model=LastStateLost),
    sick("DOUBLE_SOFTMAX", "softmax in the loss", "figures-deep", loss=over_probabilities),
    sick("DOUBLE_SOFTMAX", "sigmoid before the logit loss", "couples", model=Sure),
    sick("DOUBLE_SOFTMAX", "softmax in the loss", "iris-newton", loss=over_probabilities),
    sick("RELU_ON_LOGITS", "relu behind every layer", "figures-deep",
         model=partial(stacked, 64, 96, 96, 96, 96, 10, last=nn.ReLU)),
    sick("RELU_ON_LOGITS", "softplus last", "tumour-drop",
         model=partial(flat, 30, 32, 16, 1, act=nn.Tanh, drop=0.2, last=nn.Softplus)),
    sick("RELU_ON_LOGITS", "relu6 last", "picture-conv", model=partial(imaged, last=nn.ReLU6)),
    sick("LOSS_BROADCAST", "targets a column", "friedman", loss=as_column),
    sick("LOSS_BROADCAST", "targets squeezed", "pieces-experts", loss=against_flat),
    sick("LOSS_BROADCAST", "answers a column", "ratings", loss=absolute),
    sick("LOSS_BROADCAST", "targets a column", "trails-rnn", loss=as_column),
    sick("LOSS_REDUCTION_SUM", "reduction='sum'", "figures-deep",
         loss=partial(fn.cross_entropy, reduction="sum")),
    sick("LOSS_REDUCTION_SUM", "likelihood by hand", "crescents-raw", loss=likelihood_sum),
    sick("LOSS_REDUCTION_SUM", "squares summed, SGD", variant("arm", "sgd", optimizer=by(SGD, lr=0.1)),
         loss=lambda out, y: ((out - y) ** 2).sum()),
    sick("NON_FINITE_LOSS", "entropy of pixels without a sigmoid", "copy-digits", loss=pixel_entropy),
    sick("NON_FINITE_LOSS", "error of logarithms", "friedman", loss=logarithmic),
    sick("NON_FINITE_LOSS", "log of a linear answer", "ratings", loss=gamma),
    sick("BN_EVAL_IN_TRAIN", "never train() again", "picture-conv", silent=True, evaluates="stays"),
    sick("BN_EVAL_IN_TRAIN", "eval() before the loop", "spectra-batchnorm", silent=True, evaluates="",
         prepare=lambda m: m.eval()),
    sick("BN_EVAL_IN_TRAIN", "norms put to sleep", BATCHED_WAVES, silent=True, prepare=asleep),
    sick("TRAIN_MODE_IN_EVAL", "no eval()", "tumour-drop", silent=True, evaluates="in train"),
    sick("TRAIN_MODE_IN_EVAL", "no eval()", RIGHT_TOKENS, silent=True, evaluates="in train"),
    sick("TRAIN_MODE_IN_EVAL", "no eval()", "spectra-batchnorm", silent=True, evaluates="in train"),
    sick("BN_TINY_BATCH", "batches of two", "spectra-batchnorm", batch=2),
    sick("BN_TINY_BATCH", "batches of two behind flatten", PICTURE_TAIL, batch=2),
    sick("BN_TINY_BATCH", "sixteen micro-batches", FIGURES_BN, accumulate=16),
)  # fmt: skip
