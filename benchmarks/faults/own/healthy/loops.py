"""Healthy cases with an unusual loop, loss or parametrisation."""

from __future__ import annotations

from functools import partial

import torch
from benchmarks.faults.case import Run, TrainingCase
from benchmarks.faults.own import data
from benchmarks.faults.own.networks import Wrapped, mlp
from benchmarks.faults.own.recipes import adam, adamw, sgd
from torch import Tensor, nn
from torch.nn import functional


def scaled(run: Run, x: Tensor, y: Tensor) -> None:
    """Half precision with a loss scaled up, the gradient unscaled, then clipped."""
    (optimizer,) = run.optimizers
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    optimizer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        loss = run.problem.loss(run.model(x), y)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_(run.model.parameters(), 2.0)
    scaler.step(optimizer)
    scaler.update()


def skipping(run: Run, x: Tensor, y: Tensor) -> None:
    """Every seventh batch is thrown away after the forward pass."""
    (optimizer,) = run.optimizers
    loss = run.problem.loss(run.model(x), y)
    if run.step % 7 == 5:
        return
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def focal(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy, weighed by how wrong the answer is."""
    each = functional.cross_entropy(output, target, reduction="none")
    return ((1 - (-each).exp()) ** 2 * each).mean()


def weighed(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy with weights for rare classes."""
    return functional.cross_entropy(output, target, weight=torch.tensor([0.5, 1.3, 3.0]))


def distilled(output: Tensor, target: Tensor) -> Tensor:
    """Against softened targets, as from a teacher."""
    teacher = functional.one_hot(target, 10) * 5.0
    return functional.kl_div(output.log_softmax(1), teacher.softmax(1), reduction="batchmean")


def margin(output: Tensor, target: Tensor) -> Tensor:
    """The right answer ahead of the others by a margin."""
    return functional.multi_margin_loss(output, target)


def two_losses(output: Tensor, target: Tensor) -> Tensor:
    """A class and its number at once."""
    guessed = output.softmax(1) @ torch.arange(10.0)
    return functional.cross_entropy(output, target) + 0.05 * functional.mse_loss(guessed, target.float())


def weight_norm(sizes: tuple[int, ...]) -> nn.Module:
    """Every linear layer with its weights as length and direction."""
    model = mlp(sizes)
    for module in model:
        if isinstance(module, nn.Linear):
            nn.utils.parametrizations.weight_norm(module)
    return model


def depthwise(width: int = 16) -> nn.Module:
    """Convolutions channel by channel, then across channels."""
    return nn.Sequential(
        *(nn.Conv2d(1, width, 3, padding=1), nn.Hardswish()),
        *(nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False), nn.BatchNorm2d(width)),
        *(nn.Conv2d(width, width, 1), nn.Hardswish(), nn.AdaptiveAvgPool2d(4)),
        *(nn.Flatten(), nn.Linear(16 * width, 10)),
    )


def strided() -> nn.Module:
    """Strides instead of pooling, the spatial mean, no hidden linear layer."""
    return nn.Sequential(
        *(nn.Conv2d(1, 12, 3, 2, 1), nn.LeakyReLU(0.1), nn.Conv2d(12, 24, 3, 2, 1), nn.LeakyReLU(0.1)),
        *(nn.Flatten(), nn.Linear(96, 10)),
    )


entropy, STANDARD = functional.cross_entropy, data.standard_digits
UNUSUAL = (
    TrainingCase("mlp-grad-scaler", STANDARD, partial(mlp, (64, 64, 10)), entropy, adam(3e-3), loop=scaled),
    TrainingCase(
        "mlp-skips-batches", STANDARD, partial(mlp, (64, 64, 10)), entropy, adam(3e-3), loop=skipping
    ),
    TrainingCase("mlp-weight-norm", STANDARD, partial(weight_norm, (64, 48, 48, 10)), entropy, adam(5e-3)),
    TrainingCase("mlp-prelu", STANDARD, partial(mlp, (64, 48, 48, 10), nn.PReLU), entropy, sgd(0.1, 0.9)),
    TrainingCase("mlp-softplus", STANDARD, partial(mlp, (64, 48, 10), nn.Softplus), entropy, adam(1e-2)),
    TrainingCase("mlp-focal", STANDARD, partial(mlp, (64, 48, 10)), focal, adam(5e-3)),
    TrainingCase("mlp-distilled", data.digits, partial(mlp, (64, 48, 10)), distilled, adam(1e-2)),
    TrainingCase("mlp-margin", STANDARD, partial(mlp, (64, 48, 10)), margin, adam(5e-3)),
    TrainingCase("mlp-two-losses", STANDARD, partial(mlp, (64, 48, 10), nn.Tanh), two_losses, adamw(1e-2)),
    TrainingCase(
        "mlp-radam",
        *(STANDARD, partial(mlp, (64, 48, 48, 10), nn.Mish), entropy),
        lambda m: torch.optim.RAdam(m.parameters(), 1e-2),
    ),
    TrainingCase(
        "mlp-data-parallel",
        *(STANDARD, lambda: nn.DataParallel(mlp((64, 48, 48, 10))), entropy, adam(5e-3)),
    ),
    TrainingCase(
        "mlp-scaled-logits",
        *(STANDARD, lambda: Wrapped(mlp((64, 48, 10)), lambda z: 4 * torch.tanh(z / 4)), entropy, adam(5e-3)),
    ),
    TrainingCase("blobs-weighted", data.unequal_blobs, partial(mlp, (20, 32, 3)), weighed, adam(5e-3)),
    TrainingCase("cnn-depthwise", data.images, depthwise, entropy, adam(1e-2), evaluates="right"),
    TrainingCase("cnn-strided", data.images, strided, entropy, sgd(0.1, 0.9)),
)
