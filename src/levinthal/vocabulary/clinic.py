"""What a user hands to the clinic, and what the clinic says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from levinthal.vocabulary.estimates import as_html

if TYPE_CHECKING:
    import torch


class Severity(StrEnum):
    """How much a finding matters."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the clinic says of a network: the cause, where, since when, on what evidence, and the remedy.

    Attributes:
        code: The kind of finding; `docs/findings.md` lists all.
        severity: How much it matters.
        confidence: The share of examined runs in which this code, at this severity, was the cause; None for a
            code that has not been examined.
        where: The layer or part of the training.
        step: The step since which it holds.
        evidence: What was measured, by name.
        follows: The code of the finding that it follows from, if any.
        remedy: What to do.
        confirmation: What a training with the remedy gave, where it was tried.
    """

    code: str
    severity: Severity
    confidence: float | None
    where: str
    step: int
    evidence: Mapping[str, Any]
    follows: str | None = None
    remedy: str = ""
    confirmation: str = ""

    def _repr_html_(self) -> str:
        seen = ", ".join(f"{name} = {value}" for name, value in self.evidence.items())
        treatment = (("remedy", self.remedy), ("confirmation", self.confirmation))
        notes = [f"{name}: {text}" for name, text in treatment if text]
        sure = "not examined yet" if self.confidence is None else f"confidence {self.confidence:.0%}"
        where = f"{self.code} in {self.where} since step {self.step} ({sure})"
        return as_html(self.severity, where, (seen, f"follows {self.follows}" * bool(self.follows), *notes))


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Problem:
    """A training of your own, as factories and values, so that `examine` and `treat` can run it again.

    Attributes:
        model: `model()` builds the network anew.
        loss: `loss(outputs, targets)` returns a scalar tensor, the mean over the batch.
        train: The pair (inputs, targets) of tensors or arrays with rows on the first axis; or a DataLoader of
            such pairs, whose own batch size and order then apply.
        optimizer: `optimizer(model)` builds the optimiser, or several.
        validation: Data as `train`, which the score is computed on. Default: the training data.
        batch_size: Rows of a batch, where `train` is a pair.
        steps: Number of optimiser steps of one training.
        shuffle: Whether a pair is shuffled in every epoch.
        metric: `metric(outputs, targets)` returns the score, a number that is larger for better. Default:
            accuracy for classes (balanced where one class makes up more than 80 %), R^2 for real targets,
            else minus the loss.
        schedule: `schedule(optimizer)` builds a scheduler, stepped after every step.
        clip: The largest norm of the gradient, or a function of the model that clips its gradients.
        prepare: `prepare(inputs, targets)` returns the pair that the model and the loss get, for every batch.
        frozen: Prefixes of the names of parameters that are meant to stay as they are.
        step: `step(model, optimizer, inputs, targets)` replaces the ordinary training step, from `zero_grad`
            to `optimizer.step`.
        made_at: File and line where the Problem was made, for messages. It is found where it is not given.

    >>> import torch
    >>> problem = Problem(
    ...     model=lambda: torch.nn.Linear(8, 4),
    ...     loss=torch.nn.functional.cross_entropy,
    ...     train=(torch.randn(64, 8), torch.arange(64) % 4),
    ...     optimizer=lambda model: torch.optim.SGD(model.parameters(), 0.1),
    ... )
    >>> problem.steps, problem.batch_size
    (200, 32)
    """

    model: Callable[[], torch.nn.Module]
    loss: Callable[[Any, Any], torch.Tensor]
    train: Any
    optimizer: Callable[[torch.nn.Module], Any]
    validation: Any = None
    batch_size: int = 32
    steps: int = 200
    shuffle: bool = True
    metric: Callable[[Any, Any], float] | None = None
    schedule: Callable[[Any], Any] | None = None
    clip: float | Callable[[torch.nn.Module], object] | None = None
    prepare: Callable[[Any, Any], tuple[Any, Any]] | None = None
    frozen: tuple[str, ...] = ()
    step: Callable[[torch.nn.Module, Any, Any, Any], object] | None = None
    made_at: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Keep the line that made it; a copy with another field keeps that of the first."""
        if not self.made_at:
            object.__setattr__(self, "made_at", _line_of_caller())

    def __repr__(self) -> str:
        """The fields by name; of data only the shapes."""
        names = (field.name for field in fields(self) if field.name != "made_at")
        shown = ((name, getattr(self, name)) for name in names)
        return f"Problem({', '.join(f'{name}={_in_short(value)}' for name, value in shown)})"


def _line_of_caller() -> str:
    """`file:line` of the code that called the constructor in hand."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__") in (__name__, "dataclasses", "copy"):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _in_short(value: Any) -> str:
    """A value in a few letters: a shape, a name, a number.

    >>> _in_short(3), _in_short(print), _in_short(None)
    ('3', 'print', 'None')
    """
    if isinstance(value, bool | int | float | str) or value is None:
        return repr(value)
    if isinstance(value, tuple | list) and len(value) <= 2:
        return f"({', '.join(map(_in_short, value))})"
    if hasattr(value, "shape"):
        return f"{type(value).__name__}{tuple(value.shape)}"
    return getattr(value, "__name__", type(value).__name__)
