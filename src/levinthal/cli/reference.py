"""docs/cli.md, made from the command line itself: `python -m levinthal.cli.reference docs/cli.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from levinthal.cli import app

HEAD = "<!-- Made by `python3 dev.py docs` from the command line's own help. Do not edit. -->\n\n"


def reference() -> str:
    """The whole command line as markdown."""
    program, sys.argv = sys.argv, ["levinthal"]  # cyclopts shows the name of the program that is running
    try:
        text = app.generate_docs(output_format="markdown", heading_level=1, usage_name="levinthal")
    finally:
        sys.argv = program
    return HEAD + "\n".join(line.rstrip() for line in text.rstrip().splitlines()) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), encoding="utf-8")
