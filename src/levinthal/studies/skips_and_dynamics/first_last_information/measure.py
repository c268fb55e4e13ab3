"""The measurement: the networks of a task are trained at once, and read at log-spaced steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from torch.optim import SGD

from levinthal.data.subsets import training_subset
from levinthal.errors import InputError, require_one_of
from levinthal.estimators import cka, mutual_information
from levinthal.networks import first_last
from levinthal.probes import (
    ablated_error,
    between_layers,
    displacement,
    error_rate,
    first_last_information,
    gradient_signal_to_noise,
    linear_probe,
    only_at,
    training_loss,
    watch,
)
from levinthal.probes.layers import Estimator
from levinthal.studies.skips_and_dynamics.first_last_information.design import ARCHITECTURES
from levinthal.training import RMSprop, choose_device, log_spaced, train
from levinthal.training.optimizers import OptimizerRule
from levinthal.vocabulary import Cell, Dataset, Estimate, Measurement, Probe, Snapshot, Task

MODES: Mapping[str, tuple[str, ...]] = {
    "errors": ("recalibrated",),
    "information": ("running", "batch", "recalibrated"),
    "readings": ("running", "debiased", "batch", "recalibrated"),
    "everything": ("running", "debiased", "batch", "recalibrated"),
}
SNAPSHOTS, LAYER_SNAPSHOTS = 15, 6
REFERENCE, LAYER_IMAGES = 4000, 2000
SNR_BATCH, SNR_BATCHES = 64, 16


def measure(task: Task, *, data: Dataset, device: str = "cpu") -> Iterator[Measurement]:
    """Train the networks of all seeds of a cell and yield what is read of them.

    Raises InputError for a cell that makes no network, or that asks for more images than there are.
    """
    cell = task.cell
    require_one_of("architecture", str(cell["architecture"]), ARCHITECTURES)
    target = choose_device(device)
    train_x, train_y = (
        side.to(target) for side in training_subset(data, int(cell["samples"]), str(cell["labels"]))
    )
    test_x, test_y = (torch.as_tensor(side).to(target) for side in (data.test_inputs, data.test_labels))
    model = _network(task, data)
    steps = int(cell["steps"])
    probes = _probes(cell, (train_x, train_y), (test_x, test_y))
    if cell["read"] == "everything":
        probes.append(displacement(model))
    snapshots = train(
        model,
        train_x,
        train_y,
        steps=steps,
        optimizer=_optimizer(float(cell["rate"])),
        batch_size=None if cell["batch"] == "full" else int(cell["batch"]),
        order_seeds=task.seeds,
        snapshots=log_spaced(steps, SNAPSHOTS),
        device=device,
    )
    yield from watch(snapshots, probes)


def _network(task: Task, data: Dataset) -> torch.nn.Module:
    cell = task.cell
    return first_last(
        inputs=data.train_inputs.shape[1],
        width=int(cell["width"]),
        depth=int(cell["depth"]),
        classes=data.classes,
        shortcut="shortcut" in str(cell["architecture"]),
        residual="residual" in str(cell["architecture"]),
        seeds=task.seeds,
        init=str(cell["init"]),
        slope=float(cell["slope"]),
    )


def _optimizer(rate: float) -> OptimizerRule:
    """RMSprop with Keras' constants, as in the paper; at rate 0 the weights stay and batch norm moves on."""
    return RMSprop(rate) if rate > 0 else partial(SGD, lr=0.0)


def _probes(cell: Cell, training: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor]) -> list[Probe]:
    read = require_one_of("read", str(cell["read"]), MODES)
    modes, reference = MODES[read], training[0][:REFERENCE]
    probes: list[Probe] = [training_loss, error_rate(*test, batchnorm=modes, reference=reference)]
    steps = int(cell["steps"])
    if read != "errors":
        images = _images(cell, test[0])
        probes += [_information(images, modes[:-1]), only_at({0, steps}, _null(images, modes[:-1]))]
    if read == "everything":
        layer_steps = set(log_spaced(steps, LAYER_SNAPSHOTS))
        probes += [
            *(only_at(layer_steps, probe) for probe in _other_estimators(images)),
            *(only_at({steps}, _by_images(test[0][:n])) for n in _counts(test[0])),
            *(only_at(layer_steps, probe) for probe in _layer_probes(training, test)),
        ]
        if len(training[0]) >= SNR_BATCH * SNR_BATCHES:
            probes.append(gradient_signal_to_noise(*training, batch_size=SNR_BATCH, batches=SNR_BATCHES))
        if "shortcut" in str(cell["architecture"]):
            probes.append(only_at({steps}, ablated_error(*test, batchnorm=("batch",))))
    return probes


def _images(cell: Cell, test: Tensor) -> Tensor:
    images = int(cell["images"])
    if not 5 <= images <= len(test):
        raise InputError(f"images={images} but there are {len(test)} test images: ask for 5 to {len(test)}")
    return test[:images]


def _counts(test: Tensor) -> list[int]:
    """How many images the same layers are read on, to see what the number alone does."""
    return [n for n in (150, 300, 600, 1000, 2000, 5000, 10000) if n <= len(test) and 20 * n >= len(test)]


def _worded(probe: Probe, words: str) -> Probe:
    """The probe, with more words in its conditions."""

    def worded(snapshot: Snapshot) -> Iterable[Measurement]:
        return (replace(found, condition=f"{found.condition} {words}".strip()) for found in probe(snapshot))

    return worded


def _information(images: Tensor, modes: Sequence[str], name: str = "mutual_information") -> Probe:
    probe = first_last_information(images, _estimator("ksg"), name=name, batchnorm=modes)
    return _worded(probe, f"estimator=ksg n={len(images)}")


def _by_images(images: Tensor) -> Probe:
    return _information(images, ("batch",), "mutual_information_by_images")


def _null(images: Tensor, modes: Sequence[str]) -> Probe:
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))

    def shuffled(x: Tensor, y: Tensor) -> Estimate:
        return _estimator("ksg")(x, y[order.to(y.device)])

    probe = first_last_information(images, shuffled, name="mutual_information_null", batchnorm=modes)
    return _worded(probe, f"estimator=ksg n={len(images)}")


def _other_estimators(images: Tensor) -> Iterator[Probe]:
    """Other estimators of the same two layers, with one kind of batch norm statistics."""
    named = {name: _estimator(name) for name in ("zscored_ksg", "pca_ksg", "copula")}
    for name, estimator in named.items():
        probe = first_last_information(images, estimator, name="mutual_information", batchnorm=("batch",))
        yield _worded(probe, f"estimator={name} n={len(images)}")
    similarity = first_last_information(images, partial(cka, checks="none"), name="cka", batchnorm=("batch",))
    yield _worded(similarity, f"estimator=cka n={len(images)}")


def _estimator(name: str) -> Estimator:
    return partial(mutual_information, estimator=name, units="bits", checks="none")


def _layer_probes(training: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor]) -> Iterator[Probe]:
    few = test[0][:LAYER_IMAGES], test[1][:LAYER_IMAGES]
    yield linear_probe((training[0][:REFERENCE], training[1][:REFERENCE]), few, batchnorm="recalibrated")
    similarity = partial(cka, checks="none")
    yield between_layers(few[0], similarity, name="neighbour_cka", against="previous", batchnorm="batch")
    yield between_layers(few[0], _estimator("ksg"), name="layer_information", batchnorm="batch")
