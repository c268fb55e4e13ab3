"""Where the numbers of a report are from: data, runs, seeds, time, machines, and how to make them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from levinthal.cli.terminal import clock

if TYPE_CHECKING:
    from levinthal.cli.selection import Selected
    from levinthal.lab import Run

VERSIONS = ("levinthal", "python", "torch", "numpy", "scipy", "numba")


def provenance(
    chosen: Selected, runs: Sequence[Run], *, command: str, changed: str = "", claims: str = ""
) -> Mapping[str, str]:
    """What made the numbers, one line a fact; where the runs disagree on a fact, every value is given."""
    study = chosen.study
    checksums = sorted({run.data for run in runs} - {""})
    started = sorted({to_the_minute(run.started) for run in runs if run.started})
    return {
        "study": f"{study.name}, version {study.version}, preset {chosen.preset_name}",
        "data": ", ".join((chosen.preset.data or "none", *(f"checksum {c}" for c in checksums))),
        "claims": claims,
        "part": chosen.part,
        "runs": f"{share_of_runs(chosen, runs)}, in {len({str(run.cell) for run in runs})} cells",
        "seeds": spans(run.seed for run in runs),
        "computing time": clock(computing_seconds(runs)) if runs else "",
        "measured": " to ".join(dict.fromkeys((*started[:1], *started[-1:]))),
        "versions": _each(runs, lambda found: ", ".join(f"{k} {found[k]}" for k in VERSIONS if k in found)),
        "source": _each(runs, lambda found: str(found.get("source", ""))),
        "machine": _each(runs, _machine),
        "code": changed,
        "made by": command,
    }


def share_of_runs(chosen: Selected, runs: Sequence[Run], noun: str = "") -> str:
    """How many of the planned runs are finished, and their share where some are missing."""
    planned = chosen.planned
    share = f" ({100 * len(runs) / planned:.0f} %)" if planned and len(runs) < planned else ""
    return f"{len(runs)} of {planned}{noun}{share}"


def to_the_minute(started: str) -> str:
    """A time as stored, to the minute.

    >>> to_the_minute("2026-11-20T18:30:07+00:00")
    '2026-11-20 18:30 UTC'
    """
    return f"{datetime.fromisoformat(started).astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def computing_seconds(runs: Iterable[Run]) -> float:
    """Time spent on tasks; a run carries the duration of its whole task, which is shared by its seeds."""
    return sum(run.duration / max(len(run.environment.get("seeds", ())), 1) for run in runs)


def spans(numbers: Iterable[int]) -> str:
    """Whole numbers in words.

    >>> spans([0, 1, 2, 3, 7, 9, 10])
    '0 to 3, 7, 9, 10'
    """
    blocks: list[list[int]] = []
    for number in sorted(set(numbers)):
        if blocks and blocks[-1][-1] == number - 1:
            blocks[-1].append(number)
        else:
            blocks.append([number])
    words = (f"{b[0]} to {b[-1]}" if len(b) > 2 else ", ".join(map(str, b)) for b in blocks)
    return ", ".join(words)


def _each(runs: Sequence[Run], fact: Callable[[Mapping[str, Any]], str]) -> str:
    return "; ".join(sorted({fact(run.environment) for run in runs} - {""}))


def _machine(found: Mapping[str, Any]) -> str:
    where = found.get("device name") if str(found.get("device", "")).startswith("cuda") else found.get("cpu")
    known = (where, f"{found['cores']} cores" if "cores" in found else "", found.get("platform"))
    return ", ".join(str(word) for word in known if word)
