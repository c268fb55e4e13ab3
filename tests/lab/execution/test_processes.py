from __future__ import annotations

import multiprocessing
import os
import pickle
import platform
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from levinthal.errors import InputError, StudyError
from levinthal.lab.execution import processes
from levinthal.lab.execution.executors import ignore
from levinthal.lab.execution.processes import Processes, WorkerDied

HERE = Path(__file__).parents[1]


def test_results_are_those_of_the_items() -> None:
    items = list(range(-20, 20))
    answers = list(Processes(2).run(abs, items))
    assert sorted(answers) == [(item, abs(item)) for item in items]


def test_no_items_need_no_workers() -> None:
    assert list(Processes(2).run(abs, [])) == []


def test_an_exception_takes_the_place_of_a_result() -> None:
    answers = dict(Processes(1).run(eval, ["1 + 1", "1 / 0"]))
    assert answers["1 + 1"] == 2
    assert isinstance(answers["1 / 0"], ZeroDivisionError)


def test_what_cannot_travel_is_told_in_words() -> None:
    answers = dict(Processes(1).run(eval, [OPEN_FILE, ODD_ERROR]))
    assert all(isinstance(answer, StudyError) for answer in answers.values())
    assert "cannot pickle" in str(answers[OPEN_FILE])
    assert "odd one" in str(answers[ODD_ERROR])


OPEN_FILE = "open('/dev/null')"
ODD_ERROR = "(_ for _ in ()).throw(type('Odd', (Exception,), {})('odd one'))"
KILLED = "__import__('os').kill(__import__('os').getpid(), 9)"
LEFT = "__import__('os')._exit(3)"


def test_a_worker_that_ends_fails_its_item_only() -> None:
    sound = [f"{i} * 2" for i in range(6)]
    answers = dict(Processes(2).run(eval, [KILLED, *sound[:3], LEFT, *sound[3:]]))
    assert [answers[item] for item in sound] == [0, 2, 4, 6, 8, 10]
    assert isinstance(answers[KILLED], WorkerDied)
    assert "signal 9: killed, or out of memory" in str(answers[KILLED])
    assert "exit code 3" in str(answers[LEFT])


def test_a_worker_that_dies_idle_fails_no_item() -> None:
    pool = processes._Pool(pickle.dumps(eval))
    try:
        pool.start(1)
        assert dict(pool.work(["1 + 1"], ignore)) == {"1 + 1": 2}
        (worker,) = pool.idle
        worker.process.kill()
        worker.process.join()
        assert dict(pool.work(["1 + 2", "1 + 3"], ignore)) == {"1 + 2": 3, "1 + 3": 4}
        assert pool.idle != [worker]
    finally:
        pool.stop()


def test_leaving_early_ends_the_workers() -> None:
    answers = Processes(2).run(eval, ["__import__('os').getpid()", "__import__('signal').pause()"])
    _, worker = next(answers)
    answers.close()
    assert has_ended(worker)
    assert multiprocessing.active_children() == []


def test_a_function_that_cannot_travel_is_refused_in_one_line() -> None:
    with pytest.raises(StudyError, match="cannot be given the task"):
        list(Processes(2).run(lambda item: item, [1]))


def test_a_function_that_cannot_be_loaded_is_refused_in_one_line() -> None:
    with pytest.raises(StudyError, match=r"cannot load the study \(ModuleNotFoundError"):
        list(Processes(2).run(Unloadable(), [1]))


class Unloadable:
    def __call__(self, item: int) -> int:
        return item

    def __reduce__(self) -> tuple[object, ...]:
        return __import__, ("no_such_module",)


def page_faults_of_a_second_block(size: int) -> int:
    """New pages that a block takes where one of its size has just been freed."""
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        block = bytearray(size)
        faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
        del block
    return faults


def test_at_least_one_worker() -> None:
    with pytest.raises(InputError, match="at least 1 worker is needed; got 0"):
        Processes(0)


def test_workers_have_one_thread_and_the_parent_keeps_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    keys = ["OMP_NUM_THREADS", "MKL_NUM_THREADS"]
    assert dict(Processes(1).run(os.getenv, keys)) == dict.fromkeys(keys, "1")
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def test_workers_keep_freed_memory_unless_the_user_has_said_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "7000000")
    keys = ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"]
    assert [answer for _, answer in sorted(Processes(1).run(os.getenv, keys))] == [str(1 << 30), "7000000"]
    assert "MALLOC_MMAP_THRESHOLD_" not in os.environ


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the thresholds are glibc's")
def test_a_second_large_block_costs_a_worker_no_page_faults() -> None:
    """64 MB are 16,000 pages of 4 kB."""
    ((_, faults),) = Processes(1).run(page_faults_of_a_second_block, [64 << 20])
    assert faults < 1000


def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("from levinthal.lab import Processes\nprint(list(Processes(1).run(abs, [-1])))\n")
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "StudyError: 3 worker processes ended before they began" in ended.stderr
    assert "if __name__ == '__main__'" in ended.stderr.splitlines()[-1]


@contextmanager
def blocked_sweep(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process that sweeps two tasks that never end, in two workers; and the workers' ids."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    sweeping = subprocess.Popen(
        [sys.executable, str(HERE / "sweeping.py"), str(tmp_path / "store.sqlite"), "block", "block"],
        env={**os.environ, "TOY_FIFO": str(fifo)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hears_ctrl_c,
    )
    try:
        workers: list[int] = []
        while len(workers) < 2:
            workers += [int(line) for line in fifo.read_text().split()]
        yield sweeping, workers
    finally:
        sweeping.kill()
        sweeping.communicate()


def hears_ctrl_c() -> None:
    """A test run that a shell has put in the background ignores it, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def has_ended(process: int) -> bool:
    """Wait for a process that is not our child, for at most ten seconds."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    ended, _, _ = select.select([handle], [], [], 10)
    os.close(handle)
    return bool(ended)


def test_ctrl_c_ends_the_workers_and_says_nothing(tmp_path: Path) -> None:
    with blocked_sweep(tmp_path) as (sweeping, workers):
        os.killpg(sweeping.pid, signal.SIGINT)
        said, complained = sweeping.communicate(timeout=10)
    assert all(map(has_ended, workers))
    assert sweeping.returncode == 130
    assert "interrupted=True" in said
    assert complained == ""


def test_workers_do_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    with blocked_sweep(tmp_path) as (sweeping, workers):
        sweeping.kill()
        sweeping.communicate(timeout=10)
    assert all(map(has_ended, workers))
