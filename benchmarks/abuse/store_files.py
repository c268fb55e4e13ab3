"""Files that are no store, and stores that are damaged, newer or locked, for each command that reads one."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from benchmarks.abuse import coins
from benchmarks.abuse.attack import Attack, command

Make = Callable[[Path], object]
S = coins.STORE
COMMANDS: Mapping[str, str] = {
    "run": coins.RUN,
    "report": coins.REPORT,
    "register": f"study register coins.py --store {S} --output claims.json",
    "check": f"store check {S}",
    "export": f"store export {S} rows.csv",
    "merge from": f"store merge new.sqlite {S}",
    "merge into": f"store merge {S} other.sqlite",
}


def attacks() -> Sequence[Attack]:
    """Each kind of file with each command, then names of stores, locks, and two commands at once."""
    return [*_files(), *_names(), *_locks(), *_together(), *_subcommands()]


def whole(path: Path) -> None:
    path.write_bytes(coins.truth()[0])


def _cut(path: Path, keep: int) -> None:
    path.write_bytes(coins.truth()[0][:keep])


def _patched(path: Path, at: int, new: bytes) -> None:
    content = coins.truth()[0]
    path.write_bytes(content[:at] + new + content[at + len(new) :])


def _noise(path: Path) -> None:
    content = bytearray(coins.truth()[0])
    content[200:] = random.Random(3).randbytes(len(content) - 200)
    path.write_bytes(content)


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE photos (id)")


def _sql(path: Path, *statements: str) -> None:
    whole(path)
    with closing(sqlite3.connect(path)) as held:
        for statement in statements:
            held.execute(statement)
        held.commit()


def _version(path: Path, number: int) -> None:
    _sql(path, f"PRAGMA user_version = {number}")


def _bad_text(path: Path) -> None:
    content = coins.truth()[0]
    at = content.index(b"bootstrap")
    _patched(path, at, b"\xff\xfe")


def _with_folder(path: Path) -> None:
    whole(path)
    Path(f"{path}-wal").mkdir()


def _cyclic(path: Path) -> None:
    path.symlink_to(path.name)


def _unreadable(path: Path) -> None:
    whole(path)
    path.chmod(0)


def _without(table: str, path: Path) -> None:
    _sql(path, "PRAGMA writable_schema = ON", f"DELETE FROM sqlite_master WHERE name = '{table}'")


REFUSED: Mapping[str, tuple[Make, str]] = {
    "a text": (lambda path: path.write_text("hello\n"), "not a store"),
    "a gzip file": (lambda path: path.write_bytes(b"\x1f\x8b" + bytes(999)), "not a store"),
    "zeros": (lambda path: path.write_bytes(bytes(9999)), "not a store"),
    "the photos of another program": (_foreign, "another program"),
    "a folder": (lambda path: path.mkdir(), "folder"),
    "a FIFO": (os.mkfifo, "pipe"),
    "a link to itself": (_cyclic, "link"),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), "device"),
    "a link to /dev/null": (lambda path: path.symlink_to("/dev/null"), "device"),
    "a folder as its log": (_with_folder, ""),
    "cut in its head": (partial(_cut, keep=60), "damaged"),
    "cut in its first page": (partial(_cut, keep=2000), "damaged"),
    "cut after its first page": (partial(_cut, keep=4096), "damaged"),
    "cut in the middle": (partial(_cut, keep=45_000), "damaged"),
    "noise after its head": (_noise, "damaged"),
    "newer": (partial(_version, number=99), "newer"),
    "negative version": (partial(_version, number=-3), "version"),
    "the largest version": (partial(_version, number=2**31 - 1), "newer"),
    "without its runs": (partial(_without, "runs"), ""),
    "without its measurements": (partial(_without, "measurements"), ""),
    "without its meta": (partial(_without, "meta"), ""),
}


def _files() -> Iterator[Attack]:
    for what, (make, says) in REFUSED.items():
        for name, line in COMMANDS.items():
            if (what, name) == ("a link to itself", "register"):  # there is no store, and it says so
                continue
            yield _on(f"a store that is none, or broken: {name}", what, line, make, says)
    for name in ("report", "check", "export", "merge from"):
        yield _on("a store of zero bytes", name, COMMANDS[name], lambda path: path.touch(), "no store")
        yield _on("no store", name, COMMANDS[name], lambda _: None, "no store", kept=())


def _on(kind: str, name: str, line: str, make: Make, says: str, kept: tuple[str, ...] = (S,)) -> Attack:
    def prepare(folder: Path) -> None:
        (folder / "coins.py").write_text(coins.STUDY)
        whole(folder / "other.sqlite")
        make(folder / S)

    words = (says,) if says else ()
    # A check may also end with its list of faults.
    codes = {1, 2} if name.startswith(("cut in the middle", "without")) or "check" in line else {2}
    return command(kind, line, *words, name=name, prepare=prepare, kept=kept, codes=codes)


NAMES = {
    ":memory:": "memory",
    "file:x?mode=memory": "not the path",
    "file:///tmp/x.sqlite": "not the path",
    "http://host/x.sqlite": "address",
    "sqlite:///x.sqlite": "address",
    "''": "",
    ".": "folder",
    "/": "folder",
    "/dev/null": "device",
    "/dev/full": "device",
    "/proc/self/mem": "",
    "/nowhere-at-all/../../x/\0": "",
    "coins.py": "not a store",
    "coins.py/x.sqlite": "",
    "x" * 300: "",
}


def _names() -> Iterator[Attack]:
    for store, says in NAMES.items():
        if "\0" in store:
            continue
        for base in (coins.RUN, coins.REPORT, f"store check {S}", f"store merge {S} other.sqlite"):
            line = base.replace(S, f"'{store}'" if store != "''" else store)
            yield _named(line, says)


def _named(line: str, says: str) -> Attack:
    def prepare(folder: Path) -> None:
        (folder / "coins.py").write_text(coins.STUDY)
        whole(folder / "other.sqlite")

    words = (says,) if says else ()
    return command("a name that is no store's", line, *words, prepare=prepare, kept=("coins.py",))


def _locks() -> Iterator[Attack]:
    for name in ("run", "report", "merge into"):
        yield _locked("BEGIN IMMEDIATE", name)
    for name in ("run", "report", "check", "export", "merge from", "merge into"):
        yield _locked("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", name)


def _locked(how: str, name: str) -> Attack:
    """Another process holds the lock for three seconds: the command says so, waits, and ends well."""

    def prepare(folder: Path) -> None:
        (folder / "coins.py").write_text(coins.STUDY)
        whole(folder / "other.sqlite")
        whole(folder / S)
        _hold(folder / S, how, seconds=4.0)

    line = COMMANDS[name]
    return command(
        "locked by a stranger", line, "locked", "wait", name=f"{name}: {how}", prepare=prepare, codes={0}
    )


def _hold(path: Path, how: str, seconds: float) -> None:
    """Hold the lock in another process, and return once it is held."""
    ready, told = os.pipe()
    if os.fork() == 0:
        signal.alarm(60)
        held = sqlite3.connect(path, isolation_level=None)
        for statement in how.split(";"):
            held.execute(statement)
        os.write(told, b".")
        time.sleep(seconds)
        held.close()
        os._exit(0)
    os.read(ready, 1)
    os.close(ready)
    os.close(told)


def _together() -> Iterator[Attack]:
    """Two and three commands on one store measure each run once."""
    for count in (2, 2, 3):
        yield _several(count, "begun together")
    yield _several(2, "the first is stopped by Ctrl-C", signal.SIGINT)
    yield _several(2, "the first is killed", signal.SIGKILL)


LOGGED = coins.STUDY.replace(
    "    time.sleep(0.004)\n",
    "    open('log', 'a').write(''.join(f'{task.cell} {s}\\n' for s in task.seeds)); time.sleep(0.15)\n",
)


def _several(count: int, name: str, sent: signal.Signals | None = None) -> Attack:
    def act(folder: Path) -> int:
        (folder / "coins.py").write_text(LOGGED)
        begun = []
        for number in range(count):
            line = coins.RUN.replace("page", f"page{number}")
            begun.append((coins.started(line.split(), str(number)), str(number)))
        if sent:
            while not (folder / "log").exists():
                time.sleep(0.01)
            time.sleep(0.5)
            os.kill(begun[0][0], sent)
        codes = [coins.ended(*one)[0] for one in begun]
        return _shared(folder, codes[1:] if sent else codes, slack=6 if sent else 0)

    return Attack("several commands on one store", name, act, codes=frozenset({0}), seconds=60)


def _shared(folder: Path, codes: Sequence[int], slack: int) -> int:
    lines = (folder / "log").read_text().splitlines()
    truth = coins.truth()[1]
    found = coins.read(folder / S)
    wrong = {
        f"exit codes {codes}": any(codes),
        f"{len(lines)} runs were measured for {len(truth.runs)}": len(lines) > len(truth.runs) + slack,
        "other rows": found.rows != truth.rows,
    }
    for line, is_so in wrong.items():
        if is_so:
            print(line)
    return int(any(wrong.values()))


def _subcommands() -> Iterator[Attack]:
    """`store check | export | merge` with words that nobody foresaw."""
    for line, says in (
        ("store", ""),
        ("store chekc x", "check"),
        ("store check", ""),
        (f"store export {S} rows.xlsx", ".csv"),
        (f"store export {S} {S}", "name a file"),
        (f"store export {S} coins.py", "name a file"),
        (f"store export {S} nowhere/../../../../../proc/x.csv", ""),
        (f"store export {S} full", "exists"),
        (f"store merge {S} {S}", "same"),
        (f"store merge {S} ./{S}", "same"),
        (f"store merge {S} link.sqlite", "same"),
        (f"store merge {S}", ""),
        (f"store merge {S} none.sqlite", "no store"),
        (f"store merge {S} coins.py", "not a store"),
    ):
        yield _sub(line, says)


def _sub(line: str, says: str) -> Attack:
    def prepare(folder: Path) -> None:
        (folder / "coins.py").write_text(coins.STUDY)
        whole(folder / S)
        (folder / "full").mkdir()
        (folder / "full" / "mine").write_text("mine")
        (folder / "link.sqlite").symlink_to(S)

    words = (says,) if says else ()
    codes = {0, 2} if line == "store" else {2}
    return command(
        "words of the store's commands",
        line,
        *words,
        prepare=prepare,
        kept=("coins.py", "full", S),
        codes=codes,
    )
