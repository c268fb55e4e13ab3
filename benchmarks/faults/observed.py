"""A program run alone and inside `watch`, in turn: every bit compared, and the answer of the watch."""

from __future__ import annotations

import gc
import io
import pickle
import random
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, redirect_stdout
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from benchmarks.faults.program import Observer, Program, Trained
from torch import Tensor, nn

import levinthal
from levinthal.clinic import Watch
from levinthal.vocabulary import Severity

HOOKS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_state_dict_hooks",
)


class Watching(Observer):
    """An observer that puts `levinthal.watch`, with its defaults, around every training of a program."""

    def __init__(self) -> None:
        self.opened: list[Watch] = []
        self.callbacks: list[Any] = []

    def watch(self, model: Any, optimizer: Any, **options: Any) -> AbstractContextManager[Any]:
        """`levinthal.watch` as the program calls it."""
        self.opened.append(levinthal.watch(model, optimizer, **options))
        return self.opened[-1]

    def transformers_callbacks(self) -> list[Any]:
        """The callback for the Transformers Trainer."""
        from levinthal.integrations.transformers import LevinthalCallback

        return self._kept(LevinthalCallback())

    def lightning_callbacks(self) -> list[Any]:
        """The callback for the Lightning Trainer."""
        from levinthal.integrations.lightning import LevinthalCallback

        return self._kept(LevinthalCallback())

    def _kept(self, callback: Any) -> list[Any]:
        self.callbacks.append(callback)
        return [callback]

    @property
    def watches(self) -> list[Watch]:
        """Every watch of the program that began."""
        return [*self.opened, *(callback.watch for callback in self.callbacks)]


@dataclass(frozen=True)
class Answered:
    """The answer of one watch: its first line, its state, and each finding as (code, severity, where, follows)."""

    first_line: str
    state: str
    samples: int
    trouble: str
    failed_rules: tuple[str, ...]
    findings: tuple[tuple[str, str, str, str | None], ...]

    @property
    def worst(self) -> str:
        """The severity of the worst finding that follows from no other."""
        found = {severity for _, severity, _, follows in self.findings if not follows}
        return next((str(severity) for severity in Severity if str(severity) in found), "")


@dataclass(frozen=True)
class Observed:
    """One program with one seed.

    Attributes:
        learnt: Alone, the program reached the score from which on it surely learnt.
        alone_failed, watched_failed: The error that the program raised, or "".
        changed: The parts that are not equal to the bit with and without the watch.
        repeats: Whether two runs alone are equal to the bit; looked at only where something changed.
        answers: One for each watch.
        seconds: CPU time alone and watched.
    """

    name: str
    split: str
    seed: int
    learnt: bool
    alone_failed: str
    watched_failed: str
    changed: tuple[str, ...]
    repeats: bool
    answers: tuple[Answered, ...]
    seconds: tuple[float, float]

    def as_json(self) -> dict[str, Any]:
        """The same, for a line of JSON."""
        return asdict(self)


def observe(program: Program, seed: int) -> Observed:
    """Run a program alone, then watched; and alone again where the two differ."""
    alone, alone_failed, alone_time = attempted(program, Observer(), seed)
    watching = Watching()
    watched, watched_failed, watched_time = attempted(program, watching, seed)
    changed = tuple(differing(alone, watched)) if alone and watched else ()
    repeats = True
    if changed:
        again, _, _ = attempted(program, Observer(), seed)
        repeats = again is not None and alone is not None and not list(differing(alone, again))
    return Observed(
        program.name,
        program.split,
        seed,
        alone is not None and alone["learnt"],
        alone_failed,
        watched_failed,
        changed,
        repeats,
        tuple(map(answered, watching.watches)),
        (alone_time, watched_time),
    )


def attempted(program: Program, observer: Observer, seed: int) -> tuple[dict[str, Any] | None, str, float]:
    """The bits that a program leaves behind, its error, and its CPU time; what it prints is dropped."""
    start = time.process_time()
    try:
        with redirect_stdout(io.StringIO()):
            trained = program.run(observer, seed)
        return bits(trained), "", time.process_time() - start
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        said = (
            f"{type(error).__name__}: {str(error).strip().splitlines()[:1]} ({where.filename}:{where.lineno})"
        )
        return None, said, time.process_time() - start
    finally:
        gc.collect()


def bits(trained: Trained) -> dict[str, Any]:
    """Everything that a watch must not change, as bytes."""
    return {
        "learnt": trained.score >= trained.learnt > trained.before,
        "score": trained.score,
        "weights and buffers": [as_bytes(module.state_dict()) for module in trained.modules],
        "optimiser state": [as_bytes(o.state_dict()) for o in trained.optimizers if o is not None],
        "outputs": as_bytes(dict(trained.extra)),
        "random states": as_bytes((torch.get_rng_state(), np.random.get_state(), random.getstate())),
        "hooks": [hooks(module) for module in trained.modules],
        "size when pickled": [size(module) for module in trained.modules],
    }


def hooks(module: nn.Module) -> int:
    """The number of hooks on a module and its children."""
    return sum(len(getattr(child, name)) for child in module.modules() for name in HOOKS)


def size(module: nn.Module) -> int:
    """Bytes of the pickled module; -1 where it cannot be pickled, with or without a watch."""
    try:
        return len(pickle.dumps(module))
    except Exception:
        return -1


def as_bytes(value: Any) -> Any:
    """Tensors and arrays inside a value as (type, shape, bytes): NaN equals itself, 0. differs from -0."""
    if isinstance(value, Tensor):
        whole = value.full_tensor() if hasattr(value, "full_tensor") else value
        dense = whole.detach().to_dense() if whole.layout is not torch.strided else whole.detach()
        raw = dense.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        return (str(value.dtype), tuple(value.shape), raw)
    if isinstance(value, np.ndarray):
        return (str(value.dtype), value.shape, value.tobytes())
    if isinstance(value, Mapping):
        return {str(key): as_bytes(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_bytes(inner) for inner in value]
    return repr(value)


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    """The names of the parts that differ."""
    yield from (name for name in one if one[name] != other[name])


def answered(watch: Watch) -> Answered:
    """The answer of a watch, as a user reads it."""
    lines = str(watch).splitlines()
    found = tuple((f.code, str(f.severity), f.where, f.follows) for f in watch.findings())
    return Answered(
        lines[0] if lines else "",
        str(watch.answer().state),
        len(watch.history),
        watch.trouble,
        watch.failed_rules,
        found,
    )
