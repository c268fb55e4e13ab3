"""From rows to effects and figures: what the claims and figures of a study are written with."""

from __future__ import annotations

from levinthal.lab.analysis.bands import (
    CENTRAL,
    LAYERS,
    LEARNING_RATES,
    MEAN,
    MEDIAN,
    QUARTILES,
    RANGE,
    STEPS,
    Along,
    Spread,
    band,
    line,
)
from levinthal.lab.analysis.comparisons import difference, log2_ratio, log10_ratio
from levinthal.lab.analysis.contrasts import Expression, compare, evidence, mapped
from levinthal.lab.analysis.descriptions import Description, Reading, describe, described
from levinthal.lab.analysis.effects import Effect
from levinthal.lab.analysis.facets import By, at_best, beside, caption, drawn, facets, lines, percent
from levinthal.lab.analysis.parts import each
from levinthal.lab.analysis.readings import at_best_rate, best_at_end, mean_by_seed, of_curve, value
from levinthal.lab.analysis.settings import mean_over, slope_over

__all__ = [
    "CENTRAL",
    "LAYERS",
    "LEARNING_RATES",
    "MEAN",
    "MEDIAN",
    "QUARTILES",
    "RANGE",
    "STEPS",
    "Along",
    "By",
    "Description",
    "Effect",
    "Expression",
    "Reading",
    "Spread",
    "at_best",
    "at_best_rate",
    "band",
    "beside",
    "best_at_end",
    "caption",
    "compare",
    "describe",
    "described",
    "difference",
    "drawn",
    "each",
    "evidence",
    "facets",
    "line",
    "lines",
    "log2_ratio",
    "log10_ratio",
    "mapped",
    "mean_by_seed",
    "mean_over",
    "of_curve",
    "percent",
    "slope_over",
    "value",
]
