"""An attack: one thing that a stranger does, what has to come back, and what must stay as it was.

An attack runs in a process of its own and in an empty folder, which is its working directory and its home.
The process is a fork of one that has imported torch already, so hundreds of them take minutes.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = 20.0
"""An attack that takes longer is a hang."""

Act = Callable[[Path], int]
"""What is done in the folder; the exit code."""


@dataclass(frozen=True, slots=True)
class Attack:
    """One thing that a stranger does.

    Attributes:
        kind: The kind of attack; a row of the table.
        name: Which one of that kind.
        act: What is done, in a folder of its own; it returns the exit code.
        says: Words that the answer has to hold, in upper or lower case: field, reason, way out.
        codes: The exit codes that are right.
        kept: Files (or links) in the folder that must be the same afterwards, to the byte.
        prepare: What is made in the folder before.
        check: What else is wrong afterwards, a line each.
        seconds: How long it may take.
    """

    kind: str
    name: str
    act: Act
    says: tuple[str, ...] = ()
    codes: frozenset[int] = frozenset({2})
    kept: tuple[str, ...] = ()
    prepare: Callable[[Path], object] | None = None
    check: Callable[[Path], list[str]] | None = None
    seconds: float = SECONDS


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        code: The exit code; negative for a signal.
        out: What was printed to stdout.
        err: What was printed to stderr.
        seconds: How long it took.
        hung: Whether it was killed because it took too long.
    """

    code: int
    out: str
    err: str
    seconds: float
    hung: bool = False


@dataclass(frozen=True, slots=True)
class Files:
    """The files that an attack begins with: text or bytes by name; folders are made."""

    contents: Mapping[str, str | bytes] = field(default_factory=dict)

    def __call__(self, folder: Path) -> None:
        """Make them."""
        for name, content in self.contents.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)


def command(
    kind: str,
    line: str,
    *says: str,
    files: Mapping[str, str | bytes] | None = None,
    codes: set[int] | None = None,
    name: str = "",
    **more: object,
) -> Attack:
    """A command line: `command("numbers", "study run one-neuron-chain --seeds 1.5", "1.5", "whole")`.

    Args:
        kind: The kind of attack.
        line: The words after `levinthal`, quoted as in a shell.
        says: Words that the answer has to hold.
        files: Files that are there before.
        codes: The exit codes that are right; 2 where not given.
        name: Which one; the line where not given.
        more: The other fields of `Attack`.
    """
    argv = shlex.split(line)

    def act(folder: Path) -> int:
        del folder
        from levinthal.cli import main

        sys.argv = ["levinthal", *argv]
        return main()

    more.setdefault("prepare", Files(files or {}))
    wanted = frozenset(codes or {2})
    return Attack(kind, name or line, act, says, wanted, **more)  # type: ignore[arg-type]


def call(kind: str, name: str, function: Callable[[], object], *says: str, **more: object) -> Attack:
    """A call of the Python API, which has to raise an error of one line: a `LevinthalError`.

    Args:
        kind: The kind of attack.
        name: The call as one would write it.
        function: Makes the call; its imports stand inside.
        says: Words that the error has to hold.
        more: The other fields of `Attack`.
    """

    def act(folder: Path) -> int:
        del folder
        from levinthal.errors import LevinthalError

        try:
            print(function())
        except LevinthalError as error:
            print(f"levinthal: {error}", file=sys.stderr)
            return 2
        return 0

    return Attack(kind, name, act, says, **more)  # type: ignore[arg-type]
