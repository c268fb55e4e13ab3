"""torchmortem as in its README: `with Autopsy(...)` around the loop, `autopsy.step(loss=...)` in it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from benchmarks.faults.case import Run
from benchmarks.faults.own.data import Rows
from torch import Tensor
from torchmortem import Autopsy, Report

from .tools import Message, ToolReport


class LoggedErrors(logging.Handler):
    """The errors that torchmortem logs of its own detectors."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Store one."""
        error = record.exc_info[1] if record.exc_info else ""
        self.lines.append(f"{record.getMessage()}: {error}")


@contextmanager
def autopsied(run: Run, _rows: Rows, _held: Rows, sampling: str) -> Iterator[Callable[[], ToolReport]]:
    """The loop with one more line at its end; a batch dropped before the step is not reported."""
    logger, logged = logging.getLogger("torchmortem"), LoggedErrors()
    logger.addHandler(logged)
    try:
        with Autopsy(run.model, optimizer=run.optimizers[0], sampling=sampling) as autopsy:
            _call_each_step(run, autopsy)
            yield lambda: report_of(autopsy.get_report(), logged.lines)
    finally:
        logger.removeHandler(logged)


def _call_each_step(run: Run, autopsy: Autopsy) -> None:
    plain, losses, stepped = run.problem, list[Tensor](), list[bool]()

    def loss(output: Any, target: Tensor) -> Tensor:
        value = plain.loss(output, target)
        losses.append(value.detach().float())
        return value

    def loop(run: Run, x: Tensor, y: Tensor) -> None:
        plain.loop(run, x, y)
        if stepped:  # of several losses (accumulation, a GAN, a closure) the mean
            autopsy.step(loss=torch.stack(losses).mean().item())
        losses.clear()
        stepped.clear()

    run.optimizers[0].register_step_post_hook(lambda *_: stepped.append(True))
    run.problem = replace(plain, loss=loss, loop=loop)


def report_of(report: Report | None, troubles: list[str]) -> ToolReport:
    """Findings by title without the layer, in its order; the first finding and insight both lead."""
    if report is None:
        return ToolReport(troubles=("no report",))
    titles = [f.title.split(" in ")[0] for f in report.findings]
    insights = [i.title for i in report.insights]
    kinds: dict[str, Message] = {}
    for title, finding in zip(titles, report.findings, strict=True):  # the worst come first
        before = kinds.get(title)
        severity = before.severity if before else finding.severity.name.lower()
        kinds[title] = Message(title, severity, before.lines + 1 if before else 1)
    repeated = tuple(Message(title, "info") for title in insights)  # they repeat findings
    return ToolReport((*kinds.values(), *repeated), (*titles[:1], *insights[:1]), tuple(troubles))
