"""The page of a bound: the answer, every certificate with its interval, what it assumes, in one file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from levinthal.bounds.wording import above, at_most, confidence, percent, units
from levinthal.lab.execution.environment import environment
from levinthal.report import painting, shell

if TYPE_CHECKING:
    from levinthal.bounds.error_bound import ErrorBound

HOME = "levinthal.bounds"
LEFT, WIDE = 10.0, 280.0
"""The axis of an interval in its drawing."""
SPARE = 1.05
LEAD = "The first one is that of the kind of data, whatever its limit. The others stand beside it."
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

    def page() -> str:
        return shell.rendered("bound.html", _context(found, title, provenance or {}), home=HOME)

    return shell.write_page(path, page, "bound.html")


def _context(found: ErrorBound, title: str, provenance: Mapping[str, object]) -> dict[str, Any]:
    answer, _, beside = found.sentence.partition("; ")
    end = min(1.0, SPARE * max(one.limit for one in found.certificates))

    def at(share: float) -> float:
        return round(LEFT + WIDE * min(share / end, 1.0), 1)

    rows = [
        {
            "name": one.name,
            "limit": at_most(one.limit),
            "above": above(found.mean, one.limit),
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
        "measured": percent(found.mean),
        "samples": units(found.samples, found.unit),
        "what": found.what.rstrip(","),
        "end": percent(end),
        "sure": confidence(found.delta),
        "assumes": found.assumes,
        "notes": [f"{note[0].upper()}{note[1:]}" for note in found.notes],
        "provenance": list(_provenance(found, provenance)),
        "figures": [],
        "drawings": painting.packed({}),
        "bound_css": painting.asset("bound.css", home=HOME),
    }


def _provenance(found: ErrorBound, more: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The origin of the page."""
    yield "Held out", units(found.samples, found.unit)
    yield (
        "Models tried",
        f"{found.models_tried:,}" if found.models_tried < 10**15 else f"{found.models_tried:.3g}",
    )
    yield from ((name, str(value)) for name, value in more.items())
    machine = environment("cpu")
    yield "Versions", ", ".join(f"{name} {machine[name]}" for name in VERSIONS if name in machine)
    yield "Made", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
