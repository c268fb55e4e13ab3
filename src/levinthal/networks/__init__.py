"""Networks from builders with few switches, and their activations under each reading of batch norm."""

from __future__ import annotations

from levinthal.networks.architecture import Architecture
from levinthal.networks.first_last import FirstLast, first_last
from levinthal.networks.gradients import loss_and_gradients
from levinthal.networks.initial import INITS
from levinthal.networks.losses import LOSSES, cross_entropy, squared_error
from levinthal.networks.ordinary import OrdinaryFirstLast, ordinary
from levinthal.networks.passes import prefers_ensemble
from levinthal.networks.reading import (
    BATCHNORM_MODES,
    Activations,
    Statistics,
    activations,
    debiased,
    logits_without,
    statistics,
)

__all__ = [
    "BATCHNORM_MODES",
    "INITS",
    "LOSSES",
    "Activations",
    "Architecture",
    "FirstLast",
    "OrdinaryFirstLast",
    "Statistics",
    "activations",
    "cross_entropy",
    "debiased",
    "first_last",
    "logits_without",
    "loss_and_gradients",
    "ordinary",
    "prefers_ensemble",
    "squared_error",
    "statistics",
]
