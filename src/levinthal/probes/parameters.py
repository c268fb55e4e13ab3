"""Parameters and their gradients by layer: norms, displacement, drift or diffusion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from levinthal.arguments import number, several
from levinthal.errors import InputError
from levinthal.networks.ensemble import Ensemble
from levinthal.networks.losses import Loss
from levinthal.probes.accuracy import seeds_of
from levinthal.probes.checked import require_snapshot
from levinthal.user_data import require_module
from levinthal.vocabulary import Estimate, Measurement, Probe, Snapshot


def by_layer(model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Float[Tensor, "s _"]]:
    """Tensors named like the model's parameters, as one row per seed and layer.

    An ensemble's layers are hidden1, hidden2... (weights, gamma, beta) and softmax (weights, bias). In an
    ordinary module every parameter is its own layer.
    """
    if not isinstance(model, Ensemble):
        return {name: tensor.reshape(1, -1) for name, tensor in tensors.items()}
    whole = slice(None)
    depth = model.architecture.depth
    places: dict[str, tuple[tuple[str, slice], ...]] = {
        f"hidden{index + 1}": ((f"weights.{index}", whole), ("gamma", span), ("beta", span))
        for index, span in enumerate(model.architecture.spans)
    }
    places["softmax"] = ((f"weights.{depth}", whole), ("bias", whole))
    parts = {
        layer: [tensors[name][:, span].flatten(1) for name, span in of if name in tensors]
        for layer, of in places.items()
    }
    return {layer: torch.cat(found, 1) for layer, found in parts.items() if found}


def gradient_norms(snapshot: Snapshot) -> Iterator[Measurement]:
    """Measure the Euclidean norm of the next batch's gradient by layer. This function is itself the probe.

    Args:
        snapshot: of an ensemble or of any module. Parameters without a gradient are left out.

    Returns:
        A generator of `gradient_norm` for each layer and seed, in units of the loss per parameter.

    Raises:
        InputError: it is no snapshot.

    >>> net = nn.Linear(2, 1, bias=False)
    >>> net.weight.grad = torch.tensor([[3.0, 4.0]])
    >>> x = torch.zeros(1, 2)
    >>> [found.estimate.value for found in gradient_norms(Snapshot(0, 0.0, net, x, x, torch.zeros(())))]
    [5.0]
    """
    require_snapshot(snapshot)
    found = {
        name: weight.grad for name, weight in snapshot.model.named_parameters() if weight.grad is not None
    }
    for layer, rows in by_layer(snapshot.model, found).items():
        yield from _numbers(snapshot, "gradient_norm", layer, rows.norm(dim=1).tolist())


def displacement(model: nn.Module) -> Probe:
    """Measure the Euclidean distance of the weights from their present values, by layer.

    Make the probe before training. The distance grows as a power of the step: about 1 for drift, 1/2 for
    diffusion. `displacement_exponent` fits that power.

    Args:
        model: an ensemble or any module; its present weights are copied.

    Returns:
        A probe. It yields `displacement` for each layer and seed, in units of the weights.

    Raises:
        InputError: the model is no module with parameters.

    >>> net = nn.Linear(2, 1, bias=False)
    >>> probe = displacement(net)
    >>> with torch.no_grad():
    ...     _ = net.weight.add_(torch.tensor([[3.0, 4.0]]))
    >>> x = torch.zeros(1, 2)
    >>> [round(found.estimate.value, 5) for found in probe(Snapshot(0, 0.0, net, x, x, torch.zeros(())))]
    [5.0]
    """
    if isinstance(model, Snapshot):
        raise InputError(
            "displacement was given a snapshot: make the probe first, probes=[displacement(model)]"
        )
    initial = {name: weight.detach().clone() for name, weight in require_module(model).named_parameters()}

    def probe(snapshot: Snapshot) -> Iterator[Measurement]:
        moved = {name: weight.detach() - initial[name] for name, weight in snapshot.model.named_parameters()}
        for layer, rows in by_layer(snapshot.model, moved).items():
            yield from _numbers(snapshot, "displacement", layer, rows.norm(dim=1).tolist())

    return probe


def displacement_exponent(steps: Sequence[int], distances: Sequence[float]) -> float:
    """Fit the power of the step with which a distance grows: 1 is drift, 1/2 is diffusion.

    It is the least-squares slope of log distance on log step. Steps and distances of 0 are left out.

    Args:
        steps: numbers of updates.
        distances: one for each step.

    Returns:
        The exponent, without unit.

    Raises:
        InputError: steps and distances differ in number or are no numbers, or fewer than two are above 0.

    >>> round(displacement_exponent([1, 4, 16, 64], [2.0, 4.0, 8.0, 16.0]), 6)
    0.5
    """
    both = (("steps", steps), ("distances", distances))
    at, far = ([number(n, v) for v in several(n, given, f"{n}=[1, 10]")] for n, given in both)
    if len(at) != len(far):
        raise InputError(f"{len(at)} steps and {len(far)} distances: give one of distances for each of steps")
    positive = [(step, distance) for step, distance in zip(at, far, strict=True) if step > 0 and distance > 0]
    if len({step for step, _ in positive}) < 2:
        raise InputError(
            f"points={len(positive)} of steps and distances above 0 has no slope: give at two steps or more"
        )
    logs = np.log(np.array(positive, dtype=np.float64))
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
        yield Measurement(name, Estimate.exact(value), seed, snapshot.step, layer)
