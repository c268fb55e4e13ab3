"""The code of a remedy: text that a user can paste, and that `treat` runs as it is printed.

Each part of the text belongs to one place of a training. There is no other description of a remedy, so what
is printed is what was tried.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from enum import StrEnum
from types import CodeType
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from levinthal.clinic.problem.batches import as_pair, batches
from levinthal.vocabulary import Problem

SAMPLED_BATCHES = 16


class Place(StrEnum):
    """Where in a training a part of the code belongs, as the comment that is printed above it."""

    DATA = "once, before training; `batches` are its first 16 batches of (inputs, targets)"
    SETTING = "a field of the Problem, or the setting of that name in your own training"
    MODEL = "after the model is built"
    NEW_OPTIMIZER = "in place of the optimiser"
    OPTIMIZER = "after the optimiser is built, before a scheduler is"
    STEP = "at the start of every step"
    BATCH = "on every batch, also of validation"
    LOSS = "in place of loss = loss_fn(outputs, targets)"
    CLIP = "between backward and step, in place of other clipping"


Code = tuple[tuple[Place, str], ...]
"""The parts of a remedy in the order in which they are applied; empty where there is nothing to change."""


def as_text(code: Code) -> str:
    """The code as it is printed: each part below a comment that names its place.

    >>> print(as_text(((Place.STEP, "optimizer.zero_grad()"),)))
    # at the start of every step
    optimizer.zero_grad()
    """
    return "\n".join(f"# {place.value}\n{text}" for place, text in code)


def edited(problem: Problem, code: Code) -> Problem:
    """The problem with the code in its places.

    A name that the code gives a value before training is known in the parts that follow.
    """
    known = dict[str, Any]()
    for place, text in code:
        compiled = compile(text, "<remedy>", "exec")
        if place is Place.DATA:
            known |= run(compiled, {"batches": first_batches(problem)})
            del known["batches"]
        else:
            problem = EDITS[place](problem, compiled, known)
    return problem


def run(code: CodeType, names: dict[str, Any]) -> dict[str, Any]:
    """The names and their values after the code has run; `torch` and `nn` are known to it."""
    space = {"torch": torch, "nn": nn, **names}
    exec(code, space)
    return {name: value for name, value in space.items() if name != "__builtins__"}


def first_batches(problem: Problem) -> list[tuple[Any, Any]]:
    """The first 16 training batches of seed 0."""
    source = batches(problem, 0)
    return [as_pair(next(source), "train") for _ in range(SAMPLED_BATCHES)]


def _setting(problem: Problem, code: CodeType, known: dict[str, Any]) -> Problem:
    names = [field.name for field in fields(Problem)]
    after = run(code, known | {name: getattr(problem, name) for name in names})
    return replace(problem, **{name: after[name] for name in names})


def _model(problem: Problem, code: CodeType, known: dict[str, Any]) -> Problem:
    def model() -> Any:
        return run(code, {**known, "model": _own(problem.model())})["model"]

    return replace(problem, model=model)


def _own(model: nn.Module) -> nn.Module:
    """A copy, because two networks of a problem may share a module without parameters."""
    try:
        return copy.deepcopy(model)
    except Exception:  # some tensors cannot be copied; such a network is edited itself
        return model


def _new_optimizer(problem: Problem, code: CodeType, known: dict[str, Any]) -> Problem:
    def optimizer(model: nn.Module) -> Any:
        return run(code, {**known, "model": model})["optimizer"]

    return replace(problem, optimizer=optimizer)


def _optimizer(problem: Problem, code: CodeType, known: dict[str, Any]) -> Problem:
    def optimizer(model: nn.Module) -> Any:
        made = problem.optimizer(model)
        for one in every_optimizer(made):
            run(code, {**known, "model": model, "optimizer": one})
        return made

    return replace(problem, optimizer=optimizer)


def _step(problem: Problem, code: CodeType, known: dict[str, Any]) -> Problem:
    own_step = problem.step
    if own_step is None:
        return problem

    def step(model: nn.Module, optimizer: Any, inputs: Any, targets: Any) -> object:
        for one in every_optimizer(optimizer):
            run(code, {**known, "model": model, "optimizer": one})
        return own_step(model, optimizer, inputs, targets)

    return replace(problem, step=step)


def _batch(problem: Problem, code: CodeType, known: dict[str, Any]) -> Problem:
    before = problem.prepare or (lambda inputs, targets: (inputs, targets))

    def prepare(inputs: Any, targets: Any) -> tuple[Any, Any]:
        inputs, targets = before(inputs, targets)
        after = run(code, {**known, "inputs": inputs, "targets": targets})
        return after["inputs"], after["targets"]

    return replace(problem, prepare=prepare)


def _loss(problem: Problem, code: CodeType, known: dict[str, Any]) -> Problem:
    def loss(outputs: Any, targets: Any) -> Tensor:
        names = {"loss_fn": problem.loss, "outputs": outputs, "targets": targets}
        found: Tensor = run(code, {**known, **names})["loss"]
        return found

    return replace(problem, loss=loss)


def _clip(problem: Problem, code: CodeType, known: dict[str, Any]) -> Problem:
    return replace(problem, clip=lambda model: run(code, {**known, "model": model}))


def every_optimizer(made: Optimizer | Iterable[Optimizer]) -> Iterable[Optimizer]:
    """One optimiser or several, as several."""
    return (made,) if isinstance(made, Optimizer) else made


EDITS: dict[Place, Callable[[Problem, CodeType, dict[str, Any]], Problem]] = {
    Place.SETTING: _setting,
    Place.MODEL: _model,
    Place.NEW_OPTIMIZER: _new_optimizer,
    Place.OPTIMIZER: _optimizer,
    Place.STEP: _step,
    Place.BATCH: _batch,
    Place.LOSS: _loss,
    Place.CLIP: _clip,
}
