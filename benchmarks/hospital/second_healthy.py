"""The second healthy ward: what a watch is to be silent about, however unusual it looks."""

from __future__ import annotations

from .problem import Problem
from .second_healthy_classes import CLASSES
from .second_healthy_started import STARTED
from .second_healthy_values import VALUES

SECOND: tuple[Problem, ...] = (*CLASSES, *VALUES, *STARTED)
