"""The claims of a preset as they were at one time, with a hash: what is stored before the first run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Fields = Mapping[str, Any]
"""The fields of a claim by name: text, numbers, truth values or None. `code` is the hash of the code of its
evidence, and `values` that of the values which the code was called with, after the method that made it.
Claims that were frozen before there was such a hash have none."""


@dataclass(frozen=True, slots=True)
class Frozen:
    """The claims of a preset, and the preset, at one time.

    `plan` says what the preset runs: data set, cells, runs, seeds, the levels of each factor, and a hash of
    all tasks. `claims` has the fields of each claim by its id. `time` is when this was stored, and `finished`
    how many runs of the preset were finished then: 0 for claims that were fixed before the first run, None
    where no store was looked at.

    >>> one = Frozen("toy", 1, "quick", {"runs": 8}, {"T1": {"smallest_effect": 0.7}})
    >>> one.hash == Frozen("toy", 1, "quick", {"runs": 8}, {"T1": {"smallest_effect": 0.70}}, "today", 3).hash
    True
    """

    study: str
    version: int
    preset: str
    plan: Mapping[str, Any]
    claims: Mapping[str, Fields]
    time: str = ""
    finished: int | None = 0

    @property
    def content(self) -> dict[str, Any]:
        """All that the hash covers, as plain values for JSON."""
        named = {"study": self.study, "version": self.version, "preset": self.preset}
        return {**named, "plan": dict(self.plan), "claims": {k: dict(v) for k, v in self.claims.items()}}

    @property
    def hash(self) -> str:
        """64 hexadecimal digits over study, version, preset, plan and claims."""
        return hash_of(self.content)


def hash_of(content: Mapping[str, Any]) -> str:
    """The SHA-256 of plain values; the order of keys makes no difference.

    >>> hash_of({"a": 1, "b": None}) == hash_of({"b": None, "a": 1})
    True
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def first_frozen(records: Sequence[Frozen]) -> Frozen | None:
    """The claims that the results must be held against, out of all that were stored for a preset.

    As long as no run of the preset is finished, nobody has seen a result, and the claims may still change:
    the last record of that time counts. Where there is none, the first record counts.

    Args:
        records: those of one preset, oldest first.

    Returns:
        One of them, or None where there are none.
    """
    before = [record for record in records if not record.finished]
    return before[-1] if before else next(iter(records), None)
