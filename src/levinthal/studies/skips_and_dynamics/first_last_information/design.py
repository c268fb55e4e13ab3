"""The cells of every preset: the networks, their training, and the seeds.

A cell's factors: architecture, width, depth, batch ("full" or a number), samples (training images used),
rate, init, slope (batch norm's initial gamma), labels ("true" or "shuffled"), steps, `images` (test images
that information is read on) and `read`, the set of measurements: "errors", "information", "readings" (of
batch norm: all of them) or "everything".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from levinthal.vocabulary import Preset, Scalar, Task

SOURCE = (
    "Hodas & Stinis, Doing the impossible: why neural networks can be trained at all (2018), "
    "arXiv and Frontiers in Psychology 9:1185"
)
NAMES = {
    "mlp": "MLP",
    "shortcut": "shortcut",
    "residual": "residual",
    "shortcut-residual": "shortcut + residual",
}
ARCHITECTURES = tuple(NAMES)
RATE = 1e-3

# Every arm differs from the plain MLP in its initialisation alone: C11 is about information without a skip.
INITIAL_ARMS: tuple[dict[str, Scalar], ...] = (
    {"init": "he_normal"},
    {"init": "orthogonal"},
    {"init": "identity_like"},
    {"init": "glorot_normal", "slope": 0.3},
    {"init": "orthogonal", "slope": 0.3},
    {"init": "identity_like", "slope": 0.3},
)


@dataclass(frozen=True)
class Protocol:
    """How a batch is made and for how long one trains: `full` batches, or minibatches of `batch`.

    `levels` are the widths of a main protocol, the depths of a fast one.
    """

    batch: str
    samples: int
    steps: int
    levels: tuple[int, ...]

    @property
    def factors(self) -> dict[str, Scalar]:
        """The protocol as factors of a cell."""
        return {"batch": self.batch, "samples": self.samples, "steps": self.steps}


@dataclass(frozen=True)
class Size:
    """How large a preset is: `main` protocols carry Figs. 4a and 5, `fast` ones depths,
    learning rates and initialisations.

    `width` and `depth` are those of every cell that does not vary them, `deep` the depth of the causal
    arms. The learning-rate grids run at `rate_depths` (fast) and at `depth` in the last main protocol.
    """

    main: tuple[Protocol, ...]
    fast: tuple[Protocol, ...]
    rates: tuple[float, ...]
    rate_depths: tuple[int, ...]
    width: int
    depth: int
    deep: int
    seeds: int
    few: int
    images: int


def factors(**changes: Scalar) -> dict[str, Scalar]:
    """The cell of the plain network, with the changes."""
    plain: dict[str, Scalar] = {
        "architecture": "mlp",
        "rate": RATE,
        "init": "glorot_normal",
        "slope": 1.0,
        "labels": "true",
        "read": "information",
    }
    return plain | changes


def tasks(size: Size) -> tuple[Task, ...]:
    """Every task of a preset; a cell that occurs twice is run once, with the larger number of seeds."""
    merged: dict[tuple[tuple[str, Scalar], ...], Task] = {}
    for factors_, seeds in _cells(size):
        cell = factors_ | {"images": size.images}
        key = tuple(sorted(cell.items()))
        old = merged.get(key)
        if old is None or len(old.seeds) < seeds:
            merged[key] = Task(cell, tuple(range(seeds)), _cost(cell, seeds))
    return tuple(merged.values())


def preset(about: str, data: str, size: Size) -> Preset:
    """A preset of this study."""
    return Preset(about, data, tasks(size))


def _cells(size: Size) -> Iterable[tuple[dict[str, Scalar], int]]:
    for protocol in size.main:
        yield from _main(size, protocol)
        yield from _controls(size, protocol)
    yield from _final_errors(size, size.main[-1])
    for protocol in size.fast:
        yield from _depths(size, protocol)
        yield from _rates(size, protocol)
        yield from _initialisations(size, protocol)


def _main(size: Size, protocol: Protocol) -> Iterable[tuple[dict[str, Scalar], int]]:
    """Figures 4a, 5a and 5b: every architecture at every width; layers are read at the main width."""
    for width in protocol.levels:
        for architecture in ARCHITECTURES:
            read = "everything" if width == size.width else "information"
            here = factors(architecture=architecture, width=width, depth=size.depth, read=read)
            yield here | protocol.factors, size.seeds


def _controls(size: Size, protocol: Protocol) -> Iterable[tuple[dict[str, Scalar], int]]:
    """Frozen weights (only batch norm's statistics move), shuffled labels, and orthogonal plain networks."""
    here = {"width": size.width, "depth": size.depth} | protocol.factors
    for architecture in ("mlp", "shortcut", "residual"):
        yield factors(architecture=architecture, rate=0.0, read="readings", **here), size.seeds
    yield factors(labels="shuffled", read="everything", **here), size.seeds
    yield factors(init="orthogonal", **here), size.seeds


def _depths(size: Size, protocol: Protocol) -> Iterable[tuple[dict[str, Scalar], int]]:
    """Figure 4b and the depth claims: every architecture at every depth."""
    for depth in protocol.levels:
        for architecture in ARCHITECTURES:
            here = factors(architecture=architecture, width=size.width, depth=depth)
            yield here | protocol.factors, size.seeds


def _rates(size: Size, protocol: Protocol) -> Iterable[tuple[dict[str, Scalar], int]]:
    """The whole learning-rate grid of every comparison between depths and architectures."""
    for depth in size.rate_depths:
        for architecture in ("mlp", "shortcut") if depth >= 5 else ("mlp",):
            for rate in size.rates:
                here = factors(architecture=architecture, width=size.width, depth=depth, rate=rate)
                read = "information" if rate == RATE else "errors"
                yield here | protocol.factors | {"read": read}, size.few


def _final_errors(size: Size, protocol: Protocol) -> Iterable[tuple[dict[str, Scalar], int]]:
    """The grid behind the claim on final errors, trained longest, and its orthogonal control."""
    here = factors(init="orthogonal", architecture="shortcut", width=size.width, depth=size.depth)
    yield here | protocol.factors, size.seeds
    for architecture in ARCHITECTURES:
        for rate in size.rates:
            if rate != RATE:
                here = factors(architecture=architecture, width=size.width, depth=size.depth, rate=rate)
                yield here | protocol.factors | {"read": "errors"}, size.few


def _initialisations(size: Size, protocol: Protocol) -> Iterable[tuple[dict[str, Scalar], int]]:
    """The causal arms: plain networks with more, or less, first-last information before training."""
    for arm in INITIAL_ARMS:
        here = factors(width=size.width, depth=size.deep, **arm)
        yield here | protocol.factors, size.seeds


def _cost(cell: dict[str, Scalar], seeds: int) -> float:
    """Seconds of one core, roughly; only ratios matter, for the time left."""
    width, depth = int(cell["width"]), int(cell["depth"])
    weights = 784 * 2 * width + 4 * width**2 + (depth - 3) * width**2 + 100 * depth * width
    batch = int(cell["samples"]) if cell["batch"] == "full" else int(cell["batch"])
    training = (2e-4 + 6e-11 * weights * batch) * int(cell["steps"])
    share = {"errors": 0.0, "information": 4e-4, "readings": 6e-4, "everything": 8e-4}[str(cell["read"])]
    return seeds * (training + 0.1 + share * int(cell["images"]))


QUICK = Size(
    main=(Protocol("full", 1197, 120, levels=(20,)), Protocol("64", 1197, 240, levels=(10, 20))),
    fast=(Protocol("64", 1197, 120, levels=(3, 5, 10, 20)),),
    rates=(3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    rate_depths=(3, 5, 20),
    width=20,
    depth=10,
    deep=20,
    seeds=5,
    few=5,
    images=500,
)
STANDARD = Size(
    main=(
        Protocol("full", 60_000, 40, levels=(20,)),
        Protocol("128", 60_000, 1872, levels=(10, 20, 50)),
    ),
    fast=(
        Protocol("full", 4_000, 100, levels=(3, 5, 10, 20)),
        Protocol("128", 60_000, 468, levels=(3, 5, 10, 20, 40)),
    ),
    rates=(3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    rate_depths=(3, 5, 10, 20),
    width=20,
    depth=10,
    deep=20,
    seeds=8,
    few=8,
    images=2000,
)
PAPER = Size(
    main=(
        Protocol("full", 60_000, 400, levels=(10, 20, 50, 100, 200)),
        Protocol("512", 60_000, 2340, levels=(10, 20, 50, 100, 200)),
        Protocol("128", 60_000, 4680, levels=(10, 20, 50, 100, 200)),
    ),
    fast=(
        Protocol("full", 4_000, 400, levels=(2, 3, 5, 10, 20, 40)),
        Protocol("128", 60_000, 1400, levels=(2, 3, 5, 10, 20, 40)),
    ),
    rates=(1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    rate_depths=(3, 5, 10, 20, 40),
    width=50,
    depth=10,
    deep=20,
    seeds=10,
    few=10,
    images=10_000,
)
PRESETS = {
    "quick": preset("digits, embedded; one to two minutes on two cores", "digits", QUICK),
    "standard": preset("MNIST, 60,000 images; about 24 minutes on two cores", "mnist", STANDARD),
    "paper": preset("MNIST, the full grid of Figs. 4 and 5; hours, resumable", "mnist", PAPER),
}
