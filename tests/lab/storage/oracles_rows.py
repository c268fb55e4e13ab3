"""Slow and obvious twins of what Rows does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from levinthal.vocabulary import Row


def look_up(row: Row, key: str) -> Any:
    m = row.measurement
    own = {"seed": m.seed, "step": m.step, "layer": m.layer, "name": m.name, "condition": m.condition}
    own |= {"unit": m.estimate.unit, "trust": str(m.estimate.trust)}
    return own[key] if key in own else row.cell.get(key)


def where(rows: Sequence[Row], **wanted: Any) -> list[Row]:
    def fits(row: Row, key: str, value: Any) -> bool:
        found = look_up(row, key)
        if callable(value):
            return found is not None and bool(value(found))
        return found in value if isinstance(value, set | tuple) else bool(found == value)

    return [row for row in rows if all(fits(row, key, value) for key, value in wanted.items())]


def group_by(rows: Sequence[Row], *keys: str) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(look_up(row, key) for key in keys), []).append(row)
    return groups
