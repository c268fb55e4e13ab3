#!/usr/bin/env python3
"""One command for everything: `python3 dev.py demo | test | check | bench | docs`.

Standard library only. The first call makes `.venv` beside this file and installs exactly what
`requirements.lock` names; later calls find its stamp and start at once. A set-up that was killed,
or that belongs to an older lock, is noticed by the stamp and put right.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE, STDOUT

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "levinthal-stamp"
LOCK = ROOT / "requirements.lock"
LOG = ROOT / ".venv-setup.log"
OLDEST = (3, 11)
HALF_MADE = "half-made\n"
HELD: list[int] = []  # the open file that is locked while a set-up is under way
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
    found = next(filter(shutil.which, (f"python3.{minor}" for minor in range(11, 16))), None)
    way_out = f"this machine has {found}: run `{found} dev.py`" if found else "install a newer one"
    raise SetupError(f"needs Python >= 3.11, this is {platform.python_version()}: {way_out}")


def fingerprint() -> str:
    """Hash of what the environment is made of: lock, project settings, Python, place."""
    place = f"{sys.version_info[:2]} {platform.machine()} {ROOT}".encode()
    parts = (LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), place)
    return hashlib.sha256(b"\0".join(parts)).hexdigest() + "\n"


def read_stamp() -> str:
    """What the stamp says: a fingerprint, HALF_MADE, or nothing."""
    try:
        return STAMP.read_text()
    except OSError:
        return ""


def ready() -> bool:
    """Whether there is nothing to set up."""
    return read_stamp() == fingerprint() and PYTHON.exists()


def usable() -> bool:
    """Whether `.venv` holds a working Python of this version that no killed set-up left behind."""
    if read_stamp() == HALF_MADE or not PYTHON.exists():
        return False
    return answer("import sys; print(sys.version_info[:2])") == f"{sys.version_info[:2]}"


def answer(code: str) -> str:
    """What `.venv`'s Python prints to a line of code; nothing if it cannot run it."""
    done = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def logged(command: list[str]) -> int:
    """Run a command with its output in the log; on a terminal show what is being fetched."""
    with subprocess.Popen(
        command, cwd=ROOT, stdout=PIPE, stderr=STDOUT, text=True, errors="replace", pass_fds=HELD
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
    "No module named pip": "this Python has no pip: install it (Debian: `apt install python3-pip`)",
    "no such option: --python": "pip is older than 22.3: upgrade it (Debian: `apt install python3-venv`)",
    "NewConnectionError": "no network, or no package index behind it: connect and call again",
    "ConnectTimeout": "the package index does not answer: call again later",
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
    if answer("import pip; print('here')"):
        return [str(PYTHON), "-m", "pip"]
    return [BASE, "-m", "pip", "--python", str(PYTHON)]


def install() -> None:
    """The exact versions of the lock, then the project itself, editable."""
    count = sum(line[:1].isalpha() for line in LOCK.read_text().splitlines())
    quiet = ["install", "--no-input", "--disable-pip-version-check", "--retries", "2"]
    say(f"installing {count} packages of requirements.lock into .venv (torch is large: a minute or more)")
    if logged([*pip(), *quiet, "-r", str(LOCK)]) != 0:
        raise explain("installing requirements.lock")
    say("installing levinthal itself, editable")
    if logged([*pip(), *quiet, "--no-deps", "--no-build-isolation", "-e", str(ROOT)]) != 0:
        raise explain("installing levinthal")


def wait_for_turn() -> None:
    """One call at a time fills `.venv`; pip holds the lock too, and so is waited for after a kill."""
    try:
        import fcntl
    except ImportError:  # Windows has no flock; two first calls at once are then the user's to avoid
        return
    turn = os.open(__file__, os.O_RDONLY)
    HELD.append(turn)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say("waiting for another set-up of this .venv to end")
        fcntl.flock(turn, fcntl.LOCK_EX)


def set_up() -> None:
    """Make `.venv` ready, doing nothing at all when its stamp is right."""
    if ready():
        return
    wait_for_turn()
    try:
        if not ready():
            make_ready()
    finally:
        while HELD:
            os.close(HELD.pop())


def make_ready() -> None:
    """Make or mend `.venv`, fill it, and stamp it."""
    LOG.write_text("")
    kept = usable()
    if not kept:
        make_venv()
    elif STAMP.exists():  # it is ours, so nobody minds if it is made anew after a kill
        STAMP.write_text(HALF_MADE)
    fill(kept)
    STAMP.write_text(fingerprint())
    say("set-up done; it is not repeated until requirements.lock or pyproject.toml changes")


COMPILE = (
    "import numpy; from levinthal.estimators import mutual_information; "
    "x = numpy.random.default_rng(0).normal(size=(600, 40)); mutual_information(x, x + 1, checks='none')"
)


def fill(kept: bool) -> None:
    """Install, prove it, compile; a `.venv` that was kept and does not pass is made anew once."""
    proof = [str(PYTHON), "-c", "import levinthal, numba, plotly, pytest, sklearn, torch"]
    try:
        install()
        if kept and logged(proof) != 0:
            make_venv()
            install()
        if logged(proof) != 0:
            raise explain("importing what was installed")
        say("compiling the inner loops, once (some seconds)")
        if logged([str(PYTHON), "-c", COMPILE]) != 0:
            raise explain("compiling the inner loops")
    except SetupError:
        STAMP.unlink(missing_ok=True)  # pip said no, but left nothing half done: go on from here next time
        raise


def call(*arguments: str) -> int:
    """Run `.venv`'s Python from the root and return its exit status."""
    return subprocess.run([str(PYTHON), *arguments], cwd=ROOT, check=False).returncode


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def demo(arguments: list[str]) -> int:
    """Run the study of Hodas & Stinis on the embedded digits; report under results/."""
    say("running first-last-information on the embedded digits; finished networks are kept in results/")
    status = call(
        "-m", "levinthal", "study", "run", "first-last-information", "--preset", "quick", *arguments
    )
    if status == 0:
        activate = ".venv\\Scripts\\activate" if os.name == "nt" else ". .venv/bin/activate"
        say(f"to go on: `{activate}`, then `levinthal study list`, or a network that does not train:")
        say("`levinthal check examples/broken_digits.py:vanishing --treat`")
    return status


def test(arguments: list[str]) -> int:
    """Run the tests that are not slow (--all: every one); more arguments go to pytest."""
    chosen = [] if "--all" in arguments else ["-m", "not slow"]
    rest = [word for word in arguments if word != "--all"]
    workers = ["-n", str(min(cores(), 8))] if cores() > 1 else []
    say(f"running the {'whole suite' if not chosen else 'tests that are not slow'} on {cores()} cores")
    return call("-m", "pytest", *workers, *chosen, *rest)


def check(arguments: list[str]) -> int:
    """Run the linter, the formatter's check, the type checker and the layering test."""
    if arguments:
        raise SetupError(f"check takes no arguments, got '{' '.join(arguments)}'")
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


LONG_BENCHMARKS = ("peers", "treat")


def bench(arguments: list[str]) -> int:
    """Run one benchmark by name, or in turn all that take minutes only and need no network."""
    known = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if path.stem[0] != "_")
    quick = [name for name in known if name not in LONG_BENCHMARKS]
    chosen, rest = (arguments[:1], arguments[1:]) if arguments else (quick, [])
    if not set(chosen) <= set(known):
        raise SetupError(f"unknown benchmark '{chosen[0]}': known are {', '.join(known) or 'none'}")
    say(f"running {', '.join(chosen)}")
    return max((call(f"benchmarks/{name}.py", *rest) for name in chosen), default=0)


def docs(arguments: list[str]) -> int:
    """Write docs/cli.md anew from the command line's own help, and docs/findings.md from the catalogue."""
    say("writing docs/cli.md and docs/findings.md")
    alarms = "benchmarks/results/false_alarms.json"
    pages = (("cli", "docs/cli.md", *arguments), ("clinic.presentation", "docs/findings.md", alarms))
    return max(call("-m", f"levinthal.{room}.reference", *words) for room, *words in pages)


COMMANDS = {"demo": demo, "test": test, "check": check, "bench": bench, "docs": docs}


def main(argv: list[str]) -> int:
    """Read the command, set up if needed, run it; 2 for anything that is not the command's own doing."""
    if argv[:1] in ([], ["-h"], ["--help"]) or argv[0] not in COMMANDS:
        lines = "".join(f"\n  {name:6} {run.__doc__}" for name, run in COMMANDS.items())
        print(f"usage: python3 dev.py {' | '.join(COMMANDS)} [arguments]\n{lines}")
        return 0 if "-h" in argv[:1] or "--help" in argv[:1] else 2
    try:
        require_python()
        set_up()
        return COMMANDS[argv[0]](argv[1:])
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
