"""A study as a user would write it: it measures coins, at once, and one preset of it fails."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from levinthal import (
    Axis,
    Claim,
    Dataset,
    Estimate,
    Evidence,
    Figure,
    Measurement,
    Panel,
    Preset,
    Series,
    Study,
    Task,
    Verdict,
)

SEEDS = tuple(range(6))


def measure(task: Task, *, data: Dataset | None = None, device: str = "cpu") -> Iterator[Measurement]:
    if task.cell["coin"] == "broken":
        raise ValueError("the coin fell off the table")
    if task.cell["coin"] == "interrupting":
        raise KeyboardInterrupt
    for seed in task.seeds:
        noise = random.Random(seed).uniform(-0.1, 0.1)
        heads = 0.8 if task.cell["coin"] == "bent" else 0.5
        yield Measurement("heads", Estimate.exact(heads + noise, "share"), seed=seed)


def excess(rows: Any) -> Evidence:
    bent = rows.where(name="heads", coin="bent").by_seed()
    fair = rows.where(name="heads", coin="fair").by_seed()
    return Evidence({"all": {s: bent[s] - 0.5 for s in bent}}, {"": {s: fair[s] - 0.5 for s in fair}})


def absent(rows: Any) -> Evidence:
    return Evidence({})


def figures(rows: Any) -> Iterable[Figure]:
    heads = tuple(rows.where(name="heads").values().tolist())
    series = Series("coins", tuple(range(len(heads))), heads, role="point")
    yield Figure(
        "coins", "Bent coins fall on heads", "6 seeds", (Panel(Axis("toss"), Axis("heads"), (series,)),)
    )


def answer(verdicts: Mapping[str, Verdict]) -> str:
    return f"It {verdicts['T1'].outcome}."


def preset(about: str, *coins: str, seeds: tuple[int, ...] = SEEDS, data: str | None = None) -> Preset:
    return Preset(about, data, tuple(Task({"coin": coin}, seeds) for coin in coins))


study = Study(
    name="toy-coins",
    chapter="toys",
    question="Does a bent coin fall on heads?",
    source="nobody [2026]",
    version=1,
    presets={
        "quick": preset("two coins", "bent", "fair"),
        "half": preset("one coin", "bent"),
        "failing": preset("one of three breaks", "bent", "broken", "fair"),
        "stopping": preset("Ctrl-C at the second", "bent", "interrupting"),
        "digits": preset("with data", "bent", "fair", data="digits"),
        "mnist": preset("with data that is not here", "bent", data="mnist"),
    },
    measure=measure,
    claims=(
        Claim(
            "T1",
            "it does",
            "nobody",
            "heads above a half",
            "share",
            0.1,
            "a fair coin",
            excess,
            why_smallest="chosen by us: one toss in ten",
        ),
        Claim("T2", "it has no number", "nobody", "nothing", "", 0.1, "", absent, why_no_control="no number"),
    ),
    figures=figures,
    answer=answer,
    terms={"share": "heads among all tosses"},
)
