"""The claims that deeper networks have lower first-last information (C5), also at the same error (C5b)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from levinthal.lab.analysis import Effect, Reading, evidence, of_curve
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.analysis.curves import Curve, curves, first, last, steps_to
from levinthal.lab.analysis.effects import BySeed, slope
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.depth import DEEP, SHALLOW
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import (
    ERROR,
    HALFWAY_ERROR,
    PLAIN,
    information,
)
from levinthal.studies.skips_and_dynamics.first_last_information.claims.protocols import (
    Batches,
    both,
    depths,
    inside,
    named,
    where_read,
)
from levinthal.studies.skips_and_dynamics.first_last_information.design import RATE
from levinthal.vocabulary import Basis, Claim

NARROW = 3
"""The fewest layers with a narrow one between the first and the last."""


def loss_per_doubling(batches: Batches, of: Reading) -> Parts:
    """C5, C5b: information lost when the depth of the MLP is twice as large."""
    return inside(depths(batches), {"": partial(least_loss, of=of)})


RANGES = {
    "all depths": (NARROW, math.inf),
    f"the depths up to {DEEP} layers": (NARROW, DEEP),
    f"the depths from {SHALLOW} layers on": (SHALLOW, math.inf),
    f"the depths from {DEEP} layers on": (DEEP, math.inf),
}
"""Depths over which a loss is read: information that rises up to 10 layers is not lost with depth."""


def least_loss(rows: Rows, of: Reading) -> Effect:
    """The loss over the range of depths, of four, in which the seeds lose least on their mean.

    They are all depths with a narrow layer, up to 10, from 5 and from 10 layers on. The range is one for all
    seeds. The smallest loss of each seed's own would be lower the more seeds differ; a range that the other
    seeds choose would lift all numbers together where ranges tie. A seed without a number at one depth has
    none; without a network of fewer than 10 layers and two of 10 or more, no seed has.
    """
    found = _of_each_depth(rows, of)
    known = {depth: effect.by_seed for depth, effect in found.items() if effect.by_seed}
    if sum(depth >= DEEP for depth in known) < 2 or min(known) >= DEEP:
        return Effect({})
    parts = {words: [at for at in known if low <= at <= high] for words, (low, high) in RANGES.items()}
    slopes = {words: slope({at: known[at] for at in part}) for words, part in parts.items() if len(part) > 1}
    seeds = slopes["all depths"]
    whole = [s for s in seeds if all(math.isfinite(one[s]) for one in known.values())]
    losses = {words: [-one[s] for s in whole] for words, one in slopes.items()}
    notes = dict.fromkeys(effect.note for effect in found.values() if effect.note)
    if not whole:
        return Effect(dict.fromkeys(seeds, math.nan), note=" ".join(notes))
    least = min(losses, key=lambda words: float(np.mean(losses[words])))
    chosen = dict(zip(whole, losses[least], strict=True))
    notes[f"The seeds lose least over {least}."] = None
    return Effect({s: chosen.get(s, math.nan) for s in seeds}, note=" ".join(notes))


def _of_each_depth(rows: Rows, of: Reading) -> dict[float, Effect]:
    """A number of the MLP at each depth with a narrow layer."""
    mlp = rows.where(architecture="mlp", depth=lambda depth: depth >= NARROW, **PLAIN).group_by("depth")
    return {float(depth): of(part) for (depth,), part in mlp.items()}


def at_one_end(number: Callable[[Curve], float], mode: str) -> Reading:
    """The first or the last value of a curve of information."""
    return of_curve(number, **information(mode))


def at_equal_error(mode: str) -> Reading:
    """Information when the error has come down to 20 %, interpolated in log(1 + step)."""

    def read(rows: Rows) -> Effect:
        errors, known = curves(rows, **ERROR), curves(rows, **information(mode))
        times = {s: steps_to(errors[s], HALFWAY_ERROR) for s in known if s in errors}
        never = sum(math.isinf(time) for time in times.values())
        why = f"D={rows.distinct('depth')[0]}: {never} of {len(times)} runs never reach 20 % error."
        return Effect({s: _interpolated(known[s], t) for s, t in times.items()}, note=why if never else "")

    return read


def _interpolated(curve: Curve, step: float) -> float:
    return float(np.interp(np.log1p(step), np.log1p(curve[0]), curve[1])) if math.isfinite(step) else math.nan


def seeds_of(effects: Iterable[BySeed]) -> list[int]:
    """The seeds that every effect has."""
    found = [set(one) for one in effects]
    return sorted(set.intersection(*found)) if found else []


def beside(batches: Batches, judged: Reading, **others: Reading) -> Callable[[Rows], Iterator[str]]:
    """A note: the protocol, the bits at each depth, and the same loss in other readings."""

    def note(rows: Rows) -> Iterator[str]:
        yield from where_read(depths(batches))(rows)
        found = _of_each_depth(depths(batches)(rows), judged)
        known = {depth: one.by_seed for depth, one in sorted(found.items()) if one.by_seed}
        whole = [s for s in seeds_of(known.values()) if all(math.isfinite(one[s]) for one in known.values())]
        if whole:
            each = ", ".join(
                f"{np.mean([one[s] for s in whole]):.2f} (D={depth:g})" for depth, one in known.items()
            )
            those = (
                "" if len(whole) == len(seeds_of(known.values())) else f", {len(whole)} seeds that have all"
            )
            yield f"Mean bits at each depth{those}: {each}."
        for words, of in others.items():
            bits = [*least_loss(depths(batches)(rows), of).by_seed.values()]
            if np.isfinite(bits).any():
                reading = words.replace("_", " ")
                yield (
                    f"The loss {reading}, over the range in which it is least: {np.nanmean(bits):.2f} bits."
                )

    return note


QUOTE_C5 = (
    "Our measures of mutual information also show that deeper networks reduce mutual information between the "
    "first and last layer"
)
SHUFFLED = "with the images of one side shuffled the estimate is 0 at every depth, whatever the layers do"


def depth_loses_information(batches: Batches) -> Claim:
    """C5."""
    sentence = "deeper networks have lower first-last information, after the updates run here."
    return Claim(
        **named(batches, "C5", sentence, "sec. 4, Fig. 4b"),
        effect="information lost when the MLP is twice as deep, at the end of training at the paper's "
        f"learning rate, {RATE:g}, with the statistics of the images read: the loss over that range (all "
        "depths, up to 10, from 5, from 10 layers on) in which the seeds lose least on their mean",
        unit="bits",
        smallest_effect=0.25,
        why_smallest="chosen by us before the first run: a quarter of a bit; the paper gives no number. "
        "Since the results were seen, the losses up to 10, from 5 and from 10 layers on count too, and 2 "
        "layers do not: a loss between two depths alone replicated. The range is one for all seeds: the "
        "smallest loss of each seed's own denied a true one, by the spread over seeds alone. Where 10 layers "
        "have no information left none can be lost, and a rise between some depths, as from 5 to 20 layers "
        "where 40 have less, is not seen: a note has the bits at each depth. Moving averages no longer "
        "count: unsettled, they lose information with depth by themselves. The score changes with the last "
        "layer's scale, too",
        basis=Basis.SEEN,
        quote=QUOTE_C5,
        control="",
        why_no_control=SHUFFLED,
        evidence=evidence(
            loss_per_doubling(batches, at_one_end(last, "batch")),
            notes=beside(
                batches,
                at_one_end(last, "batch"),
                before_training=at_one_end(first, "batch"),
                with_running_statistics=at_one_end(last, "running"),
            ),
        ),
    )


def depth_loses_it_at_one_error(batches: Batches) -> Claim:
    """C5b."""
    sentence = "deeper networks have lower first-last information, also when they have learnt as much."
    return Claim(
        **named(batches, "C5b", sentence, "") | {"source": "ours"},
        effect="information lost when the MLP is twice as deep, at the step where its test error "
        f"(recalibrated statistics) is 20 %, at the learning rate {RATE:g}, with the statistics of the "
        "images read for the information: the loss over that range (all depths, up to 10, from 5, from 10 "
        "layers on) in which the seeds lose least on their mean",
        unit="bits",
        smallest_effect=0.25,
        why_smallest="a quarter of a bit, as in C5; added after its results were seen on digits. A seed in "
        "which one depth never reaches 20 % has no number since then: deep networks were left out in "
        "silence. Moving averages no longer count: shallow networks are at 20 % before they settle. As in "
        "C5, a rise between some depths is not seen, where 10 layers have no information left none can be "
        "lost, and the score changes with the last layer's scale, too: at one error deeper networks have had "
        "more updates",
        basis=Basis.SEEN,
        control="",
        why_no_control=SHUFFLED,
        evidence=evidence(
            loss_per_doubling(batches, at_equal_error("batch")),
            notes=beside(batches, at_equal_error("batch"), with_running_statistics=at_equal_error("running")),
        ),
    )


CLAIMS = (*both(depth_loses_information), *both(depth_loses_it_at_one_error))
