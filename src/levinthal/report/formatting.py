"""Numbers as people read them: the interval decides how many digits its estimate deserves."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from levinthal.vocabulary import Estimate, rounded


def decimals(spread: float) -> int:
    """Digits after the point that show two significant digits of `spread`.

    >>> [decimals(s) for s in (0.012, 0.3, 2.5, 40.0)]
    [3, 2, 1, 0]
    """
    if not math.isfinite(spread) or spread <= 0:
        return 2
    return max(0, 1 - math.floor(math.log10(spread)))


def _most(low: float, high: float) -> int:
    """Decimals of four significant digits of the larger end: more is no use to a reader."""
    return decimals(max(abs(low), abs(high))) + 2


def number(value: float, places: int | None = None) -> str:
    """A number with `places` decimals, or three significant digits.

    >>> number(3.14159), number(-0.5, 2), number(float("nan")), number(float("inf")), number(12345.0)
    ('3.14', '−0.50', '–', '∞', '12,345')
    >>> number(0.99951), number(1 - 1e-8), number(1.0)
    ('0.99951', '0.99999999', '1.00')
    """
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if places is None and 0.9995 <= size < 1:  # three digits would say 1, which it is not
        text = f"{value:.6g}"
        return (rounded(value) if text in ("1", "-1") else text).replace("-", "−")
    if places is None:
        places = decimals(size) + 1 if 1e-4 <= size < 100 else 0 if size >= 100 or size == 0 else 99
    text = f"{value:.1e}" if places > 6 or size >= 1e7 else f"{value:,.{places}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", "−").replace("e−0", "e−").replace("e+0", "e")


def formatted(estimate: Estimate) -> tuple[str, str]:
    """The value, and its interval in the same digits with the unit after both.

    >>> from levinthal.vocabulary import Interval, Trust
    >>> formatted(Estimate(3.267, "bits", Interval(2.94, 3.61), trust=Trust.CALIBRATED))
    ('3.27', '[2.94, 3.61] bits')
    >>> formatted(Estimate.exact(0.1, "%"))
    ('0.100', '%')
    """
    if estimate.interval is None:
        return number(estimate.value), estimate.unit
    low, high = estimate.interval.low, estimate.interval.high
    places = min(decimals((high - low) / 2), _most(low, high)) if high > low else None
    span = f"[{number(low, places)}, {number(high, places)}] {estimate.unit}".rstrip()
    return number(estimate.value, places), span


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "seed"), counted(1200, "row")
    ('1 seed', '1,200 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listed(parts: Sequence[str]) -> str:
    """Parts as one phrase.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def share(value: float) -> str:
    """A share as a percentage; as a multiple from 2 on; in powers of ten where it is next to nothing.

    >>> share(0.25), share(0.0031), share(2e-9), share(30.0), share(4e7)
    ('25 %', '0.31 %', '2e-9', '30 times', '4e7 times')
    >>> share(0.9998), share(1.0)
    ('99.98 %', '100 %')
    """
    if not math.isfinite(value):
        return "no number"
    if value >= 2:
        return f"{number(value) if value < 10 else _short(value)} times"
    if 0 < value < 1e-5:
        return _short(value)
    if 0.995 <= value < 1:  # no decimals would say 100 %, which it is not
        return f"{100 * value:.{-math.floor(math.log10(100 * (1 - value)))}f} %"
    return f"{100 * value:.0f} %" if value >= 0.1 else f"{100 * value:.2g} %"


def _short(value: float) -> str:
    text = f"{value:.0f}" if 1 <= value < 1e4 else f"{value:.0e}"
    return text.replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def share_of(value: float) -> str:
    """`share` with the word that a noun follows: 25 % of (the units).

    >>> share_of(0.25), share_of(30.0), share_of(0.0)
    ('25 % of', '30 times', 'none of')
    """
    if value == 0:
        return "none of"
    return share(value) if value >= 2 else f"{share(value)} of"


_UNITS = "%|times|bits|points?|steps?|epochs?|layers?|digits?|seeds?|images?|networks?"


def unbroken(text: str) -> str:
    """A heading whose numbers stay on one line with their unit, and an interval with both of its ends.

    A line may break at a hyphen, also at that of an exponent; at a minus sign it does not.

    >>> unbroken("from 2.4 times to 10 % [8, 12]") == "from 2.4\u00a0times to 10\u00a0% [8,\u00a012]"
    True
    >>> unbroken("falls to 2e-6, well-behaved")
    'falls to 2e−6, well-behaved'
    """
    joined = re.sub(rf"(?<=\d)\s(?=(?:{_UNITS})(?!\w))", "\u00a0", text)
    joined = re.sub(r"(?<=\d,)\s(?=[−-]?[\d.]+\])", "\u00a0", joined)
    return re.sub(r"(?<=\de)-(?=\d)", "−", joined)


def sentence(text: str) -> str:
    """A text with a capital first letter."""
    return text[:1].upper() + text[1:]


def full_sentence(text: str) -> str:
    """A text with a capital first letter and a full stop.

    >>> full_sentence("it falls"), full_sentence("dropped: “It falls.”")
    ('It falls.', 'Dropped: “It falls.”')
    """
    return sentence(text) + ("" if text.endswith((".", ".”")) else ".")
