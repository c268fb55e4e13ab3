"""What the terminal shows while one waits."""

from __future__ import annotations

import pytest

from levinthal.cli.terminal import plain_table, progress, stdout


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
