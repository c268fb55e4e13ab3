"""The faults that need more than one line of code."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from benchmarks.faults.case import Rows, TrainingCase
from benchmarks.faults.inject import ACTIVATIONS, Operator, another, batches, both, head_frozen_out, model_of
from benchmarks.faults.own.networks import Parts, Recurrent, Wrapped, mlp
from torch import Generator, Tensor, nn
from torch.nn import functional
from torch.optim import Optimizer


def copied(p: TrainingCase) -> TrainingCase:
    return replace(p, optimizer=lambda m: p.optimizer(copy.deepcopy(m)))


def new_head(model: nn.Module) -> None:
    name, head = [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Linear)][-1]
    parent = model.get_submodule(name.rpartition(".")[0])
    setattr(parent, name.rpartition(".")[2], nn.Linear(head.in_features, head.out_features))


def new_body(model: nn.Module) -> None:
    """Every layer anew, as after loading a checkpoint by `model.layer = checkpoint.layer`."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Linear | nn.Conv2d):
                setattr(parent, name, copy.deepcopy(child))


def only(last_ones: int) -> Operator:
    """The optimiser gets the last parameters only."""

    def operator(p: TrainingCase) -> TrainingCase:
        return replace(p, optimizer=lambda m: torch.optim.Adam(list(m.parameters())[-last_ones:], 1e-2))

    return operator


def rates_by_group(model: nn.Module) -> Optimizer:
    body, head = head_frozen_out(model), list(model.parameters())[-2:]
    return torch.optim.SGD([{"params": body, "lr": 0.0}, {"params": head, "lr": 0.05}], momentum=0.9)


def freeze(keep: int) -> Callable[[nn.Module], None]:
    """All but the last `keep` parameters do not ask for a gradient."""

    def changed(model: nn.Module) -> None:
        for p in list(model.parameters())[:-keep] if keep else list(model.parameters()):
            p.requires_grad_(False)

    return changed


def cut(how: str) -> Operator:
    """A narrow backbone cut off from its head."""
    return another(lambda: Parts(mlp((64, 24, 4)), nn.Linear(4, 10), cut=how))


def one_row(value: float, every: int) -> Callable[[Tensor, Tensor], Rows]:
    """One number of every so many rows of the data set is spoilt."""

    def changed(x: Tensor, y: Tensor) -> Rows:
        x = x.clone()
        x.reshape(len(x), -1)[3::every, 1] = value
        return x, y

    return changed


def over_no_spread(x: Tensor, y: Tensor) -> Rows:
    """Standardised with a feature that never varies."""
    x = x.clone()
    flat = x.reshape(len(x), -1)
    flat[:, 0] = (flat[:, 0] * 0 + 1) / 0.0
    return x, y


def by_size(problem: TrainingCase, targets: Tensor, _dice: Generator) -> Iterator[Tensor]:
    order = targets.reshape(len(targets), -1)[:, 0].sort(stable=True).indices
    for start in range(problem.steps + 1):
        low = start * problem.batch % (len(order) - problem.batch)
        yield order[low : low + problem.batch]


def in_blocks(problem: TrainingCase, targets: Tensor, dice: Generator) -> Iterator[Tensor]:
    """One class after the other, each shuffled within, each batch of one class."""
    while True:
        for label in targets.unique():
            members = (targets == label).nonzero()[:, 0]
            yield from members[torch.randperm(len(members), generator=dice)].split(problem.batch)


def first_batch(problem: TrainingCase, _targets: Tensor, _dice: Generator) -> Iterator[Tensor]:
    """`next(iter(loader))` in every step: the same rows for ever."""
    while True:
        yield torch.arange(problem.batch)


def few_rows(problem: TrainingCase, targets: Tensor, _dice: Generator) -> Iterator[Tensor]:
    """A sampler that reseeds its generator at every step: the same rows, in the same order."""
    while True:
        yield torch.randperm(len(targets), generator=Generator().manual_seed(7))[: problem.batch]


def rare(share: float) -> Callable[[Tensor, Tensor], Rows]:
    """The data keep a small share of all classes but the first."""

    def changed(x: Tensor, y: Tensor) -> Rows:
        dice = Generator().manual_seed(5)
        label = y if y.dim() == 1 else 1 - y[:, 0]
        keep = (label == 0) | (torch.rand(len(y), generator=dice) < share)
        first = keep.nonzero()[:, 0]
        more = (label == 0).nonzero()[:, 0]
        order = torch.cat((first, more.repeat(3)))
        order = order[torch.randperm(len(order), generator=dice)]
        return x[order], y[order]

    return changed


def shuffled_labels(x: Tensor, y: Tensor) -> Rows:
    return x, y[torch.randperm(len(y), generator=Generator().manual_seed(3))]


def one_feature(factor: float) -> Callable[[Tensor, Tensor], Rows]:
    def changed(x: Tensor, y: Tensor) -> Rows:
        x = x.clone()
        x[:, -1] = factor * (1 + x[:, -1])
        return x, y

    return changed


def l2_by_hand(p: TrainingCase) -> TrainingCase:
    """Weight decay as a term of the loss, a thousand times too strong."""

    def optimizer_keeping(model: nn.Module) -> Optimizer | tuple[Optimizer, ...]:
        held.append(model)
        return p.optimizer(model)

    held: list[nn.Module] = []

    def with_penalty(output: Any, target: Tensor) -> Tensor:
        return p.loss(output, target) + 0.5 * sum(w.square().sum() for w in held[-1].parameters())

    return replace(p, optimizer=optimizer_keeping, loss=with_penalty)


def other_zero_grad(p: TrainingCase) -> TrainingCase:
    """Two optimisers, of which only the head's gradients are cleared."""

    def made(model: nn.Module) -> Optimizer:
        optimizer = p.optimizer(model)
        assert isinstance(optimizer, Optimizer)
        spare = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
        optimizer.zero_grad = spare.zero_grad  # type: ignore[method-assign]
        return optimizer

    return replace(p, optimizer=made)


def keeps_in_eval(model: nn.Module) -> None:
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def half_precision(dtype: torch.dtype) -> Operator:
    """Weights and inputs in half precision, the outputs back in single."""

    def halved(m: nn.Module) -> nn.Module:
        return Wrapped(m.to(dtype), torch.Tensor.float)

    return both(model_of(halved), batches(lambda x, y: (x.to(dtype), y)))


def deep(
    act: Callable[[], nn.Module], depth: int, gain: float, inputs: int = 64, outputs: int = 10
) -> Operator:
    """A deep chain of equal layers, its weights a gain away from keeping the signal's size."""

    def changed() -> nn.Module:
        model = mlp((inputs, *(32,) * depth, outputs), act)
        with torch.no_grad():
            for p in model.parameters():
                if p.dim() >= 2:
                    nn.init.normal_(p, 0, gain / p.shape[1] ** 0.5)
                else:
                    nn.init.zeros_(p)
        return model

    return another(changed)


def loud_recurrence(kind: str, factor: float) -> Operator:
    def changed() -> nn.Module:
        model = Recurrent(nn.RNN, 3, 24, 4, nonlinearity=kind)
        with torch.no_grad():
            nn.init.orthogonal_(model.rnn.weight_hh_l0, factor)  # type: ignore[arg-type]
        return model

    return another(changed)


def norm_by_hand(x: Tensor) -> Tensor:
    return (x - x.mean(0)) / (x - x).std(0)


def flat_targets(p: TrainingCase) -> TrainingCase:
    """Targets (n,) against answers (n, 1)."""

    def careless(output: Any, target: Tensor) -> Tensor:
        return p.loss(output, target[:, 0])

    return replace(p, loss=careless)


def squeezed(p: TrainingCase) -> TrainingCase:
    """Answers (n,) against targets (n, 1)."""
    return replace(p, loss=lambda output, target: p.loss(output[:, 0], target))


def negative(p: Tensor) -> None:
    p.copy_(-p.abs())


class Forgotten(nn.Module):
    """Dropout as a function, which eval() does not reach."""

    def __init__(self, inner: nn.Sequential, p: float):
        super().__init__()
        self.inner, self.p = inner, p

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)"""
        for layer in self.inner:
            x = layer(x)
            if isinstance(layer, ACTIVATIONS):
                x = functional.dropout(x, self.p, self.training)
        return x


def dropping(p: float) -> Operator:
    """Dropout after every activation."""

    def changed(model: nn.Module) -> None:
        for parent in list(model.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, ACTIVATIONS):
                    setattr(parent, name, nn.Sequential(child, nn.Dropout(p)))

    return model_of(changed)


def more_dropout(p: float) -> Operator:
    """The dropout that is there, raised."""

    def changed(model: nn.Module) -> None:
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = p

    return model_of(changed)


def biased(model: nn.Module, bias: float) -> None:
    """Every bias but the output's."""
    with torch.no_grad():
        for p in list(model.parameters())[:-1]:
            if p.dim() == 1:
                p.fill_(bias)


def louder_blocks(model: nn.Module) -> None:
    """No normalisation, and branches four times too large."""
    with torch.no_grad():
        for block in model.blocks:  # type: ignore[union-attr]
            block[0] = nn.Identity()
            block[1].weight.mul_(6)
            block[3].weight.mul_(6)


def louder_head(model: nn.Module, factor: float) -> None:
    """The last weights far too large."""
    with torch.no_grad():
        list(model.parameters())[-2].mul_(factor)


def wild_biases(model: nn.Module, spread: float) -> None:
    """The answers begin far apart, whatever the input."""
    nn.init.normal_(list(model.parameters())[-1], 0, spread)
