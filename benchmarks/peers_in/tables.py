"""Numbers in, the tables of results/peers.md out. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

from .mapping import TABLES, covered, line_of
from .scores import Row, by_chance, checked, counting, first, interval, mean, named, warnings
from .tools import Tool

Runs = Mapping[Tool, Sequence[Row]]


def percent(rows: Sequence[Row], value: Callable[[Row], float], spread: bool = True) -> str:
    """A share with its interval."""
    if not rows:
        return "-"
    share = f"{mean(value(row) for row in rows):.0%}"
    return f"{share} ({' to '.join(f'{x:.0%}' for x in interval(rows, value))})" if spread else share


def table(head: str, rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    """Markdown: the first column is text, the rest numbers."""
    yield f"| {head} |"
    yield "|---" + "|--:" * head.count("|") + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def causes_found(runs: Runs) -> Iterator[str]:
    """The first table."""
    yield "## Was the right cause named?\n"
    head = "tool | sick runs | aloud | by chance | first | at all"
    more = "no such check | aloud, if checked | first, if checked"
    yield from table(f"{head} | {more}", (_causes_found(tool, rows) for tool, rows in runs.items()))


def _causes_found(tool: Tool, rows: Sequence[Row]) -> tuple[str, ...]:
    sick = counting(rows)[1]
    within = checked(sick, tool.package)

    def aloud(row: Row) -> bool:
        return named(row, tool.package)

    def leads(row: Row) -> bool:
        return first(row, tool.package)

    return (
        *(tool.name, str(len(sick)), percent(sick, aloud), f"{by_chance(sick, tool.package):.0%}"),
        percent(sick, leads),
        percent(sick, lambda r: named(r, tool.package, "info"), spread=False),
        *(str(len(sick) - len(within)), percent(within, aloud), percent(within, leads)),
    )


def on_its_ground(runs: Runs) -> Iterator[str]:
    """Each peer and the others on the very faults that it checks for."""

    def lines() -> Iterator[tuple[str, ...]]:
        for package in TABLES:
            for tool, rows in runs.items():
                within = checked(counting(rows)[1], package)
                if tool.package in (package, "levinthal"):
                    aloud = percent(within, lambda r, p=tool.package: named(r, p))
                    leads = percent(within, lambda r, p=tool.package: first(r, p))
                    yield f"of {package}", tool.name, str(len(within)), aloud, leads

    yield "## On a peer's own ground\n"
    yield from table("faults | tool | sick runs | aloud | first", lines())


def quietness(runs: Runs) -> Iterator[str]:
    """The second table."""
    yield "## Is it quiet where all is well?\n"
    head = "tool | warnings a sick run | in lines | healthy with a warning | healthy with a critical"
    more = "with advice too | warnings a healthy run"
    yield from table(f"{head} | {more}", (_quietness(tool, rows) for tool, rows in runs.items()))


def _quietness(tool: Tool, rows: Sequence[Row]) -> tuple[str, ...]:
    well, sick = counting(rows)

    def alarms(row: Row, advice: bool = False) -> list[int]:
        return [s.lines for s in warnings(row, tool.package, advice)]

    def critical(row: Row) -> bool:
        return any(s.severity == "critical" for s in warnings(row, tool.package))

    return (
        *(
            tool.name,
            f"{mean(len(alarms(r)) for r in sick):.1f}",
            f"{mean(sum(alarms(r)) for r in sick):.1f}",
        ),
        percent(well, lambda r: bool(alarms(r))),
        percent(well, critical),
        percent(well, lambda r: bool(alarms(r, True)), spread=False),
        f"{mean(len(alarms(r)) for r in well):.1f}",
    )


def harm_and_cost(runs: Runs) -> Iterator[str]:
    """The third table."""
    yield "## Does it leave the run alone, and what does it cost?\n"
    head = "tool | runs | raised | own check failed | weights changed | CPU time, all runs | median run"
    yield from table(head, (_harm_and_cost(tool, rows) for tool, rows in runs.items()))


def _harm_and_cost(tool: Tool, rows: Sequence[Row]) -> tuple[str, ...]:
    whole = [row for row in rows if not row.error]
    counts = (len(rows), len(rows) - len(whole), sum(bool(r.troubles) for r in whole))
    ratio = sum(r.cost for r in whole) / sum(r.bare for r in whole)
    typical = median(r.cost / r.bare for r in whole)
    changed = sum(not r.same for r in whole)
    return (tool.name, *map(str, (*counts, changed)), f"{ratio:.2f}", f"{typical:.2f}")


def halves(runs: Runs) -> Iterator[str]:
    """The fourth table."""

    def lines() -> Iterator[tuple[str, ...]]:
        for tool, rows in runs.items():
            cells: list[str] = []
            for half in ("tuning", "test"):
                well, sick = ([r for r in some if r.half == half] for some in counting(rows))
                cells.append(percent(sick, lambda r, p=tool.package: named(r, p), spread=False))
                cells.append(percent(sick, lambda r, p=tool.package: first(r, p), spread=False))
                cells.append(percent(well, lambda r, p=tool.package: bool(warnings(r, p)), spread=False))
            yield tool.name, *cells

    yield "## By half\n"
    head = "tool | tuning: aloud | first | healthy warned | test: aloud | first | healthy warned"
    yield from table(head, lines())


def by_cause(runs: Runs) -> Iterator[str]:
    """The fifth table: aloud, cause by cause; in brackets where the peer has no check of its own for it."""
    codes = dict.fromkeys(row.code for rows in runs.values() for row in rows if row.code)

    def cell(tool: Tool, sick: Sequence[Row], code: str) -> str:
        mine, known = [r for r in sick if r.code == code], covered(tool.package)
        shown = percent(mine, lambda r: named(r, tool.package), spread=False)
        if known is None or code in known:
            return shown
        credited = any(code in line.right_for for line in TABLES[tool.package].values())
        return f"({shown})" if credited else "no check" if shown == "0%" else f"no check ({shown})"

    def lines() -> Iterator[tuple[str, ...]]:
        sick = {tool: counting(rows)[1] for tool, rows in runs.items()}
        for code in codes:
            count = sum(row.code == code for row in next(iter(sick.values())))
            yield code, str(count), *(cell(tool, some, code) for tool, some in sick.items())

    yield "## Cause by cause, aloud\n"
    yield from table(" | ".join(("cause", "runs", *(tool.name for tool in runs))), lines())


def words(runs: Runs) -> Iterator[str]:
    """Every word of a peer: what it is counted for, and where it was heard, in the first of its ways."""
    for package in TABLES:
        ways = [tool for tool in runs if tool.package == package]
        if ways:
            yield f"### {package} (heard from: {ways[0].name})\n"
            head = "it says | it checks for | also counted for | healthy runs | sick runs | of these right"
            yield from table(head, _words(ways[0], *counting(runs[ways[0]])))


def _words(tool: Tool, well: Sequence[Row], sick: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    heard = {s.code for row in (*well, *sick) for s in row.said}
    known = TABLES[tool.package]
    for code in (*known, *sorted(heard - set(known))):
        line = line_of(tool.package, code)
        names = (", ".join(line.checks), ", ".join(line.credited)) if line.verdict else ("advice", "")
        where = [row for row in sick if line.verdict and any(s.code == code for s in row.said)]
        shares = (
            percent(well, lambda r, c=code: any(s.code == c for s in r.said), spread=False),
            percent(sick, lambda r, c=code: any(s.code == c for s in r.said), spread=False),
            percent(where, lambda r, li=line: bool(li.right_for & set(r.right)), spread=False),
        )
        yield code, *names, *shares


def errors(runs: Runs) -> Iterator[str]:
    """What was raised into the loop, or failed inside: text, count, and problems of the tuning half."""
    for tool, rows in runs.items():
        found: dict[str, list[Row]] = {}
        for row in rows:
            for text in {*row.troubles, *((row.error,) if row.error else ())}:
                found.setdefault(text, []).append(row)
        for text, where in sorted(found.items(), key=lambda item: -len(item[1])):
            shown = sorted({row.twin for row in where if row.half == "tuning"})[:5]
            made_from = f" (made from {', '.join(shown)})" if shown else ""
            yield f"- {tool.name}, {len(where)} runs{made_from}: `{text}`"
