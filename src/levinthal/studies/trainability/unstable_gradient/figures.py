"""The figures: the speeds before and during training, their ratio, and accuracy over depth and rates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from levinthal.lab.analysis import (
    CENTRAL,
    LEARNING_RATES,
    QUARTILES,
    RANGE,
    Along,
    By,
    Reading,
    band,
    beside,
    caption,
    drawn,
    facets,
    lines,
)
from levinthal.lab.analysis.bands import Points
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.unstable_gradient.claims.accuracies import accuracy
from levinthal.studies.trainability.unstable_gradient.claims.published import Beside, initial_norms, ratios
from levinthal.studies.trainability.unstable_gradient.claims.speeds import LAST, last_over_first
from levinthal.studies.trainability.unstable_gradient.design import (
    ACCURACIES,
    EPOCHS,
    NAMES,
    NORMS,
    RATE,
    RATIOS,
    WIDTH,
)
from levinthal.vocabulary import Axis, Figure, Panel, Series

WORDS = {1: "one", 2: "two", 3: "three", 4: "four"}
GROUPS = {"book": "book", "unit": "unit", "orthogonal": "control"}
SPEED = Axis("‖dC/db‖", log=True)
EPOCH = Along("step", Axis("epoch + 1", log=True), lambda step: step + 1.0)
LAYER = Along("layer", Axis("hidden layer"), str)
DEPTH = Along("hidden", Axis("hidden layers"), lambda hidden: WORDS[hidden])
ERROR = Axis("test error", "%", log=True)
RATIO = Axis("‖dC/db‖, last over first layer", log=True)
INITS = By("start", NAMES, groups=GROUPS)
LAYER_LINES = By("layer", "layer {}".format, scale=lambda layer: (int(layer) - 1) / 3)


def figures(rows: Rows) -> Iterator[Figure]:
    """Every figure for which there are rows."""
    speeds, shares = rows.where(name="bias_gradient"), rows.where(name="accuracy")
    if len(speeds):
        trained = speeds.where(epochs=LAST)
        yield from drawn((_initial(speeds), _over_epochs(trained), _depths(trained), _ratios(trained)))
        yield from drawn((_published(rows),))
    if len(shares):
        yield _accuracies(shares)


def _of_the_book(rows: Rows) -> bool:
    """Whether the rows are of the book's data, so that its numbers may stand beside them."""
    return rows.distinct("pixels") == [784]


def _initial(rows: Rows) -> Figure:
    """||dC/db|| against the layer, before training."""
    found = rows.where(epochs=0, labels="true", hidden=tuple(NORMS))
    depths = By("hidden", "{} hidden layers".format)
    panels = facets(found, LAYER, SPEED, INITS, depths, spread=CENTRAL)
    if _of_the_book(rows):
        draws = {
            len(n): Series("the book's draw", tuple(map(str, range(1, len(n) + 1))), n, "reference")
            for n in NORMS.values()
        }
        panels = tuple(beside(panel, draws[len(panel.series[0].x)]) for panel in panels)
    times = _median(last_over_first("book", 4), rows)
    seen = (
        f"the first of four layers has {times:.0f} times less gradient than the last" if times else "no runs"
    )
    words = caption(rows.where(epochs=0), CENTRAL, "1,000 images").replace("seeds", "draws")
    return Figure("start", f"Before training, {seen}", words, panels)


def _median(reading: Reading, rows: Rows) -> float:
    """The median over seeds of 10 to the power of a log10 ratio; 0 without runs."""
    found = list(reading(rows).by_seed.values())
    return float(10 ** np.median(found)) if found else 0.0


def _over_epochs(rows: Rows) -> Figure:
    """||dC/db|| of each of four layers, over training, for each initialisation."""
    four = rows.where(hidden=4, labels="true")
    panels = facets(four, EPOCH, SPEED, LAYER_LINES, By("start", NAMES))
    before, after = (_median(last_over_first("book", 4, LAST, step), rows) for step in (0, LAST))
    title = f"The gap between last and first layer is {before:.0f}-fold at first, {after:.0f}-fold at the end"
    setting = "full batch of 1,000, learning rate 0.1"
    return Figure("speeds", title, caption(four, QUARTILES, "four hidden layers", setting), panels)


def _depths(rows: Rows) -> Figure:
    """||dC/db|| of every layer over training, with the book's initialisation, at every depth."""
    book = rows.where(start="book", labels="true")
    names = {n: f"{n} hidden layer{'s' * (n > 1)}" for n in WORDS}
    panels = facets(book, EPOCH, SPEED, LAYER_LINES, By("hidden", names))
    lasting = {
        n: min(_median(last_over_first("book", n, LAST, epoch), rows) for epoch in EPOCHS)
        for n in book.distinct("hidden")
        if n > 1
    }
    least = ", ".join(f"{times:.2g} with {WORDS[n]}" for n, times in lasting.items())
    title = f"At no epoch does the median of last over first layer fall below {least} hidden layers"
    words = caption(book, QUARTILES, "the book's initialisation", "full batch of 1,000, learning rate 0.1")
    return Figure("depths", title, words, panels if 1 in book.distinct("hidden") else ())


def _ratio(rows: Rows) -> dict[int, float]:
    """Seed -> the last hidden layer's ||dC/db|| over the first's, at one epoch of one kind of network."""
    (hidden,), (step,) = rows.distinct("hidden"), rows.distinct("step")
    (start,), (labels,) = rows.distinct("start"), rows.distinct("labels")
    found = last_over_first(start, hidden, LAST, step, labels=labels)(rows)
    return dict(found.map(lambda log: 10**log).by_seed)


def _ratios(rows: Rows) -> Figure:
    """The last layer's speed over the first's: by depth, and by initialisation."""
    book = rows.where(start="book", labels="true", hidden=tuple(NORMS))
    depths = By("hidden", "{} hidden layers".format, scale=lambda hidden: (hidden - 2) / 2)
    by_depth = Panel(EPOCH.axis, RATIO, lines(book, EPOCH, depths, reduce=_ratio), NAMES["book"])
    if _of_the_book(rows):
        epochs = tuple(epoch + 1 for epoch in RATIOS)
        published = Series("the book, 4 hidden layers", epochs, tuple(RATIOS.values()), "reference")
        by_depth = beside(by_depth, published)
    arms = {(start, "true"): name for start, name in NAMES.items()}
    arms["book", "shuffled"] = "N(0, 1/n), labels shuffled"
    groups = {(start, "true"): group for start, group in GROUPS.items()} | {("book", "shuffled"): "shuffled"}
    four = rows.where(hidden=4)
    by_start = lines(four, EPOCH, By(("start", "labels"), arms, groups=groups), reduce=_ratio)
    ends = [_median(last_over_first(start, 4, LAST, LAST, labels=labels), rows) for start, labels in arms]
    title = (
        "Last over first layer after 499 epochs: {:.3g} with N(0, 1/n), {:.3g} with N(0, 1), {:.3g} in the "
        "control, {:.3g} with shuffled labels".format(*ends)
    )
    panels = (by_depth, Panel(EPOCH.axis, RATIO, by_start, "4 hidden layers"))
    return Figure("ratios", title, caption(four.where(start="book")), panels)


def _published(rows: Rows) -> Figure:
    """The range of our seeds, and the book's numbers in it or outside."""
    first, later = initial_norms(rows, "book"), ratios(rows, "book")
    norms = {name.removeprefix("layer "): list(ours.values()) for name, (_, ours) in first.items()}
    four = rows.where(name="bias_gradient", start="book", hidden=4, epochs=LAST, labels="true")
    times = {step + 1.0: list(_ratio(at).values()) for (step,), at in four.group_by("step").items()}
    initial = (_ours(norms, "point"), _book(tuple(norms), first.values()))
    over_time = (_ours(times, "median"), _book(tuple(epoch + 1 for epoch in later), later.values()))
    panels = (
        Panel(Axis("hidden layer, before training"), SPEED, initial),
        Panel(EPOCH.axis, RATIO, over_time, "4 hidden layers"),
    )
    every = [*first.values(), *later.values()]
    inside = sum(min(ours.values()) <= book <= max(ours.values()) for book, ours in every)
    title = f"The range of our seeds holds {inside} of the book's {len(every)} numbers"
    counts = " to ".join(map(str, sorted({len(ours) for _, ours in every})))
    words = f"Median and range of {counts} seeds; the book shows one draw."
    return Figure("published", title, words, panels if first and later else ())


def _ours(points: Points, role: str) -> Series:
    return band("our seeds", points, RANGE, group="our seeds", role=role)


def _book(x: tuple[float, ...] | tuple[str, ...], beside: Iterable[Beside]) -> Series:
    return Series("the book", x, tuple(number for number, _ in beside), "point", group="Nielsen")


def _accuracies(rows: Rows) -> Figure:
    """Test error against the number of hidden layers, and over the whole learning-rate grid."""
    panels = []
    for words, rate in (
        (f"at the book's learning rate, {RATE:g}", RATE),
        ("each at its best learning rate", None),
    ):
        panel = Panel(DEPTH.axis, ERROR, _over_depth(rows, rate), words)
        if _of_the_book(rows) and rate is not None:
            book = tuple(round(100 - right, 2) for right in ACCURACIES.values())
            panel = beside(panel, Series("the book, 50,000 images", tuple(WORDS.values()), book, "reference"))
        panels.append(panel)
    usual = rows.where(width=WIDTH)
    depths = By("hidden", "{} hidden".format, scale=lambda hidden: (hidden - 1) / 3)
    inits = By("start", {start: NAMES[start] for start in ("book", "orthogonal")})
    panels += facets(usual, LEARNING_RATES, ERROR, depths, inits, spread=RANGE, reduce=_errors)
    setting = caption(rows, RANGE, "batches of 10", images="images", epochs="epochs")
    return Figure("accuracy", f"Test error of 1 to 4 hidden layers: {_listed(rows)}", setting, tuple(panels))


def _errors(rows: Rows) -> dict[int, float]:
    """Seed -> test error in per cent, after the last epoch."""
    last = rows.where(step=max(rows.distinct("step")))
    return {seed: 100 * (1 - share) for seed, share in last.by_seed().items()}


def _over_depth(rows: Rows, rate: float | None) -> tuple[Series, ...]:
    """The test error of each initialisation against depth, at a learning rate or at the best of each."""

    def errors(part: Rows) -> dict[int, float]:
        (start,), (hidden,) = part.distinct("start"), part.distinct("hidden")
        return dict(accuracy(start, hidden, rate)(part).map(lambda share: 100 * (1 - share)).by_seed)

    return lines(rows, DEPTH, INITS, spread=RANGE, reduce=errors)


def _listed(rows: Rows) -> str:
    """The median errors of the book's networks, at its learning rate and at the best."""
    book, found = rows.where(start="book"), []
    for words, rate in (("at the book's learning rate", RATE), ("at the best", None)):
        medians = {
            x: f"{y:.1f}" for line in _over_depth(book, rate) for x, y in zip(line.x, line.y, strict=True)
        }
        found.append(f"{_medians(medians)} {words}")
    return "; ".join(found)


def _medians(medians: Mapping[float | str, str]) -> str:
    """The medians; which depths they are of unless of all, and in words that there are none."""
    if not medians:
        return "none is finished"
    alone = f" ({', '.join(map(str, medians))} alone)" if len(medians) < len(WORDS) else ""
    return f"{', '.join(medians.values())} %{alone}"
