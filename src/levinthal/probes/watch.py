"""Probes put to the moments of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from levinthal.vocabulary import Measurement, Moment, Probe


def watch(
    moments: Iterable[Moment], probes: Iterable[Probe], schedule: Collection[int] | None = None
) -> Iterator[Measurement]:
    """Every probe's measurements at every moment, in order; with `schedule`, at those steps only.

    The run goes on exactly as it would without: same weights, bit for bit.
    """
    each = tuple(probes)
    for moment in moments:
        if schedule is None or moment.step in schedule:
            for probe in each:
                yield from probe(moment)


def only_at(steps: Collection[int], probe: Probe) -> Probe:
    """The probe, silent but for these steps: for what is too dear to measure at every moment.

    >>> from types import SimpleNamespace
    >>> only_at({0, 4}, lambda moment: [moment.step])(SimpleNamespace(step=4))
    [4]
    """
    return lambda moment: probe(moment) if moment.step in steps else ()
