"""The four networks of Hodas & Stinis (2018) from one builder with two switches, S seeds at a time.

    z = W s_below;  a = tanh(gamma (z - mean) / sqrt(var + eps) + beta);  s = a (+ an earlier stream)

Layout: seed, unit, sample. The seed is the first axis of every parameter, so that S networks train as
batched matrix products. `forward` is the plain definition, differentiable any number of times.
`gradients.py` computes the same with a backward pass written by hand.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from levinthal.arguments import in_short, number, several, whole
from levinthal.errors import InputError
from levinthal.networks.architecture import Architecture
from levinthal.networks.ensemble import Ensemble
from levinthal.networks.initial import initial_weights

ONE_SEED = "seeds=(0,)"
MOST_WEIGHTS = 10**9
"""Of all networks together: in float64, in which they are drawn, 8 GB."""
BATCHNORM_EPS = 1e-3
BATCHNORM_MOMENTUM = 0.01
"""Keras' constants (1.x and 2.x): momentum .99, which torch calls .01, and eps 1e-3 under the root."""


class FirstLast(Ensemble):
    """S networks of one architecture, one per seed. Build them with `first_last`.

    Source: Hodas & Stinis (2018), sec. 2. Batch norm has Keras' constants (momentum .99, eps 1e-3).

    Args:
        architecture: widths and switches.
        seeds: one for each network.
        weights: D + 1 initial weight matrices (S, out, in), the softmax layer's last.

    Attributes:
        weights: the D + 1 weight matrices, (S, out, in).
        gamma, beta: scale and shift of batch norm, (S, all hidden units); layer l is `architecture.spans[l]`.
        bias: of the softmax layer, (S, classes).
        running_mean, running_var: buffers (S, all hidden units). The variance is the biased one, as in Keras.
        updates: buffer, the number of batches in them.
    """

    def __init__(self, architecture: Architecture, seeds: tuple[int, ...], weights: Sequence[Tensor]) -> None:
        super().__init__()
        self.architecture = architecture
        self.seeds = seeds
        self.weights = nn.ParameterList(nn.Parameter(weight) for weight in weights)
        units = (len(seeds), sum(architecture.widths))
        like = weights[0]
        self.gamma = nn.Parameter(like.new_ones(units))
        self.beta = nn.Parameter(like.new_zeros(units))
        self.bias = nn.Parameter(like.new_zeros(len(seeds), architecture.classes))
        self.register_buffer("running_mean", like.new_zeros(units))
        self.register_buffer("running_var", like.new_ones(units))
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64, device=like.device))

    def forward(self, inputs: Float[Tensor, "*s n d"]) -> Float[Tensor, "s n c"]:
        """Logits of all S networks. In training mode the running statistics move by this batch.

        Args:
            inputs: one batch for all seeds, (n, d), or a batch for each seed, (S, n, d).

        Returns:
            Logits, (S, n, classes).

        Raises:
            RuntimeError: torch's, where the inputs have another number of features.

        >>> first_last(inputs=4, width=3, depth=2, classes=5, seeds=(0, 1))(torch.rand(7, 4)).shape
        torch.Size([2, 7, 5])
        """
        below, streams = inputs.mT, list[Tensor]()
        moments: list[tuple[Tensor, Tensor]] = []
        for layer, span in enumerate(self.architecture.spans, start=1):
            z = self.weights[layer - 1] @ below
            mean, var = self._statistics(z, span)
            moments.append((mean, var))
            scale = self.gamma[:, span, None] * (var + BATCHNORM_EPS).rsqrt()
            below = torch.tanh((z - mean) * scale + self.beta[:, span, None])
            source = self.architecture.source(layer)
            below = below if source is None else below + streams[source - 1]
            streams.append(below)
        if self.training:
            self.update_running([mean[..., 0] for mean, _ in moments], [var[..., 0] for _, var in moments])
        logits: Tensor = self.weights[-1] @ below + self.bias[..., None]
        return logits.mT

    def _statistics(self, z: Float[Tensor, "s u n"], span: slice) -> tuple[Tensor, Tensor]:
        if not self.training:
            return self.running_mean[:, span, None], self.running_var[:, span, None]
        mean = z.mean(-1, keepdim=True)
        return mean, (z - mean).square().mean(-1, keepdim=True)

    @torch.no_grad()
    def update_running(self, means: Sequence[Tensor], variances: Sequence[Tensor]) -> None:
        """Move the running statistics by one batch.

        Args:
            means: the batch's mean of each hidden unit, one (S, u) tensor a layer.
            variances: its biased variance, one (S, u) tensor a layer.
        """
        self.running_mean.lerp_(torch.cat(list(means), dim=1), BATCHNORM_MOMENTUM)
        self.running_var.lerp_(torch.cat(list(variances), dim=1), BATCHNORM_MOMENTUM)
        self.updates += 1

    def extra_repr(self) -> str:
        """What `print(model)` shows in its brackets.

        Returns:
            Name, widths and seeds.
        """
        return f"{self.architecture.name}, hidden {self.architecture.widths}, seeds {self.seeds}"


def first_last(
    *,
    inputs: int,
    width: int,
    depth: int,
    classes: int = 10,
    shortcut: bool = False,
    residual: bool = False,
    seeds: Sequence[int] = (0,),
    init: str = "glorot_normal",
    gain: float = 1.0,
    slope: float = 1.0,
    dtype: torch.dtype = torch.float32,
) -> FirstLast:
    """Build the MLP, shortcut, residual or shortcut residual network of Hodas & Stinis (2018), one per seed.

    For one seed the four architectures share every initial weight. They do not depend on the other seeds.

    Args:
        inputs: number of input features.
        width: W, the width of the inner hidden layers. The first and the last are 2W wide.
        depth: D, the number of hidden layers, at least 2.
        classes: number of outputs.
        shortcut: whether the softmax layer reads first + last hidden activation.
        residual: whether the inner layers 4, 6, 8... add the stream two layers earlier.
        seeds: one for each network.
        init: how weights are drawn, a name of `INITS`.
        gain: factor of the hidden weights. Batch norm cancels it in the function (up to its eps), not in the
            effective learning rate.
        slope: initial gamma of batch norm. Below 1 the tanh is nearly linear at first. Below about .1 the eps
            of batch norm shrinks deeper layers.
        dtype: of all parameters.

    Returns:
        The ensemble, in training mode: a batch (n, inputs) to logits (S, n, classes).

    Raises:
        InputError: a width, depth, number of classes or list of seeds that gives no network or one beyond
            1e9 weights, a gain or slope that is no number, an unknown `init`, a dtype without fractions.

    >>> net = first_last(inputs=784, width=50, depth=5, shortcut=True, seeds=(0, 1, 2))
    >>> net(torch.zeros(4, 784)).shape
    torch.Size([3, 4, 10])
    """
    seeds = [whole("seeds", seed, least=0) for seed in several("seeds", seeds, ONE_SEED)]
    if not seeds:
        raise InputError(f"0 seeds leave no network to build: give at least one, such as {ONE_SEED}")
    shape = Architecture(inputs, width, depth, classes, shortcut, residual)
    _require_memory(shape, len(seeds))
    gain, slope = number("gain", gain, finite=True), number("slope", slope, finite=True)
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise InputError(f"dtype={in_short(dtype)} has no fractions: pass torch.float32 or torch.float64")
    drawn = [initial_weights(shape.shapes, seed, init, gain) for seed in seeds]
    weights = [torch.stack(layer).to(dtype) for layer in zip(*drawn, strict=True)]
    net = FirstLast(shape, tuple(seeds), weights)
    nn.init.constant_(net.gamma, slope)
    return net


def _require_memory(shape: Architecture, seeds: int) -> None:
    """Raise InputError for networks that no machine holds."""
    weights = seeds * sum(outs * ins for outs, ins in shape.shapes)
    if weights > MOST_WEIGHTS:
        sizes = f"inputs={shape.inputs}, width={shape.width}, depth={shape.depth}, classes={shape.classes}"
        raise InputError(f"{sizes} and {seeds} seeds make {weights:.0e} weights: at most {MOST_WEIGHTS:.0e}")
