"""What the processes of a distributed training have in common: their batches, and their weights.

Each process writes two short texts to the key-value store of its process group, when its watch begins and
when it ends, and reads those of the others. It is no collective: no process waits for one that does not
watch.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from torch import Tensor, distributed, nn
from torch.distributed.distributed_c10d import PrefixStore

from levinthal.clinic.recording.row_reservoir import row_fingerprints
from levinthal.clinic.recording.training_setup import TrainingSetup, some_values

PATIENCE, PAUSE = 1.0, 0.02
"""Seconds for which the end of another watch is awaited, at most; seconds between two looks."""
MOST_BATCHES, MOST_WEIGHTS = 64, 8
_watches = count()


@dataclass(frozen=True, slots=True)
class Processes:
    """What the watches of several processes have read.

    Attributes:
        others: The other processes that watched.
        batches: Batches of one step that were compared between this process and another one.
        equal: How many of them were equal to the bit.
        is_averaged: Whether the weights are the same in all of them at the end; None where they are sharded.
        is_wrapped: Whether the model that is watched is `DistributedDataParallel`.
    """

    others: int
    batches: int
    equal: int
    is_averaged: bool | None
    is_wrapped: bool


class ProcessComparison:
    """The batches of this process, to be compared with those of others; idle outside of a process group.

    Args:
        setup: The model and its optimisers.
    """

    def __init__(self, setup: TrainingSetup) -> None:
        self._setup, self._prints = setup, dict[int, Tensor]()
        self._store: Any = None
        self._has_begun = False

    def note(self, step: int, inputs: Tensor) -> None:
        """Hold the fingerprint of a batch; the first time, say that this process watches."""
        if not self._has_begun:
            self._has_begun = True
            self._store = self._begun()
        if self._store is not None and len(self._prints) < MOST_BATCHES:
            self._prints[step] = row_fingerprints(inputs.reshape(1, -1))[0]

    def _begun(self) -> Any:
        """The store, after a note in it that this process watches; None where there is none, as under MPI."""
        if not (_is_distributed() and _is_data_parallel(self._setup)):
            return None
        try:
            store = PrefixStore(f"levinthal/{next(_watches)}", _default_store())
            store.set(f"begun/{distributed.get_rank()}", "1")
        except Exception:
            return None
        return store

    def compared(self) -> Processes | None:
        """Say what was read, and compare it with what the others say; None where no other one watched."""
        if self._store is None or not _is_distributed():
            return None
        store, own, rank = self._store, self._summary(), distributed.get_rank()
        store.set(f"ended/{rank}", json.dumps(own))
        begun = [k for k in self._ranks() if k != rank and store.check([f"begun/{k}"])]
        ended = [k for k in begun if _arrives(lambda k=k: store.check([f"ended/{k}"]))]  # type: ignore[misc]
        others = [json.loads(store.get(f"ended/{k}")) for k in ended]
        if not others:
            return None
        same = [o["weights"] == own["weights"] for o in others]
        both = [(own["batches"][s], o["batches"].get(s)) for o in others for s in own["batches"]]
        pairs = [(a, b) for a, b in both if b is not None]
        return Processes(
            others=len(others),
            batches=len(pairs),
            equal=sum(a == b for a, b in pairs),
            is_averaged=None if self._setup.is_sharded else all(same),
            is_wrapped=isinstance(self._setup.hooked_module, nn.parallel.DistributedDataParallel),
        )

    def _summary(self) -> dict[str, Any]:
        """The fingerprints of the batches by their steps, and some of the weights."""
        trained = [p for p in self._setup.parameters if p.requires_grad][-MOST_WEIGHTS:]
        weights = [float(some_values(p).double().sum()).hex() for p in trained if p.is_floating_point()]
        batches = {str(step): int(held) for step, held in self._prints.items()}
        return {"batches": batches, "weights": weights}

    def _ranks(self) -> list[int]:
        """The processes that train one network together."""
        module = self._setup.hooked_module
        if isinstance(module, nn.parallel.DistributedDataParallel):
            return list(distributed.get_process_group_ranks(module.process_group))
        return list(range(distributed.get_world_size()))


def _arrives(is_there: Callable[[], bool]) -> bool:
    """Whether something is there soon."""
    until = time.monotonic() + PATIENCE
    while not (found := is_there()) and time.monotonic() < until:
        time.sleep(PAUSE)
    return found


def _is_distributed() -> bool:
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def _is_data_parallel(setup: TrainingSetup) -> bool:
    """Whether each process should have rows of its own: not where they hold parts of one layer (DTensors of
    other libraries, meshes of several dimensions).
    """
    if not setup.is_sharded:
        return True
    meshes = [p.device_mesh for p in setup.parameters if hasattr(p, "device_mesh")]
    is_fsdp = any(type(m).__name__.startswith(("FSDP", "FullySharded")) for m in setup.model.modules())
    return is_fsdp and all(mesh.ndim == 1 for mesh in meshes)


def _default_store() -> Any:
    """The store of the default process group; it has no public name in torch 2.13."""
    return distributed.distributed_c10d._get_default_store()
