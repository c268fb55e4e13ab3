"""What the parameters and their gradients do, layer by layer: norms, drift and diffusion, displacement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from levinthal.networks.architecture import require_at_least
from levinthal.networks.ensemble import Ensemble
from levinthal.networks.losses import Loss
from levinthal.probes.accuracy import seeds_of
from levinthal.vocabulary import Estimate, Measurement, Probe, Snapshot


def by_layer(model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Float[Tensor, "s _"]]:
    """Tensors named as the model's parameters, as one row a seed and layer.

    An ensemble's layers are hidden1, hidden2... (weights, gamma, beta) and softmax (weights, bias). In an
    ordinary module every parameter is its own layer.
    """
    if not isinstance(model, Ensemble):
        return {name: tensor.reshape(1, -1) for name, tensor in tensors.items()}
    layers = {}
    for index, span in enumerate(model.architecture.spans):
        parts = (tensors[f"weights.{index}"].flatten(1), tensors["gamma"][:, span], tensors["beta"][:, span])
        layers[f"hidden{index + 1}"] = torch.cat(parts, 1)
    last = tensors[f"weights.{model.architecture.depth}"]
    layers["softmax"] = torch.cat((last.flatten(1), tensors["bias"]), 1)
    return layers


def gradient_norms(snapshot: Snapshot) -> Iterator[Measurement]:
    """Euclidean norm of the gradient of the batch at hand, a layer and a seed at a time."""
    found = {
        name: weight.grad for name, weight in snapshot.model.named_parameters() if weight.grad is not None
    }
    for layer, rows in by_layer(snapshot.model, found).items():
        yield from _numbers(snapshot, "gradient_norm", layer, rows.norm(dim=1).tolist())


def displacement(model: nn.Module) -> Probe:
    """Euclidean distance of the weights from where they are now, a layer and a seed at a time.

    Make the probe before training. Its growth as a power of the step tells drift (1) from diffusion (1/2):
    `displacement_exponent`.
    """
    start = {name: weight.detach().clone() for name, weight in model.named_parameters()}

    def probe(snapshot: Snapshot) -> Iterator[Measurement]:
        moved = {name: weight.detach() - start[name] for name, weight in snapshot.model.named_parameters()}
        for layer, rows in by_layer(snapshot.model, moved).items():
            yield from _numbers(snapshot, "displacement", layer, rows.norm(dim=1).tolist())

    return probe


def displacement_exponent(steps: Sequence[int], distances: Sequence[float]) -> float:
    """Slope of log distance on log step by least squares; steps and distances of 0 are left out.

    >>> round(displacement_exponent([1, 4, 16, 64], [2.0, 4.0, 8.0, 16.0]), 6)
    0.5
    """
    kept = [
        (step, distance) for step, distance in zip(steps, distances, strict=True) if step > 0 and distance > 0
    ]
    require_at_least("points", len(kept), 2, "has no slope")
    logs = np.log(np.array(kept, dtype=np.float64))
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])


def gradients(
    model: nn.Module, inputs: Tensor, labels: Tensor, loss: Loss, *, copies: int = 1
) -> dict[str, Tensor]:
    """Gradients of a batch's loss (summed over seeds) in training mode. The model does not change.

    With `copies` above 1 the model is an ensemble that stands for `copies` times its seeds, copy after copy:
    inputs (copies * S, n, d) and gradients (copies * S, ...), in one pass.
    """
    weights = {
        name: _repeated(weight.detach(), copies).requires_grad_() for name, weight in model.named_parameters()
    }
    state = weights | {name: _repeated(buffer, copies).clone() for name, buffer in model.named_buffers()}
    with torch.enable_grad():
        total = loss(functional_call(model, state, (inputs,)), labels).sum()
        slopes = torch.autograd.grad(total, list(weights.values()))
    return dict(zip(weights, slopes, strict=True))


def _repeated(tensor: Tensor, copies: int) -> Tensor:
    """Copies of an ensemble's tensor, one after the other; a number has no seed and stays."""
    return tensor if copies == 1 or tensor.ndim == 0 else tensor.repeat(copies, *[1] * (tensor.ndim - 1))


def _numbers(snapshot: Snapshot, name: str, layer: str, values: Sequence[float]) -> Iterator[Measurement]:
    for seed, value in zip(seeds_of(snapshot.model), values, strict=True):
        yield Measurement(name, Estimate(value), seed, snapshot.step, layer)
