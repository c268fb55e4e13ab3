"""Colours of the light and the dark theme, by name, and the colour and mark of every group and level.

The four architectures keep Okabe and Ito's hues (Color Universal Design, 2008), each a little darkened or
lightened until it stands at least 3:1 (marks) or 4.5:1 (`-text`) off its background. Ordered factors use
the part of viridis that does the same.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from types import MappingProxyType

ARCHITECTURES = ("mlp", "shortcut", "residual", "shortcut-residual")
NULLS = frozenset({"control", "null", "shuffled", "reference", "random", "chance"})
OTHERS = 6
LEVEL_STEP = 5

_VIRIDIS = (
    "#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c", "#22a884", "#44bf70", "#7ad151",
    "#bddf26", "#fde725",
)  # fmt: skip
_MARKS = MappingProxyType(
    {
        "mlp": ("circle", "●", "○"),
        "shortcut": ("triangle-up", "▲", "△"),
        "residual": ("square", "■", "□"),
        "shortcut-residual": ("diamond", "◆", "◇"),
        "other-0": ("triangle-down", "▼", "▽"),
        "other-1": ("pentagon", "⬟", "⬠"),
        "other-2": ("star", "★", "☆"),
        "other-3": ("hexagon2", "⬢", "⬡"),
        "other-4": ("triangle-left", "◀", "◁"),
        "other-5": ("triangle-right", "▶", "▷"),
        "null": ("circle", "●", "○"),
    }
)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, in [0, 1] (WCAG 2.1).

    >>> luminance("#ffffff"), luminance("#000000")
    (1.0, 0.0)
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in
              (channel / 255 for channel in _channels(colour))]  # fmt: skip
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.1): (L1 + .05) / (L2 + .05), L1 the lighter.

    >>> contrast("#000000", "#ffffff")
    21.0
    """
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def viridis(level: float) -> str:
    """The colour of viridis at `level` in [0, 1], between eleven anchors.

    >>> viridis(0.0), viridis(1.0)
    ('#440154', '#fde725')
    """
    place = min(max(level, 0.0), 1.0) * (len(_VIRIDIS) - 1)
    left = min(int(place), len(_VIRIDIS) - 2)
    pairs = zip(_channels(_VIRIDIS[left]), _channels(_VIRIDIS[left + 1]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * (place - left)):02x}" for a, b in pairs)


def _levels(low: float, high: float) -> dict[str, str]:
    steps = range(0, 101, LEVEL_STEP)
    return {f"level-{step}": viridis(low + (high - low) * step / 100) for step in steps}


LIGHT: MappingProxyType[str, str] = MappingProxyType(
    {
        "paper": "#ffffff", "raised": "#f4f6f8", "ink": "#15191e", "muted": "#59626d", "rule": "#d5dae0",
        "grid": "#e8ebee", "accent": "#0b5cad", "null": "#6c7580", "null-text": "#59626d",
        "mlp": "#0072b2", "mlp-text": "#00629a",
        "shortcut": "#d55e00", "shortcut-text": "#b04d00",
        "residual": "#009e73", "residual-text": "#00755a",
        "shortcut-residual": "#c4699b", "shortcut-residual-text": "#a3467b",
        "other-0": "#a87400", "other-0-text": "#805800",
        "other-1": "#2e93c9", "other-1-text": "#1a6f9c",
        "other-2": "#6d4fb3", "other-2-text": "#5d40a0",
        "other-3": "#7d8b1e", "other-3-text": "#5f6a12",
        "other-4": "#8c4a32", "other-4-text": "#7d3f28",
        "other-5": "#3f5d7a", "other-5-text": "#36526d",
        "replicates": "#00704f", "partially": "#8a5a00", "weaker-than-claimed": "#a5450a",
        "does-not-replicate": "#b3261e", "inconclusive": "#59626d", "reported": "#0b5cad",
        **_levels(0.0, 0.59),
    }
)  # fmt: skip
DARK: MappingProxyType[str, str] = MappingProxyType(
    {
        "paper": "#14171b", "raised": "#1d2126", "ink": "#e9ecef", "muted": "#a4adb8", "rule": "#363d45",
        "grid": "#272c32", "accent": "#7ab8f5", "null": "#8b95a1", "null-text": "#a4adb8",
        "mlp": "#4ba6e0", "mlp-text": "#6db8e8",
        "shortcut": "#f58231", "shortcut-text": "#fb9a55",
        "residual": "#2dbd91", "residual-text": "#4fcaa4",
        "shortcut-residual": "#e09cc2", "shortcut-residual-text": "#e6aecd",
        "other-0": "#e0aa2b", "other-0-text": "#e6b84d",
        "other-1": "#86d0f5", "other-1-text": "#9ad8f7",
        "other-2": "#a78bea", "other-2-text": "#b8a1ef",
        "other-3": "#b8c64a", "other-3-text": "#c3cf66",
        "other-4": "#c98a70", "other-4-text": "#d49d86",
        "other-5": "#8fafcf", "other-5-text": "#a2bdd8",
        "replicates": "#4fcaa4", "partially": "#e6b84d", "weaker-than-claimed": "#f2965a",
        "does-not-replicate": "#ff8a80", "inconclusive": "#a4adb8", "reported": "#7ab8f5",
        **_levels(0.36, 1.0),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """Colour, text colour (tokens), mark (plotly's symbol) and the mark as a character, full and open."""

    colour: str
    text: str
    symbol: str
    full: str
    open: str

    def faint(self, alpha: float) -> str:
        """The colour, see-through."""
        return f"{self.colour}/{alpha:g}"


def _slot(group: str) -> str:
    name = "-".join(group.lower().replace("_", " ").replace("+", " ").split())
    if name in ARCHITECTURES:
        return name
    if not name or NULLS & set(name.split("-")):
        return "null"
    return f"other-{zlib.crc32(name.encode()) % OTHERS}"


def looks(groups: tuple[str, ...]) -> dict[str, Look]:
    """The look of every group: the four architectures' own, else one by name, moved on when it is taken.

    >>> looks(("mlp", "shortcut"))["shortcut"].symbol
    'triangle-up'
    """
    slots: dict[str, str] = {}
    for group in sorted(set(groups)):
        slot = _slot(group)
        while slot.startswith("other") and slot in slots.values() and len(slots) < OTHERS:
            slot = f"other-{(int(slot[-1]) + 1) % OTHERS}"
        slots[group] = slot
    return {group: _look(slot) for group, slot in slots.items()}


def _look(slot: str) -> Look:
    return Look(f"token:{slot}", f"token:{slot}-text", *_MARKS[slot])


def at_level(look: Look, level: float | None) -> Look:
    """`look` with its colour taken from the sequential scale, if there is a level in [0, 1]."""
    if level is None:
        return look
    step = round(min(max(level, 0.0), 1.0) * 100 / LEVEL_STEP) * LEVEL_STEP
    return Look(f"token:level-{step}", "token:ink", look.symbol, look.full, look.open)
