"""Adversarial training: non-saturating in Lightning, Wasserstein with a penalty, hinge with classes."""

from __future__ import annotations

import copy
import logging
import math
import warnings

import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.utils.data import DataLoader, TensorDataset

from .common import digits, energy_distance, epochs, seed_everything


def generator(noise: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(noise, 64 * 4, bias=False),
        nn.BatchNorm1d(256),
        nn.ReLU(inplace=True),
        nn.Unflatten(1, (64, 2, 2)),
        nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1),
        nn.Tanh(),
    )


def discriminator() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 32, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(32, 64, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(256, 1),
    )


def dcgan_lightning(observer: Observer, seed: int) -> Trained:
    """A DCGAN on digits as a LightningModule with manual optimisation and the non-saturating loss."""
    import pytorch_lightning as pl

    class DCGAN(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.generator, self.discriminator = generator(16), discriminator()
            self.losses = torch.zeros(2)

        def forward(self, z: Tensor) -> Tensor:
            out: Tensor = self.generator(z)
            return out

        def training_step(self, batch: list[Tensor], _: int) -> None:
            (real,) = batch
            optimizer_g, optimizer_d = self.optimizers()
            fake = self(torch.randn(len(real), 16))

            self.toggle_optimizer(optimizer_d)
            on_real, on_fake = self.discriminator(real), self.discriminator(fake.detach())
            loss_d = F.binary_cross_entropy_with_logits(on_real, torch.full_like(on_real, 0.9))
            loss_d = loss_d + F.binary_cross_entropy_with_logits(on_fake, torch.zeros_like(on_fake))
            optimizer_d.zero_grad()
            self.manual_backward(loss_d)
            optimizer_d.step()
            self.untoggle_optimizer(optimizer_d)

            self.toggle_optimizer(optimizer_g)
            on_fake = self.discriminator(fake)
            loss_g = F.binary_cross_entropy_with_logits(on_fake, torch.ones_like(on_fake))
            optimizer_g.zero_grad()
            self.manual_backward(loss_g)
            optimizer_g.step()
            self.untoggle_optimizer(optimizer_g)
            self.log_dict({"g": loss_g, "d": loss_d})
            self.losses = torch.stack((loss_g, loss_d)).detach()

        def configure_optimizers(self) -> list[torch.optim.Optimizer]:
            return [
                torch.optim.Adam(net.parameters(), lr=lr, betas=(0.0, 0.999))
                for net, lr in ((self.generator, 1e-3), (self.discriminator, 4e-3))
            ]

    seed_everything(seed)
    train, _, test, _ = digits(seed)
    model, z = DCGAN(), torch.randn(len(test), 16)

    def quality() -> float:
        model.eval()
        with torch.no_grad():
            return -energy_distance(model(z), test * 2 - 1)

    noise = (torch.randn_like(test) * train.std() * 2 + train.mean() * 2 - 1).clamp(-1, 1)
    before = max(quality(), -energy_distance(noise, test * 2 - 1))
    model.train()
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        trainer = pl.Trainer(
            max_epochs=9,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=observer.lightning_callbacks(),
        )
        loader = DataLoader(TensorDataset(train * 2 - 1), batch_size=64, shuffle=True, drop_last=True)
        trainer.fit(model, loader)
    score = quality()
    extra = {"losses": model.losses, "samples": model(z[:4]).detach()}
    return Trained((model,), tuple(trainer.optimizers), score, before, 0.4 * before, extra)


def wgan_gp_mixture(observer: Observer, seed: int) -> Trained:
    """WGAN-GP on a ring of eight normals: two steps of the critic for one of the generator."""
    seed_everything(seed)
    angle = torch.randint(0, 8, (5000,)) * math.pi / 4
    points = 1.5 * torch.stack((angle.cos(), angle.sin()), 1) + 0.08 * torch.randn(5000, 2)
    train, test = points[:4000], points[4000:]
    make = nn.Sequential(nn.Linear(4, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 2))
    critic = nn.Sequential(
        nn.Linear(2, 96), nn.LeakyReLU(0.2), nn.Linear(96, 96), nn.LeakyReLU(0.2), nn.Linear(96, 1)
    )
    optimizer_g = torch.optim.Adam(make.parameters(), lr=2e-3, betas=(0.5, 0.9))
    optimizer_c = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.5, 0.9))
    z = torch.randn(1000, 4)

    def penalty(real: Tensor, fake: Tensor) -> Tensor:
        mixed = torch.lerp(real, fake, torch.rand(len(real), 1)).requires_grad_(True)
        (slope,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
        return (slope.norm(2, dim=1) - 1).pow(2).mean()

    normal = train.std() * torch.randn(1000, 2)
    before = max(-energy_distance(make(z), test), -energy_distance(normal, test))
    with observer.watch([make, critic], [optimizer_g, optimizer_c]):
        for _ in range(200):
            for _ in range(2):
                real = train[torch.randint(0, len(train), (128,))]
                with torch.no_grad():
                    fake = make(torch.randn(128, 4))
                loss_c = critic(fake).mean() - critic(real).mean() + 1.0 * penalty(real, fake)
                optimizer_c.zero_grad()
                loss_c.backward()
                optimizer_c.step()
            loss_g = -critic(make(torch.randn(128, 4))).mean()
            optimizer_g.zero_grad()
            loss_g.backward()
            optimizer_g.step()
    score = -energy_distance(make(z), test)
    extra = {"losses": torch.stack((loss_g, loss_c)).detach(), "samples": make(z[:8]).detach()}
    return Trained((make, critic), (optimizer_g, optimizer_c), score, before, 0.5 * before, extra)


class ClassGenerator(nn.Module):
    """Noise and an embedded class make a digit."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 16)
        self.net = generator(32)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """Images of the classes `y`."""
        out: Tensor = self.net(torch.cat((z, self.embed(y)), dim=1))
        return out


class ProjectionDiscriminator(nn.Module):
    """A discriminator with spectral normalisation that takes the class by a projection."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            spectral_norm(nn.Conv2d(1, 32, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.1),
            spectral_norm(nn.Conv2d(32, 64, 4, stride=2, padding=1)),
            nn.LeakyReLU(0.1),
            nn.Flatten(),
        )
        self.linear = spectral_norm(nn.Linear(256, 1))
        self.embed = spectral_norm(nn.Embedding(10, 256))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """One number per image: how real it looks as its class."""
        h = self.features(x)
        out: Tensor = self.linear(h).squeeze(1) + (self.embed(y) * h).sum(1)
        return out


def hinge_projection_gan(observer: Observer, seed: int) -> Trained:
    """A conditional GAN with the hinge loss, spectral normalisation and an averaged generator."""
    seed_everything(seed)
    train, train_y, test, test_y = digits(seed)
    judge = LogisticRegression(max_iter=500).fit(test.flatten(1).numpy(), test_y.numpy())
    make, critic = ClassGenerator(), ProjectionDiscriminator()
    averaged = copy.deepcopy(make).requires_grad_(False)
    optimizer_g = torch.optim.Adam(make.parameters(), lr=1e-3, betas=(0.0, 0.9))
    optimizer_d = torch.optim.Adam(critic.parameters(), lr=4e-3, betas=(0.0, 0.9))
    wanted, z = torch.arange(10).repeat(30), torch.randn(300, 16)

    def quality() -> float:
        made = averaged.eval()(z, wanted) / 2 + 0.5
        return float(judge.score(made.flatten(1).numpy(), wanted.numpy()))

    before = max(0.1, quality())
    with observer.watch([make, critic], [optimizer_g, optimizer_d]):
        for index in epochs(len(train), 64, 350):
            real, y = train[index] * 2 - 1, train_y[index]
            fake_y = torch.randint(0, 10, (64,))
            fake = make(torch.randn(64, 16), fake_y)
            loss_d = F.relu(1 - critic(real, y)).mean() + F.relu(1 + critic(fake.detach(), fake_y)).mean()
            optimizer_d.zero_grad()
            loss_d.backward()
            optimizer_d.step()
            loss_g = -critic(fake, fake_y).mean()
            optimizer_g.zero_grad()
            loss_g.backward()
            optimizer_g.step()
            with torch.no_grad():
                for slow, fast in zip(averaged.parameters(), make.parameters(), strict=True):
                    slow.lerp_(fast, 0.03)
                for slow, fast in zip(averaged.buffers(), make.buffers(), strict=True):
                    slow.copy_(fast)
    extra = {"losses": torch.stack((loss_g, loss_d)).detach(), "samples": averaged(z[:4], wanted[:4])}
    return Trained((make, critic, averaged), (optimizer_g, optimizer_d), quality(), before, 0.6, extra)


PROGRAMS = (
    Program(
        "dcgan-lightning-manual",
        "Lightning, manual optimisation, GAN",
        ("pytorch_lightning",),
        dcgan_lightning,
    ),
    Program("wgan-gp-mixture", "Wasserstein GAN with gradient penalty", (), wgan_gp_mixture),
    Program("hinge-projection-gan", "hinge GAN, spectral normalisation, EMA", (), hinge_projection_gan),
)
