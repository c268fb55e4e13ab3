"""`watch` in Lightning: `Trainer(callbacks=[LevinthalCallback()])`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from torch import Tensor

from levinthal.clinic.recording.scoring import LossFn
from levinthal.clinic.recording.validation import Validation
from levinthal.integrations import mlflow, tensorboard, wandb
from levinthal.integrations.attending import OWN_ROWS, Attending, is_repeatable, require_extra
from levinthal.integrations.logged import counts


def _callbacks() -> tuple[type, ...]:
    """The base classes of Lightning's two package names; a trainer of either accepts a child of both."""
    found = []
    for name in ("lightning.pytorch", "pytorch_lightning"):
        try:
            found.append(importlib.import_module(name).Callback)
        except ImportError:
            continue
    return tuple(found)


BASES = _callbacks()


class LevinthalCallback(Attending, *BASES):  # type: ignore[misc]
    """Watch a training from the first batch to the last, then print the findings and log them.

    The loggers of TensorBoard, Weights & Biases and MLflow get the curves and the findings, every other one
    the number of findings of each severity. Sanity checks and validation are not counted. Of several
    optimisers, the steps of the first are counted.

    Args:
        every: One step in so many is sampled, as in `levinthal.watch`.
        raise_if: Raise FindingError when `fit` is over and the last checkpoint is written, where there is a
            finding of this severity or worse.
        frozen: Prefixes of the names of parameters that are meant to stay, as in `levinthal.watch`.
        loss_fn: The loss that evaluates the validation rows, as in `levinthal.watch`.
        validation: Validation data for the module's `forward`, as in `levinthal.watch`; False for none.
            Default: up to 128 rows of the trainer's first validation loader, if it gives pairs.
        on_finding: Is called with each finding while the training goes on, as in `levinthal.watch`.

    Raises:
        InputError: Lightning is not installed, or the severity is unknown.
    """

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin the watch: the optimisers exist now."""
        self._first_step = trainer.global_step
        own = partial(own_validation, trainer, self.loss_fn)
        self.begin(pl_module, trainer.optimizers, own_validation=own)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """Begin a step: `training_step` may call parts of the module and never the module itself."""
        is_pair = isinstance(batch, tuple | list) and len(batch) == 2
        self.watch.begin_step(*tensors(batch[0] if is_pair else batch))

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """End the watch, print the findings and log them."""
        self.end()
        if trainer.is_global_zero:
            print(self.watch)
        for logger in trainer.loggers:
            self.write_log(partial(self._write, logger, trainer.global_step), type(logger).__name__)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Raise only now, when the checkpoints are written."""
        self.judge()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:  # noqa: ARG002
        """Leave no hook behind."""
        self.end()

    def _require(self) -> None:
        require_extra(bool(BASES), "Lightning", "lightning")

    def _write(self, logger: Any, step: int) -> None:
        """Write to the log that a logger keeps; on other processes it keeps none."""
        log, start = logger.experiment, self._first_step
        if hasattr(log, "add_text"):
            tensorboard.write(self.watch, log, start=start)
        elif hasattr(log, "define_metric"):
            wandb.write(self.watch, log, start=start)
        elif hasattr(log, "log_batch"):
            mlflow.write(self.watch, logger.run_id, client=log, start=start)
        else:
            logger.log_metrics(counts(self.watch), step=step)


def own_validation(trainer: Any, loss_fn: LossFn | None) -> Validation | None:
    """Rows of the first validation loader of a trainer; None where it has none that can be read again."""
    loader = next(filter(is_repeatable, parts(trainer.val_dataloaders)), None)
    return None if loader is None else Validation(loader, loss_fn, most=OWN_ROWS)


def parts(nested: Any) -> Iterator[Any]:
    """The parts of nested lists, tuples and mappings, in their order."""
    if isinstance(nested, Mapping):
        yield from parts(tuple(nested.values()))
    elif isinstance(nested, tuple | list):
        for each in nested:
            yield from parts(each)
    else:
        yield nested


def tensors(batch: Any) -> Iterator[Tensor]:
    """Every tensor of a batch, however nested, in its order."""
    return (part for part in parts(batch) if isinstance(part, Tensor))
