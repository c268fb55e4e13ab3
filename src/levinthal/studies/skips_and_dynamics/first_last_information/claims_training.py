"""The claims about phases of training, causes of speed and layers (C9, C11, C12)."""

from __future__ import annotations

import numpy as np

from levinthal.lab.analysis.curves import Curve, curves, last
from levinthal.lab.analysis.effects import BySeed, average, present
from levinthal.lab.judging.trends import rank_correlation
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.keys import (
    PLAIN,
    information,
    null,
    protocol_words,
    start_against_speed,
)
from levinthal.studies.skips_and_dynamics.first_last_information.plan import RATE
from levinthal.vocabulary import Claim, Evidence

RESOLVED = 0.02
"""Signal-to-noise that 16 batches tell from none: half a jackknife interval where there is no signal."""


def drift_then_diffusion(rows: Rows) -> Evidence:
    """C9: doublings by which the gradient's signal-to-noise falls over training; control: shuffled labels."""
    effects: dict[str, BySeed] = {}
    control: dict[str, BySeed] = {}
    found = rows.where(
        name="gradient_snr", layer="all", architecture="mlp", rate=RATE, init="glorot_normal", slope=1.0
    )
    for (batch, labels), group in found.group_by("batch", "labels").items():
        falls = average(
            {seed: _early_over_late(curve) for seed, curve in curves(one).items()}
            for one in group.group_by("samples", "width", "depth").values()
        )
        side = effects if labels == "true" else control
        side[protocol_words(batch)] = falls
    return Evidence(present(effects), present(control))


def _early_over_late(curve: Curve) -> float:
    """log2 of the median of the first third over the median of the last third, above what is resolved."""
    values = np.maximum(curve[1], RESOLVED)
    third = max(len(values) // 3, 1)
    return float(np.log2(np.median(values[:third]) / np.median(values[-third:])))


def information_causes_speed(rows: Rows) -> Evidence:
    """C11: over plain networks with different starts, rank correlation of starting information and speed."""
    effects: dict[str, BySeed] = {}
    control: dict[str, BySeed] = {}
    mlp = rows.where(architecture="mlp", rate=RATE, labels="true")
    for (batch, samples, width, depth), group in mlp.group_by("batch", "samples", "width", "depth").items():
        starts = group.group_by("init", "slope").values()
        if len(starts) < 4:
            continue
        part = f"{protocol_words(batch, samples)}, W={width}, D={depth}"
        effects[part] = start_against_speed(starts, information("batch"))
        control[part] = start_against_speed(starts, null("batch"))
    return Evidence(present(effects), present(control))


def paths(rows: Rows) -> Evidence:
    """C11b: test error of a trained shortcut network with one path replaced by its mean; no verdict."""
    found = rows.where(name="ablated_error", rate=RATE)
    return Evidence({f"{cut} path cut": _ends(group) for (cut,), group in found.group_by("without").items()})


def _ends(rows: Rows) -> dict[int, float]:
    groups = rows.group_by("batch", "samples", "architecture", "width", "depth").values()
    return average({s: last(c) for s, c in curves(one).items()} for one in groups)


def layers_learn_gradually(rows: Rows) -> Evidence:
    """C12: at the end neighbouring layers are alike, and later ones tell more; control: before training."""
    effects: dict[str, BySeed] = {}
    control: dict[str, BySeed] = {}
    plain = rows.where(architecture="mlp", **PLAIN)
    for (batch,), group in plain.group_by("batch").items():
        words = protocol_words(batch)
        for name, part, number in (
            ("neighbour_cka", f"likeness of neighbours, {words}", _mean_over_layers),
            ("linear_probe_accuracy", f"accuracy rises with the layer, {words}", _trend_over_layers),
        ):
            found = group.where(name=name)
            if len(found):
                effects[part] = number(found.where(step=max(found.values("step"))))
                control[part] = number(found.where(step=0))
    return Evidence(present(effects), present(control))


def _mean_over_layers(rows: Rows) -> dict[int, float]:
    return {seed: float(one.values().mean()) for (seed,), one in rows.group_by("seed").items()}


def _trend_over_layers(rows: Rows) -> dict[int, float]:
    return {
        seed: rank_correlation(np.array([layer_number(name) for name in one.values("layer")]), one.values())
        for (seed,), one in rows.group_by("seed").items()
    }


def layer_number(name: str) -> int:
    """The number in a layer's name.

    >>> layer_number("hidden12")
    12
    """
    return int("".join(c for c in name if c.isdigit()))


CLAIMS = (
    Claim(
        id="C9",
        says="Training has a drift phase, then a diffusion phase.",
        source="Hodas & Stinis 2018, sec. 3, after Shwartz-Ziv & Tishby 2017",
        effect="doublings by which the gradient's signal-to-noise ratio falls from early to late training",
        unit="doublings",
        smallest_effect=1.0,
        why_smallest="chosen by us: a fall to a half; the paper gives no number",
        control="shuffled labels, where nothing can be learnt",
        evidence=drift_then_diffusion,
    ),
    Claim(
        id="C11",
        says="High first-last information is what makes training fast.",
        source="Hodas & Stinis 2018, sec. 4, read causally",
        effect="rank correlation of starting information and speed over plain networks with unlike starts",
        unit="",
        smallest_effect=0.5,
        why_smallest="chosen by us: a large correlation by Cohen's convention; the paper gives no number",
        control="the information of shuffled pairs",
        evidence=information_causes_speed,
    ),
    Claim(
        id="C11b",
        says="The shortcut's direct path carries the information that matters.",
        source="Hodas & Stinis 2018, sec. 4, read causally",
        effect="test error when one path of the trained shortcut network is replaced by its mean",
        unit="",
        smallest_effect=None,
        control="",
        evidence=paths,
    ),
    Claim(
        id="C12",
        says="Layers learn gradually: neighbours are highly correlated, features go from simple to complex.",
        source="Hodas & Stinis 2018, sec. 1 and 3",
        effect="likeness of neighbouring layers (CKA); rank correlation of layer and linear-probe accuracy",
        unit="",
        smallest_effect=0.5,
        why_smallest="chosen by us: halfway between no similarity (0) and identity (1); the paper "
        "gives no number",
        control="the same layers before training",
        evidence=layers_learn_gradually,
    ),
)
