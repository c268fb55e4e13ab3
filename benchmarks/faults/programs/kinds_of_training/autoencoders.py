"""Autoencoders: variational, with a codebook, denoising, masked, and one that finds anomalies in sequences."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from .common import digits, epochs, explained, seed_everything


class VAE(nn.Module):
    """A convolutional VAE of 8 x 8 digits."""

    def __init__(self, latent: int = 8) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Flatten(),
        )
        self.mu, self.log_var = nn.Linear(256, latent), nn.Linear(256, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, 256),
            nn.ReLU(inplace=True),
            nn.Unflatten(1, (64, 2, 2)),
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The logits of the pixels and the posterior's parameters."""
        h = self.encoder(x)
        mu, log_var = self.mu(h), self.log_var(h)
        z = mu + torch.randn_like(mu) * (0.5 * log_var).exp()
        return self.decoder(z), mu, log_var


def negative_elbo(model: VAE, x: Tensor) -> Tensor:
    logits, mu, log_var = model(x)
    reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    divergence = -0.5 * (1 + log_var - mu.pow(2) - log_var.exp()).sum()
    return (reconstruction + divergence) / len(x)


def vae_digits(observer: Observer, seed: int) -> Trained:
    """The VAE of PyTorch's examples, convolutional, on digits: cross-entropy plus the KL divergence."""
    seed_everything(seed)
    train, _, test, _ = digits(seed)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    loader = DataLoader(TensorDataset(train), batch_size=64, shuffle=True)
    mean = train.mean(0).clamp(1e-3, 1 - 1e-3).expand_as(test)
    constant = F.binary_cross_entropy(mean, test, reduction="sum") / len(test)
    with torch.no_grad():
        before = max(-float(constant), -float(negative_elbo(model, test)))
    with observer.watch(model, optimizer):
        for _ in range(17):
            model.train()
            for (x,) in loader:
                optimizer.zero_grad()
                loss = negative_elbo(model, x)
                loss.backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                test_loss = float(negative_elbo(model, test))
    drawn = model.decoder(torch.randn(4, 8)).sigmoid().detach()
    extra = {"loss": loss.detach(), "samples": drawn}
    return Trained((model,), (optimizer,), -test_loss, before, before + 1.5, extra)


def sprites(n: int) -> tuple[Tensor, Tensor]:
    """Soft discs of 12 x 12 pixels with their factors: place and size."""
    factors = torch.rand(n, 3)
    grid = torch.arange(12.0)
    cy, cx = 3 + 5 * factors[:, 0, None, None], 3 + 5 * factors[:, 1, None, None]
    size = 1.2 + 1.5 * factors[:, 2, None, None]
    distance = ((grid[:, None] - cy) ** 2 + (grid[None, :] - cx) ** 2).sqrt()
    return torch.sigmoid(3 * (size - distance)).flatten(1), factors


def beta_vae_sprites(observer: Observer, seed: int) -> Trained:
    """A beta-VAE of discs, the weight of the KL divergence warmed up to 4."""
    seed_everything(seed)
    (train, _), (test, _) = sprites(4000), sprites(800)
    encoder = nn.Sequential(nn.Linear(144, 192), nn.GELU(), nn.Linear(192, 96), nn.GELU(), nn.Linear(96, 12))
    decoder = nn.Sequential(nn.Linear(6, 96), nn.GELU(), nn.Linear(96, 192), nn.GELU(), nn.Linear(192, 144))
    optimizer = torch.optim.AdamW([*encoder.parameters(), *decoder.parameters()], lr=2e-3, weight_decay=1e-4)

    def quality() -> float:
        with torch.no_grad():
            return explained(decoder(encoder(test).chunk(2, dim=1)[0]).sigmoid(), test)

    before = max(0.0, quality())
    with observer.watch([encoder, decoder], optimizer):
        for step, index in enumerate(epochs(len(train), 128, 400)):
            x = train[index]
            mu, log_var = encoder(x).chunk(2, dim=1)
            posterior = torch.distributions.Normal(mu, (0.5 * log_var).exp())
            prior = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
            logits = decoder(posterior.rsample())
            reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1).mean()
            divergence = torch.distributions.kl_divergence(posterior, prior).sum(1).mean()
            loss = reconstruction + 4 * min(1.0, step / 200) * divergence
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    extra = {"loss": loss.detach(), "kl": divergence.detach(), "codes": encoder(test[:4]).detach()}
    return Trained((encoder, decoder), (optimizer,), quality(), before, 0.5, extra)


class Quantizer(nn.Module):
    """The codebook of a VQ-VAE: nearest entry, straight-through gradient, codebook and commitment losses."""

    def __init__(self, entries: int, dim: int) -> None:
        super().__init__()
        self.codebook = nn.Embedding(entries, dim)
        nn.init.uniform_(self.codebook.weight, -1 / entries, 1 / entries)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The quantised map, the loss and the indices."""
        from einops import rearrange

        flat = rearrange(z, "b c h w -> (b h w) c")
        index = torch.cdist(flat, self.codebook.weight).argmin(1)
        q = rearrange(self.codebook(index), "(b h w) c -> b c h w", b=z.shape[0], h=z.shape[2])
        loss = F.mse_loss(q, z.detach()) + 0.25 * F.mse_loss(z, q.detach())
        return z + (q - z).detach(), loss, index


class VQVAE(nn.Module):
    """Digits as 4 x 4 codes of a small codebook."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 32, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 16, 1),
        )
        self.quantizer = Quantizer(32, 16)
        self.decoder = nn.Sequential(
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 32, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 1, 3, padding=1),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The reconstruction, the loss of the codebook and the indices."""
        q, loss, index = self.quantizer(self.encoder(x))
        return self.decoder(q), loss, index


def vq_vae_digits(observer: Observer, seed: int) -> Trained:
    """A VQ-VAE with a straight-through estimator on digits."""
    seed_everything(seed)
    train, _, test, _ = digits(seed)
    model = VQVAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3, amsgrad=True)
    loader = DataLoader(TensorDataset(train), batch_size=64, shuffle=True, drop_last=True)
    variance = train.var()
    before = max(0.0, explained(model(test)[0], test))
    with observer.watch(model, optimizer):
        for _ in range(14):
            for (x,) in loader:
                reconstruction, vq_loss, _ = model(x)
                loss = F.mse_loss(reconstruction, x) / variance + vq_loss
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        reconstruction, _, index = model(test)
    extra = {"loss": loss.detach(), "codes": index[:64], "image": reconstruction[0]}
    return Trained((model,), (optimizer,), explained(reconstruction, test), before, 0.5, extra)


class TiedAutoencoder(nn.Module):
    """One matrix encodes and, transposed, decodes."""

    def __init__(self, hidden: int = 128) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(hidden, 64)))
        self.hidden, self.visible = nn.Parameter(torch.zeros(hidden)), nn.Parameter(torch.zeros(64))

    def forward(self, x: Tensor) -> Tensor:
        """The clean pixels in [0, 1]."""
        h = torch.sigmoid(F.linear(x, self.weight, self.hidden))
        return torch.sigmoid(F.linear(h, self.weight.T, self.visible))


def spoil(x: Tensor) -> Tensor:
    return (x + 0.2 * torch.randn_like(x)) * (torch.rand_like(x) > 0.25)


def denoising_autoencoder(observer: Observer, seed: int) -> Trained:
    """A denoising autoencoder with tied weights: noisy and partly blanked digits in, clean digits out."""
    seed_everything(seed)
    train, _, test, _ = digits(seed)
    train, test = train.flatten(1), test.flatten(1)
    model = TiedAutoencoder()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [200, 320], gamma=0.3)
    spoilt = spoil(test)
    before = max(0.0, explained(model(spoilt), test))
    with observer.watch(model, optimizer):
        for index in epochs(len(train), 100, 400):
            optimizer.zero_grad()
            loss = F.binary_cross_entropy(model(spoil(train[index])), train[index])
            loss.backward()
            optimizer.step()
            schedule.step()
    score = explained(model(spoilt), test)
    extra = {"loss": loss.detach(), "image": model(spoilt[:2]).detach()}
    return Trained((model,), (optimizer,), score, before, 0.4, extra)


PROGRAMS = (
    Program("vae-digits", "variational autoencoder", (), vae_digits),
    Program("beta-vae-sprites", "beta-VAE, KL warm-up", (), beta_vae_sprites),
    Program("vq-vae-digits", "VQ-VAE, straight-through", ("einops",), vq_vae_digits),
    Program("denoising-tied-autoencoder", "denoising autoencoder, tied weights", (), denoising_autoencoder),
)
