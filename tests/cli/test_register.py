"""`study register`: a file of claims before the run, and a page that is held against it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.test_record import REPORT, RUN, edit, page

from levinthal.lab import Store
from levinthal.lab.storage.registered import file_text, from_file

Call = Callable[..., Any]
REGISTER = ("study", "register", "small_study.py")
FILE = Path("toy-coins-quick.registered.json")


def test_the_file_has_every_claim_and_is_the_same_each_time(call: Call) -> None:
    said = call(*REGISTER)
    assert (said.code, said.err) == (0, "")
    text = FILE.read_text()
    content = json.loads(text)
    assert list(content) == sorted(content)
    assert content["claims"]["T1"]["control"] == "a fair coin"
    assert content["plan"]["factors"] == {"coin": "bent, fair"}
    assert (content["study"], content["version"], content["preset"]) == ("toy-coins", 1, "quick")
    assert len(content["hash"]) == len(content["claims hash"]) == 64
    assert content["finished runs"] is None
    assert content["finished runs are null because"] == "no store was looked at"
    assert "No store was looked at (there is none at results/levinthal.sqlite). Commit the file" in said.out
    assert not Path("results").exists()
    call(*REGISTER, "--output", "again.json")
    again = json.loads(Path("again.json").read_text())
    assert again | {"date": "", "hash": ""} == content | {"date": "", "hash": ""}


def test_finished_runs_of_the_preset_are_counted_in_the_store(call: Call) -> None:
    call(*RUN, "--preset", "half", "--first-seed", "6")
    said = call(*REGISTER)
    assert json.loads(FILE.read_text())["finished runs"] == 6
    assert "because" not in FILE.read_text()
    assert "6 runs of it are finished in results/levinthal.sqlite: the claims come after" in said.out
    call(*REPORT, "--registered", str(FILE))
    assert ", after 6 runs" in page()
    said = call(*REGISTER, "--store", "elsewhere.sqlite", "--output", "again.json")
    assert json.loads(Path("again.json").read_text())["finished runs"] is None


def test_a_store_without_runs_of_the_preset_counts_none(call: Call) -> None:
    Store("empty.sqlite").close()
    said = call(*REGISTER, "--store", "empty.sqlite")
    assert json.loads(FILE.read_text())["finished runs"] == 0
    assert said.out.endswith("Commit it or send it before you run the study.\n")


def test_a_second_registration_leaves_the_first(call: Call) -> None:
    call(*REGISTER)
    text = FILE.read_text()
    assert "registers these claims already" in call(*REGISTER).out
    edit(("0.1,", "0.05,"))
    said = call(*REGISTER)
    assert (said.code, said.out) == (2, "")
    assert said.err == f"levinthal: {FILE} registers other claims: name another file, or move it away\n"
    assert FILE.read_text() == text


def test_a_file_without_hashes_of_values_registers_the_same_claims(call: Call) -> None:
    call(*REGISTER)
    held = from_file(FILE)
    older = {name: {k: v for k, v in one.items() if k != "values"} for name, one in held.claims.items()}
    FILE.write_text(file_text(replace(held, claims=older)))
    assert "registers these claims already" in call(*REGISTER).out
    call(*RUN, "--registered", str(FILE))
    assert "after it was registered" not in page()


def test_the_page_is_held_against_the_file(call: Call) -> None:
    call(*REGISTER)
    call(*RUN, "--registered", str(FILE))
    assert f"Claims registered {json.loads(FILE.read_text())['date'][:10]} " in page()
    assert "registered after the first run" not in page()
    assert "after it was registered" not in page()
    edit(("0.1,", "0.05,"))
    call(*REPORT, "--registered", str(FILE), "--markdown", "gallery/page.md")
    both = "Claim changed after it was registered and after the run"
    assert f"{both}: smallest effect size: 0.1 before, 0.05 now." in page()
    assert Path("gallery/page.registered.json").read_text() == FILE.read_text()
    assert json.loads(Path("gallery/page.json").read_text())["claims"]["file"] == "page.registered.json"


def test_claims_that_changed_between_registration_and_run_are_found_although_the_store_agrees(
    call: Call,
) -> None:
    call(*REGISTER)
    edit(("0.1,", "0.05,"))
    call(*RUN, "--registered", str(FILE))
    assert "Claim changed after it was registered" in page()
    assert "frozen before the first run" in page()


def test_a_file_made_after_the_first_run_is_no_registration(call: Call) -> None:
    call(*RUN)
    with Store("results/levinthal.sqlite", read_only=True) as store:
        ran = max(datetime.fromisoformat(run.started) for run in store.runs())
    call(*REGISTER)
    later = replace(from_file(FILE), time=(ran + timedelta(days=1)).isoformat())
    FILE.write_text(file_text(later))
    said = call(*REPORT, "--registered", str(FILE))
    assert "levinthal: The claims were registered after the first run: the file is of " in said.err
    assert "The claims were registered after the first run" in page()


def edited(**changes: Any) -> str:
    return json.dumps(json.loads(FILE.read_text()) | changes)


BAD = [
    (lambda: None, "No such file"),
    (lambda: "", "is not JSON"),
    (lambda: "{", "is not JSON"),
    (lambda: b"\xff\xfe\x00", "is not JSON"),
    (lambda: "[1, 2]", "holds no registered claims"),
    (lambda: "{}", "holds no registered claims"),
    (lambda: edited(format=99), "has format 99"),
    (lambda: edited(date="2020-01-01"), "was edited after it was registered"),
    (lambda: edited(claims={}), "was edited after it was registered"),
    (lambda: edited(hash=None), "was edited after it was registered"),
    (lambda: edited(note=float("nan")), "was edited after it was registered"),
    (lambda: FILE.read_text().replace("0.1", "0.05"), "was edited after it was registered"),
]


@pytest.mark.parametrize(("content", "words"), BAD)
def test_a_wrong_or_edited_file_is_refused_in_one_line_before_anything_is_measured(
    call: Call, content: Callable[[], str | bytes | None], words: str
) -> None:
    call(*REGISTER)
    bad = content()
    if bad is not None:
        Path("bad.json").write_bytes(bad if isinstance(bad, bytes) else bad.encode())
    for command in (RUN, REPORT):
        said = call(*command, "--registered", "bad.json")
        assert (said.code, said.out) == (2, "")
        assert said.err.count("\n") == 1
        assert words in said.err
    assert not Path("results/levinthal.sqlite").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--preset", "half"), "registers preset quick; this is preset half"),
        ((), "registers version 1; this is version 2"),
    ],
)
def test_a_file_of_another_preset_or_version_is_refused(
    call: Call, words: tuple[str, ...], line: str
) -> None:
    call(*REGISTER)
    if not words:
        edit(("version=1", "version=2"))
    said = call(*RUN, "--registered", str(FILE), *words)
    assert (said.code, said.err) == (2, f"levinthal: {FILE} {line}: pass its own file\n")


def test_a_folder_or_an_unknown_preset_is_refused(call: Call, here: Path) -> None:
    assert "is a folder" in call(*REGISTER, "--output", str(here)).err
    assert "unknown preset 'qick'" in call(*REGISTER, "--preset", "qick").err
    assert "is a folder" in call(*RUN, "--registered", str(here)).err
