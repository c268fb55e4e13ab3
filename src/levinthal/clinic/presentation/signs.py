"""The signs of a run: one for each area of training, with its reading and the findings that were checked
there.

The signs say in which areas nothing was found. A sign with too few samples is *not judged*.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from levinthal.clinic.answer.wording import loss_in_words
from levinthal.clinic.findings.kind import Area
from levinthal.clinic.presentation.update_ratios import gradients, step_sizes, steps_in_words
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.behaviour import not_checked
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.clinic.rules.context import typical
from levinthal.clinic.rules.labels import FEWEST_ROWS
from levinthal.clinic.rules.loss_trend import loss_trend
from levinthal.clinic.rules.processes import OF_PROCESSES
from levinthal.report.formatting import counted, number, share, share_of
from levinthal.vocabulary import Finding, Severity, rounded

CLEAR, INFO, FOUND, NOT_JUDGED = "nothing found", "info", "found", "not judged"
FEW_SAMPLES = 3
SIGNS: dict[str, tuple[str, ...]] = {
    area: tuple(code for code, kind in CATALOGUE.items() if kind.area is area) for area in Area
}
"""Sign -> the findings of its area, causes first."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign of a run.

    Attributes:
        name: The area of training.
        reading: What was measured, in words and numbers.
        label: CLEAR, INFO, FOUND or NOT_JUDGED.
        codes: The findings in this area; where there are none, the findings that were checked.
    """

    name: str
    reading: str
    label: str
    codes: tuple[str, ...]


def read_signs(history: History, setup: TrainingSetup | None, findings: Sequence[Finding]) -> list[Sign]:
    """Every sign, in the order of `Area`."""
    trend = loss_trend(history)
    readings = {
        Area.LOSS: (loss_in_words(history, trend), trend.known or trend.broken),
        Area.DATA: _data(history),
        Area.LOSS_FUNCTION: _loss_function(history),
        Area.MODEL: _model(history),
        Area.OPTIMISER: _optimiser(history, setup),
        Area.STEP: _step(history, setup),
        Area.GRADIENT: _gradient(history, setup),
        Area.ACTIVATIONS: _activations(history),
        Area.LABELS: _labels(history),
        Area.VALIDATION: _validation(history),
    }
    unchecked = not_checked(history.behaviour) | (OF_PROCESSES if history.processes is None else frozenset())
    return [_sign(name, *reading, findings, unchecked) for name, reading in readings.items()]


def _sign(
    name: str, reading: str, judged: bool, findings: Iterable[Finding], unchecked: Collection[str]
) -> Sign:
    """A sign, from its reading and the findings of its area; what was not checked is not listed."""
    codes = SIGNS[name]
    hits = [finding for finding in findings if finding.code in codes]
    if not hits:
        checked = tuple(code for code in codes if code not in unchecked)
        return Sign(name, reading, CLEAR if judged else NOT_JUDGED, checked)
    only_info = all(hit.severity is Severity.INFO for hit in hits)
    return Sign(name, reading, INFO if only_info else FOUND, tuple(dict.fromkeys(h.code for h in hits)))


def _data(history: History) -> tuple[str, bool]:
    mean, spread, is_finite = history.batch("mean"), history.batch("std"), history.finite_batches
    said = []
    if len(mean):
        bad = int((~is_finite).sum())
        centre, width = number(float(typical(mean))), number(float(typical(spread)))
        finite = f"{bad} of {len(is_finite)} batches not finite" if bad else "all finite"
        said.append(f"inputs with mean {centre} and standard deviation {width}, {finite}")
    counts = [call.counts.cpu().numpy() for call in history.calls() if call.counts is not None]
    same = [table for table in counts if len(table) == len(counts[0]) and table.sum() > 1]
    if same:
        classes = float(np.mean([(table > 0).sum() for table in same]))
        said.append(f"{number(classes)} of {int((np.sum(same, 0) > 0).sum())} classes per batch")
    return "; ".join(said) or "the batches contain no floats, and no classes were seen", bool(said)


def _loss_function(history: History) -> tuple[str, bool]:
    calls = history.calls()
    if not calls:
        return "no loss function of torch was called: the inputs of the loss were not seen", False
    call, kinds = calls[0], sorted({call.kind for call in calls})
    shapes = f"output {call.input_shape}, target {call.target_shape}"
    return f"{', '.join(kinds)} (reduction {call.reduction}): {shapes}", True


def _model(history: History) -> tuple[str, bool]:
    kinds = history.layer_names
    if not kinds:
        return "no layer of a known kind was seen", False
    held = {kind: list(kinds.values()).count(kind) for kind in dict.fromkeys(kinds.values())}
    said = ", ".join(f"{count} {kind}" for kind, count in held.items())
    return f"{counted(len(kinds), 'layer')}: {said}", True


def _optimiser(history: History, setup: TrainingSetup | None) -> tuple[str, bool]:
    if setup is None or not len(history):
        return "no step was seen", False
    held = sum(group is not None for group in setup.groups())
    missing = set.intersection(*(set(sample.without_gradient) for sample in history))
    total = len(setup.names)
    return f"holds {held} of {total} parameter tensors; {total - len(missing)} get a gradient", True


def _step(history: History, setup: TrainingSetup | None) -> tuple[str, bool]:
    sizes = step_sizes(history, setup)
    changed = steps_in_words(sizes)
    if not changed:
        return "no step of known size was seen", False
    rates = [max(sample.rates) for sample in history if sample.rates]
    rate = f"; learning rate {_span(min(rates), max(rates))}" if rates else ""
    return f"{changed}{rate}", len(sizes) >= FEW_SAMPLES


def _span(low: float, high: float) -> str:
    return rounded(low) if low == high else f"from {rounded(low)} to {rounded(high)}"


def _gradient(history: History, setup: TrainingSetup | None) -> tuple[str, bool]:
    usual = typical(gradients(history, setup), 0) if len(history) else np.zeros(0)
    known = usual[np.isfinite(usual)]
    if not len(known):
        return "no gradient was seen", False
    if len(known) < 2 or known[-1] <= 0:
        return f"{int((known > 0).sum())} of {len(known)} weight matrices get a gradient", False
    ratio = share_of(float(known[0] / known[-1]))
    return f"the gradient per weight of the first of {len(known)} matrices is {ratio} that of the last", True


def _activations(history: History) -> tuple[str, bool]:
    late: dict[str, list[tuple[float, float, bool]]] = {
        name: [
            (r.saturated_share, r.dead_share, r.saturates)
            for r in history.layer(name)[-FEW_SAMPLES:]
            if r.live_inputs is not None and math.isfinite(float(r.norm))
        ]
        for name in history.layer_names
    }
    read = [reads[-1] for reads in late.values() if len(reads) == FEW_SAMPLES]
    if not read:
        return "no activation was seen in enough samples", False
    dead, saturated = max(r[1] for r in read), [r[0] for r in read if r[2]]
    said = f"at most {share(dead)} of a layer's units are constant over the batch"
    more = f"; at most {share(max(saturated))} of its inputs are saturated" if saturated else ""
    return said + more, True


def _labels(history: History) -> tuple[str, bool]:
    rows = sum(len(inputs) for inputs, _ in history.rows.pairs())
    count = f"{rows:,}" if rows else "no"
    return f"{count} training rows were recorded with their targets", rows >= FEWEST_ROWS


def _validation(history: History) -> tuple[str, bool]:
    held = history.validation
    if held is None:
        return "no validation set was given: watch(..., validation=loader)", False
    if held.trouble or not held.evaluations:
        return held.trouble or "the model was never evaluated on it", False
    last = held.evaluations[-1]
    seen = f", {number(last.training.loss)} on training rows" if last.training is not None else ""
    return (
        f"at the end the loss is {number(last.held_out.loss)} on validation rows{seen}",
        last.training is not None,
    )
