"""A question put to networks, with its presets and tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from levinthal.vocabulary.claims import Claim, Verdict
from levinthal.vocabulary.estimates import Cell, Measurement
from levinthal.vocabulary.figures import Figure

NAME = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
"""The names that a study can have."""
LARGEST_SEED = 2**31 - 1
"""Generators take no seed above 2³² - 1, and some get one that is a little larger than that of the run."""


@dataclass(frozen=True, slots=True)
class Task:
    """One cell of a study and the seeds to run it with.

    Attributes:
        cell: Factor -> level.
        seeds: The seeds to run it with.
        cost: Its share of the whole computing time, in any unit; it weighs the time left.
    """

    cell: Cell
    seeds: tuple[int, ...]
    cost: float = 1.0


@dataclass(frozen=True, slots=True)
class Preset:
    """A named size of a study.

    Attributes:
        about: What it runs and how long it takes, in one line.
        data: The name of its data set, or None.
        tasks: What is run.
    """

    about: str
    data: str | None
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Study:
    """A question put to networks. A new study is one new file holding one of these as `study`.

    Attributes:
        name: Its name on the command line, like its file.
        chapter: The chapter that it belongs to.
        question: What it asks, in one sentence.
        source: The work that it tests.
        version: A whole number from 1 on, raised when `measure` measures another thing.
        presets: Name -> preset; the first is run where none is named.
        measure: `measure(task, data=..., device=...)` yields the measurements of every seed of the task.
        claims: What is judged, in the order of the page.
        figures: `figures(rows)` gives the figures.
        answer: `answer(verdicts)` says in one sentence what came out.
        terms: The abbreviations and units that the claims use, with their meaning.
        seed_by_seed: Whether `measure` treats each seed on its own, with equal results when it gets one seed
            at a time: then each finished seed is stored at once.
        protocol: The factors that make a protocol ("batch", "steps"): parts of one claim may not differ in
            them, because the mean over two protocols is a result of neither.
    """

    name: str
    chapter: str
    question: str
    source: str
    version: int
    presets: Mapping[str, Preset]
    measure: Callable[..., Iterable[Measurement]]
    claims: tuple[Claim, ...]
    figures: Callable[[Any], Iterable[Figure]]
    answer: Callable[[Mapping[str, Verdict]], str]
    terms: Mapping[str, str] = field(default_factory=dict)
    seed_by_seed: bool = False
    protocol: tuple[str, ...] = ()
