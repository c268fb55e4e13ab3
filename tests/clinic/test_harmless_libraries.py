"""The watch with libraries that wrap models and optimisers, and with processes that share a model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.clinic.same_runs import same
from torch import Tensor, nn
from torch.nn import functional

X, Y = torch.randn(64, 16), torch.randint(4, (64,))
SHARDED = """
import sys, torch, torch.distributed as dist, torch.multiprocessing as mp
from torch import nn
from torch.nn import functional as F

def work(rank, init):
    import levinthal
    from contextlib import nullcontext
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    dist.init_process_group("gloo", init_method=init, rank=rank, world_size=2)
    mesh, ends = init_device_mesh("cpu", (2,)), []
    for watched in (False, True):
        torch.manual_seed(0)
        m = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
        for part in (m[0], m[2], m):
            fully_shard(part, mesh=mesh)
        o, x, y = torch.optim.Adam(m.parameters(), 1e-2), torch.randn(64, 16), torch.randint(4, (64,))
        with torch.no_grad():
            m(x)  # leaves the parameters of the root whole, until the first backward pass frees them
        w = levinthal.watch(m, o, every=2, validation=(x, y)) if watched and rank == 0 else None
        with w or nullcontext():  # one process alone may watch: nothing waits for the other
            for _ in range(6):
                o.zero_grad()
                F.cross_entropy(m(x), y).backward()
                o.step()
        ends.append([p.to_local().detach().clone() for p in m.parameters()])
        if w:
            assert (w.trouble, len(w.history)) == ("", 3), w.trouble
            assert "sharded" in w.unseen[0] and "sharded" in w.unseen[1], w.unseen
            assert (w.history.tensors("update")[:, [0, 2]] > 0).all()
    assert all(map(torch.equal, *ends))
    dist.destroy_process_group()

if __name__ == "__main__":
    mp.spawn(work, ("file://" + sys.argv[1],), nprocs=2)
"""


@pytest.mark.slow
def test_sharded_parameters_are_read_without_waiting_for_other_processes(tmp_path: Path) -> None:
    pytest.importorskip("torch.distributed.fsdp").fully_shard  # noqa: B018
    script = tmp_path / "sharded.py"
    script.write_text(SHARDED)
    done = subprocess.run([sys.executable, script, tmp_path / "rendezvous"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


class Prepared(torch.optim.Optimizer):
    """As Accelerate wraps an optimiser: an Optimizer without hooks of its own."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer

    @property
    def param_groups(self) -> Any:  # type: ignore[override]
        return self.optimizer.param_groups

    def state_dict(self) -> Any:
        return self.optimizer.state_dict()

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.optimizer.zero_grad(set_to_none)

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        self.optimizer.step(closure)


def loop(prepare: Any) -> Any:
    def program() -> Any:
        model: nn.Module = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4))
        model, optimizer = prepare(model, torch.optim.Adam(model.parameters(), 1e-2))

        def step(_: int) -> Tensor:
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(X), Y)
            loss.backward()
            optimizer.step()
            return loss

        return model, optimizer, step

    return program


def test_a_wrapped_optimiser_is_watched() -> None:
    w = same(loop(lambda model, optimizer: (model, Prepared(optimizer))), every=1)
    assert (w.trouble, w.unseen, len(w.history)) == ("", (), 12)


def test_what_accelerate_prepares_is_watched() -> None:
    accelerate = pytest.importorskip("accelerate")
    w = same(loop(accelerate.Accelerator(cpu=True).prepare), every=1)
    assert (w.trouble, w.unseen, len(w.history)) == ("", (), 12)
