"""How much of a source's own training was run: a sentence for the verdict.

A claim about the end of a long training is not judged by a short one. Its sentence says "after the updates
run here", and this note says how many they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from levinthal.lab.storage.rows import Rows

__all__ = ["budget"]


def budget(run: Callable[[Rows], float], source: float, of: str) -> Callable[[Rows], Iterator[str]]:
    """The note of a claim whose source trained for a stated number of updates.

    Args:
        run: from the rows to the updates of the longest run; 0 without runs.
        source: the updates of the source.
        of: whose number that is: "the paper".

    Returns:
        From the rows to the sentence; none without runs.

    >>> list(budget(lambda rows: 1500, 750_000, "the paper")(Rows.of([])))
    ['Updates run here: 1,500, which is 0.2 % of the 750,000 of the paper.']
    """

    def note(rows: Rows) -> Iterator[str]:
        updates = run(rows)
        if updates:
            share = 100 * updates / source
            yield f"Updates run here: {updates:,.0f}, which is {share:.3g} % of the {source:,.0f} of {of}."

    return note
