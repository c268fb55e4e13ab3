"""`watch` in Lightning: `Trainer(callbacks=[LevinthalCallback()])`."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor

from levinthal.clinic.recording.validation import LossFn
from levinthal.integrations import tensorboard
from levinthal.integrations.attending import Attending, require_extra
from levinthal.vocabulary import Severity


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

    Every logger gets the number of findings of each severity; TensorBoard's also the curves and the findings.
    Sanity checks and validation are not counted. Of several optimisers, the steps of the first are counted.

    Args:
        every: One step in so many is sampled, as in `levinthal.watch`.
        raise_if: Raise FindingError when `fit` is over and the last checkpoint is written, where there is a
            finding of this severity or worse.
        frozen: Prefixes of the names of parameters that are meant to stay, as in `levinthal.watch`.
        loss_fn: The loss that evaluates the validation rows, as in `levinthal.watch`.
        validation: Validation data for the module's `forward`, as in `levinthal.watch`. Default: none.

    Raises:
        InputError: Lightning is not installed, or the severity is unknown.
    """

    def __init__(
        self,
        every: int = 10,
        *,
        raise_if: str | None = None,
        frozen: Iterable[str] = (),
        loss_fn: LossFn | None = None,
        validation: Any = None,
    ) -> None:
        require_extra(bool(BASES), "Lightning", "lightning")
        super().__init__(every, raise_if=raise_if, frozen=frozen)
        self.loss_fn, self.validation = loss_fn, validation
        self._first_step = 0

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin the watch: the optimisers exist now."""
        self._first_step = trainer.global_step
        self.begin(pl_module, trainer.optimizers, loss_fn=self.loss_fn, validation=self.validation)

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
            logger.log_metrics(self._counts(), step=trainer.global_step)
            if hasattr(logger.experiment, "add_text"):
                tensorboard.write(self.watch, logger.experiment, start=self._first_step)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Raise only now, when the checkpoints are written."""
        self.judge()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:  # noqa: ARG002
        """Leave no hook behind."""
        self.end()

    def _counts(self) -> dict[str, int]:
        found = [finding.severity for finding in self.watch.findings()]
        return {f"levinthal/{severity}": found.count(severity) for severity in Severity}


def tensors(batch: Any) -> Iterator[Tensor]:
    """Every tensor of a batch, however nested, in its order."""
    if isinstance(batch, Tensor):
        yield batch
    elif isinstance(batch, Mapping):
        yield from tensors(tuple(batch.values()))
    elif isinstance(batch, tuple | list):
        for part in batch:
            yield from tensors(part)
