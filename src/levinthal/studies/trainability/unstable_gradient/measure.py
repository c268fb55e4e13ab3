"""The measurement: the gradients of all layers over training, or accuracies over the learning rates."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch

from levinthal.data.subsets import training_subset
from levinthal.lab.analysis.rates import read_rates
from levinthal.networks.sigmoid import SigmoidNets, sigmoid_cross_entropy, sigmoid_nets
from levinthal.probes.accuracy import error_counts, proportion
from levinthal.studies.trainability.unstable_gradient.design import (
    BATCH,
    DECAY,
    EPOCHS,
    INITS,
    LAMBDA,
    RATE,
    TERMS,
)
from levinthal.training import choose_device, train
from levinthal.training.grid import Grid, train_grid
from levinthal.training.members import ByRow, MemberSGD
from levinthal.vocabulary import Cell, Dataset, Estimate, Measurement, Snapshot, Task


def measure(task: Task, *, data: Dataset, device: str = "cpu") -> Iterator[Measurement]:
    """Read the networks of all seeds of a cell.

    Raises InputError for a cell that asks for more images than there are.
    """
    read = {"speed": _speeds, "terms": _terms, "accuracy": _accuracies}[str(task.cell["read"])]
    return read(task, data, choose_device(device))


def _networks(cell: Cell, seeds: tuple[int, ...], data: Dataset) -> SigmoidNets:
    unit, initialisation = INITS[str(cell["start"])]
    hidden = [int(cell["width"])] * int(cell["hidden"])
    widths = (data.train_inputs.shape[1], *hidden, data.classes)
    return sigmoid_nets(widths, seeds=seeds, unit=unit, initialisation=initialisation)


def _speeds(task: Task, data: Dataset, device: torch.device) -> Iterator[Measurement]:
    """||dC/db|| of every hidden layer on the full batch; the gradient is of C without its weight decay."""
    inputs, labels = training_subset(
        data, int(task.cell["images"]), str(task.cell["labels"]), factor="images"
    )
    epochs = int(task.cell["epochs"])
    rates = torch.full((len(task.seeds),), RATE, device=device)
    snapshots = train(
        _networks(task.cell, task.seeds, data),
        inputs,
        labels,
        steps=epochs,
        loss=lambda outputs, wanted: sigmoid_cross_entropy(outputs, wanted).sum(),
        optimizer=partial(MemberSGD, rates=rates, decay=LAMBDA / len(inputs)),
        snapshots=[epoch for epoch in EPOCHS if epoch <= epochs],
        device=device.type,
    )
    for snapshot in snapshots:
        yield from bias_gradients(snapshot)


def bias_gradients(snapshot: Snapshot) -> Iterator[Measurement]:
    """The book's "speed of learning" of each hidden layer: the Euclidean norm of dC/db, a seed at a time."""
    nets = snapshot.model
    assert isinstance(nets, SigmoidNets)
    for layer, bias in enumerate(list(nets.biases)[:-1], start=1):
        assert bias.grad is not None
        norms = bias.grad.double().norm(dim=1).tolist()
        for seed, norm in zip(nets.seeds, norms, strict=True):
            yield Measurement("bias_gradient", Estimate.exact(norm), seed, snapshot.step, f"{layer}")


@torch.no_grad()
def _terms(task: Task, data: Dataset, device: torch.device) -> Iterator[Measurement]:
    """The share of terms |w s'(z)| below 1/4 between the hidden layers, before training, a seed at a time."""
    inputs, _ = training_subset(data, int(task.cell["images"]), str(task.cell["labels"]), factor="images")
    nets = _networks(task.cell, task.seeds, data).to(device)
    hidden, _ = nets.layers(inputs.to(device))
    for row, seed in enumerate(nets.seeds):
        shares = [
            float(((weight[row].abs()[..., None] * (a[row] * (1 - a[row]))[:, None]) < 0.25).double().mean())
            for weight, a in list(zip(nets.weights, hidden, strict=False))[1:]
        ]
        yield Measurement(TERMS, Estimate.exact(sum(shares) / len(shares)), seed)


def _accuracies(task: Task, data: Dataset, device: torch.device) -> Iterator[Measurement]:
    """Test accuracy after some epochs: all seeds and learning rates are trained at once."""
    inputs, labels = (
        side.to(device)
        for side in training_subset(data, int(task.cell["images"]), str(task.cell["labels"]), factor="images")
    )
    grid = Grid.of(task.seeds, read_rates(str(task.cell["rates"])))
    epoch, epochs = len(inputs) // BATCH, int(task.cell["epochs"])
    for snapshot in train_grid(
        _networks(task.cell, grid.seeds, data),
        inputs,
        labels,
        grid=grid,
        steps=epochs * epoch,
        batch_size=BATCH,
        loss=sigmoid_cross_entropy,
        optimizer=partial(MemberSGD, decay=DECAY),
        snapshots=[done * epoch for done in {1, 3, 10, epochs} if done <= epochs],
    ):
        yield from _accuracy(snapshot, data, grid)


@torch.no_grad()
def _accuracy(snapshot: Snapshot, data: Dataset, grid: Grid) -> Iterator[Measurement]:
    assert isinstance(snapshot.model, ByRow)
    device = snapshot.loss.device
    inputs, labels = (torch.as_tensor(side).to(device) for side in (data.test_inputs, data.test_labels))
    wrong = error_counts(snapshot.model.nets(inputs), labels)
    shares = [proportion(len(labels) - count, len(labels)) for count in wrong]
    yield from grid.measurements("accuracy", shares, round(snapshot.epoch))
