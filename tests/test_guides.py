"""The guides are true: programs print what their page shows, and mistakes are answered as it says."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import socket
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

GUIDES = sorted((Path(__file__).parent.parent / "docs" / "guides").glob("*.md"))
DISTRIBUTED = "ddp-fsdp"
NUMBER = re.compile(r"(?<![A-Za-z])[-−]?\d[\d,]*(?:\.\d+)?(?:e[-−+]?\d+)?")
ANSWERS = "Healthy|Unfinished|Trains badly|Does not train|Does not generalise|Not judged|Nothing was seen"
WORKER = """
import json, os, sys, traceback
import torch
torch.set_num_threads(1)
for text, port in json.load(open(sys.argv[1])):
    os.environ["MASTER_PORT"] = str(port)
    exec(compile(text, "guide", "exec", dont_inherit=True), {"__name__": "shown"})
    print("\\f", flush=True)
"""


class Run(NamedTuple):
    """A program of a page, and what the page says of it."""

    name: str
    text: str
    shown: str  # the whole output, or the last cell of a row
    is_row: bool


def fences(page: str) -> list[tuple[str, str]]:
    return re.findall(r"^```(\w*)\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def replaced(text: str, old: str, new: str) -> str:
    """The program with one place changed; a place that is not there exactly once is an error of the page."""
    assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in the program"
    return text.replace(old, new)


def patched(text: str, diff: str) -> str:
    """The program after a diff: each group of `-` lines becomes the `+` lines that follow it."""
    groups = re.findall(r"((?:^-.*\n)+)((?:^\+.*\n)*)", diff, re.MULTILINE)
    assert groups, diff
    for old, new in groups:
        text = replaced(text, *(re.sub(r"^[-+]", "", part, flags=re.MULTILINE) for part in (old, new)))
    return text


def rows(page: str) -> list[tuple[str, list[tuple[str, str]], str]]:
    """Of each row: the mistake, the places that it changes, and what is said of it."""
    cells = [line.strip("| ").split(" | ") for line in page.splitlines() if "→" in line and line[0] == "|"]
    pairs = re.compile(r"`([^`]+)` → `([^`]+)`")
    return [(mistake, pairs.findall(change.replace("⏎", "\n")), said) for mistake, change, said in cells]


def runs(path: Path) -> list[Run]:
    """The program of a page, those of its diffs, and those of its rows."""
    page = path.read_text()
    blocks = fences(page)
    base = next(text for language, text in blocks if language == "python")
    found, number = list[Run](), 0
    for (language, text), (after, shown) in pairwise(blocks):
        if language in ("python", "diff"):
            assert after == "text", f"{path.name}: what does this print?\n{text}"
            program = base if language == "python" else patched(base, text)
            found.append(Run(f"{path.stem}-{number}", program, shown, is_row=False))
            number += 1
    for mistake, changes, said in rows(page):
        assert changes, mistake
        program = base
        for old, new in changes:
            program = replaced(program, old, new)
        found.append(Run(f"{path.stem}: {mistake}", program, said, is_row=True))
    return found


def said(printed: str) -> str:
    """What is said of a run, in the words of a row: its causes, or the answer and what is info."""
    found = re.findall(r"^\S (critical|warning|info)  (\w+) in ", printed, re.MULTILINE)
    words = [f"{severity} `{code}`" for severity, code in found]
    if not any(severity != "info" for severity, _ in found):
        answer = re.search(rf"^({ANSWERS}): ", printed, re.MULTILINE)
        assert answer is not None, printed
        words.insert(0, f"*{answer[1].lower()}*")
    return "; ".join(words)


def is_same(printed: str, shown: str) -> bool:
    """Whether two texts have the same words and about the same numbers, whose digits are the processor's."""
    printed, shown = (re.sub(r"\d+ (kinds of cause)", r"# \1", text.strip()) for text in (printed, shown))
    pairs = zip(*(map(number, NUMBER.findall(text)) for text in (printed, shown)), strict=False)
    return NUMBER.sub("#", printed) == NUMBER.sub("#", shown) and all(
        a == pytest.approx(b, rel=0.5, abs=0.02) for a, b in pairs
    )


def number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def check(run: Run, printed: str) -> None:
    if run.is_row:
        assert said(printed) == run.shown, printed
    else:
        assert is_same(printed, run.shown), f"{run.name} prints\n{printed}"


def parameters() -> list[object]:
    """Every program that needs one process; those of rows are slow together."""
    found = [run for path in GUIDES if path.stem != DISTRIBUTED for run in runs(path)]
    return [pytest.param(run, id=run.name, marks=[pytest.mark.slow] * run.is_row) for run in found]


@pytest.mark.parametrize("run", parameters())
@pytest.mark.filterwarnings("ignore")  # those of peft
def test_a_program_prints_what_its_page_says(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    if run.name.startswith("peft"):
        pytest.importorskip("peft")
    with contextlib.redirect_stdout(io.StringIO()) as output:
        exec(compile(run.text, run.name, "exec", dont_inherit=True), {"__name__": "shown"})
    check(run, output.getvalue())


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.slow
def test_the_programs_of_two_processes_print_what_their_page_says(tmp_path: Path) -> None:
    (path,) = [path for path in GUIDES if path.stem == DISTRIBUTED]
    programs = runs(path)
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "programs.json").write_text(json.dumps([(run.text, free_port()) for run in programs]))
    command = [sys.executable, tmp_path / "worker.py", tmp_path / "programs.json"]
    shared = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"}
    both = [
        subprocess.Popen(command, env=shared | {"RANK": rank}, stdout=subprocess.PIPE, text=True)
        for rank in "01"
    ]
    try:
        first, _ = (process.communicate(timeout=900)[0] for process in both)
    finally:
        for process in both:
            process.kill()
    assert [process.returncode for process in both] == [0, 0]
    for run, output in zip(programs, first.split("\f"), strict=False):
        check(run, output)


def test_every_list_says_something() -> None:
    for path in GUIDES:
        page = path.read_text()
        assert [len(rows(part)) > 0 for part in page.split("\n## ")[-2:]] == [True, True], path.name


def test_other_words_or_numbers_are_seen() -> None:
    assert is_same("loss 1.00, 53 kinds of cause", "loss 1.05, 54 kinds of cause")
    assert not is_same("loss 1.00", "loss 2.50")
    assert not is_same("loss 1.00", "Loss 1.00")
    assert patched("a\nb\nc\n", "-b\n+x\n+y\n") == "a\nx\ny\nc\n"
    assert said("Not judged: few.\n\n· info  UNDERFIT in loss\n") == "*not judged*; info `UNDERFIT`"
    assert said("△ warning  A in b\n· info  C in d\n") == "warning `A`; info `C`"
