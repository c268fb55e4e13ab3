"""The base class of the callbacks: a watch that an external trainer begins and ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Any

from torch import nn
from torch.optim import Optimizer

from levinthal.clinic.recording.validation import LossFn
from levinthal.clinic.watching import Watch, watch
from levinthal.errors import InputError, require_one_of
from levinthal.vocabulary import Severity


class Attending:
    """Base class of the callbacks.

    Args:
        every: One step in so many is sampled, as in `levinthal.watch`.
        raise_if: Raise FindingError after training where there is a finding of this severity or worse.
        frozen: Prefixes of the names of parameters that are meant to stay, as in `levinthal.watch`.

    Raises:
        InputError: The severity is unknown.
    """

    def __init__(self, every: int = 10, *, raise_if: str | None = None, frozen: Iterable[str] = ()) -> None:
        super().__init__()
        if raise_if is not None:
            require_one_of("severity", raise_if, map(str, Severity))
        self.every, self.raise_if, self.frozen = every, raise_if, tuple(frozen)
        self._watch: Watch | None = None
        self._open = ExitStack()

    @property
    def watch(self) -> Watch:
        """The watch of the last training, as in `callback.watch.findings()`.

        Raises:
            InputError: No training has begun.
        """
        if self._watch is None:
            raise InputError(
                "no training has been watched: the watch begins when the trainer starts to train"
            )
        return self._watch

    def begin(
        self,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        *,
        loss_fn: LossFn | None = None,
        validation: Any = None,
    ) -> None:
        """Begin a watch, and end the one before.

        Args:
            model: The network.
            optimizers: Its optimisers; the steps of the first one are counted.
            loss_fn: As in `levinthal.watch`.
            validation: As in `levinthal.watch`.

        Raises:
            InputError: What `levinthal.watch` refuses.
        """
        self.end()
        every, frozen = self.every, self.frozen
        begun = watch(model, optimizers, loss_fn=loss_fn, every=every, validation=validation, frozen=frozen)
        self._watch = self._open.enter_context(begun)

    def end(self) -> None:
        """Stop watching and leave no hook behind. Call it by hand only after an interrupted training."""
        self._open.close()

    def judge(self) -> None:
        """Raise FindingError where `raise_if` asks for it."""
        if self.raise_if is not None and self._watch is not None:
            self._watch.raise_if(self.raise_if)


def require_extra(there: bool, library: str, extra: str) -> None:
    """Raise InputError where the library of an extra is missing.

    >>> require_extra(False, "Lightning", "lightning")
    Traceback (most recent call last):
        ...
    levinthal.errors.InputError: Lightning is not installed: pip install 'levinthal[lightning]'
    """
    if not there:
        raise InputError(f"{library} is not installed: pip install 'levinthal[{extra}]'")
