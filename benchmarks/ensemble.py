"""S seeds at once against the same S networks one after the other, as ordinary modules.

One thread, CPU time, paired (the two take turns), medians over rounds of steps. Ordinary: nn.Linear,
nn.BatchNorm1d and tanh through autograd, its own optimiser with the same rule. Run by
`python benchmarks/ensemble.py [--write]`; `--write` keeps the table in benchmarks/results/ensemble.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.networks import first_last, ordinary, prefers_ensemble
from levinthal.networks.first_last import BATCHNORM_EPS, BATCHNORM_MOMENTUM
from levinthal.training import RMSprop, train
from levinthal.training.schedules import batch_rows

RESULTS = Path(__file__).parent / "results" / "ensemble.md"
ROWS, INPUTS = 8192, 784


class Case(NamedTuple):
    width: int
    batch: int
    seeds: int
    depth: int
    own: bool


BASE = [(w, b, 8, 5) for w in (20, 50, 200) for b in (128, 512)] + [(50, 128, 8, 20), (50, 128, 2, 5)]
CASES = [Case(*case, own) for case in BASE for own in (False, True)]
BARS = {(20, 128): 2.0, (50, 128): 2.0, (20, 512): 1.4, (50, 512): 1.4, (200, 128): 0.95, (200, 512): 0.95}

Run = Callable[[int], object]
"""Takes that many steps of all networks."""


def plain(width: int, depth: int, seed: int) -> nn.Module:
    """The MLP as anyone would write it, with the weights of that seed."""
    source = ordinary(first_last(inputs=INPUTS, width=width, depth=depth, seeds=(seed,)))
    layers: list[nn.Module] = []
    for linear in source.linears:
        norm = nn.BatchNorm1d(linear.out_features, eps=BATCHNORM_EPS, momentum=BATCHNORM_MOMENTUM)
        layers += [linear, norm, nn.Tanh()]
    return nn.Sequential(*layers, source.head)


def one_after_the_other(case: Case, x: Tensor, y: Tensor) -> Run:
    nets = [plain(case.width, case.depth, seed) for seed in range(case.seeds)]
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
    options = {"optimizer": RMSprop(), "batch_size": case.batch, "order_seeds": order, "moments": ()}
    return lambda steps: list(train(model, x, y, steps=steps, **options))


def seconds(run: Run, steps: int) -> float:
    start = time.process_time()
    run(steps)
    return (time.process_time() - start) / steps


def compare(case: Case, rounds: int, budget: float) -> tuple[float, float, float]:
    """Median milliseconds a step (all seeds) of each, and the median of the paired ratios."""
    x, y = torch.rand(ROWS, INPUTS), torch.randint(0, 10, (ROWS,))
    alone, ensemble = one_after_the_other(case, x, y), together(case, x, y)
    warm = max(seconds(alone, 3), seconds(ensemble, 3))
    steps = max(2, int(budget / warm))
    pairs = [(seconds(alone, steps), seconds(ensemble, steps)) for _ in range(rounds)]
    ratio = statistics.median(a / b for a, b in pairs)
    first, second = (statistics.median(column) * 1e3 for column in zip(*pairs, strict=True))
    return first, second, ratio


def table(rounds: int, budget: float) -> Iterator[str]:
    yield "| W | batch | S | D | order | one by one, ms | together, ms | ratio | bar | one pass |"
    yield "|--:|--:|--:|--:|---|--:|--:|--:|--:|---|"
    for case in CASES:
        alone, ensemble, ratio = compare(case, rounds, budget)
        bar = BARS.get((case.width, case.batch), "") if (case.seeds, case.depth) == (8, 5) else ""
        order = "own" if case.own else "shared"
        passes = "yes" if prefers_ensemble(case.width, case.batch, case.seeds) else "no"
        yield (
            f"| {case.width} | {case.batch} | {case.seeds} | {case.depth} | {order} | {alone:.2f} "
            f"| {ensemble:.2f} | {ratio:.2f} | {bar} | {passes} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--budget", type=float, default=0.3, help="seconds of each side in a round")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    head = f"torch {torch.__version__}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    lines = [f"# Ensembles\n\n{head}\n\n{(__doc__ or '').strip()}\n"]
    for line in table(options.rounds, options.budget):
        print(line, flush=True)
        lines.append(line)
    if options.write:
        RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
