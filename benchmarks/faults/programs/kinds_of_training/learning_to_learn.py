"""Networks that make or adapt networks, and spikes: MAML, a hypernetwork, a spiking network."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from .common import digits, epochs, explained, seed_everything


def sinusoids(tasks: int, shots: int = 10) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sines of random height and phase: support and query points of each task."""
    height, phase = 0.5 + 2 * torch.rand(tasks, 1, 1), math.pi * torch.rand(tasks, 1, 1)
    x = 4 * torch.rand(tasks, 2 * shots, 1) - 2
    y = height * torch.sin(x + phase)
    return x[:, :shots], y[:, :shots], x[:, shots:], y[:, shots:]


def maml_sines(observer: Observer, seed: int) -> Trained:
    """MAML by torch.func: one inner step for each of 25 tasks under vmap, the outer step by Adam."""
    seed_everything(seed)
    model = nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    def error(params: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(functional_call(model, params, (x,)), y)

    def adapted(params: dict[str, Tensor], x: Tensor, y: Tensor, qx: Tensor, qy: Tensor) -> Tensor:
        slopes = grad(error)(params, x, y)
        fast = {name: p - 0.05 * slopes[name] for name, p in params.items()}
        return error(fast, qx, qy)

    test = sinusoids(200)

    def quality() -> float:
        after = vmap(adapted, in_dims=(None, 0, 0, 0, 0))(
            {k: p.detach() for k, p in model.named_parameters()}, *test
        )
        return 1 - float(after.mean() / test[3].var())

    before = max(0.0, quality())
    with observer.watch(model, optimizer):
        for _ in range(400):
            params = dict(model.named_parameters())
            losses = vmap(adapted, in_dims=(None, 0, 0, 0, 0))(params, *sinusoids(25))
            loss = losses.mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    extra = {"loss": loss.detach(), "losses": losses.detach()}
    return Trained((model,), (optimizer,), quality(), before, 0.5, extra)


class HyperNetwork(nn.Module):
    """Makes the weights of a small network from the description of a task."""

    SHAPES = ((16, 1), (16,), (16, 16), (16,), (1, 16), (1,))

    def __init__(self) -> None:
        super().__init__()
        self.sizes = [math.prod(shape) for shape in self.SHAPES]
        self.net = nn.Sequential(
            nn.Linear(3, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, sum(self.sizes))
        )
        with torch.no_grad():
            self.net[-1].weight.mul_(0.3)
            scale = torch.cat(
                [
                    torch.full((n,), 1.0 if len(s) == 2 else 0.1)
                    for n, s in zip(self.sizes, self.SHAPES, strict=True)
                ]
            )
            self.net[-1].bias.copy_(scale * torch.randn(sum(self.sizes)) * 0.4)

    def forward(self, task: Tensor, x: Tensor) -> Tensor:
        """The made network at `x`: `(tasks, points, 1)`."""
        w1, b1, w2, b2, w3, b3 = (
            part.view(-1, *shape)
            for part, shape in zip(self.net(task).split(self.sizes, dim=1), self.SHAPES, strict=True)
        )
        h = torch.tanh(torch.einsum("tpi,toi->tpo", x, w1) + b1[:, None])
        h = torch.tanh(torch.einsum("tpi,toi->tpo", h, w2) + b2[:, None])
        return torch.einsum("tpi,toi->tpo", h, w3) + b3[:, None]


def hypernetwork_curves(observer: Observer, seed: int) -> Trained:
    """A hypernetwork makes a network for each curve a sin(2 x + b) + c x, for tasks it has not seen."""
    seed_everything(seed)

    def curves(tasks: int) -> tuple[Tensor, Tensor, Tensor]:
        task, x = 2 * torch.rand(tasks, 3) - 1, 3 * torch.rand(tasks, 20, 1) - 1.5
        a, b, c = (v[:, None, None] for v in task.unbind(1))
        return task, x, a * torch.sin(2 * x + 2 * b) + c * x

    model, test = HyperNetwork(), curves(200)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=200)
    before = max(0.0, explained(model(test[0], test[1]), test[2]))
    with observer.watch(model, optimizer):
        for _ in range(400):
            task, x, y = curves(64)
            loss = F.mse_loss(model(task, x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    predicted = model(test[0], test[1]).detach()
    extra = {"loss": loss.detach(), "curves": predicted[:2]}
    return Trained((model,), (optimizer,), explained(predicted, test[2]), before, 0.7, extra)


class Spike(torch.autograd.Function):
    """A step forward, a smooth slope backward."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, v: Tensor) -> Tensor:  # type: ignore[override]
        """One where the membrane is above its threshold."""
        ctx.save_for_backward(v)
        return (v > 0).float()

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, slope: Tensor) -> Tensor:  # type: ignore[override]
        """The fast sigmoid's slope instead of none."""
        (v,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return slope / (1 + 5 * v.abs()) ** 2


class SpikingNet(nn.Module):
    """Leaky integrate-and-fire neurons over 12 steps; the output is the mean membrane of the last layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(64, 128), nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of rate-coded images."""
        v1, v2 = torch.zeros(len(x), 128), torch.zeros(len(x), 10)
        total = torch.zeros(len(x), 10)
        for _ in range(12):
            v1 = 0.9 * v1 + self.first(torch.bernoulli(x))
            spikes = Spike.apply(v1 - 1)
            v1 = v1 - spikes.detach()
            v2 = 0.9 * v2 + self.second(spikes)
            total = total + v2
        return total / 12


def spiking_digits(observer: Observer, seed: int) -> Trained:
    """A spiking network classifies rate-coded digits, trained through time with a surrogate gradient."""
    seed_everything(seed)
    train, train_y, test, test_y = digits(seed)
    model = SpikingNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    with observer.watch(model, optimizer):
        for index in epochs(len(train), 64, 200):
            loss = F.cross_entropy(model(train[index].flatten(1)), train_y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        logits = model(test.flatten(1))
    score = float((logits.argmax(1) == test_y).float().mean())
    return Trained((model,), (optimizer,), score, 0.1, 0.8, {"loss": loss.detach(), "logits": logits[:4]})


PROGRAMS = (
    Program("maml-sines", "meta-learning by torch.func", (), maml_sines),
    Program("hypernetwork-curves", "hypernetwork", (), hypernetwork_curves),
    Program("spiking-digits", "spiking network, surrogate gradient", (), spiking_digits),
)
