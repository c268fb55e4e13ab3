"""Some rows of a call of a model, to be passed again with one thing changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from levinthal.clinic.recording.apart import is_readable
from levinthal.clinic.recording.nested import is_plain, mapped, named_tensors
from levinthal.clinic.recording.passes import Given

MOST_ROWS, FEWEST_ROWS = 16, 4


@dataclass(frozen=True, slots=True)
class BatchCall:
    """Some rows of one call of a model.

    Attributes:
        given: The arguments, with these rows alone.
        rows: How many they are.
        batch: The rows of the whole batch.
        batched: Place -> tensor, of those that have a row for each row of the first one.
        is_simple: Whether the arguments are tensors and numbers, and none may link one row with another.
    """

    given: Given
    rows: int
    batch: int
    batched: dict[str, Tensor]
    is_simple: bool

    @staticmethod
    def of(args: tuple[Any, ...], words: Mapping[str, Any]) -> BatchCall | None:
        """The call with these arguments; None where it has too few rows or its numbers cannot be read."""
        found = dict(named_tensors((args, dict(words))))
        first = next((x for x in found.values() if x.dim()), None)
        if first is None or len(first) < FEWEST_ROWS or not all(map(is_readable, found.values())):
            return None
        n, whole = len(first), (args, dict(words))
        is_simple = is_plain(whole) and not any(x is not first and _links_rows(x, n) for x in found.values())
        rows = min(n, MOST_ROWS) if is_simple else n
        names = {name for name, x in found.items() if x.dim() and len(x) == n}
        given = mapped(whole, lambda name, x: (x[:rows] if name in names else x).detach())
        batched = {name: x for name, x in named_tensors(given) if name in names}
        return BatchCall(given, rows, n, batched, is_simple)

    def with_rows(self, change: Callable[[Tensor], Tensor]) -> Given:
        """The arguments with the rows of every tensor changed."""
        return self._with(lambda name, x: change(x) if name in self.batched else x)

    def with_input(self, name: str, value: Tensor) -> Given:
        """The arguments with one tensor exchanged."""
        return self._with(lambda place, x: value if place == name else x)

    def _with(self, change: Callable[[str, Tensor], Tensor]) -> Given:
        made: Given = mapped(self.given, change)
        return made


def _links_rows(x: Tensor, n: int) -> bool:
    """Whether a further tensor may link rows with each other: an adjacency matrix, or edges of a graph. A
    mask of as many places as there are rows looks like one too.
    """
    is_edges = x.dim() == 2 and not x.is_floating_point() and len(x) == 2 != n
    return is_edges or (x.dim() == 2 and x.shape[0] == x.shape[1] == n)


def standardised(x: Tensor) -> Tensor:
    """Numbers of mean 0 and standard deviation 1."""
    return (x - x.mean()) / x.std().clamp(min=1e-30) if x.is_floating_point() else x
