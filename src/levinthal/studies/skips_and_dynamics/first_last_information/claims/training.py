"""The claims about phases of training, causes of speed and layers (C9, C11, C12)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from levinthal.lab.analysis import Reading, each, evidence, mean_by_seed, mean_over, of_curve, value
from levinthal.lab.analysis.bands import layer_number
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.analysis.curves import Curve, last
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.judging.trends import rank_correlation
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import (
    PLAIN,
    information,
    initial_and_speed,
    null,
    protocol,
)
from levinthal.studies.skips_and_dynamics.first_last_information.design import RATE
from levinthal.vocabulary import Claim

RESOLVED = 0.02
"""Signal-to-noise that 16 batches tell from none: half a jackknife interval where there is no signal."""


def early_over_late(curve: Curve) -> float:
    """log2 of the median of the first third over the median of the last third, above what is resolved."""
    values = np.maximum(curve[1], RESOLVED)
    third = max(len(values) // 3, 1)
    return float(np.log2(np.median(values[:third]) / np.median(values[-third:])))


def fall_of_signal(labels: str) -> Parts:
    """C9: log2 of the gradient's signal-to-noise ratio, early over late in training."""
    where = {"architecture": "mlp", **PLAIN, "labels": labels, "name": "gradient_snr", "layer": "all"}
    settings = ("samples", "width", "depth")
    return each(
        "batch",
        make=lambda batch: mean_over(*settings, of=of_curve(early_over_late), batch=batch, **where),
        label=protocol,
        **where,
    )


def initial_information(key: Mapping[str, Any]) -> Parts:
    """C11: over plain networks with different initialisations, initial information against speed."""
    correlation = initial_and_speed("init", "slope", key=key, fewest=4)
    where = {"architecture": "mlp", "rate": RATE, "labels": "true"}
    setting = ("batch", "samples", "width", "depth")

    def make(*levels: Any) -> Reading:
        return lambda rows: correlation(rows.where(**where, **dict(zip(setting, levels, strict=True))))

    def label(batch: str, samples: int, width: int, depth: int) -> str:
        return f"{protocol(batch, samples)}, W={width}, D={depth}"

    return each(*setting, make=make, label=label, **where)


def without_path() -> Parts:
    """C11b: test error of a trained shortcut network with one path replaced by its mean; no verdict."""
    where = {"name": "ablated_error", "rate": RATE}
    settings = ("batch", "samples", "architecture", "width", "depth")
    return each(
        "without",
        make=lambda cut: mean_over(*settings, of=of_curve(last), without=cut, **where),
        label="{} path cut".format,
        **where,
    )


def of_layers(step: int | str) -> Parts:
    """C12: similarity of neighbouring layers, and whether accuracy rises with the layer, at a step."""
    kinds: tuple[tuple[str, str, Callable[[Rows], BySeed]], ...] = (
        ("neighbour_cka", "similarity of neighbouring layers", mean_by_seed),
        ("linear_probe_accuracy", "accuracy rises with the layer", trend_over_layers),
    )
    return lambda rows: {
        f"{words}, {protocol(batch)}": value(
            name, step=step, reduce=reduce, batch=batch, architecture="mlp", **PLAIN
        )
        for batch in rows.where(architecture="mlp", **PLAIN).distinct("batch")
        for name, words, reduce in kinds
    }


def trend_over_layers(rows: Rows) -> dict[int, float]:
    """Seed -> rank correlation of a number and its layer."""
    return {
        seed: rank_correlation(np.array([layer_number(name) for name in one.values("layer")]), one.values())
        for (seed,), one in rows.group_by("seed").items()
    }


CLAIMS = (
    Claim(
        id="C9",
        says="Training has a drift phase, then a diffusion phase.",
        source="Hodas & Stinis 2018, sec. 3, after Shwartz-Ziv & Tishby 2017",
        effect="the gradient's signal-to-noise ratio, early over late in training",
        unit="log2 ratio",
        smallest_effect=1.0,
        why_smallest="chosen by us: a fall to a half; the paper gives no number",
        control="shuffled labels, where nothing can be learnt",
        evidence=evidence(fall_of_signal("true"), control=fall_of_signal("shuffled")),
    ),
    Claim(
        id="C11",
        says="High first-last information is what makes training fast.",
        source="Hodas & Stinis 2018, sec. 4, read causally",
        effect="rank correlation of initial information and speed, over initialisations of plain networks",
        unit="",
        smallest_effect=0.5,
        why_smallest="chosen by us: a large correlation by Cohen's convention; the paper gives no number",
        control="the information of shuffled pairs",
        evidence=evidence(
            initial_information(information("batch")), control=initial_information(null("batch"))
        ),
    ),
    Claim(
        id="C11b",
        says="The shortcut's direct path carries the information that matters.",
        source="Hodas & Stinis 2018, sec. 4, read causally",
        effect="test error when one path of the trained shortcut network is replaced by its mean",
        unit="",
        smallest_effect=None,
        control="",
        evidence=evidence(without_path()),
    ),
    Claim(
        id="C12",
        says="Layers learn gradually: neighbours are highly correlated, features go from simple to complex.",
        source="Hodas & Stinis 2018, sec. 1 and 3",
        effect="similarity of neighbouring layers (CKA); rank correlation of layer and linear-probe accuracy",
        unit="",
        smallest_effect=0.5,
        why_smallest="chosen by us: halfway between no similarity (0) and identity (1); the paper gives none",
        control="the same layers before training",
        evidence=evidence(of_layers("last"), control=of_layers(0)),
    ),
)
