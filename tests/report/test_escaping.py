"""Text of others inside Markdown, read back by a Markdown parser."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from levinthal.report.escaping import cell, escaped
from levinthal.shown import one_line

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
MARKS = st.text(alphabet=st.sampled_from([*"\\`*_{}[]()#+-.!|<>&;:=~$ ab1/\n\"'"]), max_size=30)


def words(markdown: str) -> tuple[str, set[str]]:
    """The text that a reader sees, and the kinds of tokens it stands in."""
    tokens = PARSER.parse(markdown)
    inline = [child for token in tokens for child in token.children or ()]
    text = "".join(child.content for child in inline)
    return text, {token.type for token in (*tokens, *inline)}


@given(MARKS)
@example("# heading")
@example("1. item")
@example("[a](http://example.org)")
@example("<img src=x onerror=alert(1)>")
@example("***")
@example("- - -")
@example("&lt;b&gt; &#65;")
@example("~~gone~~ __bold__ *so*")
@example("---")
@example("   - x")
def test_a_reader_sees_the_text_and_nothing_else(text: str) -> None:
    line = one_line(text)
    if line:
        seen, kinds = words(escaped(text))
        assert seen.replace(" ", "") == line.replace(" ", "")
        assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}


@given(st.lists(MARKS.filter(lambda text: text.strip()), min_size=2, max_size=2))
def test_a_row_of_a_table_has_as_many_cells_as_it_was_given(texts: list[str]) -> None:
    row = " | ".join(cell(escaped(text)) for text in texts)
    tokens = PARSER.parse(f"| a | b |\n| --- | --- |\n| {row} |")
    cells = [tokens[i + 1].children or [] for i, token in enumerate(tokens) if token.type == "td_open"]
    seen = ["".join(child.content for child in inline).replace(" ", "") for inline in cells]
    assert seen == [one_line(text).replace(" ", "") for text in texts]


@pytest.mark.parametrize("text", ["batch_norm of |w|, 68 % [0.1, 0.2] <= 3", "0.5 -> 0.7 (n = 8)"])
def test_ordinary_sentences_stay_as_they_are(text: str) -> None:
    assert escaped(text) == text
