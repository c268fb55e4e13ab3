"""Arguments of a call: a wrong one is one line with its name, its value, what is expected, and the way out.

Each function returns the value in the plain type of Python, so that a number of numpy or torch is as good as
one of Python. A truth value is no number.

>>> import numpy
>>> whole("k", numpy.int64(3), least=1)
3
>>> whole("k", 2.5, least=1)
Traceback (most recent call last):
    ...
levinthal.errors.InputError: k=2.5 is no whole number: pass 1 or more
"""

from __future__ import annotations

import math
import operator
import reprlib
from collections.abc import Callable, Iterable
from typing import Any

from levinthal.errors import InputError

DIGITS = 30
"""A whole number with more digits is shown as a power of ten."""
_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 40
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = _SHORT.maxdict = 4


def in_short(value: Any) -> str:
    """A value in one short line without control characters, for a message.

    >>> in_short("a\\nb"), in_short(10**5000), in_short([1, 2, 3, 4, 5])
    ("'a\\\\nb'", 'about 10**5000', '[1, 2, 3, 4, ...]')
    """
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, int) and not -(10**DIGITS) < value < 10**DIGITS:
        return f"about {'-' * (value < 0)}10**{round(value.bit_length() * math.log10(2))}"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"{article(type(value).__name__)} of shape {tuple(shape)}"
    if callable(value) and hasattr(value, "__name__"):
        return f"the function {value.__name__}"
    try:
        text = _SHORT.repr(value)
    except Exception:
        text = ""
    plain = text.isprintable() and 0 < len(text) <= 80
    return text if plain else article(type(value).__name__)


def article(noun: str) -> str:
    """A noun with its article.

    >>> article("int"), article("Tensor")
    ('an int', 'a Tensor')
    """
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def whole(
    name: str, value: Any, *, least: int | None = None, most: int | None = None, because: str = ""
) -> int:
    """A whole number.

    Args:
        name: The argument, for the message.
        value: What was passed: a whole number of Python, numpy or torch.
        least: The smallest that is allowed.
        most: The largest that is allowed.
        because: What a number below `least` does, as in "steps=-1 goes back in time".

    Returns:
        The number.

    Raises:
        InputError: It is none, a truth value, a fraction, or out of the range.
    """
    number = value if type(value) is int else _index(name, value, _range(least, most))
    if least is not None and number < least:
        why = because or f"is less than {least}"
        raise InputError(f"{name}={in_short(number)} {why}: use {name}={in_short(least)} or more")
    if most is not None and number > most:
        raise InputError(f"{name}={in_short(number)} is more than {most:,}: use {name}={most} or less")
    return number


def number(
    name: str,
    value: Any,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    above: float | None = None,
    below: float | None = None,
    finite: bool = False,
    nan: bool = False,
    because: str = "",
) -> float:
    """A real number; NaN only where it is allowed.

    Args:
        name: The argument, for the message.
        value: What was passed: a number of Python, numpy or torch.
        least: The smallest that is allowed.
        most: The largest that is allowed.
        above: The number that it has to be larger than.
        below: The number that it has to be smaller than.
        finite: Whether infinity is out of the range.
        nan: Whether NaN is allowed, where it stands for no number.
        because: What a number out of the range does, as in "lr=-1.0 goes uphill".

    Returns:
        The number.

    Raises:
        InputError: It is none, a truth value, NaN, or out of the range.

    >>> number("lr", -1.0, least=0, because="goes uphill")
    Traceback (most recent call last):
        ...
    levinthal.errors.InputError: lr=-1.0 goes uphill: pass a number of 0 or more
    """
    found = value if type(value) is float else _real(value)
    low, high = (least if above is None else above), (most if below is None else below)
    asked = _asked(low, high, above is not None, below is not None)
    if found is None:
        raise InputError(f"{name}={in_short(value)} is no number: pass {asked}")
    is_inside = (
        least <= found <= most and (above is None or found > above) and (below is None or found < below)
    )
    if nan and math.isnan(found):
        return found
    if not is_inside or (finite and math.isinf(found)):
        why = "is no number" if math.isnan(found) else because or "is out of range"
        raise InputError(f"{name}={in_short(value)} {why}: pass {asked}")
    return found


def flag(name: str, value: Any) -> bool:
    """A truth value of Python, numpy or torch.

    Raises:
        InputError: It is none.

    >>> flag("debiased", "no")
    Traceback (most recent call last):
        ...
    levinthal.errors.InputError: debiased='no' is neither True nor False: pass one of them
    """
    if not is_truth(value):
        raise InputError(f"{name}={in_short(value)} is neither True nor False: pass one of them")
    return bool(value)


def is_truth(value: Any) -> bool:
    """Whether a value is one truth value of Python, numpy or torch."""
    kind = str(getattr(value, "dtype", "")).removeprefix("torch.")
    return isinstance(value, bool) or (kind == "bool" and getattr(value, "shape", None) == ())


def function(name: str, value: Any, example: str) -> Callable[..., Any]:
    """A function, or anything else that can be called; a class of a module is not meant.

    Raises:
        InputError: It cannot be called.

    >>> function("on_finding", 5, "a function of one Finding, such as print")
    Traceback (most recent call last):
        ...
    levinthal.errors.InputError: on_finding=5 is no function: pass a function of one Finding, such as print
    """
    if not callable(value):
        raise InputError(f"{name}={in_short(value)} is no function: pass {example}")
    called: Callable[..., Any] = value
    return called


def several(name: str, value: Any, example: str) -> list[Any]:
    """The members of a list, a tuple, a set, an array or another iterable of values; no text, no mapping.

    Raises:
        InputError: It holds no values.

    >>> several("seeds", 5, "seeds=(0,)")
    Traceback (most recent call last):
        ...
    levinthal.errors.InputError: seeds=5 is no list of values: pass seeds=(0,)
    """
    is_list = isinstance(value, Iterable) and not isinstance(value, str | bytes | dict)
    try:
        return list(value) if is_list else _refuse_list(name, value, example)
    except TypeError:  # an array without axes says that it can be iterated
        return _refuse_list(name, value, example)


def _refuse_list(name: str, value: Any, example: str) -> list[Any]:
    raise InputError(f"{name}={in_short(value)} is no list of values: pass {example}")


def _index(name: str, value: Any, asked: str) -> int:
    """A whole number of another library."""
    try:
        if not is_truth(value) and getattr(value, "shape", ()) == ():
            return operator.index(value)
    except Exception:  # what is no whole number answers in many ways
        pass
    real = _real(value)
    near = real is not None and real.is_integer()
    raise InputError(
        f"{name}={in_short(value)} is no whole number: pass {int(real) if near and real else asked}"
    )


def _real(value: Any) -> float | None:
    """The value as a float; None where it is no single real number."""
    if is_truth(value) or isinstance(value, str | bytes | bytearray) or getattr(value, "shape", ()) != ():
        return None
    if getattr(getattr(value, "dtype", None), "kind", "f") not in "fiu":  # numpy's texts, dates, objects
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except Exception:  # what is no number answers in many ways
        return None


def _range(least: int | None, most: int | None) -> str:
    if least is None:
        return "a whole number"
    return f"{least} or more" if most is None else f"one from {least} to {most:,}"


def _asked(low: float, high: float, is_above: bool, is_below: bool) -> str:
    """The numbers that are allowed, in words."""
    least = f"above {low:g}" if is_above else f"of {low:g} or more"
    most = f"below {high:g}" if is_below else f"of {high:g} or less"
    ends = [word for word, end in ((least, low), (most, high)) if math.isfinite(end)]
    return " ".join(["a number", " and ".join(ends)]).strip()
