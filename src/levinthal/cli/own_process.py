"""What a user's code may do to the process of a command, and how the command goes on all the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from levinthal.cli.terminal import notice
from levinthal.interrupts import tell_ctrl_c_apart

_leave = os._exit


def keep_hold() -> None:
    """Let no code close the standard streams, end the process unseen, or raise what passes for Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            stream.close = stream.flush  # type: ignore[method-assign]
    process = os.getpid()

    def left(status: int) -> NoReturn:
        if os.getpid() == process:
            caller = sys._getframe(1)
            where = f"{Path(caller.f_code.co_filename).name}:{caller.f_lineno}"
            notice(f"os._exit({status}) ended the command at {where}: let it return, or raise an exception")
            _leave(2)
        _leave(status)

    os._exit = left
    tell_ctrl_c_apart()


@contextmanager
def streams_restored() -> Iterator[None]:
    """The standard streams are afterwards what they were before, whatever the code in the block did."""
    streams = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
