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
    "does",
    [
        "sys.stdout.close(); sys.stderr.close()",
        "sys.stdout.detach()",
        "sys.stdout = sys.stderr = None",
        "pass",
    ],
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
        (
            "os.execv('/bin/true', ['true'])",
            "os.execv('/bin/true', ['true']) ended the command at train.py:9",
        ),
        ("os.execlp('true', 'true')", "ended the command at train.py:9"),
        ("os._exit(status=0)", "levinthal: os._exit(0) ended the command at train.py:9"),
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
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background ignores it
    )
    time.sleep(5)
    os.killpg(running.pid, signal.SIGINT)
    assert "interrupted" in running.communicate(timeout=20)[1]
    assert running.returncode == 130


def test_of_a_fork_the_parent_alone_gives_a_verdict(tmp_path: Path) -> None:
    said = checked(tmp_path, "os.fork() if not hasattr(os, 'done') else None; os.done = True")
    assert said.stdout.count("The loss went from") == 1


def test_a_thread_that_does_not_end_does_not_keep_the_command(tmp_path: Path) -> None:
    begun = time.monotonic()
    thread = "threading.Thread(target=time.sleep, args=(60,)).start()"
    said = checked(tmp_path, f"import threading; hasattr(os, 'on') or {thread}; os.on = 1")
    assert time.monotonic() - begun < 40
    assert "The loss went from" in said.stdout
    assert "a thread of the code still runs" in said.stderr


def shell(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """`levinthal` with streams as a shell makes them."""
    command = line.replace("levinthal", f"{sys.executable} -m levinthal", 1)
    return subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("stream", [">&-", "2>&-", "<&-", ">&- 2>&-", "2>/dev/full"])
def test_a_closed_or_full_stream_changes_no_verdict(tmp_path: Path, stream: str) -> None:
    (tmp_path / "train.py").write_text(FILE.format(does="pass"))
    said = shell(tmp_path, f"levinthal check train.py:problem --output page.html {stream}")
    assert said.returncode in (0, 3)
    assert "bug of ours" not in said.stderr
    assert (tmp_path / "page.html").stat().st_size > 10_000
    assert ">&-" in stream.split() or "The loss went from" in said.stdout


def test_a_full_disk_under_stdout_is_one_line_with_the_way_out(tmp_path: Path) -> None:
    said = shell(tmp_path, "levinthal data list > /dev/full")
    assert said.returncode == 2
    (line,) = said.stderr.splitlines()
    assert line.startswith("levinthal: No space left on device: what is printed or stored found no room")


def test_a_folder_that_was_deleted_is_named(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    said = shell(tmp_path / "gone", "rmdir ../gone; levinthal study list")
    assert said.returncode == 2
    assert said.stderr == "levinthal: the current folder was deleted: change into another one (cd)\n"


@pytest.mark.parametrize(
    "name", ["random.py", "torch.py", "numpy/__init__.py", "sqlite3.py", "levinthal_.py"]
)
def test_a_file_of_the_user_does_not_stand_for_a_library(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("raise RuntimeError('mine')\n")
    said = shell(tmp_path, "levinthal study list")
    assert (said.returncode, said.stderr) == (0, "")
