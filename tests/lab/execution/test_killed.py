from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("kills", [60, pytest.param(600, marks=pytest.mark.slow)])
def test_a_sweep_killed_at_any_moment_loses_at_most_the_task_in_hand(
    tmp_path: Path, log: Path, kills: int
) -> None:
    command = [sys.executable, str(Path(__file__).parents[1] / "killing.py"), str(tmp_path), str(kills)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    summary = re.match(r"(\d+) kills, (\d+) whole stores, .*: (\[.*\])", ended.stdout)
    assert summary
    assert int(summary[1]) >= kills
    # Kills that only ever hit the first moments, or the last, would prove little.
    assert len(re.findall(r"\(", summary[3])) >= 5
