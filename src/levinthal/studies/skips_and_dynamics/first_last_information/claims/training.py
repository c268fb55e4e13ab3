"""The claims on the course of training and on layers (C9, C11b, C12, C12b)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
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
    return early(curve) - late(curve)


def signal(batches: Batches, labels: str, number: Callable[[Curve], float]) -> Parts:
    """C9: a number of the curve of the gradient's signal-to-noise ratio."""
    where = {"architecture": "mlp", **PLAIN, "labels": labels, "name": "gradient_snr", "layer": "all"}
    return inside(main(batches), {"": of_curve(number, **where)})


def early(curve: Curve) -> float:
    """The median of the first third."""
    return float(np.median(curve[1][: _third(curve)]))


def late(curve: Curve) -> float:
    """The median of the last third."""
    return float(np.median(curve[1][-_third(curve) :]))


def _third(curve: Curve) -> int:
    return max(len(curve[1]) // 3, 1)


def sizes_of_signal(batches: Batches) -> Callable[[Rows], Iterator[str]]:
    """A note: the protocol, and the ratio early and late, with true and with shuffled labels."""

    def note(rows: Rows) -> Iterator[str]:
        yield from where_read(main(batches))(rows)
        for labels in ("true", "shuffled"):
            sides = [_mean(signal(batches, labels, number), rows) for number in (early, late)]
            if None not in sides:
                yield f"Ratio with {labels} labels: {sides[0]:.2f} early, {sides[1]:.2f} late."
        yield "Above 1 the gradient of a batch drifts, below 1 it diffuses."

    return note


def _mean(parts: Parts, rows: Rows) -> float | None:
    held = parts(rows) if callable(parts) else parts
    found = list(held[""](rows).by_seed.values())
    return float(np.mean(found)) if found else None


def without_path(batches: Batches) -> Parts:
    """C11b: error of a trained shortcut network without its direct path, less that without its deep path."""
    where: dict[str, Any] = {"name": "ablated_error", "rate": RATE, "architecture": "shortcut"}
    shallow, deep = (of_curve(last, without=cut, **where) for cut in ("shallow", "deep"))
    return inside(main(batches), {"": compare(shallow, deep)})


def similarity(labels: str, step: int | str) -> Reading:
    """The mean similarity of neighbouring layers of the MLP, at a step."""
    where: dict[str, Any] = {"architecture": "mlp", **PLAIN, "labels": labels}
    return value("neighbour_cka", step=step, reduce=mean_by_seed, **where)


def gain_of_neighbours(batches: Batches, labels: str) -> Parts:
    """C12: the share of what neighbouring layers of the MLP lack in similarity that training adds."""
    ends = similarity(labels, "last"), similarity(labels, 0)
    return inside(main(batches), {"": compare(*ends, share_gained)})


def how_similar(batches: Batches) -> Callable[[Rows], Iterator[str]]:
    """A note: the protocol, and the similarity itself, before and after training."""

    def note(rows: Rows) -> Iterator[str]:
        yield from where_read(main(batches))(rows)
        reads = similarity("true", 0), similarity("true", "last"), similarity("shuffled", "last")
        found = [list(read(main(batches)(rows)).by_seed.values()) for read in reads]
        if all(found):
            start, end, shuffled = (f"{np.mean(values):.2f}" for values in found)
            yield f"Similarity {start} before training, {end} after it, {shuffled} with shuffled labels."
            more = float(np.mean(found[1]) - np.mean(found[2]))
            yield f"True labels less shuffled ones, after training: {more:+.2f}."

    return note


def share_gained(end: float, start: float) -> float:
    """How much of the distance from a similarity to 1 is gone at the end; not a number at 1.

    >>> share_gained(0.75, 0.5), share_gained(0.5, 0.75)
    (0.5, -1.0)
    """
    return (end - start) / (1 - start) if start < 1 else math.nan


def of_layers(batches: Batches, name: str, reduce: Callable[[Rows], BySeed]) -> Parts:
    """C12b: a number of the MLP's layers, at the end."""
    read: Reading = value(name, reduce=reduce, architecture="mlp", **PLAIN)
    return inside(main(batches), {"": read})


def inner_layers(rows: Rows) -> dict[int, str]:
    """Number -> name of the layers that are equally wide: the first and the last are twice as wide."""
    layers = {layer_number(name): name for name in rows.distinct("layer")}
    return {at: layers[at] for at in sorted(layers) if 1 < at < max(layers)}


def trend_over_layers(rows: Rows) -> dict[int, float]:
    """Seed -> rank correlation of a number and its layer, among the inner layers."""
    inner = rows.where(layer=list(inner_layers(rows).values()))
    return {
        seed: rank_correlation(np.array([layer_number(name) for name in one.values("layer")]), one.values())
        for (seed,), one in inner.group_by("seed").items()
    }


def how_much(batches: Batches, name: str) -> Callable[[Rows], Iterator[str]]:
    """A note: the protocol, and the number itself in the first and the last inner layer."""

    def note(rows: Rows) -> Iterator[str]:
        yield from where_read(main(batches))(rows)
        probed = main(batches)(rows).where(architecture="mlp", name=name, **PLAIN)
        if len(probed):
            last_step = probed.where(step=probed.distinct("step")[-1])
            inner = inner_layers(last_step)
            ends = [f"{last_step.where(layer=inner[at]).values().mean():.3f} in layer {at}" for at in inner]
            yield f"Accuracy, which a rank correlation leaves out: {ends[0]}, {ends[-1]}."

    return note


def signal_falls(batches: Batches) -> Claim:
    """C9."""
    return Claim(
        **named(
            batches,
            "C9",
            "the gradient's signal-to-noise ratio falls during training: two phases need that, and it does "
            "not show them.",
            "sec. 3, after Shwartz-Ziv & Tishby 2017",
        ),
        effect="the gradient's signal-to-noise ratio in the first third of the snapshots less the last third",
        unit="",
        smallest_effect=None,
        quote="two phases in the training process: i) a drift phase where the error decreases fast (while "
        "the successive layers are highly correlated) and ii) a diffusion phase where the error decreases "
        "slowly (if at all) and the representation becomes more efficient.",
        control="",
        why_no_control="with shuffled labels the ratio starts near 0 and cannot fall. It is reported "
        "alone, because the gradient's mean vanishes at any minimum: a fall can hardly fail to come",
        evidence=evidence(signal(batches, "true", early_less_late), notes=sizes_of_signal(batches)),
    )


def direct_path(batches: Batches) -> Claim:
    """C11b."""
    return Claim(
        **named(
            batches,
            "C11b",
            "the shortcut's direct path carries more of the accuracy than the deep one.",
            "",
        )
        | {"source": "ours"},
        effect="test error with the direct path replaced by its mean, less that with the deep path replaced",
        unit="",
        smallest_effect=None,
        control="",
        evidence=evidence(without_path(batches)),
    )


def neighbours_alike(batches: Batches) -> Claim:
    """C12."""
    return Claim(
        **named(
            batches,
            "C12",
            "training makes successive layers more similar, with true labels more than with shuffled ones, "
            "after the updates run here.",
            "",
        )
        | {"source": "ours"},
        effect="share of what neighbours lack in similarity (1 - CKA, mean over the MLP's layers) that "
        "training adds",
        unit="",
        smallest_effect=0.5,
        why_smallest="chosen by us after results were seen: half of it; the paper gives no number. Untrained "
        "layers have 0.86 already (digits): a similarity of 0.5 at the end said nothing of training, and a "
        "gain of 0.1 is impossible above 0.9. That layers should be highly correlated, as the paper says, "
        "is another sentence: a note has the similarity itself",
        basis=Basis.SEEN,
        control="the same, trained on shuffled labels",
        evidence=evidence(
            gain_of_neighbours(batches, "true"),
            control=gain_of_neighbours(batches, "shuffled"),
            notes=how_similar(batches),
        ),
    )


def later_layers_tell_more(batches: Batches) -> Claim:
    """C12b."""
    probe = "linear_probe_accuracy"
    return Claim(
        **named(
            batches,
            "C12b",
            "after training, the later an inner layer, the better a probe reads the class, on the whole.",
            "sec. 1 and 3 (the paper speaks of simple and complex features; a probe is what is measured)",
        ),
        effect="rank correlation of layer and linear-probe accuracy at the end, among the inner layers",
        unit="",
        smallest_effect=None,
        quote="deep nets work exactly because they learn features of the data gradually, i.e., in succession "
        "starting from simple to more complicated ones.",
        control="",
        why_no_control="a probe does not tell simple features from complex ones. A correlation of 1 may be "
        "one test image per layer, and all seeds share the images; before training it is about -1, whatever "
        "comes. The first and the last layer are left out: they are twice as wide. Reported, not judged",
        evidence=evidence(of_layers(batches, probe, trend_over_layers), notes=how_much(batches, probe)),
    )


MAKERS = (signal_falls, direct_path, neighbours_alike, later_layers_tell_more)
CLAIMS = tuple(claim for make in MAKERS for claim in both(make))
