#!/usr/bin/env python3
"""One command for everything: `python3 dev.py demo | test | check | bench | docs`.

Standard library only. The first call makes `.venv` beside this file and installs exactly what
`requirements.lock` names; later calls find its stamp and start at once. A set-up that was killed,
or that belongs to an older lock, is noticed by the stamp and put right.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "levinthal-stamp"
LOG = ROOT / ".venv-setup.log"
OLDEST = (3, 11)
HALF_MADE = "half-made\n"
BASE = str(getattr(sys, "_base_executable", None) or sys.executable)
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


class SetupError(Exception):
    """A set-up that cannot go on; its text is one line that names the way out."""


def say(line: str) -> None:
    """Tell in one line what is being done, before it is done."""
    print(f"dev.py: {line}", flush=True)


def require_python() -> None:
    """Refuse an interpreter that is too old, and name a newer one if the machine has it."""
    if sys.version_info >= OLDEST:
        return
    known = [f"python3.{minor}" for minor in range(11, 16)]
    found = next((name for name in known if shutil.which(name)), None)
    way_out = f"this machine has {found}: run `{found} dev.py`" if found else "install a newer one"
    raise SetupError(f"needs Python >= 3.11, this is {platform.python_version()}: {way_out}")


def fingerprint() -> str:
    """Hash of what the environment is made of: lock, project settings, Python, place."""
    parts = [(ROOT / name).read_bytes() for name in ("requirements.lock", "pyproject.toml")]
    parts.append(f"{sys.version_info[:2]} {platform.machine()} {ROOT}".encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest() + "\n"


def read_stamp() -> str:
    """What the stamp says: a fingerprint, HALF_MADE, or nothing."""
    try:
        return STAMP.read_text()
    except OSError:
        return ""


def usable() -> bool:
    """Whether `.venv` holds a working Python of this version that no killed set-up left behind."""
    if read_stamp() == HALF_MADE or not PYTHON.exists():
        return False
    version = subprocess.run(
        [str(PYTHON), "-c", "import sys; print(sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=False,
    )
    return version.stdout.strip() == str(sys.version_info[:2])


def logged(command: list[str]) -> int:
    """Run a command with its output in the log; on a terminal show what is being fetched."""
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        for line in process.stdout or ():
            note(line)
    note("")
    return process.returncode


def note(line: str) -> None:
    """Keep a line in the log; on a terminal show what is fetched, on one line that overwrites itself."""
    with LOG.open("a", encoding="utf-8") as log:
        log.write(line)
    wanted = line.strip().startswith(("Collecting", "Downloading", "Installing"))
    if sys.stdout.isatty() and (wanted or not line):
        print(f"\r\033[K{line.strip()[:90]}", end="", flush=True)


CAUSES = {
    "No space left on device": "the disk is full: free about 2 GB and call again",
    "Disk quota exceeded": "your quota is full: free about 2 GB and call again",
    "No module named pip": "this Python has no pip: install it (Debian: `apt install python3-pip`) and call again",
    "no such option: --python": "pip is older than 22.3: upgrade it (or on Debian `apt install python3-venv`)",
    "NewConnectionError": "no network, or no package index behind it: connect and call again",
    "Temporary failure in name resolution": "no network: connect and call again",
    "ConnectTimeout": "the package index does not answer: call again later",
    "ProxyError": "the proxy refuses: look at HTTPS_PROXY and call again",
    "No matching distribution": "the package index lacks a package of requirements.lock",
}


def explain(doing: str) -> SetupError:
    """The one line for a failed step, read from its log."""
    text = LOG.read_text(encoding="utf-8", errors="replace")
    lines = [line.strip()[:200] for line in text.splitlines() if line.strip()] or ["no output"]
    errors = [line for line in lines if "Error: " in line] or lines
    known = (cause for sign, cause in CAUSES.items() if sign in text)
    return SetupError(f"{doing} failed: {next(known, errors[-1])} (details in {LOG.name})")


def make_venv() -> None:
    """A fresh `.venv`, with its own pip where ensurepip is there and without where it is not."""
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.exists():
        say("removing a .venv that is half-made or of another Python")
        shutil.rmtree(VENV)
    VENV.mkdir()
    STAMP.write_text(HALF_MADE)
    say(f"making .venv with Python {platform.python_version()}")
    with_pip = importlib.util.find_spec("ensurepip") is not None
    if with_pip and logged([BASE, "-m", "venv", str(VENV)]) == 0:
        return
    say("this Python has no ensurepip: making .venv without pip and filling it with the system's")
    if logged([BASE, "-m", "venv", "--clear", "--without-pip", str(VENV)]) != 0:
        raise explain("making .venv")
    STAMP.write_text(HALF_MADE)


def pip() -> list[str]:
    """The pip that installs into `.venv`: its own, or the system's pointed at it."""
    own = subprocess.run([str(PYTHON), "-c", "import pip"], capture_output=True, check=False)
    if own.returncode == 0:
        return [str(PYTHON), "-m", "pip"]
    return [BASE, "-m", "pip", "--python", str(PYTHON)]


def install() -> None:
    """The exact versions of the lock, then the project itself, editable."""
    lock = ROOT / "requirements.lock"
    count = sum(line[:1].isalpha() for line in lock.read_text().splitlines())
    quiet = ["install", "--no-input", "--disable-pip-version-check", "--retries", "2"]
    say(f"installing {count} packages of requirements.lock into .venv (torch is large: a minute or more)")
    if logged([*pip(), *quiet, "-r", str(lock)]) != 0:
        raise explain("installing requirements.lock")
    say("installing levinthal itself, editable")
    if logged([*pip(), *quiet, "--no-deps", "--no-build-isolation", "-e", str(ROOT)]) != 0:
        raise explain("installing levinthal")


def imports() -> bool:
    """Whether what was installed can be imported: the proof that nothing is half there."""
    return logged([str(PYTHON), "-c", "import levinthal, numba, plotly, pytest, sklearn, torch"]) == 0


@contextlib.contextmanager
def one_at_a_time():  # type: ignore[no-untyped-def]
    """Two calls at once must not fill the same `.venv`: the second waits for the first."""
    try:
        import fcntl
    except ImportError:  # Windows has no flock; two first calls at once are then the user's to avoid
        yield
        return
    with open(__file__, "rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def set_up() -> None:
    """Make `.venv` ready, doing nothing at all when its stamp is right."""
    with one_at_a_time():
        if read_stamp() == fingerprint() and PYTHON.exists():
            return
        LOG.write_text("")
        kept = usable()
        if not kept:
            make_venv()
        elif STAMP.exists():  # it is ours, so nobody minds if it is made anew after a kill
            STAMP.write_text(HALF_MADE)
        fill(kept)
        STAMP.write_text(fingerprint())
        say("set-up done; it is not repeated until requirements.lock or pyproject.toml changes")


def fill(kept: bool) -> None:
    """Install, and prove it; a `.venv` that was kept and does not pass is made anew once."""
    try:
        install()
        if kept and not imports():
            make_venv()
            install()
        if not imports():
            raise explain("importing what was installed")
    except SetupError:
        STAMP.unlink(missing_ok=True)  # pip said no, but left nothing half done: go on from here next time
        raise


def call(*arguments: str) -> int:
    """Run `.venv`'s Python from the root and return its exit status."""
    return subprocess.run([str(PYTHON), *arguments], cwd=ROOT, check=False).returncode


def cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def refuse(arguments: list[str]) -> None:
    """A command that takes no arguments says so."""
    if arguments:
        raise SetupError(f"this command takes no arguments, got '{' '.join(arguments)}'")


def demo(arguments: list[str]) -> int:
    """Run the study of Hodas & Stinis on the embedded digits; report under results/."""
    study, report = "first-last-information", "results/first-last-information-quick.html"
    say(f"running {study} on the embedded digits; finished networks are kept in results/")
    return call("-m", "levinthal", "study", "run", study, "--preset", "quick", "--report", report, *arguments)


def test(arguments: list[str]) -> int:
    """Run the tests that are not slow (--all: every one); more arguments go to pytest."""
    chosen = [] if "--all" in arguments else ["-m", "not slow"]
    rest = [word for word in arguments if word != "--all"]
    workers = ["-n", str(min(cores(), 8))] if cores() > 1 else []
    say(f"running the {'whole suite' if not chosen else 'tests that are not slow'} on {cores()} cores")
    return call("-m", "pytest", *workers, *chosen, *rest)


def check(arguments: list[str]) -> int:
    """Run the linter, the formatter's check, the type checker and the layering test."""
    refuse(arguments)
    steps = (
        ("ruff check", ("-m", "ruff", "check", ".")),
        ("ruff format --check", ("-m", "ruff", "format", "--check", ".")),
        ("mypy --strict", ("-m", "mypy", "--strict")),
        ("layering", ("-m", "pytest", "-p", "no:cacheprovider", "-q", "tests/test_layering.py")),
    )
    failed = []
    for name, command in steps:
        say(name)
        if call(*command) != 0:
            failed.append(name)
    say(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


def bench(arguments: list[str]) -> int:
    """Run one benchmark by name, or all of them in turn."""
    known = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if path.stem[0] != "_")
    if arguments and not arguments[0].startswith("-"):
        if arguments[0] not in known:
            raise SetupError(f"unknown benchmark '{arguments[0]}': known are {', '.join(known) or 'none'}")
        known, arguments = arguments[:1], arguments[1:]
    status = 0
    for name in known:
        say(f"benchmark {name}")
        status = max(status, call(f"benchmarks/{name}.py", *arguments))
    return status


def docs(arguments: list[str]) -> int:
    """Write docs/cli.md anew from the command line's own help."""
    say("writing docs/cli.md")
    return call("-m", "levinthal.cli.reference", "docs/cli.md", *arguments)


COMMANDS = {"demo": demo, "test": test, "check": check, "bench": bench, "docs": docs}


def main(argv: list[str]) -> int:
    """Read the command, set up if needed, run it; 2 for anything that is not the command's own doing."""
    lines = "\n".join(f"  {name:6} {run.__doc__}" for name, run in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="dev.py",
        description=f"commands:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="python3 dev.py COMMAND [arguments]",
    )
    parser.add_argument("command", choices=tuple(COMMANDS), metavar="COMMAND")
    options = parser.parse_args(argv[:1])
    try:
        require_python()
        set_up()
        return COMMANDS[options.command](argv[1:])
    except SetupError as error:
        print(f"dev.py: {error}", file=sys.stderr)
    except OSError as error:
        full = " (free about 2 GB and call again)" if error.errno == 28 else ""
        print(f"dev.py: {error.strerror or error}: {error.filename or VENV}{full}", file=sys.stderr)
    except KeyboardInterrupt:
        print("dev.py: interrupted; call again to go on", file=sys.stderr)
        return 130
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
