"""The sick problems of the second blind examination, each with its healthy twin."""

from __future__ import annotations

from . import second_sick_data, second_sick_networks, second_sick_steps, second_sick_wiring
from .ward import Patient

SECOND_SICK: tuple[Patient, ...] = (
    *second_sick_data.SICK,
    *second_sick_wiring.SICK,
    *second_sick_networks.SICK,
    *second_sick_steps.SICK,
)
