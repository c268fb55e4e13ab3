"""The cells of every preset: chains of a case and length, or a scan of the window.

A cell's factors: `case` (gaussian, balanced, contrived, "one factor short"; or "window", "tanh window") and
`length`, the layers of the chain (1 for a scan).
"""

from __future__ import annotations

from levinthal.vocabulary import Preset, Task

SOURCE = "Nielsen, Neural Networks and Deep Learning (2015), ch. 5"
CASES = ("gaussian", "balanced", "contrived")
SHORT = "one factor short"
SCANS = ("window", "tanh window")
CHAINS = 200  # a seed's value is the mean over so many chains, or the worst of them


def _preset(about: str, lengths: tuple[int, ...], seeds: int) -> Preset:
    chains = [(case, length) for case in (*CASES, SHORT) for length in lengths]
    cells = [*chains, *((case, 1) for case in SCANS)]
    return Preset(about, None, tuple(Task({"case": c, "length": n}, tuple(range(seeds))) for c, n in cells))


PRESETS = {
    "quick": _preset("chains of 3 and 6, 8 seeds: a second", (3, 6), 8),
    "standard": _preset("chains of 3 to 48, 12 seeds: seconds", (3, 6, 12, 24, 48), 12),
}
