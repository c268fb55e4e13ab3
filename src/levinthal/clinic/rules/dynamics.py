"""What goes wrong in training: rates, gradients, activations. A warning needs persistence and harm."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

from levinthal.clinic.chart import Chart, typical
from levinthal.clinic.finding import found, shown
from levinthal.clinic.patient import Patient
from levinthal.clinic.progress import FEWEST, Progress
from levinthal.clinic.rules.collapse import collapsed
from levinthal.clinic.sample import History
from levinthal.vocabulary import Finding, Severity

LARGE_STEP, SMALL_WAY = 0.1, 0.05
A_FAIR_CHANCE = 25
"""Steps before which nobody can say that a network does not learn."""
LEAP, HUGE_STEP, UNSTEADY = 10.0, 0.5, 1.1
DECAYED = 1e-3
LOST = 0.5
GROWN, FALLEN = 1e3, 1e-3
MOST_UNITS, NEARLY_ALL = 0.5, 0.9
CLIPPED, CLIPPED_WITH_HARM = 1e3, 10.0
GROWTH, ON_THE_WAY, SHRUNK, TOO_LARGE = 30.0, 3.0, 1e-3, 10.0
FAR_ABOVE, WIDE_INPUT = 3.0, 20.0
HIGH_DROPOUT = 0.8
SURELY, A_FIFTH = 2.0, 0.2


def non_finite_loss(chart: Chart) -> Iterator[Finding]:
    """A loss, or a gradient, that is no number any more."""
    losses = [(s.step, float(s.loss)) for s in chart.history if s.loss is not None]
    broken = [step for step, loss in losses if not math.isfinite(loss)]
    if broken:
        yield found("NON_FINITE_LOSS", "loss", broken[0], {"samples": len(broken), "of": len(losses)})


def step_size(chart: Chart) -> Iterator[Finding]:
    """Steps too large or too small for the weights, or a rate decayed to nothing."""
    went, matrices = chart.went, _matrices(chart.patient)
    if len(chart.history) < 3 or not matrices:
        return
    weights = chart.history.tensors("weight")[:, matrices]
    updates = chart.history.tensors("update")[:, matrices]
    with np.errstate(all="ignore"):  # a run that has blown up
        ratio = typical(updates / np.where(weights > 0, weights, np.nan), 1)
    size, early = float(typical(ratio)), float(np.nanmax([0.0, *ratio[:3]]))
    first, last = int(chart.history.steps[0]), int(chart.history.steps[-1])
    leapt = early > HUGE_STEP and not went.has_learnt and went.peak > LEAP * went.start
    usual, at_first = _against_ordinary(chart, matrices)
    long = max(usual, at_first) > HUGE_STEP
    mild = usual > LARGE_STEP or (_is_unsteady(went) and at_first > LARGE_STEP)
    if leapt or (went.is_harmed and (long or mild)):
        evidence = {"step / weight": max(size, early), "loss from": went.start, "to": went.end}
        severity = None if leapt or long or went.broken else Severity.WARNING
        yield found("LR_TOO_HIGH", "optimiser", first, evidence, confidence=0.9, severity=severity)
    elif not went.has_learnt and _has_decayed(chart.history):
        rates = [max(s.rates) for s in chart.history if s.rates]
        yield found("LR_DECAYED", "optimiser", last, {"rate": rates[-1], "was": max(rates)})
    elif last >= A_FAIR_CHANCE and _is_slow(chart, size * last):
        evidence = {"step / weight": size, "the whole way / weight, at most": size * last}
        yield found("LR_TOO_LOW", "optimiser", first, evidence, confidence=0.8)


def _against_ordinary(chart: Chart, matrices: list[int]) -> tuple[float, float]:
    """The typical step and the longest of the first three, beside weights that are at least half as large as
    fresh ones, of variance 1 / (3 n), would be: a step is not too long because a weight is next to nothing.
    """
    parameters = [chart.patient.parameters[i] for i in matrices]
    fresh = np.array([0.5 * math.sqrt(len(p) / 3) for p in parameters])
    weights = np.fmax(chart.history.tensors("weight")[:, matrices], fresh)
    with np.errstate(all="ignore"):
        ratio = typical(chart.history.tensors("update")[:, matrices] / weights, 1)
    return float(typical(ratio)), float(np.nanmax([0.0, *ratio[:3]]))


def _is_unsteady(went: Progress) -> bool:
    """Whether the loss rose above its start by more than its noise, as steps that are too long make it do."""
    return went.is_worse or went.peak > UNSTEADY * went.start + 2 * went.noise


def _is_slow(chart: Chart, way: float) -> bool:
    """Stuck with a gradient, on a way that is short beside the weights."""
    return chart.went.is_stuck and way < SMALL_WAY and bool(np.any(chart.history.tensors("gradient") > 0))


def lost_updates(chart: Chart) -> Iterator[Finding]:
    """Steps that half precision rounds away; in float32 only a rate that is too low gets so small."""
    same, gradients = chart.history.tensors("unchanged"), chart.history.tensors("gradient")
    if len(same) < 3:
        return
    rates = np.array([s.rates for s in chart.history if s.rates])
    half = np.array([p.dtype in (torch.float16, torch.bfloat16) for p in chart.patient.parameters])
    moving = half & (typical(gradients, 0) > 0) & (rates.max(0) > 0)
    if not moving.any():
        return
    sizes = np.array([p.numel() for p in chart.patient.parameters])[moving]
    share = float(np.average(np.median(same[:, moving], 0), weights=sizes))
    if share > LOST:
        severity = None if chart.went.is_stuck else Severity.INFO
        evidence = {"weights with a gradient that a step leaves as they were": share}
        yield found("UPDATE_LOST_TO_ROUNDING", "optimiser", 0, evidence, severity=severity)


def _has_decayed(history: History) -> bool:
    """Whether the rate was next to nothing for half of what was seen."""
    rates = [max(s.rates) for s in history if s.rates]
    return len(rates) >= FEWEST and float(np.median(rates)) < DECAYED * max(rates)


def _matrices(patient: Patient) -> list[int]:
    groups = patient.groups()
    return [
        i
        for i, p in enumerate(patient.parameters)
        if p.dim() >= 2 and p.requires_grad and groups[i] is not None
    ]


def gradient_flow(chart: Chart) -> Iterator[Finding]:
    """Gradients that grow or fall from the last layer to the first, a unit of weight at a time."""
    matrices = _matrices(chart.patient)
    if len(matrices) < 3 or len(chart.history) < 3:
        return
    sizes = np.sqrt([chart.patient.parameters[i].numel() for i in matrices])
    usual = typical(chart.history.tensors("gradient")[:, matrices] / sizes, 0)
    known = np.isfinite(usual)
    if known.sum() < 3 or usual[known][-1] <= 0:
        return
    ends, went = usual[known], chart.went
    ratio = float(ends[0] / ends[-1])
    if FALLEN <= ratio <= GROWN:
        return
    code, harm = ("VANISHING_GRADIENT", False) if ratio < FALLEN else ("EXPLODING_GRADIENT", went.is_worse)
    severity = None if went.is_stuck or harm or not went.known else Severity.INFO
    evidence = {"first / last gradient": ratio, "layers": int(known.sum())}
    where = f"{chart.patient.names[matrices[0]]} to {chart.patient.names[matrices[-1]]}"
    yield found(code, where, 0, evidence, confidence=0.9, severity=severity)


def first_loss(chart: Chart) -> Iterator[Finding]:
    """A first loss far above that of a guess, though the inputs are of ordinary size."""
    losses, went = chart.history.task_losses, chart.went
    spread, mean = chart.history.batch("std"), np.abs(chart.history.batch("mean"))
    ordinary = not len(spread) or (spread[0] < WIDE_INPUT and mean[0] < WIDE_INPUT)
    if len(losses) and ordinary and losses[0] > FAR_ABOVE * went.chance:
        flat = _is_flat_at_first(chart)
        severity, sure = (None if went.is_harmed and not flat else Severity.INFO), 0.5 if flat else 0.8
        evidence = {"first loss": float(losses[0]), "of a guess": went.chance}
        yield found("FIRST_LOSS_TOO_LARGE", "loss", 0, evidence, confidence=sure, severity=severity)


def _is_flat_at_first(chart: Chart) -> bool:
    """Whether a hidden layer sat on its flat part in the first pass: then all weights are large."""
    first = chart.history.samples[0]
    reads = [r for r in first.layers[:-1] if r.on_flat is not None and r.saturates]
    return any(read.flat > MOST_UNITS for read in reads)


def signal_growth(chart: Chart) -> Iterator[Finding]:
    """A signal that grows or dies from layer to layer in the first pass, before any rate has a part in it."""
    first = chart.history.samples[0] if len(chart.history) else None
    layers = zip(first.kinds, first.layers, strict=True) if first else ()
    scales = [float(read.norm) / math.sqrt(max(read.count, 1)) for kind, read in layers if _is_weighted(kind)]
    if len(scales) < 3 or not scales[0] > 0:
        return
    growth, went = scales[-1] / scales[0], chart.went
    evidence = {"last / first layer's signal": growth, "first loss": went.start}
    where = f"{chart.patient.names[0]} to {chart.patient.names[-1]}"
    before_last = scales[-2] / scales[0]  # a loud head alone is no explosion
    hurts = went.is_harmed or went.start > TOO_LARGE * went.chance
    if growth > GROWTH and before_last > ON_THE_WAY and hurts:
        yield found("EXPLODING_GRADIENT", where, 0, evidence, confidence=0.9)
    elif growth < SHRUNK and went.is_stuck:
        yield found("VANISHING_GRADIENT", where, 0, evidence, confidence=0.9)


def _is_weighted(kind: str) -> bool:
    return kind.startswith(("Linear", "Conv", "NonDynamically"))


def activations(chart: Chart) -> Iterator[Finding]:
    """Hidden layers most of whose units are dead, or on the flat part of an activation flat at both ends."""
    flat, dead = {}, {}
    for name in _hidden(chart.history):
        late = [read for read in chart.history.layer(name)[-3:] if read.on_flat is not None]
        if len(late) < 3:
            continue
        if late[-1].saturates and min(read.flat for read in late) > MOST_UNITS:
            flat[name] = late[-1].flat
        elif not late[-1].saturates and min(read.dead for read in late) > MOST_UNITS:
            dead[name] = late[-1].dead
    harm = None if chart.went.is_stuck else Severity.INFO
    step = int(chart.history.steps[-1]) if len(chart.history) else 0
    if flat:
        evidence = {"share on the flat part": max(flat.values()), "layers": len(flat)}
        yield found("SATURATED_ACTIVATION", shown(list(flat)), step, evidence, confidence=0.8, severity=harm)
    if dead and not _made_by_collapse(dead, chart.history):
        evidence = {"share of dead units": max(dead.values()), "layers": len(dead)}
        yield found("DEAD_RELU", shown(list(dead)), step, evidence, confidence=0.8, severity=harm)


def _made_by_collapse(dead: dict[str, float], history: History) -> bool:
    """Whether units are dead because rows are all alike: then about half of them are, the others never."""
    lost, names = collapsed(history), list(history.layer_names)
    if not lost or max(dead.values()) > NEARLY_ALL:
        return False
    return min(names.index(name) for name in lost) < min(names.index(name) for name in dead)


def _hidden(history: History) -> list[str]:
    """The layers before the last weighted one: an activation after it belongs to the output."""
    kinds = history.layer_names
    weighted = [i for i, kind in enumerate(kinds.values()) if _is_weighted(kind)]
    return list(kinds)[: weighted[-1]] if weighted else list(kinds)


def over_clipping(chart: Chart) -> Iterator[Finding]:
    """Gradients far smaller at the step than backward left them, not by a power of 2 as a scaler does."""
    before, after = (_total(chart.history.tensors(column)) for column in ("before_clipping", "gradient"))
    if len(after) < 3 or not np.all((after > 0) & np.isfinite(after) & np.isfinite(before)):
        return
    ratio = float(np.median(before / after))
    least = CLIPPED_WITH_HARM if chart.went.is_stuck else CLIPPED
    if ratio > least and abs(math.log2(ratio) - round(math.log2(ratio))) > 1e-4:
        severity = None if chart.went.is_stuck else Severity.INFO
        yield found("OVER_CLIPPING", "optimiser", 0, {"gradient before / after": ratio}, severity=severity)


def _total(norms: np.ndarray) -> np.ndarray:
    """(samples,) norm over all parameters."""
    return np.asarray(np.sqrt(np.nansum(norms**2, 1)))


def regularisation(chart: Chart) -> Iterator[Finding]:
    """Weight decay that empties the weights, and dropout that drops nearly all."""
    stuck = chart.went.is_stuck or chart.went.is_at_chance
    decays = [float(str(group.get("weight_decay", 0))) for group in chart.patient.groups() if group]
    weights = (
        np.sqrt(np.nansum(chart.history.tensors("weight") ** 2, 1)) if len(chart.history) else np.zeros(0)
    )
    if stuck and decays and max(decays) > 0 and len(weights) >= FEWEST and weights[-1] < 0.5 * weights[0]:
        evidence = {
            "weights at the end / at the start": float(weights[-1] / weights[0]),
            "decay": max(decays),
        }
        yield found("EXCESS_WEIGHT_DECAY", "optimiser", 0, evidence, confidence=0.9)
    taken = [sample.drops for sample in chart.history]
    drops = [(n, p) for n, p in (taken[-1] if taken else {}).items() if p >= HIGH_DROPOUT]
    if drops:
        evidence = {"p": max(p for _, p in drops)}
        severity = None if stuck else Severity.INFO
        yield found("EXCESS_DROPOUT", shown([n for n, _ in drops]), 0, evidence, severity=severity)


def underfit(chart: Chart) -> Iterator[Finding]:
    """The loss stays where it began."""
    went = chart.went
    if went.is_stuck and went.samples >= 2 * FEWEST and chart.history.steps[-1] >= A_FAIR_CHANCE:
        # rivals hold each other's loss where it is; without a guess to go by, a fall that is surely one, or
        # that noise would hide, is no failure
        rivals = len(chart.patient.optimizers) > 1 or any(len(s.losses) > 1 for s in chart.history)
        hidden = 2 * went.noise > A_FIFTH * abs(went.start)
        falls = math.isnan(went.chance) and (went.start - went.end > SURELY * went.noise or hidden)
        severity = Severity.INFO if rivals or falls else None
        evidence = {
            "loss at the start": went.start,
            "at the end": went.end,
            "steps": int(chart.history.steps[-1]),
        }
        yield found(
            "UNDERFIT", "loss", int(chart.history.steps[-1]), evidence, confidence=0.5, severity=severity
        )


RULES = (
    non_finite_loss,
    step_size,
    lost_updates,
    gradient_flow,
    signal_growth,
    first_loss,
    activations,
    over_clipping,
    regularisation,
    underfit,
)
