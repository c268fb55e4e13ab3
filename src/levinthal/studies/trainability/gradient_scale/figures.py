"""GSC against depth, batch norm's rate against the batch, and NLC against test error."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from levinthal.lab import Rows
from levinthal.lab.analysis.bands import band
from levinthal.lab.judging.trends import grouped_spearman
from levinthal.probes.depth_scale import batchnorm_rate
from levinthal.studies.trainability.gradient_scale.claims import LAWS, trained
from levinthal.studies.trainability.gradient_scale.measure import BATCH, DRAWS, PRODUCTS, WIDTH, design
from levinthal.vocabulary import Axis, Figure, Panel, Series

NO_SKIPS = (
    *("ReLU", "tanh", "SELU"),
    *("layer norm, ReLU", "layer norm, tanh", "batch norm, ReLU", "batch norm, tanh"),
)
LOOKS = {"ReLU": "mlp", "tanh": "shortcut"}  # seven lines in one figure, and six colours for unknown names
TAMED = (
    "batch norm, ReLU",
    "residual layer norm, ReLU",
    "residual batch norm, ReLU",
    "residual batch norm, tanh",
    "orthogonal batch norm, ReLU",
    "orthogonal batch norm, tanh",
)
NORMS = {"none": "no norm", "batch": "batch norm", "layer": "layer norm"}


def figures(rows: Rows) -> Iterator[Figure]:
    """The three figures, as far as there are rows."""
    scales = rows.where(arm="scale", name="gradient_scale")
    if len(scales):
        deepest = scales.where(depth=max(scales.distinct("depth")))
        for id_, names in (("scales", NO_SKIPS), ("skips", TAMED)):
            if len(held := deepest.where(network=names)):
                yield _scales(id_, held)
    rates = rows.where(arm="batch", name="rate", network=tuple(LAWS))
    if len(rates):
        yield _rates(rates)
    if nets := trained(rows):
        yield _errors(nets)


def _scales(id_: str, rows: Rows) -> Figure:
    (depth,) = rows.distinct("depth")
    traces = tuple(_trace(str(name), found, depth) for (name,), found in rows.group_by("network").items())
    x, y = Axis("weight layers between the output and there"), Axis("GSC of the output", log=True)
    caption = (
        f"Initial weights, width {WIDTH}, {depth} weight layers, {BATCH} Gaussian inputs; "
        f"{PRODUCTS} products; {len(rows.distinct('seed'))} seeds: median and range."
    )
    return Figure(id_, _said_of_scales(rows, depth), caption, (Panel(x, y, traces),))


def _trace(name: str, rows: Rows, depth: int) -> Series:
    between = {depth - int(layer): found.values() for (layer,), found in rows.group_by("layer").items()}
    points = {float(layers): between[layers].tolist() for layers in sorted(between)}
    return band(name, points, 0, 1, group=LOOKS.get(name, name))


def _said_of_scales(rows: Rows, depth: int) -> str:
    """The GSC over the whole depth of each kind of network."""
    whole = {
        str(name): float(np.median(found.values()))
        for (name,), found in rows.where(layer="0").group_by("network").items()
    }
    kinds = {
        "with skips": [v for name, v in whole.items() if name.startswith("residual")],
        "with orthogonal weights": [v for name, v in whole.items() if name.startswith("orthogonal")],
        "with batch norm": [v for name, v in whole.items() if name.startswith("batch")],
        "without": [v for name, v in whole.items() if name[:5] not in ("resid", "ortho", "batch")],
    }
    said = [f"{_range(values)} {kind}" for kind, values in kinds.items() if values]
    return f"GSC over {depth} layers is {', '.join(said)}"


def _range(values: list[float]) -> str:
    low, high = _plain(min(values)), _plain(max(values))
    return low if low == high else f"{low} to {high}"


def _plain(factor: float) -> str:
    """Two digits, written out.

    >>> _plain(98_765), _plain(1.26)
    ('99,000', '1.3')
    """
    return f"{float(f'{factor:.2g}'):,.0f}" if factor >= 10 else f"{factor:.1f}"


def _rates(rows: Rows) -> Figure:
    series = list[Series]()
    worst = 0.0
    for network, (law, _) in LAWS.items():
        found = {
            int(b): 2 ** part.values() for (b,), part in rows.where(network=network).group_by("batch").items()
        }
        batches = sorted(found)
        if not batches:
            continue
        means = [float(np.mean(found[b])) for b in batches]
        exact = [float(batchnorm_rate(law, b)) for b in batches]
        worst = max([worst, *(abs(m / e - 1) for m, e in zip(means, exact, strict=True))])
        low, high = ([float(f(found[b])) for b in batches] for f in (np.min, np.max))
        series.append(
            Series(network, tuple(batches), tuple(means), "point", network, low=tuple(low), high=tuple(high))
        )
        curve = np.geomspace(batches[0], max(batches[-1], batches[0] + 1), 60).round().astype(int)
        law_curve = tuple(float(batchnorm_rate(law, int(b))) for b in curve)
        series.append(Series(f"theory: {network}", tuple(curve.tolist()), law_curve, "reference"))
    seeds = len(rows.distinct("seed"))
    caption = (
        f"Mean and range over {seeds} seeds of {DRAWS} networks each, width {WIDTH}; dotted: infinite width."
    )
    title = f"Batch norm's rate depends on the batch, within {worst:.0%} of theory"
    panel = Panel(Axis("batch size", log=True), Axis("factor of the squared gradient a layer"), tuple(series))
    return Figure("rates", title, caption, (panel,))


def _errors(nets: dict[tuple[int, int], tuple[float, float, bool]]) -> Figure:
    series = list[Series]()
    for norm, name in NORMS.items():
        keys = [key for key in nets if design(*key, 2).norm == norm and math.isfinite(nets[key][0])]
        x, y = tuple(nets[key][0] for key in keys), tuple(nets[key][1] for key in keys)
        series.append(Series(name, x, y, "point", name))
    finite = [(nlc, error) for nlc, error, _ in nets.values() if math.isfinite(nlc)]
    nlcs, errors = zip(*finite, strict=True)
    rho = grouped_spearman(nlcs, errors, ["all"] * len(finite)).pooled
    seen = "More non-linear networks err more" if rho > 0.3 else "NLC says little of the error to come"
    caption = (
        f"{len(finite)} networks; each at the rate that validation chose. NLC is of the initial weights."
    )
    panel = Panel(Axis("NLC before training", log=True), Axis("test error", log=True), tuple(series))
    return Figure("errors", f"{seen}: rank correlation {rho:.2f}", caption, (panel,))
