"""The page `results/verdicts.md`: targets first, then every cell."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator

from benchmarks.simulated import tables
from benchmarks.simulated.cells import Cell
from benchmarks.simulated.judged import CHUNK, ROOT_SEED, Counts
from benchmarks.simulated.tables import table

ABOUT = f"""# How often a verdict is right

Simulated studies with a known truth, judged by `levinthal.lab.judging.verdicts.judge`. Run by
`python3 dev.py bench verdicts [--draws N] [--write]`. All sizes are multiples of the smallest effect size of
interest. The spread is the standard deviation over seeds. The truth is the mean effect over all possible
seeds: nil, half, exactly or twice the smallest size.

R replicates, P partially, W weaker than claimed, D does not replicate, I inconclusive; all in per cent.
*Before* are the rules at commit 502a5ec. They knew no null value: they were given shares less .5. They
ignored how often a study had been judged.

Laws of the noise: each has mean 0 and standard deviation 1. *One in ten fails*: two values, 10 % and 90 %.
*One in ten not finite*: a tenth of the seeds has no finite effect, and the truth is the mean of the others.
*Spearman of four points*: the rank correlation of four points whose neighbours are often exchanged.
*Zero-inflated*: zero in three quarters of the seeds, else exponential. *0/1 share*: a declared share with
null .5 and smallest size .2, so the probability is .5, .6, .7 and .9 at the four truths.

Errors are Monte-Carlo standard errors of *now*. Chunk i of {CHUNK} studies of a cell has the generator
`numpy.random.default_rng([{ROOT_SEED}, crc32(cell), i])`; [`verdicts.json`](verdicts.json) has all counts,
and the key of each cell.
"""

TARGETS = """## Targets

The worst cell of each target, in per cent. A target over many cells names the largest of many estimates,
which is more often too high than too low.
"""

COVERAGE = """## Coverage of the 95 % interval

One condition, all four truths together. Shares (%) of intervals that hold the true mean.
"""

WORDS = """## One condition, no control

The last column is the share of *replicates* before, at the four truths.
"""

CONDITIONS = """## Conditions

Spread .5. Each condition has a control of its own without effect and with the same noise. *Shared* is the
correlation of the conditions within a seed.
"""

CONTROLS = """## Controls

Normal noise, the same in the control. *Set aside*: a condition is excluded, or the claim held open, because
the control surely shows the effect too; before / now. *In doubt*: a condition, or the whole, cannot be
distinguished from its control. A condition in doubt is retained in the mean, and the claim can hold only
partially.
"""

LOOKS = f"""## Judged again after seeds were added

A study judged again after seeds were added, at {tables.looked_at()} seeds; one condition, normal noise.
*Counted*: the judge knew how often the claim had been judged. Numbers: ever *replicates* / ever *weaker*
or *does not replicate* / *replicates* as the first word other than *inconclusive* / *replicates* at the last
analysis.
"""

SETTLE = """## Seeds that would settle it

Of claims that were *inconclusive*: how many seeds were asked for (mean), and how often that many settled the
claim, so that the interval no longer holds both the null value and the smallest size. *Added*: the first
seeds are kept, and the judge knows that this is the second analysis. *Fresh*: new seeds only.
"""

PAGE = f"""## Twelve claims at once

{tables.a_page()} on one page, spread .5, no control. Where the truth is nil, *replicates* is false. Where it
is exactly the smallest size, *replicates* and a denial (*weaker than claimed*, *does not replicate*) are both
errors. Mean number of *replicates* / of denials on a page; share (%) of pages with one or more.
"""

SECTIONS: tuple[tuple[str, tuple[str, ...], int, Callable[..., Iterator[list[str]]]], ...] = (
    (TARGETS, ("target", "limit", "before", "now", "worst cell", ""), 1, tables.target_rows),
    (COVERAGE, ("law", "before: 5 / 8 / 12 / 32 seeds", "now", "error"), 1, tables.coverage_rows),
    (WORDS, ("law", "seeds", "nil", "half", "exactly", "twice", "R before", "error"), 1, tables.word_rows),
    (
        CONDITIONS,
        ("law", "truth", "conditions", "shared", "seeds", "before", "now", "error"),
        2,
        tables.condition_rows,
    ),
    (
        CONTROLS,
        (
            *("effect", "control", "spread", "conditions", "seeds"),
            *("before", "now", "set aside", "in doubt", "error"),
        ),
        2,
        tables.control_rows,
    ),
    (LOOKS, ("truth", "spread", "counted", "before", "now", "error"), 1, tables.look_rows),
    (
        SETTLE,
        (
            "spread",
            "seeds",
            "truth",
            *("before: open", "seeds asked", "added", "fresh"),
            *("now: open", "seeds asked", "added", "fresh", "error"),
        ),
        0,
        tables.settle_rows,
    ),
    (
        PAGE,
        ("truth", "shared", "seeds", "before: words", "pages", "now: words", "pages", "error"),
        1,
        tables.page_rows,
    ),
)


def page(before: tables.Read, now: tables.Read, judge: str) -> str:
    """The whole page."""
    parts = [ABOUT, f"{time.strftime('%Y-%m-%d')}; judge `{judge}`; Python {platform.python_version()}.\n"]
    for text, heads, words, rows in SECTIONS:
        parts += [text, table(heads, rows(before, now), words=words) + "\n"]
    return "\n".join(parts)


def nothing(_: Cell) -> Counts:
    """The counts of rules that have not been measured."""
    return Counts()
