"""The interface of an ensemble of seeds. Training and probes know networks by it alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from torch import Tensor, nn

from levinthal.networks.architecture import Architecture


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
