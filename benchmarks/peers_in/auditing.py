"""torch-audit in both ways of its README: `autopatch`, and the wrappers around forward, backward and step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from benchmarks.faults.case import Run
from benchmarks.faults.own.data import Rows
from torch import Tensor, nn
from torch.optim import Optimizer
from torch_audit import Auditor, Finding, audit_dynamic, autopatch

from .mapping import line_of
from .tools import WORST_FIRST, Message, ToolReport

SEVERITIES = {"INFO": "info", "WARN": "warning", "ERROR": "critical", "FATAL": "critical"}
OWN_ERROR = "TA000"


@contextmanager
def patched(run: Run, _rows: Rows, _held: Rows) -> Iterator[Callable[[], ToolReport]]:
    """Zero-touch mode, audited as often as `levinthal.watch` samples."""
    auditor = autopatch(run.model, optimizer=run.optimizers[0], every_n_steps=run.problem.every)
    try:
        yield lambda: report_of(auditor.finish().findings)
    finally:
        auditor.unpatch()


@contextmanager
def wrapped(run: Run, _rows: Rows, _held: Rows) -> Iterator[Callable[[], ToolReport]]:
    """Explicit mode, every step: `auditor.forward`, `.backward`, `.optimizer_step` for the plain calls."""
    model, plain = run.model, Tensor.backward
    with audit_dynamic(model, optimizer=run.optimizers[0], every_n_steps=1) as auditor:

        def backward(loss: Tensor, *args: Any, **words: Any) -> None:
            Tensor.backward = plain  # type: ignore[method-assign]
            try:
                auditor.backward(loss, *args, **words)
            finally:
                Tensor.backward = backward  # type: ignore[method-assign, assignment]

        run.model = Through(auditor, model)
        for optimizer in run.optimizers:
            _step_through(auditor, optimizer)
        Tensor.backward = backward  # type: ignore[method-assign, assignment]
        try:
            yield lambda: report_of(auditor.finish().findings)
        finally:
            Tensor.backward = plain  # type: ignore[method-assign]
            run.model = model


class Through(nn.Module):
    """`model(...)` in training becomes `auditor.forward(...)`; evaluation is unchanged, as in its README."""

    def __init__(self, auditor: Auditor, model: nn.Module):
        super().__init__()
        self.inner, self.auditor = model, auditor

    def forward(self, *args: Any, **words: Any) -> Any:
        """As the model's."""
        call = self.auditor.forward if torch.is_grad_enabled() else self.inner
        return call(*args, **words)


def _step_through(auditor: Auditor, optimizer: Optimizer) -> None:
    plain = optimizer.step

    def step(*args: Any, **words: Any) -> None:
        optimizer.step = plain  # type: ignore[method-assign]
        try:
            auditor.optimizer_step(optimizer, *args, **words)
        finally:
            optimizer.step = step  # type: ignore[method-assign, assignment]

    optimizer.step = step  # type: ignore[method-assign, assignment]


def report_of(findings: list[Finding]) -> ToolReport:
    """Findings by rule, the worst first; a repeated finding is still one line.

    The tool ranks by severity alone, so all findings of the worst severity lead; advice on hardware and style
    does not.
    """
    kinds: dict[str, tuple[list[str], set[str]]] = {}
    for finding in findings:
        severities, lines = kinds.setdefault(finding.rule_id, ([], set()))
        severities.append(SEVERITIES[finding.severity.value])
        lines.add(finding.get_fingerprint())
    troubles = {f.message for f in findings if f.rule_id == OWN_ERROR}
    kinds.pop(OWN_ERROR, None)
    messages = [Message(c, min(s, key=WORST_FIRST.index), len(lines)) for c, (s, lines) in kinds.items()]
    messages.sort(key=lambda m: (WORST_FIRST.index(m.severity), m.code))
    verdicts = [m for m in messages if line_of("torch-audit", m.code).verdict]
    leads = [m.code for m in verdicts if m.severity == verdicts[0].severity]
    return ToolReport(tuple(messages), tuple(leads), tuple(sorted(troubles)))
