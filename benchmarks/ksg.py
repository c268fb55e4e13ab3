"""KSG-1 neighbour counts against the same counts on scikit-learn's BallTrees, and the cost of all checks.

CPU time of one thread. Both implementations run in one process, and every count is compared. The data are the
first and the last hidden layer (200 + 200 units) of a batch-normalised tanh MLP after a few steps on MNIST;
without MNIST, on noisy copies of scikit-learn's digits. The cost of the checks is the time of
`mutual_information(..., checks="full")` over that of `checks="none"`, in turn. Run by
`python benchmarks/ksg.py`: `--quick` leaves out the BallTrees at 10,000 points, which take minutes;
`--checks` measures the checks alone; `--write` stores the table in benchmarks/results.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
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
from levinthal.estimators import mutual_information
from levinthal.estimators.neighbours import NeighbourCounts, count_neighbours

RESULTS = Path(__file__).parent / "results"
ABOUT = """Exact KSG-1 counts (k = 3, max-norm, float64) against scikit-learn's BallTrees: CPU time of one
thread, both in one run, every radius and count compared. The least of five runs of ours, one of the
reference implementation (three where it takes seconds). Made by `python benchmarks/ksg.py --write`.
"""
ABOUT_CHECKS = """`mutual_information`: `checks="none"`, one evaluation, beside `checks="full"`, all checks;
200 + 200 activations, k = 3, CPU time of one thread, the median of five runs each, in turn. Made by
`python benchmarks/ksg.py --checks --write`.
"""
POINTS, WIDTH, STEPS, K = 30_000, 100, 30, 3
CHECKS_TARGET, TURNS = 4.0, 5
FIRST_CALL = """
import time, numpy as np
from levinthal.estimators.neighbours import count_neighbours
x = np.random.default_rng(0).normal(size=(1000, 20))
start = time.process_time()
count_neighbours(x, x[::-1].copy())
print(time.process_time() - start)
"""
PAGES = {  # whether the checks alone are measured -> title, text and columns of the page
    False: ("KSG-1 neighbour counting", ABOUT, "BallTrees / before | ours / after"),
    True: ("The cost of all checks of mutual information", ABOUT_CHECKS, "one evaluation | all checks"),
}
OUTCOMES = {True: "met", False: "**missed**", None: "not judged: the machine is busy"}
Pair = tuple[np.ndarray, np.ndarray]


class Line(NamedTuple):
    """One line of the table; `met` is None where the machine was too busy to judge."""

    what: str
    reference: str
    ours: str
    result: str
    target: str
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
    """The reference implementation: what NPEET does, with our strict radius."""
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


def against_the_reference(what: str, pair: Pair, target: float) -> Line:
    """Time both, the reference once (three times where it is quick), and compare every count."""
    found: list[NeighbourCounts] = []
    ours = seconds(lambda: found.append(count_neighbours(*pair, K)), 5)
    reference = seconds(lambda: found.append(ball_tree_counts(*pair)), 3 if len(pair[0]) <= 2000 else 1)
    same = all(np.array_equal(*(getattr(c, f) for c in found[-2:])) for f in ("radius", "n_x", "n_y"))
    ratio = reference / ours
    identical = "counts identical" if same else "COUNTS DIFFER"
    return Line(
        what,
        f"{reference:.2f} s",
        f"{ours:.3f} s",
        f"{ratio:.0f}x, {identical}",
        f"{target:.0f}x",
        same and ratio >= target,
    )


def all_checks(what: str, pair: Pair) -> Line:
    """Time `checks="none"` and `checks="full"` in turn; their ratio is what the checks cost."""
    spent: dict[str, list[float]] = {"none": [], "full": []}
    for _ in range(TURNS):
        for checks, taken in spent.items():
            taken.append(seconds(partial(mutual_information, *pair, checks=checks), 1))
    none, full = (statistics.median(taken) for taken in spent.values())
    ratio = full / none
    target = f"{CHECKS_TARGET:.0f}x at most"
    return Line(what, f"{none:.3f} s", f"{full:.3f} s", f"{ratio:.1f}x", target, ratio <= CHECKS_TARGET)


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


def lines(quick: bool, checks_alone: bool, data_dir: str | None) -> Iterator[Line]:
    """The targets of one evaluation, or those of all checks."""
    name, (x, y) = activations(data_dir)
    mutual_information(x[:600], y[:600])
    if not checks_alone:
        yield from counts(quick, name, x, y)
        return
    for n in (2000, 5000, 10_000):
        yield all_checks(f"{name}, tanh layers 200 + 200, N = {n:,}", (x[:n], y[:n]))


def counts(quick: bool, name: str, x: np.ndarray, y: np.ndarray) -> Iterator[Line]:
    """The targets of one evaluation."""
    for n, target in ((2000, 80), (5000, 120)) if quick else ((2000, 80), (5000, 120), (10_000, 400)):
        yield against_the_reference(f"{name}, tanh layers 200 + 200, N = {n:,}", (x[:n], y[:n]), target)
    n = 2000 if quick else 10_000
    gauss = tuple(np.random.default_rng(i).normal(size=(n, 200)) for i in (0, 1))
    yield against_the_reference(
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
    parser.add_argument("--checks", action="store_true", help="measure the cost of all checks alone")
    parser.add_argument(
        "--data-dir", help="where MNIST's files are (else LEVINTHAL_DATA, or the user's cache)"
    )
    parser.add_argument("--write", action="store_true", help="store the table in benchmarks/results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    title, about, columns = PAGES[options.checks]
    table = [f"| what | {columns} | result | target | |", "|---|---|---|---|---|---|"]
    print("\n".join(table))
    missed = 0
    for line in lines(options.quick, options.checks, options.data_dir):
        missed += line.met is False
        table.append("| " + " | ".join([*line[:5], OUTCOMES[line.met]]) + " |")
        print(table[-1], flush=True)
    measured = f"{time.strftime('%Y-%m-%d')}; {machine()}"
    print(measured)
    if options.write:
        RESULTS.mkdir(exist_ok=True)
        page = RESULTS / ("ksg-checks.md" if options.checks else "ksg.md")
        page.write_text("\n".join([f"# {title}", "", about, measured, "", *table, ""]))
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
