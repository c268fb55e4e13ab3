"""The same networks as ordinary modules, one a seed: the reference, and what a user would have written."""

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
        kept, n = self.running_var.clone(), input.shape[0]
        out = super().forward(input)
        # A new tensor: autograd still holds the one that batch_norm has read.
        self.running_var = self.running_var * ((n - 1) / n) + kept * ((1 - BATCHNORM_MOMENTUM) / n)
        return out


class OrdinaryFirstLast(nn.Module):
    """One network of the four from nn.Linear, batch norm and tanh; layout: sample, unit."""

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
        """Logits of a batch."""
        below, streams = inputs, list[Tensor]()
        for layer, (linear, norm) in enumerate(zip(self.linears, self.norms, strict=True), start=1):
            below = torch.tanh(norm(linear(below)))
            source = self.architecture.source(layer)
            below = below if source is None else below + streams[source - 1]
            streams.append(below)
        out: Tensor = self.head(below)
        return out


def ordinary(model: FirstLast, index: int = 0) -> OrdinaryFirstLast:
    """Network `index` of an ensemble as an ordinary module, with a copy of its weights and statistics."""
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
