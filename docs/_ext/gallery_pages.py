"""The gallery from its stored results: cards, badges, and below each figure how to make it again."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from levinthal.vocabulary import BADGES, Outcome

GALLERY = Path(__file__).parent.parent / "gallery"
TABLE = re.compile(r"^\|.*?(?=^\s*$)", re.MULTILINE | re.DOTALL)
CAPTION = re.compile(r"^\*[^\n]*\n", re.MULTILINE)
WORDS = "|".join(re.escape(f"{BADGES[outcome]} {outcome}") for outcome in Outcome)
AGAIN = ("claims", "data", "seeds", "versions", "source", "measured")


def rewrite(app: Sphinx, name: str, content: list[str]) -> None:
    """Rewrite a page of the gallery before it is parsed."""
    stored = GALLERY / f"{Path(name).name}.json"
    if name == "gallery/README":
        content[0] = TABLE.sub(lambda _: cards(), content[0], count=1)
    elif name.startswith("gallery/") and stored.is_file():
        content[0] = study_page(content[0], json.loads(stored.read_text("utf-8")))


def cards() -> str:
    """Every stored result as a card."""
    files = [file for file in sorted(GALLERY.glob("*.json")) if "." not in file.stem]  # no registered claims
    stored = [(file.stem, json.loads(file.read_text("utf-8"))) for file in files]
    inside = "\n".join(card(page, result) for page, result in stored)
    pages = "\n".join(f"{page} <{page}>" for page, _ in stored)
    hidden = f":::{{toctree}}\n:hidden:\n\n{pages}\n:::"
    return f"::::::{{grid}} 1 1 2 2\n:gutter: 3\n:class-container: gallery\n\n{inside}\n::::::\n\n{hidden}\n"


def card(page: str, result: dict[str, Any]) -> str:
    """One card: picture, question, answer, how many claims came out how."""
    counts = tally(result)
    classes = " ".join([f"chapter-{result['chapter']}", *(f"outcome-{slug(word)}" for word in counts)])
    badges = " ".join(f"[{BADGES[word]} {n} {word}]{{.badge .{slug(word)}}}" for word, n in counts.items())
    picture = f":img-top: {result['figures'][0]['file']}\n" if result["figures"] else ""
    alt = f":img-alt: {result['figures'][0]['title']}\n" if result["figures"] else ""
    about = f"`{result['study']}`, {result['preset']}"
    return (
        f":::::{{grid-item-card}} {result['question']}\n:link: {page}\n:link-type: doc\n{picture}{alt}"
        f":class-item: study {classes}\n\n{result['answer']}\n\n"
        f"::::{{card-footer}}\n{badges}\n\n{about}\n::::\n:::::\n"
    )


def tally(result: dict[str, Any]) -> dict[str, int]:
    """How many claims came out how, in the order of the outcomes."""
    counts = Counter(verdict["outcome"] for verdict in result["verdicts"])
    return {str(word): counts[word] for word in Outcome if counts[word]}


def slug(word: str) -> str:
    """A word as the name of a class in the style sheet."""
    return word.replace(" ", "-")


def study_page(text: str, result: dict[str, Any]) -> str:
    """The page of a study with badges in its table and, below each figure, how to make it again."""
    text = TABLE.sub(lambda table: _table(table[0]), text, count=1)
    text = text.replace(f"**{result['answer']}**", f"{{.answer}}\n{result['answer']}", 1)
    text = text.replace(f"\n{result['question']}\n", f"\n{{.question}}\n{result['question']}\n", 1)
    return re.sub(
        r"^\*[^\n]*\n", lambda caption: f"{caption[0]}\n{again(result)}\n", text, flags=re.MULTILINE
    )


def _table(table: str) -> str:
    """The table of verdicts, with badges, and with intervals that stay on one line."""
    whole = re.sub(r"\[(\S+), (\S+)\]", "[\\1,\u00a0\\2]", table)
    return "{.verdicts}\n" + re.sub(rf"(?<=\| )(?:{WORDS})(?= \|)", _badge, whole)


def _badge(cell: re.Match[str]) -> str:
    return f"[{cell[0]}]{{.badge .{slug(cell[0][2:])}}}"


def again(result: dict[str, Any]) -> str:
    """A closed box: the command, the seeds and the versions that a figure was made with."""
    made = result["provenance"]
    run = made["made by"]
    report = f"{run.replace(' run ', ' report ', 1)} --svg figures"
    facts = "\n".join(f"- {fact}: {made[fact]}" for fact in AGAIN if fact in made)
    head = ":::{dropdown} Make this figure again\n:class-container: again\n"
    return f"{head}\n```sh\n{run}\n{report}\n```\n\n{facts}\n:::\n"


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", rewrite)
    return {"parallel_read_safe": True}
