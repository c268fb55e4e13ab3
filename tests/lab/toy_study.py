"""A study whose `measure` does, on demand, whatever a study can do wrong."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import numpy as np

from levinthal.vocabulary import Dataset, Estimate, Interval, Measurement, Preset, Study, Task, Trust

STEPS = (1, 2, 4)


def measure(task: Task, *, data: Dataset | None, device: str) -> Iterator[Measurement]:
    """The error of a network that needs no training, and a line in the log that it was measured."""
    log(task)
    fault = str(task.cell.get("fault", ""))
    if fault:
        yield from FAULTS[fault](task)
        return
    for seed in task.seeds:
        yield from one_seed(task, seed)


def log(task: Task) -> None:
    if path := os.environ.get("TOY_LOG"):
        line = "".join(f"{task.cell} {seed}\n" for seed in task.seeds)
        with open(path, "a", encoding="utf-8") as file:
            file.write(line)


def one_seed(task: Task, seed: int) -> Iterator[Measurement]:
    noise = np.random.default_rng([int(task.cell["width"]), seed])
    for step in STEPS:
        value = float(task.cell["width"]) / step + noise.normal()
        interval = Interval(value - 1, value + 1, method="exact")
        yield Measurement("error", Estimate(value, "1", interval, trust=Trust.CALIBRATED), seed, step)
    yield Measurement("pid", Estimate.exact(os.getpid()), seed)
    yield Measurement("threads", Estimate.exact(float(os.environ.get("OMP_NUM_THREADS", 0))), seed)


def boom(task: Task) -> Iterator[Measurement]:
    yield from one_seed(task, task.seeds[0])
    raise RuntimeError("the loss is\nnan")


def die(task: Task) -> Iterator[Measurement]:
    os.kill(os.getpid(), signal.SIGKILL)
    yield from ()


def leave(task: Task) -> Iterator[Measurement]:
    os._exit(3)
    yield from ()


def nothing(task: Task) -> Iterator[Measurement]:
    yield from ()


def half(task: Task) -> Iterator[Measurement]:
    yield from one_seed(task, task.seeds[0])


def twice(task: Task) -> Iterator[Measurement]:
    for seed in (*task.seeds, task.seeds[-1]):
        yield from one_seed(task, seed)


def alien(task: Task) -> Iterator[Measurement]:
    for seed in (*task.seeds, 99):
        yield from one_seed(task, seed)


def number(task: Task) -> Iterator[float]:
    yield 0.5


def unstorable(task: Task) -> Iterator[Measurement]:
    for seed in task.seeds:
        yield Measurement("error", Estimate(0.5, details={"what": object()}, trust=Trust.EXACT), seed)


def interrupt(task: Task) -> Iterator[Measurement]:
    raise KeyboardInterrupt
    yield


def interrupt_at_two(task: Task) -> Iterator[Measurement]:
    for seed in task.seeds:
        if seed == 2:
            raise KeyboardInterrupt
        yield from one_seed(task, seed)


def block(task: Task) -> Iterator[Measurement]:
    """Tell who we are, and never come back."""
    with open(os.environ["TOY_FIFO"], "w", encoding="utf-8") as fifo:
        fifo.write(f"{os.getpid()}\n")
    signal.pause()
    yield


FAULTS = {
    fault.__name__: fault
    for fault in (
        boom,
        die,
        leave,
        nothing,
        half,
        twice,
        alien,
        number,
        unstorable,
        interrupt,
        interrupt_at_two,
        block,
    )
}


def tasks(
    *faults: str, widths: tuple[int, ...] = (20, 50), seeds: tuple[int, ...] = (0, 1)
) -> tuple[Task, ...]:
    """Sound tasks of each width, and one with each fault."""
    sound = tuple(Task({"width": width}, seeds, cost=float(width)) for width in widths)
    return sound + tuple(
        Task({"width": 1, "fault": fault, "number": i}, seeds) for i, fault in enumerate(faults)
    )


def toy(chosen: tuple[Task, ...], *, version: int = 1, data: str | None = None) -> Study:
    """The study, with the tasks as its only preset."""
    return Study(
        "toy",
        "tests",
        "Does the laboratory hold?",
        "nobody",
        version,
        {"only": Preset("all", data, chosen)},
        measure,
        (),
        lambda rows: (),
        lambda verdicts: "",
    )
