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

LOCKS = ("requirements-demo.lock", "requirements.lock", "requirements-docs.lock")
FRONT_DOOR = ("dev.py", "pyproject.toml", *LOCKS)

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
elif words[-1] == "report" and "too-little" in behaviour:
    sys.exit(2)
elif "install" in words and "killed" in behaviour:
    os.kill(os.getppid(), 9)
"""


@pytest.fixture
def fresh(tmp_path: Path) -> Fresh:
    """A copy of the project's front door in an empty folder; its Python behaves as it is asked to."""

    def make(behaviour: str = "") -> ModuleType:
        for name in FRONT_DOOR:
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


def installs(dev: ModuleType, lock: str) -> bool:
    return any(call.endswith(f"-r {dev.ROOT / lock}") for call in calls(dev))


def ready(dev: ModuleType) -> bool:
    return dev.missing((dev.BASE_GROUP, dev.TEST_GROUP)) == []


def killed_call(dev: ModuleType, command: str) -> int:
    """The exit status of a call of dev.py in a process of its own."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import dev; "
        "dev.BASE = sys.argv[2]; dev.main([sys.argv[3]])"
    )
    words = [sys.executable, "-c", code, str(dev.ROOT), dev.BASE, command]
    return subprocess.run(words, capture_output=True, check=False).returncode


def forget_calls(dev: ModuleType) -> None:
    (dev.ROOT / "calls").unlink()


def test_a_fresh_machine_gets_the_lock_then_the_project(fresh: Fresh, capsys: pytest.CaptureFixture) -> None:
    dev = fresh("")
    assert dev.main(["test", "-k", "nothing"]) == 0
    venv, lock, project, proof, compiling, tests, tests_proof, run = [
        c for c in calls(dev) if not c.startswith(("-c import pip", "-c import sys"))
    ]
    assert venv == f"-m venv {dev.VENV}"
    assert lock.endswith(f"-r {dev.ROOT / 'requirements-demo.lock'}")
    assert project.endswith(f"--no-build-isolation -e {dev.ROOT}")
    assert proof == f"-c {dev.BASE_GROUP.proof}"
    assert compiling == f"-c {dev.COMPILE}"
    assert tests.endswith(f"-r {dev.ROOT / 'requirements.lock'}")
    assert tests_proof == f"-c {dev.TEST_GROUP.proof}"
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


def test_the_demo_installs_its_own_lock_alone(fresh: Fresh) -> None:
    dev = fresh("")
    assert dev.main(["demo"]) == 0
    assert [lock for lock in LOCKS if installs(dev, lock)] == ["requirements-demo.lock"]


@pytest.mark.parametrize(("first", "then"), [("demo", "test"), ("run", "docs"), ("docs", "check")])
def test_what_a_second_command_lacks_is_installed_on_top(fresh: Fresh, first: str, then: str) -> None:
    dev = fresh("")
    dev.main([first])
    forget_calls(dev)
    assert dev.main([then]) == 0
    own = dev.COMMANDS[then].groups[-1].lock.name
    assert [lock for lock in LOCKS if installs(dev, lock)] == [own]
    assert not any("venv" in call.split() for call in calls(dev))
    forget_calls(dev)
    dev.main([first])
    assert not any("install" in call for call in calls(dev))


def test_an_addition_killed_in_the_middle_is_begun_anew(fresh: Fresh) -> None:
    dev = fresh("")
    dev.main(["demo"])
    (dev.ROOT / "behaviour").write_text("killed")
    assert killed_call(dev, "test") == -9
    (dev.ROOT / "behaviour").write_text("")
    forget_calls(dev)
    assert dev.main(["demo"]) == 0
    assert calls(dev)[0] == f"-m venv {dev.VENV}"


def test_coverage_is_measured_and_too_little_fails(fresh: Fresh) -> None:
    dev = fresh("")
    assert dev.main(["test", "--coverage", "-k", "nothing"]) == 0
    erase, run, combine, report = (call.removeprefix("-m coverage ") for call in calls(dev)[-4:])
    assert erase == "erase"
    assert run.startswith("run -m pytest")
    assert run.endswith("-m not slow -k nothing")
    assert (combine, report) == ("combine --quiet", "report")
    (dev.ROOT / "behaviour").write_text("too-little")
    assert dev.main(["test", "--coverage"]) == 1


def test_run_passes_its_words_to_levinthal(fresh: Fresh) -> None:
    dev = fresh("")
    assert dev.main(["run", "study", "list", "--help"]) == 0
    assert calls(dev)[-1] == "-m levinthal study list --help"


def test_a_new_lock_is_installed_into_the_same_venv(fresh: Fresh) -> None:
    dev = fresh("")
    dev.main(["test"])
    forget_calls(dev)
    with (dev.ROOT / "requirements.lock").open("a") as lock:
        lock.write("another==1.0\n")
    assert dev.main(["test"]) == 0
    assert not any("venv" in call.split() for call in calls(dev))
    assert [lock for lock in LOCKS if installs(dev, lock)] == ["requirements.lock"]


def test_without_ensurepip_the_systems_pip_fills_the_venv(fresh: Fresh) -> None:
    dev = fresh("no-ensurepip no-own-pip")
    assert dev.main(["test"]) == 0
    assert any("--without-pip" in call for call in calls(dev))
    pips = [call for call in calls(dev) if " install " in call]
    assert len(pips) == 3
    assert all(call.startswith(f"-m pip --python {dev.PYTHON} install") for call in pips)


@pytest.mark.parametrize(
    ("pip_says", "expected_text"),
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
    fresh: Fresh, capsys: pytest.CaptureFixture, pip_says: str, expected_text: str
) -> None:
    dev = fresh(f"fails:{pip_says}")
    assert dev.main(["test"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert expected_text in error
    assert "Traceback" not in error
    (dev.ROOT / "behaviour").write_text("")
    assert dev.main(["test"]) == 0
    assert ready(dev)


def test_a_set_up_killed_in_the_middle_is_begun_anew(fresh: Fresh) -> None:
    dev = fresh("killed")
    assert killed_call(dev, "test") == -9
    assert dev.HALF_MADE.exists()
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
    ("words", "code", "expected_text"),
    [
        (["tset"], 2, "usage: python3 dev.py demo | run | test | check | bench | docs"),
        ([], 2, "usage:"),
        (["--help"], 0, "usage:"),
        (["bench", "ksgg"], 2, "dev.py: unknown benchmark 'ksgg'"),
        (["check", "everything"], 2, "dev.py: check takes no arguments, got 'everything'"),
        (["docs", "again"], 2, "dev.py: docs takes no arguments, got 'again'"),
    ],
)
def test_misuse_is_exit_code_2(
    fresh: Fresh, capsys: pytest.CaptureFixture, words: list[str], code: int, expected_text: str
) -> None:
    dev = fresh("")
    assert dev.main(words) == code
    said = capsys.readouterr()
    assert expected_text in said.out + said.err


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    with subprocess.Popen(
        [sys.executable, ROOT / "dev.py", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as call:
        assert call.stdout is not None
        call.stdout.close()
        _, said = call.communicate(timeout=30)
    assert (call.returncode, said) == (141, b"")


def test_a_second_call_waits_for_the_set_up_under_way(fresh: Fresh, capsys: pytest.CaptureFixture) -> None:
    dev = fresh("")
    with (dev.ROOT / "dev.py").open() as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        waiting = threading.Thread(target=dev.set_up, args=(dev.BASE_GROUP, dev.TEST_GROUP))
        waiting.start()
        waiting.join(timeout=0.3)
        assert waiting.is_alive()
        assert calls(dev) == []
    waiting.join(timeout=30)
    assert ready(dev)
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


def locked(*locks: str) -> dict[str, str]:
    lines = "\n".join((ROOT / lock).read_text() for lock in locks).splitlines()
    pairs = (line.split("==") for line in lines if line[:1].isalpha())
    return {canonical(name): number for name, number in pairs}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(package: str, *extras: str) -> set[str]:
    """The names of what a package asks for here."""
    from packaging.requirements import Requirement

    parsed = [Requirement(line) for line in requires(package) or ()]
    chosen = [{"extra": extra} for extra in ("", *extras)]
    active = [r for r in parsed if not r.marker or any(r.marker.evaluate(e) for e in chosen)]
    return {canonical(r.name) for r in active} - {"levinthal"}


def test_the_locks_name_what_these_tests_run_with() -> None:
    for name, number in locked("requirements-demo.lock", "requirements.lock").items():
        try:
            assert version(name).split("+")[0] == number
        except PackageNotFoundError:
            pytest.fail(f"{name} is in a lock and not installed")


def test_the_demos_lock_holds_what_the_package_runs_on_and_no_more() -> None:
    run_on = locked("requirements-demo.lock")
    asked, waiting = set(), {"levinthal", "hatchling"}
    while waiting:
        name = waiting.pop()
        asked.add(name)
        waiting |= needed(name) - asked
    assert asked - {"levinthal"} == set(run_on)


def test_the_locks_hold_every_dependency_of_the_project_and_theirs() -> None:
    everything = locked("requirements-demo.lock", "requirements.lock")
    asked = needed("levinthal", "test", "dev").union(*map(needed, everything))
    assert asked - set(everything) == set()


def test_no_package_has_two_versions_or_stands_in_two_locks_of_one_command() -> None:
    run_on, tested, documented = (locked(name) for name in LOCKS)
    assert not set(run_on) & set(tested)
    assert not set(run_on) & set(documented)
    assert all(tested[name] == documented[name] for name in set(tested) & set(documented))
