"""One tool in a process of its own: every case is trained twice, alone and with the tool around it."""

from __future__ import annotations

import hashlib
import importlib
import json
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from benchmarks.faults.case import Run, TrainingCase, begun, steps
from benchmarks.faults.own.data import Rows
from benchmarks.faults.registry import find
from torch import nn

from .tools import DIED, Tool, ToolReport

Observed = AbstractContextManager[Callable[[], ToolReport]]
Around = Callable[[Run, Rows, Rows], Observed]
SUITE = find("own")


@dataclass(frozen=True)
class Arm:
    """One training: the tool's report, CPU seconds, a hash of the final weights, score, error if any."""

    report: ToolReport
    seconds: float
    weights: str
    score: float
    error: str = ""


def alone(*_: Any) -> Observed:
    """No tool."""
    return nullcontext(ToolReport)


def train(problem: TrainingCase, seed: int, around: Around) -> Arm:
    """Only the loop, the tool and its report are timed; data and model are made before."""
    run, rows, held = begun(problem, seed)
    report, error, start = ToolReport(), "", time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with around(run, rows, held) as reported:
                for _ in steps(run, rows, held, seed):
                    pass
            report = reported()
    except Exception as raised:  # a tool that raises into the loop is counted, and is no reason to stop
        error = f"{type(raised).__name__}: {raised}".splitlines()[0]
    seconds = time.process_time() - start
    score = 0.0 if error else problem.scored(problem, run.model, held)
    return Arm(report, seconds, fingerprint(run.model), score, error)


def fingerprint(model: nn.Module) -> str:
    """A hash of every bit of parameters and buffers."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def facts(seed: int, only: str) -> Iterator[tuple[TrainingCase, dict[str, Any]]]:
    """Every case with the facts that the scores need; the healthy cases first."""
    for problem in SUITE.healthy:
        known = {"name": problem.name, "split": problem.split, "seed": seed}
        yield problem, known | {"code": "", "right": (), "silent": False, "baseline": problem.name}
    for case in SUITE.faulty:
        known = {"name": case.problem.name, "split": case.split, "seed": seed}
        more = {"code": case.code, "right": (case.code, *case.also), "silent": case.silent}
        if only in case.problem.name:
            yield case.problem, known | more | {"baseline": case.baseline.name}


def run_tool(tool: Tool, seeds: int, rows: Path, only: str = "") -> None:
    """Append one line of JSON per case and seed; a line before it remains if the process dies.

    Cases that are in the file already are not run again.
    """
    torch.set_num_threads(1)
    function = getattr(importlib.import_module(f"benchmarks.peers_in.{tool.module}"), tool.function)
    around = partial(function, **tool.settings)
    done = {(r["name"], r["seed"]) for r in map(json.loads, rows.read_text().splitlines())}
    train(SUITE.healthy[0], 0, around)  # warm
    with rows.open("a") as file:
        for index, (problem, known) in enumerate(f for seed in range(seeds) for f in facts(seed, only)):
            if (known["name"], known["seed"]) not in done:
                _write(file, known | {"error": DIED})
                _write(file, known | _both(problem, known["seed"], around, index % 2 == 0))


def _write(file: Any, row: dict[str, Any]) -> None:
    file.write(json.dumps(row) + "\n")
    file.flush()


def _both(problem: TrainingCase, seed: int, with_tool: Around, tool_first: bool) -> dict[str, Any]:
    """Alone and with the tool; the order alternates from case to case."""
    order = (with_tool, alone) if tool_first else (alone, with_tool)
    arms = {way: train(problem, seed, way) for way in order}
    bare, tooled = arms[alone], arms[with_tool]
    assert not bare.error, f"{problem.name}: {bare.error}"
    return {
        **asdict(tooled.report),
        "error": tooled.error,
        "same": bare.weights == tooled.weights,
        "score": bare.score,
        "bare": bare.seconds,
        "cost": tooled.seconds,
    }
