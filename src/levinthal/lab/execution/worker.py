"""The life of a worker process, and the conditions under which it is started."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from levinthal.errors import StudyError
from levinthal.lab.execution.executors import attempt
from levinthal.lab.execution.own_code import in_one_line
from levinthal.shown import show_warnings_in_one_line

_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
# glibc gives large freed blocks back at once. The next tensor of that size then costs a page fault every
# 4 kB, up to a quarter of the CPU time of an ensemble. So a worker keeps blocks up to 1 GiB for its next one.
_KEEP_MEMORY = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
_KEPT = str(1 << 30)


def serve(connection: Connection) -> None:
    """Answer items until the line is closed: the whole life of a worker process.

    Messages are ("ready", None) once the function has arrived, or ("refused", why); then
    ("result", what the function returned or raised) for each item.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    show_warnings_in_one_line()
    try:
        function = pickle.loads(connection.recv_bytes())
    except EOFError:
        return
    except BaseException as error:  # it imports a file of the user's
        connection.send(("refused", in_one_line(error)))
        return
    with silent(EOFError, BrokenPipeError, ConnectionResetError):
        connection.send(("ready", None))
        while True:
            item = connection.recv()
            connection.send_bytes(_message(_answer(function, item)))


def _answer(function: Callable[[Any], Any], item: Any) -> Any:
    """What the function returns or raises. No Ctrl-C reaches a worker: an interrupt was raised by hand."""
    try:
        return attempt(function, item)
    except BaseException as error:
        return StudyError(in_one_line(error))


def _message(result: Any) -> bytes:
    # An exception may pickle well and still not come back: try both ways here, where it can be reported.
    try:
        message = pickle.dumps(("result", result))
        if isinstance(result, Exception):
            pickle.loads(message)
    except Exception as error:
        text = in_one_line(result if isinstance(result, Exception) else error)
        return pickle.dumps(("result", StudyError(text)))
    return message


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


@contextmanager
def silent(*kinds: type[BaseException]) -> Iterator[None]:
    """Leave the block without a word at these exceptions."""
    try:
        yield
    except kinds:
        return


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl-C waits until the block is over; a process started in it never hears of Ctrl-C."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it lifts the block again when it is started inside
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def worker_environment() -> Iterator[None]:
    """One thread, and memory that is used again. Both are read once, when a process or a library loads.

    Thresholds of memory that the user has set stay.
    """
    wanted = dict.fromkeys(_ONE_THREAD, "1") | {key: os.environ.get(key, _KEPT) for key in _KEEP_MEMORY}
    before = {key: os.environ.get(key) for key in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value
