"""One training that was observed: its models, its optimisers, and the watch around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from levinthal.clinic.answer.states import Answer
from levinthal.clinic.export import to_json
from levinthal.clinic.presentation.terminal import answered
from levinthal.clinic.recording.training_setup import unwrapped
from levinthal.clinic.watching import Watch, watch
from levinthal.report.formatting import listed
from levinthal.vocabulary import Finding, Severity


@dataclass(frozen=True, slots=True)
class Observed:
    """What is known of a training when it is over; it holds neither the models nor the optimisers.

    Attributes:
        name: The models and the optimisers, by their types.
        steps: The number of steps of the first optimiser.
        findings: The findings, causes before their symptoms.
        answer: The answer.
        data: Findings, answer and history as plain JSON.
        page: The page that was written; None without one.
    """

    name: str
    steps: int
    findings: tuple[Finding, ...]
    answer: Answer
    data: dict[str, Any]
    page: Path | None = None

    def __str__(self) -> str:
        shown = [f for f in self.findings if f.severity is not Severity.INFO]
        infos = [f.code for f in self.findings if f.severity is Severity.INFO and not f.follows]
        noted = [f"Info, without degradation: {', '.join(infos)}."] if infos else []
        return "\n\n".join([f"{self.name}, {self.steps:,} steps", answered(self.answer, shown), *noted])


class Training:
    """A training that goes on.

    Args:
        models: The models.
        optimizers: Their optimisers.
        every: One step in so many is sampled.

    Attributes:
        last_active: The number of the last step of any optimiser of the program that was one of these.
    """

    def __init__(self, models: Sequence[nn.Module], optimizers: Sequence[Optimizer], every: int) -> None:
        self.models, self.every = tuple(models), every
        self.optimizers = tuple(dict.fromkeys(map(unwrapped, optimizers)))
        self.last_active: int | None = None
        model: nn.Module | tuple[nn.Module, ...] = self.models[0] if len(self.models) == 1 else self.models
        self.watch: Watch = watch(model, self.optimizers, every=every)
        self.watch.__enter__()

    def together_with(self, models: Sequence[nn.Module], optimizers: Sequence[Optimizer]) -> Training:
        """This training with more models and optimisers, begun anew."""
        self.watch.__exit__(None, None, None)
        every_model = dict.fromkeys((*self.models, *models))
        inner = {id(part) for m in every_model for part in m.modules() if part is not m}
        whole = [m for m in every_model if id(m) not in inner]
        return Training(whole, (*self.optimizers, *optimizers), self.every)

    def ended(self, error: BaseException | None, page: Path | None) -> Observed:
        """End the watch, and say what is known."""
        self.watch.__exit__(type(error) if error else None, error, None)
        found, answer = self.watch.findings(), self.watch.answer()
        data = to_json(found, answer=answer, history=self.watch.history, names=self.watch.setup.names)
        written = self.watch.report(page) if page else None
        return Observed(self.name, self.watch.steps, tuple(found), answer, data, written)

    @property
    def name(self) -> str:
        """Such as "Net with Adam"."""
        models = [type(getattr(m, "_orig_mod", m)).__name__ for m in self.models]
        optimizers = dict.fromkeys(type(o).__name__ for o in self.optimizers)
        return f"{listed(models)} with {listed(list(optimizers))}"
