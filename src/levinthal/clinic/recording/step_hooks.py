"""The steps of all optimisers, through one pair of torch's global hooks that several watches share.

torch iterates over its hooks while a step begins or ends, and a hook that is added or removed then would be
an error in the user's step. So the pair stays while anything holds it: an observer of a whole program, which
begins and ends watches within steps, holds it from its beginning to its end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils.hooks import RemovableHandle

Hook = Callable[[Optimizer, tuple[Any, ...], dict[str, Any]], None]


class StepHooks:
    """Functions that are called before and after each step of any optimiser.

    >>> import torch
    >>> calls, hooks = [], StepHooks()
    >>> let_go = hooks.hold(lambda *_: calls.append("before"), lambda *_: calls.append("after"))
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
    >>> optimizer.step()
    >>> let_go()
    >>> optimizer.step()
    >>> calls
    ['before', 'after']
    """

    def __init__(self) -> None:
        self._held: tuple[tuple[Hook, Hook], ...] = ()
        self._handles: list[RemovableHandle] = []

    def hold(self, before: Hook, after: Hook) -> Callable[[], None]:
        """Call two functions from here on.

        Args:
            before: Is called before each step, with the optimiser and the arguments of the step.
            after: The same after each step.

        Returns:
            A function that ends it.
        """
        pair = (before, after)
        if not self._held:
            self._handles = [
                register_optimizer_step_pre_hook(self._before),
                register_optimizer_step_post_hook(self._after),
            ]
        self._held = (*self._held, pair)
        return lambda: self._let_go(pair)

    def _let_go(self, pair: tuple[Hook, Hook]) -> None:
        self._held = tuple(each for each in self._held if each is not pair)
        if not self._held:
            for handle in self._handles:
                handle.remove()
            self._handles = []

    def _before(self, optimizer: Optimizer, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        for before, _ in self._held:
            before(optimizer, args, words)

    def _after(self, optimizer: Optimizer, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        for _, after in self._held:
            after(optimizer, args, words)


def nothing(*_: Any) -> None:
    """What is done at an end that nobody awaits."""


STEP_HOOKS = StepHooks()
"""The pair of this process."""
