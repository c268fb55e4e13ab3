"""`levinthal study ...` with wrong words: names, presets, levels, too many and too few arguments."""

# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from benchmarks.abuse.attack import Attack, command

STUDY = "one-neuron-chain"
RUN = f"study run {STUDY} --output page.html --store store.sqlite --workers 1 --device cpu"
NAMES = (
    "one-neuron-chian", "One-Neuron-Chain", "one_neuron_chain", "", " ", "-", "--", ".", "..", "/", "../x", "x.py",
    "x.py:", ":study", "x.py:study", "a.txt", "~/x.py", "~nobody/x.py", "one-neuron-chain ", "one-neuron-chain:study",
    "*", "x" * 5000, "\u202ex", "\x1b[31mred", "1", "None", "levinthal.studies", "http://example.org/x.py", "NaN",
)  # fmt: skip
PRESETS = (
    "quik",
    "",
    " ",
    "QUICK",
    "quick,standard",
    "../quick",
    "None",
    "0",
    "x" * 5000,
    "\x1b[31m",
    "quick ",
)
SETS = (
    "", "=", "width", "width=", "=64", "wdith=64", "width=65", "width==64", "width=64,,", "width=,64", "width = 64",
    "64", "width:64", "{'width': 64}", "width=nan", "width=None", "seed=0", "name=heads", "step=1",
    "x" * 5000 + "=1", "width=" + "6" * 5000, "\x1b[31m=1", "width=\u202e64",
)  # fmt: skip
OPTIONS = (
    "--presett quick", "--seed 3", "--Seeds 3", "-seeds 3", "--set", "--store", "--output", "--no-again --seeds",
    "--device gpu", "--device cuda:0", "--device ''", "--device CPU", "--again maybe", "--seeds", "--seeds 3 --seeds x",
    "--preset", "--preset quick --preset quik", "--set width=64 --set wdith=1", "--first-seed", "--first-seed 3000000000",
    "--csv rows.csv", "--registered", "--registered nowhere.json", "--registered .", "--data-dir", "--help-me",
    "--workers", "--workers 2 3", "extra", "extra words here", "-- -x", "--unknown=3", "---", "--seeds=1=2",
)  # fmt: skip
WORDS = {
    "study": {0},
    "studdy run": {2},
    "study rum one-neuron-chain": {2},
    "study lst": {2},
    "study list extra": {2},
    "study list --all": {2},
    "study show": {2},
    "study show one-neuron-chain gradient-scale": {2},
    "study show --preset quick one-neuron-chain": {2},
    "study show one-neuron-chain --json": {2},
    "study run": {2},
    "study run --preset quick": {2},
    "study report": {2},
    "study report one-neuron-chain": {2},
    "study report one-neuron-chain --store nowhere.sqlite": {2},
    "study report one-neuron-chain --store .": {2},
    "study report one-neuron-chain --seeds x": {2},
    "study report one-neuron-chain --workers 3": {2},
    "study report one-neuron-chain --again": {2},
    "study new": {2},
    "study new one two": {2},
    "study new Toy": {2},
    "study new ''": {2},
    "study new ' '": {2},
    "study new ../x": {2},
    "study new /tmp/x": {2},
    "study new x.py": {2},
    "study new -x": {2},
    "study new toy --template trianed": {2},
    "study new toy --template": {2},
    "study new toy --template ''": {2},
    "study new toy --folder nowhere": {2},
    "study new toy --folder ''": {0, 2},
    "study new one-neuron-chain": {2},
    "study new json": {2},
    "study new class": {2},
    "study new toy --extra": {2},
    f"study new {'x' * 5000}": {2},
    "study new töy": {2},
    "study new toy-": {2},
    "study register": {2},
    "study register one-neuron-chain --preset quik": {2},
    "study register one-neuron-chain --output .": {2},
    "study register one-neuron-chain --seeds 3": {2},
    "study register one-neuron-chain gradient-scale": {2},
    "study register one-neuron-chain --output /dev/null": {2},
    "study register one-neuron-chain --store .": {2},
    "study --version extra": {0, 2},
    "study --unknown": {2},
    "study show --": {2},
    "study show -- --": {2},
}
"""Words after `levinthal` -> the exit codes that are right."""


def attacks() -> Sequence[Attack]:
    """Names, presets, levels, options and words."""
    return [*_names(), *_presets(), *_sets(), *_options(), *_words()]


def _names() -> Iterator[Attack]:
    for verb in ("show", "run", "report", "register"):
        for name in NAMES:
            yield command("names", f"study {verb} {quote(name)}", name=f"{verb} {name[:40]!r}")


def _presets() -> Iterator[Attack]:
    for preset in PRESETS:
        yield command("presets", f"{RUN} --preset {quote(preset)}", "preset", name=repr(preset[:40]))


def _sets() -> Iterator[Attack]:
    for text in SETS:
        yield command("--set", f"{RUN} --set {quote(text)}", name=repr(text[:40]))


def _options() -> Iterator[Attack]:
    for words in OPTIONS:
        yield command("options", f"{RUN} {words}", name=words)


def _words() -> Iterator[Attack]:
    for line, codes in WORDS.items():
        yield command("words", line, name=line[:60], codes=codes)
