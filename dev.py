#!/usr/bin/env python3
"""One command for everything: `python3 dev.py demo | run | test | check | bench | docs`.

Standard library only. The first call makes `.venv` beside this file and installs exactly what the locks
of its command name; a command that needs more installs that on top. Later calls find the stamps and start
at once. A set-up that was killed, or that belongs to an older lock, is noticed and put right.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
HALF_MADE = VENV / "levinthal-half-made"  # there while a set-up is under way, and after one that was killed
LOG = ROOT / ".venv-setup.log"
OLDEST = (3, 11)
HELD: list[int] = []  # the open file that is locked while a set-up is under way
BASE = str(getattr(sys, "_base_executable", None) or sys.executable)
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


class SetupError(Exception):
    """A set-up that cannot go on; its text is one line that names the way out."""


class Group(NamedTuple):
    """What some commands run on: a lock, the file that says it is installed, the imports that prove it."""

    name: str
    lock: Path
    stamp: Path
    proof: str


def new_group(name: str, lock: str, proof: str) -> Group:
    """The group whose lock file lies beside this file."""
    return Group(name, ROOT / lock, VENV / f"levinthal-stamp-{name}", f"import {proof}")


BASE_GROUP = new_group("demo", "requirements-demo.lock", "cyclopts, jinja2, levinthal, numba, sklearn, torch")
TEST_GROUP = new_group(
    "test", "requirements.lock", "hypothesis, mypy, pytest, pytorch_lightning, transformers, xdist"
)
DOCS_GROUP = new_group("docs", "requirements-docs.lock", "furo, myst_parser, sphinx, sphinx_design")


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


def fingerprint(group: Group) -> str:
    """Hash of what a group is made of: lock, project settings, Python, place."""
    place = f"{sys.version_info[:2]} {platform.machine()} {ROOT}".encode()
    parts = (group.lock.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), place)
    return hashlib.sha256(b"\0".join(parts)).hexdigest() + "\n"


def read_stamp(group: Group) -> str:
    """The fingerprint of what is installed of a group, or nothing."""
    try:
        return group.stamp.read_text()
    except OSError:
        return ""


def missing(groups: tuple[Group, ...]) -> list[Group]:
    """The groups that are still to be installed; all of them after a set-up that was killed."""
    if HALF_MADE.exists() or not PYTHON.exists():
        return list(groups)
    return [group for group in groups if read_stamp(group) != fingerprint(group)]


def usable() -> bool:
    """Whether `.venv` holds a working Python of this version that no killed set-up left behind."""
    if HALF_MADE.exists() or not PYTHON.exists():
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
    "No matching distribution": "the package index lacks a package of the lock",
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
    HALF_MADE.touch()
    say(f"making .venv with Python {platform.python_version()}")
    with_pip = importlib.util.find_spec("ensurepip") is not None
    if with_pip and logged([BASE, "-m", "venv", str(VENV)]) == 0:
        return
    say("this Python has no ensurepip: making .venv without pip and filling it with the system's")
    if logged([BASE, "-m", "venv", "--clear", "--without-pip", str(VENV)]) != 0:
        raise explain("making .venv")
    HALF_MADE.touch()


def pip() -> list[str]:
    """The pip that installs into `.venv`: its own, or the system's pointed at it."""
    if answer("import pip; print('here')"):
        return [str(PYTHON), "-m", "pip"]
    return [BASE, "-m", "pip", "--python", str(PYTHON)]


# --no-compile: half of the time of an installation went into bytecode, most of it of modules never imported.
QUIET = ("install", "--no-input", "--no-compile", "--disable-pip-version-check", "--retries", "2")


def install(group: Group) -> None:
    """The exact versions of a group's lock; below all groups, the project itself, editable."""
    count = sum(line[:1].isalpha() for line in group.lock.read_text().splitlines())
    large = " (torch is large: a minute or more)" if group is BASE_GROUP else ""
    say(f"installing {count} packages of {group.lock.name} into .venv{large}")
    if logged([*pip(), *QUIET, "-r", str(group.lock)]) != 0:
        raise explain(f"installing {group.lock.name}")
    if group is BASE_GROUP:
        say("installing levinthal itself, editable")
        if logged([*pip(), *QUIET, "--no-deps", "--no-build-isolation", "-e", str(ROOT)]) != 0:
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


def set_up(*groups: Group) -> None:
    """Make `.venv` ready for these groups, doing nothing at all when their stamps are right."""
    if not missing(groups):
        return
    wait_for_turn()
    try:
        if missing(groups):
            make_ready(groups)
    finally:
        while HELD:
            os.close(HELD.pop())


def make_ready(groups: tuple[Group, ...]) -> None:
    """Make or mend `.venv`, and fill it with what it lacks of these groups."""
    LOG.write_text("")
    kept = usable()
    if not kept:
        make_venv()
    elif any(VENV.glob("levinthal-stamp-*")):  # it is ours, so nobody minds if it is made anew after a kill
        HALF_MADE.touch()
    try:
        fill(groups, kept)
    except SetupError:
        HALF_MADE.unlink(
            missing_ok=True
        )  # pip said no, but left nothing half done: go on from here next time
        raise
    HALF_MADE.unlink(missing_ok=True)
    say("set-up done; it is not repeated until its locks or pyproject.toml change")


COMPILE = (
    "import numpy; from levinthal.estimators import mutual_information; "
    "x = numpy.random.default_rng(0).normal(size=(600, 40)); mutual_information(x, x + 1, checks='none')"
)


def fill(groups: tuple[Group, ...], kept: bool) -> None:
    """Install, prove and stamp each group; a `.venv` that was kept and does not pass is made anew once."""
    for group in [group for group in groups if read_stamp(group) != fingerprint(group)]:
        group.stamp.unlink(missing_ok=True)
        install(group)
        works = logged([str(PYTHON), "-c", group.proof]) == 0
        if not works and kept:
            make_venv()
            return fill(groups, kept=False)
        if not works:
            raise explain("importing what was installed")
        if group is BASE_GROUP:
            compile_loops()
        group.stamp.write_text(fingerprint(group))
    return None


def compile_loops() -> None:
    """Compile the inner loops, so that the first measurement does not wait for it."""
    say("compiling the inner loops, once (some seconds)")
    if logged([str(PYTHON), "-c", COMPILE]) != 0:
        raise explain("compiling the inner loops")


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
        say("to go on: `python3 dev.py run study list`, or a network that does not train:")
        say("`python3 dev.py run check examples/broken_digits.py:vanishing --treat`")
    return status


def run(arguments: list[str]) -> int:
    """Run the `levinthal` command of .venv from where you are: `dev.py run study list`."""
    command = [str(PYTHON), "-m", "levinthal", *arguments]
    return subprocess.run(command, check=False).returncode


def test(arguments: list[str]) -> int:
    """Run the tests that are not slow (--all: every one; --coverage: measured); the rest goes to pytest."""
    own = [word for word in arguments if word in ("--all", "--coverage")]
    rest = [word for word in arguments if word not in own]
    chosen = [] if "--all" in own else ["-m", "not slow"]
    workers = ["-n", str(min(cores(), 8))] if cores() > 1 else []
    say(f"running the {'whole suite' if not chosen else 'tests that are not slow'} on {cores()} cores")
    words = ("-m", "pytest", *workers, *chosen, *rest)
    return covered(*words) if "--coverage" in own else call(*words)


def covered(*words: str) -> int:
    """Run pytest, measured in its workers and in ours too; 1 where too little of the package was run."""
    call("-m", "coverage", "erase")
    failed = call("-m", "coverage", "run", *words)
    call("-m", "coverage", "combine", "--quiet")
    too_little = call("-m", "coverage", "report")  # the minimum is pyproject.toml's `fail_under`
    return failed or (1 if too_little else 0)


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
    """Write docs/cli.md and docs/findings.md anew, then build the site into site/; no study runs."""
    if arguments:
        raise SetupError(f"docs takes no arguments, got '{' '.join(arguments)}'")
    say("writing docs/cli.md and docs/findings.md")
    alarms = "benchmarks/results/false_alarms.json"
    pages = (("cli", "docs/cli.md"), ("clinic.presentation", "docs/findings.md", alarms))
    if any(call("-m", f"levinthal.{package}.reference", *words) for package, *words in pages):
        return 1
    say("building the site; every warning is an error")
    shutil.rmtree(ROOT / "site", ignore_errors=True)
    status = call("-m", "sphinx", "-q", "-W", "--keep-going", "docs", "site")
    say("the site: site/index.html" if status == 0 else "the site was not built without warnings")
    return status


class Command(NamedTuple):
    """A command and the groups it runs on."""

    run: Callable[[list[str]], int]
    groups: tuple[Group, ...]


BASE_ONLY, WITH_TESTS = (BASE_GROUP,), (BASE_GROUP, TEST_GROUP)
COMMANDS = {
    "demo": Command(demo, BASE_ONLY),
    "run": Command(run, BASE_ONLY),
    "test": Command(test, WITH_TESTS),
    "check": Command(check, WITH_TESTS),
    "bench": Command(bench, WITH_TESTS),
    "docs": Command(docs, (BASE_GROUP, DOCS_GROUP)),
}


def main(argv: list[str]) -> int:
    """Read the command, set up if needed, run it; 2 for anything that is not the command's own doing."""
    if argv[:1] in ([], ["-h"], ["--help"]) or argv[0] not in COMMANDS:
        lines = "".join(f"\n  {name:6} {command.run.__doc__}" for name, command in COMMANDS.items())
        print(f"usage: python3 dev.py {' | '.join(COMMANDS)} [arguments]\n{lines}")
        return 0 if "-h" in argv[:1] or "--help" in argv[:1] else 2
    try:
        require_python()
        command = COMMANDS[argv[0]]
        set_up(*command.groups)
        return command.run(argv[1:])
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
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # `dev.py --help | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 141
    sys.exit(code)
