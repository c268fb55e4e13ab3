"""What the terminal shows while one waits."""

from __future__ import annotations

import subprocess
import sys

import pytest

from levinthal.cli.terminal import notice, plain_table, progress, stdout


def test_lines_come_at_each_tenth_and_once(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("toy") as advance:
        for done in range(101):
            advance(done, 100, f"{done} done")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f"toy: {10 * tenth}%, {10 * tenth} done" for tenth in range(11)]


def test_an_unknown_total_says_nothing_and_a_new_file_begins_anew(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("toy") as advance:
        advance(5, 0, "of nobody knows how much")
        advance(10, 10, "first")
        advance(0, 10, "second")
    assert capsys.readouterr().err.splitlines() == ["toy: 100%, first", "toy: 0%, second"]


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with progress("toy") as advance:
        advance(3, 4, "3 of 4 tasks, 1 s left")
    assert "75%" in capsys.readouterr().err


def test_brackets_in_a_cell_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    table = plain_table("a", "b")
    table.add_row("[bold]x[/]", "[2018]")
    stdout().print(table)
    assert "[bold]x[/]" in (said := capsys.readouterr().out)
    assert "[2018]" in said


HOSTILE = "\x1b[31mred\x1b]0;owned\x07 \u202eback\x08 [bold]x[/] :smile:"


def test_hidden_characters_do_not_reach_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    table = plain_table(HOSTILE)
    table.add_row(HOSTILE)
    stdout().print(HOSTILE, table, soft_wrap=True)
    notice(f"{HOSTILE}\nand more")
    with progress(HOSTILE) as advance:
        advance(1, 2, HOSTILE)
    said = capsys.readouterr()
    assert said.out.count("red back [bold]x[/] :smile:") == 3
    assert said.err.startswith("levinthal: red back [bold]x[/] :smile: and more\n")
    assert "[bold]x[/] :smile:" in said.err.partition("\n")[2]
    for text in (said.out, said.err):
        assert "owned" not in text
        assert "\u202e" not in text
        assert "\x08" not in text


def test_a_pipe_gets_no_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    table = plain_table("a")
    table.add_row("x")
    stdout().print(HOSTILE, table)
    with progress(HOSTILE) as advance:
        advance(1, 2, HOSTILE)
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err


def test_a_text_in_a_table_makes_no_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    table = plain_table("a", "b")
    table.add_row("x\ny", "two\u2028lines")
    stdout().print(table)
    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:]] == [["x", "y", "two", "lines"]]


def test_a_warning_of_a_user_is_one_line_without_escapes() -> None:
    warns = r"warnings.warn('a\n\x1b[31mb', stacklevel=1)"
    code = f"import warnings, levinthal.cli as c; c.main(['--version']); {warns}"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stderr == "<string>:1: UserWarning: a b\n"
