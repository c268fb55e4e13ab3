"""Ctrl-C, told apart from a KeyboardInterrupt that code of a user's raises itself."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Interrupt(KeyboardInterrupt):
    """Ctrl-C, as the handler of the command line raises it."""


def _raise(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise Interrupt


def tell_ctrl_c_apart() -> None:
    """Let Ctrl-C raise an `Interrupt`, where it would raise a KeyboardInterrupt.

    The command line calls it. A program that uses the package keeps its own handler.
    """
    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_default and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _raise)


def is_ctrl_c(error: BaseException) -> bool:
    """Whether an exception stands for Ctrl-C.

    Args:
        error: any exception.

    Returns:
        True for an `Interrupt`, and for any KeyboardInterrupt where they are not told apart.

    >>> is_ctrl_c(Interrupt()), is_ctrl_c(ValueError())
    (True, False)
    """
    is_told_apart = signal.getsignal(signal.SIGINT) in (_raise, signal.SIG_IGN)  # ignored, it raises nothing
    return isinstance(error, Interrupt if is_told_apart else KeyboardInterrupt)
