"""Sweep in a child, kill it at a random moment, look at what it left: `killing.py FOLDER KILLS`.

The child is forked, not started, so that hundreds of kills cost no imports; the sweep, the store and
SIGKILL are the real ones. Each store is swept until it is whole, then the next one is begun.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
from collections import Counter
from pathlib import Path

import toy_study

from levinthal.lab import Store, sweep
from levinthal.vocabulary import Estimate, Measurement, Study, Task

ROWS, SEEDS = 120, (0, 1)
PROGRESS = os.pipe()
TASKS = tuple(Task({"width": width}, SEEDS) for width in range(1, 13))


def measure(task: Task, *, data: None, device: str) -> list[Measurement]:
    toy_study.log(task)
    os.write(PROGRESS[1], b".")
    return [
        Measurement("error", Estimate.exact(step + seed), seed, step)
        for seed in task.seeds
        for step in range(ROWS)
    ]


def study() -> Study:
    made = toy_study.toy(TASKS)
    return Study(**{key: getattr(made, key) for key in made.__slots__} | {"measure": measure})


def swept(path: Path, tasks: int, seconds: float) -> int:
    """Sweep in a child, killed so long after it began its n-th task (0: was born); its exit status."""
    child = os.fork()
    if not child:
        with Store(path) as store:
            summary = sweep(study(), "only", store)
        os._exit(summary.exit_code)
    handle = os.pidfd_open(child)
    ended = False
    while tasks and not ended:
        ready, _, _ = select.select([PROGRESS[0], handle], [], [])
        tasks -= PROGRESS[0] in ready and len(os.read(PROGRESS[0], 1))
        ended = ready == [handle]
    select.select([handle], [], [], seconds)
    os.close(handle)
    os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    while select.select([PROGRESS[0]], [], [], 0)[0]:
        os.read(PROGRESS[0], 100)
    return status


def finished(path: Path) -> set[str]:
    """The finished runs, as the log names them, after every check there is."""
    if not path.exists() or not path.stat().st_size:
        return set()
    with Store(path) as store:
        assert store.check() == [], store.check()
        runs = store.runs()
        frozen = [record.finished for record in store.frozen("toy", 1, "only")]
        assert frozen == [0] if runs else frozen in ([], [0]), frozen
        assert not [run.error for run in runs if run.error]
        measured = Counter((row.cell["width"], row.measurement.seed) for row in store.rows("toy"))
        assert measured == {(run.cell["width"], run.seed): ROWS for run in runs}, measured
        for task in TASKS:
            stored = {run.seed for run in runs if run.cell == task.cell}
            assert stored in (set(), set(SEEDS)), f"half of {task}: {stored}"
    return {f"{dict(run.cell)} {run.seed}" for run in runs}


def main(folder: Path, kills: int) -> None:
    chance = random.Random(20180705)
    log = Path(os.environ["TOY_LOG"])
    killed, whole, moments, before = 0, 0, Counter[int](), set[str]()
    while killed < kills or not whole:
        path = folder / f"{whole}.sqlite"
        log.write_text("")
        status = swept(path, chance.randrange(6), chance.random() * chance.choice((0.001, 0.01)))
        assert status in (0, -signal.SIGKILL), status
        again = before.intersection(log.read_text().splitlines())
        assert not again, f"run again although finished: {again}"
        after = finished(path)
        assert before <= after, f"lost: {before - after}"
        killed += status != 0
        moments[len(after)] += status != 0
        whole += status == 0
        before = after if status else set()
        assert status != 0 or len(after) == len(TASKS) * len(SEEDS)
    print(f"{killed} kills, {whole} whole stores, runs finished when killed: {sorted(moments.items())}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
