"""Remedies measured: faulty cases with a remedy, treated, and compared with their healthy baseline.

A faulty case counts if it scores below nine tenths of its healthy baseline and one of the remedies of its
cause changes something in it. The clinic then chooses by itself: the cause it reports, and the remedies it
tries. Recovered: the treated network, averaged over its seeds, reaches nine tenths of the baseline's score.
A confirmation would be false if its interval contained zero. The cases are those of the own suite in
benchmarks/faults/registry.py. Run by `python benchmarks/treat.py [--split development|held-out] [--seeds N]
[--only NAME] [--write]`.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import _root  # noqa: F401  # isort: skip

import torch
from benchmarks.faults import case as cases
from benchmarks.faults.case import SPLITS, FaultyCase, Run, ordinary, shuffled, split
from benchmarks.faults.registry import find
from torch import Generator, Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, TensorDataset, default_collate

from levinthal import Problem, treat
from levinthal.clinic.problem.training import trained
from levinthal.clinic.treatment.comparison import CONFIRMED
from levinthal.clinic.treatment.remedies import REMEDIES
from levinthal.clinic.treatment.treatment import Treatment
from levinthal.errors import InputError

RESULTS = Path(__file__).parent / "results" / "treat.md"
RECOVERED = 0.9
SUITE = find("own")


class InOrder:
    """Batches of row numbers in a case's own order, as a batch sampler."""

    def __init__(self, problem: cases.TrainingCase, targets: Tensor) -> None:
        self.problem, self.targets, self.batch_size = problem, targets, problem.batch

    def __iter__(self) -> Iterator[list[int]]:
        for rows in self.problem.order(self.problem, self.targets, Generator().manual_seed(0)):
            yield rows.tolist()


def as_problem(case: cases.TrainingCase) -> Problem:
    """The same training as a user would write it, with the data of seed 0."""
    (x, y), held = split(case.data(0))
    return Problem(
        model=case.model,
        loss=case.loss,
        train=_loader(case, x, y) if case.order is not shuffled or case.batch_made else (x, y),
        validation=case.batch_made(*held) if case.batch_made else held,
        optimizer=_optimizer(case),
        batch_size=case.batch,
        steps=case.steps,
        schedule=case.schedule,
        clip=case.clip,
        frozen=case.frozen,
        step=None if _is_ordinary(case) else _own_step(case),
    )


def _is_ordinary(case: cases.TrainingCase) -> bool:
    plain = case.loop is ordinary and case.accumulate == 1 and not case.autocast
    return plain and case.zero_every == 1 and case.evaluates in ("", "right")


def _loader(case: cases.TrainingCase, x: Tensor, y: Tensor) -> DataLoader[Any]:
    def collate(rows: list[Any]) -> tuple[Tensor, Tensor]:
        batch = default_collate(rows)
        return case.batch_made(*batch) if case.batch_made else tuple(batch)

    rows = TensorDataset(x, y)
    if case.order is shuffled:
        return DataLoader(rows, case.batch, shuffle=True, drop_last=True, collate_fn=collate)
    return DataLoader(rows, batch_sampler=InOrder(case, y), collate_fn=collate)


def _optimizer(case: cases.TrainingCase) -> Callable[[nn.Module], Any]:
    def made(model: nn.Module) -> Any:
        found = case.optimizer(model)
        if case.prepare:
            case.prepare(model)
        return found

    return made


def _own_step(case: cases.TrainingCase) -> Callable[[nn.Module, Any, Any, Any], None]:
    """The case's own loop; the trial has the schedule, the loop sets the modes."""
    counts: dict[int, int] = {}

    def step(model: nn.Module, optimizer: Any, x: Tensor, y: Tensor) -> None:
        count = counts[id(model)] = counts.get(id(model), -1) + 1
        optimizers = (optimizer,) if isinstance(optimizer, Optimizer) else tuple(optimizer)
        case.loop(Run(case, model, optimizers, [], count), x, y)
        if case.evaluates == "stays" and count % 20 == 9:
            model.eval()

    return step


@dataclass(frozen=True)
class Outcome:
    """A faulty case before and after treatment."""

    case: FaultyCase
    healthy: float
    faulty: float
    treated: float
    found: Treatment

    @property
    def is_recovered(self) -> bool:
        """Whether the treated network reaches nine tenths of the healthy score."""
        return self.treated >= RECOVERED * self.healthy


def treatment_of(case: FaultyCase, seeds: int, seconds: float) -> Outcome | None:
    """None where the case is no worse than its baseline, or no remedy of its cause changes anything."""
    faulty, baseline = case.problem, case.baseline
    problem, held = as_problem(faulty), split(faulty.data(0))[1]
    if not any(remedy.edit(problem) for remedy in REMEDIES.get(case.code, ())):
        return None

    def score(p: Problem, scored: cases.TrainingCase) -> float:
        runs = (trained(p, seed, "accuracy").model for seed in range(seeds))
        return fmean(_number(scored.scored(scored, model.eval(), held)) for model in runs)

    healthy, before = score(as_problem(baseline), baseline), score(problem, faulty)
    if before >= RECOVERED * healthy:
        return None
    found = treat(problem, seeds=seeds, seconds=seconds)
    after = score(found.improved, _read_as(found.improved, faulty)) if found.remedies else before
    return Outcome(case, healthy, before, after, found)


def _read_as(remedied: Problem, case: cases.TrainingCase) -> cases.TrainingCase:
    """The treated network is scored with the inputs that the remedies give it, as the loader makes them."""

    def scored(p: cases.TrainingCase, model: nn.Module, held: tuple[Tensor, Tensor]) -> float:
        made = case.batch_made(*held) if case.batch_made else held
        read = remedied.prepare(*made) if remedied.prepare else made
        return case.scored(replace(p, batch_made=None), model, read)

    return replace(case, scored=scored)


def _number(score: float) -> float:
    return score if score == score else 0.0


def outcomes(name: str, seeds: int, seconds: float, only: str) -> Iterator[Outcome]:
    for case in SUITE.cases(name)[1]:
        if only in case.problem.name:
            try:
                found = treatment_of(case, seeds, seconds)
            except InputError as error:  # a case that needs a loop of the suite
                print(f"{case.problem.name}: left out, {error}", flush=True)
                continue
            if found:
                scores = f"{found.faulty:.2f} -> {found.treated:.2f} of {found.healthy:.2f}"
                print(f"{case.problem.name}: {scores}", flush=True)
                yield found


def table(name: str, found: list[Outcome]) -> Iterator[str]:
    arms = [arm for one in found for arm in one.found.comparisons]
    confirmed = [arm for arm in arms if arm.outcome == CONFIRMED]
    zero = sum(arm.gain.interval is None or arm.gain.interval.low <= 0 for arm in confirmed)
    share = fmean(one.is_recovered for one in found)
    yield f"## Suite {SUITE.name}, {name} split: {len(found)} faulty cases that a remedy can change\n"
    yield f"{SUITE.line(name)}\n"
    yield "| quantity | measured | target |\n|---|--:|--:|"
    yield f"| recovered nine tenths of the healthy score | {share:.1%} | at least 70% |"
    yield f"| confirmations whose interval contains zero | {zero} of {len(confirmed)} | 0 |"
    yield f"| remedies tried | {len(arms)} | |\n"
    yield "| cause | cases | recovered | healthy | faulty | treated |\n|---|--:|--:|--:|--:|--:|"
    for code in dict.fromkeys(one.case.code for one in found):
        some = [one for one in found if one.case.code == code]
        means = [fmean(getattr(one, name) for one in some) for name in ("healthy", "faulty", "treated")]
        rest = " | ".join(f"{mean:.2f}" for mean in means)
        yield f"| {code} | {len(some)} | {sum(one.is_recovered for one in some)} | {rest} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--split", choices=SPLITS, default=SPLITS[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    began = time.process_time()
    found = list(outcomes(options.split, options.seeds, options.seconds, options.only))
    if not found:
        raise SystemExit("no case was treated: the lines above say why, or --only matches no name")
    lines = list(table(options.split, found))
    print("\n".join(lines))
    seconds = time.process_time() - began
    head = (
        f"# Treatment\n\n{options.seeds} paired seeds, torch {torch.__version__}, {platform.machine()}, "
        f"{time.strftime('%Y-%m-%d')}, {seconds:.0f} s of CPU.\n\n{(__doc__ or '').partition(' Run by')[0]}\n"
    )
    if options.write:
        RESULTS.write_text("\n".join([head, *lines]) + "\n")


if __name__ == "__main__":
    main()
