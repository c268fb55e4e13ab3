"""What the programs share: a clean place to run in, data sets of rows, and the arguments of a quiet trainer."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from accelerate.state import AcceleratorState, GradientState, PartialState
from torch import Tensor, nn
from torch.utils.data import Dataset
from transformers import PrinterCallback, Trainer, TrainingArguments, set_seed
from transformers.utils import logging


@contextmanager
def workplace(seed: int) -> Iterator[str]:
    """Seed everything and give a folder; afterwards the environment and Accelerate's state are as before."""
    environment, dtype, verbosity = dict(os.environ), torch.get_default_dtype(), logging.get_verbosity()
    forget_accelerate()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    set_seed(seed)
    with tempfile.TemporaryDirectory(prefix="transformers-idioms-") as folder:
        try:
            yield folder
        finally:
            forget_accelerate()
            logging.set_verbosity(verbosity)
            if bars:
                logging.enable_progress_bar()
            torch.set_default_dtype(dtype)
            for name in set(os.environ) - set(environment):
                del os.environ[name]
            os.environ.update(environment)


def forget_accelerate() -> None:
    AcceleratorState._reset_state(True)
    GradientState._reset_state()
    PartialState._reset_state()


class Rows(Dataset[dict[str, Tensor]]):
    """Columns of equal length as a data set of rows, as a Trainer takes it."""

    def __init__(self, **columns: Tensor) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {name: column[index] for name, column in self.columns.items()}

    def batch(self, rows: slice | Sequence[int] | Tensor = slice(None)) -> dict[str, Tensor]:
        """Several rows at once."""
        return {name: column[rows] for name, column in self.columns.items()}


def arguments(folder: str, seed: int, **options: Any) -> dict[str, Any]:
    """Arguments of a training on one CPU that reports to nobody; `options` come on top."""
    return {
        "output_dir": folder,
        "seed": seed,
        "use_cpu": True,
        "report_to": "none",
        "save_strategy": "no",
        "logging_steps": 10,
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
        **options,
    }


def training_arguments(folder: str, seed: int, **options: Any) -> TrainingArguments:
    return TrainingArguments(**arguments(folder, seed, **options))


def quiet(trainer: Trainer) -> Trainer:
    """The trainer without the callback that prints what it logs."""
    trainer.remove_callback(PrinterCallback)
    return trainer


def losses(trainer: Trainer) -> list[float]:
    """The last training losses that the trainer logged."""
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry][-3:]


@torch.no_grad()
def logits(model: nn.Module, batch: Mapping[str, Tensor]) -> Tensor:
    """The logits of a batch in evaluation mode; the mode is put back."""
    training = model.training
    model.eval()
    result: Tensor = model(**{name: column for name, column in batch.items() if name != "labels"}).logits
    model.train(training)
    return result


def accuracy(model: nn.Module, rows: Rows) -> float:
    """The share of right classes."""
    batch = rows.batch()
    return (logits(model, batch).argmax(-1) == batch["labels"]).float().mean().item()


def token_accuracy(model: nn.Module, rows: Rows, shift: bool = False) -> float:
    """The share of right tokens where there is a label; `shift` for a causal language model."""
    batch = rows.batch()
    guesses, labels = logits(model, batch).argmax(-1), batch["labels"]
    if shift:
        guesses, labels = guesses[:, :-1], labels[:, 1:]
    known = labels != -100
    return (guesses[known] == labels[known]).float().mean().item()
