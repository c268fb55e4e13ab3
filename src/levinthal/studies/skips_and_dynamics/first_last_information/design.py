"""The cells of every preset: the networks, their training, and the seeds.

A cell's factors: architecture, width, depth, batch ("full" or a number), samples (training images used),
rate, init, slope (batch norm's initial gamma), labels ("true" or "shuffled"), steps, `images` (test images
that information is read on) and `read`, the set of measurements: "errors", "information", "readings" (of
batch norm: all of them) or "everything".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

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
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)

# Every arm differs from the plain MLP in its initialisation alone: C11 is about information without a skip.
SLOPES = (0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.5)
FAMILIES = ("glorot_normal", "orthogonal", "identity_like")
INITIAL_ARMS: tuple[tuple[str, float], ...] = (
    ("he_normal", 1.0),
    *((init, slope) for init in FAMILIES for slope in SLOPES),
)
RIVAL, SAME_LOGITS = "orthogonal", "glorot_normal_large_logits"
READS = ("errors", "information", "readings", "everything")
"""What is read of a cell, from the least to the most: each holds all of the one before."""


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

    `width` and `depth` are those of every cell that does not vary them, `deep` the depth of the
    initialisations. The learning-rate grids run at `rate_depths` (fast) and at `depth` in the protocols
    whose end counts (`final`). Initialisations that C11 alone reads have `few` seeds each.
    """

    main: tuple[Protocol, ...]
    fast: tuple[Protocol, ...]
    final: tuple[Protocol, ...]
    rates: tuple[float, ...] = RATES
    rate_depths: tuple[int, ...] = (3, 5, 10, 20)
    width: int = 20
    depth: int = 10
    deep: int = 20
    seeds: int = 8
    few: int = 8
    images: int = 2000


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
    """Every task of a preset; of cells that differ in what is read alone, the one read most is run."""
    merged: dict[tuple[tuple[str, Scalar], ...], Task] = {}
    for factors_, seeds in _cells(size):
        cell = factors_ | {"images": size.images}
        key = tuple(sorted((name, level) for name, level in cell.items() if name != "read"))
        old = merged.get(key)
        if old is not None:
            cell["read"] = max(str(old.cell["read"]), str(cell["read"]), key=READS.index)
            seeds = max(seeds, len(old.seeds))
        merged[key] = Task(cell, tuple(range(seeds)), _cost(cell, seeds))
    return tuple(merged.values())


def preset(about: str, data: str, size: Size) -> Preset:
    """A preset of this study."""
    return Preset(about, data, tasks(size))


def _cells(size: Size) -> Iterable[tuple[dict[str, Scalar], int]]:
    for protocol in size.main:
        yield from _main(size, protocol)
        yield from _controls(size, protocol)
    for protocol in size.final:
        yield from _final_errors(size, protocol)
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
    """The whole learning-rate grid of every comparison between depths and architectures.

    From 5 layers on: the shortcut, and the MLP with its logits (the control). At `depth`: the rival.
    """
    for depth in size.rate_depths:
        arms: list[dict[str, Scalar]] = [{}]
        if depth >= 5:
            arms += [{"architecture": "shortcut"}, {"init": SAME_LOGITS}]
        if depth == size.depth:
            arms.append({"init": RIVAL})
        for arm in arms:
            yield from _grid(size, protocol, depth, arm)


def _final_errors(size: Size, protocol: Protocol) -> Iterable[tuple[dict[str, Scalar], int]]:
    """The grid behind the claim on final errors, trained longest, and its orthogonal rivals."""
    for architecture in ARCHITECTURES:
        yield from _grid(size, protocol, size.depth, {"architecture": architecture})
    for architecture in ("mlp", "shortcut"):
        yield from _grid(size, protocol, size.depth, {"architecture": architecture, "init": RIVAL})


def _grid(
    size: Size, protocol: Protocol, depth: int, arm: dict[str, Scalar]
) -> Iterable[tuple[dict[str, Scalar], int]]:
    for rate in size.rates:
        here = factors(width=size.width, depth=depth, rate=rate, **arm)
        read = "errors" if rate != RATE or arm.get("init") == SAME_LOGITS else "information"
        yield here | protocol.factors | {"read": read}, size.seeds


def _initialisations(size: Size, protocol: Protocol) -> Iterable[tuple[dict[str, Scalar], int]]:
    """Plain networks with more, or less, first-last information before training."""
    for init, slope in INITIAL_ARMS:
        here = factors(width=size.width, depth=size.deep, init=init, slope=slope)
        yield here | protocol.factors, size.few


def _cost(cell: dict[str, Scalar], seeds: int) -> float:
    """Seconds of one core, roughly; only ratios matter, for the time left."""
    width, depth = int(cell["width"]), int(cell["depth"])
    weights = 784 * 2 * width + 4 * width**2 + (depth - 3) * width**2 + 100 * depth * width
    batch = int(cell["samples"]) if cell["batch"] == "full" else int(cell["batch"])
    training = (2e-4 + 6e-11 * weights * batch) * int(cell["steps"])
    share = {"errors": 0.0, "information": 4e-4, "readings": 6e-4, "everything": 8e-4}[str(cell["read"])]
    return seeds * (training + 0.1 + share * int(cell["images"]))


DIGITS_MAIN = (Protocol("full", 1197, 120, levels=(20,)), Protocol("64", 1197, 240, levels=(10, 20)))
DIGITS_FULL = Protocol("full", 600, 120, levels=(3, 5, 10, 20))
DIGITS_FAST = Protocol("64", 1197, 120, levels=(3, 5, 10, 20))
QUICK = Size(main=DIGITS_MAIN, fast=(DIGITS_FAST,), final=DIGITS_MAIN[1:], few=5, images=500)
DIGITS = replace(
    QUICK,
    fast=(DIGITS_FULL, DIGITS_FAST),
    final=(Protocol("full", 600, 480, levels=()), Protocol("64", 1197, 960, levels=())),
)
STANDARD = Size(
    main=(Protocol("full", 60_000, 40, (20,)), Protocol("128", 60_000, 1872, (10, 20, 50))),
    fast=(Protocol("full", 4_000, 100, (3, 5, 10, 20)), Protocol("128", 60_000, 468, (3, 5, 10, 20, 40))),
    final=(Protocol("128", 60_000, 1872, levels=()),),
)
LONG_MAIN = (Protocol("full", 60_000, 240, levels=(20,)), Protocol("128", 60_000, 9360, levels=(20,)))
LONG = Size(
    main=LONG_MAIN,
    fast=(Protocol("full", 4_000, 400, (3, 5, 10, 20)), Protocol("128", 60_000, 9360, (3, 5, 10, 20))),
    final=LONG_MAIN,
)
WIDTHS, DEPTHS = (10, 20, 50, 100, 200), (2, 3, 5, 10, 20, 40)
PAPER = Size(
    main=(
        Protocol("full", 60_000, 400, WIDTHS),
        Protocol("512", 60_000, 2340, WIDTHS),
        Protocol("128", 60_000, 4680, WIDTHS),
    ),
    fast=(Protocol("full", 4_000, 400, DEPTHS), Protocol("128", 60_000, 1400, DEPTHS)),
    final=(Protocol("full", 60_000, 400, levels=()), Protocol("128", 60_000, 4680, levels=())),
    rates=(1e-4, *RATES),
    rate_depths=(3, 5, 10, 20, 40),
    width=50,
    seeds=10,
    few=10,
    images=10_000,
)
PRESETS = {
    "quick": preset("digits, embedded; two to four minutes on two cores", "digits", QUICK),
    "digits": preset("digits, every claim with full batches too; about ten minutes", "digits", DIGITS),
    "standard": preset("MNIST, 60,000 images; about half an hour on two cores", "mnist", STANDARD),
    "long": preset("MNIST, trained until errors are final; about five hours, resumable", "mnist", LONG),
    "paper": preset("MNIST, the full grid of Figs. 4 and 5; days, resumable", "mnist", PAPER),
}
