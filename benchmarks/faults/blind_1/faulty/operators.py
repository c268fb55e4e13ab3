"""The faults of the first blind suite: operators that make a healthy case faulty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from benchmarks.faults.blind_1.data.vectors import dice_of
from benchmarks.faults.case import Run, TrainingCase
from benchmarks.faults.own.data import Rows
from torch import Generator, Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

Operator = Callable[[TrainingCase], TrainingCase]
AFFINE = (nn.Linear, nn.Conv1d, nn.Conv2d)


def fields(**words: Any) -> Operator:
    """Other words for the problem."""
    return lambda p: replace(p, **words)


def both(*operators: Operator) -> Operator:
    """One after the other."""

    def done(p: TrainingCase) -> TrainingCase:
        for operator in operators:
            p = operator(p)
        return p

    return done


def rows(change: Callable[[Tensor, Tensor, Generator], Rows]) -> Operator:
    """Other data; the generator has the run's seed."""

    def done(p: TrainingCase) -> TrainingCase:
        return replace(p, data=lambda seed: change(*(t.clone() for t in p.data(seed)), dice_of(seed + 900)))

    return done


def inputs(change: Callable[[Tensor], Tensor]) -> Operator:
    return rows(lambda x, y, _dice: (change(x), y))


def trained_on(change: Callable[[Tensor, Tensor, Generator], Rows]) -> Operator:
    """Other rows to train on, and as many of the held-out ones as keep the shares."""

    def cut(x: Tensor, y: Tensor, dice: Generator) -> Rows:
        at = 3 * len(x) // 4
        some, told = change(x[:at], y[:at], dice)
        kept = slice(at, at + max(len(some) // 3, 1))
        return torch.cat((some, x[kept])), torch.cat((told, y[kept]))

    return rows(cut)


def net(change: Callable[[Any], nn.Module | None]) -> Operator:
    """Another model, or the same one changed in place."""

    def done(p: TrainingCase) -> TrainingCase:
        def made() -> nn.Module:
            model = p.model()
            with torch.no_grad():
                return change(model) or model

        return replace(p, model=made)

    return done


class Then(nn.Module):
    """A model, and what is done to its output."""

    def __init__(self, inner: nn.Module, last: Callable[[Tensor], Tensor]):
        super().__init__()
        self.inner, self.last = inner, last

    def forward(self, x: Tensor) -> Tensor:
        """As the inner one answers."""
        return self.last(self.inner(x))


def output(last: Callable[[Tensor], Tensor]) -> Operator:
    return net(lambda model: Then(model, last))


def ended(last: Callable[[], nn.Module]) -> Operator:
    """A module after the last one."""
    return net(lambda model: nn.Sequential(model, last()))


def loss(change: Callable[[Any], Any]) -> Operator:
    """The loss, given the old one."""
    return lambda p: replace(p, loss=change(p.loss))


def optimizer(change: Callable[[Any, nn.Module], Optimizer]) -> Operator:
    """The optimiser, given the old maker and the model."""
    return lambda p: replace(p, optimizer=lambda model: change(p.optimizer, model))


def groups(**words: float) -> Operator:
    """Other words for all groups of the optimiser."""

    def change(make: Any, model: nn.Module) -> Any:
        made = make(model)
        for one in made if isinstance(made, tuple) else (made,):
            for group in one.param_groups:
                group.update(words)
        return made

    return optimizer(change)


def rate(value: float) -> Operator:
    return groups(lr=value)


def schedule(make: Callable[[Optimizer], LRScheduler]) -> Operator:
    return fields(schedule=make)


def affine(model: nn.Module) -> list[Any]:
    """The affine layers, from the first to the last."""
    return [layer for layer in model.modules() if isinstance(layer, AFFINE)]


def hidden(change: Callable[[Any], object]) -> Operator:
    """Something done to every affine layer but the last."""
    return net(lambda model: _each(affine(model)[:-1], change))


def every(kind: type[nn.Module], change: Callable[[Any], object]) -> Operator:
    """Something done to every module of a kind."""
    return net(lambda model: _each([m for m in model.modules() if isinstance(m, kind)], change))


def last(change: Callable[[Any], object]) -> Operator:
    return net(lambda model: _each(affine(model)[-1:], change))


def _each(layers: list[Any], change: Callable[[Any], object]) -> None:
    for layer in layers:
        change(layer)


def scaled(factor: float) -> Callable[[Any], object]:
    """All weights of a module times this."""
    return lambda layer: [p.mul_(factor) for p in layer.parameters() if p.dim() > 1]


def biased(value: float) -> Callable[[Any], object]:
    return lambda layer: layer.bias.fill_(value)


def alike(jitter: float = 0.0, value: float | None = None) -> Operator:
    """All units of a layer get one row (or one number); the last layer is initialised to zero."""

    def change(model: nn.Module) -> None:
        for p in model.parameters():
            one = (
                torch.zeros_like(p[:1])
                if p.dim() == 1
                else p[:1]
                if value is None
                else torch.full_like(p[:1], value)
            )
            p.copy_(one.expand_as(p) + jitter * torch.randn_like(p))
        affine(model)[-1].weight.zero_()

    return net(change)


class Cut(nn.Module):
    """Passes numbers on and no gradient, in one of several ways."""

    def __init__(self, way: str, inner: nn.Module | None = None):
        super().__init__()
        self.way, self.inner = way, inner or nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """As the inner one answers."""
        if self.way == "numpy":
            return torch.from_numpy(self.inner(x).detach().numpy())
        if self.way == "no_grad":
            with torch.no_grad():
                return self.inner(x)
        return (self.inner(x) > 0).float()


def inserted(at: int, module: Callable[[], nn.Module]) -> Operator:
    """A module put into a sequence."""

    def change(model: nn.Sequential) -> nn.Module:
        layers = list(model)
        where = at % len(layers)
        return nn.Sequential(*layers[:where], module(), *layers[where:])

    return net(change)


def under(way: str, first: int) -> Operator:
    """The first few modules of a sequence, cut off."""
    return net(lambda model: nn.Sequential(Cut(way, model[:first]), *model[first:]))


class Forgetful(nn.Module):
    """A module whose output is mostly forgotten, by a function instead of a layer."""

    def __init__(self, inner: nn.Module, share: float):
        super().__init__()
        self.inner, self.share = inner, share

    def forward(self, *x: Any, **words: Any) -> Tensor:
        """As the inner one answers."""
        return functional.dropout(self.inner(*x, **words), self.share, self.training)


def instead(kind: type[nn.Module], made: Callable[[nn.Module], nn.Module]) -> Operator:
    """Every module of a kind, replaced."""

    def change(model: nn.Module) -> None:
        for parent in list(model.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, kind):
                    setattr(parent, name, made(child))

    return net(change)


def new_tensors(*parts: str) -> Operator:
    """After the optimiser was made, weights are put in place as new parameters."""

    def swap(model: nn.Module) -> None:
        for name, p in list(model.named_parameters()):
            if not parts or name.startswith(parts):
                owner, _, own = name.rpartition(".")
                setattr(model.get_submodule(owner), own, nn.Parameter(p.detach().clone()))

    return fields(prepare=swap)


def held_still(*parts: str) -> Operator:
    """These parameters require no gradient, and the user did not name them as frozen."""

    def change(model: nn.Module) -> None:
        for name, p in model.named_parameters():
            p.requires_grad_(not name.startswith(parts) and p.requires_grad)

    return net(change)


class Far(nn.Module):
    """A weight kept as its sum with a large number."""

    def __init__(self, far: float):
        super().__init__()
        self.far = far

    def forward(self, kept: Tensor) -> Tensor:
        """The weight."""
        return kept - self.far

    def right_inverse(self, weight: Tensor) -> Tensor:
        """What is kept."""
        return weight + self.far


def kept_far(far: float) -> Operator:
    return net(
        lambda model: _each(
            affine(model), lambda a: parametrize.register_parametrization(a, "weight", Far(far))
        )
    )


def after(change: Callable[[Run], object]) -> Operator:
    """Something done at the end of every step."""

    def done(p: TrainingCase) -> TrainingCase:
        def loop(run: Run, x: Tensor, y: Tensor) -> None:
            p.loop(run, x, y)
            with torch.no_grad():
                change(run)

        return replace(p, loop=loop)

    return done


def before(change: Callable[[Run], object]) -> Operator:
    """Something done before every step."""

    def done(p: TrainingCase) -> TrainingCase:
        def loop(run: Run, x: Tensor, y: Tensor) -> None:
            change(run)
            p.loop(run, x, y)

        return replace(p, loop=loop)

    return done
