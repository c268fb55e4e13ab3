"""Probes: a snapshot of a training run in, measurements out. Reading does not change the run."""

from __future__ import annotations

from levinthal.probes.accuracy import ablated_error, error_rate, proportion, training_loss, validation_loss
from levinthal.probes.gradient_noise import gradient_signal_to_noise
from levinthal.probes.layers import between_layers, first_last_information, linear_probe
from levinthal.probes.parameters import displacement, displacement_exponent, gradient_norms
from levinthal.probes.watch import only_at, watch

__all__ = [
    "ablated_error",
    "between_layers",
    "displacement",
    "displacement_exponent",
    "error_rate",
    "first_last_information",
    "gradient_norms",
    "gradient_signal_to_noise",
    "linear_probe",
    "only_at",
    "proportion",
    "training_loss",
    "validation_loss",
    "watch",
]
