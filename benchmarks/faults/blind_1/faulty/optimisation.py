"""Faults of optimisers, learning rates, schedules and steps, for the first blind suite."""

from __future__ import annotations

from typing import Any

import torch
from benchmarks.faults.blind_1.faulty.batch_operators import never_zeroed
from benchmarks.faults.blind_1.faulty.data import Row
from benchmarks.faults.blind_1.faulty.operators import (
    after,
    both,
    fields,
    groups,
    held_still,
    kept_far,
    loss,
    net,
    new_tensors,
    optimizer,
    rate,
    schedule,
)  # fmt: skip
from benchmarks.faults.blind_1.loops import shaped
from benchmarks.faults.blind_1.networks.vectors import dense
from benchmarks.faults.case import Run, TrainingCase
from torch import Tensor, nn, optim

rates = optim.lr_scheduler


def of_another(make: Any, _model: nn.Module) -> Any:
    """An optimiser of the model before the hyperparameters were changed."""
    return make(dense(5, 4, 3))


def first_rate(value: float) -> Any:
    """The first two thirds of the tensors have their own learning rate."""

    def change(make: Any, model: nn.Module) -> Any:
        tensors, old = list(model.parameters()), make(model)
        cut, words = 2 * len(tensors) // 3 // 2 * 2, old.defaults
        parts = [{"params": tensors[:cut], "lr": value}, {"params": tensors[cut:]}]
        return type(old)(parts, **{k: v for k, v in words.items() if k in ("lr", "momentum", "betas")})

    return optimizer(change)


def only_biases(model: nn.Module) -> None:
    for p in model.parameters():
        p.requires_grad_(p.dim() == 1)


def priced(weight: float) -> Any:
    """The sum of squares of all weights is part of the loss."""

    def done(p: TrainingCase) -> TrainingCase:
        def loop(run: Run, x: Tensor, y: Tensor) -> None:
            run.optimizers[0].zero_grad()
            price = sum((q**2).sum() for q in run.model.parameters())
            (p.loss(run.model(x), y) + weight * price).backward()
            run.optimizers[0].step()

        return fields(loop=loop)(p)

    return done


def shrunk(run: Run) -> None:
    for p in run.model.parameters():
        p.mul_(0.85)


def on_a_grid(fine: float) -> Any:
    """Weights rounded to a grid after every step."""

    def change(run: Run) -> None:
        for p in run.model.parameters():
            p.copy_((p * fine).round() / fine)

    return after(change)


def coarse(kind: torch.dtype, lr: float, steps: int) -> Any:
    """Weights, inputs and steps in few bits; learning rate and duration do well in float32."""

    def done(p: TrainingCase) -> TrainingCase:
        def few(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            return (x.to(kind) if x.is_floating_point() else x), y

        words = {
            "model": lambda: p.model().to(kind),
            "loss": lambda out, y: p.loss(out.float(), y),
            "batch_made": few,
        }
        return both(fields(steps=steps, **words), rate(lr))(p)

    return done


def by_norm(largest: float) -> Any:
    return fields(clip=lambda m: nn.utils.clip_grad_norm_(m.parameters(), largest))


def by_value(largest: float) -> Any:
    return fields(clip=lambda m: nn.utils.clip_grad_value_(m.parameters(), largest))


def with_hooks(largest: float) -> Any:
    """Every parameter clamps its own gradient."""

    def hooked(model: nn.Module) -> None:
        for p in model.parameters():
            p.register_hook(lambda grad: grad.clamp(-largest, largest))

    return fields(prepare=hooked)


def scaled_by_hand(largest: float) -> Any:
    """The gradient brought to a length by the user's own lines."""

    def clip(model: nn.Module) -> None:
        norm = torch.sqrt(sum((p.grad**2).sum() for p in model.parameters() if p.grad is not None))
        for p in model.parameters():
            if p.grad is not None:
                p.grad.mul_(min(1.0, largest / float(norm)))

    return fields(clip=clip)


def divided(by_what: float) -> Any:
    return loss(lambda old: lambda out, y: old(out, y) / by_what)


def impatient(o: optim.Optimizer) -> Any:
    return rates.ReduceLROnPlateau(o, factor=0.05, patience=0)


STEPS: tuple[Row, ...] = (
    ("OPTIMIZER_DETACHED", "of another model", optimizer(of_another),
     "clouds-mish grey-cut-out friedman-relu", {}),
    ("OPTIMIZER_DETACHED", "weights put in anew", new_tensors(),
     "digits-contrasted-focal sums-gru field-sine", {}),
    ("OPTIMIZER_DETACHED", "body put in anew", new_tensors("0", "2"), "spirals-relu board-gelu field-tanh",
     {}),
    ("OPTIMIZER_DETACHED", "vectors put in anew", new_tensors("users", "blocks"), "ratings reversed-encoder",
     {}),
    ("FROZEN_PARAMS", "body never thawed", held_still("0", "2"), "spirals-relu board-gelu field-sine", {}),
    ("FROZEN_PARAMS", "vectors taken over", held_still("users", "words"), "ratings", {}),
    ("FROZEN_PARAMS", "only biases learn", net(only_biases), "clouds-mish drifting-mish reversed-encoder",
     {}),
    ("FROZEN_PARAMS", "a rate of nought below", first_rate(0.0), "spirals-relu field-tanh parity-three", {}),
    ("FROZEN_PARAMS", "a schedule of nought below",
     both(first_rate(0.005), schedule(lambda o: rates.LambdaLR(o, [lambda _: 0.0, lambda _: 1.0]))),
     "spirals-relu board-gelu", {}),
    ("MISSING_ZERO_GRAD", "never", fields(zero_every=0), "moons-small friedman-double digits-restarts", {}),
    ("MISSING_ZERO_GRAD", "never, Adam", fields(zero_every=0), "spirals-relu field-sine reversed-encoder",
     {}),
    ("MISSING_ZERO_GRAD", "once an epoch", fields(zero_every=15),
     "clouds-norm-relu6 moons-small parity-hinge-slow digits-cycle", {}),
    ("MISSING_ZERO_GRAD", "of the last part only", fields(loop=never_zeroed), "digits-cycle moons-small", {}),
    ("EXCESS_WEIGHT_DECAY", "AdamW", groups(weight_decay=40.0),
     "clouds-zero-gates sorted-encoder digits-line-schedule", {}),
    ("EXCESS_WEIGHT_DECAY", "SGD", groups(weight_decay=0.7),
     "digits-even-variance clouds-slow digits-restarts", {}),
    ("EXCESS_WEIGHT_DECAY", "Adam", groups(weight_decay=1.0), "spirals-relu grey-cut-out chain-gru", {}),
    ("EXCESS_WEIGHT_DECAY", "Lion", groups(decay=60.0), "digits-signed-lion", {}),
    ("EXCESS_WEIGHT_DECAY", "a price in the loss", priced(1.0), "friedman-relu clouds-mish seasons-gelu", {}),
    ("EXCESS_WEIGHT_DECAY", "shrunk by hand", after(shrunk), "parity-three digits-brier signals-dilated", {}),
    ("LR_TOO_HIGH", "SGD", rate(30.0), "clouds-slow digits-restarts friedman-double", {}),
    ("LR_TOO_HIGH", "Adam", rate(1.0), "digits-rate-third spirals-relu sums-gru shapes-squeezed", {}),
    ("LR_TOO_HIGH", "Adam, near the edge", rate(0.15), "reversed-encoder drifting-mish sorted-encoder", {}),
    ("LR_TOO_HIGH", "Lion", rate(0.3), "digits-signed-lion", {}),
    ("LR_TOO_HIGH", "momentum of .998", groups(momentum=0.998), "told-the-loss friedman-double", {}),
    ("LR_TOO_HIGH", "peak of the cycle", schedule(lambda o: rates.OneCycleLR(o, 60.0, 150)), "digits-cycle",
     {}),
    ("LR_TOO_HIGH", "for the body only", first_rate(3.0), "field-sine digits-checkpoints", {}),
    ("LR_TOO_HIGH", "a ramp that goes too far", schedule(shaped(lambda share: 1 + 3000 * share, 150)),
     "digits-even-variance clouds-slow", {}),
    ("LR_DECAYED", "a tenth every five steps", schedule(lambda o: rates.StepLR(o, 5, 0.1)),
     "clouds-slow digits-restarts sums-gru", {}),
    ("LR_DECAYED", "epochs taken for steps", schedule(shaped(lambda s: max(1 - 25 * s, 0.0), 200)),
     "spirals-relu drifting-mish reversed-encoder", {}),
    ("LR_DECAYED", "exponential", schedule(lambda o: rates.ExponentialLR(o, 0.75)),
     "field-sine digits-narrow seasons-gelu", {}),
    ("LR_DECAYED", "no patience", schedule(impatient), "told-the-loss", {}),
    ("UPDATE_LOST_TO_ROUNDING", "brain floats, Adam", coarse(torch.bfloat16, 1e-4, 800),
     "digits-rate-third", {}),
    ("UPDATE_LOST_TO_ROUNDING", "brain floats, Adam", coarse(torch.bfloat16, 5e-5, 600), "digits-wide", {}),
    ("UPDATE_LOST_TO_ROUNDING", "brain floats, SGD", coarse(torch.bfloat16, 2e-3, 1200),
     "digits-clip-one", {}),
    ("UPDATE_LOST_TO_ROUNDING", "on a grid", on_a_grid(32.0),
     "digits-contrasted-focal spirals-relu clouds-slow", {}),
    ("UPDATE_LOST_TO_ROUNDING", "far from nought", kept_far(3e5), "digits-contrasted-focal clouds-slow", {}),
    ("OVER_CLIPPING", "by norm", by_norm(1e-5), "digits-clip-one clouds-slow digits-even-variance", {}),
    ("OVER_CLIPPING", "by value", by_value(1e-6), "digits-clip-values wine-softmax", {}),
    ("OVER_CLIPPING", "hooks on parameters", with_hooks(1e-6), "clouds-slow moons-small", {}),
    ("OVER_CLIPPING", "by hand", scaled_by_hand(1e-4), "digits-restarts friedman-double", {}),
    ("LR_TOO_LOW", "SGD", rate(1e-5), "clouds-slow digits-even-variance", {}),
    ("LR_TOO_LOW", "Adam", rate(1e-6), "spirals-relu sums-gru drifting-mish", {}),
    ("LR_TOO_LOW", "Adam, near the edge", rate(3e-5), "field-sine digits-narrow reversed-encoder", {}),
    ("LR_TOO_LOW", "a ramp of a million steps", schedule(shaped(lambda s: s / 3000, 250)),
     "board-gelu grey-cut-out digits-wide", {}),
    ("LR_TOO_LOW", "loss divided by the rows", divided(1e5), "digits-restarts friedman-double moons-small",
     {}),
)  # fmt: skip
