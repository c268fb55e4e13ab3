"""The figures of a run: a history in, numbers to be drawn out.

loss         the loss against the step, the chance level, validation rows, and where findings begin
matrices     over the steps: the gradient of every weight matrix, and the step relative to its norm
layers       from input to output: signal, gradient, saturated and dead units (`profiles`)
validation   loss and accuracy on validation rows and on training rows, both in evaluation mode
rate         the learning rate, where it changes
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from levinthal.clinic.answer.wording import loss_in_words
from levinthal.clinic.presentation.profiles import GRADIENT, evenly, run_profiles
from levinthal.clinic.presentation.update_ratios import gradients, step_sizes, steps_in_words, weights
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.scoring import Score
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.recording.validation import Evaluation
from levinthal.clinic.rules.context import typical
from levinthal.report.formatting import counted, number, sentence
from levinthal.vocabulary import Axis, Figure, Finding, Panel, Series, Severity, rounded

MOST_TRACES = 7
"""Matrices that are drawn; of more, this many, evenly spaced from the first to the last."""
SMOOTHED = 60
"""Finite losses from which on a running median is drawn."""
WIDE = 30.0
"""Largest over smallest value above which the axis is logarithmic."""
NORMAL = 1.96
STEP = Axis("Step")


def run_figures(
    history: History, setup: TrainingSetup | None = None, findings: Sequence[Finding] = ()
) -> list[Figure]:
    """The figures of a run, the most important first; a figure without finite numbers is left out."""
    figures = (
        loss(history, findings),
        validation(history),
        matrices(history, setup),
        run_profiles(history, setup),
        rate(history),
    )
    return [figure for figure in figures if _has_numbers(figure)]


def _has_numbers(figure: Figure) -> bool:
    """Whether a figure has finite numbers besides its reference lines."""
    drawn = [s for panel in figure.panels for s in panel.series if s.role != "reference"]
    return any(math.isfinite(y) for s in drawn for y in s.y)


def loss(history: History, findings: Sequence[Finding] = ()) -> Figure:
    """The loss against the step, with the chance level; points show where causes begin."""
    at, losses = history.steps.tolist(), history.task_losses
    known = losses[np.isfinite(losses)]
    log = bool(len(known) and known.min() > 0 and known.max() > WIDE * known.min())
    evaluations = _evaluations(history)
    series = (
        *_course(at, losses),
        *([_scores("validation", [(e.step, e.held_out) for e in evaluations])] if evaluations else ()),
        *_chance_level(at, history.chance),
        *_end(at, losses),
        *_marks(findings, at, losses),
    )
    window = _window(len(known))
    thick = f"; thick: running median of {window}" if window > 1 else ""
    caption = f"{counted(len(history), 'sampled step')}; the loss of one training batch at each{thick}."
    panel = Panel(STEP, Axis("Loss", _unit(history), log=log), series)
    return Figure("loss", sentence(loss_in_words(history)), caption, (panel,))


def _unit(history: History) -> str:
    """Nats for a cross-entropy."""
    return "nats" if {call.kind for call in history.calls()} == {"cross_entropy"} else ""


def _window(samples: int) -> int:
    """The samples in a running median: an odd number, and 1 where there are few."""
    return 1 if samples < SMOOTHED else 2 * (samples // 40) + 1


def _course(at: Sequence[int], losses: np.ndarray) -> Iterator[Series]:
    """The loss of each batch; of many, with their running median."""
    window, x = _window(int(np.isfinite(losses).sum())), tuple(map(float, at))
    if window == 1:
        yield Series("training", x, tuple(losses.tolist()), "median", "training")
        return
    padded = np.pad(losses, window // 2, mode="edge")
    around = typical(np.lib.stride_tricks.sliding_window_view(padded, window), 1)
    middle = np.where(np.isfinite(losses), around, np.nan)
    yield Series("one batch", x, tuple(losses.tolist()), "seed", "training")
    yield Series("training", x, tuple(middle.tolist()), "median", "training")


def _chance_level(at: Sequence[int], chance: float) -> Iterator[Series]:
    """The chance level as a line, where it is known."""
    if at and math.isfinite(chance):
        yield Series("chance level", (float(at[0]), float(at[-1])), (chance, chance), "reference")


def _end(at: Sequence[int], losses: np.ndarray) -> Iterator[Series]:
    """A vertical line where the loss becomes nan or infinite."""
    finite = np.isfinite(losses)
    known = losses[finite]
    if len(known) == 0 or finite[int(finite.argmax()) :].all():
        return
    first = int(finite.argmax())
    step = float(at[first + int((~finite[first:]).argmax())])
    low, high = float(known.min()), float(known.max())
    yield Series(f"not finite from step {step:,.0f} on", (step, step), (low, high or 1.0), "reference")


def _marks(findings: Sequence[Finding], at: Sequence[int], losses: np.ndarray) -> Iterator[Series]:
    """A point for every step at which causes begin, on the last known loss."""
    roots = [f for f in findings if not f.follows and f.severity is not Severity.INFO]
    finite = np.flatnonzero(np.isfinite(losses)).tolist()
    for step in sorted({f.step for f in roots}) if finite else ():
        place = max((i for i in finite if at[i] <= step), default=finite[0])
        names = ", ".join(dict.fromkeys(f.code for f in roots if f.step == step))
        yield Series(names, (float(max(step, at[0])),), (float(losses[place]),), "point", "cause begins")


def _evaluations(history: History) -> list[Evaluation]:
    """The evaluations on validation."""
    return [] if history.validation is None else history.validation.evaluations


def _scores(name: str, found: Sequence[tuple[int, Score]]) -> Series:
    """The loss on some rows, with its interval where there are several pieces."""
    x, y = tuple(float(step) for step, _ in found), tuple(score.loss for _, score in found)
    errors = [score.error for _, score in found]
    if not all(map(math.isfinite, errors)):
        return Series(name, x, y, "median", name)
    ends = [(at - NORMAL * error, at + NORMAL * error) for at, error in zip(y, errors, strict=True)]
    return Series(name, x, y, "median", name, low=tuple(e[0] for e in ends), high=tuple(e[1] for e in ends))


def validation(history: History) -> Figure:
    """Loss, and accuracy where answers can be counted, on validation rows and on training rows."""
    evaluations = _evaluations(history)
    sides = (
        ("validation", [(e.step, e.held_out) for e in evaluations]),
        ("training rows", [(e.step, e.training) for e in evaluations if e.training is not None]),
    )
    known = [(name, found) for name, found in sides if found]
    losses = tuple(_scores(name, found) for name, found in known)
    right = tuple(series for name, found in known for series in _accuracy(name, found))
    panels = (
        Panel(STEP, Axis("Loss", _unit(history)), losses),
        Panel(STEP, Axis("Right answers", "%"), right),
    )
    title = "Validation rows"
    if evaluations and evaluations[-1].training is not None:
        held, seen = number(evaluations[-1].held_out.loss), number(evaluations[-1].training.loss)
        title = f"At the end the loss is {held} on validation rows and {seen} on training rows"
    caption = "Both are evaluated in evaluation mode. Bands are 95 % intervals over the rows."
    return Figure("validation", title, caption, tuple(panel for panel in panels if panel.series))


def _accuracy(name: str, found: Sequence[tuple[int, Score]]) -> Iterator[Series]:
    """Right answers in per cent, where answers can be counted."""
    if all(math.isfinite(score.accuracy) for _, score in found):
        right = tuple(100 * score.accuracy for _, score in found)
        yield Series(name, tuple(float(step) for step, _ in found), right, "median", name)


def matrices(history: History, setup: TrainingSetup | None = None) -> Figure:
    """Over the steps: the gradient per weight of every matrix, and the step relative to its norm."""
    names, at = weights(history, setup).names, history.tensor_steps.tolist()
    slopes, sizes = gradients(history, setup), step_sizes(history, setup)
    panels = (
        Panel(STEP, GRADIENT, tuple(_traces(at, names, slopes))),
        Panel(STEP, Axis("Step / weights", log=True), tuple(_traces(at, names, sizes))),
    )
    title = sentence(steps_in_words(sizes)) or "The steps"
    caption = f"{_shown(len(names))} Step / weights: norm of a step over norm of the weights."
    return Figure("matrices", title, caption, panels)


def _traces(at: Sequence[int], names: Sequence[str], values: np.ndarray) -> Iterator[Series]:
    """Some columns over the steps, coloured by depth."""
    for i in evenly(len(names), MOST_TRACES):
        level = i / max(len(names) - 1, 1)
        yield Series(names[i], tuple(map(float, at)), tuple(values[:, i].tolist()), level=level)


def _shown(count: int) -> str:
    """How many of the matrices are drawn, and what their colours mean."""
    if count <= MOST_TRACES:
        return f"Weight matrices: {count}, coloured by depth."
    return f"{MOST_TRACES} of {count} weight matrices, evenly from first to last, coloured by depth."


def rate(history: History) -> Figure:
    """Every learning rate over the steps; an empty figure where none changes."""
    seen = [(float(sample.step), sample.rates) for sample in history if sample.rates]
    columns = list(dict.fromkeys(zip(*(rates for _, rates in seen), strict=True)))[:MOST_TRACES]
    levels = {level for column in columns for level in column}
    if len(levels) < 2 or all(len(set(column)) == 1 for column in columns):
        return Figure("rate", "", "", ())
    x = tuple(step for step, _ in seen)
    single = len(columns) == 1
    names = ["learning rate"] if single else [f"learning rate {k + 1}" for k in range(len(columns))]
    series = tuple(
        Series(name, x, column, "median", name) for name, column in zip(names, columns, strict=True)
    )
    axis = Axis("Learning rate", log=max(levels) > WIDE * min(levels))
    title = f"The learning rate goes from {rounded(columns[0][0])} to {rounded(columns[0][-1])}"
    return Figure(
        "rate",
        title,
        "The same for all parameters." if single else f"{len(columns)} different learning rates.",
        (Panel(STEP, axis, series),),
    )
