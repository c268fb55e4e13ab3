"""Data parallel training on gloo with one process: DDP and FSDP2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import torch
import torch.distributed as dist
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import (
    accuracy,
    digit_images,
    digit_vectors,
    outputs,
    seed_all,
)
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler


@contextmanager
def one_process() -> Iterator[None]:
    """A process group of this process alone."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        yield
    finally:
        dist.destroy_process_group()


class Pyramid(nn.Module):
    """Convolutions with batch norm; a head on the pooled features of both scales."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)
        )
        self.coarse = nn.Sequential(
            nn.Conv2d(16, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(inplace=True)
        )
        self.head = nn.Linear(16 * 4 + 32 * 4, 10)

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        fine = self.fine(x)
        coarse = self.coarse(fine)
        pooled = [functional.adaptive_avg_pool2d(h, 2).flatten(1) for h in (fine, coarse)]
        return self.head(torch.cat(pooled, dim=1))


def data_parallel(observer: Observer, seed: int) -> Trained:
    """DDP on gloo: a convolutional network on digits, with `no_sync` over the first of each two batches."""
    seed_all(seed)
    data, epochs = digit_images(), 8
    dataset = TensorDataset(data.train_x, data.train_y)
    with one_process():
        model = DistributedDataParallel(Pyramid())
        sampler: DistributedSampler[tuple[Tensor, ...]] = DistributedSampler(
            dataset, seed=seed, drop_last=True
        )
        loader = DataLoader(dataset, batch_size=32, sampler=sampler, drop_last=True)
        optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs)
        before, losses = accuracy(model, data.test_x, data.test_y), []
        with observer.watch(model, optimizer):
            for epoch in range(epochs):
                sampler.set_epoch(epoch)
                for index, (x, y) in enumerate(loader):
                    last = index % 2 == 1
                    with nullcontext() if last else model.no_sync():
                        loss = functional.cross_entropy(model(x), y) / 2
                        loss.backward()
                    if last:
                        optimizer.step()
                        optimizer.zero_grad()
                        losses.append(loss.item())
                scheduler.step()
        score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model.module, data.test_x[:8])}
    return Trained((model.module,), (optimizer,), score, max(before, 0.1), 0.88, extra)


class Block(nn.Module):
    """A residual MLP block."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm, self.up, self.down = (
            nn.RMSNorm(dim),
            nn.Linear(dim, 3 * dim, bias=False),
            nn.Linear(3 * dim, dim, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        return x + self.down(functional.silu(self.up(self.norm(x))))


def residual_mlp() -> nn.Sequential:
    """A stem, three blocks, a norm and a head."""
    return nn.Sequential(nn.Linear(64, 64), *[Block(64) for _ in range(3)], nn.RMSNorm(64), nn.Linear(64, 10))


def fully_sharded(observer: Observer, seed: int) -> Trained:
    """FSDP2 on gloo: each residual block of an MLP on digits is a shard of its own, by AdamW with clipping."""
    seed_all(seed)
    data, model = digit_vectors(), residual_mlp()
    with one_process():
        mesh = init_device_mesh("cpu", (1,))
        for module in model:
            if isinstance(module, Block):
                fully_shard(module, mesh=mesh)
        fully_shard(model, mesh=mesh)
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
        before, losses = accuracy(model, data.test_x, data.test_y), []
        with observer.watch(model, optimizer):
            for _epoch in range(7):
                model.train()
                for x, y in data.loader(64):
                    loss = functional.cross_entropy(model(x), y)
                    loss.backward()
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    optimizer.zero_grad()
                    losses.append(loss.item())
                accuracy(model, data.test_x, data.test_y)
        score = accuracy(model, data.test_x, data.test_y)
        state = get_model_state_dict(model, options=StateDictOptions(full_state_dict=True, cpu_offload=True))
    whole = residual_mlp()  # the trained weights without their shards, which end with the process group
    whole.load_state_dict(state)
    extra = {"losses": losses[-10:], "outputs": outputs(whole, data.test_x[:8])}
    return Trained((whole,), (None,), score, max(before, 0.1), 0.85, extra)


PROGRAMS = (
    Program("ddp-gloo-no-sync", "DistributedDataParallel, no_sync", (), data_parallel),
    Program("fsdp2-fully-shard-gloo", "FSDP2, fully_shard", (), fully_sharded),
)
