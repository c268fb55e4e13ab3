"""Autoencoders of parts and of sequences: a masked autoencoder of patches, an LSTM that finds anomalies."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from .common import digits, explained, seed_everything


def places(dim: int) -> Tensor:
    """The fixed embedding of 4 x 4 places by sines and cosines, `(1, 16, dim)`."""
    frequencies = 10 ** -torch.linspace(0, 2, dim // 4)
    row, column = torch.cartesian_prod(torch.arange(4.0), torch.arange(4.0)).unbind(1)
    angles = torch.cat((row[:, None] * frequencies, column[:, None] * frequencies), dim=1)
    return torch.cat((angles.sin(), angles.cos()), dim=1).unsqueeze(0)


class MaskedAutoencoder(nn.Module):
    """An encoder that sees a few of 16 patches and a shorter decoder that fills in the others."""

    def __init__(self, dim: int = 48, keep: int = 10) -> None:
        super().__init__()
        self.keep = keep
        self.embed = nn.Linear(4, dim)
        self.register_buffer("encoder_place", places(dim))
        self.register_buffer("decoder_place", places(dim))
        self.mask_token = nn.Parameter(torch.randn(1, 1, dim) * 0.02)
        layer = nn.TransformerEncoderLayer(dim, 4, 2 * dim, 0.0, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, nn.LayerNorm(dim), enable_nested_tensor=False)
        self.bridge = nn.Linear(dim, dim)
        second = nn.TransformerEncoderLayer(dim, 4, 2 * dim, 0.0, "gelu", batch_first=True, norm_first=True)
        self.decoder = nn.TransformerEncoder(second, 1, nn.LayerNorm(dim), enable_nested_tensor=False)
        self.head = nn.Linear(dim, 4)

    def forward(self, patches: Tensor, order: Tensor) -> Tensor:
        """Every patch, predicted from the first `keep` in `order`."""
        n, length, _ = patches.shape
        seen = order[:, : self.keep]
        x = self.embed(patches) + self.encoder_place
        x = self.encoder(x.gather(1, seen[..., None].expand(-1, -1, x.shape[2])))
        x = self.bridge(x)
        full = self.mask_token.expand(n, length, -1).clone()
        full = full.scatter(1, seen[..., None].expand(-1, -1, x.shape[2]), x)
        out: Tensor = self.head(self.decoder(full + self.decoder_place))
        return out


def masked_autoencoder(observer: Observer, seed: int) -> Trained:
    """A masked autoencoder (MAE) on digits: six of 16 patches hidden, the loss on the hidden ones."""
    from einops import rearrange

    seed_everything(seed)
    train, _, test, _ = digits(seed)
    train, test = (
        rearrange(x, "b 1 (h p) (w q) -> b (h w) (p q)", p=2, q=2) / 0.376 - 0.812 for x in (train, test)
    )
    model = MaskedAutoencoder()
    decay = [p for p in model.parameters() if p.dim() == 2]
    plain = [p for p in model.parameters() if p.dim() != 2]
    optimizer = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}],
        lr=6e-3,
        betas=(0.9, 0.95),
    )
    loader = DataLoader(TensorDataset(train), batch_size=80, shuffle=True, drop_last=True)
    steps = 22 * len(loader)
    warm = torch.optim.lr_scheduler.LinearLR(optimizer, 0.05, total_iters=30)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps - 30)
    schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [warm, cosine], [30])
    test_order = torch.rand(len(test), 16).argsort(1)
    hidden = test_order[:, 10:, None].expand(-1, -1, 4)

    @torch.no_grad()
    def quality() -> float:
        model.eval()
        filled = model(test, test_order).gather(1, hidden)
        model.train()
        return 1 - float(
            (filled - test.gather(1, hidden)).pow(2).mean() / (test - train.mean(0)).pow(2).mean()
        )

    before = max(0.0, quality())
    with observer.watch(model, optimizer):
        for _ in range(22):
            for (patches,) in loader:
                order = torch.rand(len(patches), 16).argsort(1)
                masked = order[:, 10:, None].expand(-1, -1, 4)
                loss = F.mse_loss(model(patches, order).gather(1, masked), patches.gather(1, masked))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    score = quality()
    extra = {"loss": loss.detach(), "filled": model(test[:2], test_order[:2]).detach()}
    return Trained((model,), (optimizer,), score, before, 0.2, extra)


class SequenceAutoencoder(nn.Module):
    """An LSTM squeezes a window into one vector, another unrolls it again."""

    def __init__(self, features: int, hidden: int, code: int) -> None:
        super().__init__()
        self.encoder = nn.LSTM(features, hidden, batch_first=True)
        self.squeeze = nn.Linear(hidden, code)
        self.decoder = nn.LSTM(code, hidden, batch_first=True)
        self.output = nn.Linear(hidden, features)

    def forward(self, x: Tensor) -> Tensor:
        """The reconstruction of `(batch, time, features)`."""
        _, (h, _) = self.encoder(x)
        code = self.squeeze(h[-1]).unsqueeze(1).expand(-1, x.shape[1], -1)
        out: Tensor = self.output(self.decoder(code)[0])
        return out


def heartbeats(n: int, odd: bool = False) -> Tensor:
    """Windows of one beat in two channels; an odd beat has its main wave at the wrong place or missing."""
    t = torch.linspace(0, 1, 32)
    shift, size = 0.04 * torch.randn(n, 1), 1 + 0.15 * torch.randn(n, 1)
    place = 0.45 + shift + (0.2 * torch.sign(torch.randn(n, 1)) if odd else 0.0)
    height = torch.where(torch.rand(n, 1) < 0.5, 0.3, 1.0) if odd else torch.ones(n, 1)
    wave = height * torch.exp(-(((t - place) / 0.05) ** 2)) + 0.3 * torch.exp(
        -(((t - 0.75 - shift) / 0.08) ** 2)
    )
    slope = F.pad(wave.diff(dim=1), (1, 0)) * 3
    return torch.stack((size * wave, size * slope), dim=2) + 0.03 * torch.randn(n, 32, 2)


def anomaly_lstm(observer: Observer, seed: int) -> Trained:
    """An LSTM autoencoder trained on normal heartbeats finds odd ones by its error of reconstruction."""
    seed_everything(seed)
    train, normal, odd = heartbeats(1024), heartbeats(200), heartbeats(200, odd=True)
    model = SequenceAutoencoder(2, 48, 6)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.92)
    loader = DataLoader(TensorDataset(train), batch_size=64, shuffle=True)

    @torch.no_grad()
    def quality() -> tuple[float, float]:
        model.eval()
        errors = torch.cat([(model(x) - x).abs().mean((1, 2)) for x in (normal, odd)])
        fit = explained(model(normal), normal)
        model.train()
        return fit, float(roc_auc_score([0] * len(normal) + [1] * len(odd), errors.numpy()))

    before = max(0.0, quality()[0])
    with observer.watch(model, optimizer):
        for _ in range(20):
            for (x,) in loader:
                loss = F.mse_loss(model(x), x)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
            schedule.step()
    score, found = quality()
    extra = {"loss": loss.detach(), "auc": found, "window": model(normal[:2]).detach()}
    return Trained((model,), (optimizer,), score, before, 0.6, extra)


PROGRAMS = (
    Program("masked-autoencoder-digits", "masked autoencoder of patches", ("einops",), masked_autoencoder),
    Program("anomaly-lstm-autoencoder", "sequence autoencoder for anomalies", (), anomaly_lstm),
)
