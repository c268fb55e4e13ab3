"""An immutable view of the long table: what claims and figures are written with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from levinthal.lab.storage.codes import array_of, merged, sort_key
from levinthal.lab.storage.csv_files import COLUMNS, Text, write_csv
from levinthal.lab.storage.duplicates import refuse_duplicates
from levinthal.lab.storage.table import NUMBERS, TEXTS, Table, encoded, levels_of, table
from levinthal.vocabulary import Cell, Row


class Rows:
    """Rows of the long table. Every method that narrows gives new Rows and leaves these as they are.

    A key is `seed`, `step`, `layer`, `name`, `condition`, `unit`, `trust`, a factor of the cell,
    or a `key=value` word of the condition. A cell without the factor has the value None.

    Args:
        long: the long table. `Store.rows` and `Rows.of` make Rows without one.
        index: (n,) the places of these rows in the table; all of them where not given.

    >>> from levinthal.vocabulary import Estimate, Measurement
    >>> rows = Rows.of(
    ...     Row({"width": w}, Measurement("loss", Estimate.exact(w + s + t / 10), seed=s, step=t))
    ...     for w in (20, 50) for s in (0, 1) for t in (1, 8)
    ... )
    >>> len(rows), rows.distinct("width")
    (8, [20, 50])
    >>> rows.where(name="loss", width=20, step=8).by_seed()
    {0: 20.8, 1: 21.8}
    >>> rows.where(width={20, 50}, step=lambda t: t < 5, seed=0).values()
    array([20.1, 50.1])
    >>> {key: trace.values("step").tolist() for key, trace in rows.where(seed=1).group_by("width").items()}
    {(20,): [1, 8], (50,): [1, 8]}
    """

    __slots__ = ("_index", "_table")

    def __init__(self, long: Table, index: Int[np.ndarray, " n"] | None = None) -> None:
        self._table = long
        self._index = np.arange(len(long)) if index is None else index

    @classmethod
    def of(
        cls,
        rows: Iterable[Row],
        *,
        factors: Iterable[str] = (),
        levels: Iterable[Cell] = (),
        written: Collection[str | float] | None = None,
    ) -> Rows:
        """Make Rows from single rows, for tests and simulations.

        Args:
            rows: cells with their measurements.
            factors: names of factors that `where` accepts although no row has them.
            levels: cells of presets, whose levels `where` accepts although no row has them.
            written: words that a name without a row may be made of; where they are given, `where` refuses
                a name of other words that is near to one of a row.

        Returns:
            The rows, in the same order.
        """
        rows = list(rows)
        cells: dict[str, tuple[int, Cell]] = {}
        at = [cells.setdefault(repr(row.cell), (len(cells), row.cell))[0] for row in rows]
        plain = [encoded(row.measurement) for row in rows]
        columns = {key: [one[key] for one in plain] for key in (*TEXTS, *NUMBERS)}
        known = levels_of(levels, factors)
        return cls(table([cell for _, cell in cells.values()], at, columns, known, written))

    def __len__(self) -> int:
        return len(self._index)

    def __iter__(self) -> Iterator[Row]:
        return (self._table.row(int(i)) for i in self._index)

    def __repr__(self) -> str:
        return f"Rows({len(self)}: {', '.join(self.distinct('name'))})"

    def where(self, **wanted: Any) -> Rows:
        """The rows whose keys are as wanted: a value, a set, tuple, list or range of them, or a test.

        A test is not asked about None, the value of a factor that a cell does not have.
        `name` is asked first. Where no rows are left, the other keys are not asked: a quantity
        that has not been measured yet has no conditions.

        Args:
            wanted: a key and what it must be.

        Returns:
            New Rows, perhaps none.

        Raises:
            UnknownFactorError: a key that neither the rows nor the tasks have, or a level of a factor that
                no preset of the study and no row has; a misspelt measurement or word of a condition.
        """
        for key, value in wanted.items():
            self._table.require_level(key, value)
        if "name" in wanted and len(wanted) > 1:
            return self.where(name=wanted.pop("name")).where(**wanted)
        if not len(self):
            return self
        keep: Bool[np.ndarray, " n"] = np.ones(len(self), dtype=bool)
        for key, value in wanted.items():
            keep &= self._table.column(key).matching(value)[self._index]
        return Rows(self._table, self._index[keep])

    def values(self, key: str = "value") -> np.ndarray:
        """One column, row by row.

        Args:
            key: `value`, `low`, `high`, or any key.

        Returns:
            An array of shape (rows,): floats for numbers and steps.
        """
        if key in NUMBERS:
            return self._table.numbers[key][self._index]
        column = self._table.column(key)
        codes = column.codes[self._index]
        used = np.flatnonzero(np.bincount(codes, minlength=len(column.values)))
        levels = array_of([column.values[code] for code in used])
        return np.asarray(levels[np.searchsorted(used, codes)])

    def by(self, *keys: str, **wanted: Any) -> dict[tuple[Any, ...], float]:
        """The value at each combination of keys.

        Args:
            keys: such as "seed", "width".
            wanted: conditions, as in `where`.

        Returns:
            Levels of the keys -> value.

        Raises:
            InputError: a combination holds more than one row; the message says in which keys they differ.
        """
        rows = self.where(**wanted)
        if not len(rows):
            return {}
        columns = [rows.values(key).tolist() for key in keys]
        addresses = list(zip(*columns, strict=True))
        found = dict(zip(addresses, rows.values().tolist(), strict=True))
        if len(found) < len(rows):
            refuse_duplicates(rows, keys, addresses)
        return found

    def by_seed(self, **wanted: Any) -> dict[int, float]:
        """The value of each seed.

        Args:
            wanted: conditions, as in `where`.

        Returns:
            Seed -> value.

        Raises:
            InputError: a seed has more than one row; the message says in which keys they differ.
        """
        return {seed: value for (seed,), value in self.by("seed", **wanted).items()}

    def distinct(self, key: str) -> list[Any]:
        """The values of a key that occur.

        Args:
            key: any key.

        Returns:
            The values, sorted: None first, numbers before text.
        """
        if not len(self):
            return []
        column = self._table.column(key)
        return sorted((column.values[c] for c in np.unique(column.codes[self._index])), key=sort_key)

    def group_by(self, *keys: str) -> dict[tuple[Any, ...], Rows]:
        """Split the rows by keys.

        Args:
            keys: any keys.

        Returns:
            Levels of the keys -> their rows, for each combination that occurs, sorted by the keys. The order
            within a group stays.
        """
        if not len(self):
            return {}
        columns = [self._table.column(key) for key in keys]
        codes = merged((column.codes for column in columns), self._index)
        order = np.argsort(codes, kind="stable")
        parts = np.split(self._index[order], np.flatnonzero(np.diff(codes[order])) + 1)
        heads = [tuple(c.values[c.codes[part[0]]] for c in columns) for part in parts]
        groups = {head: Rows(self._table, part) for head, part in zip(heads, parts, strict=True)}
        return dict(sorted(groups.items(), key=lambda group: tuple(map(sort_key, group[0]))))

    def at_last_step(self) -> Rows:
        """The rows of the last step of each run: of each cell, seed, measurement, layer and condition.

        Runs may end at different steps: one that diverged early is read where it ended.

        Returns:
            New Rows, in the same order.

        >>> from levinthal.vocabulary import Estimate, Measurement
        >>> steps = [(0, 0), (0, 9), (1, 0), (1, 4)]
        >>> rows = Rows.of(Row({}, Measurement("loss", Estimate.exact(t), s, t)) for s, t in steps)
        >>> rows.at_last_step().by_seed()
        {0: 9.0, 1: 4.0}
        """
        if not len(self):
            return self
        address = (self._table.column(key).codes for key in ("seed", "name", "layer", "condition"))
        run, steps = merged((self._table.cell, *address), self._index), self.values("step")
        latest = np.full(run.max() + 1, steps.min())
        np.maximum.at(latest, run, steps)
        return Rows(self._table, self._index[steps == latest[run]])

    def sorted_by(self, *keys: str) -> Rows:
        """The same rows in another order.

        Args:
            keys: the keys to sort by, the most important first.

        Returns:
            New Rows; rows with the same levels stay in their order.
        """
        parts = self.group_by(*keys).values()
        return Rows(self._table, np.concatenate([part._index for part in parts])) if parts else self

    def to_csv(self, target: str | Path | Text) -> None:
        """Write the rows as CSV: the factors of the cells first, floats with all their digits.

        Args:
            target: a file to write, packed where its name ends in `.gz`; or an open text stream.

        Raises:
            StoreError: the file cannot be written, or is there and is no table of rows.
        """
        cells = self._table.cells
        factors = sorted({key for i in np.unique(self._table.cell[self._index]) for key in cells[i]})
        at = self._table.cell[self._index]
        named = {key: [cells[i].get(key) for i in at] for key in factors}
        write_csv(target, [*named.items(), *((key, self.values(key).tolist()) for key in COLUMNS)])
