"""The figures: the speeds before and during training, their ratio, and accuracy over depth and rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from levinthal.lab.analysis.bands import Points, band
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.unstable_gradient.accuracies import accuracy
from levinthal.studies.trainability.unstable_gradient.plan import ACCURACIES, EPOCHS, NORMS, RATE, RATIOS
from levinthal.studies.trainability.unstable_gradient.published import Beside, initial_norms
from levinthal.studies.trainability.unstable_gradient.published import ratios as published_ratios
from levinthal.studies.trainability.unstable_gradient.speeds import last_over_first, norms
from levinthal.vocabulary import Axis, Figure, Panel, Series

NAMES = {
    "book": "sigmoid, N(0, 1/n)",
    "unit": "sigmoid, N(0, 1)",
    "orthogonal": "tanh, orthogonal (control)",
}
WORDS = {1: "one", 2: "two", 3: "three", 4: "four"}
GROUPS = {"book": "mlp", "unit": "shortcut", "orthogonal": "control"}
SPEED = Axis("‖dC/db‖", log=True)
EPOCH = Axis("epoch + 1", log=True)
ERROR = Axis("test error", "%", log=True)
RATIO = Axis("‖dC/db‖, last over first layer", log=True)


def figures(rows: Rows) -> Iterator[Figure]:
    """Every figure for which there are rows."""
    for draw in (at_the_start, over_epochs, depths, ratios, beside_the_book, accuracies):
        figure = draw(rows)
        panels = tuple(panel for panel in figure.panels if panel.series)
        if panels:
            yield Figure(figure.id, figure.title, figure.caption, panels)


def of_the_book(rows: Rows) -> bool:
    """Whether the rows are of the book's data, so that its numbers may stand beside them."""
    return len(rows) > 0 and rows.distinct("pixels") == [784]


def at_the_start(rows: Rows) -> Figure:
    """||dC/db|| against the layer, before training."""
    found, panels = rows.where(name="bias_gradient", epochs=0), []
    for hidden, published in NORMS.items():
        arms = {start: norms(found, start, hidden) for start in NAMES}
        series = [
            band(NAMES[start], _by_layer(arm), 0.025, 0.975, group=GROUPS[start])
            for start, arm in arms.items()
            if len(arm)
        ]
        if of_the_book(found):
            layers = tuple(f"{layer}" for layer in range(1, hidden + 1))
            series.append(Series("the book's draw", layers, published, "reference"))
        panels.append(Panel(Axis("hidden layer"), SPEED, tuple(series), f"{hidden} hidden layers"))
    times = _median_ratio(norms(found, "book", 4))
    seen = (
        f"the first of four layers has {times:.0f} times less gradient than the last" if times else "no runs"
    )
    caption = f"Median and central 95 % of {len(found.distinct('seed'))} draws; 1,000 images."
    return Figure("start", f"Before training, {seen}", caption, tuple(panels))


def _by_layer(rows: Rows) -> dict[str, list[float]]:
    return {layer: group.values().tolist() for (layer,), group in rows.group_by("layer").items()}


def _median_ratio(arm: Rows, step: int = 0) -> float:
    found = list(last_over_first(arm, step).values())
    return float(10 ** np.median(found)) if found else 0.0


def over_epochs(rows: Rows) -> Figure:
    """||dC/db|| of each of four layers, over training."""
    panels = []
    for start, name in NAMES.items():
        arm_ = norms(rows, start, 4, epochs=EPOCHS[-1])
        panels.append(Panel(EPOCH, SPEED, _layers(arm_), name))
    trained = norms(rows, "book", 4, epochs=EPOCHS[-1])
    before, after = (_median_ratio(trained, step) if len(trained) else 0 for step in (0, EPOCHS[-1]))
    title = (
        f"The gap between last and first layer is {before:.0f}-fold at the start, {after:.0f}-fold at the end"
    )
    caption = f"Four hidden layers; {_seeds(trained)}: median and quartiles; full batch of 1,000, rate 0.1."
    return Figure("speeds", title, caption, tuple(panels))


def depths(rows: Rows) -> Figure:
    """||dC/db|| of every layer over training, from the book's start, at every depth."""
    arms = {n: norms(rows, "book", n, epochs=EPOCHS[-1]) for n in WORDS}
    arms = {n: arm_ for n, arm_ in arms.items() if len(arm_)}
    panels = [
        Panel(EPOCH, SPEED, _layers(arm_), f"{n} hidden layer{'s' * (n > 1)}") for n, arm_ in arms.items()
    ]
    lasting = {n: min(_median_ratio(arm_, epoch) for epoch in EPOCHS) for n, arm_ in arms.items() if n > 1}
    said = ", ".join(f"{times:.2g} with {WORDS[n]}" for n, times in lasting.items())
    title = f"At no epoch does the median of last over first layer fall below {said} hidden layers"
    caption = "The book's start: median and quartiles over seeds; full batch of 1,000, rate 0.1."
    return Figure("depths", title, caption, tuple(panels) if 1 in arms else ())


def _layers(arm_: Rows) -> tuple[Series, ...]:
    """A trace for each layer, the darkest the first of four."""
    layers = arm_.group_by("layer").items()
    return tuple(band(f"layer {n}", _by_epoch(one), level=(int(n) - 1) / 3) for (n,), one in layers)


def _by_epoch(rows: Rows) -> dict[float, list[float]]:
    return {step + 1: group.values().tolist() for (step,), group in rows.group_by("step").items()}


def _seeds(rows: Rows) -> str:
    return f"{len(rows.distinct('seed'))} seeds"


def ratios(rows: Rows) -> Figure:
    """The last layer's speed over the first's: by depth, and by what the networks start from."""
    by_depth = [
        _ratio(norms(rows, "book", n, epochs=EPOCHS[-1]), f"{n} hidden layers", level=(n - 2) / 2)
        for n in NORMS
    ]
    four = {start: norms(rows, start, 4, epochs=EPOCHS[-1]) for start in NAMES}
    by_start = [_ratio(arm_, NAMES[start], group=GROUPS[start]) for start, arm_ in four.items()]
    shuffled = norms(rows, "book", 4, epochs=EPOCHS[-1], labels="shuffled")
    by_start.append(_ratio(shuffled, "N(0, 1/n), labels shuffled", group="meaningless"))
    if of_the_book(rows.where(name="bias_gradient")):
        epochs = tuple(epoch + 1 for epoch in RATIOS)
        by_depth.append(Series("the book, 4 hidden layers", epochs, tuple(RATIOS.values()), "reference"))
    panels = (
        Panel(EPOCH, RATIO, tuple(s for s in by_depth if s.x), NAMES["book"]),
        Panel(EPOCH, RATIO, tuple(s for s in by_start if s.x), "4 hidden layers"),
    )
    ends = [_median_ratio(arm_, EPOCHS[-1]) if len(arm_) else 0 for arm_ in (*four.values(), shuffled)]
    title = (
        "Last over first layer after 499 epochs: {:.3g} with N(0, 1/n), {:.3g} with N(0, 1), {:.3g} in the "
        "control, {:.3g} with shuffled labels".format(*ends)
    )
    return Figure("ratios", title, f"{_seeds(four['book'])}: median and quartiles.", panels)


def beside_the_book(rows: Rows) -> Figure:
    """The range of our seeds, and the book's numbers in it or outside."""
    first, later = initial_norms(rows, "book"), published_ratios(rows, "book")
    if not (first and later):
        return Figure("published", "", "", ())
    norms_ = {name.removeprefix("layer "): list(ours.values()) for name, (_, ours) in first.items()}
    times = _ratio_by_epoch(norms(rows, "book", 4, epochs=EPOCHS[-1]))
    at_first = _range(norms_, "point"), _book(tuple(norms_), first.values())
    over_time = _range(times, "median"), _book(tuple(epoch + 1 for epoch in later), later.values())
    panels = (
        Panel(Axis("hidden layer, before training"), SPEED, at_first),
        Panel(EPOCH, RATIO, over_time, "4 hidden layers"),
    )
    every = [*first.values(), *later.values()]
    inside = sum(min(ours.values()) <= book <= max(ours.values()) for book, ours in every)
    title = f"The range of our seeds holds {inside} of the book's {len(every)} numbers"
    counts = sorted({len(ours) for _, ours in every})
    caption = f"Median and range of {' to '.join(map(str, counts))} seeds; the book shows one draw."
    return Figure("published", title, caption, panels)


def _range(points: Points, role: str) -> Series:
    return band("our seeds", points, 0, 1, group="mlp", role=role)


def _book(x: tuple[float, ...] | tuple[str, ...], beside: Iterable[Beside]) -> Series:
    return Series("the book", x, tuple(number for number, _ in beside), "point", group="Nielsen")


def _ratio(arm_: Rows, name: str, **look: object) -> Series:
    points = _ratio_by_epoch(arm_)
    return band(name, points, 0.25, 0.75, **look) if points else Series(name, (), ())


def _ratio_by_epoch(arm_: Rows) -> dict[float, list[float]]:
    return {
        step + 1: [10**decades for decades in last_over_first(arm_, step).values()]
        for step in arm_.distinct("step")
    }


def accuracies(rows: Rows) -> Figure:
    """Test error against the number of hidden layers, and over the whole grid of rates."""
    found = rows.where(name="accuracy")
    panels = []
    for words, rate in ((f"at the book's rate, {RATE:g}", RATE), ("each at its best rate", None)):
        series = [s for start in NAMES if (s := _over_depth(found, start, rate)).x]
        if of_the_book(found) and rate is not None:
            book = tuple(round(100 - right, 2) for right in ACCURACIES.values())
            series.append(Series("the book, 50,000 images", tuple(WORDS.values()), book, "reference"))
        panels.append(Panel(Axis("hidden layers"), ERROR, tuple(series), words))
    panels += [_over_rates(found, start) for start in ("book", "orthogonal")]
    title = f"Test error of 1 to 4 hidden layers: {_listed(found)}"
    caption = f"{_seeds(found)}: median and range; batches of 10; {_protocol(found)}."
    return Figure("accuracy", title, caption, tuple(panels))


def _over_depth(rows: Rows, start: str, rate: float | None) -> Series:
    known = {n: accuracy(start, n, rate)(rows).by_seed for n in ACCURACIES}
    points = {WORDS[n]: [100 * (1 - v) for v in found.values()] for n, found in known.items() if found}
    return band(NAMES[start], points, 0, 1, group=GROUPS[start]) if points else Series(start, (), ())


def _over_rates(rows: Rows, start: str) -> Panel:
    series = []
    for hidden in ACCURACIES:
        grid = {rate: accuracy(start, hidden, rate)(rows).by_seed for (rate,) in rows.group_by("rate")}
        points = {rate: [100 * (1 - v) for v in values.values()] for rate, values in grid.items() if values}
        if points:
            series.append(band(f"{hidden} hidden", points, 0, 1, level=(hidden - 1) / 3))
    return Panel(Axis("learning rate", log=True), ERROR, tuple(series), NAMES[start])


def _listed(rows: Rows) -> str:
    """The median errors of the book's networks, at its rate and at the best."""
    said = []
    for words, rate in (("at the book's rate", RATE), ("at the best", None)):
        series = _over_depth(rows, "book", rate)
        said.append(f"{', '.join(f'{y:.1f}' for y in series.y)} % {words}")
    return "; ".join(said)


def _protocol(rows: Rows) -> str:
    images, epochs = ("/".join(f"{v:,}" for v in rows.distinct(key)) for key in ("images", "epochs"))
    return f"{images} images, {epochs} epochs"
