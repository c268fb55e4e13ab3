"""Where the CPU time of the study `first-last-information` goes, stage by stage.

One process, one thread, CPU time. Each stage is charged for its own time only: what a probe spends in an
estimator belongs to the estimator. Run by `python benchmarks/stages.py [--preset quick] [--every N]`;
`--every N` takes each N-th task only.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import os
import platform
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import torch

from levinthal import data, find

cell = importlib.import_module("levinthal.studies.skips_and_dynamics.first_last_information.measure")

STAGES = {
    "error_rate": "test errors",
    "ablated_error": "test errors",
    "first_last_information": "activations read for information",
    "between_layers": "activations read for information",
    "linear_probe": "linear probes",
    "gradient_signal_to_noise": "gradient signal-to-noise ratio",
    "displacement": "displacement",
    "training_loss": "training loss",
    "mutual_information": "mutual information (KSG and relatives)",
    "cka": "CKA",
}
TRAINING = "training steps"


class Stopwatch:
    """CPU seconds of each stage, without those of the stages called from it."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self.running, self.since = TRAINING, time.process_time()

    def switch(self, stage: str) -> str:
        """Charge the time since the last switch, and go on as `stage`; returns the stage before."""
        now, before = time.process_time(), self.running
        self.seconds[before] += now - self.since
        self.running, self.since = stage, now
        return before

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its results drawn to the end within the stage."""

        @functools.wraps(function)
        def call(*args: Any, **words: Any) -> Any:
            self.calls[stage] += 1
            before = self.switch(stage)
            try:
                found = function(*args, **words)
                return list(found) if isinstance(found, Iterator) else found
            finally:
                self.switch(before)

        return call

    def probe(self, stage: str, make: Callable[..., Any]) -> Callable[..., Any]:
        """A factory of probes whose probes are timed."""
        return lambda *args, **words: self.timed(stage, make(*args, **words))


def install(watch: Stopwatch) -> None:
    """Put timed versions in the place of the names that the study's `measure` uses."""
    for name, stage in STAGES.items():
        own, is_probe = getattr(cell, name), name in ("training_loss", "mutual_information", "cka")
        setattr(cell, name, watch.timed(stage, own) if is_probe else watch.probe(stage, own))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    preset = find("first-last-information").presets[options.preset]
    loaded, tasks = data.load(preset.data or "digits"), preset.tasks[:: options.every]
    list(cell.measure(tasks[0], data=loaded))  # compile, before the clock runs
    watch = Stopwatch()
    install(watch)
    for task in tasks:
        list(cell.measure(task, data=loaded))
    watch.switch(TRAINING)
    total = sum(watch.seconds.values())
    print(f"{len(tasks)} tasks of preset {options.preset}: {total:.1f} s of CPU, one thread")
    print(f"torch {torch.__version__}, {platform.machine()}, load {os.getloadavg()[0]:.1f}\n")
    print("| stage | seconds | share | calls |\n|---|--:|--:|--:|")
    for stage, seconds in sorted(watch.seconds.items(), key=lambda item: -item[1]):
        print(f"| {stage} | {seconds:.1f} | {seconds / total:.0%} | {watch.calls[stage]} |")


if __name__ == "__main__":
    main()
