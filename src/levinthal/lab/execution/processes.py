"""An executor of worker processes that outlives the death of any of them."""

from __future__ import annotations

import multiprocessing
import pickle
import signal
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from levinthal.errors import InputError, StudyError
from levinthal.lab.execution.executors import Answer, ignore
from levinthal.lab.execution.worker import interrupts_held, serve, silent, worker_environment

_MOST_FAILED_STARTS = 3


class WorkerDied(StudyError):  # noqa: N818 - it says what happened
    """A worker process ended in the middle of its task: killed, or out of memory."""


@dataclass(frozen=True, slots=True)
class Processes:
    """`workers` processes, started afresh (spawn), each with one thread for its arithmetic.

    A worker that dies fails its item only and is replaced. On Ctrl-C the parent alone is interrupted;
    it ends the workers. A worker whose parent is gone ends by itself.

    Attributes:
        workers: the number of processes, at least 1.

    Raises:
        InputError: fewer than 1 worker.
    """

    workers: int = 2

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise InputError(f"at least 1 worker is needed; got {self.workers}: pass workers >= 1")

    def run(
        self,
        function: Callable[[Any], Any],
        items: Sequence[Any],
        on_start: Callable[[Any], None] = ignore,
    ) -> Generator[Answer, None, None]:
        """Call a function for each item, in the order of completion.

        Args:
            function: called with each item; workers must be able to import it.
            items: its arguments.
            on_start: called with each item before its work begins.

        Yields:
            Each item with its result or its exception.

        Raises:
            StudyError: the function cannot be pickled, or workers cannot start.
        """
        pool = _Pool(_pickled(function))
        try:
            pool.start(min(self.workers, len(items)))
            yield from pool.work(items, on_start)
        finally:
            with interrupts_held():
                pool.stop()


def _pickled(function: Callable[[Any], Any]) -> bytes:
    try:
        return pickle.dumps(function)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise StudyError(
            f"worker processes cannot be given the task ({error}): run with one worker"
        ) from error


def _cause(number: int) -> str:
    """What a signal says of the end of a process."""
    named = signal.strsignal(number) or "unknown"
    return "killed, or out of memory" if number == signal.SIGKILL else named.lower()


class _Worker:
    """A process, the line to it, and the item it has in hand."""

    def __init__(self) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self.process: SpawnProcess = multiprocessing.get_context("spawn").Process(
            target=serve, args=(theirs,), daemon=True
        )
        self.process.start()
        theirs.close()
        self.ready = False
        self.item: Any = None

    def send(self, message: bytes) -> None:
        # Whoever is dead is found so by `receive`, in one place.
        with silent(BrokenPipeError, ConnectionResetError):
            self.connection.send_bytes(message)

    def receive(self) -> Any:
        """The next message, or None where the worker has died."""
        try:
            return self.connection.recv()
        except (EOFError, OSError):
            self.process.join()
            return None

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()
        self.process.close()


class _Pool:
    """The workers of one run."""

    def __init__(self, function: bytes) -> None:
        self.function = function
        self.idle: list[_Worker] = []
        self.busy: dict[Connection, _Worker] = {}
        self.failed_starts = 0

    def start(self, count: int) -> None:
        """Start workers; all of them before the function is sent, so that they wake up side by side."""
        with interrupts_held(), worker_environment():
            fresh = []
            for _ in range(count):
                fresh.append(_Worker())
                self.idle.append(fresh[-1])
        for worker in fresh:
            worker.send(self.function)

    def work(self, items: Sequence[Any], on_start: Callable[[Any], None]) -> Generator[Answer, None, None]:
        """Hand out the items and yield the answers."""
        left = list(reversed(items))
        while left or self.busy:
            while left and self.idle:
                on_start(left[-1])
                self._give(left.pop())
            for line in wait(list(self.busy)):
                worker = self.busy[line]  # type: ignore[index]
                message = worker.receive()
                if message is None and not worker.ready:
                    self._give_again(worker)
                elif message is None:
                    yield self._lost(worker)
                elif message[0] == "ready":
                    worker.ready, self.failed_starts = True, 0
                elif message[0] == "refused":
                    raise StudyError(
                        f"worker processes cannot load the study ({message[1]}): run with one worker"
                    )
                else:
                    yield self._done(worker, message[1])

    def _give(self, item: Any) -> None:
        worker = self._living()
        worker.item = item
        self.busy[worker.connection] = worker
        worker.send(pickle.dumps(item))

    def _living(self) -> _Worker:
        """An idle worker. One that died while it was idle is replaced: it had no item."""
        worker = self.idle.pop(0)
        if not worker.ready or worker.process.is_alive():
            return worker
        worker.stop()
        self.start(1)
        return self.idle.pop()

    def _done(self, worker: _Worker, result: Any) -> Answer:
        self.idle.append(self.busy.pop(worker.connection))
        return worker.item, result

    def _lost(self, worker: _Worker) -> Answer:
        code = self._replace(worker)
        how = f"signal {-code}: {_cause(-code)}" if code < 0 else f"exit code {code}"
        return worker.item, WorkerDied(f"the worker process ended in the middle of its task ({how})")

    def _give_again(self, worker: _Worker) -> None:
        self.failed_starts += 1
        code = self._replace(worker)
        if self.failed_starts >= _MOST_FAILED_STARTS:
            guard = "guard your script with `if __name__ == '__main__':`, or run with one worker"
            raise StudyError(
                f"{_MOST_FAILED_STARTS} worker processes ended before they began (exit code {code}): {guard}"
            )
        self._give(worker.item)

    def _replace(self, worker: _Worker) -> int:
        code = worker.process.exitcode or 0
        with interrupts_held():
            self.busy.pop(worker.connection)
            worker.stop()
        self.start(1)
        return code

    def stop(self) -> None:
        """End every worker now; they hold no result that is not stored."""
        for worker in (*self.idle, *self.busy.values()):
            worker.stop()
