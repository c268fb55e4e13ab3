"""What the parameters and their gradients do, layer by layer: norms, drift and diffusion, displacement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.func import functional_call

from levinthal.networks.architecture import require_at_least
from levinthal.networks.ensemble import Ensemble
from levinthal.networks.initial import generator
from levinthal.networks.losses import Loss, cross_entropy
from levinthal.probes.accuracy import seeds_of
from levinthal.vocabulary import Estimate, Interval, Measurement, Probe, Snapshot, Trust


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


def gradient_signal_to_noise(
    inputs: Float[Tensor, "n d"],
    labels: Shaped[Tensor, "n *c"],
    *,
    batch_size: int = 128,
    batches: int = 16,
    loss: Loss = cross_entropy,
    seed: int = 0,
) -> Probe:
    """||mean g||^2 over the total variance of g, between disjoint batches at frozen weights (claim C9).

    Above 1 the batch gradient drifts, below 1 it diffuses. With M batches and their Gram matrix G,
    ||mean||^2 = (sum G - tr G) / M(M - 1) and variance = (tr G - sum G / M) / (M - 1): both are unbiased,
    so the ratio is near 0, and may be negative, where there is no signal. Interval: jackknife over
    batches. A batch of b has b / B times the ratio of a batch of B, as far as batch norm lets it.
    """
    require_at_least("batches", batches, 3, "leaves no interval")
    order = torch.randperm(len(inputs), generator=generator(seed, "signal to noise"))
    require_at_least("inputs", len(order), batches * batch_size, f"cannot fill {batches} x {batch_size}")
    rows = order[: batches * batch_size].view(batches, batch_size).to(inputs.device)

    def probe(snapshot: Snapshot) -> Iterator[Measurement]:
        drawn = [
            by_layer(snapshot.model, gradients(snapshot.model, inputs[r], labels[r], loss)) for r in rows
        ]
        grams = {layer: _gram(torch.stack([draw[layer] for draw in drawn], 1)) for layer in drawn[0]}
        grams["all"] = torch.stack(list(grams.values())).sum(0)
        for layer, gram in grams.items():
            for row, label in zip(gram, seeds_of(snapshot.model), strict=True):
                estimate = signal_to_noise(row.cpu())
                yield Measurement(
                    "gradient_snr", estimate, label, snapshot.step, layer, f"gradient_batch={batch_size}"
                )

    return probe


def gradients(model: nn.Module, inputs: Tensor, labels: Tensor, loss: Loss) -> dict[str, Tensor]:
    """Gradients of a batch's loss (summed over seeds) in training mode; the model is left as it was."""
    weights = {name: weight.detach().requires_grad_() for name, weight in model.named_parameters()}
    state = weights | {name: buffer.clone() for name, buffer in model.named_buffers()}
    with torch.enable_grad():
        total = loss(functional_call(model, state, (inputs,)), labels).sum()
        slopes = torch.autograd.grad(total, list(weights.values()))
    return dict(zip(weights, slopes, strict=True))


def _gram(rows: Float[Tensor, "s m p"]) -> Float[Tensor, "s m m"]:
    wide = rows.double()
    product: Tensor = wide @ wide.mT
    return product


def _ratios(grams: Float[Tensor, "k m m"]) -> np.ndarray:
    """The ratio of each Gram matrix; infinite where there is no noise."""
    m = grams.shape[-1]
    total = grams.reshape(len(grams), -1).sum(1).numpy()
    trace = torch.stack([each.trace() for each in grams]).numpy()
    noise = (trace - total / m) / (m - 1)
    signal = (total - trace) / (m * (m - 1))
    ratios: np.ndarray = np.divide(signal, noise, out=np.full_like(noise, np.inf), where=noise > 0)
    return ratios


def signal_to_noise(gram: Float[Tensor, "m m"]) -> Estimate:
    """Bias-corrected ||mean||^2 / variance of M vectors from their Gram matrix, with a jackknife interval.

    >>> g = torch.tensor([[1.0, 1.0], [1.0, -1.0], [1.0, 0.0]])  # mean (1, 0), variance 1
    >>> round(signal_to_noise(g @ g.T).value, 4)  # 1 - 1/3
    0.6667
    """
    m, value = len(gram), float(_ratios(gram[None])[0])
    rest = torch.tensor([[j for j in range(m) if j != i] for i in range(m)])
    left = _ratios(gram[rest[:, :, None], rest[:, None, :]])
    if not (np.isfinite(value) and np.isfinite(left).all()):
        return Estimate(
            value, trust=Trust.UNRELIABLE, reasons=("no noise between batches, or no finite gradient",)
        )
    half = 1.96 * float(np.sqrt((m - 1) / m * np.square(left - left.mean()).sum()))
    interval = Interval(value - half, value + half, 0.95, "jackknife")
    return Estimate(value, "", interval, trust=Trust.CALIBRATED, details={"batches": m})


def _numbers(snapshot: Snapshot, name: str, layer: str, values: Sequence[float]) -> Iterator[Measurement]:
    for seed, value in zip(seeds_of(snapshot.model), values, strict=True):
        yield Measurement(name, Estimate.exact(value), seed, snapshot.step, layer)
