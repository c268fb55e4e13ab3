"""`levinthal data get` from a server of ours, and what has to be true afterwards."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.abuse.attack import Act, Attack
from benchmarks.abuse.loopback import FOLDER, Answering, certificate, contents, publish, served, zipped

GET = "data get mnist --data-dir sets --base-url"
SCALED = 1.0
"""The limits of time, in seconds, where an attack is about them: the rules are the same."""
SMALL = contents()


@dataclass(frozen=True, slots=True)
class Getting:
    """`data get mnist` from a server that answers like this.

    Attributes:
        answering: What the server sends.
        scaled: Whether the limits of time are short.
        tls: Whether the server speaks https.
        before: What is done before the command.
        address: The address, with the server's own at {}.
    """

    answering: Answering
    scaled: bool = False
    tls: bool = False
    before: Callable[[], object] | None = None
    address: str = "{}"

    def __call__(self, folder: Path) -> int:
        """The exit code of the command."""
        settle(scaled=self.scaled)
        key = certificate(folder) if self.tls else None
        url = served(self.answering, zipped(SMALL), key)
        if self.before:
            self.before()
        return said(f"{GET} {self.address.format(url)}")


def settle(*, scaled: bool = False) -> None:
    """The small data set is mnist, no proxy is asked, and time runs fast where it has to."""
    os.environ["no_proxy"] = "127.0.0.1,localhost"
    publish(SMALL)
    if scaled:
        from levinthal.data import mirrors, part

        mirrors.TIMEOUT = mirrors.WINDOW = SCALED
        part.PATIENCE = 4 * SCALED


def said(line: str) -> int:
    """The exit code of a command line in this process."""
    from levinthal.cli import main

    return main(line.split())


def whole(folder: Path) -> list[str]:
    """What is wrong with the files that stand under their own names."""
    there = {name: folder / FOLDER / f"{name}.gz" for name in SMALL}
    wrong = [name for name, path in there.items() if path.is_file() and not _is_right(path, SMALL[name])]
    return [f"{name}.gz has its name and another content" for name in wrong]


def _is_right(path: Path, content: bytes) -> bool:
    data = path.read_bytes()
    try:
        return data == content or gzip.decompress(data) == content
    except (OSError, EOFError):
        return False


def complete(folder: Path) -> list[str]:
    """Also that all files are there, and nothing else."""
    there = sorted(path.name for path in (folder / FOLDER).iterdir())
    wanted = sorted(f"{name}.gz" for name in SMALL)
    return whole(folder) + ([] if there == wanted else [f"there is {there}"])


def refused(kind: str, name: str, act: Act, *says: str, **more: object) -> Attack:
    """It cannot be downloaded, and the line says why."""
    return Attack(kind, name, act, ("train-images", *says), check=whole, **more)  # type: ignore[arg-type]


def done(kind: str, name: str, act: Act, **more: object) -> Attack:
    """It is downloaded all the same."""
    return Attack(kind, name, act, codes=frozenset({0}), check=complete, **more)  # type: ignore[arg-type]
