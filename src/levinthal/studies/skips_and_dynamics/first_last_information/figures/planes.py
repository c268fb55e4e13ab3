"""The paper's own figures: first-last information against test error, one trace per seed, arrows for time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np

from levinthal.lab.analysis.bands import rounded
from levinthal.lab.analysis.curves import Curve, curves
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import (
    PLAIN,
    information,
    protocol,
)
from levinthal.studies.skips_and_dynamics.first_last_information.design import ARCHITECTURES, NAMES
from levinthal.studies.skips_and_dynamics.first_last_information.figures.drawing import (
    BITS,
    ERROR_AXIS,
    setting_words,
)
from levinthal.vocabulary import Figure, Panel, Series

PAPER_MODE, PAPER_READOUT = "running", "after"
SEEDS_SHOWN = 5


def planes(rows: Rows) -> Iterator[Figure]:
    """Figures 4a, 4b, 5a, 5b, and the four ways of reading the last of them."""
    main = rows.where(**PLAIN)
    yield _by_factor(main, "figure-4a", "width", "W", ("mlp", "shortcut"))
    yield _by_factor(main, "figure-4b", "depth", "D", ("mlp", "shortcut"))
    yield _by_factor(main, "figure-5a", "width", "W", ("residual",))
    yield _architectures(main)
    yield _readings(main)


def _by_factor(rows: Rows, name: str, factor: str, letter: str, architectures: tuple[str, ...]) -> Figure:
    """A panel for each protocol and each level of the factor, where it has at least two levels."""
    panels = []
    for (batch, samples, *_), group in _one_family(rows, factor):
        for (level,), here in group.group_by(factor).items():
            title = f"{letter} = {level}, {protocol(batch, samples)}"
            panels.append(_panel(here, architectures, PAPER_MODE, PAPER_READOUT, title))
    families = [group for _, group in _one_family(rows, factor)]
    title = f"At every {factor}: {_seen(families, architectures)}"
    return Figure(name, title, _caption(rows), tuple(p for p in panels if p.series))


def _one_family(rows: Rows, factor: str) -> Iterator[tuple[tuple[Any, ...], Rows]]:
    """Groups that differ in the factor alone, and have at least two levels of it."""
    other = "depth" if factor == "width" else "width"
    for key, group in rows.group_by("batch", "samples", "steps", other).items():
        if len(group.distinct(factor)) > 1:
            yield key, group


def _architectures(rows: Rows) -> Figure:
    """Figure 5b: the four architectures, read as the paper most likely did."""
    panels = [
        _panel(here, ARCHITECTURES, PAPER_MODE, PAPER_READOUT, setting_words(key))
        for key, here in _all_four(rows)
    ]
    title = f"Four architectures: {_seen([here for _, here in _all_four(rows)], ARCHITECTURES)}"
    return Figure("figure-5b", title, _caption(rows), tuple(panels))


def _readings(rows: Rows) -> Figure:
    """Two readings of batch norm x before and after the sum, for the protocol with the most steps."""
    groups = sorted(_all_four(rows), key=lambda group: group[0][2])
    panels = []
    for mode, readout in product(("running", "batch"), ("before", "after")):
        for _, here in groups[-1:]:
            title = f"{mode} statistics, read {readout} the sum"
            panels.append(_panel(here, ARCHITECTURES, mode, readout, title))
    words = f" Here: {setting_words(groups[-1][0])}." if groups else ""
    return Figure(
        "readings", _seen_in_each([g for _, g in groups[-1:]]), _caption(rows) + words, tuple(panels)
    )


def _seen_in_each(groups: list[Rows]) -> str:
    """The shortcut network's information, initial and final, in each of the four readings."""
    seen = []
    for mode, readout in product(("running", "batch"), ("before", "after")):
        ends = _ends(groups, "shortcut", mode, readout)
        if ends:
            seen.append(f"{ends[0]:.1f} to {ends[1]:.1f} bits ({mode}, {readout})")
    return f"One shortcut network, four readings: {'; '.join(seen)}"


def _all_four(rows: Rows) -> Iterable[tuple[tuple[Any, ...], Rows]]:
    """The settings that every architecture was trained in, at the width and depth read in most detail."""
    for key, group in rows.group_by("batch", "samples", "steps", "width", "depth").items():
        whole = set(ARCHITECTURES) <= set(group.distinct("architecture"))
        if whole and "everything" in group.distinct("read"):
            yield key, group


def _panel(rows: Rows, architectures: Iterable[str], mode: str, readout: str, title: str) -> Panel:
    series = [
        trace
        for architecture in architectures
        for trace in _traces(rows.where(architecture=architecture), architecture, mode, readout)
    ]
    return Panel(BITS, ERROR_AXIS, tuple(series), title)


def _traces(rows: Rows, architecture: str, mode: str, readout: str) -> Iterator[Series]:
    """Thin traces of the first seeds and the thick one of the medians, information against error."""
    known = curves(rows, **information(mode, readout))
    errors = curves(rows, name="test_error", batchnorm=mode)
    both = {seed: (known[seed][1], errors[seed][1]) for seed in known if seed in errors}
    if not both:
        return
    for seed in list(both)[:SEEDS_SHOWN]:
        x, y = both[seed]
        yield Series(f"seed {seed}", rounded(x), rounded(_in_percent(y)), role="seed", group=architecture)
    x, y = (np.median([one[axis] for one in both.values()], axis=0) for axis in (0, 1))
    yield Series(NAMES[architecture], rounded(x), rounded(_in_percent(y)), group=architecture, arrow=True)


def _seen(groups: Iterable[Rows], architectures: Iterable[str]) -> str:
    """Gain or loss: the median information at initialisation and at the end."""
    seen = []
    for architecture in architectures:
        ends = _ends(groups, architecture, PAPER_MODE, PAPER_READOUT)
        if ends:
            verb = "gains" if ends[1] > ends[0] else "loses"
            seen.append(f"{NAMES[architecture]} {verb} information ({ends[0]:.1f} to {ends[1]:.1f} bits)")
    return ", ".join(seen)


def _ends(groups: Iterable[Rows], architecture: str, mode: str, readout: str) -> tuple[float, float] | None:
    key = information(mode, readout)
    found = [c for group in groups for c in curves_of(group.where(architecture=architecture), key)]
    if not found:
        return None
    return float(np.median([c[1][0] for c in found])), float(np.median([c[1][-1] for c in found]))


def curves_of(rows: Rows, key: Mapping[str, Any]) -> list[Curve]:
    """Every curve, whatever its setting and seed."""
    groups = rows.where(**key).group_by("batch", "samples", "steps", "width", "depth").values()
    return [curve for group in groups for curve in curves(group, **key).values()]


def _caption(rows: Rows) -> str:
    seeds, images = len(rows.distinct("seed")), rows.where(name="mutual_information").distinct("n")
    count = f"{images[0]} test images" if images else "no images yet"
    return (
        f"KSG, k = 3, on {count}; batch norm's {PAPER_MODE} statistics, read {PAPER_READOUT} the sum unless "
        f"a panel says otherwise; thin: single seeds, thick: median of up to {seeds}; arrows: time."
    )


def _in_percent(errors: np.ndarray) -> np.ndarray:
    """In percent; a log axis has no place for an error of zero: half an image in ten thousand stands in."""
    return np.asarray(100 * np.maximum(errors, 5e-5))
