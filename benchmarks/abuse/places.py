"""The folder that a download goes to, and the variable that names it, of every wrong kind."""

from __future__ import annotations

import os
import resource
import shutil
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.abuse import getting
from benchmarks.abuse.attack import Attack, command
from benchmarks.abuse.loopback import FOLDER, Asked, good, served, zipped
from benchmarks.abuse.parts import MINE, TARGET, made


def _nothing(folder: Path) -> None:
    del folder


def _replaced(folder: Path) -> list[str]:
    return [] if (folder / TARGET).read_bytes() == MINE else [f"{TARGET} was replaced"]


def _places() -> list[Attack]:
    def full(folder: Path) -> int:
        return getting.Getting(good, before=lambda: _limit(100_000))(folder)

    def vanishing(to: socket.socket, asked: Asked) -> None:
        shutil.rmtree("sets")
        good(to, asked)

    def unwritable() -> None:
        getting.said("data list")  # imports what nobody else may read
        os.chmod("..", 0o755)
        os.chmod(FOLDER, 0o555)
        os.setuid(65534)

    def appearing(to: socket.socket, asked: Asked) -> None:
        TARGET.write_bytes(MINE)
        good(to, asked)

    say = ("sets",)
    refused = getting.refused
    found = [
        Attack(
            "folder", "is a file", getting.Getting(good), say, prepare=lambda f: (f / "sets").write_bytes(b"")
        ),
        Attack("folder", "of the set is a file", getting.Getting(good), say, prepare=_file_of_set),
        Attack(
            "folder",
            "is a link to nothing",
            getting.Getting(good),
            say,
            prepare=lambda f: (f / "sets").symlink_to("gone"),
        ),
        Attack("folder", "is a FIFO", getting.Getting(good), say, prepare=lambda f: os.mkfifo(f / "sets")),
        refused("folder", "vanishes", getting.Getting(vanishing), prepare=made(_nothing)),
        refused("folder", "has no room", full, "part", "room", prepare=made(_nothing)),
        Attack(
            "folder",
            "read-only",
            getting.Getting(good, before=unwritable),
            say,
            prepare=made(_nothing),
        ),
        Attack(
            "folder",
            "the user's file appears meanwhile",
            getting.Getting(appearing),
            ("train-images",),
            prepare=made(_nothing),
            check=_replaced,
        ),
    ]
    names = ("~nobody_at_all/x", "a" * 300, "/dev/null", "/proc/x", "/dev/null/x", "sets\u202e/\x1b[31m/\x00")
    found += [command("folder", f"data get mnist --data-dir {name}", name=ascii(name)[:40]) for name in names]
    odd = {"brackets": "[bold]", "closing": "[/red]", "a space": "a b", "a dot": ".hidden", "unicode": "dätä"}
    return found + [_named(name, folder) for name, folder in odd.items()]


def _file_of_set(folder: Path) -> None:
    (folder / "sets").mkdir()
    (folder / FOLDER).write_bytes(b"")


def _limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _named(name: str, odd: str) -> Attack:
    """A good download into a folder of an odd name, which has to be shown as it stands."""

    def act(folder: Path) -> int:
        from levinthal.cli import main

        del folder
        getting.settle()
        url = served(good, zipped(getting.SMALL))
        return main(["data", "get", "mnist", "--data-dir", odd, "--base-url", url])

    return Attack("folder", f"named with {name}", act, (f"mnist is in {odd}",), codes=frozenset({0}))


def _variables() -> list[Attack]:
    def act_with(value: bytes, line: str) -> Callable[[Path], int]:
        def act(folder: Path) -> int:
            del folder
            os.environb[b"LEVINTHAL_DATA"] = value
            return getting.said(line)

        return act

    values = {
        "a file": b"file",
        "nothing there": b"gone/at/all",
        "a FIFO": b"fifo",
        "a device": b"/dev/null",
        "a link to itself": b"loop",
        "300 characters": b"a" * 300,
        "nobody's home": b"~nobody_at_all/x",
        "no UTF-8": b"\xff\xfe",
        "escapes": b"\x1b[31m",
        "two lines": b"a\nb",
    }

    def prepare(folder: Path) -> None:
        (folder / "file").write_bytes(b"")
        os.mkfifo(folder / "fifo")
        (folder / "loop").symlink_to("loop")

    lines = ("data list", "study run init-and-momentum --preset standard --output p.html")
    found = [
        Attack("variable", f"{name}: {line[:9]}", act_with(value, line), ("LEVINTHAL_DATA",), prepare=prepare)
        for name, value in values.items()
        for line in lines
    ]
    get = ("a file", "a FIFO", "a device", "a link to itself", "300 characters", "nobody's home")
    return found + [
        Attack(
            "variable",
            f"{name}: data get",
            act_with(values[name], "data get mnist"),
            ("LEVINTHAL_DATA",),
            prepare=prepare,
        )
        for name in get
    ]


def attacks() -> Sequence[Attack]:
    """Everything about where a download goes."""
    return [*_places(), *_variables()]
