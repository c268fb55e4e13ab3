"""Signals on their way up and errors on their way down: they grow, fade, or end in flat parts."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import found, shown
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import AUTOTRAINER, GLOROT
from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.collapse import collapsed, falls_at_once
from levinthal.clinic.rules.context import Chart, typical
from levinthal.clinic.rules.loss_trend import A_GUESS
from levinthal.vocabulary import Finding, Severity

GROWN = 1e3
"""First over last gradient, a weight, above which it explodes."""
GROWN_THROUGH_TIME = 1e3
"""A recurrence's gain to the power of its length, above which it explodes."""
FALLEN = 1e-3
"""First over last gradient, a weight, below which it vanishes."""
MOST_UNITS = 0.5
"""Share of a layer's units that are dead or saturated, above which the layer is."""
LATE_SAMPLES = 3
"""Samples at the end in which they have to be."""
NEARLY_ALL = 0.9
"""Share of dead units at first above which no collapse of rows made them."""
NEARLY_ONE = 1.5
"""Effective rank below which the rows that a dead layer reads lie on about one line."""
GROWTH = 30.0
"""Growth of the signal over the layers of the first pass."""
ON_THE_WAY = 3.0
"""Growth without the last layer, or with it, that has to go with it."""
SHRUNK = 1e-3
"""Last over first layer's signal below which it dies."""
TOO_LARGE = 10.0
"""Times the chance level from which on a first loss shows degraded training."""
FAR_ABOVE = 3.0
"""Times the chance level above which the first loss is too large."""
WIDE_INPUT = 20.0
"""|mean| and standard deviation of inputs below which they are of ordinary size."""

EXPLODING_GRADIENT = FindingKind(
    code="EXPLODING_GRADIENT",
    means="signal or gradient grows from layer to layer before any step is taken",
    remedy="normalise the layers, or scale the initial weights down",
    severity=Severity.WARNING,
    area=Area.GRADIENT,
    order=240,
    evidence=(
        "the signal grows {signal} times over the layers at the first pass, or the gradient "
        "{gradient} times, or a recurrence's gain to the power of its length is above {recurrence}, "
        "and degraded training"
    ),
    thresholds={"signal": GROWTH, "gradient": GROWN, "recurrence": GROWN_THROUGH_TIME},
    source=f"Pascanu et al. (ICML 2013); {AUTOTRAINER}",
    explains=(
        *symptoms.COLLAPSE,
        "FIRST_LOSS_TOO_LARGE",
        "LR_TOO_HIGH",
        "NON_FINITE_LOSS",
        "DEAD_RELU",
        "OVER_CLIPPING",
        "UNDERFIT",
    ),
)

FIRST_LOSS_TOO_LARGE = FindingKind(
    code="FIRST_LOSS_TOO_LARGE",
    means="the first loss is far above the chance level: the outputs are too large before training",
    remedy="scale the weights of the last layer down, or start it at zero",
    severity=Severity.WARNING,
    area=Area.LOSS,
    order=260,
    evidence=(
        "the first loss above {times} times the chance level (and that of ln K), inputs of ordinary "
        "size, no layer saturated; a warning if training ends above {end} of the chance level"
    ),
    thresholds={"times": FAR_ABOVE, "end": A_GUESS},
    source="a guess loses the entropy of the targets",
    explains=("LR_TOO_HIGH", "NON_FINITE_LOSS", "DEAD_RELU", "LR_TOO_LOW", "OVER_CLIPPING", "UNDERFIT"),
)

SATURATED_ACTIVATION = FindingKind(
    code="SATURATED_ACTIVATION",
    means="most units of these layers are in the saturated region of their activation",
    remedy="scale the weights (or the inputs) down, or normalise before the activation",
    severity=Severity.WARNING,
    area=Area.ACTIVATIONS,
    order=310,
    evidence=(
        "more than {units:.0%} of a hidden layer's inputs (of a recurrence, its gates) in the "
        "saturated region of the function, at {samples} samples, training plateaued"
    ),
    thresholds={"units": MOST_UNITS, "samples": LATE_SAMPLES},
    source=GLOROT,
    explains=("VANISHING_GRADIENT", *symptoms.COLLAPSE, *symptoms.NO_LEARNING),
)

DEAD_RELU = FindingKind(
    code="DEAD_RELU",
    means="most units of these layers are zero for every input",
    remedy="lower the rate, start biases at 0, or use LeakyReLU",
    severity=Severity.WARNING,
    area=Area.ACTIVATIONS,
    order=320,
    evidence=(
        "more than {units:.0%} of a hidden layer's units zero for every row, at {samples} samples, "
        "training plateaued"
    ),
    thresholds={"units": MOST_UNITS, "samples": LATE_SAMPLES},
    source=f"Lu et al., Dying ReLU (2019); {AUTOTRAINER}",
    explains=("VANISHING_GRADIENT", "RANK_COLLAPSE", "LR_TOO_LOW", "UNDERFIT"),
)

VANISHING_GRADIENT = FindingKind(
    code="VANISHING_GRADIENT",
    means="the gradient falls from layer to layer towards the input: early layers do not learn",
    remedy="ReLU or tanh with Kaiming or Xavier weights, residual connections, or normalisation",
    severity=Severity.WARNING,
    area=Area.GRADIENT,
    order=330,
    evidence=(
        "first over last matrix's gradient, a weight, below {fallen}; or the error at the biases, or "
        "the signal (below {signal}); and training plateaued"
    ),
    thresholds={"fallen": FALLEN, "signal": SHRUNK},
    source=f"{GLOROT}; {AUTOTRAINER}",
    explains=(*symptoms.COLLAPSE, "LR_TOO_LOW", "UNDERFIT"),
)


@rule(EXPLODING_GRADIENT, VANISHING_GRADIENT)
def gradient_flow(chart: Chart) -> Iterator[Finding]:
    """Gradients that grow or fall from the last layer to the first, a unit of weight at a time; or the errors
    that come back to the layers' biases, which fall too where weak signals hide it from the weights.
    """
    matrices, went = chart.patient.matrices(), chart.went
    if len(chart.history) < 3:
        return
    sizes = np.sqrt([chart.patient.parameters[i].numel() for i in matrices])
    usual = typical(chart.history.tensors("gradient")[:, matrices] / sizes, 0)
    ratio = _first_to_last(usual)
    error = 1.0 if falls_at_once(chart.history, stuck=went.is_stuck) else _first_to_last(_deltas(chart))
    evidence = {"first / last gradient": ratio, "layers": int(np.isfinite(usual).sum())}
    where = f"{chart.patient.names[matrices[0]]} to {chart.patient.names[matrices[-1]]}" if matrices else ""
    if ratio > GROWN:
        severity = None if went.is_stuck or went.is_worse or not went.known else Severity.INFO
        yield found(EXPLODING_GRADIENT, where, 0, evidence, severity=severity)
    elif min(ratio, error) < FALLEN:
        severity = None if went.is_stuck or not went.known else Severity.INFO
        evidence |= {"first / last error at the biases": error} if error < FALLEN else {}
        yield found(VANISHING_GRADIENT, where, 0, evidence, severity=severity)


def _first_to_last(usual: np.ndarray) -> float:
    """The first number over the last, of those that are known; 1 of fewer than three."""
    known = usual[np.isfinite(usual)]
    return float(known[0] / known[-1]) if len(known) >= 3 and known[-1] > 0 else 1.0


def _deltas(chart: Chart) -> np.ndarray:
    """The usual gradient of each weighted layer's bias, before any step."""
    seen = [sample.deltas.cpu().double().numpy() for sample in chart.history if sample.deltas is not None]
    kinds = chart.history.layer_names
    heard = {f"{name}.bias" for name, kind in kinds.items() if is_weighted(kind)}
    places = [i for i, name in enumerate(chart.patient.names) if name in heard]
    return typical(np.array(seen)[:, places], 0) if len(seen) >= 3 and places else np.zeros(0)


@rule(EXPLODING_GRADIENT, VANISHING_GRADIENT)
def signal_growth(chart: Chart) -> Iterator[Finding]:
    """A signal that grows or dies from layer to layer in the first pass, before any rate has a part in it."""
    first = chart.history.samples[0] if len(chart.history) else None
    layers = zip(first.kinds, first.layers, strict=True) if first else ()
    scales = [float(read.norm) / math.sqrt(max(read.count, 1)) for kind, read in layers if is_weighted(kind)]
    if len(scales) < 3 or not scales[0] > 0:
        return
    growth, before_last, went = scales[-1] / scales[0], scales[-2] / scales[0], chart.went
    evidence = {"last / first layer's signal": max(growth, before_last), "first loss": went.start}
    where = f"{chart.patient.names[0]} to {chart.patient.names[-1]}"
    # neither a loud head nor a loud layer on the way is an explosion alone
    grows = min(growth, before_last) > ON_THE_WAY and max(growth, before_last) > GROWTH
    hurts = went.is_harmed or bool(np.any(chart.history.task_losses[:1] > TOO_LARGE * went.chance))
    if grows and hurts:
        yield found(EXPLODING_GRADIENT, where, 0, evidence)
    elif growth < SHRUNK and went.is_stuck:
        yield found(VANISHING_GRADIENT, where, 0, evidence)


def is_weighted(kind: str) -> bool:
    """Whether a kind of layer is made of weighted sums."""
    return kind.startswith(("Linear", "Conv", "NonDynamically"))


@rule(FIRST_LOSS_TOO_LARGE)
def first_loss(chart: Chart) -> Iterator[Finding]:
    """A first loss far above that of a guess, though the inputs are of ordinary size, and no hidden layer
    sits on its flat part: else all weights are large.
    """
    losses, went = chart.history.task_losses, chart.went
    spread, mean = chart.history.batch("std"), np.abs(chart.history.batch("mean"))
    ordinary = not len(spread) or (spread[0] < WIDE_INPUT and mean[0] < WIDE_INPUT)
    least = FAR_ABOVE * max(went.chance, _of_no_knowledge(chart.history))
    if len(losses) and ordinary and losses[0] > least and not is_flat_at_first(chart):
        severity = None if went.is_harmed or went.end > A_GUESS * went.chance else Severity.INFO
        evidence = {"first loss": float(losses[0]), "of a guess": went.chance}
        yield found(FIRST_LOSS_TOO_LARGE, "loss", 0, evidence, severity=severity)


def _of_no_knowledge(history: History) -> float:
    """The loss of a guess that does not know how often each class is: ln K; 0 where there are no classes."""
    shapes = [call.input_shape for call in history.calls() if call.counts is not None]
    return math.log(shapes[0][1]) if shapes and len(shapes[0]) > 1 else math.log(2) * _has_answers(history)


def _has_answers(history: History) -> bool:
    """Whether the losses are those of yes-or-no answers."""
    kinds = {call.kind for call in history.calls()}
    return bool(kinds) and all(kind.startswith("binary") for kind in kinds)


def is_flat_at_first(chart: Chart) -> bool:
    """Whether a hidden layer sat on its flat part in the first pass: then all weights are large."""
    first = chart.history.samples[0]
    reads = [r for r in first.layers[:-1] if r.on_flat is not None and r.saturates]
    return any(read.flat > MOST_UNITS for read in reads)


@rule(SATURATED_ACTIVATION, DEAD_RELU)
def activations(chart: Chart) -> Iterator[Finding]:
    """Hidden layers most of whose units are dead, or on the flat part of an activation flat at both ends."""
    flat, dead = {}, {}
    for name in _hidden(chart.history):
        late = [read for read in chart.history.layer(name)[-LATE_SAMPLES:] if read.on_flat is not None]
        if len(late) < LATE_SAMPLES:
            continue
        if late[-1].saturates and min(read.flat for read in late) > MOST_UNITS:
            flat[name] = late[-1].flat
        elif not late[-1].saturates and min(read.dead for read in late) > MOST_UNITS:
            dead[name] = late[-1].dead
    flat |= _shut(chart.history)
    harm = None if chart.went.is_stuck else Severity.INFO
    step = int(chart.history.steps[-1]) if len(chart.history) else 0
    if flat:
        evidence = {"share on the flat part": max(flat.values()), "layers": len(flat)}
        yield found(SATURATED_ACTIVATION, shown(list(flat)), step, evidence, severity=harm)
    if dead and not _made_by_collapse(dead, chart):
        evidence = {"share of dead units": max(dead.values()), "layers": len(dead)}
        yield found(DEAD_RELU, shown(list(dead)), step, evidence, severity=harm)


def _shut(history: History) -> dict[str, float]:
    """Recurrent layers most of whose gates are on their flat part at the last closer looks, and how many."""
    seen = [sample.gates for sample in history if sample.gates][-LATE_SAMPLES:]
    names = seen[-1] if len(seen) == LATE_SAMPLES else {}
    least = {f"{n} (gates)": min(s[n].flat for s in seen) for n in names if all(n in s for s in seen)}
    return {name: share for name, share in least.items() if share > MOST_UNITS}


def _made_by_collapse(dead: dict[str, float], chart: Chart) -> bool:
    """Whether units are dead because rows are all alike: then about half of them are at first, the others
    never, and what they read was on about one line already.
    """
    first, names = chart.history.samples[0], list(chart.history.layer_names)
    lost = collapsed(chart.history, stuck=chart.went.is_stuck)
    fresh = [r.dead for n, r in zip(first.names, first.layers, strict=True) if n in dead]
    if max(fresh, default=1.0) > NEARLY_ALL:
        return False
    if _first_to_last(_deltas(chart)) < FALLEN:
        return True  # signals too weak to change what biases say
    if not lost or not first.ranks:
        return False
    before = [n for n in names[: min(names.index(name) for name in dead)] if n in first.ranks]
    return bool(before) and float(first.ranks[before[-1]]) < NEARLY_ONE


def _hidden(history: History) -> list[str]:
    """The layers before the last weighted one: an activation after it belongs to the output."""
    kinds = history.layer_names
    weighted = [i for i, kind in enumerate(kinds.values()) if is_weighted(kind)]
    return list(kinds)[: weighted[-1]] if weighted else list(kinds)
