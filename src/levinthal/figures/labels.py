"""Direct labels: at the ends of lines where they fit, and beside points that look identical."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from levinthal.figures.keys import KEY_SIZE, LINE, escaped, key_of, text_width
from levinthal.figures.palette import Look
from levinthal.figures.scales import Scale
from levinthal.vocabulary import Figure, Panel, Series

_ROOMY = 480
_BESIDE = 8


def end_labels(
    panel: Panel, number: int, scales: tuple[Scale, Scale], looks: Mapping[str, Look], height: float
) -> list[dict[str, Any]]:
    """Annotations with the name of every line at its right end, moved apart until none overlap."""
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
    """Sorted positions, moved as little as necessary to be `least` apart and within 0 to `height`.

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
    """Pixels of margin that labels at the ends of all lines need, or 0 if they do not fit."""
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
    """Annotations beside the points named in `names`, placed to cover no other label, point or whisker.

    `size` is the plot's width and height in pixels.
    """
    wanted = set(names)
    points = [s for s in panel.series if s.role == "point" and len(s.x) == 1]
    spots = {s.name: spot for s in points if (spot := _spot(s, scales, size)) is not None}
    taken = {name: Box(spot.x - 5, spot.x + 5, spot.low - 5, spot.high + 5) for name, spot in spots.items()}
    labels = []
    for name, spot in sorted(spots.items(), key=lambda item: item[1].y):
        if name not in wanted:
            continue
        others = [box for other, box in taken.items() if other != name]
        place = min(
            _places(spot, text_width(name, KEY_SIZE), size), key=lambda box: _crowding(box, spot, others)
        )
        taken[f"label of {name}"] = place
        labels.append(_beside(name, spot, place, number, size))
    return labels


class Spot(NamedTuple):
    """A point in pixels from the plot's lower left, and how far its whisker reaches."""

    x: float
    y: float
    low: float
    high: float


class Box(NamedTuple):
    """A rectangle in pixels."""

    left: float
    right: float
    bottom: float
    top: float


def _spot(series: Series, scales: tuple[Scale, Scale], size: tuple[float, float]) -> Spot | None:
    x, y = scales[0].share(series.x[0]), scales[1].share(series.y[0])
    if x is None or y is None:
        return None
    low, high = (scales[1].share(end[0]) if end else None for end in (series.low, series.high))
    return Spot(
        x * size[0],
        y * size[1],
        (y if low is None else low) * size[1],
        (y if high is None else high) * size[1],
    )


def _places(spot: Spot, wide: float, size: tuple[float, float]) -> Iterator[Box]:
    """Boxes to the right and to the left of a point, higher and lower, inside the plot's width."""
    half = (LINE - 4) / 2
    for step in (0, 1, -1, 2, -2, 3, -3, 4, -4):
        middle = spot.y + step * half
        for left in (spot.x + _BESIDE, spot.x - _BESIDE - wide):
            if left >= 0 and left + wide <= size[0]:
                yield Box(left, left + wide, middle - half, middle + half)
    yield Box(spot.x + _BESIDE, spot.x + _BESIDE + wide, spot.y - half, spot.y + half)


def _crowding(box: Box, spot: Spot, others: Iterable[Box]) -> tuple[float, float]:
    """Area shared with others, then the distance from the level of its own point."""
    shared = sum(
        max(0.0, min(box.right, other.right) - max(box.left, other.left))
        * max(0.0, min(box.top, other.top) - max(box.bottom, other.bottom))
        for other in others
    )
    return shared, abs((box.bottom + box.top) / 2 - spot.y)


def _beside(name: str, spot: Spot, place: Box, number: int, size: tuple[float, float]) -> dict[str, Any]:
    right = place.left > spot.x
    return {
        "text": escaped(name), "font": {"size": KEY_SIZE - 1, "color": "token:muted"},
        "xref": _ref("x", number), "yref": _ref("y", number), "x": round(spot.x / size[0], 4),
        "y": round((place.bottom + place.top) / 2 / size[1], 4), "xanchor": "left" if right else "right",
        "yanchor": "middle", "xshift": _BESIDE if right else -_BESIDE, "showarrow": False,
    }  # fmt: skip
