"""Probes applied to the snapshots of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from levinthal.vocabulary import Measurement, Probe, Snapshot


def watch(
    snapshots: Iterable[Snapshot], probes: Iterable[Probe], schedule: Collection[int] | None = None
) -> Iterator[Measurement]:
    """Apply every probe to every snapshot.

    The run continues exactly as without probes: the weights are the same, bit for bit.

    Args:
        snapshots: those of `levinthal.training.train`.
        probes: functions from a Snapshot to Measurements.
        schedule: the steps to measure at; None is every snapshot.

    Returns:
        A generator of Measurements, in the order of snapshots and, within one, of probes.

    >>> import torch
    >>> from levinthal.probes import training_loss
    >>> net, x = torch.nn.Linear(1, 1), torch.zeros(1, 1)
    >>> run = [Snapshot(t, 0.0, net, x, x, torch.tensor(2.0**-t)) for t in range(4)]
    >>> [found.estimate.value for found in watch(run, [training_loss], schedule={1, 3})]
    [0.5, 0.125]
    """
    each = tuple(probes)
    for snapshot in snapshots:
        if schedule is None or snapshot.step in schedule:
            for probe in each:
                yield from probe(snapshot)


def only_at(steps: Collection[int], probe: Probe) -> Probe:
    """Restrict a probe to some steps. This is for measurements too expensive for every snapshot.

    Args:
        steps: the steps to measure at.
        probe: a function from a Snapshot to Measurements.

    Returns:
        A probe that yields nothing at other steps.

    >>> from types import SimpleNamespace
    >>> only_at({0, 4}, lambda snapshot: [snapshot.step])(SimpleNamespace(step=4))
    [4]
    """
    return lambda snapshot: probe(snapshot) if snapshot.step in steps else ()
