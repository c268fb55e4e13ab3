"""A public function of the Python API, right arguments for it, and values to try in the place of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks.abuse.attack import Attack, call
from benchmarks.abuse.wrong_values import Values

REFUSED, TAKEN, EITHER = frozenset({2}), frozenset({0}), frozenset({0, 2})
EVERY = int(os.environ.get("ABUSE_EVERY", "4"))
"""One value in so many is tried, of each argument others: 1 tries all."""
LONGEST = 60
"""Letters of a value in the name of an attack."""


@dataclass(frozen=True)
class Target:
    """A public function.

    Attributes:
        name: As one would write it.
        function: Is called with all arguments by name.
        right: Makes the arguments that are right.
        wrong: Argument -> values that have to be refused, in an error that names the argument.
        same: Argument -> values that mean what a right one means, and have to be taken.
        either: Argument -> values that may be taken or refused, in a line.
        called: Argument -> what the error calls it, where not by its name.
    """

    name: str
    function: Callable[..., Any]
    right: Callable[[], Mapping[str, Any]]
    wrong: Mapping[str, Values] = field(default_factory=dict)
    same: Mapping[str, Values] = field(default_factory=dict)
    either: Mapping[str, Values] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)

    def attacks(self) -> Iterator[Attack]:
        """Every argument with its share of the values."""
        for values, codes in ((self.wrong, REFUSED), (self.same, TAKEN), (self.either, EITHER)):
            for place, (argument, tried) in enumerate(values.items()):
                says = (self.called.get(argument, argument),) if codes == REFUSED else ()
                for text, make in list(tried.items())[place % EVERY :: EVERY]:
                    name = f"{self.name}({argument}={text[:LONGEST]})"
                    called = partial(self._called, argument, make)
                    yield call(f"{self.name}", name, called, *says, codes=codes)
        yield call(self.name, f"{self.name}, right arguments", self._rightly, codes=TAKEN)

    def _called(self, argument: str, make: Callable[[], Any]) -> object:
        return used(self.function(**{**self.right(), argument: make()}))

    def _rightly(self) -> object:
        return used(self.function(**self.right()))


def used(result: Any) -> str:
    """What came back, read to its end: of a generator all of it, of a value its text."""
    if isinstance(result, Iterator):
        result = list(result)
    return f"{type(result).__name__} came back"
