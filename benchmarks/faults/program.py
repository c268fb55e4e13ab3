"""A whole training program in the idiom of a library, which runs with or without a watch around it.

A `TrainingCase` describes a training that our own loop runs. A `Program` owns its loop, as the programs of
users do: a trainer of a library, several networks, several losses, processes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from benchmarks.faults.case import SPLITS
from torch import nn


class Observer:
    """What a program puts around its training. This one observes nothing: the program alone."""

    def watch(self, model: Any, optimizer: Any, **options: Any) -> AbstractContextManager[Any]:
        """Put this around a loop written by hand: `with observer.watch(model, optimizer):`."""
        del model, optimizer, options
        return nullcontext()

    def transformers_callbacks(self) -> list[Any]:
        """Callbacks to add to those of a `transformers.Trainer`."""
        return []

    def lightning_callbacks(self) -> list[Any]:
        """Callbacks to add to those of a Lightning `Trainer`."""
        return []


@dataclass(frozen=True)
class Trained:
    """The result of a program. The score says whether it learnt, on data that it was not trained on if it can.

    Attributes:
        modules: every network that was trained or kept beside, for a comparison bit for bit.
        optimizers: every optimiser (or None where a trainer hides it).
        score: of the trained model; higher is better.
        before: the same score before training, or that of chance: whichever is higher.
        learnt: the score from which on the program surely learnt.
        extra: further tensors and numbers that must not depend on a watch (losses, outputs, samples).
    """

    modules: tuple[nn.Module, ...]
    optimizers: tuple[Any, ...]
    score: float
    before: float
    learnt: float
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """A healthy program: `run(observer, seed)` seeds everything, trains and returns what came out.

    Attributes:
        name: never changes; it decides the split.
        idiom: the library or the kind of training in a few words.
        needs: packages beside torch, numpy and scikit-learn that must be installed.
        run: trains in the calling process.
    """

    name: str
    idiom: str
    needs: tuple[str, ...]
    run: Callable[[Observer, int], Trained]

    @property
    def split(self) -> str:
        """`development` or `held-out`, by a hash of the name."""
        return SPLITS[zlib.crc32(self.name.encode()) & 1]
