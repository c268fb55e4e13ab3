"""`watch` in Transformers: `Trainer(..., callbacks=[LevinthalCallback()])`."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from levinthal.integrations.attending import Attending, require_extra


def _callbacks() -> tuple[type, ...]:
    try:
        return (importlib.import_module("transformers").TrainerCallback,)
    except ImportError:
        return ()


BASES = _callbacks()


class LevinthalCallback(Attending, *BASES):  # type: ignore[misc]
    """Watch a training from the first batch to the last, then print the findings.

    Transformers does not inform its callbacks of an exception. After one, call `callback.end()` to remove the
    hooks; the next training removes them by itself.

    Args:
        every: One step in so many is sampled, as in `levinthal.watch`.
        raise_if: Raise FindingError after training where there is a finding of this severity or worse.
        frozen: Prefixes of the names of parameters that are meant to stay, as in `levinthal.watch`.

    Raises:
        InputError: Transformers is not installed, or the severity is unknown.
    """

    def __init__(self, every: int = 10, *, raise_if: str | None = None, frozen: Iterable[str] = ()) -> None:
        require_extra(bool(BASES), "Transformers", "transformers")
        super().__init__(every, raise_if=raise_if, frozen=frozen)

    def on_train_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:  # noqa: ARG002
        """Begin the watch: model and optimiser exist now."""
        self.begin(keywords["model"], [keywords["optimizer"]])

    def on_train_end(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:  # noqa: ARG002
        """End the watch, print the findings, and raise where `raise_if` asks for it."""
        self.end()
        if state.is_world_process_zero:
            print(self.watch)
        self.judge()
