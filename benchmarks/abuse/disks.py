"""Full disks and folders that may not be written: what is stored is safe, and the way out is named."""

from __future__ import annotations

import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.abuse import coins
from benchmarks.abuse.attack import Attack, Files

NOBODY = 65534
SIZES = (1, 512, 4096, 8192, 20_000, 40_000, 60_000, 80_000, 100_000, 120_000)
S = coins.STORE
COMMANDS = {
    "run": coins.RUN,
    "run with two workers": coins.RUN.replace("--workers 1", "--workers 2"),
    "report": coins.REPORT,
    "register": f"study register coins.py --store {S} --output claims.json",
    "export to csv": f"store export {S} rows.csv",
    "export to jsonl": f"store export {S} rows.jsonl",
    "export to a folder": f"store export {S} all",
    "merge into": f"store merge {S} other.sqlite",
    "merge into a new one": "store merge new.sqlite other.sqlite",
}


def attacks() -> Sequence[Attack]:
    """Each size of disk and each thing that may not be written, with each command that writes."""
    return [*_full(), *_barred()]


def _full() -> Iterator[Attack]:
    for size in SIZES:
        yield _limited("run", size, stored=False)
    for name in COMMANDS:
        if name not in ("run", "run with two workers"):
            for size in (1, 4096, 50_000):
                yield _limited(name, size, stored=True)


def _limited(name: str, size: int, stored: bool) -> Attack:
    """No file may grow beyond so many bytes; afterwards the store is sound, and the same command goes on."""

    def act(folder: Path) -> int:
        del folder
        return _with_full_disk(COMMANDS[name].split(), size)

    def check(folder: Path) -> list[str]:
        return _sound(folder, stored)

    codes = frozenset({0, 2})
    return Attack(
        f"full disk: {name}", f"{size} bytes", act, (), codes, prepare=_prepared(stored), check=check
    )


def _with_full_disk(argv: Sequence[str], size: int) -> int:
    """Run a command line in a fork whose files stay below a size; what it says goes through pipes."""
    pipes = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for (_, into), stream in zip(pipes, (1, 2), strict=True):
                os.dup2(into, stream)
            coins.streams_again()
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            from levinthal.cli import main

            code = main(argv)
            sys.stdout.flush()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    for (end, into), stream in zip(pipes, (1, 2), strict=True):
        os.close(into)
        while text := os.read(end, 65536):
            os.write(stream, text)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _prepared(stored: bool) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        Files(coins.FILES)(folder)
        (folder / "other.sqlite").write_bytes(coins.truth()[0])
        if stored:
            (folder / S).write_bytes(coins.truth()[0])

    return prepare


def _sound(folder: Path, stored: bool) -> list[str]:
    """What is wrong afterwards: a store that is not sound, rows that are lost, halves of files."""
    from levinthal.errors import LevinthalError
    from levinthal.lab import Store

    wrong = [f"half a file is left: {path.name}" for path in folder.iterdir() if path.name.startswith(".")]
    path, truth = folder / S, coins.truth()[1]
    if not path.exists() or not path.stat().st_size:
        return wrong
    try:
        with Store(path) as store:
            wrong += store.check()
        found = coins.read(path)
    except LevinthalError as error:
        return [*wrong, f"the store cannot be read afterwards: {error}"]
    if not found.rows <= truth.rows or (stored and found.rows != truth.rows):
        wrong.append("other rows")
    return wrong


def _barred() -> Iterator[Attack]:
    if os.geteuid() != 0:
        return
    for name in COMMANDS:
        for what in ("folder", "store", "store and folder"):
            yield _nobody(name, what)


def _nobody(name: str, what: str) -> Attack:
    """As somebody who may not write the folder, the store, or both; reading works all the same."""

    def prepare(folder: Path) -> None:
        _prepared(True)(folder)
        folder.parent.chmod(0o755)
        for path in folder.iterdir():
            path.chmod(0o666)
        folder.chmod(0o777)
        if "store" in what:
            (folder / S).chmod(0o444)
        if "folder" in what:
            folder.chmod(0o555)

    def act(folder: Path) -> int:
        del folder
        from levinthal.cli import main

        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        return main(COMMANDS[name].split())

    def check(folder: Path) -> list[str]:
        return _sound(folder, stored=True)

    return Attack(
        f"read-only: {name}", what, act, (), frozenset({0, 2}), prepare=prepare, check=check, kept=(S,)
    )
