"""The line of the user's file that a message is about: of a field of the Problem, or of the whole Problem."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from levinthal.clinic.failures.wording import failure, own_frames
from levinthal.errors import InputError, LevinthalError
from levinthal.interrupts import is_ctrl_c
from levinthal.user_files import shortened
from levinthal.vocabulary import Problem

FIELDS = tuple(field.name for field in fields(Problem))
SUBJECT = 3
"""The field that a message is about is one of its first words: "the loss returns ..."."""


@contextmanager
def in_one_line(problem: Problem) -> Iterator[None]:
    """Turn what the user's code raises, and what does not fit, into one line that names file and line.

    Also what ends a program: SystemExit must not end ours with the user's own code.
    """
    try:
        yield
    except LevinthalError as error:
        raise placed(problem, error) from error
    except OSError as error:
        if not own_frames(error):  # a full disk of ours is no fault of the problem
            raise
        raise placed(problem, InputError(failure(error, "the problem"))) from error
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        raise placed(problem, InputError(failure(error, "the problem"))) from error


def placed(problem: Problem, error: LevinthalError) -> LevinthalError:
    """The error with file and line in front, unless it names a line already or the file is not known."""
    name, _, line = problem.made_at.rpartition(":")
    path, text = Path(name), str(error)
    if not path.is_file() or re.search(r"\w\.py:\d", text):
        return error
    words = re.findall(r"\w+", text)[:SUBJECT]
    field = next((word for word in words if word in FIELDS), "")
    return type(error)(f"{shortened(name)}:{_line_of(path, int(line), field)}: {text}")


def _line_of(path: Path, line: int, field: str) -> int:
    """The line that gives the field, in the call at this line; the line itself where there is none."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):  # edited since
        return line
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.lineno == line]
    given = [keyword for call in calls for keyword in call.keywords if keyword.arg == field]
    return given[0].lineno if given else line
