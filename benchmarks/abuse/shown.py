"""What was written and printed, looked through for hostile text that is alive."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from benchmarks.abuse.forked import HIDDEN
from benchmarks.abuse.hostile_texts import HOST, MARK

MORE_HIDDEN = re.compile("[\u2028\u2029\ufeff\u2060\ud800-\udfff]")
LONG = 200_000


def alive(folder: Path) -> list[str]:
    """What is wrong in the files of the folder and in what was printed, a line each."""
    found = list(_printed(folder.parent / "stdout")) + list(_printed(folder.parent / "stderr"))
    looks = {".html": _page, ".md": _markdown, ".csv": _table, ".json": _nothing, ".sarif": _nothing}
    for path in sorted(folder.rglob("*")):
        look = looks.get(path.suffix) if path.is_file() else None
        if look:
            try:
                text = path.read_bytes().decode("utf-8")
            except UnicodeDecodeError:
                found.append(f"{path.suffix}: no UTF-8")
                continue
            found += [f"{path.suffix}: {fault}" for fault in (*_hidden(text), *look(text))]
    return found


def _printed(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8", errors="replace")
    if MORE_HIDDEN.search(text):
        yield f"{path.name}: hidden characters"
    if any(line.startswith("HOSTILE") for line in text.split("\n")):
        yield f"{path.name}: a line of its own"
    if len(text) > LONG:
        yield f"{path.name}: {len(text):,} characters"
    yield from _run(text)


def _hidden(text: str) -> Iterator[str]:
    found = HIDDEN.search(text) or MORE_HIDDEN.search(text)
    if found:
        yield f"hidden character U+{ord(found[0]):04X}"


def _run(text: str) -> Iterator[str]:
    if re.search(rf"{MARK}1337", text):
        yield "a template was run"


def _nothing(text: str) -> Iterator[str]:
    yield from _run(text)


class _Alive(HTMLParser):
    """Elements and attributes of a hostile text that a browser would make."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "hostile":
            self.found.add("element <hostile>")
        for name, value in attrs:
            if name in ("onhostile", "onerror"):
                self.found.add(f"attribute {name}")
            if value and ("javascript:hostile" in value or HOST in value) and name in ("href", "src"):
                self.found.add(f"{name} to {value[:30]}")


def _page(text: str) -> Iterator[str]:
    parser = _Alive()
    parser.feed(text)
    yield from sorted(parser.found)
    yield from _run(text)


def _markdown(text: str) -> Iterator[str]:
    outside = re.sub(r"(?s)^```.*?^```", "", text, flags=re.M)
    signs = {
        "an element": r"(?<!\\)<(hostile|img|a )",
        "an image": rf"(?<!\\)!\[x\]\(http://{HOST}",
        "a link": r"(?<![\\!])\[y\]\(javascript:",
        "a heading": r"^# HOSTILE",
        "a row": r"^\| HOSTILE",
        "a column": rf"^\|.*{MARK}\|a\|",
        "code": rf"{MARK}[^\n]*(?<!\\)`b`",
    }
    for name, sign in signs.items():
        if re.search(sign, outside, re.M):
            yield f"{name} is alive"


def _table(text: str) -> Iterator[str]:
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            if cell[:1] in ("=", "@", "\t") or (cell[:1] in ("+", "-") and not _is_number(cell)):
                yield f"a formula: {cell[:20]!r}"
                return


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
