"""Probes applied to the snapshots of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from levinthal.arguments import function, in_short, several
from levinthal.errors import InputError
from levinthal.training.schedules import steps_of
from levinthal.vocabulary import Measurement, Probe, Snapshot

PROBE = "a function of a Snapshot, such as probes.training_loss"


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

    Raises:
        InputError: at the first measurement, for what are no snapshots, probes or steps.

    >>> import torch
    >>> from levinthal.probes import training_loss
    >>> net, x = torch.nn.Linear(1, 1), torch.zeros(1, 1)
    >>> run = [Snapshot(t, 0.0, net, x, x, torch.tensor(2.0**-t)) for t in range(4)]
    >>> [found.estimate.value for found in watch(run, [training_loss], schedule={1, 3})]
    [0.5, 0.125]
    """
    each = [function("probes", one, PROBE) for one in several("probes", probes, "a list of probes")]
    wanted = None if schedule is None else steps_of("schedule", schedule)
    if not isinstance(snapshots, Iterable):
        raise InputError(f"snapshots={in_short(snapshots)} is no run: pass levinthal.train(...)")
    for snapshot in snapshots:
        if not hasattr(snapshot, "step"):
            raise InputError(f"snapshots has {in_short(snapshot)}: pass levinthal.train(...)")
        if wanted is None or snapshot.step in wanted:
            for probe in each:
                yield from probe(snapshot)


def only_at(steps: Collection[int], probe: Probe) -> Probe:
    """Restrict a probe to some steps. This is for measurements too expensive for every snapshot.

    Args:
        steps: the steps to measure at.
        probe: a function from a Snapshot to Measurements.

    Returns:
        A probe that yields nothing at other steps.

    Raises:
        InputError: `steps` are no whole numbers, or `probe` is no function.

    >>> from types import SimpleNamespace
    >>> only_at({0, 4}, lambda snapshot: [snapshot.step])(SimpleNamespace(step=4))
    [4]
    """
    function("probe", probe, PROBE)
    wanted = steps_of("steps", steps)
    return lambda snapshot: probe(snapshot) if snapshot.step in wanted else ()
