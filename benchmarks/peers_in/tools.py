"""The tools that are compared, and how each is put around a training. Standard library only.

A tool is a function: a `Run` in, a context manager out. The context gives a function that returns the tool's
`ToolReport` after the training. Each tool has a module of its own, imported only in the process that runs it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PINS = ("torch==2.13.0", "torchmortem==0.1.1", "torch-audit==0.3.0")
WORST_FIRST = ("critical", "warning", "info")
DIED = "the process ended"


@dataclass(frozen=True)
class Message:
    """One kind of message: its code, its worst severity, and the number of lines it took."""

    code: str
    severity: str
    lines: int = 1


@dataclass(frozen=True)
class ToolReport:
    """All messages on one training; `leads` are the codes that rank first."""

    messages: tuple[Message, ...] = ()
    leads: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    """Errors inside the tool's own checks, which it caught itself."""


@dataclass(frozen=True)
class Tool:
    """A row of the tables: `function` in `peers_in.module`, called with a Run and `settings`."""

    name: str
    package: str
    module: str
    function: str
    settings: dict[str, Any] = field(default_factory=dict, hash=False)


TOOLS = (
    Tool("levinthal.watch", "levinthal", "levinthal_watch", "watched"),
    Tool("torchmortem, balanced", "torchmortem", "autopsy", "autopsied", {"sampling": "balanced"}),
    Tool("torchmortem, thorough", "torchmortem", "autopsy", "autopsied", {"sampling": "thorough"}),
    Tool("torch-audit, autopatch", "torch-audit", "auditing", "patched"),
    Tool("torch-audit, wrappers", "torch-audit", "auditing", "wrapped"),
)
