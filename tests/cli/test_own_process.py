"""Code of a user that closes streams, leaves the process or raises KeyboardInterrupt: a code of ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FILE = """
import os, sys, time, torch, levinthal
from torch import nn

draw = torch.Generator().manual_seed(0)
inputs = torch.randn(64, 4, generator=draw)

def loss(outputs, targets):
    {does}
    return nn.functional.cross_entropy(outputs, targets)

problem = levinthal.Problem(
    model=lambda: nn.Linear(4, 2), loss=loss, train=(inputs, (inputs[:, 0] > 0).long()),
    optimizer=lambda model: torch.optim.SGD(model.parameters(), 0.5), steps=20)
"""


def checked(folder: Path, does: str) -> subprocess.CompletedProcess[str]:
    (folder / "train.py").write_text(FILE.format(does=does))
    return subprocess.run(
        [sys.executable, "-m", "levinthal", "check", "train.py:problem"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "does", ["sys.stdout.close(); sys.stderr.close()", "sys.stdout = sys.stderr = None", "pass"]
)
def test_a_verdict_is_said_after_the_streams_were_closed(tmp_path: Path, does: str) -> None:
    said = checked(tmp_path, does)
    assert "The loss went from" in said.stdout
    assert said.returncode in (0, 3)
    assert "bug of ours" not in said.stderr


@pytest.mark.parametrize(
    ("does", "line"),
    [
        ("os._exit(0)", "levinthal: os._exit(0) ended the command at train.py:9: let it return"),
        ("raise KeyboardInterrupt", "train.py:9: KeyboardInterrupt"),
    ],
)
def test_the_command_is_not_ended_unseen(tmp_path: Path, does: str, line: str) -> None:
    said = checked(tmp_path, does)
    assert said.returncode == 2
    assert line in said.stderr.splitlines()[-1]


def test_a_child_may_leave_and_ctrl_c_is_ctrl_c(tmp_path: Path) -> None:
    assert "The loss went from" in checked(tmp_path, "os.fork() or os._exit(5)").stdout
    (tmp_path / "train.py").write_text(FILE.format(does="time.sleep(30)"))
    running = subprocess.Popen(
        [sys.executable, "-m", "levinthal", "check", "train.py:problem"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(5)
    os.killpg(running.pid, signal.SIGINT)
    assert "interrupted" in running.communicate(timeout=20)[1]
    assert running.returncode == 130
