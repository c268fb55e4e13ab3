"""`watch` in Keras 3 on the torch backend: `model.fit(..., callbacks=[LevinthalCallback()])`."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

from torch.optim import Optimizer

from levinthal.errors import InputError
from levinthal.integrations.attending import Attending


def _callbacks() -> tuple[type, ...]:
    try:
        return (importlib.import_module("keras").callbacks.Callback,)
    except ImportError:
        return ()


BASES = _callbacks()


class KerasStep(Optimizer):
    """Stands for a Keras optimiser, which is none of torch's: it holds the same parameters and steps with it.

    Args:
        model: A Keras model that is built and compiled.
    """

    def __init__(self, model: Any) -> None:
        self._keras = model.optimizer
        super().__init__([variable.value for variable in model.trainable_variables], {"lr": 0.0})
        self._apply = self._keras.apply
        self._keras.apply = self._applied

    def _applied(self, *args: Any, **words: Any) -> None:
        rate = self._keras.learning_rate
        self.param_groups[0]["lr"] = getattr(rate, "value", rate)
        self._arithmetic = partial(self._apply, *args, **words)
        self.step()

    def step(self, closure: Any = None) -> None:  # type: ignore[override]  # noqa: ARG002
        """The step of the Keras optimiser, between the hooks of this one."""
        self._arithmetic()

    def leave(self) -> None:
        """Let the Keras optimiser step alone again."""
        vars(self._keras).pop("apply", None)


class LevinthalCallback(Attending, *BASES):  # type: ignore[misc]
    """Watch a `fit` from the first batch to the last, then print the findings.

    Args:
        every: One step in so many is sampled, as in `levinthal.watch`.
        raise_if: Raise FindingError after training where there is a finding of this severity or worse.
        frozen: Prefixes of the names of parameters that are meant to stay, as in `levinthal.watch`.
        loss_fn: The loss that evaluates the validation rows, as in `levinthal.watch`.
        validation: Validation data, as in `levinthal.watch`. Default: none; Keras keeps its own to itself.
        on_finding: Is called with each finding while the training goes on, as in `levinthal.watch`.

    Raises:
        InputError: Keras is not installed or runs on another backend, or the severity is unknown.
    """

    _stepped: KerasStep | None = None

    def _require(self) -> None:
        if not BASES:
            raise InputError("Keras is not installed: pip install keras, and set KERAS_BACKEND=torch")
        backend = importlib.import_module("keras").backend.backend()
        if backend != "torch":
            raise InputError(f"Keras runs on {backend}: set KERAS_BACKEND=torch before keras is imported")

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002
        """Begin the watch: model and optimiser are built."""
        self.end()
        stepped = KerasStep(self.model)
        # evaluation mode is an argument of a Keras call: a copy in `eval()` would keep its dropout on
        self.begin(self.model, [stepped], behavioural_checks=False)
        self._stepped = stepped

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002
        """End the watch, print the findings, and raise where `raise_if` asks for it."""
        self.end()
        print(self.watch)
        self.judge()

    def end(self) -> None:
        """Stop watching. Call it by hand only after an interrupted training."""
        super().end()
        if self._stepped is not None:
            self._stepped.leave()
            self._stepped = None
