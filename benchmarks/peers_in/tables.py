"""Numbers in, the tables of results/peers.md out. Standard library only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

from .mapping import TABLES, covered, line_of
from .scores import Row, chance_level, checked, counting, first, interval, mean, named, warnings
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
    yield "## Is the right cause reported?\n"
    head = "tool | faulty runs | warned | chance level | first | at any severity"
    more = "no such check | warned, if checked | first, if checked"
    yield from table(f"{head} | {more}", (_causes_found(tool, rows) for tool, rows in runs.items()))


def _causes_found(tool: Tool, rows: Sequence[Row]) -> tuple[str, ...]:
    faulty = counting(rows)[1]
    within = checked(faulty, tool.package)

    def warned(row: Row) -> bool:
        return named(row, tool.package)

    def leads(row: Row) -> bool:
        return first(row, tool.package)

    return (
        *(tool.name, str(len(faulty)), percent(faulty, warned), f"{chance_level(faulty, tool.package):.0%}"),
        percent(faulty, leads),
        percent(faulty, lambda r: named(r, tool.package, "info"), spread=False),
        *(str(len(faulty) - len(within)), percent(within, warned), percent(within, leads)),
    )


def on_covered_faults(runs: Runs) -> Iterator[str]:
    """Each peer, and levinthal, on the faults that the peer checks for."""

    def lines() -> Iterator[tuple[str, ...]]:
        for package in TABLES:
            for tool, rows in runs.items():
                within = checked(counting(rows)[1], package)
                if tool.package in (package, "levinthal"):
                    warned = percent(within, lambda r, p=tool.package: named(r, p))
                    leads = percent(within, lambda r, p=tool.package: first(r, p))
                    yield f"of {package}", tool.name, str(len(within)), warned, leads

    yield "## On the faults that a peer checks for\n"
    yield from table("faults | tool | faulty runs | warned | first", lines())


def false_alarms(runs: Runs) -> Iterator[str]:
    """The second table."""
    yield "## How many warnings, and how many on healthy runs?\n"
    head = "tool | warnings per faulty run | in lines | healthy with a warning | healthy with a critical"
    more = "with advice too | warnings per healthy run"
    yield from table(f"{head} | {more}", (_false_alarms(tool, rows) for tool, rows in runs.items()))


def _false_alarms(tool: Tool, rows: Sequence[Row]) -> tuple[str, ...]:
    healthy, faulty = counting(rows)

    def alarms(row: Row, advice: bool = False) -> list[int]:
        return [m.lines for m in warnings(row, tool.package, advice)]

    def critical(row: Row) -> bool:
        return any(m.severity == "critical" for m in warnings(row, tool.package))

    return (
        *(
            tool.name,
            f"{mean(len(alarms(r)) for r in faulty):.1f}",
            f"{mean(sum(alarms(r)) for r in faulty):.1f}",
        ),
        percent(healthy, lambda r: bool(alarms(r))),
        percent(healthy, critical),
        percent(healthy, lambda r: bool(alarms(r, True)), spread=False),
        f"{mean(len(alarms(r)) for r in healthy):.1f}",
    )


def side_effects_and_cost(runs: Runs) -> Iterator[str]:
    """The third table."""
    yield "## Does it change the run, and what does it cost?\n"
    head = "tool | runs | raised | own check failed | weights changed | CPU time, all runs | median run"
    yield from table(head, (_side_effects_and_cost(tool, rows) for tool, rows in runs.items()))


def _side_effects_and_cost(tool: Tool, rows: Sequence[Row]) -> tuple[str, ...]:
    whole = [row for row in rows if not row.error]
    counts = (len(rows), len(rows) - len(whole), sum(bool(r.troubles) for r in whole))
    ratio = sum(r.cost for r in whole) / sum(r.bare for r in whole)
    typical = median(r.cost / r.bare for r in whole)
    changed = sum(not r.same for r in whole)
    return (tool.name, *map(str, (*counts, changed)), f"{ratio:.2f}", f"{typical:.2f}")


def by_split(runs: Runs) -> Iterator[str]:
    """The fourth table."""

    def lines() -> Iterator[tuple[str, ...]]:
        for tool, rows in runs.items():
            cells: list[str] = []
            for split in ("development", "held-out"):
                healthy, faulty = ([r for r in some if r.split == split] for some in counting(rows))
                cells.append(percent(faulty, lambda r, p=tool.package: named(r, p), spread=False))
                cells.append(percent(faulty, lambda r, p=tool.package: first(r, p), spread=False))
                cells.append(percent(healthy, lambda r, p=tool.package: bool(warnings(r, p)), spread=False))
            yield tool.name, *cells

    yield "## By split\n"
    head = "tool | development: warned | first | healthy warned | held-out: warned | first | healthy warned"
    yield from table(head, lines())


def by_cause(runs: Runs) -> Iterator[str]:
    """The fifth table: warned, cause by cause; in brackets where the peer has no check of its own for it."""
    codes = dict.fromkeys(row.code for rows in runs.values() for row in rows if row.code)

    def cell(tool: Tool, faulty: Sequence[Row], code: str) -> str:
        mine, known = [r for r in faulty if r.code == code], covered(tool.package)
        shown = percent(mine, lambda r: named(r, tool.package), spread=False)
        if known is None or code in known:
            return shown
        credited = any(code in line.right_for for line in TABLES[tool.package].values())
        return f"({shown})" if credited else "no check" if shown == "0%" else f"no check ({shown})"

    def lines() -> Iterator[tuple[str, ...]]:
        faulty = {tool: counting(rows)[1] for tool, rows in runs.items()}
        for code in codes:
            count = sum(row.code == code for row in next(iter(faulty.values())))
            yield code, str(count), *(cell(tool, some, code) for tool, some in faulty.items())

    yield "## Warned, cause by cause\n"
    yield from table(" | ".join(("cause", "runs", *(tool.name for tool in runs))), lines())


def messages(runs: Runs) -> Iterator[str]:
    """Every message of a peer: the causes it is counted for, and its runs in the first way of use."""
    for package in TABLES:
        ways = [tool for tool in runs if tool.package == package]
        if ways:
            yield f"### {package} (used as: {ways[0].name})\n"
            head = "message | it checks for | also counted for | healthy runs | faulty runs | of these right"
            yield from table(head, _messages(ways[0], *counting(runs[ways[0]])))


def _messages(tool: Tool, healthy: Sequence[Row], faulty: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    seen = {m.code for row in (*healthy, *faulty) for m in row.messages}
    known = TABLES[tool.package]
    for code in (*known, *sorted(seen - set(known))):
        line = line_of(tool.package, code)
        names = (", ".join(line.checks), ", ".join(line.credited)) if line.verdict else ("advice", "")
        where = [row for row in faulty if line.verdict and any(m.code == code for m in row.messages)]
        shares = (
            percent(healthy, lambda r, c=code: any(m.code == c for m in r.messages), spread=False),
            percent(faulty, lambda r, c=code: any(m.code == c for m in r.messages), spread=False),
            percent(where, lambda r, li=line: bool(li.right_for & set(r.right)), spread=False),
        )
        yield code, *names, *shares


def errors(runs: Runs) -> Iterator[str]:
    """Errors raised into the loop or inside the tool: text, count, and baselines of the development split."""
    for tool, rows in runs.items():
        found: dict[str, list[Row]] = {}
        for row in rows:
            for text in {*row.troubles, *((row.error,) if row.error else ())}:
                found.setdefault(text, []).append(row)
        for text, where in sorted(found.items(), key=lambda item: -len(item[1])):
            shown = sorted({row.baseline for row in where if row.split == "development"})[:5]
            made_from = f" (made from {', '.join(shown)})" if shown else ""
            yield f"- {tool.name}, {len(where)} runs{made_from}: `{text}`"
