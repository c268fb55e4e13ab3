"""The page of a bound: the answer, every certificate with its interval, what it assumes, in one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from levinthal.bounds.wording import above, percent
from levinthal.errors import InputError
from levinthal.lab.execution.environment import environment
from levinthal.report import painting
from levinthal.report.shell import rendered
from levinthal.written_files import write_whole
from levinthal.written_files.kinds import PAGE

if TYPE_CHECKING:
    from levinthal.bounds.error_bound import ErrorBound

HOME = "levinthal.bounds"
LEFT, WIDE = 10.0, 280.0
"""The axis of an interval in its drawing."""
SPARE = 1.05
LEAD = "The first one is chosen by the kind of data, never by its value. The others stand beside it."
VERSIONS = ("levinthal", "python", "numpy", "scipy")


def write_page(
    path: str | Path, found: ErrorBound, *, title: str, provenance: Mapping[str, object] | None = None
) -> Path:
    """Write a bound as one self-contained page. It is written completely or not at all.

    Args:
        path: The file to write.
        found: The bound.
        title: The name of the model.
        provenance: Name -> value, added to what the page says about its origin.

    Returns:
        The path.

    Raises:
        InputError: `path` is a folder, or no path at all.
        StoreError: `path` cannot be written.
    """
    if not isinstance(path, str | PathLike):
        raise InputError(f"the path of a page is {path!r}: give 'bound.html', say")
    place = Path(path)
    if place.is_dir():
        raise InputError(f"{path!s} is a folder, and a page is a file: give '{place / 'bound.html'}', say")
    return write_whole(
        place, rendered("bound.html", _context(found, title, provenance or {}), home=HOME), PAGE
    )


def _context(found: ErrorBound, title: str, provenance: Mapping[str, object]) -> dict[str, Any]:
    answer, _, beside = found.sentence.partition("; ")
    end = min(1.0, SPARE * max(one.limit for one in found.certificates))

    def at(share: float) -> float:
        return round(LEFT + WIDE * min(share / end, 1.0), 1)

    rows = [
        {
            "name": one.name,
            "limit": percent(one.limit, 3),
            "above": above(one.limit - found.mean),
            "at": at(one.limit),
            "is_cut": one.limit > end,
        }
        for one in found.certificates
    ]
    return {
        "title": title,
        "headline": f"{answer[0].upper()}{answer[1:]}.",
        "beside": f"{beside[0].upper()}{beside[1:]}." if beside else "",
        "lead": LEAD,
        "rows": rows,
        "measured_at": at(found.mean),
        "measured": percent(found.mean, 3),
        "samples": f"{found.samples:,} {found.unit}",
        "what": found.what,
        "end": percent(end),
        "sure": f"{100 * (1 - found.delta):.10g} %",
        "assumes": found.assumes,
        "notes": [f"{note[0].upper()}{note[1:]}" for note in found.notes],
        "provenance": list(_provenance(found, provenance)),
        "figures": [],
        "drawings": painting.packed({}),
        "bound_css": painting.asset("bound.css", home=HOME),
    }


def _provenance(found: ErrorBound, more: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The origin of the page."""
    yield "Held out", f"{found.samples:,} {found.unit}"
    yield (
        "Models tried",
        f"{found.models_tried:,}" if found.models_tried < 10**15 else f"{found.models_tried:.3g}",
    )
    yield from ((name, str(value)) for name, value in more.items())
    machine = environment("cpu")
    yield "Versions", ", ".join(f"{name} {machine[name]}" for name in VERSIONS if name in machine)
    yield "Made", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
