"""Signal and noise of the batch gradient at frozen weights: does it drift or diffuse?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from levinthal.arguments import in_short, whole
from levinthal.networks.ensemble import Ensemble
from levinthal.networks.initial import generator
from levinthal.networks.losses import Loss, cross_entropy, fitting, named_loss
from levinthal.networks.passes import seeds_together
from levinthal.probes.accuracy import seeds_of
from levinthal.probes.checked import on, samples
from levinthal.probes.parameters import by_layer, gradients
from levinthal.vocabulary import Estimate, Interval, Measurement, Probe, Snapshot, Trust

NO_NOISE = "no noise between batches, or no finite gradient"


def gradient_signal_to_noise(
    inputs: Float[Tensor, "n d"],
    labels: Shaped[Tensor, "n *c"],
    *,
    batch_size: int = 128,
    batches: int = 16,
    loss: Loss = cross_entropy,
    seed: int = 0,
) -> Probe:
    """Measure ||mean g||^2 over the total variance of g, between disjoint batches at frozen weights.

    Above 1 the batch gradient drifts, below 1 it diffuses (Hodas & Stinis 2018, claim C9). M batches with
    the Gram matrix G have ||mean||^2 = (sum G - tr G) / M(M - 1) and variance = (tr G - sum G / M) / (M - 1).
    Both are unbiased, so without signal the ratio is near 0 and may be negative. The ratio is proportional
    to the batch size, as far as batch norm does not change it.

    Args:
        inputs: (n, d) training inputs; the batches are drawn from them once, without replacement.
        labels: (n) class numbers, or (n, c) targets.
        batch_size: samples per batch.
        batches: M, at least 3.
        loss: a function from outputs and labels to one loss per network.
        seed: of the draw of the batches.

    Returns:
        A probe. It yields `gradient_snr` for every seed, by layer and over "all" parameters: a number without
        unit, with its jackknife interval over batches.

    Raises:
        InputError: fewer than 3 batches, or fewer than `batches * batch_size` inputs; inputs and labels that
            are no arrays of numbers. When the probe is used: they do not fit the network.
    """
    inputs, labels = samples(inputs, labels)
    measure = named_loss(loss)
    batch_size = whole("batch_size", batch_size, least=1, because="holds no sample")
    batches = whole("batches", batches, least=3, because="leaves no interval")
    order = torch.randperm(len(inputs), generator=generator(seed, "signal to noise"))
    because = f"cannot fill {in_short(batches)} x {in_short(batch_size)}"
    whole("inputs", len(order), least=batches * batch_size, because=because)
    rows = order[: batches * batch_size].view(batches, batch_size).to(inputs.device)

    def probe(snapshot: Snapshot) -> Iterator[Measurement]:
        x, y = on(snapshot.model, inputs[rows]), labels[rows]
        with fitting(x, y):
            drawn = layer_gradients(snapshot.model, x, y, measure)
        grams = {layer: _gram(each) for layer, each in drawn.items()}
        grams["all"] = torch.stack(list(grams.values())).sum(0)
        ratios = iter(signals_to_noise(torch.cat(list(grams.values())).cpu()))
        for layer in grams:
            for label in seeds_of(snapshot.model):
                condition = f"gradient_batch={batch_size}"
                yield Measurement("gradient_snr", next(ratios), label, snapshot.step, layer, condition)

    return probe


def layer_gradients(
    model: nn.Module, inputs: Shaped[Tensor, "m b *d"], labels: Shaped[Tensor, "m b *c"], loss: Loss
) -> dict[str, Float[Tensor, "s m _"]]:
    """Gradients of M batches by layer, one row per seed and batch. The model does not change."""
    parts = [_pass(model, x, y, loss) for x, y in _together(model, inputs, labels)]
    layers = {layer: torch.cat([part[layer] for part in parts]) for layer in parts[0]}
    return {layer: each.transpose(0, 1).contiguous() for layer, each in layers.items()}


def _together(model: nn.Module, inputs: Tensor, labels: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of each pass: several for small ensembles, else one."""
    at_once = 1
    if isinstance(model, Ensemble):
        width, s = model.architecture.width, len(model.seeds)
        at_once = max(1, seeds_together(width, inputs.shape[1], s * len(inputs)) // s)
    starts = range(0, len(inputs), at_once)
    return ((inputs[i : i + at_once], labels[i : i + at_once]) for i in starts)


def _pass(model: nn.Module, inputs: Tensor, labels: Tensor, loss: Loss) -> dict[str, Float[Tensor, "m s _"]]:
    """Gradients (M, S, numbers) of M batches at once: the ensemble is copied, one copy per batch."""
    if not isinstance(model, Ensemble):
        alone = by_layer(model, gradients(model, inputs[0], labels[0], loss))
        return {layer: rows[None] for layer, rows in alone.items()}
    m, s = len(inputs), len(model.seeds)
    own = inputs.repeat_interleave(s, 0), labels.repeat_interleave(s, 0)
    rows = by_layer(model, gradients(model, *own, loss, copies=m))
    return {layer: each.reshape(m, s, -1) for layer, each in rows.items()}


def _gram(rows: Float[Tensor, "s m p"]) -> Float[Tensor, "s m m"]:
    wide = rows.double()
    product: Tensor = wide @ wide.mT
    return product


def _ratios(grams: Float[Tensor, "k m m"]) -> Float[np.ndarray, " k"]:
    """The ratio of each Gram matrix; infinite where there is no noise."""
    m = grams.shape[-1]
    total = grams.reshape(len(grams), -1).sum(1).numpy()
    trace = grams.diagonal(dim1=1, dim2=2).numpy().cumsum(1)[:, -1]
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
    return signals_to_noise(gram[None])[0]


def signals_to_noise(grams: Float[Tensor, "k m m"]) -> list[Estimate]:
    """`signal_to_noise` of each Gram matrix."""
    k, m = grams.shape[:2]
    rest = torch.tensor([[j for j in range(m) if j != i] for i in range(m)])
    left = _ratios(grams[:, rest[:, :, None], rest[:, None, :]].flatten(0, 1)).reshape(k, m)
    return [_estimate(value, each) for value, each in zip(_ratios(grams).tolist(), left, strict=True)]


def _estimate(value: float, left: Sequence[float] | Float[np.ndarray, " m"]) -> Estimate:
    """A ratio with its jackknife interval, from the ratios that leave out one batch each."""
    m = len(left)
    if not (np.isfinite(value) and np.isfinite(left).all()):
        return Estimate(value, trust=Trust.UNRELIABLE, reasons=(NO_NOISE,))
    half = 1.96 * float(np.sqrt((m - 1) / m * np.square(np.subtract(left, np.mean(left))).sum()))
    interval = Interval(value - half, value + half, 0.95, "jackknife")
    return Estimate(value, "", interval, trust=Trust.CALIBRATED, details={"batches": m})
