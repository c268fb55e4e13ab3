"""Answers for every pixel or place: segmentation, heatmaps and keypoints."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .common import seed_everything


def blobs(n: int, size: int = 24) -> tuple[Tensor, Tensor]:
    """Grey noisy pictures of discs and rectangles, with the mask of the discs."""
    grid = torch.arange(float(size))
    y, x = grid[None, :, None], grid[None, None, :]
    mask, image = torch.zeros(n, size, size), 0.4 * torch.randn(n, size, size)
    for _ in range(2):
        cy, cx = (size * (0.2 + 0.6 * torch.rand(n, 1, 1)) for _ in range(2))
        radius = 2.5 + 2.5 * torch.rand(n, 1, 1)
        mask = torch.maximum(mask, ((y - cy) ** 2 + (x - cx) ** 2 < radius**2).float())
    cy, cx = (size * (0.2 + 0.6 * torch.rand(n, 1, 1)) for _ in range(2))
    square = (((y - cy).abs() < 3.5) & ((x - cx).abs() < 3.5)).float() * (1 - mask)
    return (image + mask - square).unsqueeze(1), mask.unsqueeze(1)


def double(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    """Two levels down, two up, joined by copies."""

    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2, self.bottom = double(1, 8), double(8, 16), double(16, 32)
        self.pool = nn.MaxPool2d(2)
        self.rise2, self.up2 = nn.ConvTranspose2d(32, 16, 2, stride=2), double(32, 16)
        self.rise1, self.up1 = nn.ConvTranspose2d(16, 8, 2, stride=2), double(16, 8)
        self.head = nn.Conv2d(8, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The logits of the mask."""
        a = self.down1(x)
        b = self.down2(self.pool(a))
        h = self.bottom(self.pool(b))
        h = self.up2(torch.cat((self.rise2(h), b), dim=1))
        out: Tensor = self.head(self.up1(torch.cat((self.rise1(h), a), dim=1)))
        return out


def dice(probability: Tensor, mask: Tensor) -> Tensor:
    overlap = 2 * (probability * mask).sum((1, 2, 3)) + 1
    return (overlap / (probability.sum((1, 2, 3)) + mask.sum((1, 2, 3)) + 1)).mean()


def unet_dice(observer: Observer, seed: int) -> Trained:
    """A U-Net segments discs: dice loss plus cross-entropy, bfloat16 autocast, two accumulated batches a step."""
    seed_everything(seed)
    (images, masks), (test_images, test_masks) = blobs(640), blobs(100)
    model = UNet()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    before = float(dice(torch.ones_like(test_masks), test_masks))
    with observer.watch(model, optimizer):
        for _ in range(8):
            model.train()
            for i, index in enumerate(torch.randperm(640).split(32)):
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    logits = model(images[index]).float()
                entropy = F.binary_cross_entropy_with_logits(logits, masks[index])
                loss = entropy + 1 - dice(logits.sigmoid(), masks[index])
                (loss / 2).backward()
                if i % 2 == 1:
                    optimizer.step()
                    optimizer.zero_grad()
            model.eval()
            with torch.no_grad():
                score = float(dice((model(test_images) > 0).float(), test_masks))
    extra = {"loss": loss.detach(), "logits": model(test_images[:2]).detach()}
    return Trained((model,), (optimizer,), score, before, 0.7, extra)


def objects(n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Crosses and rings in noise; centres as a soft heatmap of two classes at half the resolution, and as points."""
    images, heat, places = (
        0.2 * torch.randn(n, 1, 20, 20),
        torch.zeros(n, 2, 10, 10),
        torch.zeros(n, 2, 2, dtype=torch.long),
    )
    cross = torch.tensor(
        [[0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 0, 0], [0, 0, 1, 0, 0]]
    ).float()
    ring = torch.tensor(
        [[0, 1, 1, 1, 0], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [1, 0, 0, 0, 1], [0, 1, 1, 1, 0]]
    ).float()
    grid = torch.arange(10.0)
    for i in range(n):
        for k, shape in enumerate((cross, ring)):
            r, c = (int(v) for v in torch.randint(1, 8, (2,)))
            images[i, 0, 2 * r : 2 * r + 5, 2 * c : 2 * c + 5] += shape
            places[i, k] = torch.tensor((r + 1, c + 1))
            heat[i, k] = torch.exp(-((grid[:, None] - r - 1) ** 2 + (grid - c - 1) ** 2) / 1.0)
    return images, heat, places


def centernet_heatmap(observer: Observer, seed: int) -> Trained:
    """Centres of objects by a heatmap and the penalty-reduced focal loss of CenterNet; GroupNorm, checkpointing."""
    seed_everything(seed)
    (images, heat, _), (test_images, _, test_places) = objects(600), objects(150)
    stem = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.GroupNorm(4, 16), nn.SiLU(inplace=True))
    body = nn.Sequential(
        nn.Conv2d(16, 32, 3, padding=1),
        nn.GroupNorm(4, 32),
        nn.SiLU(inplace=True),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.GroupNorm(4, 32),
        nn.SiLU(inplace=True),
    )
    head = nn.Conv2d(32, 2, 1)
    nn.init.constant_(head.bias, -2.19)
    model = nn.ModuleDict({"stem": stem, "body": body, "head": head})
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    def predict(x: Tensor) -> Tensor:
        h = checkpoint(body, stem(x), use_reentrant=False)
        return head(h)  # type: ignore[no-any-return]

    @torch.no_grad()
    def quality() -> float:
        peak = predict(test_images).flatten(2).argmax(2)
        right = (torch.stack((peak // 10, peak % 10), dim=2) - test_places).abs().amax(2) <= 1
        return float(right.float().mean())

    before = max(0.09, quality())
    with observer.watch(model, optimizer):
        for _ in range(10):
            for index in torch.randperm(600).split(40):
                p, goal = predict(images[index]).sigmoid().clamp(1e-4, 1 - 1e-4), heat[index]
                positive = goal.eq(1).float()
                on = positive * (1 - p) ** 2 * p.log()
                off = (1 - positive) * (1 - goal) ** 4 * p**2 * (1 - p).log()
                loss = -(on + off).sum() / positive.sum()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    extra = {"loss": loss.detach(), "heat": predict(test_images[:2]).detach()}
    return Trained((model,), (optimizer,), quality(), before, 0.7, extra)


def hands(n: int) -> tuple[Tensor, Tensor]:
    """A bar with a thick end: pictures of 20 x 20 and both ends in [-1, 1]."""
    centre, angle = 0.35 * (2 * torch.rand(n, 2) - 1), 2 * math.pi * torch.rand(n)
    half = (0.3 + 0.2 * torch.rand(n))[:, None] * torch.stack((angle.cos(), angle.sin()), dim=1)
    ends = torch.stack((centre + half, centre - half), dim=1)
    axis = torch.linspace(-1, 1, 20)
    points = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=2)
    images = torch.zeros(n, 20, 20)
    for share in torch.linspace(0, 1, 9):
        place = torch.lerp(ends[:, 0], ends[:, 1], float(share))
        distance = (points[None] - place[:, None, None]).norm(dim=3)
        images = torch.maximum(images, torch.exp(-((distance / (0.2 - 0.12 * float(share))) ** 2)))
    return (images + 0.1 * torch.randn_like(images)).unsqueeze(1), ends


class Keypoints(nn.Module):
    """A convolutional network whose heatmaps become coordinates by a soft argmax."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(1, 24, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(24, 24, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(24, 24, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(24, 2, 1),
        )
        self.register_buffer("axis", torch.linspace(-1, 1, 20))

    def forward(self, x: Tensor) -> Tensor:
        """`(n, 2, 2)`: x and y of both points."""
        p = self.net(x).flatten(2).softmax(2).unflatten(2, (20, 20))
        return torch.stack(((p.sum(2) * self.axis).sum(2), (p.sum(3) * self.axis).sum(2)), dim=2)


def keypoints_soft_argmax(observer: Observer, seed: int) -> Trained:
    """Two keypoints by a soft argmax, smooth L1 loss."""
    seed_everything(seed)
    (images, ends), (test_images, test_ends) = hands(800), hands(200)
    model = Keypoints()
    optimizer = torch.optim.RAdam(model.parameters(), lr=3e-3)

    @torch.no_grad()
    def quality() -> float:
        return float(((model(test_images) - test_ends).norm(dim=2) < 0.15).float().mean())

    before = quality()
    with observer.watch(model, optimizer):
        for _ in range(9):
            for index in torch.randperm(800).split(32):
                loss = F.smooth_l1_loss(model(images[index]), ends[index], beta=0.05)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    extra = {"loss": loss.detach(), "points": model(test_images[:4]).detach()}
    return Trained((model,), (optimizer,), quality(), before, before + 0.4, extra)


PROGRAMS = (
    Program("unet-dice-bfloat16", "segmentation, U-Net, dice loss", (), unet_dice),
    Program("centernet-heatmap", "object centres by heatmaps", (), centernet_heatmap),
    Program("keypoints-soft-argmax", "keypoints", (), keypoints_soft_argmax),
)
