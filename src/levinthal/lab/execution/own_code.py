"""Code of a study, which may raise anything: it cannot end the command, and its faults are one line."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from levinthal.errors import StudyError
from levinthal.interrupts import is_ctrl_c
from levinthal.lab.execution.definitions import LIBRARIES, PACKAGE
from levinthal.shown import one_line

_LONGEST = 500
_STUDIES = PACKAGE / "studies"


@contextmanager
def own_code() -> Iterator[None]:
    """Run code of a study in the block.

    What would end the process (`sys.exit`, a class of one's own that is no Exception) becomes a StudyError.
    The folder and the streams of the command are what they were, whatever the code did with them, and of a
    fork only the parent goes on.

    Raises:
        StudyError: the code raised what is no Exception; the message has file and line.
        KeyboardInterrupt: Ctrl-C.
    """
    here, streams, process = os.getcwd(), (sys.stdout, sys.stderr), os.getpid()
    try:
        yield
    except StopIteration as error:  # a generator above would take it for its own end
        raise StudyError(in_one_line(error)) from error
    except Exception:
        raise
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        raise StudyError(f"{in_one_line(error)}: let it return, or raise an Exception") from error
    finally:
        if os.getpid() != process:
            os._exit(0)
        sys.stdout, sys.stderr = streams
        os.chdir(here)


def in_one_line(error: BaseException) -> str:
    """An exception's kind, message and place, in one line; of our own on studies, the message says all.

    >>> try:
    ...     1 / 0
    ... except ZeroDivisionError as error:
    ...     print(in_one_line(error).partition(" (")[0])
    ZeroDivisionError: division by zero
    """
    message = _message(error)
    if isinstance(error, StudyError):
        return message
    place = place_of(error)
    return ": ".join(filter(None, (type(error).__name__, message))) + (f" ({place})" if place else "")


def place_of(error: BaseException) -> str:
    """File and line of the deepest frame that is a study's own; of the deepest of all where none is."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if _is_own(frame.filename)]
    shown = own or list(frames)
    return f"{Path(shown[-1].filename).name}:{shown[-1].lineno}" if shown else ""


def _is_own(filename: str) -> bool:
    """Whether a file is that of a study, of ours or of anybody's."""
    ours = Path(filename).is_relative_to(PACKAGE) and not Path(filename).is_relative_to(_STUDIES)
    return not (ours or filename.startswith(("<", *LIBRARIES)))


def _message(error: BaseException) -> str:
    """What an exception says."""
    try:
        return one_line(str(error), _LONGEST)
    except Exception:  # the code of a stranger's class, which may fail
        return ""
