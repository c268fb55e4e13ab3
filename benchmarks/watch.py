"""The cost of watching a training: the same steps of one MLP, with a watcher and without, alternating.

A 784-200-100x4-200-10 ReLU network, Adam, one thread, with two batch sizes: a step takes 3 ms on this
machine with the first and 8 ms with the second. The ratio is the CPU time of 60 steps with the watcher over
that of 60 steps of the same network without; the two alternate. The table has the median over rounds, with
its 95 % interval. *idle* is a watched step that is not sampled. After its first 8 samples, which are not
counted here, `levinthal.watch` reads layers, weights and batches alternately; 60 steps hold two such
periods. The other watchers:

- histograms: one histogram of 64 bins of every parameter's gradient, as `wandb.watch(log="gradients",
  log_freq=every)` makes them. This is a re-implementation, after version 0.31, of the computation in its
  hooks (finite or not, minimum and maximum as numbers, `torch.histc`, lists), without logging;
- torch-audit 0.3.0: `autopatch(model, every_n_steps=every)`, where it is installed;
- anomaly mode: `torch.autograd.set_detect_anomaly(True)`.

Run by `python benchmarks/watch.py [--rounds N] [--only NAME] [--write]`; `--write` stores the table in
benchmarks/results/watch.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import watch

RESULTS = Path(__file__).parent / "results" / "watch.md"
WIDTHS = (784, 200, 100, 100, 100, 100, 200, 10)
STEPS, WARMING, BINS, IDLE = 60, 3, 64, 10**9
FEWER = 3
"""Peers, which have no target, get one round in so many."""


def network() -> nn.Sequential:
    """The MLP of the table."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(WIDTHS):
        layers += [nn.Linear(before, after), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class Arm:
    """A network in training, stopped between rounds."""

    def __init__(self, batch: int) -> None:
        self.model = network()
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-3)
        draw = torch.Generator().manual_seed(1)
        self.inputs = torch.randn(batch, WIDTHS[0], generator=draw)
        self.labels = torch.randint(0, 10, (batch,), generator=draw)

    def seconds(self, steps: int) -> float:
        """CPU time of a step."""
        began = time.process_time()
        for _ in range(steps):
            self.optimizer.zero_grad()
            loss: Tensor = functional.cross_entropy(self.model(self.inputs), self.labels)
            loss.backward()
            self.optimizer.step()
        return (time.process_time() - began) / steps


Watched = Callable[[], AbstractContextManager[Any]]


def levinthal(arm: Arm, every: int) -> Watched:
    w = watch(arm.model, arm.optimizer, every=every)
    return lambda: w


def histograms(arm: Arm, every: int) -> Watched:
    @contextmanager
    def hooked() -> Iterator[None]:
        handles = [p.register_hook(Histogram(every)) for p in arm.model.parameters()]
        yield
        for handle in handles:
            handle.remove()

    return hooked


class Histogram:
    """A hook of one gradient, which makes a histogram every so many calls."""

    def __init__(self, every: int) -> None:
        self.every, self.calls = every, 0
        self.last: tuple[list[float], list[float]] | None = None

    def __call__(self, gradient: Tensor) -> None:
        """As the hook of `wandb.watch` does."""
        self.calls += 1
        if self.calls % self.every:
            return
        flat = gradient.detach().reshape(-1)
        if (~torch.isfinite(flat)).all().item():
            return
        if not torch.isfinite(flat).all():
            flat = flat[torch.isfinite(flat)]
        low, high = flat.min().item(), flat.max().item()
        counts = flat.histc(bins=BINS, min=low, max=high).cpu().clone()
        self.last = counts.tolist(), torch.linspace(low, high, steps=BINS + 1).tolist()


def torch_audit(arm: Arm, every: int) -> Watched:
    autopatch = importlib.import_module("torch_audit").autopatch

    @contextmanager
    def patched() -> Iterator[None]:
        auditor = autopatch(arm.model, optimizer=arm.optimizer, every_n_steps=every)
        yield
        auditor.unpatch()

    return patched


def anomaly(_arm: Arm, _every: int) -> Watched:
    return lambda: torch.autograd.set_detect_anomaly(True)


@cache
def batch_of(milliseconds: float) -> int:
    """The batch size, a multiple of 16, whose step takes so long here; by the secant method from 512."""
    batch, slope = 512.0, 0.01
    for _ in range(4):
        arm = Arm(max(16, round(batch / 16) * 16))
        taken = 1e3 * statistics.median([arm.seconds(10) for _ in range(20)][5:])
        batch += (milliseconds - taken) / slope
    return max(16, round(batch / 16) * 16)


class Row(NamedTuple):
    """A line of the table: watcher, duration of a step, sampling, and the largest ratio allowed."""

    watcher: Callable[[Arm, int], Watched]
    name: str
    milliseconds: float
    every: int
    most: float = math.nan


OURS = (
    *((3.0, 10, 1.05), (8.0, 10, 1.02), (3.0, 1, 1.6), (8.0, 1, 1.3)),
    *((3.0, IDLE, 1.005), (8.0, IDLE, 1.005)),
)
ROWS = (
    *(Row(levinthal, "levinthal.watch", *limits) for limits in OURS),
    *(Row(histograms, "histograms", long, every) for long, every, _ in OURS[:4]),
    *(Row(torch_audit, "torch-audit", long, every) for long, every, _ in OURS[:4]),
    *(Row(anomaly, "anomaly mode", long, 1) for long in (3.0, 8.0)),
)


def ratios(row: Row, rounds: int) -> Iterator[tuple[float, float]]:
    """(ratio, seconds of the plain step) of each round; the order alternates.

    One network for both, so that neither has the better place in memory.
    """
    arm = Arm(batch_of(row.milliseconds))
    watched = row.watcher(arm, row.every)
    for index in range(-WARMING, rounds):  # a first step is sampled whatever `every` says
        found: dict[bool, float] = {}
        for observed in (False, True) if index % 2 else (True, False):
            if observed:
                with watched():
                    found[observed] = arm.seconds(STEPS)
            else:
                found[observed] = arm.seconds(STEPS)
        if index >= 0:
            yield found[True] / found[False], found[False]


def measured(row: Row, rounds: int) -> tuple[str, bool]:
    """A line of the table, and whether its target was missed."""
    found = list(ratios(row, rounds if row.most > 0 else max(rounds // FEWER, 5)))
    of = sorted(ratio for ratio, _ in found)
    ratio, plain = statistics.median(of), 1e3 * statistics.median(seconds for _, seconds in found)
    reach = round(0.98 * math.sqrt(len(of)))  # ranks around the median, by the binomial
    low, high = of[max(len(of) // 2 - reach, 0)], of[min(len(of) // 2 + reach, len(of) - 1)]
    every = row.every if row.every != IDLE else "idle"
    missed = ratio > row.most
    target = f"{row.most} | {'missed' if missed else 'met'}" if row.most > 0 else "| "
    batch = batch_of(row.milliseconds)
    cells = (row.name, batch, every, f"{plain:.2f}", f"{ratio:.3f}", f"{low:.3f} to {high:.3f}", target)
    return f"| {' | '.join(map(str, cells))} |", missed


def machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (
        f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )


def main() -> int:
    """Print the table; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", default="", help="a part of the watchers' names")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    head = "| watcher | batch | every | step alone, ms | ratio | 95 % | target | |"
    lines, missed = [head, "|---|--:|--:|--:|--:|---|--:|---|"], 0
    about = f"{time.strftime('%Y-%m-%d')}; {machine()}; torch {torch.__version__}"
    for row in (row for row in ROWS if options.only in row.name):
        if row.watcher is torch_audit and importlib.util.find_spec("torch_audit") is None:
            continue
        line, is_missed = measured(row, options.rounds)
        missed += is_missed
        lines.append(line)
        print(line, flush=True)
    if options.write:
        explained = str(__doc__).partition("\n\nRun by")[0]
        RESULTS.write_text("\n".join(["# The cost of watching", "", explained, "", about, "", *lines, ""]))
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
