"""What is trained and read: the activations of every hidden layer over training, and what starts preserve.

A cell's factors: `activation`, `start` (see `networks.sigmoid.INITIALISATIONS`), `hidden`, `width`, `images`,
`labels` ("true" or "shuffled"), `steps` (batches of 10) and `rates`, all trained at once from one start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from levinthal.data.subsets import training_subset
from levinthal.networks import cross_entropy
from levinthal.networks.sigmoid import SigmoidNets, sigmoid_nets
from levinthal.probes.accuracy import error_counts, proportion
from levinthal.training import choose_device, log_spaced
from levinthal.training.members import ByRow, train_members
from levinthal.vocabulary import Dataset, Estimate, Measurement, Preset, Scalar, Snapshot, Task

BATCH = 10
PROBED = 300  # test images that activations are read on, as many as in the paper
SNAPSHOTS = 24
INSIDE = 20  # of these images, those that Jacobians are taken at

ARMS: tuple[tuple[str, str, int, str], ...] = (
    ("sigmoid", "fan_in_uniform", 4, "true"),
    ("sigmoid", "fan_in_uniform", 5, "true"),
    ("sigmoid", "fan_in_uniform", 4, "shuffled"),
    ("sigmoid", "normalised_uniform", 4, "true"),
    ("tanh", "fan_in_uniform", 4, "true"),
    ("tanh", "normalised_uniform", 4, "true"),
    ("softsign", "fan_in_uniform", 4, "true"),
    ("softsign", "normalised_uniform", 4, "true"),
)
"""Activation, start, hidden layers, labels. Tanh with orthogonal weights is read before training only."""


@dataclass(frozen=True)
class Size:
    """How large a preset is."""

    width: int
    images: int
    steps: int
    rates: tuple[float, ...]
    seeds: int
    arms: tuple[tuple[str, str, int, str], ...] = ARMS


def preset(about: str, data: str, size: Size) -> Preset:
    """A preset of this study."""
    arms = [(*arm, size.steps) for arm in size.arms] + [("tanh", "orthogonal", 4, "true", 0)]
    return Preset(about, data, tuple(_task(size, *arm) for arm in arms))


def _task(size: Size, unit: str, start: str, hidden: int, labels: str, steps: int) -> Task:
    cell: dict[str, Scalar] = {"activation": unit, "start": start, "hidden": hidden, "labels": labels}
    cell |= {"width": size.width, "images": size.images, "steps": steps}
    cell |= {"rates": " ".join(f"{rate:g}" for rate in size.rates)}
    return Task(cell, tuple(range(size.seeds)), 1 + steps * hidden)


def measure(task: Task, *, data: Dataset, device: str = "cpu") -> Iterator[Measurement]:
    """Train the networks of all seeds and rates of a cell, and read them at log-spaced steps.

    Raises InputError for a cell that asks for more images than there are.
    """
    cell, target = task.cell, choose_device(device)
    inputs, labels = (
        side.to(target)
        for side in training_subset(data, int(cell["images"]), str(cell["labels"]), factor="images")
    )
    rates = [float(rate) for rate in str(cell["rates"]).split()]
    members = [(seed, rate) for rate in rates for seed in task.seeds]
    widths = (inputs.shape[1], *[int(cell["width"])] * int(cell["hidden"]), data.classes)
    seeds = tuple(seed for seed, _ in members)
    snapshots = train_members(
        sigmoid_nets(widths, seeds=seeds, unit=str(cell["activation"]), start=str(cell["start"])),
        inputs,
        labels,
        seeds=seeds,
        rates=[rate for _, rate in members],
        steps=int(cell["steps"]),
        batch_size=BATCH,
        loss=cross_entropy,
        snapshots=log_spaced(int(cell["steps"]), SNAPSHOTS),
    )
    for snapshot in snapshots:
        yield from _read(snapshot, torch.as_tensor(data.test_inputs[:PROBED]).to(target), members)
        if snapshot.step == int(cell["steps"]):
            yield from _errors(snapshot, data, members)


@torch.no_grad()
def _read(snapshot: Snapshot, images: Tensor, members: list[tuple[int, float]]) -> Iterator[Measurement]:
    nets = _nets(snapshot)
    hidden, _ = nets.layers(images)
    for layer, active in enumerate(hidden, start=1):
        for name, values in statistics(active).items():
            for (seed, rate), value in zip(members, values.tolist(), strict=True):
                yield Measurement(
                    name, Estimate.exact(value), seed, snapshot.step, f"{layer}", f"rate={rate:g}"
                )
    if snapshot.step == 0 and nets.unit == "tanh":
        yield from _jacobians(nets, hidden)


def _nets(snapshot: Snapshot) -> SigmoidNets:
    assert isinstance(snapshot.model, ByRow)
    assert isinstance(snapshot.model.nets, SigmoidNets)
    return snapshot.model.nets


@torch.no_grad()
def _errors(snapshot: Snapshot, data: Dataset, members: list[tuple[int, float]]) -> Iterator[Measurement]:
    device = snapshot.loss.device
    images, labels = (torch.as_tensor(side).to(device) for side in (data.test_inputs, data.test_labels))
    counts = error_counts(_nets(snapshot)(images), labels)
    for (seed, rate), count in zip(members, counts, strict=True):
        wrong = proportion(count, len(labels))
        yield Measurement("error", wrong, seed, snapshot.step, "", f"rate={rate:g}")


def statistics(active: Float[Tensor, "s u n"]) -> dict[str, Float[Tensor, " s"]]:
    """Mean and standard deviation over units and images, and the level that 98 % stay below in size."""
    rows = active.flatten(1)
    level = torch.quantile(rows.abs(), 0.98, dim=1)
    return {"mean": rows.mean(1), "sd": rows.std(1), "p98": level}


def _jacobians(nets: SigmoidNets, hidden: list[Tensor]) -> Iterator[Measurement]:
    """Average singular value of d layer l / d layer l - 1 (Glorot & Bengio, sec. 4.2.1), before training."""
    for layer in range(1, len(hidden)):
        values = singular_values(nets.weights[layer], hidden[layer][..., :INSIDE]).mean((1, 2)).tolist()
        for seed, value in dict(zip(nets.seeds, values, strict=True)).items():
            yield Measurement("singular_value", Estimate.exact(value), seed, 0, f"{layer + 1}")


def singular_values(weight: Float[Tensor, "s u v"], active: Float[Tensor, "s u n"]) -> Float[Tensor, "s n k"]:
    """Singular values of diag(1 - a^2) W, the Jacobian of a layer of tanh, at each image."""
    slopes = 1 - active.mT.square()
    found: Tensor = torch.linalg.svdvals(slopes[..., None] * weight[:, None])
    return found
