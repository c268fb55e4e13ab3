"""Lightning with manual optimisation: a GAN, embeddings with an optimiser of their own."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import outputs, seed_all
from benchmarks.faults.programs.torch_idioms.lightning_automatic import NEEDS, trainer_of
from sklearn.datasets import make_moons
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset


def sliced_distance(a: Tensor, b: Tensor) -> float:
    """The sliced Wasserstein distance of two samples of one size in the plane."""
    angle = torch.arange(32) * torch.pi / 32
    axes = torch.stack([angle.cos(), angle.sin()])
    return ((a @ axes).sort(0).values - (b @ axes).sort(0).values).abs().mean().item()


class MoonsGAN(pl.LightningModule):
    """A generator of points in the plane and its critic, each with an optimiser."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator = nn.Sequential(
            nn.Linear(4, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2)
        )
        self.critic = nn.Sequential(
            nn.Linear(2, 128), nn.LeakyReLU(0.2), nn.Linear(128, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1)
        )
        self.losses: list[tuple[float, float]] = []

    def forward(self, noise: Tensor) -> Tensor:
        """The forward pass."""
        return self.generator(noise)

    def training_step(self, batch: list[Tensor], batch_idx: int) -> None:  # noqa: ARG002
        """A step of the critic and one of the generator."""
        (real,) = batch
        generator_optimizer, critic_optimizer = self.optimizers()  # type: ignore[misc]
        fake = self(torch.randn(len(real), 4))

        self.toggle_optimizer(critic_optimizer)
        logits_real, logits_fake = self.critic(real), self.critic(fake.detach())
        critic_loss = functional.softplus(-logits_real).mean() + functional.softplus(logits_fake).mean()
        critic_optimizer.zero_grad()
        self.manual_backward(critic_loss)
        critic_optimizer.step()
        self.untoggle_optimizer(critic_optimizer)

        self.toggle_optimizer(generator_optimizer)
        generator_loss = functional.softplus(-self.critic(self(torch.randn(len(real), 4)))).mean()
        generator_optimizer.zero_grad()
        self.manual_backward(generator_loss)
        generator_optimizer.step()
        self.untoggle_optimizer(generator_optimizer)
        self.log_dict({"critic_loss": critic_loss, "generator_loss": generator_loss})
        self.losses.append((critic_loss.item(), generator_loss.item()))

    def configure_optimizers(self) -> Any:
        """Two of Adam with a low first beta."""
        return [
            torch.optim.Adam(self.generator.parameters(), lr=1e-3, betas=(0.5, 0.9)),
            torch.optim.Adam(self.critic.parameters(), lr=4e-3, betas=(0.5, 0.9)),
        ]


def moons_gan(observer: Observer, seed: int) -> Trained:
    """A GAN on two moons in a LightningModule that toggles its two optimisers."""
    seed_all(seed)
    points = torch.tensor(make_moons(2000, noise=0.05, random_state=seed)[0], dtype=torch.float32)
    points = (points - points.mean(0)) / points.std(0)
    train, test = points[:1500], points[1500:]
    noise, model = torch.randn(500, 4), MoonsGAN()
    before = -sliced_distance(outputs(model, noise), test)
    loader = DataLoader(TensorDataset(train), batch_size=100, shuffle=True)
    trainer = trainer_of(observer.lightning_callbacks(), max_epochs=20)
    trainer.fit(model.train(), loader)
    score = -sliced_distance(outputs(model, noise), test)
    extra = {"losses": model.losses[-5:], "outputs": outputs(model, noise[:8])}
    return Trained((model,), tuple(trainer.optimizers), score, before, -0.35, extra)


class Recommender(pl.LightningModule):
    """Sparse embeddings of people and things and a dense network of their product."""

    def __init__(self, people: int, things: int, dim: int = 8) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.people = nn.Embedding(people, dim, sparse=True)
        self.things = nn.Embedding(things, dim, sparse=True)
        self.head = nn.Sequential(nn.Linear(dim, 32), nn.ReLU(), nn.Linear(32, 1))
        for table in (self.people, self.things):
            nn.init.normal_(table.weight, std=0.3)
        self.losses: list[float] = []

    def forward(self, pairs: Tensor) -> Tensor:
        """The forward pass."""
        product = self.people(pairs[:, 0]) * self.things(pairs[:, 1])
        return self.head(product).squeeze(1) + product.sum(1)

    def training_step(self, batch: list[Tensor], batch_idx: int) -> None:  # noqa: ARG002
        """One loss for both optimisers."""
        loss = functional.mse_loss(self(batch[0]), batch[1])
        optimizers: Any = self.optimizers()
        for optimizer in optimizers:
            optimizer.zero_grad()
        self.manual_backward(loss)
        for optimizer in optimizers:
            optimizer.step()
        self.log("train_loss", loss)
        self.losses.append(loss.item())

    def on_train_epoch_end(self) -> None:
        """The schedules of both, by hand."""
        for scheduler in self.lr_schedulers():  # type: ignore[union-attr]
            scheduler.step()  # type: ignore[call-arg,union-attr]

    def configure_optimizers(self) -> Any:
        """SparseAdam for the tables, AdamW for the rest."""
        sparse = torch.optim.SparseAdam([self.people.weight, self.things.weight], lr=2e-2)
        dense = torch.optim.AdamW(self.head.parameters(), lr=3e-3)
        return [sparse, dense], [torch.optim.lr_scheduler.ExponentialLR(o, 0.85) for o in (sparse, dense)]


def recommender(observer: Observer, seed: int) -> Trained:
    """A recommender with sparse embeddings by SparseAdam and a dense head by AdamW, stepped by hand in Lightning."""
    seed_all(seed)
    taste, kind = torch.randn(120, 3), torch.randn(80, 3)
    pairs = torch.cartesian_prod(torch.arange(120), torch.arange(80))[torch.randperm(9600)]
    ratings = (taste[pairs[:, 0]] * kind[pairs[:, 1]]).sum(1) / 3**0.5 + 0.2 * torch.randn(9600)
    model, test_x, test_y = Recommender(120, 80), pairs[8000:], ratings[8000:]

    def explained() -> float:
        return 1 - functional.mse_loss(outputs(model, test_x), test_y).item() / test_y.var().item()

    before = explained()
    loader = DataLoader(TensorDataset(pairs[:8000], ratings[:8000]), batch_size=250, shuffle=True)
    trainer = trainer_of(observer.lightning_callbacks(), max_epochs=10)
    trainer.fit(model.train(), loader)
    extra = {"losses": model.losses[-10:], "outputs": outputs(model, test_x[:8])}
    return Trained((model,), tuple(trainer.optimizers), explained(), max(before, 0.0), 0.6, extra)


PROGRAMS = (
    Program("lightning-manual-gan", "Lightning, manual optimisation, toggled optimisers", NEEDS, moons_gan),
    Program(
        "lightning-manual-sparse-dense",
        "Lightning, manual optimisation, SparseAdam and AdamW",
        NEEDS,
        recommender,
    ),
)
