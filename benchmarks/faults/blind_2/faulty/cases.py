"""The sick problems of the second blind examination, each with its healthy twin."""

from __future__ import annotations

from benchmarks.faults.blind_2.faulty import data as second_sick_data
from benchmarks.faults.blind_2.faulty import networks as second_sick_networks
from benchmarks.faults.blind_2.faulty import optimisation as second_sick_steps
from benchmarks.faults.blind_2.faulty import wiring as second_sick_wiring
from benchmarks.faults.case import FaultyCase

SECOND_SICK: tuple[FaultyCase, ...] = (
    *second_sick_data.SICK,
    *second_sick_wiring.SICK,
    *second_sick_networks.SICK,
    *second_sick_steps.SICK,
)
