"""A problem's data as batches, in an order that depends on the seed alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler

from levinthal.clinic.failures.wording import failure, of_numbers, uneven
from levinthal.errors import InputError, LevinthalError
from levinthal.estimators.arrays import ONE_LENGTH, uneven_rows
from levinthal.vocabulary import Problem

MOST_EMPTY = 1_000
MOST_ROWS = 4096
"""Rows of a validation set that a score is computed from."""


def batches(problem: Problem, seed: int) -> Iterator[tuple[Any, Any]]:
    """Endless training batches, after `prepare`. Raises InputError for data that hold none."""
    if is_pair(problem.train):
        x, y = pair(problem.train, "train")
        size = min(problem.batch_size, rows(y))
        for chosen in _orders(rows(y), size, seed, problem.shuffle):
            yield _prepared(problem, take(x, chosen), take(y, chosen))
    while True:
        empty = True
        for batch in _read(_ordered(problem.train, seed), "train"):
            empty = False
            yield _prepared(problem, *as_pair(batch, "train"))
        if empty:
            raise InputError("train yields 0 batches: give (inputs, targets) or a DataLoader that has some")
        seed += 1


def held_out(problem: Problem) -> list[tuple[Any, Any]]:
    """Batches to score by, after `prepare`: of `validation`, or of `train` where there is none."""
    name = "train" if problem.validation is None else "validation"
    data = getattr(problem, name)
    if is_pair(data):
        x, y = pair(data, name)
        x, y = take(x, slice(0, MOST_ROWS)), take(y, slice(0, MOST_ROWS))
        return [_prepared(problem, x, y)]
    found, count = list[tuple[Any, Any]](), 0
    for batch in _read(_ordered(data, 0), name):
        found.append(_prepared(problem, *as_pair(batch, name)))
        count += rows(found[-1][1])
        if count >= MOST_ROWS:
            break
    if not found:
        raise InputError(f"{name} yields 0 batches: give (inputs, targets) or a DataLoader that has some")
    return found


def first_batch(problem: Problem) -> tuple[Any, Any]:
    """The first training batch of seed 0."""
    return next(batches(problem, 0))


def is_pair(data: Any) -> bool:
    """Whether data are (inputs, targets) rather than an iterable of batches."""
    return isinstance(data, tuple | list) and len(data) == 2 and not isinstance(data[1], tuple | list)


def as_pair(batch: Any, name: str) -> tuple[Any, Any]:
    """Inputs and targets of a loader's batch. Raises InputError where the batch is not a pair."""
    if not isinstance(batch, tuple | list) or len(batch) != 2:
        way_out = "let the loader yield pairs (inputs, targets)"
        raise InputError(f"{name} has a batch that is a value {_kind(batch)}: {way_out}")
    return batch[0], batch[1]


def _kind(value: object) -> str:
    return f"of {len(value)} items" if isinstance(value, tuple | list) else f"of type {type(value).__name__}"


def pair(data: Any, name: str) -> tuple[Any, Any]:
    """Inputs and targets as tensors. Raises InputError where they are empty or disagree in number."""
    x, y = (_tensors(side, name) for side in data)
    for side in (x, y):
        _require_rows(side, name)
    if rows(x) != rows(y):
        raise InputError(f"{name} has {rows(x)} inputs and {rows(y)} targets: give one target for each input")
    if not rows(y):
        raise InputError(f"{name} has 0 rows: give some")
    return x, y


def _tensors(side: Any, name: str) -> Any:
    if isinstance(side, np.ma.MaskedArray):
        raise InputError(
            f"{name} has a masked array, whose mask a tensor loses: fill it, or leave the rows out"
        )
    if isinstance(side, dict):
        return {key: _tensors(value, name) for key, value in side.items()}
    if isinstance(side, tuple | list):
        _refuse_numbers(side, name)
        return tuple(_tensors(value, name) for value in side)
    if isinstance(side, np.ndarray) and uneven_rows(side):
        raise InputError(
            f"{name}: the data have rows of different lengths ({uneven_rows(side)}): {ONE_LENGTH}"
        )
    try:
        return torch.as_tensor(np.array(side) if isinstance(side, np.ndarray) else side)
    except (TypeError, ValueError, RuntimeError):
        held = f"an array of {side.dtype}" if isinstance(side, np.ndarray) else type(side).__name__
        raise InputError(f"{name}: the data hold {held}: give tensors or arrays of numbers") from None


def _refuse_numbers(side: Any, name: str) -> None:
    """A list holds several inputs of the model; a list of numbers is meant as one array."""
    if uneven(side):
        different = f"rows of different lengths ({uneven(side)})"
        raise InputError(f"{name}: the data have {different}: {ONE_LENGTH}, as a tensor")
    if of_numbers(side):
        raise InputError(f"{name}: the data are a {type(side).__name__} of numbers: pass torch.tensor(...)")


def _require_rows(side: Any, name: str) -> None:
    """Raise InputError for tensors from which rows cannot be taken, or that differ in their number."""
    parts = list(side.values()) if isinstance(side, dict) else side if isinstance(side, tuple) else [side]
    if not parts:
        raise InputError(f"{name} has an empty {type(side).__name__}: give one tensor or several")
    for part in parts:
        if not isinstance(part, Tensor):
            _require_rows(part, name)
        elif part.layout is not torch.strided or part.is_nested:
            raise InputError(f"{name} has a sparse or nested tensor: pass its .to_dense(), or a DataLoader")
        elif part.is_meta:
            raise InputError(
                f"{name} is on the meta device, which holds no values: build it on a real device"
            )
        elif not part.dim():
            raise InputError(f"{name} has a tensor without an axis of rows: give one row for each sample")
    if len({rows(part) for part in parts}) > 1:
        counts = " and ".join(str(rows(part)) for part in parts)
        raise InputError(f"{name} has {counts} rows side by side: give as many of each")


def rows(side: Any) -> int:
    """Number of rows of inputs or targets."""
    if isinstance(side, dict):
        return rows(next(iter(side.values())))
    if isinstance(side, tuple | list):
        return rows(side[0])
    if not hasattr(side, "dim"):
        raise InputError(f"a batch holds a value of type {type(side).__name__}: give tensors")
    return len(side) if side.dim() else 1


def take(side: Any, chosen: Tensor | slice) -> Any:
    """The chosen rows of a tensor, or of each tensor of a dictionary or tuple."""
    if isinstance(side, dict):
        return {key: take(value, chosen) for key, value in side.items()}
    return tuple(take(value, chosen) for value in side) if isinstance(side, tuple | list) else side[chosen]


def _prepared(problem: Problem, x: Any, y: Any) -> tuple[Any, Any]:
    if problem.prepare is None:
        return x, y
    made: Any = problem.prepare(x, y)
    if not isinstance(made, tuple | list) or len(made) != 2:
        raise InputError(
            f"prepare(inputs, targets) returns a value {_kind(made)}: return the pair (inputs, targets)"
        )
    if isinstance(made[1], Tensor) and made[1].dim() and not len(made[1]):
        raise InputError("prepare(inputs, targets) returns 0 rows: return some of each batch")
    return made[0], made[1]


def _orders(count: int, size: int, seed: int, shuffle: bool) -> Iterator[Tensor]:
    generator = Generator().manual_seed(seed)
    while True:
        order = torch.randperm(count, generator=generator) if shuffle else torch.arange(count)
        yield from torch.split(order[: count // size * size], size)


def _ordered(data: Iterable[Any], seed: int) -> Iterable[Any]:
    """The loader, or a copy of it whose order depends on the seed alone."""
    if not isinstance(data, DataLoader) or not isinstance(data.batch_sampler, BatchSampler):
        return data
    if type(data.sampler) not in (RandomSampler, SequentialSampler):
        return data
    return loader_like(data, shuffle=isinstance(data.sampler, RandomSampler), seed=seed)


def _read(data: Iterable[Any], name: str) -> Iterator[Any]:
    """What a loader yields. Raises InputError, which names the field, where it raises."""
    empty = 0
    try:
        for batch in data:
            is_pair_of_rows = isinstance(batch, tuple | list) and len(batch) == 2
            has_rows = not is_pair_of_rows or not isinstance(batch[1], Tensor) or batch[1].numel()
            empty = 0 if has_rows else empty + 1
            if empty >= MOST_EMPTY:
                raise InputError(f"{name} yields {MOST_EMPTY:,} empty batches one after the other: give rows")
            yield batch
    except (LevinthalError, OSError):
        raise
    except Exception as error:
        said = failure(error, f"reading {name}")
        uneven_batch = "stack expects" in said
        way_out = ": give all rows one shape, or the loader a collate_fn that pads" if uneven_batch else ""
        raise InputError(f"{said}{way_out}") from error


def loader_like(
    loader: DataLoader[Any], *, shuffle: bool, seed: int | None = None, factor: int = 1
) -> DataLoader[Any]:
    """A loader of the same data in another order, or with `factor` times the batch size."""
    generator = None if seed is None else Generator().manual_seed(seed)
    size = loader.batch_size or int(getattr(loader.batch_sampler, "batch_size", 32))
    return DataLoader(
        loader.dataset,
        batch_size=size * factor,
        shuffle=shuffle,
        collate_fn=loader.collate_fn,
        drop_last=loader.drop_last,
        generator=generator,
    )
