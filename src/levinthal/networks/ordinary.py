"""The same networks as ordinary modules, one per seed: the reference implementation."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from levinthal.networks.architecture import Architecture
from levinthal.networks.first_last import BATCHNORM_EPS, BATCHNORM_MOMENTUM, FirstLast


class KerasBatchNorm(nn.BatchNorm1d):
    """BatchNorm1d whose running variance takes the biased batch variance, as Keras' does."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (n, units) over the batch, or by the running statistics in evaluation mode."""
        if not self.training or self.running_var is None:
            return super().forward(input)
        before, n = self.running_var.clone(), input.shape[0]
        out = super().forward(input)
        # A new tensor: autograd still holds the one that batch_norm has read.
        self.running_var = self.running_var * ((n - 1) / n) + before * ((1 - BATCHNORM_MOMENTUM) / n)
        return out


class OrdinaryFirstLast(nn.Module):
    """One network of the four, made of nn.Linear, batch norm and tanh. Layout: sample, unit.

    It is the reference implementation of `FirstLast`, and the code that a user would write.

    Args:
        architecture: widths and switches.
        dtype: of all parameters.

    >>> OrdinaryFirstLast(Architecture(inputs=4, width=3, depth=2, classes=5))(torch.rand(7, 4)).shape
    torch.Size([7, 5])
    """

    def __init__(self, architecture: Architecture, *, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.architecture = architecture
        *hidden, (classes, last) = architecture.shapes
        self.linears = nn.ModuleList(nn.Linear(i, o, bias=False, dtype=dtype) for o, i in hidden)
        self.norms = nn.ModuleList(
            KerasBatchNorm(o, eps=BATCHNORM_EPS, momentum=BATCHNORM_MOMENTUM, dtype=dtype) for o, _ in hidden
        )
        self.head = nn.Linear(last, classes, dtype=dtype)

    def forward(self, inputs: Float[Tensor, "n d"]) -> Float[Tensor, "n c"]:
        """Logits of a batch.

        Args:
            inputs: (n, d).

        Returns:
            Logits, (n, classes).

        Raises:
            RuntimeError: torch's, where the inputs have another number of features.
            ValueError: torch's, for a single row in training mode: it has no variance.
        """
        below, streams = inputs, list[Tensor]()
        for layer, (linear, norm) in enumerate(zip(self.linears, self.norms, strict=True), start=1):
            below = torch.tanh(norm(linear(below)))
            source = self.architecture.source(layer)
            below = below if source is None else below + streams[source - 1]
            streams.append(below)
        out: Tensor = self.head(below)
        return out


def ordinary(model: FirstLast, index: int = 0) -> OrdinaryFirstLast:
    """One network of an ensemble as an ordinary module.

    Args:
        model: the ensemble.
        index: which of its networks, from 0.

    Returns:
        A module in the mode of `model`, with a copy of the network's weights and running statistics.

    Raises:
        IndexError: the ensemble has no such network.

    >>> from levinthal.networks import first_last
    >>> both = first_last(inputs=4, width=3, depth=3, classes=2, seeds=(0, 1)).eval()
    >>> x = torch.rand(5, 4)
    >>> torch.allclose(ordinary(both, 1)(x), both(x)[1], atol=1e-6)
    True
    """
    net = OrdinaryFirstLast(model.architecture, dtype=model.bias.dtype).to(model.bias.device)
    net.train(model.training)
    net.load_state_dict(_state(model, index))
    return net


def _state(model: FirstLast, index: int) -> dict[str, Tensor]:
    state = {f"linears.{layer}.weight": weight[index] for layer, weight in enumerate(model.weights)}
    state["head.weight"] = state.pop(f"linears.{model.architecture.depth}.weight")
    state["head.bias"] = model.bias[index]
    for layer, span in enumerate(model.architecture.spans):
        state[f"norms.{layer}.weight"] = model.gamma[index, span]
        state[f"norms.{layer}.bias"] = model.beta[index, span]
        state[f"norms.{layer}.running_mean"] = model.running_mean[index, span]
        state[f"norms.{layer}.running_var"] = model.running_var[index, span]
        state[f"norms.{layer}.num_batches_tracked"] = model.updates
    return state
