"""Several rows where one is wanted: in which keys do they differ?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from levinthal.errors import InputError

if TYPE_CHECKING:
    from levinthal.lab.storage.rows import Rows


def refuse_duplicates(rows: Rows, keys: Sequence[str], addresses: Sequence[tuple[Any, ...]]) -> NoReturn:
    """Refuse rows that share their levels of some keys.

    Args:
        rows: all rows.
        keys: the keys that were to tell the rows apart.
        addresses: the levels of these keys, row by row.

    Raises:
        InputError: always. It names the levels, and the keys in which their rows differ.
    """
    twice, times = Counter(addresses).most_common(1)[0]
    at = dict(zip(keys, twice, strict=True))
    same = rows.where(**{key: (value,) for key, value in at.items()})
    factors = sorted({key for row in same for key in row.cell})
    others = ("seed", "name", "step", "layer", "condition", *factors)
    apart = " and ".join(key for key in others if len(same.distinct(key)) > 1) or "nothing"
    place = ", ".join(f"{key}={value}" for key, value in at.items())
    raise InputError(f"one row wanted for {place}; got {times} that differ in {apart}: narrow with where()")
