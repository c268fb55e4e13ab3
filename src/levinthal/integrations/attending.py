"""The base class of the callbacks: a watch that an external trainer begins and ends."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, IterableDataset

from levinthal.arguments import function
from levinthal.clinic.announcing import OnFinding, warn
from levinthal.clinic.failures.arguments import as_frozen, require_every
from levinthal.clinic.failures.losses import require_loss
from levinthal.clinic.recording.scoring import LossFn
from levinthal.clinic.recording.training_setup import Frozen
from levinthal.clinic.recording.validation import Validation, as_source
from levinthal.clinic.watching import Watch, watch
from levinthal.errors import InputError, require_one_of, said_by
from levinthal.vocabulary import Severity

OWN_ROWS = 128
"""Rows that are read of a trainer's own validation data, and of its training data, at most."""


class Attending:
    """Base class of the callbacks.

    Args:
        every: One step in so many is sampled, as in `levinthal.watch`.
        raise_if: Raise FindingError after training where there is a finding of this severity or worse.
        frozen: Prefixes of the names of parameters that are meant to stay, as in `levinthal.watch`.
        loss_fn: The loss that evaluates the validation rows, as in `levinthal.watch`.
        validation: Validation data, as in `levinthal.watch`; False for none. Default: the trainer's own.
        on_finding: Is called with each finding while the training goes on, as in `levinthal.watch`.

    Raises:
        InputError: The severity is unknown, or an argument is one that `levinthal.watch` refuses.
    """

    def __init__(
        self,
        every: int = 10,
        *,
        raise_if: str | None = None,
        frozen: Frozen | Iterable[Frozen] = (),
        loss_fn: LossFn | None = None,
        validation: Any = None,
        on_finding: OnFinding | None = None,
    ) -> None:
        self._require()
        super().__init__()
        if raise_if is not None:
            require_one_of("severity", raise_if, map(str, Severity))
        require_every(every)
        if loss_fn is not None:
            require_loss(loss_fn, "loss_fn")
        if validation is not False and not isinstance(validation, Validation):
            validation = as_source(validation)
        if on_finding is not None:
            function("on_finding", on_finding, "a function of one Finding, such as print")
        self.every, self.raise_if, self.frozen = every, raise_if, as_frozen(frozen)
        self.loss_fn, self.validation, self.on_finding = loss_fn, validation, on_finding
        self._first_step = 0
        self._watch: Watch | None = None
        self._open = ExitStack()

    def _require(self) -> None:
        """Raise InputError where the trainer's library is not installed."""

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
        own_validation: Callable[[], Any] = lambda: None,
        behavioural_checks: bool = True,
    ) -> None:
        """Begin a watch, and end the one before.

        Args:
            model: The network.
            optimizers: Its optimisers; the steps of the first one are counted.
            own_validation: Returns the validation data of the trainer, where none were given.
            behavioural_checks: As in `levinthal.watch`.

        Raises:
            InputError: What `levinthal.watch` refuses.
        """
        self.end()
        validation = None if self.validation is False else self.validation
        if self.validation is None:
            validation = _taken(own_validation)
        begun = watch(
            model,
            optimizers,
            loss_fn=self.loss_fn,
            every=self.every,
            validation=validation,
            frozen=self.frozen,
            behavioural_checks=behavioural_checks,
            on_finding=self.on_finding,
        )
        self._watch = self._open.enter_context(begun)

    def end(self) -> None:
        """Stop watching and leave no hook behind. Call it by hand only after an interrupted training."""
        self._open.close()

    def judge(self) -> None:
        """Raise FindingError where `raise_if` asks for it."""
        if self.raise_if is not None and self._watch is not None:
            self._watch.raise_if(self.raise_if)

    def write_log(self, write: Callable[[], None], place: str) -> None:
        """Write the findings; a failure is reported as a warning, because a log must not end a training."""
        try:
            write()
        except Exception as error:
            warn(f"the findings were not written to {place}: {said_by(error)}")


def _taken(own_validation: Callable[[], Any]) -> Any:
    """The trainer's validation data; None with a warning where they fail, because the training goes on."""
    try:
        return own_validation()
    except Exception as error:
        warn(f"the trainer's validation data were not taken: {said_by(error)}")
        return None


def is_repeatable(loader: Any) -> bool:
    """Whether a loader can be read without taking rows from the trainer: no stream, and no iterator."""
    return isinstance(loader, DataLoader) and not isinstance(loader.dataset, IterableDataset)


def require_extra(there: bool, library: str, extra: str) -> None:
    """Raise InputError where the library of an extra is missing.

    >>> require_extra(False, "Lightning", "lightning")
    Traceback (most recent call last):
        ...
    levinthal.errors.InputError: Lightning is not installed: pip install 'levinthal[lightning]'
    """
    if not there:
        raise InputError(f"{library} is not installed: pip install 'levinthal[{extra}]'")


def required(module: str, library: str, extra: str) -> Any:
    """The module of an extra.

    Raises:
        InputError: It is not installed.
    """
    found: Any = None
    with suppress(ImportError):
        found = importlib.import_module(module)
    require_extra(found is not None, library, extra)
    return found
