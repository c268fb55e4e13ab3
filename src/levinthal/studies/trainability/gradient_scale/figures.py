"""The figures: GSC against depth, batch norm's rate against the batch, and NLC against test error."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from levinthal.lab.analysis import RANGE, Along, By, caption, lines
from levinthal.lab.judging.trends import grouped_spearman
from levinthal.lab.storage.rows import Rows
from levinthal.probes.depth_scale import batchnorm_rate
from levinthal.studies.trainability.gradient_scale.claims.errors import Trained, trained
from levinthal.studies.trainability.gradient_scale.design import (
    BATCH,
    DRAWS,
    LAWS,
    NORMS,
    PRODUCTS,
    WIDTH,
    design,
)
from levinthal.vocabulary import Axis, Figure, Panel, Series

NO_SKIPS = (
    *("ReLU", "tanh", "SELU"),
    *("layer norm, ReLU", "layer norm, tanh", "batch norm, ReLU", "batch norm, tanh"),
)
LOOKS = {"ReLU": "mlp", "tanh": "shortcut"}  # seven lines in one figure, and six colours for unknown names
WITH_SKIPS = (
    "batch norm, ReLU",
    "residual layer norm, ReLU",
    "residual batch norm, ReLU",
    "residual batch norm, tanh",
    "orthogonal batch norm, ReLU",
    "orthogonal batch norm, tanh",
)


def figures(rows: Rows) -> Iterator[Figure]:
    """The four figures, as far as there are rows."""
    scales = rows.where(arm="scale", name="gradient_scale")
    deepest = scales.where(depth=max(scales.distinct("depth"))) if len(scales) else scales
    for id_, names in (("scales", NO_SKIPS), ("skips", WITH_SKIPS)):
        if len(scales) and len(held := deepest.where(network=names)):
            yield _scales(id_, held)
    rates = rows.where(arm="batch", name="rate", network=tuple(LAWS))
    if len(rates):
        yield _rates(rates)
    if nets := trained(rows):
        yield _errors(nets)


def _scales(id_: str, rows: Rows) -> Figure:
    (depth,) = rows.distinct("depth")
    axis = Axis("weight layers between the output and there")
    between = Along("layer", axis, lambda layer: float(depth - int(layer)))
    traces = lines(rows, between, By("network", groups=LOOKS), spread=RANGE)
    setting = f"initial weights, width {WIDTH}, {depth} weight layers, {BATCH} Gaussian inputs"
    words = caption(rows, RANGE, setting, f"{PRODUCTS} products")
    panel = Panel(axis, Axis("GSC of the output", log=True), traces)
    return Figure(id_, _whole_depth(rows, depth), words, (panel,))


def _whole_depth(rows: Rows, depth: int) -> str:
    """The GSC over the whole depth of each kind of network."""
    groups = rows.where(layer="0").group_by("network").items()
    whole = {str(name): float(np.median(found.values())) for (name,), found in groups}
    kinds = {
        "with skips": [v for name, v in whole.items() if name.startswith("residual")],
        "with orthogonal weights": [v for name, v in whole.items() if name.startswith("orthogonal")],
        "with batch norm": [v for name, v in whole.items() if name.startswith("batch")],
        "without": [v for name, v in whole.items() if name[:5] not in ("resid", "ortho", "batch")],
    }
    ranges = [f"{_range(values)} {kind}" for kind, values in kinds.items() if values]
    return f"GSC over {depth} layers is {', '.join(ranges)}"


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
    series, worst = list[Series](), 0.0
    for network, (law, _) in LAWS.items():
        groups = rows.where(network=network).group_by("batch").items()
        found = {int(batch): 2 ** part.values() for (batch,), part in groups}
        if found:
            points, theory, error = _beside_law(network, law, found)
            series, worst = [*series, points, theory], max(worst, error)
    networks = f"mean and range over {len(rows.distinct('seed'))} seeds of {DRAWS} networks each"
    words = f"{networks.capitalize()}; width {WIDTH}; dotted: infinite width."
    title = f"Batch norm's rate depends on the batch, within {worst:.0%} of theory"
    y = Axis("factor of the squared gradient a layer")
    return Figure("rates", title, words, (Panel(Axis("batch size", log=True), y, tuple(series)),))


def _beside_law(network: str, law: str, found: Mapping[int, np.ndarray]) -> tuple[Series, Series, float]:
    """Means and ranges of a network over the batch size, the law, and the largest relative error."""
    batches = sorted(found)
    means, low, high = (tuple(float(f(found[b])) for b in batches) for f in (np.mean, np.min, np.max))
    exact = [float(batchnorm_rate(law, b)) for b in batches]
    worst = max(abs(mean / rate - 1) for mean, rate in zip(means, exact, strict=True))
    at = np.geomspace(batches[0], max(batches[-1], batches[0] + 1), 60).round().astype(int).tolist()
    points = Series(network, tuple(batches), means, "point", network, low=low, high=high)
    curve = tuple(float(batchnorm_rate(law, b)) for b in at)
    return points, Series(f"theory: {network}", tuple(at), curve, "reference"), worst


def _errors(nets: Mapping[tuple[int, int], Trained]) -> Figure:
    finite = {key: net for key, net in nets.items() if math.isfinite(net.nlc)}
    series = list[Series]()
    for norm, name in NORMS.items():
        here = [net for key, net in finite.items() if design(*key, 2).norm == norm]
        x, y = tuple(net.nlc for net in here), tuple(net.error for net in here)
        series.append(Series(name, x, y, "point", name))
    pairs = [net.nlc for net in finite.values()], [net.error for net in finite.values()]
    rho = grouped_spearman(*pairs, ["all"] * len(finite)).pooled
    words = (
        f"{len(finite)} networks, each at the learning rate that validation chose; NLC at initial weights."
    )
    panel = Panel(Axis("NLC before training", log=True), Axis("test error", log=True), tuple(series))
    title = f"NLC before training and test error: rank correlation {rho:.2f}"
    return Figure("errors", title, words, (panel,))
