"""Sources that several kinds of finding share."""

from __future__ import annotations

AUTOTRAINER = "Zhang et al., AutoTrainer (ICSE 2021), for the kind of threshold"
GLOROT = "Glorot & Bengio (AISTATS 2010)"
EXACT = "exact: read directly"
