"""The faulty cases of the second blind suite, each with its healthy baseline."""

from __future__ import annotations

from benchmarks.faults.blind_2.faulty import data, networks, optimisation, wiring
from benchmarks.faults.case import FaultyCase

FAULTY: tuple[FaultyCase, ...] = (*data.FAULTY, *wiring.FAULTY, *networks.FAULTY, *optimisation.FAULTY)
