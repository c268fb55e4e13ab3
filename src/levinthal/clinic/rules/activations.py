"""Activations: units that are dead, or in the saturated region of their activation."""

from __future__ import annotations

from collections.abc import Iterator

from levinthal.clinic.findings import symptoms
from levinthal.clinic.findings.finding import abbreviated, found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.clinic.findings.sources import AUTOTRAINER, GLOROT
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sample import LayerStats
from levinthal.clinic.rules.collapse import collapsed
from levinthal.clinic.rules.context import Context
from levinthal.clinic.rules.gradient_flow import FALLEN, bias_gradients, first_over_last, is_weighted
from levinthal.clinic.rules.same_outputs import have_become_one
from levinthal.vocabulary import Finding, Severity

MOST_UNITS = 0.5
"""Share of a layer's units that are dead or saturated, above which the layer is."""
LATE_SAMPLES = 3
"""Samples at the end in which they have to be."""
ROWS = 8
"""Rows (or places) below which a unit that is zero in each is not dead."""
SHUT_UNITS = 0.9
"""Share of a gate's units that let nothing through, in all rows at all times, above which it is shut."""
NEARLY_ALL = 0.9
"""Share of dead units at first above which no collapse of rows caused them; in training that goes on, above
which it is worth a note."""
NEARLY_ONE = 1.5
"""Effective rank below which the inputs of a dead layer point in about one direction."""

SATURATED_ACTIVATION = FindingKind(
    code="SATURATED_ACTIVATION",
    means="most units of these layers are in the saturated region of their activation",
    remedy="scale the weights (or the inputs) down, or normalise before the activation",
    severity=Severity.WARNING,
    area=Area.ACTIVATIONS,
    order=310,
    evidence=(
        "more than {units:.0%} of a hidden layer's inputs (of a recurrence, its gates) in the "
        "saturated region of the function, at {samples} samples, training plateaued; or an input, forget or "
        "output gate of an LSTM shut, or the update gate of a GRU: {shut:.0%} of its units, in all rows at"
        " all times, in every detailed sample, {samples} or more"
    ),
    thresholds={"units": MOST_UNITS, "samples": LATE_SAMPLES, "shut": SHUT_UNITS},
    source=GLOROT,
    explains=("VANISHING_GRADIENT", *symptoms.COLLAPSE, *symptoms.NO_LEARNING),
)

DEAD_RELU = FindingKind(
    code="DEAD_RELU",
    means="most units of these layers are zero for every input",
    remedy="lower the learning rate, initialise biases with 0, or use LeakyReLU",
    severity=Severity.WARNING,
    area=Area.ACTIVATIONS,
    order=320,
    evidence=(
        "more than {units:.0%} of a hidden layer's units zero for every row, at {samples} samples of {rows} "
        "rows or places or more, training plateaued; else info above {all:.0%}; not of units that died while "
        "all outputs became the same (`RANK_COLLAPSE`)"
    ),
    thresholds={"units": MOST_UNITS, "samples": LATE_SAMPLES, "rows": ROWS, "all": NEARLY_ALL},
    source=f"Lu et al., Dying ReLU (2019); {AUTOTRAINER}",
    explains=("VANISHING_GRADIENT", "RANK_COLLAPSE", "LR_TOO_LOW", "UNDERFIT"),
)


@rule(SATURATED_ACTIVATION, DEAD_RELU)
def activations(context: Context) -> Iterator[Finding]:
    """Most units of a hidden layer are dead, or saturated where the activation saturates at both ends."""
    saturated, dead = {}, {}
    most_dead = MOST_UNITS if context.trend.has_plateaued else NEARLY_ALL  # healthy layers have two thirds
    for name in _hidden(context.history):
        reads = context.history.layer(name)[-LATE_SAMPLES:]
        late = [r for r in reads if r.live_inputs is not None and r.inputs >= ROWS * r.units]
        if len(late) < LATE_SAMPLES:
            continue
        if late[-1].saturates and min(read.saturated_share for read in late) > MOST_UNITS:
            saturated[name] = late[-1].saturated_share
        elif _is_zero(name, context) and min(read.dead_share for read in late) > most_dead:
            dead[name] = late[-1].dead_share
    saturated |= _saturated_gates(context.history) or _shut_gates(context.history)
    severity = None if context.trend.has_plateaued else Severity.INFO
    step = int(context.history.steps[-1]) if len(context.history) else 0
    if saturated:
        evidence = {"share of saturated inputs": max(saturated.values()), "layers": len(saturated)}
        yield found(SATURATED_ACTIVATION, abbreviated(list(saturated)), step, evidence, severity=severity)
    if dead and not _caused_by_collapse(dead, context):
        evidence = {"share of dead units": max(dead.values()), "layers": len(dead)}
        yield found(DEAD_RELU, abbreviated(list(dead)), step, evidence, severity=severity)


def dead_before_training(history: History) -> list[Finding]:
    """DEAD_RELU of the hidden activations of which most units are zero for every row of the first pass."""
    names, first = _hidden(history), history.samples[0]
    reads = zip(first.names, first.kinds, first.layers, strict=True)
    dead = [name for name, kind, read in reads if name in names and _is_dead(kind, read)]
    evidence = {"share of dead units, above": NEARLY_ALL, "layers": len(dead)}
    return [found(DEAD_RELU, abbreviated(dead), 0, evidence)] if dead else []


def _is_dead(kind: str, read: LayerStats) -> bool:
    """Whether nearly all units of one reading are zero."""
    is_known = read.live_inputs is not None and read.inputs >= ROWS * read.units
    return is_known and not read.saturates and kind.lower() != "softplus" and read.dead_share > NEARLY_ALL


def _is_zero(name: str, context: Context) -> bool:
    """Whether an activation is zero in its saturated region. A softplus, which makes numbers positive, is
    small there by design.
    """
    read, kind = context.history.layer(name)[-1], context.history.layer_names[name]
    return not read.saturates and kind.lower() != "softplus"


def _saturated_gates(history: History) -> dict[str, float]:
    """Recurrent layer -> share of saturated gates, where it is most of them at the last detailed samples."""
    seen = [sample.gates for sample in history if sample.gates][-LATE_SAMPLES:]
    names = [n for n in seen[-1] if all(n in s for s in seen)] if len(seen) == LATE_SAMPLES else []
    least = {f"{name} (gates)": min(s[name].saturated_share for s in seen) for name in names}
    return {name: share for name, share in least.items() if share > MOST_UNITS}


def _shut_gates(history: History) -> dict[str, float]:
    """Gate of a recurrent layer -> share of its units that are shut, where it is nearly all of them in every
    detailed sample, the first one included.
    """
    seen = [sample.gates for sample in history if sample.gates]
    names = [n for n in seen[-1] if all(n in s for s in seen)] if len(seen) >= LATE_SAMPLES else []
    both = [(name, gate) for name in names for gate in seen[-1][name].shut]
    least = {f"{name} ({gate})": min(float(s[name].shut[gate]) for s in seen) for name, gate in both}
    return {place: share for place, share in least.items() if share > SHUT_UNITS}


def _caused_by_collapse(dead: dict[str, float], context: Context) -> bool:
    """Whether units are dead because all rows are the same: then about half of them are dead at first, the
    others never, and the rows that the layer read already pointed in about one direction. Or they died while
    something made all outputs the same.
    """
    first, names = context.history.samples[0], list(context.history.layer_names)
    lost = collapsed(context.history, plateaued=context.trend.has_plateaued)
    fresh = [r.dead_share for n, r in zip(first.names, first.layers, strict=True) if n in dead]
    if max(fresh, default=1.0) > NEARLY_ALL:
        return False
    if have_become_one(context):
        return True
    if first_over_last(bias_gradients(context)) < FALLEN:
        return True  # the signal is too weak to change the sign that the bias gives
    if not lost or not first.effective_ranks:
        return False
    before = [n for n in names[: min(names.index(name) for name in dead)] if n in first.effective_ranks]
    return bool(before) and float(first.effective_ranks[before[-1]]) < NEARLY_ONE


def _hidden(history: History) -> list[str]:
    """The layers before the last weighted one: an activation after it belongs to the output."""
    kinds = history.layer_names
    weighted = [i for i, kind in enumerate(kinds.values()) if is_weighted(kind)]
    return list(kinds)[: weighted[-1]] if weighted else list(kinds)


def is_saturated_at_first(context: Context) -> bool:
    """Whether a hidden layer was saturated in the first pass: then all weights are large."""
    first = context.history.samples[0]
    reads = [r for r in first.layers[:-1] if r.live_inputs is not None and r.saturates]
    return any(read.saturated_share > MOST_UNITS for read in reads)
