"""Operators: a healthy case in, the same case with one fault out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from benchmarks.faults.case import TrainingCase
from benchmarks.faults.own.data import Rows
from benchmarks.faults.own.networks import Wrapped
from torch import Tensor, nn
from torch.optim import Optimizer, lr_scheduler

Operator = Callable[[TrainingCase], TrainingCase]
ACTIVATIONS = (nn.ReLU, nn.Tanh, nn.GELU, nn.SiLU, nn.LeakyReLU, nn.ELU, nn.SELU, nn.Sigmoid)


def model_of(change: Callable[[nn.Module], nn.Module | None]) -> Operator:
    """Change, or exchange, the model as soon as it is made."""

    def operator(p: TrainingCase) -> TrainingCase:
        def made() -> nn.Module:
            model = p.model()
            return change(model) or model

        return replace(p, model=made)

    return operator


def another(model: Callable[[], nn.Module]) -> Operator:
    """Another model for the same task."""
    return lambda p: replace(p, model=model)


def weights(change: Callable[[Tensor], object], biases: Callable[[Tensor], object] | None = None) -> Operator:
    """Change weight matrices (and biases) in place as soon as they are made."""

    def changed(model: nn.Module) -> None:
        with torch.no_grad():
            for p in model.parameters():
                (change if p.dim() >= 2 else biases or (lambda _: None))(p)

    return model_of(changed)


def groups(**words: Any) -> Operator:
    """Settings of the optimiser's groups; `factor` multiplies the learning rate."""

    def operator(p: TrainingCase) -> TrainingCase:
        def made(model: nn.Module) -> Optimizer | tuple[Optimizer, ...]:
            built = p.optimizer(model)
            for optimizer in (built,) if isinstance(built, Optimizer) else built:
                for group in optimizer.param_groups:
                    group["lr"] *= words.get("factor", 1)
                    group.update({k: v for k, v in words.items() if k != "factor"})
            return built

        return replace(p, optimizer=made)

    return operator


def rate(factor: float) -> Operator:
    """The learning rate times a factor."""
    return groups(factor=factor)


def optimiser(make: Callable[[nn.Module], Optimizer]) -> Operator:
    """Another optimiser."""
    return lambda p: replace(p, optimizer=make)


def optimiser_first(change: Callable[[nn.Module], object]) -> Operator:
    """The model changes after the optimiser was made."""
    return lambda p: replace(p, prepare=change)


def batches(change: Callable[[Tensor, Tensor], Rows]) -> Operator:
    """The loader changes every batch."""
    return lambda p: replace(p, batch_made=change)


def rows(change: Callable[[Tensor, Tensor], Rows]) -> Operator:
    """The whole data set is changed."""
    return lambda p: replace(p, data=lambda seed: change(*p.data(seed)))


def loss(make: Callable[[Any, Tensor], Tensor]) -> Operator:
    """Another loss."""
    return lambda p: replace(p, loss=make)


def schedule(factor: Callable[[int], float]) -> Operator:
    """The learning rate at a step as a multiple of the initial one."""
    return lambda p: replace(p, schedule=lambda o: lr_scheduler.LambdaLR(o, factor))


def settings(**words: Any) -> Operator:
    """Fields of the case itself."""
    return lambda p: replace(p, **words)


def both(*operators: Operator) -> Operator:
    """One after the other."""

    def operator(p: TrainingCase) -> TrainingCase:
        for step in operators:
            p = step(p)
        return p

    return operator


def last(function: Callable[[Tensor], Tensor]) -> Operator:
    """A function is applied to the model's output."""
    return model_of(lambda m: Wrapped(m, function))


def appended(*modules: Callable[[], nn.Module]) -> Operator:
    """Modules after the model."""
    return model_of(lambda m: nn.Sequential(m, *(module() for module in modules)))


def activations(make: Callable[[], nn.Module]) -> Operator:
    """Every activation becomes another module."""

    def changed(model: nn.Module) -> None:
        for parent in list(model.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, ACTIVATIONS):
                    setattr(parent, name, make())

    return model_of(changed)


def head_frozen_out(model: nn.Module) -> list[nn.Parameter]:
    """Every parameter but those of the last weighted layer."""
    return list(model.parameters())[:-2]


def clipped(norm: float) -> Operator:
    """The gradient's norm clipped."""
    return settings(clip=lambda m: nn.utils.clip_grad_norm_(m.parameters(), norm))


def clipped_values(most: float) -> Operator:
    """Every entry of the gradient clipped."""
    return settings(clip=lambda m: nn.utils.clip_grad_value_(m.parameters(), most))


Row = tuple[str, str, Operator, str, dict[str, Any]]
"""Code, variant, operator, names of healthy cases, and fields of the FaultyCase."""


def row(code: str, variant: str, operator: Operator, bases: str, **fields: Any) -> Row:
    """One variant of a fault, on each of the healthy cases named in `bases`."""
    return code, variant, operator, bases, fields
