"""The tools that are compared, and how each is put around a training. Standard library only.

A tool is a function: a `Run` in, a context manager out; it gives a function that, after the training, tells
what was `Heard`. Each lives in a module of its own, which is imported only in the process that runs it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PINS = ("torch==2.13.0", "torchmortem==0.1.1", "torch-audit==0.3.0")
WORST_FIRST = ("critical", "warning", "info")
DIED = "the process ended"


@dataclass(frozen=True)
class Said:
    """One kind of thing said: its code, the worst severity it was said with, and how many lines it took."""

    code: str
    severity: str
    lines: int = 1


@dataclass(frozen=True)
class Heard:
    """All that was said of one training; `leads` are the codes that rank first."""

    said: tuple[Said, ...] = ()
    leads: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    """Errors of the tool's own checks that it caught itself."""


@dataclass(frozen=True)
class Tool:
    """A row of the tables: `function` in `peers_in.module`, called with a Run and `words`."""

    name: str
    package: str
    module: str
    function: str
    words: dict[str, Any] = field(default_factory=dict, hash=False)


TOOLS = (
    Tool("levinthal.watch", "levinthal", "levinthal_watch", "watched"),
    Tool("torchmortem, balanced", "torchmortem", "autopsy", "autopsied", {"sampling": "balanced"}),
    Tool("torchmortem, thorough", "torchmortem", "autopsy", "autopsied", {"sampling": "thorough"}),
    Tool("torch-audit, autopatch", "torch-audit", "auditing", "patched"),
    Tool("torch-audit, wrappers", "torch-audit", "auditing", "wrapped"),
)
