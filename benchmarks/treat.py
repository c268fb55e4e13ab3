"""Remedies at work: sick problems whose cause has a remedy, treated, and scored beside their healthy twin.

A sick problem counts if it scores below nine tenths of its healthy twin and one of the remedies of its cause
changes something in it; what the clinic then makes of it (the cause it names, the remedies it tries) is its
own. Recovered: the cured network, mean of its seeds, reaches nine tenths of the twin's score. A false proof
would be one whose interval holds zero. Run by
`python benchmarks/treat.py [--half tuning|test] [--seeds N] [--only NAME] [--write]`.
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
from benchmarks.faults.case import FaultyCase, Run, ordinary, shuffled, split
from benchmarks.faults.own.faulty.cases import WARD
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


class InOrder:
    """Batches of row numbers in a problem's own order, as a batch sampler."""

    def __init__(self, problem: cases.TrainingCase, targets: Tensor) -> None:
        self.problem, self.targets, self.batch_size = problem, targets, problem.batch

    def __iter__(self) -> Iterator[list[int]]:
        for rows in self.problem.order(self.problem, self.targets, Generator().manual_seed(0)):
            yield rows.tolist()


def as_problem(sick: cases.TrainingCase) -> Problem:
    """The same training as a user would hand it over, with the data of seed 0."""
    (x, y), held = split(sick.data(0))
    return Problem(
        model=sick.model,
        loss=sick.loss,
        train=_loader(sick, x, y) if sick.order is not shuffled or sick.batch_made else (x, y),
        validation=sick.batch_made(*held) if sick.batch_made else held,
        optimizer=_optimizer(sick),
        batch_size=sick.batch,
        steps=sick.steps,
        schedule=sick.schedule,
        clip=sick.clip,
        frozen=sick.frozen,
        step=None if _is_ordinary(sick) else _own_step(sick),
    )


def _is_ordinary(sick: cases.TrainingCase) -> bool:
    plain = sick.loop is ordinary and sick.accumulate == 1 and not sick.autocast
    return plain and sick.zero_every == 1 and sick.evaluates in ("", "right")


def _loader(sick: cases.TrainingCase, x: Tensor, y: Tensor) -> DataLoader[Any]:
    def collate(rows: list[Any]) -> tuple[Tensor, Tensor]:
        batch = default_collate(rows)
        return sick.batch_made(*batch) if sick.batch_made else tuple(batch)

    rows = TensorDataset(x, y)
    if sick.order is shuffled:
        return DataLoader(rows, sick.batch, shuffle=True, drop_last=True, collate_fn=collate)
    return DataLoader(rows, batch_sampler=InOrder(sick, y), collate_fn=collate)


def _optimizer(sick: cases.TrainingCase) -> Callable[[nn.Module], Any]:
    def made(model: nn.Module) -> Any:
        found = sick.optimizer(model)
        if sick.prepare:
            sick.prepare(model)
        return found

    return made


def _own_step(sick: cases.TrainingCase) -> Callable[[nn.Module, Any, Any, Any], None]:
    """The problem's own loop; schedules are the trial's, modes are the loop's."""
    counts: dict[int, int] = {}

    def step(model: nn.Module, optimizer: Any, x: Tensor, y: Tensor) -> None:
        count = counts[id(model)] = counts.get(id(model), -1) + 1
        optimizers = (optimizer,) if isinstance(optimizer, Optimizer) else tuple(optimizer)
        sick.loop(Run(sick, model, optimizers, [], count), x, y)
        if sick.evaluates == "stays" and count % 20 == 9:
            model.eval()

    return step


@dataclass(frozen=True)
class Outcome:
    """A sick problem before and after."""

    patient: FaultyCase
    healthy: float
    sick: float
    cured: float
    found: Treatment

    @property
    def is_recovered(self) -> bool:
        """Whether nine tenths of the healthy score are there."""
        return self.cured >= RECOVERED * self.healthy


def treated(patient: FaultyCase, seeds: int, seconds: float) -> Outcome | None:
    """None where the problem is no worse than its twin, or no remedy of its cause changes anything."""
    sick, twin = patient.problem, patient.twin
    problem, held = as_problem(sick), split(sick.data(0))[1]
    if not any(remedy.edit(problem) for remedy in REMEDIES.get(patient.code, ())):
        return None

    def score(p: Problem, scored: cases.TrainingCase) -> float:
        runs = (trained(p, seed, "accuracy").model for seed in range(seeds))
        return fmean(_number(scored.scored(scored, model.eval(), held)) for model in runs)

    healthy, before = score(as_problem(twin), twin), score(problem, sick)
    if before >= RECOVERED * healthy:
        return None
    found = treat(problem, seeds=seeds, seconds=seconds)
    after = score(found.improved, _read_as(found.improved, sick)) if found.remedies else before
    return Outcome(patient, healthy, before, after, found)


def _read_as(cured: Problem, sick: cases.TrainingCase) -> cases.TrainingCase:
    """How the cured network is scored: with the inputs it has been given, as the loader makes them."""

    def scored(p: cases.TrainingCase, model: nn.Module, held: tuple[Tensor, Tensor]) -> float:
        made = sick.batch_made(*held) if sick.batch_made else held
        read = cured.prepare(*made) if cured.prepare else made
        return sick.scored(replace(p, batch_made=None), model, read)

    return replace(sick, scored=scored)


def _number(score: float) -> float:
    return score if score == score else 0.0


def outcomes(half: str, seeds: int, seconds: float, only: str) -> Iterator[Outcome]:
    for patient in WARD:
        if patient.half == half and only in patient.problem.name:
            try:
                found = treated(patient, seeds, seconds)
            except InputError as error:  # what needs a loop of the suite's own
                print(f"{patient.problem.name}: left out, {error}", flush=True)
                continue
            if found:
                print(
                    f"{patient.problem.name}: {found.sick:.2f} -> {found.cured:.2f} of {found.healthy:.2f}",
                    flush=True,
                )
                yield found


def table(half: str, found: list[Outcome]) -> Iterator[str]:
    arms = [arm for one in found for arm in one.found.comparisons]
    proofs = [arm for arm in arms if arm.outcome == CONFIRMED]
    holding = sum(arm.gain.interval is None or arm.gain.interval.low <= 0 for arm in proofs)
    share = fmean(one.is_recovered for one in found)
    yield f"## The {half} half: {len(found)} sick problems that a remedy can change\n"
    yield "| what | measured | bar |\n|---|--:|--:|"
    yield f"| recovered nine tenths of the healthy score | {share:.1%} | at least 70% |"
    yield f"| proofs whose interval holds zero | {holding} of {len(proofs)} | 0 |"
    yield f"| remedies tried | {len(arms)} | |\n"
    yield "| cause | problems | recovered | healthy | sick | cured |\n|---|--:|--:|--:|--:|--:|"
    for code in dict.fromkeys(one.patient.code for one in found):
        some = [one for one in found if one.patient.code == code]
        means = [fmean(getattr(one, name) for one in some) for name in ("healthy", "sick", "cured")]
        rest = " | ".join(f"{mean:.2f}" for mean in means)
        yield f"| {code} | {len(some)} | {sum(one.is_recovered for one in some)} | {rest} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--half", choices=("tuning", "test"), default="tuning")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    began = time.process_time()
    found = list(outcomes(options.half, options.seeds, options.seconds, options.only))
    lines = list(table(options.half, found))
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
