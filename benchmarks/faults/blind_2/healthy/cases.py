"""The second healthy ward: what a watch is to be silent about, however unusual it looks."""

from __future__ import annotations

from benchmarks.faults.blind_2.healthy.classification import CLASSES
from benchmarks.faults.blind_2.healthy.pretrained import STARTED
from benchmarks.faults.blind_2.healthy.regression_and_density import VALUES
from benchmarks.faults.case import TrainingCase

SECOND: tuple[TrainingCase, ...] = (*CLASSES, *VALUES, *STARTED)
