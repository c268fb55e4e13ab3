"""What the callbacks share: a watch that somebody else's trainer begins and ends."""

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
    """Base of the callbacks. `every` and `frozen` are those of `levinthal.watch`.

    `raise_if`: raise FindingError after training if there is a finding of this severity or worse.

    Raises InputError for an unknown severity.
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
        """The watch of the last training: `callback.watch.findings()`.

        Raises InputError before the first.
        """
        if self._watch is None:
            raise InputError("nothing watched yet: the watch begins when the trainer starts to train")
        return self._watch

    def begin(
        self,
        model: nn.Module,
        optimizers: Sequence[Optimizer],
        *,
        loss_fn: LossFn | None = None,
        validation: Any = None,
    ) -> None:
        """Watch from here; what was watched before is over."""
        self.end()
        every, frozen = self.every, self.frozen
        begun = watch(model, optimizers, loss_fn=loss_fn, every=every, validation=validation, frozen=frozen)
        self._watch = self._open.enter_context(begun)

    def end(self) -> None:
        """Stop watching and leave no hook behind; needed by hand only where training was broken off."""
        self._open.close()

    def judge(self) -> None:
        """Raise what `raise_if` asks for."""
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
