"""Prefixes, patterns and predicates of parameters that are meant to stay frozen: each has to match one."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase

from torch import nn

from levinthal.clinic.failures.wording import failure
from levinthal.errors import InputError


def require_known_prefixes(model: nn.Module, frozen: Iterable[str | Callable[[str], bool]]) -> None:
    """Raise InputError for a prefix with which no parameter, buffer or module begins, with the nearest names.

    >>> require_known_prefixes(nn.Linear(2, 2), ["weight"])
    >>> require_known_prefixes(nn.Linear(2, 2), ["wieght"])
    Traceback (most recent call last):
        ...
    levinthal.errors.InputError: frozen='wieght' matches no parameter: did you mean 'weight'? (weight, bias)
    """
    parameters = [name for name, _ in model.named_parameters()]
    others = (*(name for name, _ in model.named_modules()), *(name for name, _ in model.named_buffers()))
    for prefix in frozen:
        if callable(prefix):
            if not any(_says_yes(prefix, name) for name in (*parameters, *others)):
                raise InputError("the predicate frozen= matches no parameter: it gets the name of each")
        elif not any(_fits(name, prefix) for name in (*parameters, *others)):
            raise InputError(f"frozen={prefix!r} matches no parameter: {_nearest(prefix, parameters)}")


def _says_yes(predicate: Callable[[str], bool], name: str) -> bool:
    """What a predicate answers. Raises InputError where it fails."""
    try:
        return bool(predicate(name))
    except Exception as error:
        raise InputError(
            f"{failure(error, f'the predicate frozen= of the name {name!r}')}: return a bool"
        ) from error


def _fits(name: str, prefix: str) -> bool:
    return f"{name}.".startswith(prefix) or fnmatchcase(name, prefix)


def _nearest(prefix: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(prefix, names, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else "known: "
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return f"{hint}({', '.join(names[:4])}{more})"
