"""Where tasks are computed: here (`Inline`), or elsewhere by whatever has the two members of `Executor`.

A cluster engine joins by a class of its own. `function` and the items must be picklable for all but
`Inline`; `function` travels once to each worker, so that data bound to it do too.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

Answer = tuple[Any, Any]


def ignore(_: object) -> None:
    """The callback that does nothing."""


@runtime_checkable
class Executor(Protocol):
    """Computes `function(item)` for every item.

    `run` yields (item, result) as results come in; what `function` raised takes the result's place.
    `on_start(item)` is called where the caller is, when an item is handed out. Closing the iterator
    early stops all work.
    """

    @property
    def workers(self) -> int:
        """How many items are computed at a time."""
        ...

    def run(
        self, function: Callable[[Any], Any], items: Sequence[Any], on_start: Callable[[Any], None] = ignore
    ) -> Generator[Answer, None, None]:
        """Call a function for each item, in the order of completion.

        Args:
            function: called with each item; it must be importable in a worker process.
            items: its arguments.
            on_start: called with each item before its work begins.

        Yields:
            Each item with its result or its exception.
        """
        ...


@dataclass(frozen=True, slots=True)
class Inline:
    """One item after another in this process.

    Attributes:
        workers: always 1.

    >>> list(Inline().run(abs, [-1, 2]))
    [(-1, 1), (2, 2)]
    """

    workers: int = 1

    def run(
        self,
        function: Callable[[Any], Any],
        items: Sequence[Any],
        on_start: Callable[[Any], None] = ignore,
    ) -> Generator[Answer, None, None]:
        """Call a function for each item, in order.

        Args:
            function: called with each item.
            items: its arguments.
            on_start: called with each item before its work begins.

        Yields:
            Each item with its result or its exception.
        """
        for item in items:
            on_start(item)
            yield item, attempt(function, item)


def attempt(function: Callable[[Any], Any], item: Any) -> Any:
    """What the function returns, or the exception it raised."""
    try:
        return function(item)
    except Exception as error:
        return error
