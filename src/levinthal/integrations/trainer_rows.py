"""The rows and the loss of a Transformers trainer, as validation data of a watch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.utils.data import IterableDataset

from levinthal.clinic.recording.validation import Validation, plain_loader
from levinthal.integrations.attending import OWN_ROWS, is_repeatable
from levinthal.probes.untouched import random_states_restored


def own_validation(trainer: Any) -> Validation | None:
    """Rows of a trainer's `eval_dataset`, and of its `train_dataset`, with the trainer's own loss.

    Args:
        trainer: A Transformers trainer, or None.

    Returns:
        None where the trainer has no evaluation data that can be read again.
    """
    dataset = getattr(trainer, "eval_dataset", None)
    if isinstance(dataset, Mapping):
        dataset = next(iter(dataset.values()), None)
    with random_states_restored():
        held = loaded(trainer, dataset)
        trained = None if held is None else loaded(trainer, trainer.train_dataset)
    if held is None:
        return None
    return Validation(held, batch_loss=OwnLoss(trainer), training=trained, most=OWN_ROWS)


@dataclass(frozen=True, slots=True)
class Batches:
    """The batches of a loader as pairs (batch, labels)."""

    loader: Any
    labels: str

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        return ((dict(batch), batch.get(self.labels)) for batch in self.loader)


def loaded(trainer: Any, dataset: Any) -> Batches | None:
    """The batches of a dataset as the trainer evaluates them, in their order; None of a stream.

    A trainer with persistent workers keeps the loader that it makes for the next evaluation, of whatever
    dataset it is: it is not asked for one.
    """
    if dataset is None or isinstance(dataset, IterableDataset) or trainer.args.dataloader_persistent_workers:
        return None
    plain = plain_loader(trainer.get_eval_dataloader(dataset))
    return Batches(plain, (trainer.label_names or ["labels"])[0]) if is_repeatable(plain) else None


@dataclass(frozen=True, slots=True)
class OwnLoss:
    """The loss of a batch as the trainer computes it: the model's own, smoothed labels, or `compute_loss`."""

    trainer: Any

    def __call__(self, model: nn.Module, batch: Any) -> tuple[Tensor, Any]:
        """The loss, and the output that answers are read from: the logits, where the model names them."""
        with silent(self.trainer), self.trainer.compute_loss_context_manager():
            loss, outputs = self.trainer.compute_loss(model, dict(batch), return_outputs=True)
        if isinstance(outputs, Mapping):
            return loss, outputs.get("logits")
        return loss, outputs[1] if isinstance(outputs, tuple) and len(outputs) > 1 else outputs


@contextmanager
def silent(trainer: Any) -> Iterator[None]:
    """Log nothing, and restore the attributes of a trainer afterwards: a `compute_loss` may log and count."""
    before = dict(vars(trainer))
    trainer.log = lambda *_, **__: None
    try:
        yield
    finally:
        vars(trainer).clear()
        vars(trainer).update(before)
