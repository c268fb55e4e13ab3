"""Probes put to the snapshots of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from levinthal.vocabulary import Measurement, Probe, Snapshot


def watch(
    snapshots: Iterable[Snapshot], probes: Iterable[Probe], schedule: Collection[int] | None = None
) -> Iterator[Measurement]:
    """Every probe's measurements at every snapshot, in order; with `schedule`, at those steps only.

    The run goes on exactly as it would without: same weights, bit for bit.
    """
    each = tuple(probes)
    for snapshot in snapshots:
        if schedule is None or snapshot.step in schedule:
            for probe in each:
                yield from probe(snapshot)


def only_at(steps: Collection[int], probe: Probe) -> Probe:
    """The probe, silent but for these steps: for what is too dear to measure at every snapshot.

    >>> from types import SimpleNamespace
    >>> only_at({0, 4}, lambda snapshot: [snapshot.step])(SimpleNamespace(step=4))
    [4]
    """
    return lambda snapshot: probe(snapshot) if snapshot.step in steps else ()
