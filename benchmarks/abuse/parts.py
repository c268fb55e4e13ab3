"""What lies in the folder of a download: parts, files of the same name; other processes; memory."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.abuse import getting, loopback, servers
from benchmarks.abuse.attack import Attack
from benchmarks.abuse.loopback import FOLDER, Answering, Asked, good, served, zipped

NAME = "train-images-idx3-ubyte.gz"
PART = FOLDER / f"{NAME}.part"
TARGET = FOLDER / NAME
MINE = b"the user's own work\n" * 9


def _body() -> bytes:
    return zipped(getting.SMALL)[f"/{NAME}"]


def made(make: Callable[[Path], object]) -> Callable[[Path], None]:
    """The folder of the download, and a file of the user's beside; then `make`."""

    def prepare(folder: Path) -> None:
        (folder / FOLDER).mkdir(parents=True)
        (folder / "mine.txt").write_bytes(MINE)
        make(folder)

    return prepare


def _wrote(content: Callable[[], bytes], where: Path = PART) -> Callable[[Path], object]:
    return lambda folder: (folder / where).write_bytes(content())


def _parts() -> list[Attack]:
    get = getting.Getting(good)
    odd: dict[str, Callable[[Path], object]] = {
        "a link to a user's file": lambda f: (f / PART).symlink_to(f / "mine.txt"),
        "a link to nothing": lambda f: (f / PART).symlink_to(f / "made.txt"),
        "a hard link to a user's file": lambda f: os.link(f / "mine.txt", f / PART),
        "a FIFO": lambda f: os.mkfifo(f / PART),
        "a folder": lambda f: (f / PART).mkdir(),
        "a folder with files": lambda f: shutil.copytree(f, f / PART, ignore=lambda *_: ["sets"]),
        "a link to a device": lambda f: (f / PART).symlink_to("/dev/zero"),
        "a link to a full device": lambda f: (f / PART).symlink_to("/dev/full"),
        "a link to itself": lambda f: (f / PART).symlink_to(f / PART),
    }
    kept = ("mine.txt", str(PART), "made.txt")
    found = [
        getting.refused("part", name, get, ".part", prepare=made(make), kept=kept)
        for name, make in odd.items()
    ]
    files: dict[str, Callable[[], bytes]] = {
        "empty": bytes,
        "a beginning": lambda: _body()[:100_000],
        "complete": _body,
        "larger than the file": lambda: _body() + b"?",
        "much larger than the file": lambda: _body() * 5,
        "of another file": lambda: gzip.compress(b"another") * 100,
        "a bomb": lambda: servers.bomb(100 << 20),
        "of zeros": lambda: bytes(1000),
    }
    return found + [
        getting.done("part", name, get, prepare=made(_wrote(content))) for name, content in files.items()
    ]


def _kept_parts() -> list[Attack]:
    """A part that is good stays where a server sends rubbish."""

    def lost(folder: Path) -> list[str]:
        there = (folder / PART).is_file() and (folder / PART).read_bytes() == _body()[:100_000]
        return [] if there else ["the part was lost"]

    prepare = made(_wrote(lambda: _body()[:100_000]))
    rubbish = {
        "an HTML page": servers.whole(servers.HTML, Content_Type="text/html"),
        "an HTML page that says it is a file": servers.whole(servers.HTML, Content_Type="application/gzip"),
        "500": servers.status("500 Error"),
        "nothing": servers.whole(b""),
        "a redirect to http": servers.redirect("http://example.org/"),
        "a huge length": servers.raw(servers.BIG),
    }
    return [
        Attack("kept part", name, getting.Getting(act), check=lost, prepare=prepare)
        for name, act in rubbish.items()
    ]


def _targets() -> list[Attack]:
    get = getting.Getting(good)
    odd: dict[str, Callable[[Path], object]] = {
        "another file": _wrote(lambda: MINE, TARGET),
        "a link to nothing": lambda f: (f / TARGET).symlink_to(f / "made.txt"),
        "a link to another file": lambda f: (f / TARGET).symlink_to(f / "mine.txt"),
        "a FIFO": lambda f: os.mkfifo(f / TARGET),
        "a folder": lambda f: (f / TARGET).mkdir(),
        "a link to a device": lambda f: (f / TARGET).symlink_to("/dev/zero"),
        "a bomb": _wrote(lambda: servers.bomb(300 << 20), TARGET),
        "a sparse file of 1 TB": lambda f: os.truncate(_touched(f / TARGET), 1 << 29),
        "empty": _wrote(bytes, TARGET),
        "plain, and another": _wrote(lambda: MINE, TARGET.with_suffix("")),
        "plain, a FIFO": lambda f: os.mkfifo((f / TARGET).with_suffix("")),
    }
    kept = ("mine.txt", str(TARGET), str(TARGET.with_suffix("")), "made.txt")
    return [
        Attack(
            "file in its place", name, get, ("train-images", "move it away"), kept=kept, prepare=made(make)
        )
        for name, make in odd.items()
    ]


def _touched(path: Path) -> Path:
    path.touch()
    return path


def _slowly(to: socket.socket, asked: Asked) -> None:
    """In pieces, so that others come between."""
    size = len(asked.body)
    span = {"Content_Range": f"bytes {asked.start}-{size - 1}/{size}"} if asked.start else {}
    line = "206 Partial Content" if asked.start else "200 OK"
    to.sendall(loopback.head(line, Content_Length=size - asked.start, **span))
    for begin in range(asked.start, size, 20_000):
        to.sendall(asked.body[begin : begin + 20_000])
        time.sleep(0.05)


def _child(url: str) -> int:
    """A process that downloads; its id."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        code = getting.said(f"{getting.GET} {url}")
        sys.stdout.flush()
        os._exit(code)
    return child


def _together(count: int) -> Callable[[Path], int]:
    def act(folder: Path) -> int:
        del folder
        getting.settle()
        url = served(_slowly, zipped(getting.SMALL))
        children = [_child(url) for _ in range(count)]
        return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)

    return act


def _stopped(number: int, *, scaled: bool) -> Callable[[Path], int]:
    """One process gets a signal in the middle; then another getting."""

    def act(folder: Path) -> int:
        getting.settle(scaled=scaled)
        url = served(_slowly, zipped(getting.SMALL))
        child = _child(url)
        while not (folder / PART).exists() or (folder / PART).stat().st_size < 60_000:
            time.sleep(0.005)
        os.kill(child, number)
        return getting.said(f"{getting.GET} {url}")

    return act


def _processes() -> list[Attack]:
    done = getting.done
    return [
        done("processes", "two at once", _together(2)),
        done("processes", "five at once", _together(5)),
        done("processes", "killed, and again", _stopped(signal.SIGKILL, scaled=False)),
        done("processes", "ended, and again", _stopped(signal.SIGTERM, scaled=False)),
        getting.refused(
            "processes", "stopped for ever, and another", _stopped(signal.SIGSTOP, scaled=True), "process"
        ),
    ]


def _memory() -> list[Attack]:
    """At most three times the published size, whatever is sent: 30 MB of pixels."""

    def measured(answering: Answering) -> Callable[[Path], int]:
        def act(folder: Path) -> int:
            large = loopback.contents(40_000)
            size = sum(len(body) for body in zipped(large).values())
            url = served(answering, zipped(large))
            getting.SMALL.clear()
            getting.SMALL.update(large)
            getting.settle()
            code = getting.said("data list")
            begun = _kilobytes("VmRSS")
            Path("/proc/self/clear_refs").write_text("5")
            code = getting.said(f"{getting.GET} {url}")
            (folder / "times").write_text(str((_kilobytes("VmHWM") - begun) * 1024 / size))
            return code

        return act

    def excess(folder: Path) -> list[str]:
        times = float((folder / "times").read_text())
        print(f"memory of a download: {times:.2f} of its size")
        return [f"memory of {times:.1f} times the size"] if times > 3 else []

    ways = {"good": (good, 0), "a bomb": (servers.whole(servers.bomb(1 << 30)), 2)}
    return [
        Attack("memory", name, measured(answering), codes=frozenset({code}), check=excess)
        for name, (answering, code) in ways.items()
    ]


def _kilobytes(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def attacks() -> Sequence[Attack]:
    """Everything about the part of a download."""
    groups = (_parts, _kept_parts, _targets, _processes, _memory)
    return [attack for group in groups for attack in group()]
