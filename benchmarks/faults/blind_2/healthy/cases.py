"""The healthy cases of the second blind suite: the watch must report nothing, however unusual they are."""

from __future__ import annotations

from benchmarks.faults.blind_2.healthy.classification import CLASSES
from benchmarks.faults.blind_2.healthy.pretrained import STARTED
from benchmarks.faults.blind_2.healthy.regression_and_density import VALUES
from benchmarks.faults.case import TrainingCase

HEALTHY: tuple[TrainingCase, ...] = (*CLASSES, *VALUES, *STARTED)
