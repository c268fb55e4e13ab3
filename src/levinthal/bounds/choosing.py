"""Which columns of a table hold the outcomes: those that are named, or those of the usual names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from levinthal.arguments import in_short
from levinthal.bounds.tables import NUMBER, ONLY, Table
from levinthal.errors import InputError

USUAL = {
    "losses": ("loss", "losses"),
    "correct": ("correct", "is_correct"),
    "predictions": ("prediction", "predictions", "predicted", "pred", "preds", "y_pred"),
    "labels": ("label", "labels", "target", "targets", "truth", "y_true", "y"),
}
IDS = ("id", "ids", "example_id", "row_id")
NAME_THEM = "name them: --losses, --correct, or --predictions and --labels"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The arrays of a table that a bound is made from.

    Attributes:
        arrays: losses, or predictions and labels, and clusters where rows belong together.
        read: What was read, in words.
    """

    arrays: Mapping[str, Any]
    read: str


def chosen(table: Table, named: Mapping[str, str | None], clusters: str | None = None) -> Chosen:
    """The outcomes in a table.

    Args:
        table: The table.
        named: Role (losses, correct, predictions, labels) -> column, None where it is not named.
        clusters: The column that says what each row belongs to.

    Returns:
        The arrays, as `error_bound` takes them.

    Raises:
        InputError: No columns of the usual names, or of several roles; a row that stands there twice.
    """
    roles = {role: column for role, column in named.items() if column is not None} or _usual(table)
    alone = set(roles) & {"losses", "correct"}
    if len(roles) > 1 and set(roles) != {"predictions", "labels"}:
        raise InputError(f"{table.name}: {' and '.join(roles)} are columns of different kinds: {NAME_THEM}")
    if len(roles) == 1 and not alone:
        missing = "labels" if "predictions" in roles else "predictions"
        raise InputError(f"{table.name}: {next(iter(roles))} without {missing}: name both")
    arrays: dict[str, Any] = {}
    for role in alone:
        arrays["losses"] = table.numbers(roles[role])
        if role == "correct":
            arrays["losses"] = _wrong(arrays["losses"], roles[role], table.name)
    if not alone:
        said, true = roles["predictions"], roles["labels"]
        both = table.column(said), table.column(true)
        if said == true:
            raise InputError(
                f"{table.name}: {said!r} is named for predictions and for labels: name two columns"
            )
        if len({side.dtype.kind == "U" for side in both}) > 1:  # one "I don't know" among numbers
            both = (
                _as_one_text(table.column(said, as_text=True)),
                _as_one_text(table.column(true, as_text=True)),
            )
        arrays = {"predictions": both[0], "labels": both[1]}
    if clusters is not None:
        arrays["clusters"] = table.column(clusters)
    else:
        _require_unlike_rows(table)
    columns = " and ".join(repr(column) for column in roles.values() if column != ONLY)
    return Chosen(arrays, f"{columns} of {table.name}" if columns else table.name)


def _usual(table: Table) -> dict[str, str]:
    """Role -> column of a usual name."""
    if table.columns == (ONLY,):
        return {"losses": ONLY}
    found = {
        role: [column for column in table.columns if column.lower() in names] for role, names in USUAL.items()
    }
    found = {role: columns for role, columns in found.items() if columns}
    several = next((columns for columns in found.values() if len(columns) > 1), None)
    if several is not None:
        raise InputError(f"{table.name} has {' and '.join(map(repr, several))}: {NAME_THEM}")
    if not found:
        shown = ", ".join(map(repr, table.columns[:8])) or "no columns"
        raise InputError(f"{table.name} has {shown}, and none of a usual name: {NAME_THEM}")
    return {role: columns[0] for role, columns in found.items()}


def _as_one_text(values: np.ndarray) -> np.ndarray:
    """Classes as text, a whole number in one way: 1.0 is 1."""
    are_numbers = [bool(NUMBER.fullmatch(value)) and float(value).is_integer() for value in values]
    pairs = zip(values, are_numbers, strict=True)
    return np.array([str(int(float(value))) if is_number else value for value, is_number in pairs])


def _wrong(correct: np.ndarray, column: str, name: str) -> np.ndarray:
    """1 - correct."""
    other = ~((correct == 0) | (correct == 1))
    if other.any():
        value = in_short(correct[other][0].item())
        way_out = "give 1 for right and 0 for wrong, or name losses from 0 to 1"
        raise InputError(f"{name}: {column!r} holds {value}: {way_out}")
    return 1.0 - correct


def _require_unlike_rows(table: Table) -> None:
    """Refuse rows of one id: they are no independent draws."""
    column = next((each for each in table.columns if each.lower() in IDS), None)
    if column is None:
        return
    try:
        names, counts = np.unique(table.column(column), return_counts=True)
    except InputError:  # of lists, say: nobody asked for this column
        return
    if (counts > 1).any():
        twice = names[counts.argmax()].item()
        raise InputError(
            f"{table.name} has {int(counts.max())} rows of {column} {twice!r}: leave copies out, or add "
            f"--clusters {column} if they are answers of their own"
        )
