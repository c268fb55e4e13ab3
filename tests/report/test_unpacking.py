"""What `unpacker.js` makes of every kind of block that gzip writes, in a real browser."""

from __future__ import annotations

import base64
import html
import random
import re
import zlib
from pathlib import Path

import pytest

from levinthal.report.browser import settled_page
from levinthal.report.painting import asset

LETTERS = random.Random(0)
TEXTS = (
    "", "a", '{"x":[1,2,3]}', "ab" * 60_000, "é漢字😀" * 2_000,
    "".join(LETTERS.choices("0123456789.,-", k=140_000)),  # two stored blocks and more
)  # fmt: skip
KINDS = {
    "stored": (0, zlib.Z_DEFAULT_STRATEGY),
    "fixed codes": (9, zlib.Z_FIXED),
    "codes of their own": (9, zlib.Z_DEFAULT_STRATEGY),
    "codes alone": (9, zlib.Z_HUFFMAN_ONLY),
}


def gzipped(text: str, level: int, strategy: int) -> bytes:
    made = zlib.compressobj(level, zlib.DEFLATED, 31, 9, strategy)
    return made.compress(text.encode()) + made.flush()


def unpacked(parts: list[bytes], chromium: str, folder: Path) -> list[str]:
    """What the script gives for each part, or the error it throws."""
    held = "".join(
        f'<script type="x" id="part-{i}">{base64.b64encode(part).decode()}</script>'
        for i, part in enumerate(parts)
    )
    loop = """document.querySelectorAll("[id^=part]").forEach(({ id }) => {
      const box = document.body.appendChild(document.createElement("pre"));
      try { box.textContent = unpacked(id); } catch (error) { box.textContent = error.message; }
    });"""
    page = f'<meta charset="utf-8"><body>{held}<script>{asset("unpacker.js")}\n{loop}</script>'
    path = folder / "page.html"
    path.write_text(page, "utf-8")
    found = re.findall(r"<pre>([^<]*)</pre>", settled_page(path, chromium))
    return [html.unescape(text) for text in found]


@pytest.mark.browser
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_block_is_unpacked(kind: str, tmp_path: Path, chromium: str) -> None:
    parts = [gzipped(text, *KINDS[kind]) for text in TEXTS]
    assert unpacked(parts, chromium, tmp_path) == list(TEXTS)


@pytest.mark.browser
def test_a_damaged_part_is_an_error_of_one_line(tmp_path: Path, chromium: str) -> None:
    whole = gzipped("ab" * 500, *KINDS["fixed codes"])
    longer = whole[:-4] + (2_000).to_bytes(4, "little")
    shorter = whole[:-4] + (10).to_bytes(4, "little")
    noise = gzipped(TEXTS[-1], *KINDS["codes of their own"])
    parts = [longer, shorter, noise[:30_000], noise[:30_000] + noise[-8:], noise[:2_000] + noise[2_001:]]
    assert set(unpacked(parts, chromium, tmp_path)) == {"the page is damaged: a packed part does not unpack"}
