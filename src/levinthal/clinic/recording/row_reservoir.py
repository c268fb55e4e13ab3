"""Training rows: a sample of the rows that the network was trained on, and fingerprints of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from levinthal.clinic.recording.apart import is_readable

MOST, A_STEP, BYTES, MOST_FINGERPRINTS, COLUMNS = 1024, 64, 2**27, 2**16, 4096


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of one step.

    Attributes:
        inputs: (n, ...) the first tensor that the model was called with.
        targets: (n, ...) the targets of the loss, where they were seen.
        alone: Whether the inputs are the only argument of the model.
    """

    inputs: Tensor
    targets: Tensor | None
    alone: bool

    def thinned(self) -> Chunk:
        """Every second row."""
        return Chunk(self.inputs[::2], None if self.targets is None else self.targets[::2], self.alone)


@dataclass(slots=True)
class Reservoir:
    """Up to 1,024 training rows (and 128 MiB of them), spread evenly over the sampled steps.

    A full reservoir drops every second row, and from then on takes rows from every second step.

    Attributes:
        with_fingerprints: Whether to hold fingerprints of up to 65,536 rows too.
        chunks: The rows.
        row_fingerprints: (batch,) each: the fingerprints of all rows of a sampled batch.
    """

    with_fingerprints: bool = False
    chunks: list[Chunk] = field(default_factory=list)
    row_fingerprints: list[Tensor] = field(default_factory=list)
    _pace: int = 1
    _steps: int = 0
    _fingerprinted: int = 0
    _inputs: Tensor | None = None
    _targets: Tensor | None = None
    _alone: bool = True

    def offer(self, args: Sequence[Any], words: Mapping[str, Any]) -> None:
        """The model is called: its first tensor is the batch."""
        tensors = [a for a in (*args, *words.values()) if isinstance(a, Tensor) and a.dim()]
        self._inputs = tensors[0].detach() if tensors and is_readable(tensors[0]) else None
        self._targets, self._alone = None, len(args) == 1 and not words

    def pair(self, targets: Tensor) -> None:
        """A loss is called: take the targets, if there are as many as rows."""
        fits = (
            self._inputs is not None
            and is_readable(targets)
            and targets.dim()
            and len(targets) == len(self._inputs)
        )
        if fits and self._targets is None:
            self._targets = targets.detach()

    def keep(self) -> None:
        """The step is over: hold some of its rows."""
        inputs, targets, self._inputs, self._targets = self._inputs, self._targets, None, None
        self._steps += 1
        if inputs is None:
            return
        if self.with_fingerprints and self._fingerprinted < MOST_FINGERPRINTS:
            self._fingerprinted += len(inputs)
            self.row_fingerprints.append(row_fingerprints(inputs))
        if (self._steps - 1) % self._pace:
            return
        every = -(-len(inputs) // A_STEP)
        rest = None if targets is None else targets[::every].clone()
        self.chunks.append(Chunk(inputs[::every].clone(), rest, self._alone))
        if len(self) > MOST or self._bytes() > BYTES:
            self.chunks, self._pace = [chunk.thinned() for chunk in self.chunks], 2 * self._pace

    def passes_over(self) -> bool:
        """Whether the present call is one of those that are not held; then it is counted."""
        passed = self._steps % self._pace > 0
        self._steps += passed
        return passed

    def take(self, args: Sequence[Any], words: Mapping[str, Any]) -> None:
        """Hold some rows of a call, without targets."""
        self.offer(args, words)
        self.keep()

    def __len__(self) -> int:
        return sum(len(chunk.inputs) for chunk in self.chunks)

    def _bytes(self) -> int:
        return sum(chunk.inputs.numel() * chunk.inputs.element_size() for chunk in self.chunks)

    def pairs(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and targets that can be put through the model again, of one shape."""
        whole = [(c.inputs, c.targets) for c in self.chunks if c.targets is not None and c.alone]
        for inputs, targets in whole:
            if _same_form(inputs, whole[0][0]) and _same_form(targets, whole[0][1]):
                yield inputs, targets


def _same_form(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors have rows of the same shape and type."""
    return a.shape[1:] == b.shape[1:] and a.dtype == b.dtype


def row_fingerprints(inputs: Tensor) -> Tensor:
    """(n,) int64 hashes of the bits of whole rows, the same for equal rows in any batch.

    Eight bytes at a time are multiplied by a key of their place and summed modulo 2^64, which is exact in any
    order. The keys are those of a mixing generator, so two different rows have one hash with a probability of
    about 2^-58 (multilinear hashing; Carter & Wegman 1979), also where rows are categories, tokens or bits.
    Zeros at the end of a row (padding) do not count.

    >>> rows = torch.eye(3000)
    >>> row_fingerprints(rows).unique().numel(), row_fingerprints(rows.bool()).unique().numel()
    (3000, 3000)
    """
    real = torch.view_as_real(inputs) if inputs.is_complex() else inputs
    flat = real.detach().reshape(len(inputs), -1)
    marks = torch.zeros(len(flat), dtype=torch.int64, device=flat.device)
    for first in range(0, flat.shape[1], COLUMNS):  # in parts, to bound the memory
        bits = _bits(flat[:, first : first + COLUMNS])
        keys = _keys(first, bits.shape[1], bits.device)
        marks += ((bits ^ (bits >> 23)) * keys).sum(1)
    return marks


def _bits(x: Tensor) -> Tensor:
    """The bits of the numbers as int64, two float32 or eight bytes in each; -0. counts as 0."""
    packed = x.element_size() == 1 and not x.is_floating_point()
    if not x.is_floating_point() and not packed:
        return x.to(torch.int64)
    numbers = x.to(torch.uint8) if packed else x.float() + 0.0
    short = -numbers.shape[1] % (8 // numbers.element_size())
    whole = functional.pad(numbers, (0, short)) if short else numbers.contiguous()
    return whole.view(torch.int64)


@lru_cache(maxsize=64)
def _keys(first: int, count: int, device: torch.device) -> Tensor:
    """(count,) odd keys of the places from `first` on, by the finaliser of SplitMix64."""
    x = (torch.arange(count, device=device) + first + 1) * -7046029254386353131
    for shift, factor in ((30, -4658895280553007687), (27, -7723592293110705685)):
        x = (x ^ ((x >> shift) & ((1 << (64 - shift)) - 1))) * factor
    return (x ^ ((x >> 31) & ((1 << 33) - 1))) | 1


def taken(value: Any, low: int, high: int) -> Any:
    """Rows low to high of a tensor, or of every tensor in a tuple, list or mapping."""
    if isinstance(value, Tensor):
        return value[low:high] if value.dim() else value
    if isinstance(value, Mapping):
        return {key: taken(each, low, high) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return type(value)([taken(each, low, high) for each in value])
    return value


def moved(value: Any, device: torch.device) -> Any:
    """A tensor, or every tensor in a tuple, list or mapping, on a device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, Mapping):
        return {key: moved(each, device) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return type(value)([moved(each, device) for each in value])
    return value


def count(value: Any) -> int:
    """The rows of the first tensor in a value; 0 where there is none."""
    if isinstance(value, Tensor):
        return len(value) if value.dim() else 0
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple | list) else ()
    return next((n for n in map(count, inner) if n), 0)
