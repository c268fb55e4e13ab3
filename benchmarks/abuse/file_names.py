"""Names, places and encodings of a user's Python file."""

from __future__ import annotations

import os
import shlex
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.abuse.attack import Attack, Files, command
from benchmarks.abuse.problem_text import GOOD, problem_text

ANY_ANSWER = frozenset({0, 1, 3, 4})
"""The file was read, and its problem examined."""
GOOD_FILE = problem_text()
SCRIPT = """\
import torch
net = torch.nn.Linear(8, 4)
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for step in range(12):
    optimizer.zero_grad()
    net(torch.randn(16, 8)).square().mean().backward()
    optimizer.step()
"""
FINE = (
    "my train.py",
    "my.train.v2.py",
    "..py",
    ".hidden.py",
    "train.py.py",
    "t\u00e4st.py",
    "te\u0301st.py",
    "\u7f51\u7edc.py",
    "\U0001f600.py",
    "a'b.py",
    'a"b.py',
    "a;b.py",
    "$HOME.py",
    "[red]train[/].py",
    "*.py",
    "%s.py",
    "{name}.py",
    "train\\n.py",
    "2train.py",
    "class.py",
    "x-y.py",
    "deep/er/train.py",
    "~train/x.py",
    "with space/a b.py",
    "-train.py",
    "n" * 200 + ".py",
)
"""Names that are unusual, and allowed."""
TAKEN = (
    "torch.py",
    "random.py",
    "json.py",
    "numpy.py",
    "levinthal.py",
    "sys.py",
    "__main__.py",
    "builtins.py",
)
"""Names of other modules."""
NOT_THERE = (
    "nothing.py:problem",
    "nothing.py",
    "~nobody/train.py:problem",
    "~nobody/train.py",
    "~nobody.py",
    "folder.py:problem",
    "folder.py",
    "fifo.py:problem",
    "fifo.py",
    "dangling.py:problem",
    "dangling.py",
    "loop.py:problem",
    "/dev/null.py:problem",
    "n" * 300 + ".py:problem",
    "a/" * 2500 + "x.py:problem",
    "good.py/train.py:problem",
    "good.zip/train.py:problem",
    "good.pyc:problem",
    "good.pyc",
    "good.txt:problem",
    "good",
    "good:problem",
    "'':problem",
    "''",
    "' '",
    ".py:problem",
    ".py",
    ":problem",
    "problem",
    "~",
    ".",
    "/",
    "good.py:nothing",
    "good.py:a.b",
    "good.py:problem:problem",
    "good.py:__name__",
    "good.py:'problem '",
    "good.py::problem",
    "good.PY:problem",
    "'\u202egood.py:problem'",
    "'\x1b[31mgood.py:problem'",
    "good.py:'\x1b[31mred'",
    "'go\nod.py:problem'",
)


def attacks() -> Sequence[Attack]:
    """Names that have to work, names that cannot, and contents that are no Python."""
    return [*_fine(), *_taken(), *_missing(), *_contents(), *_beside()]


def _check(kind: str, name: str, files: Mapping[str, str | bytes], *says: str, **more: object) -> Attack:
    line = f"check {shlex.quote(name)}"
    return command(kind, line, *says, files=files, name=repr(name)[:60], **more)  # type: ignore[arg-type]


def _fine() -> Iterator[Attack]:
    for name in FINE:
        given = f"./{name}" if name.startswith(("-", "~")) else name
        yield _check("names", f"{given}:problem", {name: GOOD_FILE}, codes=set(ANY_ANSWER))
        yield _check("names of scripts", given, {name: SCRIPT}, codes=set(ANY_ANSWER))
    yield _check("names", "-train.py:problem", {"-train.py": GOOD_FILE}, "-train.py")


def _taken() -> Iterator[Attack]:
    for name in TAKEN:
        yield _check("names", f"{name}:problem", {name: GOOD_FILE}, name, "rename")


def _missing() -> Iterator[Attack]:
    for name in NOT_THERE:
        yield command("missing", f"check {name}", name=repr(name)[:60], prepare=_odd_files)


def _odd_files(folder: Path) -> None:
    Files({"good.py": GOOD_FILE, "good.txt": GOOD_FILE, "good": GOOD_FILE, "good.pyc": b"\x00\x01"})(folder)
    (folder / "folder.py").mkdir()
    os.mkfifo(folder / "fifo.py")
    (folder / "dangling.py").symlink_to("nowhere.py")
    (folder / "loop.py").symlink_to("loop.py")
    with zipfile.ZipFile(folder / "good.zip", "w") as archive:
        archive.writestr("train.py", GOOD_FILE)


def _contents() -> Iterator[Attack]:
    latin = GOOD_FILE + "word = 'caf\u00e9'\n"
    comment = "#" + "x" * 99 + "\n"
    works: dict[str, bytes] = {
        "a byte order mark": b"\xef\xbb\xbf" + GOOD_FILE.encode(),
        "CRLF": GOOD_FILE.replace("\n", "\r\n").encode(),
        "CR": GOOD_FILE.replace("\n", "\r").encode(),
        "latin-1, declared": ("# coding: latin-1\n" + latin).encode("latin-1"),
        "10 MB": GOOD_FILE.encode() + comment.encode() * 100_000,
        "tabs": GOOD_FILE.replace("    ", "\t").encode(),
        "no end of line": GOOD_FILE.rstrip().encode(),
    }
    fails: dict[str, bytes] = {
        "empty": b"",
        "latin-1": latin.encode("latin-1"),
        "UTF-16": GOOD_FILE.encode("utf-16"),
        "NUL bytes": GOOD_FILE.replace("import sys", "import sys\0").encode(),
        "only NUL": b"\0" * 4096,
        "random bytes": bytes(range(256)) * 9,
        "an unknown coding": b"# coding: klingon\n" + GOOD_FILE.encode(),
        "HTML": b"<html></html>\n",
        "a notebook": b'{"cells": []}\n',
        "deep brackets": b"x = " + b"(" * 5000 + b")" * 5000 + b"\n",
        "deep sums": b"x = " + b"-" * 200_000 + b"1\n",
        "an ELF file": b"\x7fELF\x02\x01\x01" + b"\0" * 99,
        "comments only": b"# nothing\n",
    }
    for name, content in works.items():
        line = "check train.py:problem"
        yield command("contents", line, name=name, files={"train.py": content}, codes=set(ANY_ANSWER))
    for name, content in fails.items():
        for line in ("check train.py:problem", "check train.py", "check --script train.py"):
            title = f"{name}, {line}"
            yield command("contents", line, "train.py", name=title, files={"train.py": content})


def _beside() -> Iterator[Attack]:
    """Modules beside the file, files of one name, and a file that is loaded twice."""
    helper = "import torch\n\n\ndef net():\n    return torch.nn.Linear(8, 4)\n"
    uses = GOOD_FILE.replace(GOOD["model"], "net")
    both = {"here/helper_beside.py": helper, "here/train.py": f"from helper_beside import net\n{uses}"}
    yield _check("beside", "here/train.py:problem", both, codes=set(ANY_ANSWER))
    relative = both | {"here/train.py": f"from .helper_beside import net\n{uses}", "here/__init__.py": ""}
    yield _check("beside", "here/train.py:problem", relative, "train.py:1", "relative import")
    package = {"here/__init__.py": GOOD_FILE}
    yield _check("beside", "here/__init__.py:problem", package, codes=set(ANY_ANSWER))
    broken = both | {"here/helper_beside.py": "raise SystemExit(0)\n"}
    yield _check("beside", "here/train.py:problem", broken, "train.py:1", "SystemExit")
    itself = {"train.py": f"import train\n{GOOD_FILE}"}
    yield _check("beside", "train.py:problem", itself, codes=set(ANY_ANSWER))
    twice = {"a/train.py": GOOD_FILE, "b/train.py": GOOD_FILE}
    line = "check a/train.py:problem --against"
    for other in ("a/train.py:problem", "b/train.py:problem", "./a/../a/train.py:problem"):
        yield command("beside", f"{line} {other}", files=twice, codes=set(ANY_ANSWER))
