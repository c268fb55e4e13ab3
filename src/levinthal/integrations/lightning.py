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
    """The base classes of the two names that Lightning goes by; a trainer of either takes a child of both."""
    found = []
    for name in ("lightning.pytorch", "pytorch_lightning"):
        try:
            found.append(importlib.import_module(name).Callback)
        except ImportError:
            continue
    return tuple(found)


BASES = _callbacks()


class LevinthalCallback(Attending, *BASES):  # type: ignore[misc]
    """Watches training from the first batch to the last, then prints the findings and logs them.

    Loggers get the number of findings of each severity; TensorBoard's the curves and the findings too.
    `raise_if` raises when `fit` is over, after the last checkpoint is written. Sanity checks and validation
    are not counted. Of several optimisers the first one's steps are counted. `validation` and `loss_fn` are
    those of `levinthal.watch`, asked of the module's `forward`; without them nothing is held out.

    Raises InputError where Lightning is not installed, or for an unknown severity.
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
        self._start = 0

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """The optimisers exist by now."""
        self._start = trainer.global_step
        self.begin(pl_module, trainer.optimizers, loss_fn=self.loss_fn, validation=self.validation)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:  # noqa: ARG002
        """A training step may call parts of the module, and the module itself never."""
        is_pair = isinstance(batch, tuple | list) and len(batch) == 2
        self.watch.begin_step(*tensors(batch[0] if is_pair else batch))

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Say what was found."""
        self.end()
        if trainer.is_global_zero:
            print(self.watch)
        for logger in trainer.loggers:
            logger.log_metrics(self._counts(), step=trainer.global_step)
            if hasattr(logger.experiment, "add_text"):
                tensorboard.write(self.watch, logger.experiment, start=self._start)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
        """Raise only now: the checkpoints are written."""
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
