"""What it costs to be watched: paired steps of one MLP, with and without, on one thread.

784-200-100x4-200-10 ReLU, Adam; CPU time of a step, the arms taking turns, medians of ratios over rounds.
`idle` is a watched step that is not sampled. Run by `python benchmarks/watch.py [--rounds N] [--write]`.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import watch

RESULTS = Path(__file__).parent / "results" / "watch.md"
WIDTHS = (784, 200, 100, 100, 100, 100, 200, 10)
STEPS = 40


class Bar(NamedTuple):
    """A line of the table: batch, sampling, and the most that the ratio may be."""

    batch: int
    every: int
    most: float


BARS = (Bar(128, 10, 1.05), Bar(512, 10, 1.02), Bar(128, 1, 1.6), Bar(512, 1, 1.3), Bar(128, 10**9, 1.005))


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


def ratios(bar: Bar, rounds: int) -> Iterator[tuple[float, float]]:
    """(ratio, seconds of the plain step) of each round; who goes first changes from round to round."""
    plain, watched = Arm(bar.batch), Arm(bar.batch)
    with watch(watched.model, watched.optimizer, every=bar.every) as w:
        for arm in (plain, watched):
            arm.seconds(10)  # the first step is sampled, whatever `every` says
        for index in range(rounds):
            order = (plain, watched) if index % 2 else (watched, plain)
            found = {id(arm): arm.seconds(STEPS) for arm in order}
            yield found[id(watched)] / found[id(plain)], found[id(plain)]
    assert not w.trouble


def main() -> int:
    """Print the table; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines, missed = ["| batch | every | step, ms | ratio | bar | |", "|--:|--:|--:|--:|--:|---|"], 0
    for bar in BARS:
        found = list(ratios(bar, options.rounds))
        ratio = statistics.median(r for r, _ in found)
        plain = 1e3 * statistics.median(s for _, s in found)
        every = bar.every if bar.every <= STEPS else "idle"
        word = "met" if ratio <= bar.most else "missed"
        missed += word == "missed"
        lines.append(f"| {bar.batch} | {every} | {plain:.2f} | {ratio:.3f} | {bar.most} | {word} |")
        print(lines[-1], flush=True)
    about = (
        f"{time.strftime('%Y-%m-%d')}; {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()}"
    )
    if options.write:
        head = ["# The cost of being watched", "", str(__doc__).strip(), "", about, ""]
        RESULTS.write_text("\n".join([*head, *lines, ""]))
    return int(missed > 0)


if __name__ == "__main__":
    raise SystemExit(main())
