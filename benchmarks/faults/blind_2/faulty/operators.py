"""Building blocks of the faulty cases of the second blind suite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import torch
from benchmarks.faults.blind_2.bases import BASES, by, dice
from benchmarks.faults.case import FaultyCase, TrainingCase
from benchmarks.faults.own.data import Rows
from torch import Generator, Tensor, nn

Change = Callable[[Tensor, Tensor, Generator], Rows]


def variant(base: str, tail: str, **changes: object) -> TrainingCase:
    """A healthy relative of a base."""
    twin = BASES[base]
    return replace(twin, name=f"{twin.name}-{tail}", **changes)


HELD = {name: variant(name, "val", validation=lambda _rows, held: held) for name in BASES}


def sick(
    code: str, what: str, twin: str | TrainingCase, *, also: tuple[str, ...] = (), silent: bool = False,
    **changes: object,
) -> FaultyCase:  # fmt: skip
    """A healthy problem with one fault put into it."""
    healthy = BASES[twin] if isinstance(twin, str) else twin
    ill = replace(healthy, name=f"{code}: {what} ({healthy.name})", base=healthy.name, **changes)
    return FaultyCase(ill, healthy, code, also, silent)


def rebuilt(twin: str | TrainingCase, change: Callable[[nn.Module], object]) -> Callable[[], nn.Module]:
    """The baseline's network after a change to it, before the optimiser gets it."""
    healthy = BASES[twin] if isinstance(twin, str) else twin

    def make() -> nn.Module:
        model = healthy.model()
        with torch.no_grad():
            change(model)
        return model

    return make


def of_type(model: nn.Module, *kinds: type[nn.Module]) -> Iterator[nn.Module]:
    return (m for m in model.modules() if isinstance(m, kinds))


def linears(model: nn.Module) -> list[nn.Linear]:
    return [m for m in model.modules() if isinstance(m, nn.Linear)]


def everywhere(base: str, change: Change) -> Callable[[int], Rows]:
    """All rows changed."""
    return partial(_everywhere, BASES[base].data, change)


def _everywhere(data: Callable[[int], Rows], change: Change, seed: int) -> Rows:
    return change(*data(seed), dice(seed + 1))


def in_training(base: str, change: Change) -> Callable[[int], Rows]:
    """Only the rows to train on changed; those to score by shortened if there are fewer now."""
    return partial(_in_part, BASES[base].data, change, True)


def in_held(base: str, change: Change) -> Callable[[int], Rows]:
    """Only the rows to score by changed."""
    return partial(_in_part, BASES[base].data, change, False)


def _in_part(data: Callable[[int], Rows], change: Change, training: bool, seed: int) -> Rows:
    x, y = data(seed)
    cut = 3 * len(x) // 4
    first, last = (x[:cut], y[:cut]), (x[cut:], y[cut:])
    if training:
        first = change(*first, dice(seed + 1))
        cut = len(first[0]) // 3
        last = (last[0][:cut], last[1][:cut])
    else:
        last = change(*last, dice(seed + 1))
    return torch.cat([first[0], last[0]]), torch.cat([first[1], last[1]])


def over(
    parts: Callable[[nn.Module], Iterable[nn.Parameter]], base: str | TrainingCase, **more: object
) -> Callable[[nn.Module], torch.optim.Optimizer]:
    """The baseline's optimiser over some of the parameters."""
    healthy = BASES[base] if isinstance(base, str) else base

    def make(model: nn.Module) -> torch.optim.Optimizer:
        made = healthy.optimizer(model)
        assert isinstance(made, torch.optim.Optimizer)
        settings = {k: v for k, v in made.defaults.items() if k in ("lr", "momentum", "weight_decay")}
        return type(made)(list(parts(model)), **settings, **more)  # type: ignore[call-arg]

    return make


__all__ = [
    "BASES", "HELD", "Change", "by", "dice", "everywhere", "in_held", "in_training", "linears", "of_type",
    "over", "rebuilt", "sick", "variant",
]  # fmt: skip
