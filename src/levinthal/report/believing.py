"""How far to believe the estimates: trust and its commonest reasons, by the name of what was measured."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass

from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import Trust

SHOWN = 3


@dataclass(frozen=True, slots=True)
class Belief:
    """All estimates of one name: how many of each trust, and why, the commonest reason first."""

    name: str
    unit: str
    rows: int
    trusts: tuple[tuple[str, int, float], ...]
    reasons: tuple[tuple[str, int], ...]
    others: int


def beliefs(rows: Rows) -> list[Belief]:
    """The trust of every kind of estimate; reasons that differ in their numbers alone count as one."""
    return [_belief(str(name), part) for (name,), part in rows.group_by("name").items()]


def _belief(name: str, rows: Rows) -> Belief:
    counts = {str(trust): len(part) for (trust,), part in rows.group_by("trust").items()}
    trusts = tuple((str(t), counts[t], counts[t] / len(rows)) for t in Trust if t in counts)
    why = _reasons(rows)
    units = [str(unit) for unit in rows.distinct("unit") if unit]
    return Belief(name, ", ".join(units), len(rows), trusts, tuple(why[:SHOWN]), len(why) - SHOWN)


def _reasons(rows: Rows) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    example: dict[str, str] = {}
    for (texts,), part in rows.group_by("reasons").items():
        for text in json.loads(texts):
            kind = re.sub(r"\d[\d.,]*", "#", text)
            counts[kind] += len(part)
            example.setdefault(kind, text)
    return [(example[kind], count) for kind, count in counts.most_common()]
