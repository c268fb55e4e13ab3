"""The nouns of the project, as frozen values. Imports nothing heavy and nothing of ours.

Estimate      a number with its unit, interval and trust
Measurement   an estimate at an address: seed, step, layer, name, condition
Dataset       arrays of a classification task, with their checksum
Snapshot      what the training loop yields
Task          one cell of a study and the seeds to run it with
Study         a question, its source, its presets, its claims and its figures
Claim         a sentence of the source with a test fixed before the run
Evidence      what a claim's test found, seed by seed, positive as claimed
Verdict       the claim, judged
Figure        numbers to be drawn, free of any plotting library
Finding       what the clinic says of a network
Problem       what a user hands to the clinic: model, loss, data, optimiser, budget
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import torch

Scalar = str | int | float | bool
Cell = Mapping[str, Scalar]


class Trust(StrEnum):
    """How far to believe a number, in four steps."""

    EXACT = "exact"
    CALIBRATED = "calibrated"
    ORDINAL = "ordinal"
    UNRELIABLE = "unreliable"


BADGES: Mapping[str, str] = {
    "exact": "▮▮▮▮", "calibrated": "▮▮▮▯", "ordinal": "▮▮▯▯", "unreliable": "▮▯▯▯",
    "replicates": "●", "partially": "◐", "weaker than claimed": "▽", "does not replicate": "✕",
    "inconclusive": "○", "reported": "–",
    "critical": "▲", "warning": "△", "info": "·",
}  # fmt: skip
"""The mark that goes with a word of trust, outcome or severity: never colour alone."""


def _shown(word: str, text: str, notes: Iterable[str] = ()) -> str:
    """A badge, a text and its notes as HTML, for notebooks."""
    small = "".join(f"<br><small>{html.escape(note)}</small>" for note in notes if note)
    return f"<div><b>{BADGES[word]} {html.escape(word)}</b>&ensp;{html.escape(text)}{small}</div>"


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval, its level, and the method that made it."""

    low: float
    high: float
    level: float = 0.95
    method: str = ""


def rounded(value: float, digits: int = 3) -> str:
    """A number with three significant digits, or more where three would say 1 of a number below 1.

    Args:
        value: the number.
        digits: how many significant digits.

    Returns:
        The text; "-1" likewise stands only for a number of -1 or less.

    >>> rounded(0.25), rounded(0.9998), rounded(-0.99951), rounded(1.0)
    ('0.25', '0.9998', '-0.9995', '1')
    """
    short = f"{value:.{digits}g}"
    if short not in ("1", "-1") or abs(value) >= 1:
        return short
    return f"{value:.{-math.floor(math.log10(1 - abs(value)))}f}"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number that carries its trust, which has no default. `float(estimate)` is its value.

    >>> why = ("its ceiling is 11.5",)
    >>> e = Estimate(4.42, "bits", Interval(4.31, 4.53), trust=Trust.ORDINAL, reasons=why)
    >>> print(e)
    4.42 bits [4.31, 4.53] (ordinal: its ceiling is 11.5)
    >>> float(e)
    4.42
    """

    value: float
    unit: str = ""
    interval: Interval | None = None
    trust: Trust = field(kw_only=True)
    reasons: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def exact(cls, value: float, unit: str = "") -> Estimate:
        """A number that is computed, not estimated: nothing but rounding stands between it and the truth.

        Args:
            value: the number.
            unit: its unit; empty for a pure number.

        Returns:
            The estimate, without interval. Counts and shares of a sample are not exact: see `proportion`.

        >>> print(Estimate.exact(0.5, "nats"))
        0.5 nats (exact)
        """
        return cls(value, unit, trust=Trust.EXACT)

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        ends = (rounded(self.interval.low), rounded(self.interval.high)) if self.interval else ()
        span = f" [{', '.join(ends)}]" if ends else ""
        why = f": {'; '.join(self.reasons)}" if self.reasons else ""
        return f"{rounded(self.value)}{unit}{span} ({self.trust}{why})"

    def _repr_html_(self) -> str:
        return _shown(self.trust, str(self).partition(" (")[0], self.reasons)


@dataclass(frozen=True, slots=True)
class Measurement:
    """An estimate at its address. `condition` says how it was read, as `key=value` words."""

    name: str
    estimate: Estimate
    seed: int = 0
    step: int = 0
    layer: str = ""
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A classification task as arrays: inputs (n, d) float32, labels (n,) int64."""

    name: str
    train_inputs: np.ndarray
    train_labels: np.ndarray
    test_inputs: np.ndarray
    test_labels: np.ndarray
    classes: int
    checksum: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the training loop yields: the state just before the optimiser's step `step` is taken.

    `loss` is a scalar, or one value a seed for an ensemble. Gradients sit in the model's parameters.
    """

    step: int
    epoch: float
    model: torch.nn.Module
    inputs: torch.Tensor
    labels: torch.Tensor
    loss: torch.Tensor


Probe = Callable[[Snapshot], Iterable[Measurement]]


@dataclass(frozen=True, slots=True)
class Task:
    """One cell of a study and the seeds to run it with; `cost` (any unit) weighs the time left."""

    cell: Cell
    seeds: tuple[int, ...]
    cost: float = 1.0


@dataclass(frozen=True, slots=True)
class Preset:
    """A named size of a study: its data set (or none), its tasks, and how long they take."""

    about: str
    data: str | None
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement together with the cell it was taken in: a row of the long table."""

    cell: Cell
    measurement: Measurement


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a claim's test found: condition -> seed -> effect, positive in the claimed direction.

    `control` holds the same effect in the control arm of each part; the part "" stands for all that have
    none of their own. `grid_edge` says that a compared arm's best learning rate sits on the edge of the
    grid, which leaves the comparison inconclusive.
    """

    effects: Mapping[str, Mapping[int, float]]
    control: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    grid_edge: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of the source with its test, smallest effect size and control, all fixed before the run.

    `smallest_effect` is the smallest effect size of interest: positive and in `unit`. None marks a number
    that is reported and never judged. `why_smallest` says where that size comes from: the source, or a choice
    of the study's author.
    """

    id: str
    says: str
    source: str
    effect: str
    unit: str
    smallest_effect: float | None
    control: str
    evidence: Callable[[Any], Evidence]
    why_smallest: str = ""


class Outcome(StrEnum):
    """The word of a verdict."""

    REPLICATES = "replicates"
    PARTIALLY = "partially"
    WEAKER = "weaker than claimed"
    DOES_NOT_REPLICATE = "does not replicate"
    INCONCLUSIVE = "inconclusive"
    REPORTED = "reported"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A claim, judged: the effect over seeds, part by part, beside its control, and why."""

    claim: Claim
    outcome: Outcome
    effect: Estimate | None
    seeds: int
    control: Estimate | None = None
    parts: Mapping[str, Estimate] = field(default_factory=dict)
    seeds_needed: int | None = None
    reasons: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        arms = (("effect", self.effect), ("control", self.control))
        found = [f"{name}: {arm}" for name, arm in arms if arm is not None]
        notes = (*found, f"{self.seeds} seeds", *self.reasons, self.claim.source)
        return _shown(self.outcome, f"{self.claim.id}: {self.claim.says}", notes)


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: what it shows, its unit, and whether it is logarithmic."""

    label: str
    unit: str = ""
    log: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One trace. `group` picks colour and mark (an architecture), `level` a place in [0, 1] on the
    sequential scale (an ordered factor). `role`: seed, median, point, bar or reference.
    `low` and `high` draw a band (median) or whiskers (point, bar); `arrow` marks the direction of travel.
    """

    name: str
    x: tuple[float | str, ...]
    y: tuple[float, ...]
    role: str = "median"
    group: str = ""
    level: float | None = None
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    arrow: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot of a figure."""

    x: Axis
    y: Axis
    series: tuple[Series, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """Panels under one title that says what is seen, and one caption: n, seeds, protocol."""

    id: str
    title: str
    caption: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Study:
    """A question put to networks. A new study is one new file holding one of these as `study`.

    `measure(task, data=..., device=...)` yields the measurements of every seed of the task;
    `answer(verdicts)` says in one sentence what came out; `figures(rows)` gives the figures. `terms` defines
    the abbreviations and units that the claims use. `seed_by_seed` says that `measure` treats each seed on
    its own, with equal results when it gets one seed at a time: then each finished seed is stored at once.
    """

    name: str
    chapter: str
    question: str
    source: str
    version: int
    presets: Mapping[str, Preset]
    measure: Callable[..., Iterable[Measurement]]
    claims: tuple[Claim, ...]
    figures: Callable[[Any], Iterable[Figure]]
    answer: Callable[[Mapping[str, Verdict]], str]
    terms: Mapping[str, str] = field(default_factory=dict)
    seed_by_seed: bool = False


class Severity(StrEnum):
    """How much a finding matters."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the clinic says of a network: the cause, where, since when, on what evidence, and the remedy.

    `confidence` is the share of examined runs in which this code, at this severity, was the cause; None for a
    code that has not been examined.
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
        return _shown(self.severity, where, (seen, f"follows {self.follows}" * bool(self.follows), *notes))


@dataclass(frozen=True, slots=True, kw_only=True)
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
