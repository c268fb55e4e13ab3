"""One tool in a process of its own: every problem trained twice, alone and with the tool around it."""

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
from benchmarks.faults.own.faulty.cases import WARD
from benchmarks.faults.own.healthy.mixed import ZOO
from torch import nn

from .tools import DIED, Heard, Tool

Listening = AbstractContextManager[Callable[[], Heard]]
Around = Callable[[Run, Rows, Rows], Listening]


@dataclass(frozen=True)
class Arm:
    """One training: what was heard, CPU seconds, a hash of the final weights, the score, the error if any."""

    heard: Heard
    seconds: float
    weights: str
    score: float
    error: str = ""


def alone(*_: Any) -> Listening:
    """No tool."""
    return nullcontext(Heard)


def train(problem: TrainingCase, seed: int, around: Around) -> Arm:
    """Only the loop, the tool and its answer are timed; data and model are made before."""
    run, rows, held = begun(problem, seed)
    heard, error, start = Heard(), "", time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with around(run, rows, held) as listen:
                for _ in steps(run, rows, held, seed):
                    pass
            heard = listen()
    except Exception as raised:  # a tool that raises into the loop is counted, and is no reason to stop
        error = f"{type(raised).__name__}: {raised}".splitlines()[0]
    seconds = time.process_time() - start
    score = 0.0 if error else problem.scored(problem, run.model, held)
    return Arm(heard, seconds, fingerprint(run.model), score, error)


def fingerprint(model: nn.Module) -> str:
    """A hash of every bit of parameters and buffers."""
    digest = hashlib.sha256()
    for name, tensor in model.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def facts(seed: int, only: str) -> Iterator[tuple[TrainingCase, dict[str, Any]]]:
    """Every problem with what the scores need to know of it; the healthy ones first."""
    for problem in ZOO:
        known = {"name": problem.name, "half": problem.half, "seed": seed}
        yield problem, known | {"code": "", "right": (), "silent": False, "twin": problem.name}
    for p in WARD:
        known = {"name": p.problem.name, "half": p.half, "seed": seed}
        more = {"code": p.code, "right": (p.code, *p.also), "silent": p.silent, "twin": p.twin.name}
        if only in p.problem.name:
            yield p.problem, known | more


def examine(tool: Tool, seeds: int, rows: Path, only: str = "") -> None:
    """Append one line of JSON a problem and seed, after a first one that stands if the process dies.

    What is in the file already is not done again.
    """
    torch.set_num_threads(1)
    function = getattr(importlib.import_module(f"benchmarks.peers_in.{tool.module}"), tool.function)
    around = partial(function, **tool.words)
    done = {(r["name"], r["seed"]) for r in map(json.loads, rows.read_text().splitlines())}
    train(ZOO[0], 0, around)  # warm
    with rows.open("a") as file:
        for index, (problem, known) in enumerate(f for seed in range(seeds) for f in facts(seed, only)):
            if (known["name"], known["seed"]) not in done:
                _write(file, known | {"error": DIED})
                _write(file, known | _both(problem, known["seed"], around, index % 2 == 0))


def _write(file: Any, row: dict[str, Any]) -> None:
    file.write(json.dumps(row) + "\n")
    file.flush()


def _both(problem: TrainingCase, seed: int, with_tool: Around, tool_first: bool) -> dict[str, Any]:
    """Alone and with the tool; who goes first changes from problem to problem."""
    order = (with_tool, alone) if tool_first else (alone, with_tool)
    arms = {way: train(problem, seed, way) for way in order}
    bare, tooled = arms[alone], arms[with_tool]
    assert not bare.error, f"{problem.name}: {bare.error}"
    return {
        **asdict(tooled.heard),
        "error": tooled.error,
        "same": bare.weights == tooled.weights,
        "score": bare.score,
        "bare": bare.seconds,
        "cost": tooled.seconds,
    }
