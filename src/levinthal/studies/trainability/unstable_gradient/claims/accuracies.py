"""The claims about accuracy and depth: at the book's learning rate, and with each arm at its best one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from levinthal.lab.analysis import Effect, Reading, at_best_rate, compare, evidence, value
from levinthal.lab.analysis.budget import budget
from levinthal.lab.analysis.rates import best_rate
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.unstable_gradient.design import BATCH, NAMES, RATE, SOURCE, WIDTH
from levinthal.vocabulary import Basis, Claim

UPDATES = 150_000  # of the book: 30 epochs of 50,000 images, in batches of 10
CHANCE = 0.2
"""A median accuracy up to this, twice that of guessing among ten classes, has learnt nothing yet."""
STILL_FALLING = 0.15
"""log2 ratio of the errors near half of the epochs and at their end, from which on an error is not final."""
SMALLEST = 0.2
"""Points of accuracy that count, and that an arm may not gain any more from near half of its epochs on."""
IMAGES = {
    784: "0.2 points are 20 of the 10,000 test images, which all seeds share.",
    64: "Accuracies are judged on MNIST alone: on digits 0.2 points are about one test image.",
}
NO_ACCURACIES = "The preset book measures speeds alone: accuracies are in quick, standard and long."


def accuracy(start: str, hidden: int, rate: float | None = None, *, wide: bool = False) -> Reading:
    """Accuracy after the last epoch of one initialisation and depth, at a learning rate or at the best one.

    The networks are of the usual width, or the wider ones. With fewer updates than the book's, an arm whose
    training is not finished has no accuracy: a note says so, and its seeds are not a number.
    """
    arm: dict[str, Any] = {"start": start, "hidden": hidden, "width": lambda width: (width > WIDTH) == wide}
    best = at_best_rate("accuracy", error=lambda share: 1 - share, **arm)
    found_by = best if rate is None else value("accuracy", rate=rate, **arm)

    def read(rows: Rows) -> Effect:
        found = found_by(rows)
        if not found.by_seed or updates(rows) >= UPDATES:
            return found
        at = found.rates[0] if rate is None else rate
        why = unfinished(rows.where(name="accuracy", rate=at, **arm))
        if not why:
            return found
        kind = f"{hidden} {'wider ' * wide}hidden layer{'s' * (hidden > 1)} ({NAMES[start]})"
        note = f"Not finished at learning rate {at:g}, {kind}: {why}."
        return Effect(dict.fromkeys(found.by_seed, math.nan), found.rates, found.at_edge, note)

    return read


def unfinished(rows: Rows) -> str:
    """Why the training of one arm at one learning rate is not finished; nothing if it is."""
    errors = {
        int(epoch): 1 - float(np.median(list(part.by_seed().values())))
        for (epoch,), part in rows.group_by("step").items()
    }
    end = max(errors)
    if errors[end] >= 1 - CHANCE:
        return f"its median accuracy is {1 - errors[end]:.0%}, near chance"
    before = min((epoch for epoch in errors if epoch < end), key=lambda e: abs(e - end / 2), default=end)
    fall, gained = max(errors[before], 1e-4) / max(errors[end], 1e-4), points(errors[before], errors[end])
    if math.log2(fall) < STILL_FALLING and gained < SMALLEST:
        return ""
    return f"its error still falls by a factor of {fall:.2f} ({gained:.2g} points), epoch {before} to {end}"


def points(one: float, other: float) -> float:
    """By how many points of a hundred one share is the larger.

    >>> points(0.75, 0.5)
    25.0
    """
    return 100 * (one - other)


def more_accurate(better: Reading, worse: Reading) -> Reading:
    """Points by which one kind of network is more accurate."""
    return compare(better, worse, points)


def deeper(start: str, better: int, worse: int, rate: float | None) -> Reading:
    """Points by which one depth is more accurate than another."""
    return more_accurate(accuracy(start, better, rate), accuracy(start, worse, rate))


def surely_deeper(better: int, worse: int, rate: float | None) -> Reading:
    """As `deeper`, of the book's networks on MNIST; each depth may be best between two rates of the grid."""
    found = deeper("book", better, worse, rate)
    return on_mnist(found if rate is not None else despite_grid(found, better, worse))


def despite_grid(reading: Reading, better: int, worse: int) -> Reading:
    """The bound of a difference that denies its word; no number where the word depends on the grid's steps.

    Either depth may be better by `grid_cost` at a rate between two of the grid. That cost has no limit where
    a neighbour of the best rate does not train: credited to one side alone it would make the word.
    """

    def read(rows: Rows) -> Effect:
        found = reading(rows)
        if not found.by_seed or not (middle := float(np.mean(list(found.by_seed.values())))) < math.inf:
            return found
        gained, lost = (100 * grid_cost(at_the_end(rows, hidden)) for hidden in (better, worse))
        if middle - lost >= SMALLEST:
            return found.map(lambda number: number - lost)
        if middle + gained < SMALLEST:
            return found.map(lambda number: number + gained)
        note = (
            f"Between the learning rates of the grid the difference may be {middle - lost:.2g} to "
            f"{middle + gained:.2g} points: only a finer grid can tell."
        )
        return replace(found, by_seed=dict.fromkeys(found.by_seed, math.nan), note=note)

    return read


def at_the_end(rows: Rows, hidden: int) -> Rows:
    """The last accuracies of the book's networks of one depth, at every learning rate."""
    here = rows.where(name="accuracy", start="book", hidden=hidden, width=WIDTH)
    return here.where(step=max(here.distinct("step"), default=0))


def grid_cost(rows: Rows) -> float:
    """How far a parabola through the median errors at the best rate and its neighbours falls below them."""
    best = best_rate(rows, lambda share: 1 - share)
    if best is None or best.at_edge:
        return 0.0
    rates = sorted(map(float, rows.distinct("rate")))
    at = rates.index(best.rate)
    near = rates[at - 1 : at + 2]
    errors = [1 - float(np.median(list(rows.by_seed(rate=rate).values()))) for rate in near]
    x = np.log(near) - math.log(best.rate)
    curvature, slope, _ = np.polyfit(x, errors, 2)
    if not curvature > 0:
        return 0.0
    lowest = float(np.clip(-slope / (2 * curvature), x[0], x[-1]))
    return max(0.0, -float(curvature * lowest**2 + slope * lowest))


def on_mnist(reading: Reading) -> Reading:
    """A reading of the rows on MNIST alone: on digits 0.2 points are about one test image."""
    return lambda rows: reading(rows.where(pixels=784))


def updates(rows: Rows) -> float:
    """The updates of the longest run that measures an accuracy."""
    cells = rows.where(name="accuracy").group_by("images", "epochs") if len(rows) else ()
    return max((float(images) * float(epochs) / BATCH for images, epochs in cells), default=0)


def about_accuracies(rows: Rows) -> Iterator[str]:
    """The share of the book's training and how many images the size is, or that there are no accuracies."""
    if not updates(rows):
        yield NO_ACCURACIES
        return
    yield from budget(updates, UPDATES, "the book")(rows)
    yield from (IMAGES[pixels] for pixels in rows.where(name="accuracy").distinct("pixels"))


FINISHED = "on MNIST; with fewer updates than the book's, only of arms whose training is finished"
SEEN = "which arms count as finished, and that digits do not count, was decided after results of both"
BETWEEN = (
    "; learning rates are a factor of three apart, which may cost an arm more than this. A parabola through "
    "the best three says how much, exact for a smooth, even curve alone. The number is that estimate of the "
    "bound that denies its word: less the cost of the less accurate arm, or plus that of the other; there is "
    "none where the word depends on it"
)


def why(book: float, rate: float | None) -> str:
    """Where the size comes from, and what of the test was set late."""
    words = f"chosen by us: about half of the difference in the book, {book} points; {SEEN}"
    return words + BETWEEN * (rate is None)


def second_layer(id_: str, rate: float | None, words: str) -> Claim:
    """A second hidden layer helps, at a learning rate or at each arm's best one."""
    wide, usual = (accuracy("book", 1, rate, wide=wide) for wide in (True, False))
    return Claim(
        id=id_,
        says=f"After the updates run here, {words}, a second hidden layer helps (book: 96.48 to 96.90 %).",
        source=f"{SOURCE}, whose accuracies are of validation images",
        effect=f"test accuracy of two hidden layers less that of one; {FINISHED}",
        unit="points",
        smallest_effect=SMALLEST,
        why_smallest=why(0.42, rate),
        basis=Basis.SEEN,
        control="",
        why_no_control="the arms share images and their order, and differ in the second layer"
        + ", and in the learning rate that is best with it" * (rate is None),
        rival="one wider layer with as many parameters as two, less one",
        evidence=evidence(
            surely_deeper(2, 1, rate), rival=on_mnist(more_accurate(wide, usual)), notes=about_accuracies
        ),
        quote="This gives an improved classification accuracy, 96.90 percent. That's encouraging: a little "
        "more depth is helping.",
    )


def four_layers(id_: str, rate: float | None, words: str) -> Claim:
    """Two layers are more accurate than four; the book says only that four are not better."""
    return Claim(
        id=id_,
        says=f"After the updates run here, {words}, four hidden layers are less accurate than two where "
        "gradients vanish (book: 96.53 and 96.90 %).",
        source=f"ours: {SOURCE} shows one run of each depth, and calls the step from three layers to four "
        "probably not significant",
        effect=f"test accuracy of two hidden layers less that of four; {FINISHED}",
        unit="points",
        smallest_effect=SMALLEST,
        why_smallest=why(0.37, rate),
        basis=Basis.SEEN,
        control="tanh units, orthogonal weights and biases of zero at first, two layers less four",
        evidence=evidence(
            surely_deeper(2, 4, rate),
            control=on_mnist(deeper("orthogonal", 2, 4, rate)),
            notes=about_accuracies,
        ),
    )


AT_THE_BOOKS, AT_THE_BEST = f"at the book's learning rate {RATE:g}", "at the best learning rate of each depth"

CLAIMS = (
    second_layer("U5", RATE, AT_THE_BOOKS),
    second_layer("U5b", None, AT_THE_BEST),
    four_layers("U6", RATE, AT_THE_BOOKS),
    four_layers("U6b", None, AT_THE_BEST),
)
