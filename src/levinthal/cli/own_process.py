"""What a user's code may do to the process of a command, and how the command goes on all the same."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from levinthal.arguments import in_short
from levinthal.cli.terminal import notice
from levinthal.interrupts import tell_ctrl_c_apart

_leave = os._exit
ENDINGS = ("_exit", "execv", "execve")
"""What ends a Python process at once; the other functions of the family call these."""
PATIENCE = 5.0
"""Seconds that a command waits at its end for the threads of a user's code."""


def keep_hold() -> None:
    """Let no code close the standard streams, end the process unseen, or raise what passes for Ctrl-C."""
    _open_closed_ones()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            stream.close = stream.flush  # type: ignore[method-assign]
            stream.detach = lambda kept=stream: kept.buffer  # type: ignore[union-attr]
    process = os.getpid()

    def guarded(name: str) -> Callable[..., NoReturn]:
        """The function of `os`; called by our own process, it ends the command with a line."""
        real = getattr(os, name)

        def left(*given: object, **named: object) -> NoReturn:
            if os.getpid() == process:
                said = f"os.{name}({', '.join(map(in_short, (*given, *named.values())))})"
                where = _caller()
                notice(f"{said} ended the command at {where}: let it return, or raise an exception")
                _leave(2)
            real(*given, **named)
            raise AssertionError("it does not return")

        return left

    for name in ENDINGS:
        setattr(os, name, guarded(name))
    tell_ctrl_c_apart()


def _caller() -> str:
    """File and line of the code that called `os`; its own functions call each other."""
    frame = sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__") == "os":
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def leave_threads(code: int) -> None:
    """End the process where a thread of a user's code would keep it; Python waits for it without end."""
    here, until = threading.current_thread(), time.monotonic() + PATIENCE
    others = [one for one in threading.enumerate() if one is not here and not one.daemon]
    for one in others:
        one.join(max(until - time.monotonic(), 0))
    if any(one.is_alive() for one in others):
        notice(f"a thread of the code still runs after {PATIENCE:g} s, and ends with the command")
        _leave(code)


def _open_closed_ones() -> None:
    """Give streams that were closed when the process began a place, before a store or a socket takes it."""
    for number in range(3):
        with suppress(OSError):
            os.fstat(number)
            continue
        os.open(os.devnull, os.O_RDWR)
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, io.TextIOWrapper(io.FileIO(number, "w", closefd=False), encoding="utf-8"))


@contextmanager
def streams_restored() -> Iterator[None]:
    """The standard streams are afterwards what they were before, whatever the code in the block did."""
    streams = sys.stdout, sys.stderr
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
