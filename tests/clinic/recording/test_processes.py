"""Processes that share a training: real ones on gloo, beside one that is alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
from tests.clinic.cases import X, Y, mlp
from torch.nn import functional

from levinthal.clinic import Watch, watch
from levinthal.clinic.recording import processes as module

PROGRAM = """
import json, sys
import torch, torch.distributed as dist, torch.multiprocessing as mp
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

def train(rank, shares_rows, averages, watches=(0, 1)):
    import levinthal
    from contextlib import nullcontext
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4))
    wrapped = DistributedDataParallel(model)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    x = torch.randn(512, 16, generator=torch.Generator().manual_seed(0))
    y = x[:, :4].argmax(1)
    draw = torch.Generator().manual_seed(0 if shares_rows else rank)
    w = levinthal.watch(wrapped, optimizer, every=2) if rank in watches else None
    with w or nullcontext():
        for _ in range(40):
            rows = torch.randint(0, 512, (32,), generator=draw)
            optimizer.zero_grad()
            F.cross_entropy((wrapped if averages else wrapped.module)(x[rows]), y[rows]).backward()
            optimizer.step()
    if w is None:
        return None
    return [w.trouble, w.unseen, {f.code: f.severity for f in w.findings()}, w.history.processes is not None]

def work(rank, init, out):
    dist.init_process_group("gloo", init_method=init, rank=rank, world_size=2)
    cases = {"sound": (False, True), "same rows": (True, True), "not averaged": (False, False)}
    said = {name: train(rank, *case) for name, case in cases.items()}
    said["one watches"] = train(rank, True, True, (0,))
    if rank == 0:
        with open(out, "w") as file:
            json.dump(said, file)
    dist.destroy_process_group()

if __name__ == "__main__":
    mp.spawn(work, ("file://" + sys.argv[1], sys.argv[2]), nprocs=2)
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list]:
    folder = tmp_path_factory.mktemp("processes")
    (folder / "program.py").write_text(PROGRAM)
    command = [sys.executable, folder / "program.py", folder / "rendezvous", folder / "said.json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads((folder / "said.json").read_text()))


@pytest.mark.parametrize(
    ("name", "code"), [("sound", ""), ("same rows", "SAME_BATCHES"), ("not averaged", "WEIGHTS_APART")]
)
def test_what_differs_between_processes_is_named(said: dict[str, list], name: str, code: str) -> None:
    trouble, _, found, has_others = said[name]
    assert (trouble, has_others) == ("", True)
    of_processes = {c: s for c, s in found.items() if c in ("SAME_BATCHES", "WEIGHTS_APART")}
    assert of_processes == ({code: "warning"} if code else {})


def test_a_process_that_watches_alone_compares_nothing(said: dict[str, list]) -> None:
    trouble, _, found, has_others = said["one watches"]
    assert (trouble, has_others) == ("", False)
    assert "SAME_BATCHES" not in found


def three_steps() -> Watch:
    model = mlp(depth=2)
    optimizer = torch.optim.Adam(model.parameters())
    with watch(model, optimizer) as w:
        for _ in range(3):
            functional.cross_entropy(model(X[:8]), Y[:8]).backward()
            optimizer.step()
    return w


def test_nothing_is_held_outside_of_a_process_group() -> None:
    w = three_steps()
    assert w.history.processes is None


def test_a_process_group_without_a_store_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise RuntimeError("no store, as under MPI")

    monkeypatch.setattr(module, "_is_distributed", lambda: True)
    monkeypatch.setattr(module, "_default_store", none)
    w = three_steps()
    assert (w.trouble, w.history.processes) == ("", None)
    assert len(w.history)
