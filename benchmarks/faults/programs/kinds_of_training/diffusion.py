"""Generative models that learn to remove noise: diffusion and flow matching."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from .common import digits, energy_distance, epochs, seed_everything


def unet_digits(observer: Observer, seed: int) -> Trained:
    """A small UNet2DModel learns to predict the noise in digits, with Accelerate, EMA and a cosine schedule."""
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, GradientState, PartialState
    from diffusers import DDPMScheduler, UNet2DModel
    from diffusers.optimization import get_cosine_schedule_with_warmup
    from diffusers.training_utils import EMAModel

    seed_everything(seed)
    train, _, test, _ = digits(seed)
    loader = DataLoader(TensorDataset(train * 2 - 1), batch_size=32, shuffle=True, drop_last=True)
    net = UNet2DModel(
        sample_size=8,
        in_channels=1,
        out_channels=1,
        layers_per_block=1,
        block_out_channels=(16, 24),
        norm_num_groups=8,
        attention_head_dim=8,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    )
    scheduler = DDPMScheduler(num_train_timesteps=200, beta_schedule="squaredcos_cap_v2")
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=1e-6)
    schedule = get_cosine_schedule_with_warmup(optimizer, 20, 3 * len(loader))
    ema = EMAModel(net.parameters(), decay=0.995, use_ema_warmup=True, power=0.75)
    accelerator = Accelerator(cpu=True)
    model, optimizer, loader, schedule = accelerator.prepare(net, optimizer, loader, schedule)
    test_noise, test_t = torch.randn_like(test), torch.randint(0, 200, (len(test),))

    def quality() -> float:
        model.eval()
        with torch.no_grad():
            noisy = scheduler.add_noise(test * 2 - 1, test_noise, test_t)
            error = F.mse_loss(model(noisy, test_t).sample, test_noise)
        model.train()
        return 1 - float(error)

    before = max(0.0, quality())
    with observer.watch(model, optimizer):
        for _ in range(3):
            for (clean,) in loader:
                noise = torch.randn_like(clean)
                timesteps = torch.randint(0, 200, (len(clean),))
                noisy = scheduler.add_noise(clean, noise, timesteps)
                with accelerator.accumulate(model):
                    loss = F.mse_loss(model(noisy, timesteps, return_dict=False)[0], noise)
                    accelerator.backward(loss)
                    if accelerator.sync_gradients:
                        accelerator.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    schedule.step()
                    optimizer.zero_grad()
                ema.step(model.parameters())
    ema.copy_to(model.parameters())
    extra = {"loss": loss.detach(), "noise": model(test[:2], test_t[:2]).sample.detach()}
    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()
    return Trained((model,), (optimizer,), quality(), before, 0.5, extra)


class Denoiser(nn.Module):
    """An MLP of a point and its time, the time by sines, with residual blocks."""

    def __init__(self, dim: int, width: int, blocks: int, classes: int = 0) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.exp(torch.linspace(0, math.log(100), 16)))
        self.time = nn.Sequential(nn.Linear(32, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(classes + 1, width) if classes else None
        self.enter = nn.Linear(dim, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
            for _ in range(blocks)
        )
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, dim))

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        """The noise or velocity at `x` and the time `t` in [0, 1]."""
        angle = t[:, None] * self.frequencies
        condition = self.time(torch.cat((angle.sin(), angle.cos()), dim=1))
        if self.label is not None:
            condition = condition + self.label(y)
        h = self.enter(x)
        for block in self.blocks:
            h = h + block(h + condition)
        out: Tensor = self.leave(h)
        return out


def ddpm_moons(observer: Observer, seed: int) -> Trained:
    """A hand-written DDPM on two moons: an MLP predicts the noise, the sampler walks 100 steps back."""
    seed_everything(seed)
    points = torch.tensor(make_moons(4096, noise=0.06, random_state=seed)[0], dtype=torch.float32)
    points = (points - points.mean(0)) / points.std(0)
    train, test = points[:3072], points[3072:]
    beta = torch.linspace(1e-4, 0.1, 100)
    alpha = 1 - beta
    alpha_bar = alpha.cumprod(0)
    model = Denoiser(2, 128, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 360)
    loader = DataLoader(TensorDataset(train), batch_size=512, shuffle=True)

    @torch.no_grad()
    def sample(n: int) -> Tensor:
        x = torch.randn(n, 2)
        for i in reversed(range(100)):
            noise = model(x, torch.full((n,), i / 100))
            x = (x - beta[i] / (1 - alpha_bar[i]).sqrt() * noise) / alpha[i].sqrt()
            if i > 0:
                x = x + beta[i].sqrt() * torch.randn_like(x)
        return x

    before = max(-energy_distance(torch.randn(1024, 2), test), -energy_distance(sample(1024), test))
    with observer.watch(model, optimizer):
        for _ in range(60):
            for (x,) in loader:
                i = torch.randint(0, 100, (len(x),))
                noise = torch.randn_like(x)
                noisy = alpha_bar[i, None].sqrt() * x + (1 - alpha_bar[i, None]).sqrt() * noise
                loss = F.mse_loss(model(noisy, i / 100), noise)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    drawn = sample(1024)
    return Trained(
        (model,),
        (optimizer,),
        -energy_distance(drawn, test),
        before,
        0.5 * before,
        {"loss": loss.detach(), "samples": drawn[:8]},
    )


def flow_matching_digits(observer: Observer, seed: int) -> Trained:
    """Flow matching of digits given their class, bfloat16 autocast, labels dropped for guidance, weights averaged."""
    seed_everything(seed)
    train, train_y, test, test_y = digits(seed)
    x, real = train.flatten(1) * 2 - 1, test.flatten(1) * 2 - 1
    judge = LogisticRegression(max_iter=500).fit(real.numpy(), test_y.numpy())
    model = Denoiser(64, 192, 3, classes=10)
    averaged = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.98)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.99))

    @torch.no_grad()
    def sample(net: nn.Module, y: Tensor) -> Tensor:
        z, nothing = torch.randn(len(y), 64), torch.full_like(y, 10)
        for i in range(20):
            t = torch.full((len(y),), i / 20)
            with_label, without = net(z, t, y), net(z, t, nothing)
            z = z + (without + 1.5 * (with_label - without)) / 20
        return z

    wanted = torch.arange(10).repeat(30)
    before = max(0.1, float(judge.score(sample(model, wanted).numpy(), wanted.numpy())))
    with observer.watch(model, optimizer):
        for index in epochs(len(x), 128, 400):
            target, y, t = x[index], train_y[index], torch.rand(len(index))
            y = torch.where(torch.rand(len(index)) < 0.1, 10, y)
            noise = torch.randn_like(target)
            between = torch.lerp(noise, target, t[:, None])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                velocity = model(between, t, y)
            loss = F.mse_loss(velocity.float(), target - noise)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            averaged.update_parameters(model)
    drawn = sample(averaged, wanted)
    score = float(judge.score(drawn.numpy(), wanted.numpy()))
    extra = {"loss": loss.detach(), "samples": drawn[:4]}
    return Trained((model, averaged), (optimizer,), score, before, 0.7, extra)


PROGRAMS = (
    Program("unet2d-digits", "diffusers: UNet2DModel, Accelerate", ("diffusers", "accelerate"), unet_digits),
    Program("ddpm-mlp-moons", "diffusion by hand", (), ddpm_moons),
    Program("flow-matching-digits", "flow matching, bfloat16", (), flow_matching_digits),
)
