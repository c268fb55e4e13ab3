"""Our KSG-1 neighbour counting against the same counts on scikit-learn's BallTrees, as NPEET takes them.

One thread, CPU time, both in one process, counts compared point by point. The data are the first and the
last hidden layer (200 + 200 units) of a batch-normalised tanh MLP after a few steps on MNIST; without MNIST,
on noisy copies of scikit-learn's digits. Run by `python benchmarks/ksg.py`: `--quick` leaves out what takes
minutes (the BallTrees at 10,000 points), `--write` keeps the table in benchmarks/results/ksg.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from sklearn.neighbors import BallTree
from torch import nn

from levinthal.data import load
from levinthal.errors import DataError
from levinthal.estimators.neighbours import NeighbourCounts, count_neighbours

RESULTS = Path(__file__).parent / "results" / "ksg.md"
ABOUT = """Exact KSG-1 counts (k = 3, max-norm, float64) against scikit-learn's BallTrees: CPU time of one
thread, both in one run, every radius and count compared. The least of five runs of ours, one of the twin
(three where it takes seconds). Made by `python benchmarks/ksg.py --write`.
"""
POINTS, WIDTH, STEPS, K = 30_000, 100, 30, 3
FIRST_CALL = """
import time, numpy as np
from levinthal.estimators.neighbours import count_neighbours
x = np.random.default_rng(0).normal(size=(1000, 20))
start = time.process_time()
count_neighbours(x, x[::-1].copy())
print(time.process_time() - start)
"""
WORDS = {True: "met", False: "**missed**", None: "not judged: the machine is busy"}
Pair = tuple[np.ndarray, np.ndarray]


class Line(NamedTuple):
    """One line of the table; `met` is None where the machine was too busy to judge."""

    what: str
    twin: str
    ours: str
    result: str
    bar: str
    met: bool | None


def inputs(data_dir: str | None) -> tuple[str, torch.Tensor, torch.Tensor]:
    """MNIST's training images, or noisy copies of the digits."""
    try:
        data, name = load("mnist", data_dir=data_dir), "MNIST"
        x, labels = data.train_inputs, data.train_labels
    except DataError as error:
        print(f"{error}; going on with noisy copies of scikit-learn's digits")
        data, name = load("digits"), "noisy digits"
        generator = np.random.default_rng(0)
        rows = generator.integers(len(data.train_inputs), size=POINTS)
        x = data.train_inputs[rows] + generator.normal(0, 0.1, (POINTS, data.train_inputs.shape[1]))
        labels = data.train_labels[rows]
    return name, torch.tensor(x, dtype=torch.float32), torch.tensor(labels)


def activations(data_dir: str | None) -> tuple[str, Pair]:
    """First and last hidden layer of 784 -> 200 -> 100 -> 100 -> 100 -> 200 -> 10 after STEPS steps."""
    torch.manual_seed(0)
    name, x, labels = inputs(data_dir)
    sizes = [x.shape[1], 2 * WIDTH, WIDTH, WIDTH, WIDTH, 2 * WIDTH]
    layers = nn.ModuleList(
        nn.Sequential(nn.Linear(a, b, bias=False), nn.BatchNorm1d(b, eps=1e-3), nn.Tanh())
        for a, b in pairwise(sizes)
    )
    head = nn.Linear(2 * WIDTH, 10)
    for layer in layers.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_normal_(layer.weight)
    optimiser = torch.optim.RMSprop([*layers.parameters(), *head.parameters()], 1e-3, alpha=0.9)

    def read(rows: torch.Tensor) -> list[torch.Tensor]:
        hidden = [rows]
        for layer in layers:
            hidden.append(layer(hidden[-1]))
        return hidden[1:]

    for _ in range(STEPS):
        rows = torch.randint(len(x), (512,))
        loss = nn.functional.cross_entropy(head(read(x[rows])[-1]), labels[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        hidden = read(x[:POINTS])
    return name, (hidden[0].double().numpy(), hidden[-1].double().numpy())


def ball_tree_counts(x: np.ndarray, y: np.ndarray) -> NeighbourCounts:
    """The twin: what NPEET does, with our strict radius."""
    joint = np.hstack([x, y])
    radius = BallTree(joint, metric="chebyshev").query(joint, k=K + 1)[0][:, K]
    limit = np.nextafter(radius, -np.inf)
    n_x, n_y = (
        BallTree(values, metric="chebyshev").query_radius(values, limit, count_only=True) for values in (x, y)
    )
    return NeighbourCounts(radius, n_x, n_y)


def seconds(
    task: Callable[[], object], repeats: int, clock: Callable[[], float] = time.process_time
) -> float:
    """The least time of some repeats."""
    times = []
    for _ in range(repeats):
        start = clock()
        task()
        times.append(clock() - start)
    return min(times)


def against_the_twin(what: str, pair: Pair, bar: float) -> Line:
    """Time both, the twin once (three times where it is quick), and compare every count."""
    found: list[NeighbourCounts] = []
    ours = seconds(lambda: found.append(count_neighbours(*pair, K)), 5)
    twin = seconds(lambda: found.append(ball_tree_counts(*pair)), 3 if len(pair[0]) <= 2000 else 1)
    same = all(np.array_equal(*(getattr(c, f) for c in found[-2:])) for f in ("radius", "n_x", "n_y"))
    ratio = twin / ours
    identical = "counts identical" if same else "COUNTS DIFFER"
    return Line(
        what,
        f"{twin:.2f} s",
        f"{ours:.3f} s",
        f"{ratio:.0f}x, {identical}",
        f"{bar:.0f}x",
        same and ratio >= bar,
    )


def two_threads(pair: Pair) -> Line:
    """Wall time of one and two threads, taking turns; judged only where two cores are idle."""
    times: dict[int, list[float]] = {1: [], 2: []}
    busy = os.getloadavg()[0]
    for _ in range(7):
        for threads, taken in times.items():
            taken.append(seconds(partial(count_neighbours, *pair, K, threads=threads), 1, time.perf_counter))
    one, two = min(times[1]), min(times[2])
    what = f"two threads, N = {len(pair[0]):,} (wall, load {busy:.1f})"
    idle = busy < 0.6 * (os.cpu_count() or 1)
    met = one / two >= 1.5 if idle or one / two >= 1.5 else None
    return Line(what, f"{one:.3f} s", f"{two:.3f} s", f"{one / two:.2f}x", "1.5x", met)


def memory(pair: Pair) -> Line:
    """Peak memory at N and 4 N points."""
    peaks = []
    for n in (2500, 10_000):
        tracemalloc.start()
        count_neighbours(pair[0][:n], pair[1][:n], K)
        peaks.append(tracemalloc.get_traced_memory()[1] / 2**20)
        tracemalloc.stop()
    ratio = peaks[1] / peaks[0]
    return Line(
        "peak memory, N = 2,500 and 10,000",
        f"{peaks[0]:.0f} MiB",
        f"{peaks[1]:.0f} MiB",
        f"{ratio:.2f}x",
        "4.4x at most",
        ratio <= 4.4,
    )


def first_call() -> Line:
    """CPU time of the first call in a new process, compiled before."""
    spent = min(
        float(subprocess.run([sys.executable, "-c", FIRST_CALL], check=True, capture_output=True).stdout)
        for _ in range(3)
    )
    return Line("first call of a new process", "", f"{spent:.2f} s", "", "1 s at most", spent <= 1.0)


def lines(quick: bool, data_dir: str | None) -> Iterator[Line]:
    """Every bar in turn."""
    name, (x, y) = activations(data_dir)
    count_neighbours(x[:600], y[:600], K)
    for n, bar in ((2000, 80), (5000, 120)) if quick else ((2000, 80), (5000, 120), (10_000, 250)):
        yield against_the_twin(f"{name}, tanh layers 200 + 200, N = {n:,}", (x[:n], y[:n]), bar)
    n = 2000 if quick else 10_000
    gauss = tuple(np.random.default_rng(i).normal(size=(n, 200)) for i in (0, 1))
    yield against_the_twin(
        f"isotropic Gaussians 200 + 200, N = {n:,}", (gauss[0], gauss[1]), 20 if quick else 75
    )
    full = seconds(lambda: count_neighbours(x, y, K), 3)
    yield Line(f"{name}, N = {len(x):,}", "", f"{full:.2f} s", "", "2 s at most", full <= 2.0)
    yield two_threads((x[:10_000], y[:10_000]))
    yield memory((x, y))
    yield first_call()


def machine() -> str:
    """What the numbers were measured on, and how busy it was."""
    rows = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    cpu = next(
        (row.split(":")[1].strip() for row in rows if row.startswith("model name")), platform.machine()
    )
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"{cpu}, {os.cpu_count()} cores, load average {load}, Python {platform.python_version()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="leave out the BallTrees at 10,000 points")
    parser.add_argument(
        "--data-dir", help="where MNIST's files are (else LEVINTHAL_DATA, or the user's cache)"
    )
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/results/ksg.md")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = ["| what | BallTree twin / before | ours / after | result | bar | |", "|---|---|---|---|---|---|"]
    print("\n".join(table))
    missed = 0
    for line in lines(options.quick, options.data_dir):
        missed += line.met is False
        table.append("| " + " | ".join([*line[:5], WORDS[line.met]]) + " |")
        print(table[-1], flush=True)
    about = f"{time.strftime('%Y-%m-%d')}; {machine()}"
    print(about)
    if options.write:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text("\n".join(["# KSG-1 neighbour counting", "", ABOUT, about, "", *table, ""]))
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
