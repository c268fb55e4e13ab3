"""The answer for a notebook: a small piece of HTML without scripts, in the colours of the notebook."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup, escape

from levinthal.clinic.answer.states import Answer
from levinthal.clinic.presentation.cards import Card, TriedRemedy, card, numbers_table, tried_remedies
from levinthal.clinic.presentation.signs import read_signs
from levinthal.clinic.presentation.summary import causes, paragraph, symptoms
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.vocabulary import BADGES, Estimate, Finding

COLOURS = {"critical": "#c9372c", "warning": "#a86a00", "healthy": "#00845e"}
"""Contrast of each at least 3:1 on white and on dark backgrounds; badge and word say the same."""
WIDTH, HEIGHT = 360, 70


def run_html(
    answer: Answer,
    findings: Sequence[Finding],
    history: History,
    setup: TrainingSetup | None = None,
    trials: Sequence[TriedRemedy] = (),
) -> str:
    """A watched run as HTML: the answer, the loss as a line, causes, the remedies tried, the signs."""
    signs = read_signs(history, setup, findings)
    head = _head(answer, paragraph(answer, findings, signs))
    parts = [head, _sparkline(history), *_cards(findings), *_tried(trials)]
    return _box(
        [*parts, _folded("What was checked", [_row(sign.name, sign.label, sign.reading) for sign in signs])]
    )


def checkup_html(answer: Answer, findings: Sequence[Finding], numbers: Mapping[str, Estimate]) -> str:
    """A checkup as HTML: the answer, causes with their remedies, and every number with its trust."""
    rows = [
        _row(name, Markup("<b>{}</b> {}").format(value, interval), f"{BADGES[trust]} {trust}")
        for name, value, interval, trust, _ in numbers_table(numbers)
    ]
    return _box([_head(answer, answer.because), *_cards(findings), _folded("Measured before training", rows)])


def _box(parts: Sequence[Markup]) -> str:
    """All parts, in one block."""
    return str(
        Markup("<div style='max-width:52rem;line-height:1.45'>{}</div>").format(Markup("").join(parts))
    )


def _head(answer: Answer, because: str) -> Markup:
    """What was not seen, and the answer."""
    missed = (Markup("<p style='margin:.2em 0'><b>{}.</b></p>").format(line) for line in answer.not_seen)
    said = Markup(
        "<p style='font-size:1.25em;margin:.2em 0'><b>{}</b></p><p style='margin:.2em 0 .6em'>{}</p>"
    ).format(answer.headline, because)
    return Markup("").join([*missed, said])


def _cards(findings: Sequence[Finding]) -> Iterator[Markup]:
    """The causes."""
    for cause in causes(findings):
        yield _card(card(cause, symptoms(cause, findings)))


def _card(one: Card) -> Markup:
    """One cause."""
    colour = COLOURS.get(one.severity, "currentColor")
    numbers = [Markup("{} <b>{}</b>").format(name, value) for name, value in one.evidence]
    seen = Markup(" &ensp; ").join([*numbers, *(escape(f"{name}: {text}") for name, text in one.notes)])
    remedy = Markup("").join(
        Markup("<code>{}</code>").format(t) if code else escape(t) for t, code in one.remedy
    )
    lines = [Markup("<b>{}</b> {}").format(one.code, one.place), escape(one.means), seen]
    lines.append(Markup("<i>remedy:</i> {}").format(remedy))
    if one.confirmation:
        lines.append(Markup("<i>confirmed:</i> {}").format(one.confirmation))
    if one.explains:
        lines.append(Markup("<i>explains:</i> {}").format(", ".join(other.code for other in one.explains)))
    return Markup(
        "<div style='border-left:4px solid {0};padding-left:.8em;margin:.6em 0'>"
        "<span style='color:{0}'>{1} <b>{2}</b></span> {3}</div>"
    ).format(colour, BADGES[one.severity], one.severity, Markup("<br>").join(lines))


def _tried(trials: Sequence[TriedRemedy]) -> Iterator[Markup]:
    """Every remedy that was tried, the code of those that helped unfolded."""
    for one in tried_remedies(trials):
        head = Markup("{} <b>{}</b>: {} {}").format(one.label, one.name, one.value, one.interval)
        is_open = " open" if one.mark == "replicates" else ""
        yield Markup("<details{}><summary>{}</summary><pre><code>{}</code></pre></details>").format(
            is_open, head, one.line
        )


def _row(*cells: str) -> Markup:
    """A row of a table."""
    cell = Markup("<td style='padding:.1em .9em .1em 0;text-align:left'>{}</td>")
    return Markup("<tr>{}</tr>").format(Markup("").join(cell.format(each) for each in cells))


def _folded(name: str, rows: Sequence[Markup]) -> Markup:
    """A table that is folded at first."""
    if not rows:
        return Markup("")
    table = Markup("<table style='text-align:left'>{}</table>").format(Markup("").join(rows))
    return Markup("<details><summary>{}</summary>{}</details>").format(name, table)


def _sparkline(history: History) -> Markup:
    """The loss as a line, the chance level dashed; nothing where fewer than two losses are known."""
    pairs = zip(history.steps.tolist(), history.task_losses.tolist(), strict=True)
    known = [(step, loss) for step, loss in pairs if math.isfinite(loss)]
    if len(known) < 2:
        return Markup("")
    chance = history.chance
    steps, levels = [step for step, _ in known], [loss for _, loss in known]
    levels += [chance] if math.isfinite(chance) else []
    low, high = min(levels), max(levels)

    def place(step: float, loss: float) -> str:
        x = (step - steps[0]) / (steps[-1] - steps[0] or 1)
        y = (high - loss) / (high - low or 1)
        return f"{2 + (WIDTH - 4) * x:.1f},{2 + (HEIGHT - 4) * y:.1f}"

    path = " ".join(place(step, loss) for step, loss in known)
    chance_level = f"M{place(steps[0], chance)} L{place(steps[-1], chance)}" if math.isfinite(chance) else ""
    return Markup(
        "<svg width='{0}' height='{1}' viewBox='0 0 {0} {1}' role='img' aria-label='loss against step'"
        " style='max-width:100%'><path d='{2}' stroke='currentColor' stroke-dasharray='3 3' opacity='.6'/>"
        "<polyline points='{3}' fill='none' stroke='#2e86c1' stroke-width='1.8'/></svg>"
    ).format(WIDTH, HEIGHT, chance_level, path)
