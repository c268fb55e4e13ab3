"""`watch` in Transformers: `Trainer(..., callbacks=[LevinthalCallback()])`."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from torch.optim import Optimizer

from levinthal.integrations.attending import Attending, require_extra


def _callbacks() -> tuple[type, ...]:
    try:
        return (importlib.import_module("transformers").TrainerCallback,)
    except ImportError:
        return ()


BASES = _callbacks()


class LevinthalCallback(Attending, *BASES):  # type: ignore[misc]
    """Watches training from the first batch to the last, then prints the findings.

    Transformers tells its callbacks nothing of an exception: after one, `callback.end()` takes the hooks off;
    the next training does so by itself.

    Raises InputError where Transformers is not installed, or for an unknown severity.
    """

    def __init__(self, every: int = 10, *, raise_if: str | None = None, frozen: Iterable[str] = ()) -> None:
        require_extra(bool(BASES), "Transformers", "transformers")
        super().__init__(every, raise_if=raise_if, frozen=frozen)

    def on_train_begin(self, args: Any, state: Any, control: Any, **words: Any) -> None:  # noqa: ARG002
        """Model and optimiser are ready by now."""
        self.begin(words["model"], [unwrapped(words["optimizer"])])

    def on_train_end(self, args: Any, state: Any, control: Any, **words: Any) -> None:  # noqa: ARG002
        """Say what was found, and raise what is to be raised."""
        self.end()
        if state.is_world_process_zero:
            print(self.watch)
        self.judge()


def unwrapped(optimizer: Any) -> Optimizer:
    """The optimiser whose step is taken; Accelerate's wrapper calls itself one too, and has no hooks."""
    while isinstance(getattr(optimizer, "optimizer", None), Optimizer):
        optimizer = optimizer.optimizer
    assert isinstance(optimizer, Optimizer)
    return optimizer
