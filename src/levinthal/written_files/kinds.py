"""The kinds of files that we write, and how a file is known as one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HEAD = 1 << 24
"""So many bytes of a file are read to see whether we wrote it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file that we write.

    Attributes:
        noun: What it is, as in "is not a page of levinthal".
        begins: Its first bytes, in small letters.
        holds: Bytes that it has somewhere.
    """

    noun: str
    begins: bytes = b""
    holds: bytes = b""

    def wrote(self, path: Path) -> bool:
        """Whether a file is of this kind; an empty file holds nothing to lose, and is of every kind.

        Args:
            path: the file.

        Returns:
            True where we wrote it.
        """
        with path.open("rb") as file:
            head = file.read(HEAD)
        return not head.strip() or (head.lstrip()[:64].lower().startswith(self.begins) and self.holds in head)


PAGE = Kind("a page of levinthal", b"<!doctype html>", b"Made by levinthal")
ROWS = Kind("a table of rows", b"", b"seed,step,layer,name,condition,")
PACKED_ROWS = Kind("a packed table of rows", b"\x1f\x8b\x08\0\0\0\0\0\x02\xff")
MARKDOWN = Kind("a report of levinthal", b"# ", b"\n## Provenance\n")
RESULT = Kind("a result of levinthal", b"{", b'"verdicts": [')
REGISTERED = Kind("a file of registered claims", b"{", b"registered claims of a levinthal study")
FIGURE = Kind("a figure of levinthal", b"<svg", b"main-svg")
FINDINGS = Kind("a SARIF log of levinthal", b"{", b'"levinthal"')
JOURNAL = Kind("the journal of a treatment", b'{"levinthal": ')
