"""Hostile texts in every place that is shown: words of a study, layers, errors, arguments, files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.abuse.attack import Attack
from benchmarks.abuse.hostile_files import PROBLEM, STUDY
from benchmarks.abuse.hostile_texts import FORMULAS, MARK, TEXTS
from benchmarks.abuse.shown import alive

WORDS = [
    "question",
    "source",
    "about",
    "says",
    "cited",
    "effect",
    "unit",
    "control",
    "why",
    "measured_unit",
    "note",
    "title",
    "caption",
    "axis",
    "series",
    "panel",
    "answer",
    "meaning",
    "quote",
    "reason",
]
"""Places of a study that hold free text: any is allowed, and has to be shown harmlessly."""
NAMES = [
    "chapter",
    "name",
    "preset",
    "claim",
    "factor",
    "level",
    "measured",
    "layer",
    "condition",
    "figure",
    "term",
    "part",
    "raised",
    "evidence_raised",
]
"""Places that name things: a hostile one may be refused."""
ONE_BY_ONE = (
    "colours",
    "turned text",
    "end of line",
    "rich, closed only",
    "HTML",
    "Markdown",
    "half of a pair",
)
"""Texts that stand in one place after the other: one of each kind of harm."""
PROBLEM_PLACES = ("layer", "wide", "model", "class", "loss", "exit", "loss name", "import", "warning")
ANY = frozenset({0, 1, 2, 3, 4})
REPORT = "study report study.py --output again.html --markdown v.md --csv rows.csv"


def _called(*words: str) -> int:
    from levinthal.cli import main

    sys.argv = ["levinthal", *words]
    return main(words)


def _study(changes: dict[str, str]) -> Callable[[Path], int]:
    def act(folder: Path) -> int:
        (folder / "study.py").write_text(STUDY.format(changes=changes), encoding="utf-8")
        code = _called(
            *["study", "run", "study.py", "--workers", "1", "--device", "cpu", "--output", "page.html"]
        )
        if code in (0, 1):
            code = max(code, _called(*REPORT.split()), _called("study", "show", "study.py"))
            sys.stderr.flush()
        return code

    return act


def _problem(place: str, text: str) -> Callable[[Path], int]:
    def act(folder: Path) -> int:
        (folder / "train.py").write_text(PROBLEM.format(text=text, place=place), encoding="utf-8")
        code = _called("check", "train.py:problem", "--output", "page.html")
        return code if code == 2 else _called("check", "train.py:problem", "--json")

    return act


def _arguments(text: str) -> dict[str, tuple[str, ...]]:
    run = ("study", "run", "study.py", "--workers", "1")
    return {
        "a command": (text,),
        "an option": (f"--{text}",),
        "a study": ("study", "run", text),
        "a study's file": ("study", "show", f"{text}.py"),
        "a preset": (*run, "--preset", text),
        "a factor": (*run, "--set", f"{text}=g"),
        "a level": (*run, "--set", f"f={text}"),
        "a store": (*run, "--store", f"gone/{text}/x.sqlite"),
        "a page": (*run, "--output", f"{text}.html"),
        "a number": (*run, "--seeds", text),
        "a choice": (*run, "--device", text),
        "a problem": ("check", f"train.py:{text}"),
        "a problem's file": ("check", f"{text}.py:problem"),
        "a report": ("check", "train.py:problem", "--against", text),
        "a new study": ("study", "new", text),
        "a data set": ("data", "get", text),
        "a data folder": ("data", "list", "--data-dir", text),
        "a base URL": ("data", "get", "mnist", "--base-url", text),
    }


def _argument(place: str, text: str) -> Callable[[Path], int]:
    def act(folder: Path) -> int:
        (folder / "study.py").write_text(STUDY.format(changes={}), encoding="utf-8")
        (folder / "train.py").write_text(PROBLEM.format(text="", place=""), encoding="utf-8")
        return _called(*_arguments(text)[place])

    return act


def _file(text: str) -> Callable[[Path], int]:
    """A user's own file and folder with this name."""

    def act(folder: Path) -> int:
        (folder / text).mkdir()
        named = folder / text / f"{text}.py"
        named.write_text(STUDY.format(changes={}), encoding="utf-8")
        return _called(
            "study", "run", str(named.relative_to(folder)), "--workers", "1", "--output", f"{text}.html"
        )

    return act


def _named(kind: str, name: str, act: Callable[[Path], int]) -> Attack:
    return Attack(kind, name, act, codes=ANY, check=alive)


def attacks() -> Sequence[Attack]:
    """Every text in every place."""
    texts = {kind: MARK + tail for kind, tail in TEXTS.items()}
    found = [
        _named("words of a study", kind, _study(dict.fromkeys(WORDS, text))) for kind, text in texts.items()
    ]
    for kind in ONE_BY_ONE:
        text = texts[kind]
        found += [_named("names of a study", f"{place}: {kind}", _study({place: text})) for place in NAMES]
        found += [_named("problem", f"{place}: {kind}", _problem(place, text)) for place in PROBLEM_PLACES]
        found += [_named("argument", f"{place}: {kind}", _argument(place, text)) for place in _arguments("")]
    for kind, text in texts.items():
        if (
            len(text) < 80
            and not set(text) & {os.sep, "\0"}
            and text.encode(errors="replace").decode() == text
        ):
            found.append(_named("file", kind, _file(text)))
    for kind, text in FORMULAS.items():
        changes = dict.fromkeys(("level", "measured", "layer", "condition", "measured_unit", "factor"), text)
        found += [_named("formula", f"{place}: {kind}", _study({place: text})) for place in changes]
    return found
