"""A run as `levinthal check --json` writes it: read from a file, or made from one that has just ended."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from levinthal.clinic.answer.states import State
from levinthal.clinic.export import SCHEMA
from levinthal.errors import InputError, require_one_of

KEYS = ("answer", "findings", "history")
"""What a record must have, beside the schema."""


@dataclass(frozen=True, slots=True)
class Record:
    """A run, of which plain JSON is known.

    Attributes:
        name: The problem, the script or the file that it comes from.
        data: The JSON, as docs/integrations.md describes it.
    """

    name: str
    data: Mapping[str, Any]

    @property
    def state(self) -> str:
        """The state of the answer, such as "healthy"."""
        return str(self.data["answer"]["state"])

    @property
    def headline(self) -> str:
        """The answer in one sentence."""
        return str(self.data["answer"]["headline"])

    @property
    def exit_code(self) -> int:
        """The exit code of the answer."""
        return int(self.data["answer"]["exit_code"])

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The findings, causes before their symptoms."""
        return list(self.data["findings"])

    @property
    def losses(self) -> np.ndarray:
        """(samples,) the losses; nan where none was seen or it is not finite."""
        return numbers(self.data["history"]["losses"])

    @property
    def parameters(self) -> dict[str, dict[str, list[float | None]]]:
        """Name of a parameter -> column -> its values at the sampled steps."""
        return dict(self.data["history"]["parameters"])

    @property
    def numbers(self) -> dict[str, float]:
        """The loss at the first and at the last sample, the chance level, and the score where it is known."""
        losses, chance = self.losses, self.data["history"].get("chance_loss")
        found = {"first loss": losses[0], "last loss": losses[-1]} if len(losses) else {}
        found |= {} if chance is None else {"loss at chance level": chance}
        score = self.data.get("score")
        found |= {} if score is None or score["value"] is None else {score["name"]: score["value"]}
        return {name: float(value) for name, value in found.items()}


def numbers(values: list[float | None]) -> np.ndarray:
    """The values as an array; nan for null.

    >>> numbers([1.5, None])
    array([1.5, nan])
    """
    return np.array([math.nan if value is None else value for value in values], dtype=float)


def record_of(data: Any, name: str) -> Record:
    """A record of plain JSON.

    Args:
        data: What `to_json` returned, or what was read from its file.
        name: What it is called in messages.

    Returns:
        The record.

    Raises:
        InputError: The data are of another kind, or of another version of the schema.
    """
    given = data.get("schema") if isinstance(data, Mapping) else None
    if given != SCHEMA:
        kind = "no report of levinthal" if given is None else f"a report of the schema {given}"
        raise InputError(f"{name} is {kind}, and {SCHEMA} is needed: write it with `levinthal check --json`")
    if lacking := [key for key in KEYS if key not in data]:
        raise InputError(f"{name} has no '{lacking[0]}': write it anew with `levinthal check --json`")
    require_one_of(f"state in {name}", str(data["answer"].get("state")), map(str, State))
    record = Record(name, data)
    _require_readable(record)
    return record


FINDING = ("code", "severity", "where", "follows")
"""What a comparison reads of a finding."""


def _require_readable(record: Record) -> None:
    """Read all that a comparison reads."""
    try:
        lacking = [key for row in record.findings for key in FINDING if key not in row]
        columns = [column for one in record.parameters.values() for column in one.values()]
        for column in columns:
            numbers(column)
        is_finite = not any(map(math.isinf, record.numbers.values()))  # 1e999 is JSON, and never ours
        sound = not lacking and record.exit_code in range(5) and is_finite and bool(record.headline)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        sound = False
    if not sound:
        raise InputError(f"{record.name} is damaged: write it anew with `levinthal check --json`")


def read_record(path: Path) -> Record:
    """The record in a file.

    Args:
        path: A file that `levinthal check --json` wrote.

    Returns:
        The record.

    Raises:
        InputError: The file is missing, is no JSON, or is of another kind.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise InputError(f"{path} is a device or a pipe: write a report with --json > FILE")
    try:
        data = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise InputError(f"no report at {path} ({error.strerror}): write one with --json > FILE") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is no JSON ({error}): write it with `levinthal check --json`") from error
    return record_of(data, str(path))


def _refuse(constant: str) -> None:
    """Our reports hold no NaN and no infinity, which are no JSON."""
    raise ValueError(f"it holds {constant}")
