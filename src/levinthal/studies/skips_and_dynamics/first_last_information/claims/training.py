"""The claims on the course of training and on layers (C9, C11b, C12, C12b)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from levinthal.lab.analysis import Reading, compare, evidence, mean_by_seed, of_curve, value
from levinthal.lab.analysis.bands import layer_number
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.analysis.curves import Curve, last
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.judging.trends import rank_correlation
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import PLAIN
from levinthal.studies.skips_and_dynamics.first_last_information.claims.protocols import (
    Batches,
    both,
    inside,
    main,
    named,
    where_read,
)
from levinthal.studies.skips_and_dynamics.first_last_information.design import RATE
from levinthal.vocabulary import Basis, Claim


def early_less_late(curve: Curve) -> float:
    """The median of the first third less the median of the last third."""
    third = max(len(curve[1]) // 3, 1)
    return float(np.median(curve[1][:third]) - np.median(curve[1][-third:]))


def fall_of_signal(batches: Batches, labels: str) -> Parts:
    """C9: the gradient's signal-to-noise ratio, early less late in training."""
    where = {"architecture": "mlp", **PLAIN, "labels": labels, "name": "gradient_snr", "layer": "all"}
    return inside(main(batches), {"": of_curve(early_less_late, **where)})


def without_path(batches: Batches) -> Parts:
    """C11b: error of a trained shortcut network without its direct path, less that without its deep path."""
    where: dict[str, Any] = {"name": "ablated_error", "rate": RATE, "architecture": "shortcut"}
    shallow, deep = (of_curve(last, without=cut, **where) for cut in ("shallow", "deep"))
    return inside(main(batches), {"": compare(shallow, deep)})


def gain_of_neighbours(batches: Batches, labels: str) -> Parts:
    """C12: similarity of neighbouring layers of the MLP, at the end less before training."""
    where: dict[str, Any] = {"architecture": "mlp", **PLAIN, "labels": labels}
    end, start = (value("neighbour_cka", step=step, reduce=mean_by_seed, **where) for step in ("last", 0))
    return inside(main(batches), {"": compare(end, start)})


def of_layers(batches: Batches, name: str, step: int | str, reduce: Callable[[Rows], BySeed]) -> Parts:
    """C12b: a number of the MLP's layers, at a step."""
    read: Reading = value(name, step=step, reduce=reduce, architecture="mlp", **PLAIN)
    return inside(main(batches), {"": read})


def trend_over_layers(rows: Rows) -> dict[int, float]:
    """Seed -> rank correlation of a number and its layer."""
    return {
        seed: rank_correlation(np.array([layer_number(name) for name in one.values("layer")]), one.values())
        for (seed,), one in rows.group_by("seed").items()
    }


def signal_falls(batches: Batches) -> Claim:
    """C9."""
    return Claim(
        **named(
            batches,
            "C9",
            "the gradient's signal-to-noise ratio falls during training (a fall, not yet two phases).",
            "sec. 3, after Shwartz-Ziv & Tishby 2017",
        ),
        effect="the gradient's signal-to-noise ratio in the first third of the snapshots less the last third",
        unit="",
        smallest_effect=0.05,
        why_smallest="chosen by us: half of a ratio of .1; before, it was a log2 ratio of 1 with a floor",
        basis=Basis.SEEN,
        quote="two phases in the training process: i) a drift phase where the error decreases fast (while "
        "the successive layers are highly correlated) and ii) a diffusion phase where the error decreases "
        "slowly (if at all) and the representation becomes more efficient.",
        control="shuffled labels",
        evidence=evidence(
            fall_of_signal(batches, "true"),
            control=fall_of_signal(batches, "shuffled"),
            notes=where_read(main(batches)),
        ),
    )


def direct_path(batches: Batches) -> Claim:
    """C11b."""
    return Claim(
        **named(
            batches,
            "C11b",
            "the shortcut's direct path carries more of the accuracy than the deep one.",
            "sec. 4",
        ),
        effect="test error with the direct path replaced by its mean, less that with the deep path replaced",
        unit="",
        smallest_effect=None,
        quote="high mutual information between the first and last layer enables effective training of deep "
        "nets",
        control="",
        evidence=evidence(without_path(batches)),
    )


QUOTE_C12 = (
    "The realization of the need for gradual learning of features suggests, in mathematical terms, that the "
    "successive layers of the deep net should be highly correlated"
)


def neighbours_alike(batches: Batches) -> Claim:
    """C12."""
    return Claim(
        **named(batches, "C12", "training makes successive layers more similar.", "sec. 1"),
        effect="gain in similarity of neighbours by training (CKA, mean over the MLP's layers)",
        unit="",
        smallest_effect=0.1,
        why_smallest="chosen by us after results were seen: the paper gives no number. Untrained layers have "
        "0.86 already (digits), so a similarity of 0.5 at the end said nothing of training",
        basis=Basis.SEEN,
        quote=QUOTE_C12,
        control="the same, trained on shuffled labels",
        evidence=evidence(
            gain_of_neighbours(batches, "true"),
            control=gain_of_neighbours(batches, "shuffled"),
            notes=where_read(main(batches)),
        ),
    )


def later_layers_tell_more(batches: Batches) -> Claim:
    """C12b."""
    probe = "linear_probe_accuracy"
    return Claim(
        **named(
            batches,
            "C12b",
            "after training, a linear probe reads the class better from each later layer.",
            "sec. 1 and 3 (the paper speaks of simple and complex features; a probe is what is measured)",
        ),
        effect="rank correlation of layer and linear-probe accuracy, at the end",
        unit="",
        smallest_effect=0.5,
        why_smallest="chosen by us before the first run: a large correlation by Cohen's convention",
        quote="deep nets work exactly because they learn features of the data gradually, i.e., in succession "
        "starting from simple to more complicated ones.",
        control="the same layers before training",
        evidence=evidence(
            of_layers(batches, probe, "last", trend_over_layers),
            control=of_layers(batches, probe, 0, trend_over_layers),
            notes=where_read(main(batches)),
        ),
    )


MAKERS = (signal_falls, direct_path, neighbours_alike, later_layers_tell_more)
CLAIMS = tuple(claim for make in MAKERS for claim in both(make))
