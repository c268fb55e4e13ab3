"""`watch` in Transformers: `Trainer(..., callbacks=[LevinthalCallback()])`."""

from __future__ import annotations

import importlib
import sys
from functools import partial
from typing import Any

from levinthal.integrations import mlflow, tensorboard, wandb
from levinthal.integrations.attending import Attending, require_extra
from levinthal.integrations.trainer_rows import own_validation


def _callbacks() -> tuple[type, ...]:
    try:
        return (importlib.import_module("transformers").TrainerCallback,)
    except ImportError:
        return ()


BASES = _callbacks()


class LevinthalCallback(Attending, *BASES):  # type: ignore[misc]
    """Watch a training from the first batch to the last, then print the findings and log them.

    The findings and curves go to TensorBoard, Weights & Biases and MLflow, where `report_to` names them.
    Transformers does not inform its callbacks of an exception. After one, call `callback.end()` to remove the
    hooks; the next training removes them by itself.

    Args:
        every: One step in so many is sampled, as in `levinthal.watch`.
        raise_if: Raise FindingError after training where there is a finding of this severity or worse.
        frozen: Prefixes of the names of parameters that are meant to stay, as in `levinthal.watch`.
        loss_fn: The loss that evaluates the rows of `validation`, as in `levinthal.watch`.
        validation: Validation data, as in `levinthal.watch`; False for none. Default: up to 128 rows of the
            trainer's `eval_dataset` and of its `train_dataset`, with its collator and its `compute_loss`.
        on_finding: Is called with each finding while the training goes on, as in `levinthal.watch`.

    Raises:
        InputError: Transformers is not installed, or the severity is unknown.
    """

    def on_train_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:  # noqa: ARG002
        """Begin the watch: model and optimiser exist now."""
        self._first_step = state.global_step
        trainer = calling_trainer(self)
        self.begin(
            keywords["model"], [keywords["optimizer"]], own_validation=partial(own_validation, trainer)
        )

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **keywords: Any) -> None:  # noqa: ARG002
        """Log the findings with the last log of a training: after it the logs are closed."""
        if "train_runtime" in (logs or {}) and state.is_world_process_zero and self._watch is not None:
            self.end()
            handler = getattr(calling_trainer(self), "callback_handler", None)
            for place in args.report_to:
                self.write_log(partial(self._write, place, getattr(handler, "callbacks", ())), place)

    def on_train_end(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:  # noqa: ARG002
        """End the watch, print the findings, and raise where `raise_if` asks for it."""
        self.end()
        if state.is_world_process_zero:
            print(self.watch)
        self.judge()

    def _require(self) -> None:
        require_extra(bool(BASES), "Transformers", "transformers")

    def _write(self, place: str, callbacks: Any) -> None:
        """Write to the log of this name that the trainer's own callbacks have opened."""
        if place == "wandb":
            wandb.write(self.watch, start=self._first_step)
        elif place == "mlflow":
            mlflow.write(self.watch, start=self._first_step)
        elif place == "tensorboard":
            writers = (getattr(callback, "tb_writer", None) for callback in callbacks)
            for writer in filter(None, writers):
                tensorboard.write(self.watch, writer, start=self._first_step)


def calling_trainer(callback: Any) -> Any:
    """The trainer that is calling this callback; None where there is none.

    Transformers does not hand the trainer to its callbacks, so it is looked for among the callers.
    """
    trainer_class = importlib.import_module("transformers").Trainer
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        caller = frame.f_locals.get("self")
        if isinstance(caller, trainer_class) and callback in caller.callback_handler.callbacks:
            return caller
    return None
