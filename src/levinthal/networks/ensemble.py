"""The interface of an ensemble of seeds. Training and probes know networks by it alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from levinthal.arguments import article
from levinthal.errors import InputError
from levinthal.networks.architecture import Architecture
from levinthal.user_data import as_tensor


class Ensemble(nn.Module):
    """S batch-normalised networks of one architecture, one per seed. The seed is the first axis everywhere.

    `weights[l]` is (S, out, in). `gamma`, `beta`, `running_mean` and `running_var` are (S, all hidden units).
    `bias` is (S, classes). `updates`, a scalar, counts the batches in the running statistics.
    """

    # A base class, not a typing.Protocol: isinstance of one does not see what nn.Module keeps as parameters.
    architecture: Architecture
    seeds: tuple[int, ...]
    weights: nn.ParameterList
    gamma: nn.Parameter
    beta: nn.Parameter
    bias: nn.Parameter
    running_mean: Tensor
    running_var: Tensor
    updates: Tensor

    @abstractmethod
    def update_running(self, means: Sequence[Tensor], variances: Sequence[Tensor]) -> None:
        """Move the running statistics by one batch.

        Args:
            means: the batch's mean of each hidden unit, one (S, u) tensor a layer.
            variances: its biased variance, one (S, u) tensor a layer.
        """


def require_ensemble(model: Any, what: str = "this reads layers of an Ensemble") -> Ensemble:
    """The model, if it is an ensemble. Raises InputError for anything else."""
    if not isinstance(model, Ensemble):
        kind = article(type(model).__name__)
        raise InputError(f"{what}, and the model is {kind}: build one with networks.first_last(...)")
    return model


def read_by(model: Ensemble, inputs: Any, name: str = "inputs") -> Tensor:
    """(n, d) inputs as the ensemble reads them, in its dtype and on its device."""
    tensor, features = as_tensor(inputs, name), model.architecture.inputs
    if tensor.ndim != 2 or tensor.shape[1] != features or not len(tensor):
        shape = tuple(tensor.shape)
        raise InputError(f"{name} has shape {shape}, and the network reads (n, {features}): pass n such rows")
    return tensor.to(model.bias)
