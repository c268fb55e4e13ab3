"""The long table in memory: every column as codes into a short list of distinct values.

A filter then asks each distinct value once and compares small integers, so that 300,000 rows
are searched in a few milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from levinthal.errors import InputError, UnknownFactorError, require_one_of
from levinthal.lab.storage.unknown_levels import refuse
from levinthal.vocabulary import Cell, Estimate, Interval, Measurement, Row, Scalar, Trust

KEYS = ("seed", "step", "layer", "name", "condition", "unit", "trust")
TEXTS = (*KEYS, "method", "reasons", "details")
NUMBERS = ("value", "low", "high", "level")


Levels = Mapping[str, frozenset[Scalar]]
"""A factor's name -> the levels that some preset gives it; empty where they are not known."""


def levels_of(cells: Iterable[Cell], names: Iterable[str] = ()) -> dict[str, frozenset[Scalar]]:
    """The levels of each factor in the cells; `names` are factors whose levels are not known.

    >>> levels_of([{"width": 20}, {"width": 50}])["width"] == {20, 50}
    True
    """
    found: dict[str, set[Scalar]] = {name: set() for name in names}
    for cell in cells:
        for key, value in cell.items():
            found.setdefault(key, set()).add(value)
    return {key: frozenset(values) for key, values in found.items()}


@dataclass(frozen=True, slots=True)
class Column:
    """Distinct values and, for each row, the number of its value among them."""

    values: tuple[Any, ...]
    codes: Int[np.ndarray, " n"]

    @classmethod
    def of(cls, items: Sequence[Hashable]) -> Column:
        """Encode `items`; True and 1 stay apart, 1 and 1.0 do not.

        >>> Column.of(["b", "a", "b"]).values
        ('b', 'a')
        """
        if bool in set(map(type, items)):
            items = [(True, v) if isinstance(v, bool) else v for v in items]
        place = {value: i for i, value in enumerate(dict.fromkeys(items))}
        codes = np.fromiter(map(place.__getitem__, items), np.int32, len(items))
        return cls(tuple(v[1] if isinstance(v, tuple) else v for v in place), codes)

    def matching(self, wanted: Any) -> Bool[np.ndarray, " n"]:
        """Which rows hold a value that is equal to, in, or accepted by `wanted`."""
        accepts = _test(wanted)
        allowed = np.fromiter((accepts(v) for v in self.values), bool, len(self.values))
        return np.asarray(allowed[self.codes])


def _test(wanted: Any) -> Callable[[Any], bool]:
    if callable(wanted):
        return lambda value: value is not None and bool(wanted(value))
    if isinstance(wanted, AbstractSet | Sequence) and not isinstance(wanted, str):
        return lambda value: value in wanted
    return lambda value: bool(value == wanted)


def words(condition: str) -> dict[str, Scalar]:
    """The `key=value` words of a condition.

    >>> words("batch_norm=running k=3 centred")
    {'batch_norm': 'running', 'k': 3}
    """
    pairs = (word.partition("=") for word in condition.split())
    return {key: _scalar(value) for key, equals, value in pairs if equals}


def _scalar(text: str) -> Scalar:
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@dataclass(frozen=True, slots=True)
class Table:
    """All rows of one study: the cells, each row's cell, coded columns, and the numbers.

    `known` are factors and levels that may be asked for without a row. `written` are the words of the
    code that measures, and its numbers: a name or a level made of them may be asked for too. Where it is
    None, any may.
    """

    cells: tuple[Cell, ...]
    cell: Int[np.ndarray, " n"]
    coded: dict[str, Column]
    numbers: dict[str, Float[np.ndarray, " n"]]
    known: Levels
    written: Collection[str | float] | None = None
    factors: dict[str, Column] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.cell)

    def column(self, key: str) -> Column:
        """A column of the table, a factor of the cell, or a word of the condition, by its name."""
        if key in self.coded:
            return self.coded[key]
        if key in self.unknown:
            raise UnknownFactorError(self.unknown[key])
        if key not in self.factors:
            self.factors[key] = self._factor(key)
        return self.factors[key]

    def _factor(self, key: str) -> Column:
        conditions = self.coded["condition"]
        read = [words(condition) for condition in conditions.values]
        in_cell = any(key in cell for cell in self.cells)
        in_words = any(key in found for found in read)
        if not (in_cell or in_words) and len(self):
            self._require_factor(key, read)
        # A word of the condition is nearer to the number than the cell: where both speak, it is heard.
        levels = Column.of([found.get(key) for found in read] + [cell.get(key) for cell in self.cells])
        word, cell = np.split(levels.codes, [len(read)])
        if not in_words:
            return Column(levels.values, cell[self.cell])
        spoken = np.array([key in found for found in read], dtype=bool)[conditions.codes]
        return Column(levels.values, np.where(spoken, word[conditions.codes], cell[self.cell]))

    def _require_factor(self, key: str, read: Iterable[Mapping[str, Scalar]]) -> None:
        """Raise UnknownFactorError for a key that nothing has, with the nearest name."""
        try:
            require_one_of("factor", key, sorted({*self.known, *KEYS}.union(*self.cells, *read)))
        except InputError as error:
            # a study that is checked asks for the same missing factor thousands of times
            self.unknown[key] = str(error)
            raise UnknownFactorError(str(error)) from None

    def require_level(self, key: str, wanted: Any) -> None:
        """Raise UnknownFactorError for a level that no preset and no row gives to the factor `key`.

        Texts are asked for alone or in a set, tuple or list; numbers alone, because a list of them is
        often longer than the grid. Tests, ranges and None are not asked. What `measure` writes may be
        measured by runs to come: another name of a measurement is refused, a word of a condition only where
        it is a misspelt one, and a number of a condition where `measure` writes all those that were measured.
        """
        levels = self.known.get(key)
        several = isinstance(wanted, set | frozenset | tuple | list)
        asked = [v for v in wanted if isinstance(v, str)] if several else [wanted]
        for value in asked:
            if isinstance(value, str) or (isinstance(value, int | float) and (levels or key not in KEYS)):
                measured = self._measured_levels(key)
                if value not in measured:
                    refuse(key, value, levels, measured, self.written)

    def _measured_levels(self, key: str) -> tuple[Any, ...]:
        try:
            return self.column(key).values if len(self) else ()
        except UnknownFactorError:  # a quantity that has not been measured yet has no conditions
            return ()

    def row(self, i: int) -> Row:
        """Row `i` as the vocabulary's own noun."""
        at = {key: column.values[column.codes[i]] for key, column in self.coded.items()}
        value, low, high, level = (float(self.numbers[key][i]) for key in NUMBERS)
        interval = None if at["method"] is None else Interval(low, high, level, at["method"])
        reasons, details = tuple(json.loads(at["reasons"])), json.loads(at["details"])
        estimate = Estimate(
            value, at["unit"], interval, trust=Trust(at["trust"]), reasons=reasons, details=details
        )
        where = (at["seed"], at["step"], at["layer"], at["condition"])
        return Row(self.cells[self.cell[i]], Measurement(at["name"], estimate, *where))


def table(
    cells: Iterable[Cell],
    cell: Sequence[int],
    columns: Mapping[str, Sequence[Any]],
    known: Levels,
    written: Collection[str | float] | None = None,
) -> Table:
    """Encode columns given as lists; `known` and `written` as in `Table`."""
    numbers = {key: np.array(columns[key], dtype=np.float64) for key in NUMBERS}
    coded = {key: Column.of(columns[key]) for key in TEXTS}
    return Table(tuple(cells), np.array(cell, dtype=np.int32), coded, numbers, known, written)


def encoded(measurement: Measurement) -> dict[str, Any]:
    """A measurement as plain values, one for each column of the long table.

    >>> m = Measurement("loss", Estimate(0.5, "nats", trust=Trust.EXACT, details={"n": np.int64(3)}), seed=1)
    >>> encoded(m)["details"], encoded(m)["method"]
    ('{"n": 3}', None)
    """
    e, interval = measurement.estimate, measurement.estimate.interval
    span = (interval.low, interval.high, interval.level) if interval else (np.nan,) * 3
    return {
        "seed": int(measurement.seed),
        "step": int(measurement.step),
        "layer": measurement.layer,
        "name": measurement.name,
        "condition": measurement.condition,
        "unit": e.unit,
        "trust": str(e.trust),
        "method": interval.method if interval else None,
        "reasons": json.dumps(list(e.reasons)),
        "details": json.dumps(dict(e.details), default=_plain) if e.details else "{}",
        **dict(zip(NUMBERS, map(float, (e.value, *span)), strict=True)),
    }


def _plain(thing: Any) -> Any:
    if hasattr(thing, "tolist"):
        return thing.tolist()
    raise TypeError(f"{type(thing).__name__} cannot be stored: numbers, text, lists and mappings can")
