"""Names beside what they name: at the ends of lines where they fit, beside points that look alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from levinthal.figures.keys import KEY_SIZE, LINE, escaped, key_of, text_width
from levinthal.figures.palette import Look
from levinthal.figures.scales import Scale
from levinthal.vocabulary import Figure, Panel, Series

_ROOMY = 480
_BESIDE = 8


def end_labels(
    panel: Panel, number: int, scales: tuple[Scale, Scale], looks: Mapping[str, Look], height: float
) -> list[dict[str, Any]]:
    """Annotations naming every line of a panel at its right end, pushed apart until none overlap."""
    named = [s for s in panel.series if s.role != "seed" and s.name]
    shares = [_last_share(s, scales[1]) for s in named]
    order = sorted(range(len(named)), key=lambda i: shares[i])
    spots = spread([shares[i] * height for i in order], LINE - 4, height)
    labels = []
    for i, spot in zip(order, spots, strict=True):
        key = key_of(named[i].name, named[i], looks[named[i].group])
        glyph = (
            "" if named[i].role == "reference" else f'<span style="color:{key.colour}">{key.glyph}</span> '
        )
        labels.append({
            "text": glyph + escaped(key.name), "font": {"size": KEY_SIZE, "color": key.text},
            "xref": _ref("x", number), "yref": _ref("y", number), "x": 1, "y": round(spot / height, 4),
            "xanchor": "left", "yanchor": "middle", "xshift": _BESIDE, "showarrow": False,
        })  # fmt: skip
    return labels


def _ref(letter: str, number: int) -> str:
    return f"{letter}{number if number > 1 else ''} domain"


def _last_share(series: Series, scale: Scale) -> float:
    shares = [share for share in map(scale.share, series.y) if share is not None]
    return shares[-1] if shares else 0.0


def spread(spots: Sequence[float], least: float, height: float) -> list[float]:
    """Sorted places moved as little as need be until neighbours are `least` apart, within 0 to `height`.

    >>> spread([10.0, 11.0, 50.0], 10, 100)
    [10.0, 20.0, 50.0]
    >>> spread([95.0, 99.0], 10, 100)
    [90.0, 100.0]
    """
    placed: list[float] = []
    for spot in spots:
        placed.append(max(spot, placed[-1] + least if placed else 0.0))
    ceiling = float(height)
    for i in reversed(range(len(placed))):
        placed[i] = min(placed[i], ceiling)
        ceiling = placed[i] - least
    return placed


def labels_fit(figure: Figure, scales: Sequence[tuple[Scale, Scale]], room: float, height: float) -> float:
    """Pixels of margin that labels at the ends of all lines need, or 0 where they do not fit."""
    if room < _ROOMY:
        return 0.0
    widest = 0.0
    for panel, (across, _) in zip(figure.panels, scales, strict=True):
        named = [s for s in panel.series if s.role != "seed" and s.name]
        ends = [across.share(x) for s in named if s.role != "reference" for x in s.x[-1:]]
        lines = all(s.role in ("median", "reference") and not s.arrow for s in named)
        if not lines or across.categories or len(named) * (LINE - 4) > height:
            return 0.0
        if any(end is None or end < 0.9 for end in ends):
            return 0.0
        widest = max([widest, *(text_width(f"● {s.name}", KEY_SIZE) for s in named)])
    return widest + 14 if widest <= 0.28 * room else 0.0


def point_labels(
    panel: Panel, number: int, scales: tuple[Scale, Scale], names: Iterable[str], size: tuple[float, float]
) -> list[dict[str, Any]]:
    """Annotations beside the points named in `names`, on the side with room, moved up off one another.

    `size` is the plot's width and height in pixels.
    """
    wanted = set(names)
    spots = [
        (s, scales[0].share(s.x[0]), scales[1].share(s.y[0]))
        for s in panel.series
        if s.name in wanted and s.role == "point"
    ]
    placed: list[tuple[float, float, float]] = []
    labels = []
    for series, x, y in sorted(((s, x, y) for s, x, y in spots if x is not None and y is not None),
                               key=lambda spot: spot[2]):  # fmt: skip
        wide = text_width(series.name, KEY_SIZE)
        right = x * size[0] + _BESIDE + wide > size[0]
        left = x * size[0] + (-_BESIDE - wide if right else _BESIDE)
        up = y * size[1]
        for start, end, other in placed:
            if left < end and start < left + wide and abs(up - other) < LINE - 4:
                up = other + LINE - 4
        placed.append((left, left + wide, up))
        labels.append({
            "text": escaped(series.name), "font": {"size": KEY_SIZE - 1, "color": "token:muted"},
            "xref": _ref("x", number), "yref": _ref("y", number), "x": round(x, 4),
            "y": round(up / size[1], 4), "xanchor": "right" if right else "left", "yanchor": "middle",
            "xshift": -_BESIDE if right else _BESIDE, "showarrow": False,
        })  # fmt: skip
    return labels
