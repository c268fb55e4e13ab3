"""The page of the clinic: the answer, causes and remedies, what was checked, figures, in one file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from levinthal.clinic.answer.states import Answer
from levinthal.clinic.presentation.cards import TriedRemedy, card, numbers_table, tried_remedies
from levinthal.clinic.presentation.checkup_figures import checkup_figures
from levinthal.clinic.presentation.run_figures import run_figures
from levinthal.clinic.presentation.signs import read_signs
from levinthal.clinic.presentation.summary import LABELS, causes, info_findings, paragraph, symptoms
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.lab.execution.environment import environment
from levinthal.probes.signal import Layer
from levinthal.report import painting, shell
from levinthal.report.formatting import counted
from levinthal.vocabulary import Estimate, Figure, Finding

VERSIONS = ("levinthal", "python", "torch", "numpy")


class Examined(Protocol):
    """What a checkup before training has measured."""

    @property
    def numbers(self) -> Mapping[str, Estimate]:
        """Name -> number of the whole network."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Every layer, in order of execution."""


def write_page(
    path: str | Path,
    *,
    title: str,
    answer: Answer,
    findings: Sequence[Finding],
    history: History | None = None,
    setup: TrainingSetup | None = None,
    checkup: Examined | None = None,
    trials: Sequence[TriedRemedy] = (),
    provenance: Mapping[str, object] | None = None,
) -> Path:
    """Write the findings as one self-contained page. It is written completely or not at all.

    Args:
        path: The file to write.
        title: The name of the network.
        answer: The answer of the run or of the checkup.
        findings: The findings, causes before symptoms.
        history: The sampled steps of a watch.
        setup: The training setup of that watch.
        checkup: What `check` gave; instead of a history, or beside it.
        trials: The remedies that were tried.
        provenance: Name -> value, added to what the page says about its origin.

    Returns:
        The path.

    Raises:
        InputError: `path` is a folder, or no path at all.
        StoreError: `path` cannot be written.
    """

    def page() -> str:
        context = _context(title, answer, findings, history, setup, checkup, trials, provenance or {})
        return shell.rendered("clinic.html", context, home="levinthal.clinic.presentation")

    return shell.write_page(path, page, "run.html")


def _context(
    title: str,
    answer: Answer,
    findings: Sequence[Finding],
    history: History | None,
    setup: TrainingSetup | None,
    checkup: Examined | None,
    trials: Sequence[TriedRemedy],
    provenance: Mapping[str, object],
) -> dict[str, Any]:
    figures = [
        *_run_figures(history, setup, findings),
        *(checkup_figures(checkup.layers) if checkup else ()),
    ]
    drawn = painting.drawn(figures, "this figure could not be drawn")
    signs = [] if history is None else read_signs(history, setup, findings)
    return {
        "title": title,
        "answer": answer,
        "label": LABELS.get(answer.state, "unknown"),
        "because": paragraph(answer, findings, signs),
        "cards": [card(cause, symptoms(cause, findings)) for cause in causes(findings)],
        "info": [card(noted, symptoms(noted, findings)) for noted in info_findings(findings)],
        "tried": tried_remedies(trials),
        "signs": signs,
        "numbers": numbers_table(checkup.numbers) if checkup else [],
        "figures": drawn,
        "drawings": painting.packed({f.id: f.drawing for f in drawn if f.drawing}),
        "provenance": list(_provenance(history, setup, provenance)),
        "clinic_css": painting.asset("clinic.css", home="levinthal.clinic.presentation"),
    }


def _run_figures(
    history: History | None, setup: TrainingSetup | None, findings: Sequence[Finding]
) -> Iterable[Figure]:
    return run_figures(history, setup, findings) if history is not None else ()


def _provenance(
    history: History | None, setup: TrainingSetup | None, more: Mapping[str, object]
) -> Iterable[tuple[str, str]]:
    """The origin of the page: steps, network, device, versions, date."""
    device = str(setup.parameters[0].device) if setup else "cpu"
    found = environment(device)
    if history is not None and len(history):
        first, last = history.samples[0].step, history.samples[-1].step
        yield "Sampled steps", f"{counted(len(history), 'sample')}, from step {first:,} to step {last:,}"
    if setup is not None:
        total = sum(parameter.numel() for parameter in setup.parameters)
        yield "Network", f"{counted(total, 'parameter')} in {counted(len(setup.parameters), 'tensor')}"
        yield "Optimiser", ", ".join(type(optimizer).__name__ for optimizer in setup.optimizers) or "none"
    yield from ((name[:1].upper() + name[1:], str(value)) for name, value in more.items() if value != "")
    yield "Device", f"{device}: {found['device name']}" if setup else str(found["cpu"])
    yield "Versions", ", ".join(f"{name} {found[name]}" for name in VERSIONS)
    yield "Made", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
