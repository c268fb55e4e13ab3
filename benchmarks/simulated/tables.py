"""The tables of the page, from the counts of every cell: the rules before beside the rules now."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from benchmarks.simulated.cells import (
    BETWEEN,
    CLAIMS,
    CLEAN,
    CONFOUNDED,
    LOOKS,
    SEEDS,
    TRUTHS,
    Cell,
    all_cells,
)
from benchmarks.simulated.judged import Counts
from benchmarks.simulated.noises import NAMES
from benchmarks.simulated.targets import Share, Target, coverage, is_plain, share, targets, words_cells

Read = Callable[[Cell], Counts]
LETTERS = {
    "replicates": "R",
    "partially": "P",
    "weaker than claimed": "W",
    "does not replicate": "D",
    "inconclusive": "I",
}


def percent(found: Share, *, error: bool = False) -> str:
    """A share in per cent, with its Monte-Carlo error if asked for.

    >>> percent(Share(1, 200)), percent(Share(1, 200), error=True), percent(Share(0, 0))
    ('0.5', '0.5 ± 0.5', '')
    """
    if not found.total:
        return ""
    return f"{100 * found.value:.1f}" + (f" ± {100 * found.error:.1f}" if error else "")


def table(heads: Sequence[str], rows: Iterator[Sequence[str]], *, words: int = 1) -> str:
    """A Markdown table; the first columns hold words, the others numbers."""
    marks = ["---"] * words + ["--:"] * (len(heads) - words)
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, marks, *rows))


def target_rows(before: Read, now: Read) -> Iterator[list[str]]:
    """A row for each target: its worst group before and now."""
    for target in targets():
        worst = target.worst(now)
        if worst is None:
            continue
        group, found = worst
        old = target.worst(before)
        yield [
            target.says,
            target.limits,
            "" if old is None else percent(old[1]),
            percent(found, error=True),
            where(target, group),
            target.mark(found),
        ]


def where(target: Target, group: tuple[Cell, ...]) -> str:
    """The worst cell of a target with several, in short."""
    if len(target.groups) < 2:
        return ""
    cell = group[0]
    words = [f"{cell.seeds} seeds"]
    words += [cell.noise] if len({group[0].noise for group in target.groups}) > 1 else []
    words += [f"spread {cell.spread:g}"] if len({group[0].spread for group in target.groups}) > 1 else []
    words += [f"{cell.parts} conditions"] if len({group[0].parts for group in target.groups}) > 1 else []
    return ", ".join(words)


def coverage_rows(before: Read, now: Read) -> Iterator[list[str]]:
    """Coverage by law and number of seeds."""
    for noise in NAMES:
        shares = [coverage(now, noise, seeds) for seeds in SEEDS]
        old = [percent(coverage(before, noise, seeds)) for seeds in SEEDS]
        worst = max((100 * found.error for found in shares if found.total), default=0.0)
        yield [noise, " / ".join(old), " / ".join(percent(found) for found in shares), f"{worst:.1f}"]


def mix(counts: Counts) -> str:
    """The words of a cell in whole per cent: those above half a per cent.

    >>> mix(Counts({"studies": 50, "replicates": 49, "partially": 1}))
    'R 98, P 2'
    """
    if not counts["studies"]:
        return ""
    shares = {letter: 100 * counts[word] / counts["studies"] for word, letter in LETTERS.items()}
    return ", ".join(f"{letter} {value:.0f}" for letter, value in shares.items() if value >= 0.5)


def word_rows(before: Read, now: Read) -> Iterator[list[str]]:
    """The words at four truths: one condition, no control."""
    kinds = dict.fromkeys((c.noise, c.spread, c.seeds) for c in words_cells(is_plain))
    for noise, spread, seeds in kinds:
        cells = [Cell("words", noise, spread, seeds, truth) for truth in TRUTHS]
        replicates = [percent(share("replicates")(before(cell))) for cell in cells]
        name = noise if spread == 0.5 else f"{noise}, spread {spread:g}"
        mixes = [mix(now(cell)) for cell in cells]
        yield [name, str(seeds), *mixes, " / ".join(replicates), worst_error(now(cells[0]))]


def condition_rows(before: Read, now: Read) -> Iterator[list[str]]:
    """Several conditions, each with a control of its own without effect."""
    for cell in words_cells(lambda c: c.control == 0.0 and c.truth != CLEAN[0][0]):
        truth = "3, one condition nil" if cell.uneven else TRUTHS[cell.truth]
        row = [cell.noise, truth, f"{cell.parts}", f"{cell.shared:g}", f"{cell.seeds}"]
        yield [*row, mix(before(cell)), mix(now(cell)), worst_error(now(cell))]


def control_rows(before: Read, now: Read) -> Iterator[list[str]]:
    """Controls from nil to the effect."""
    pairs = (*CLEAN, (4.5, 0.5), *CONFOUNDED, *BETWEEN)
    for pair in pairs:
        for cell in words_cells(lambda c, pair=pair: (c.truth, c.control) == pair):  # type: ignore[misc]
            control = f"{cell.control:g}{', never negative' if cell.positive else ''}"
            control += " in one condition, else 0" if cell.in_one else ""
            aside = [percent(share("set aside")(read(cell))) for read in (before, now)]
            doubt = percent(share("in doubt")(now(cell)))
            row = [f"{cell.truth:g}", control, f"{cell.spread:g}", f"{cell.parts}", f"{cell.seeds}"]
            yield [*row, mix(before(cell)), mix(now(cell)), " / ".join(aside), doubt, worst_error(now(cell))]


def look_rows(before: Read, now: Read) -> Iterator[list[str]]:
    """Seeds added at six looks."""
    reads = ("ever replicates", "ever denied", "first replicates", "last replicates")
    for cell in all_cells():
        if cell.kind == "looks":
            old, new = ([percent(share(name)(read(cell))) for name in reads] for read in (before, now))
            told = "yes" if cell.counted else "no"
            row = [TRUTHS[cell.truth], f"{cell.spread:g}", told]
            yield [*row, " / ".join(old), " / ".join(new), worst_error(now(cell))]


def settle_rows(before: Read, now: Read) -> Iterator[list[str]]:
    """Seeds that would settle an open claim."""
    reads = ("settled with added seeds", "settled with fresh seeds")
    for cell in all_cells():
        if cell.kind == "settle":
            row = [f"{cell.spread:g}", f"{cell.seeds}", TRUTHS[cell.truth]]
            for read in (before, now):
                counts = read(cell)
                mean = f"{counts['seeds asked'] / counts['asked']:.0f}" if counts["asked"] else ""
                row += [
                    f"{counts['asked']}",
                    mean,
                    *(percent(share(name, "asked")(counts)) for name in reads),
                ]
            yield [*row, worst_error(now(cell), "asked")]


def page_rows(before: Read, now: Read) -> Iterator[list[str]]:
    """False words on a page of twelve claims."""
    for cell in all_cells():
        if cell.kind == "page":
            row = [TRUTHS[cell.truth], f"{cell.shared:g}", f"{cell.seeds}"]
            for read in (before, now):
                counts = read(cell)
                pages = [percent(share(f"a page with {name}")(counts)) for name in ("held", "denied")]
                row += [" / ".join(means(counts, "held", "denied")), " / ".join(pages)]
            yield [*row, worst_error(now(cell))]


def means(counts: Counts, *names: str) -> list[str]:
    """Counts a study."""
    return [f"{counts[name] / counts['studies']:.2f}" if counts["studies"] else "" for name in names]


def worst_error(counts: Counts, of: str = "studies") -> str:
    """The largest Monte-Carlo error that a share of a cell can have, in per cent."""
    return f"{50 / counts[of] ** 0.5:.1f}" if counts[of] else ""


def looked_at() -> str:
    """The numbers of seeds at which a study is judged."""
    return ", ".join(map(str, LOOKS))


def a_page() -> str:
    """How many claims a page has."""
    return f"{CLAIMS} claims"
