"""dev.py on a fresh machine: every way the set-up can go wrong is one line, and the next call recovers.

The real pip and venv are replaced by a Python that only notes what it was asked to do.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
Fresh = Callable[[str], ModuleType]

# A stand-in for every Python: `-m venv` makes the folder, pip prints what the test wants, all is noted.
STAND_IN = """#!{python}
import os, pathlib, shutil, sys
root = pathlib.Path({root!r})
words = sys.argv[1:]
with (root / "calls").open("a") as calls:
    calls.write(" ".join(words) + chr(10))
behaviour = (root / "behaviour").read_text()
if words[:2] == ["-m", "venv"]:
    if "no-ensurepip" in behaviour and "--without-pip" not in words:
        sys.exit("ensurepip is not available")
    home = pathlib.Path(words[-1])
    if "--clear" in words:
        shutil.rmtree(home, ignore_errors=True)
    (home / "bin").mkdir(parents=True)
    shutil.copy(__file__, home / "bin" / "python")
elif words[0] == "-c" and "version_info" in words[1]:
    print(sys.version_info[:2])
elif words[0] == "-c" and "import pip" in words[1]:
    print("" if "no-own-pip" in behaviour else "here")
elif "install" in words and "fails:" in behaviour:
    sys.exit(behaviour.split("fails:")[1])
elif "install" in words and "killed" in behaviour:
    os.kill(os.getppid(), 9)
"""


@pytest.fixture
def fresh(tmp_path: Path) -> Fresh:
    """A copy of the project's front door in an empty folder; its Python behaves as told."""

    def make(behaviour: str = "") -> ModuleType:
        for name in ("dev.py", "requirements.lock", "pyproject.toml"):
            (tmp_path / name).write_bytes((ROOT / name).read_bytes())
        (tmp_path / "behaviour").write_text(behaviour)
        python = tmp_path / "python"
        python.write_text(STAND_IN.format(python=sys.executable, root=str(tmp_path)))
        python.chmod(0o755)
        spec = importlib.util.spec_from_file_location("dev_under_test", tmp_path / "dev.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        vars(module)["BASE"] = str(python)
        return module

    return make


def calls(dev: ModuleType) -> list[str]:
    noted: Path = dev.ROOT / "calls"
    return noted.read_text().splitlines() if noted.exists() else []


def forget_calls(dev: ModuleType) -> None:
    (dev.ROOT / "calls").unlink()


def test_a_fresh_machine_gets_the_lock_then_the_project(fresh: Fresh, capsys: pytest.CaptureFixture) -> None:
    dev = fresh("")
    assert dev.main(["test", "-k", "nothing"]) == 0
    venv, *_, lock, project, proof, compiling, run = [
        c for c in calls(dev) if not c.startswith("-c import pip")
    ]
    assert venv == f"-m venv {dev.VENV}"
    assert lock.endswith(f"-r {dev.ROOT / 'requirements.lock'}")
    assert project.endswith(f"--no-build-isolation -e {dev.ROOT}")
    assert proof.startswith("-c import levinthal")
    assert compiling == f"-c {dev.COMPILE}"
    assert run.startswith("-m pytest")
    assert run.endswith("-m not slow -k nothing")
    said = capsys.readouterr().out.splitlines()
    assert all(line.startswith("dev.py: ") for line in said)
    assert re.search(r"installing \d+ packages", "\n".join(said))


def test_the_second_call_does_no_set_up(fresh: Fresh) -> None:
    dev = fresh("")
    dev.main(["test"])
    forget_calls(dev)
    assert dev.main(["test", "--all"]) == 0
    assert len(calls(dev)) == 1
    assert "not slow" not in calls(dev)[0]


def test_a_new_lock_is_installed_into_the_same_venv(fresh: Fresh) -> None:
    dev = fresh("")
    dev.main(["test"])
    forget_calls(dev)
    with (dev.ROOT / "requirements.lock").open("a") as lock:
        lock.write("another==1.0\n")
    assert dev.main(["test"]) == 0
    assert not any("venv" in call.split() for call in calls(dev))
    assert any("requirements.lock" in call for call in calls(dev))


def test_without_ensurepip_the_systems_pip_fills_the_venv(fresh: Fresh) -> None:
    dev = fresh("no-ensurepip no-own-pip")
    assert dev.main(["test"]) == 0
    assert any("--without-pip" in call for call in calls(dev))
    installs = [call for call in calls(dev) if " install " in call]
    assert len(installs) == 2
    assert all(call.startswith(f"-m pip --python {dev.PYTHON} install") for call in installs)


@pytest.mark.parametrize(
    ("pip_says", "told"),
    [
        ("ERROR: [Errno 28] No space left on device", "the disk is full"),
        ("/usr/bin/python3: No module named pip", "this Python has no pip"),
        ("no such option: --python", "pip is older than 22.3"),
        ("NewConnectionError: Failed to establish a new connection", "no network"),
        ("ERROR: No matching distribution found for nothing==1", "the package index lacks a package"),
        ("something nobody thought of", "something nobody thought of"),
    ],
)
def test_a_failed_set_up_is_one_line_and_the_next_call_recovers(
    fresh: Fresh, capsys: pytest.CaptureFixture, pip_says: str, told: str
) -> None:
    dev = fresh(f"fails:{pip_says}")
    assert dev.main(["test"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert told in error
    assert "Traceback" not in error
    (dev.ROOT / "behaviour").write_text("")
    assert dev.main(["test"]) == 0
    assert dev.read_stamp() == dev.fingerprint()


def test_a_set_up_killed_in_the_middle_is_begun_anew(fresh: Fresh) -> None:
    dev = fresh("killed")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import dev; dev.BASE = sys.argv[2]; dev.main(['test'])"
    )
    killed = subprocess.run(
        [sys.executable, "-c", code, str(dev.ROOT), dev.BASE], capture_output=True, check=False
    )
    assert killed.returncode == -9
    assert dev.read_stamp() == dev.HALF_MADE
    (dev.ROOT / "behaviour").write_text("")
    forget_calls(dev)
    assert dev.main(["test"]) == 0
    assert calls(dev)[0] == f"-m venv {dev.VENV}"


@pytest.mark.parametrize("left", ["empty folder", "file", "dangling link", "broken python"])
def test_whatever_lies_at_venv_is_replaced(fresh: Fresh, left: str) -> None:
    dev = fresh("")
    if left == "file":
        dev.VENV.write_text("")
    elif left == "dangling link":
        dev.VENV.symlink_to(dev.ROOT / "gone")
    else:
        dev.PYTHON.parent.mkdir(parents=True)
        if left == "broken python":
            dev.PYTHON.write_text("#!/bin/sh\nexit 1\n")
            dev.PYTHON.chmod(0o755)
    assert dev.main(["test"]) == 0
    assert f"-m venv {dev.VENV}" in calls(dev)


def test_a_working_venv_of_the_users_own_is_kept(fresh: Fresh) -> None:
    dev = fresh("")
    subprocess.run([dev.BASE, "-m", "venv", str(dev.VENV)], check=True)
    mine = dev.VENV / "mine"
    mine.write_text("kept")
    assert dev.main(["test"]) == 0
    assert mine.exists()


def test_an_old_python_is_told_in_one_line(
    fresh: Fresh, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev = fresh("")
    monkeypatch.setattr(dev, "OLDEST", (99, 0))
    assert dev.main(["test"]) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(r"dev\.py: needs Python >= 3\.11, this is [\d.]+\S*: .+\n", error)
    assert calls(dev) == []


@pytest.mark.parametrize("old", ["3.8", "3.9", "3.10"])
def test_dev_is_readable_to_an_older_python(old: str) -> None:
    """The file must parse there, or the user meets a SyntaxError in place of the line."""
    import ast

    ast.parse((ROOT / "dev.py").read_text(), feature_version=tuple(map(int, old.split("."))))


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["tset"], 2, "usage: python3 dev.py demo | test | check | bench | docs"),
        ([], 2, "usage:"),
        (["--help"], 0, "usage:"),
        (["bench", "ksgg"], 2, "dev.py: unknown benchmark 'ksgg'"),
        (["check", "everything"], 2, "dev.py: check takes no arguments, got 'everything'"),
    ],
)
def test_misuse_is_exit_code_2(
    fresh: Fresh, capsys: pytest.CaptureFixture, words: list[str], code: int, told: str
) -> None:
    dev = fresh("")
    assert dev.main(words) == code
    said = capsys.readouterr()
    assert told in said.out + said.err


def test_a_second_call_waits_for_the_set_up_under_way(fresh: Fresh, capsys: pytest.CaptureFixture) -> None:
    dev = fresh("")
    with (dev.ROOT / "dev.py").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        waiting = threading.Thread(target=dev.set_up)
        waiting.start()
        waiting.join(timeout=0.3)
        assert waiting.is_alive()
        assert calls(dev) == []
    waiting.join(timeout=30)
    assert dev.read_stamp() == dev.fingerprint()
    assert "waiting for another set-up" in capsys.readouterr().out


def test_the_lock_travels_to_pip(fresh: Fresh) -> None:
    """So that a pip whose dev.py was killed is waited for: the lock ends with the last who holds it."""
    dev = fresh("")
    dev.LOG.write_text("")
    dev.wait_for_turn()
    (turn,) = dev.HELD
    assert dev.logged([sys.executable, "-c", f"import os; os.fstat({turn})"]) == 0
    os.close(dev.HELD.pop())
    assert dev.logged([sys.executable, "-c", f"import os; os.fstat({turn})"]) != 0


def test_a_place_that_cannot_be_written_is_one_line(fresh: Fresh, capsys: pytest.CaptureFixture) -> None:
    dev = fresh("")
    dev.LOG.mkdir()
    assert dev.main(["test"]) == 2
    error = capsys.readouterr().err
    assert error == f"dev.py: Is a directory: {dev.LOG}\n"


def locked() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {re.sub(r"[-_.]+", "-", name).lower(): number for name, number in pairs}


def test_the_lock_names_what_these_tests_run_with() -> None:
    for name, number in locked().items():
        try:
            assert version(name).split("+")[0] == number
        except PackageNotFoundError:
            pytest.fail(f"{name} is in requirements.lock and not installed")


def test_the_lock_holds_every_dependency_of_the_project_and_theirs() -> None:
    from packaging.requirements import Requirement

    def needed(package: str) -> set[str]:
        extras = (
            [{"extra": extra} for extra in ("", "test", "dev")] if package == "levinthal" else [{"extra": ""}]
        )
        parsed = [Requirement(line) for line in requires(package) or ()]
        active = [r for r in parsed if not r.marker or any(r.marker.evaluate(e) for e in extras)]
        return {re.sub(r"[-_.]+", "-", r.name).lower() for r in active} - {"levinthal"}

    missing = set().union(*map(needed, ["levinthal", *locked()])) - set(locked())
    assert not missing
