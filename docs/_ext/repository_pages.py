"""Files of the repository that a page links to and that lie outside docs/: the site shows a copy of each.

The copies are made when a build begins, in a folder that git ignores; links are rewritten to reach them.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parent.parent
ROOT = DOCS.parent
COPIES = DOCS / "repository"
HOME = DOCS / "index.md"
ALWAYS = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "benchmarks/README.md")
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\]\([^)]*\))*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
CODE = re.compile(r"(^```.*?^```)", re.MULTILINE | re.DOTALL)


def copy_linked(app: Sphinx) -> None:
    """Copy every file that the pages lead to, and those that its copies lead to."""
    shutil.rmtree(COPIES, ignore_errors=True)
    waiting = [ROOT / name for name in ALWAYS]
    waiting += [file for page in DOCS.rglob("*.md") for file in outside(page)]
    done: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file not in done:
            done.add(file)
            copy(file)
            waiting += outside(file) if file.suffix == ".md" else []


def outside(page: Path) -> list[Path]:
    """The files outside docs/ that a page links to."""
    found = [
        (page.parent / link[2]).resolve() for link in LINK.finditer(CODE.sub("", page.read_text("utf-8")))
    ]
    return [file for file in found if file.is_file() and place(file) != file and place(file) != HOME]


def place(file: Path) -> Path:
    """Where the site has a file of the repository."""
    if file == ROOT / "README.md":
        return HOME
    return file if DOCS in file.parents else COPIES / file.relative_to(ROOT)


def copy(file: Path) -> None:
    """Copy one file; in Markdown, with links that hold from its new place."""
    target = place(file)
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".md":
        orphan = "" if file.relative_to(ROOT).as_posix() in ALWAYS else "---\norphan: true\n---\n\n"
        target.write_text(orphan + relinked(file.read_text("utf-8"), file), "utf-8")
    else:
        shutil.copy(file, target)


def relinked(text: str, file: Path) -> str:
    """The text of a page with every link into the repository replaced by one into the site."""
    parts = CODE.split(text)
    parts[::2] = [LINK.sub(lambda link: _relinked(link, file), part) for part in parts[::2]]
    return "".join(parts)


def _relinked(link: re.Match[str], file: Path) -> str:
    target = (file.parent / link[2]).resolve()
    if "://" in link[2] or not target.exists():
        return link[0]
    if target.is_dir():
        return link[1]
    there = os.path.relpath(place(target), place(file).parent)
    return f"[{link[1]}]({there}{link[3] or ''})"


def relink_page(app: Sphinx, name: str, content: list[str]) -> None:
    """Rewrite the links of a page of docs/ before it is parsed; the copies are rewritten already."""
    page = DOCS / f"{name}.md"
    if page.is_file() and COPIES not in page.parents:
        content[0] = relinked(content[0], page)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", copy_linked)
    app.connect("source-read", relink_page)
    return {"parallel_read_safe": True}
