"""Arrays in, Estimate out; one a file, named for what the field calls it."""

from __future__ import annotations

from levinthal.estimators.cka import cka
from levinthal.estimators.mutual_information import ESTIMATORS, mutual_information
from levinthal.estimators.neighbours import NeighbourCounts, count_neighbours

__all__ = ["ESTIMATORS", "NeighbourCounts", "cka", "count_neighbours", "mutual_information"]
