"""The arguments of `watch`: one line for those that cannot be watched with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch.optim import Optimizer

from levinthal.arguments import article, whole
from levinthal.errors import InputError


def require_every(every: Any) -> None:
    """Raise InputError where `every` is no number of steps.

    >>> require_every(10)
    >>> require_every(0)
    Traceback (most recent call last):
        ...
    levinthal.errors.InputError: every=0 is no number of steps between samples: use every=1 or more
    """
    whole("every", every, least=1, because="is no number of steps between samples")


def as_optimizers(optimizer: Any) -> tuple[Optimizer, ...]:
    """One optimiser or several as a tuple; of any type, which `TrainingSetup.of` checks.

    Raises:
        InputError: There is none.
    """
    several = isinstance(optimizer, Iterable) and not isinstance(optimizer, Optimizer | str | bytes | Mapping)
    optimizers = tuple(optimizer) if several else (optimizer,)
    if not optimizers:
        raise InputError("0 optimisers: pass the one, or the ones, that train the model")
    return optimizers


def as_frozen(frozen: Any) -> tuple[str | Callable[[str], bool], ...]:
    """One prefix, pattern or predicate, or several, as a tuple.

    Raises:
        InputError: One of them is none of these.

    >>> as_frozen("backbone."), as_frozen(["a.", "b."])
    (('backbone.',), ('a.', 'b.'))
    """
    given = tuple(frozen if isinstance(frozen, Iterable) and not isinstance(frozen, str) else (frozen,))
    odd = [type(each).__name__ for each in given if not isinstance(each, str) and not callable(each)]
    if odd:
        raise InputError(
            f"frozen= has {article(odd[0])}: give prefixes, patterns or predicates, such as ('backbone.',)"
        )
    return given
