"""torch.func: gradients of each sample by vmap, ensembles in one pass, meta-learning; and double backward."""

from __future__ import annotations

import math

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import accuracy, digit_vectors, outputs, seed_all, tabular
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn import functional


def private_sgd(observer: Observer, seed: int) -> Trained:
    """A differentially private classifier of digits: each sample's gradient is clipped, and noise is added."""
    seed_all(seed)
    data = digit_vectors()
    model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.5)
    clip, noise, expected = 1.0, 0.6, 128

    def sample_loss(params: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return functional.cross_entropy(functional_call(model, params, (x.unsqueeze(0),)), y.unsqueeze(0))

    gradients = vmap(grad(sample_loss), in_dims=(None, 0, 0))
    before, losses = accuracy(model, data.test_x, data.test_y), []
    with observer.watch(model, optimizer):
        for _step in range(200):
            chosen = torch.rand(len(data.train_x)) < expected / len(data.train_x)
            x, y = data.train_x[chosen], data.train_y[chosen]
            optimizer.zero_grad()
            per_sample = gradients({k: v.detach() for k, v in model.named_parameters()}, x, y)
            norms = torch.stack([g.flatten(1).norm(dim=1) for g in per_sample.values()]).norm(dim=0)
            factor = (clip / (norms + 1e-6)).clamp(max=1.0)
            for name, parameter in model.named_parameters():
                total = torch.einsum("b,b...->...", factor, per_sample[name])
                parameter.grad = (total + noise * clip * torch.randn_like(total)) / expected
            optimizer.step()
            with torch.no_grad():
                losses.append(functional.cross_entropy(model(x), y).item())
    score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.75, extra)


class Ensemble(nn.Module):
    """Several networks of one shape, whose parameters are stacked and which run in one call by vmap."""

    def __init__(self, members: list[nn.Module]) -> None:
        super().__init__()
        stacked, _buffers = stack_module_state(members)  # type: ignore[arg-type]
        self.names = list(stacked)
        self.stacked = nn.ParameterList([nn.Parameter(value.detach()) for value in stacked.values()])
        self._skeleton = [members[0].to("meta")]  # in a list: no submodule

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""

        def call(params: dict[str, Tensor], x: Tensor) -> Tensor:
            return functional_call(self._skeleton[0], params, (x,))

        self._skeleton[0].train(self.training)
        params = dict(zip(self.names, self.stacked, strict=True))
        return vmap(call, in_dims=(0, None), randomness="different")(params, x)


def stacked_ensemble(observer: Observer, seed: int) -> Trained:
    """A deep ensemble of ten regressors of the diabetes data with Gaussian likelihood, stacked by `torch.func`."""
    seed_all(seed)
    data = tabular("diabetes")
    members: list[nn.Module] = [
        nn.Sequential(nn.Linear(10, 32), nn.SiLU(), nn.Dropout(0.1), nn.Linear(32, 2)) for _ in range(10)
    ]
    model = Ensemble(members)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    spread = data.test_y.var().item()

    def explained() -> float:
        mean = outputs(model, data.test_x)[..., 0].mean(0)
        return 1 - functional.mse_loss(mean, data.test_y).item() / spread

    before, losses = explained(), []
    with observer.watch(model, optimizer):
        for _epoch in range(12):
            model.train()
            for x, y in data.loader(16):
                optimizer.zero_grad()
                mean, raw = model(x).unbind(-1)
                loss = functional.gaussian_nll_loss(mean, y.expand_as(mean), functional.softplus(raw) + 1e-3)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
    score = explained()
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.0), 0.3, extra)


def sine_tasks(count: int, points: int) -> tuple[Tensor, Tensor]:
    """Points of sines of different height and phase."""
    x = 10 * torch.rand(count, points, 1) - 5
    height, phase = 0.5 + 2 * torch.rand(count, 1, 1), math.pi * torch.rand(count, 1, 1)
    return x, height * torch.sin(x + phase)


def meta_learning(observer: Observer, seed: int) -> Trained:
    """MAML on sine waves: the outer loss is taken after an inner gradient step by `functional_call`."""
    seed_all(seed)
    model = nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)

    def loss_of(params: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return functional.mse_loss(functional_call(model, params, (x,)), y)

    def adapted_loss(params: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        slopes = grad(loss_of)(params, x[:10], y[:10])
        return loss_of({k: params[k] - 0.03 * slopes[k] for k in params}, x[10:], y[10:])

    tasks = vmap(adapted_loss, in_dims=(None, 0, 0))
    held_out = sine_tasks(100, 20)

    @torch.no_grad()
    def explained() -> float:
        params = dict(model.named_parameters())
        return 1 - (tasks(params, *held_out).mean() / held_out[1].var()).item()

    before, losses = explained(), []
    with observer.watch(model, optimizer):
        for _step in range(400):
            optimizer.zero_grad()
            loss = tasks(dict(model.named_parameters()), *sine_tasks(25, 20)).mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    extra = {"losses": losses[-10:], "outputs": outputs(model, torch.linspace(-5, 5, 9).unsqueeze(1))}
    return Trained((model,), (optimizer,), explained(), max(before, 0.0), 0.35, extra)


class HeatNetwork(nn.Module):
    """The temperature at a place and time."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)
        )
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_normal_(layer.weight, gain=5 / 3)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """The forward pass."""
        return self.layers(torch.stack([2 * x - 1, 2 * t - 1], dim=1)).squeeze(1)


def physics_informed(observer: Observer, seed: int) -> Trained:
    """A physics-informed network solves the heat equation: second derivatives by autograd within the loss."""
    seed_all(seed)
    model, rate = HeatNetwork(), 0.1
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.995)
    grid_x, grid_t = (
        axis.flatten()
        for axis in torch.meshgrid(torch.linspace(0, 1, 21), torch.linspace(0, 1, 21), indexing="ij")
    )
    exact = torch.exp(-rate * math.pi**2 * grid_t) * torch.sin(math.pi * grid_x)

    def explained() -> float:
        return 1 - (functional.mse_loss(outputs(model, grid_x, grid_t), exact) / exact.var()).item()

    def residual(x: Tensor, t: Tensor) -> Tensor:
        u = model(x, t)
        u_x, u_t = torch.autograd.grad(u.sum(), (x, t), create_graph=True)
        u_xx = torch.autograd.grad(u_x.sum(), x, create_graph=True)[0]
        return u_t - rate * u_xx

    before, losses = explained(), []
    with observer.watch(model, optimizer):
        for _step in range(400):
            x, t = torch.rand(200, requires_grad=True), torch.rand(200, requires_grad=True)
            start, edge, when = torch.rand(50), torch.randint(2, (50,)).float(), torch.rand(50)
            physics = residual(x, t).pow(2).mean()
            initial = functional.mse_loss(model(start, torch.zeros(50)), torch.sin(math.pi * start))
            boundary = model(edge, when).pow(2).mean()
            loss = physics + 10 * initial + 10 * boundary
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
    extra = {"losses": losses[-10:], "outputs": outputs(model, grid_x[:30], grid_t[:30])}
    return Trained((model,), (optimizer,), explained(), max(before, 0.0), 0.9, extra)


PROGRAMS = (
    Program("dp-sgd-per-sample-vmap", "per-sample gradients by vmap", (), private_sgd),
    Program("stacked-ensemble-vmap", "stack_module_state, functional_call", (), stacked_ensemble),
    Program("maml-functional-call", "meta-learning, torch.func.grad within a loss", (), meta_learning),
    Program("pinn-double-backward", "physics-informed network, create_graph", (), physics_informed),
)
