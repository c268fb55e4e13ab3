"""The measurement: the activations of every hidden layer over training, Jacobians before it, test errors."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from levinthal.data.subsets import training_subset
from levinthal.lab.analysis.rates import read_rates
from levinthal.networks import cross_entropy
from levinthal.networks.sigmoid import SigmoidNets, sigmoid_nets
from levinthal.probes.accuracy import error_counts, proportion
from levinthal.training import choose_device, log_spaced
from levinthal.training.grid import Grid, train_grid
from levinthal.training.members import ByRow
from levinthal.vocabulary import Dataset, Estimate, Measurement, Snapshot, Task

BATCH = 10
PROBED = 300  # test images that activations are read on, as many as in the paper
SNAPSHOTS = 24
INSIDE = 20  # of these images, those that Jacobians are taken at


def measure(task: Task, *, data: Dataset, device: str = "cpu") -> Iterator[Measurement]:
    """Train the networks of all seeds and learning rates of a cell, and read them at log-spaced steps.

    Raises InputError for a cell that asks for more images than there are.
    """
    cell, target = task.cell, choose_device(device)
    inputs, labels = (
        side.to(target)
        for side in training_subset(data, int(cell["images"]), str(cell["labels"]), factor="images")
    )
    grid, steps = Grid.of(task.seeds, read_rates(str(cell["rates"]))), int(cell["steps"])
    widths = (inputs.shape[1], *[int(cell["width"])] * int(cell["hidden"]), data.classes)
    nets = sigmoid_nets(
        widths, seeds=grid.seeds, unit=str(cell["activation"]), initialisation=str(cell["start"])
    )
    for snapshot in train_grid(
        nets,
        inputs,
        labels,
        grid=grid,
        steps=steps,
        batch_size=BATCH,
        loss=cross_entropy,
        snapshots=log_spaced(steps, SNAPSHOTS),
    ):
        yield from _activations(snapshot, torch.as_tensor(data.test_inputs[:PROBED]).to(target), grid)
        if snapshot.step == steps:
            yield from _errors(snapshot, data, grid)


@torch.no_grad()
def _activations(snapshot: Snapshot, images: Tensor, grid: Grid) -> Iterator[Measurement]:
    nets = _nets(snapshot)
    hidden, _ = nets.layers(images)
    for layer, active in enumerate(hidden, start=1):
        for name, values in statistics(active).items():
            yield from grid.measurements(name, values, snapshot.step, f"{layer}")
    if snapshot.step == 0 and nets.unit == "tanh":
        yield from _jacobians(nets, hidden)


def _nets(snapshot: Snapshot) -> SigmoidNets:
    assert isinstance(snapshot.model, ByRow)
    assert isinstance(snapshot.model.nets, SigmoidNets)
    return snapshot.model.nets


@torch.no_grad()
def _errors(snapshot: Snapshot, data: Dataset, grid: Grid) -> Iterator[Measurement]:
    device = snapshot.loss.device
    images, labels = (torch.as_tensor(side).to(device) for side in (data.test_inputs, data.test_labels))
    counts = error_counts(_nets(snapshot)(images), labels)
    errors = [proportion(count, len(labels)) for count in counts]
    yield from grid.measurements("error", errors, snapshot.step)


def statistics(active: Float[Tensor, "s u n"]) -> dict[str, Float[Tensor, " s"]]:
    """Mean and standard deviation over units and images, the level that 98 % stay below in size, and
    `image_sd`: the standard deviation over images of each unit, mean over units.

    A saturated layer of which one unit is stuck at 1 has a standard deviation over units and images, and the
    same output for every image: `image_sd` is 0 there.
    """
    rows = active.flatten(1)
    level = torch.quantile(rows.abs(), 0.98, dim=1)
    over_images = active.std(dim=2).mean(1)
    return {"mean": rows.mean(1), "sd": rows.std(1), "p98": level, "image_sd": over_images}


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
