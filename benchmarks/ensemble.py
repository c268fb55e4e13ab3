"""S seeds at once against the same S networks one after the other, as ordinary modules.

One thread, CPU time, paired (they take turns), medians over rounds of steps. Milliseconds are for one step
of all S networks. "Alone" is nn.Linear, batch norm and tanh through autograd, with one optimiser per network
and the same rule (torch.optim.RMSprop, rho .9). Its batch norm is Keras' (the same networks, number for
number) or torch's own (a little faster). The order of the data is one for all seeds, or one for each. Run by
`python benchmarks/ensemble.py [--write]`; `--write` stores the table in benchmarks/results/ensemble.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.networks import first_last, ordinary
from levinthal.networks.first_last import BATCHNORM_EPS, BATCHNORM_MOMENTUM
from levinthal.training import RMSprop, train
from levinthal.training.schedules import batch_rows

RESULTS = Path(__file__).parent / "results" / "ensemble.md"
ROWS, INPUTS = 8192, 784


class Case(NamedTuple):
    """One line of the table."""

    width: int
    batch: int
    seeds: int
    depth: int
    own: bool


BASE = [(w, b, 8, 5) for w in (20, 50, 200) for b in (128, 512)] + [
    (50, 128, 8, 20),
    (50, 512, 8, 20),
    (50, 128, 2, 5),
]
CASES = [Case(*case, own) for case in BASE for own in (False, True)]
TARGETS = {(20, 128): 2.0, (50, 128): 2.0, (20, 512): 1.4, (50, 512): 1.4, (200, 128): 0.95, (200, 512): 0.95}

Run = Callable[[int], object]
"""Takes that many steps of all networks."""


def identical(case: Case, seed: int) -> nn.Module:
    """The very network of the ensemble, running statistics included."""
    return ordinary(first_last(inputs=INPUTS, width=case.width, depth=case.depth, seeds=(seed,)))


def plain(case: Case, seed: int) -> nn.Module:
    """The same with torch's own BatchNorm1d, whose running variance is the unbiased one."""
    net: Any = identical(case, seed)
    layers: list[nn.Module] = []
    for linear in net.linears:
        norm = nn.BatchNorm1d(linear.out_features, eps=BATCHNORM_EPS, momentum=BATCHNORM_MOMENTUM)
        layers += [linear, norm, nn.Tanh()]
    return nn.Sequential(*layers, net.head)


def one_by_one(case: Case, x: Tensor, y: Tensor, build: Callable[[Case, int], nn.Module]) -> Run:
    nets = [build(case, seed) for seed in range(case.seeds)]
    optimizers = [torch.optim.RMSprop(net.parameters(), 1e-3, alpha=0.9) for net in nets]
    orders = [batch_rows(ROWS, case.batch, seed if case.own else 0, 1) for seed in range(case.seeds)]

    def run(steps: int) -> None:
        for net, optimizer, order in zip(nets, optimizers, orders, strict=True):
            for _ in range(steps):
                rows = next(order)
                loss = functional.cross_entropy(net(x[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return run


def together(case: Case, x: Tensor, y: Tensor) -> Run:
    seeds = range(case.seeds)
    model = first_last(inputs=INPUTS, width=case.width, depth=case.depth, seeds=seeds)
    order = tuple(seeds) if case.own else 0
    rule, batch = RMSprop(), case.batch
    return lambda steps: list(
        train(model, x, y, steps=steps, optimizer=rule, batch_size=batch, order_seeds=order, snapshots=())
    )


def seconds(run: Run, steps: int) -> float:
    start = time.process_time()
    run(steps)
    return (time.process_time() - start) / steps


def compare(case: Case, rounds: int, budget: float) -> tuple[list[float], list[float]]:
    """Median milliseconds a step (all seeds) of the three, and medians of the paired ratios to the last."""
    x, y = torch.rand(ROWS, INPUTS), torch.randint(0, 10, (ROWS,))
    runs = [one_by_one(case, x, y, identical), one_by_one(case, x, y, plain), together(case, x, y)]
    steps = max(2, int(budget / max(seconds(run, 3) for run in runs)))
    turns = [[seconds(run, steps) * 1e3 for run in runs] for _ in range(rounds)]
    ratios = [statistics.median(turn[side] / turn[-1] for turn in turns) for side in (0, 1)]
    return [statistics.median(column) for column in zip(*turns, strict=True)], ratios


def table(rounds: int, budget: float) -> Iterator[str]:
    yield "| W | batch | S | D | order | alone, ms | torch's norm | together | ratio | to torch's | target |"
    yield "|--:|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|"
    for case in CASES:
        times, ratios = compare(case, rounds, budget)
        target = TARGETS.get((case.width, case.batch), "") if (case.seeds, case.depth) == (8, 5) else ""
        shape = (
            f"{case.width} | {case.batch} | {case.seeds} | {case.depth} | {'own' if case.own else 'shared'}"
        )
        numbers = " | ".join(f"{number:.2f}" for number in (*times, *ratios))
        yield f"| {shape} | {numbers} | {target} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--budget", type=float, default=0.3, help="seconds of each side in a round")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    lines = [(__doc__ or "").strip().partition("Run by")[0].strip(), ""]
    for line in table(options.rounds, options.budget):
        print(line, flush=True)
        lines.append(line)
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    lines[:0] = [f"# Ensembles\n\ntorch {torch.__version__}, {platform.machine()}, {load}.\n"]
    if options.write:
        RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
