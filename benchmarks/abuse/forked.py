"""Run an attack in a fork of this process, with a folder of its own, and judge what came back."""

from __future__ import annotations

import codecs
import os
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from benchmarks.abuse.attack import Answer, Attack

HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters and characters that change the direction of text; neither tab nor end of line."""
LINE = "levinthal: "
_leave = os._exit  # the command puts another one in its place, in its own process


def preload() -> None:
    """Import what the attacks import, once: each is a fork of this process."""
    import torch

    torch.set_num_threads(1)
    for encoding in ("ascii", "latin-1", "unicode-escape", "idna"):
        codecs.lookup(encoding)  # an attack without rights cannot import it any more
    import levinthal.cli
    import levinthal.clinic
    import levinthal.lab
    import levinthal.report.markdown
    import levinthal.report.stored
    import levinthal.report.svg
    import levinthal.studies  # noqa: F401


def faults_of(attack: Attack) -> list[str]:
    """Make an attack.

    Returns:
        What is wrong with the answer, a line each; empty where it is as it has to be.
    """
    with tempfile.TemporaryDirectory(prefix="abuse-") as name:
        folder = Path(name) / "here"
        folder.mkdir()
        if attack.prepare:
            attack.prepare(folder)
        before = {kept: _state(folder / kept) for kept in attack.kept}
        answer = answer_to(attack, folder)
        return [*judged(attack, answer), *_changed(folder, before), *_also(attack, folder)]


def _also(attack: Attack, folder: Path) -> list[str]:
    return attack.check(folder) if attack.check else []


def _changed(folder: Path, before: dict[str, object]) -> Iterator[str]:
    for kept, state in before.items():
        if _state(folder / kept) != state:
            yield f"{kept} was replaced or changed"


def _state(path: Path) -> object:
    """Kind, target, inode and bytes of a file; a folder's entries."""
    if not os.path.lexists(path):
        return None
    kind = os.lstat(path)
    link = os.readlink(path) if path.is_symlink() else ""
    content: object = path.read_bytes() if path.is_file() else None
    if path.is_dir():
        content = sorted(str(one.relative_to(path)) for one in path.rglob("*"))
    return kind.st_mode, kind.st_ino, link, content


def judged(attack: Attack, answer: Answer) -> list[str]:
    """What is wrong with an answer, a line each."""
    if answer.hung:
        return [f"no end after {answer.seconds:.0f} s"]
    said = f"{answer.out}\n{answer.err}"
    own = [line for line in answer.err.splitlines() if line.startswith(LINE)]
    missing = [word for word in attack.says if word.lower() not in said.lower()]
    wrong = {
        f"ended by signal {-answer.code}": answer.code < 0,
        f"exit code {answer.code}": answer.code >= 0 and answer.code not in attack.codes,
        "a traceback": "Traceback (most recent call last)" in said,
        "called a bug of ours": "bug of ours" in said,
        f"{len(own)} lines of error": answer.code == 2 and len(own) != 1,
        "hidden characters": bool(HIDDEN.search(said)),
        f"does not say {', '.join(map(repr, missing))}": bool(missing),
    }
    return [line for line, is_so in wrong.items() if is_so]


def answer_to(attack: Attack, folder: Path) -> Answer:
    """Run what an attack does in a child process that leads a group of its own, and wait for its end."""
    out, err = folder.parent / "stdout", folder.parent / "stderr"
    for path in (out, err):  # a child may be killed before it opens them
        path.touch(0o600)
    begun = time.monotonic()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _live(attack, folder, out, err)
    hung = _waited(child, begun + attack.seconds)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not hung:
        _end_group(child)
    seconds = time.monotonic() - begun
    said, complained = (path.read_text(encoding="utf-8", errors="replace") for path in (out, err))
    return Answer(code, said, complained, seconds, hung)


def _waited(child: int, deadline: float) -> bool:
    """Wait for the end of a process without taking its exit code; True where it had to be killed."""
    while time.monotonic() < deadline:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return False
        time.sleep(0.005)
    _end_group(child)
    return True


def _end_group(child: int) -> None:
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        return


def _live(attack: Attack, folder: Path, out: Path, err: Path) -> None:
    """The whole life of a child: it never returns."""
    code = 1
    try:
        os.setpgid(0, 0)
        _settle(folder, out, err)
        code = attack.act(folder)
    except SystemExit as left:  # what the console script would do with it
        code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):
                code = code or 1
        _leave(code & 0xFF if isinstance(code, int) else 1)


def _settle(folder: Path, out: Path, err: Path) -> None:
    """Files for the streams, nothing to read, a home of its own, and a bound on what it may write."""
    for stream, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    os.chdir(folder)
    os.environ.update(HOME=str(folder), XDG_CACHE_HOME=str(folder / ".cache"), COLUMNS="200")
    for name in ("LEVINTHAL_DATA", "NO_COLOR", "FORCE_COLOR", "PYTHONWARNINGS"):
        os.environ.pop(name, None)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
