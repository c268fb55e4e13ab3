"""One protocol at a time: a claim is judged with full batches (as in the paper) or with minibatches.

FULL, MINI   the two kinds of batch            both     one claim for each
main         the networks read in most detail  depths   every depth     grid   every learning rate

Each narrowing keeps one protocol (batch, samples, steps) alone: of several, the one with the most steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from levinthal.lab.analysis import Effect, Reading, described
from levinthal.lab.analysis.contrasts import Parts
from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import PLAIN, protocol
from levinthal.vocabulary import Claim

Narrow = Callable[[Rows], Rows]
PROTOCOL = ("batch", "samples", "steps")
LEAST = 3


@dataclass(frozen=True)
class Batches:
    """A kind of batch: what its claims' ids end with, and how their sentences begin."""

    suffix: str
    words: str

    def holds(self, batch: str) -> bool:
        """Whether a level of the factor `batch` is of this kind."""
        return (batch == "full") == (self is FULL)


FULL, MINI = Batches("", "Full batch"), Batches("m", "Minibatches")
NOT_IN_THE_PAPER = "the paper trains with full batches alone"


def both(make: Callable[[Batches], Claim]) -> tuple[Claim, Claim]:
    """The claim with full batches, and the same with minibatches."""
    return make(FULL), make(MINI)


def main(batches: Batches) -> Narrow:
    """The protocol and depth of the networks that everything is read of, at every width."""

    def narrow(rows: Rows) -> Rows:
        detailed = rows.where(read="everything", batch=batches.holds)
        return _longest(rows, detailed, (*PROTOCOL, "depth"))

    return narrow


def depths(batches: Batches) -> Narrow:
    """The protocol and width in which the MLP has three depths or more."""

    def narrow(rows: Rows) -> Rows:
        mlp = rows.where(architecture="mlp", batch=batches.holds, **PLAIN)
        return _longest(rows, mlp, (*PROTOCOL, "width"), varied="depth")

    return narrow


def grid(batches: Batches) -> Narrow:
    """The protocol, width and depth in which residual networks have three learning rates or more."""

    def narrow(rows: Rows) -> Rows:
        residual = rows.where(architecture="residual", batch=batches.holds, rate=lambda rate: rate > 0)
        return _longest(rows, residual, (*PROTOCOL, "width", "depth"), varied="rate")

    return narrow


def _longest(rows: Rows, among: Rows, keys: tuple[str, ...], varied: str = "") -> Rows:
    """The rows of the group with the most steps, of those with three levels or more of a factor."""
    groups: Mapping[Any, Rows] = among.group_by(*keys) if len(among) else {}
    found = [key for key, part in groups.items() if not varied or len(part.distinct(varied)) >= LEAST]
    if not found:
        return rows.where(steps=())
    longest: Any = max(found, key=lambda key: key[2])
    return rows.where(**dict(zip(keys, longest, strict=True)))


def inside(narrow: Narrow, parts: Mapping[str, Reading] | Callable[[Rows], Mapping[str, Reading]]) -> Parts:
    """Conditions that are read from the rows of one protocol alone."""

    def found(rows: Rows) -> dict[str, Reading]:
        here = narrow(rows)
        held = parts(here) if callable(parts) else parts
        return {part: _fixed(read, here) for part, read in held.items()}

    return found


def _fixed(read: Reading, here: Rows) -> Reading:
    fixed: dict[str, Any] = {key: here.distinct(key) for key in PROTOCOL}
    return described(lambda _: read(here), like=read, **fixed)


def at_each_width(batches: Batches, architecture: str, of: Callable[[Rows], Effect]) -> Parts:
    """A reading of one architecture, trained as in the paper: one condition for each width."""
    where = {"architecture": architecture, **PLAIN}

    def parts(rows: Rows) -> dict[str, Reading]:
        widths = rows.where(**where).distinct("width")
        return {f"W={width}": _of(of, where | {"width": width}) for width in widths}

    return inside(main(batches), parts)


def _of(of: Callable[[Rows], Effect], where: Mapping[str, Any]) -> Reading:
    return lambda rows: of(rows.where(**where))


def words(rows: Rows) -> str:
    """Protocol, training steps, width and depth of the rows of one protocol."""
    batch, samples, steps = (rows.distinct(key)[0] for key in PROTOCOL)
    sizes = [
        f", {'/'.join(map(str, rows.distinct(key)))} {words}"
        for key, words in (("width", "wide"), ("depth", "layers"))
    ]
    return f"{protocol(batch, samples)}, {steps:,} steps{''.join(sizes)}"


def where_read(narrow: Narrow) -> Callable[[Rows], list[str]]:
    """A note that names the protocol that a claim was read from."""

    def note(rows: Rows) -> list[str]:
        here = narrow(rows)
        return [f"Read from: {words(here)}."] if len(here) else []

    return note


def paper(batches: Batches, place: str) -> str:
    """The source of a claim, with a word where the protocol is not the paper's."""
    where = f"Hodas & Stinis 2018, {place}"
    return where if batches is FULL else f"{where}; {NOT_IN_THE_PAPER}"


def named(batches: Batches, id_: str, sentence: str, place: str) -> dict[str, Any]:
    """Id, sentence and source of a claim."""
    return {
        "id": f"{id_}{batches.suffix}",
        "says": f"{batches.words}: {sentence}",
        "source": paper(batches, place),
    }
