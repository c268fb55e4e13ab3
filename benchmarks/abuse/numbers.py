"""Numbers on the command line that are no numbers, or none that can be meant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.abuse.attack import Attack, command
from benchmarks.abuse.output_paths import PROBLEM

STUDY = "study run one-neuron-chain --output page.html --store store.sqlite --workers 1 --device cpu"
REPORT = "study report one-neuron-chain --output page.html --store store.sqlite"
CHECK = "check train.py:problem"
TREAT = f"{CHECK} --treat --steps 2"
SCRIPT = "check train.py --script"
NO_NUMBERS = (
    *("", " ", "abc", "0x10", "1_000", "1,000", "٣", "²", "1 2", "[0, 1]", "range(3)", "0,1,2", "0-3", "0:8"),
    *("True", "None", "8 seeds", "--8", "+-8", "8;ls", "$(ls)", "\x1b[31m8", "8\u202e", "NaN"),
    *("1e", "e5", ".", "-", "+"),
)
NO_WHOLE = ("1.5", "8.0", "1e3", "nan", "inf", "-inf", "1e400", "1/2", "50%")
BELOW = ("-1", "-0.5", "-9" * 30, "-inf")
HUGE = ("9" * 12, "9" * 99, "9" * 100, "9" * 5000)
WHOLE = (
    ("seeds", STUDY, ("0",)),
    ("seeds", REPORT, ("0",)),
    ("first-seed", STUDY, ()),
    ("first-seed", REPORT, ()),
    ("workers", STUDY.replace(" --workers 1", ""), ("0", "100000")),
    ("steps", CHECK, ("0",)),
    ("seeds", TREAT, ("0", "1", "2")),
    ("every", SCRIPT, ("0",)),
)
FILES = {"train.py": PROBLEM}


def _whole() -> Iterator[Attack]:
    """Whole numbers: the option is named, and so is what it takes."""
    for option, line, low in WHOLE:
        for text in (*NO_NUMBERS, *NO_WHOLE, *BELOW, *HUGE, *low):
            quoted = text.replace("'", "'\\''")
            name = f"{' '.join(line.split()[:2])} --{option}={text[:40]!r}"
            yield command(option, f"{line} --{option}='{quoted}'", f"--{option}", files=FILES, name=name)


def _seconds() -> Iterator[Attack]:
    real = (*NO_NUMBERS, "nan", "inf", "-inf", "1e400", "1/2", "50%", "5min", *BELOW, "0", "0.0", *HUGE)
    for text in real:
        name = f"--seconds={text[:40]!r}"
        yield command("seconds", f"{TREAT} --seconds='{text}'", "seconds", files=FILES, name=name)


def _lists() -> Iterator[Attack]:
    """Several numbers for an option that takes one."""
    for option, line, _ in WHOLE:
        for words in ("1 2 3", "1 --{0} 2", "", "--json", "=", "=1=2"):
            given = words.format(option)
            joint = "" if given.startswith("=") else " "
            name = f"{' '.join(line.split()[:2])} --{option}{joint}{given}"
            yield command("lists of numbers", f"{line} --{option}{joint}{given}", files=FILES, name=name)


def attacks() -> Sequence[Attack]:
    """Each option that takes a number, with each wrong number."""
    return [*_whole(), *_seconds(), *_lists()]
