"""Numbers on the command line that are no numbers, or none that can be meant."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.abuse.attack import Attack, command

STUDY = "study run one-neuron-chain --output page.html --store store.sqlite --workers 1"
WRONG = (
    "1.5",
    "-1",
    "0",
    "nan",
    "inf",
    "1e3",
    "1e400",
    "",
    "abc",
    "9" * 99,
    "0x10",
    "1_000",
    "[0, 1]",
    "range(3)",
)


def attacks() -> Sequence[Attack]:
    """Each option that takes a number, with each wrong number."""
    found = [command("seeds", f"{STUDY} --seeds '{text}'", "seeds") for text in WRONG]
    found += [command("workers", f"{STUDY} --workers '{text}'", "workers") for text in WRONG]
    return found
