"""The claims about accuracy and depth, each at the book's learning rate and at every arm's best one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from levinthal.lab.analysis.effects import BySeed, present
from levinthal.lab.storage.rows import Rows, chosen
from levinthal.studies.trainability.unstable_gradient.plan import RATE, WIDTH
from levinthal.studies.trainability.unstable_gradient.speeds import SOURCE
from levinthal.vocabulary import Claim, Evidence

NONE_HERE = "The preset book measures speeds alone: accuracies are of quick, standard and long."


@dataclass(frozen=True, slots=True)
class Arm:
    """The accuracies of one kind of network: rate -> seed -> share right after the last epoch."""

    grid: Mapping[float, BySeed]

    @property
    def best(self) -> float:
        """The rate with the highest median accuracy, the smaller of equal ones."""
        return max(self.grid, key=lambda rate: (float(np.median(list(self.grid[rate].values()))), -rate))

    @property
    def at_edge(self) -> bool:
        """Whether the best rate is the first or last of its grid."""
        return self.best in (min(self.grid), max(self.grid))

    def at(self, rate: float | None) -> BySeed:
        """Seed -> accuracy at a rate, or at the best one."""
        return self.grid.get(self.best if rate is None else rate, {})


def arm(rows: Rows, start: str, hidden: int, *, wide: bool = False) -> Arm | None:
    """The networks of one start and depth, of the usual width or the wider ones; None if there are none."""
    found = chosen(rows, name="accuracy", start=start, hidden=hidden)
    found = chosen(found, width=lambda width: (width > WIDTH) == wide)
    if not len(found):
        return None
    last = found.where(step=max(found.values("step")))
    return Arm({rate: group.by_seed() for (rate,), group in last.group_by("rate").items()})


def difference(better: Arm | None, worse: Arm | None) -> dict[str, BySeed]:
    """Words for the rate -> seed -> points by which one arm is more accurate."""
    if better is None or worse is None:
        return {}
    parts = {}
    for words, rate in ((f"rate {RATE:g}", RATE), ("best rates", None)):
        one, other = better.at(rate), worse.at(rate)
        parts[words] = {seed: 100 * (one[seed] - other[seed]) for seed in one if seed in other}
    return present(parts)


def compared(better: Arm | None, worse: Arm | None, control: Mapping[str, BySeed]) -> Evidence:
    """The difference as evidence, with the best rates named and any edge of the grid told."""
    arms = [one for one in (better, worse) if one is not None]
    if not arms:
        return Evidence({}, notes=(NONE_HERE,))
    note = f"Best rates: {' and '.join(f'{one.best:g}' for one in arms)}."
    edge = any(one.at_edge for one in arms)
    return Evidence(difference(better, worse), control, edge, (note,) if len(arms) == 2 else ())


def second_layer_helps(rows: Rows) -> Evidence:
    """U5: two hidden layers against one; control: as many parameters more, in the width of the one."""
    one, two = arm(rows, "book", 1), arm(rows, "book", 2)
    return compared(two, one, difference(arm(rows, "book", 1, wide=True), one))


def four_are_no_better(rows: Rows) -> Evidence:
    """U6: two hidden layers against four; control: the same of well-scaled networks."""
    scaled = [arm(rows, "orthogonal", hidden) for hidden in (2, 4)]
    found = compared(arm(rows, "book", 2), arm(rows, "book", 4), difference(*scaled))
    known = [one for one in scaled if one is not None]
    edge = ", one on the grid's edge" * any(one.at_edge for one in known)
    note = f"Best rates of the control: {' and '.join(f'{one.best:g}' for one in known)}{edge}."
    return replace(found, notes=(*found.notes, note)) if len(known) == 2 else found


CLAIMS = (
    Claim(
        id="U5",
        says="A second hidden layer helps (96.48 to 96.90 %).",
        source=SOURCE,
        effect="test accuracy of two hidden layers less that of one",
        unit="points",
        smallest=0.2,
        control="one layer, as many parameters more, in its width",
        evidence=second_layer_helps,
    ),
    Claim(
        id="U6",
        says="From two hidden layers to four, accuracy does not grow but falls (96.90 to 96.53 %).",
        source=SOURCE,
        effect="test accuracy of two hidden layers less that of four",
        unit="points",
        smallest=0.2,
        control="tanh units, orthogonal weights and no biases, two layers less four",
        evidence=four_are_no_better,
    ),
)
