"""The cells of every preset: networks that learn mirror symmetry or a random function, and their gradient.

A cell's factors: `task` ("symmetry", "random function", or "gradient"), `nets` per seed, and `sweeps`.
"""

from __future__ import annotations

from levinthal.vocabulary import Preset, Task

SOURCE = "Rumelhart, Hinton & Williams 1986, Nature 323, fig. 1"
TASKS = {"symmetry": "mirror symmetry", "random function": "random function"}
NEAR = 0.05
"""How far, relatively, a weight may be from a ratio of whole numbers."""


def _preset(about: str, nets: int, sweeps: int, seeds: int) -> Preset:
    def task(name: str) -> Task:
        return Task({"task": name, "nets": nets, "sweeps": sweeps}, tuple(range(seeds)))

    return Preset(about, None, tuple(map(task, (*TASKS, "gradient"))))


PRESETS = {
    "quick": _preset("8 seeds of 20 networks, 10,000 sweeps: half a minute", 20, 10_000, 8),
    "standard": _preset("12 seeds of 40 networks, 20,000 sweeps: minutes", 40, 20_000, 12),
}
