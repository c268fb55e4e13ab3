"""Trainers with a loss of their own: weights for a rare class, a teacher and a student."""

from __future__ import annotations

from typing import Any

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.transformers_idioms.common import (
    Rows,
    accuracy,
    logits,
    losses,
    quiet,
    training_arguments,
    workplace,
)
from benchmarks.faults.programs.transformers_idioms.material import (
    digits,
)
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    ConvNextConfig,
    ConvNextForImageClassification,
    ElectraConfig,
    ElectraForSequenceClassification,
    Trainer,
    ViTConfig,
    ViTForImageClassification,
)


class WeightedTrainer(Trainer):
    """A Trainer whose cross-entropy weighs the rare class more."""

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The weighted cross-entropy."""
        del num_items_in_batch
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        weight = torch.tensor([1.0, 6.0], device=outputs.logits.device)
        loss = functional.cross_entropy(outputs.logits, labels, weight=weight)
        return (loss, outputs) if return_outputs else loss


def alarms(count: int, seed: int) -> Rows:
    """Series of events; one in seven holds both event 3 and event 5, which is an alarm; the others one of the two."""
    random = torch.Generator().manual_seed(seed)
    ids = torch.randint(6, 20, (count, 12), generator=random)
    rows, places = torch.arange(count), torch.rand(count, 12, generator=random).argsort(1)
    alarm = torch.rand(count, generator=random) < 1 / 7
    first = torch.where(torch.rand(count, generator=random) < 0.5, 3, 5)
    ids[rows, places[:, 0]] = first
    ids[rows[alarm], places[alarm, 1]] = 8 - first[alarm]
    return Rows(input_ids=ids, labels=alarm.long())


def balanced(model: Any, rows: Rows) -> float:
    """The mean of the recalls of the two classes."""
    guesses, labels = logits(model, rows.batch()).argmax(-1), rows.columns["labels"]
    return sum((guesses[labels == i] == i).float().mean().item() for i in (0, 1)) / 2


def electra_weighted(observer: Observer, seed: int) -> Trained:
    """An ELECTRA classifier of a rare class, by a Trainer with a loss of its own."""
    with workplace(seed) as folder:
        train, valid = alarms(2400, seed), alarms(600, seed + 1000)
        config = ElectraConfig(
            vocab_size=20,
            embedding_size=32,
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
            max_position_embeddings=12,
        )
        model = ElectraForSequenceClassification(config)
        args = training_arguments(
            folder,
            seed,
            per_device_train_batch_size=48,
            num_train_epochs=3,
            learning_rate=2e-3,
            warmup_steps=20,
        )
        trainer = WeightedTrainer(
            model, args, train_dataset=train, callbacks=observer.transformers_callbacks()
        )
        before = balanced(model, valid)
        quiet(trainer).train()
        score = balanced(model, valid)
        extra = {"losses": losses(trainer), "logits": logits(model, valid.batch(slice(4)))}
    return Trained((model,), (trainer.optimizer,), score, max(before, 0.5), 0.7, extra)


class DistillationTrainer(Trainer):
    """A Trainer whose loss is half that of the labels and half the distance to a teacher's softened outputs."""

    def __init__(self, *args: Any, teacher: nn.Module, temperature: float = 2.0, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.teacher = teacher.eval()
        self.temperature = temperature

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **_: Any) -> Any:
        """Half of the labels, half of the teacher."""
        outputs = model(**inputs)
        with torch.no_grad():
            goal = self.teacher(**inputs).logits
        soft = functional.kl_div(
            functional.log_softmax(outputs.logits / self.temperature, dim=-1),
            functional.softmax(goal / self.temperature, dim=-1),
            reduction="batchmean",
        )
        loss = 0.5 * outputs.loss + 0.5 * self.temperature**2 * soft
        return (loss, outputs) if return_outputs else loss


def convnext_teacher() -> ConvNextForImageClassification:
    config = ConvNextConfig(
        num_channels=1,
        patch_size=2,
        num_stages=2,
        hidden_sizes=[32, 64],
        depths=[1, 1],
        image_size=8,
        num_labels=10,
    )
    return ConvNextForImageClassification(config)


def vit_student() -> ViTForImageClassification:
    config = ViTConfig(
        image_size=8,
        patch_size=2,
        num_channels=1,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        initializer_range=0.08,
        num_labels=10,
    )
    return ViTForImageClassification(config)


def distillation(observer: Observer, seed: int) -> Trained:
    """A small ViT learns from a ConvNeXt that was trained just before; both by the Trainer, both observed."""
    with workplace(seed) as folder:
        train, test = digits(8)
        teacher, student = convnext_teacher(), vit_student()
        before = accuracy(student, test)
        args = training_arguments(
            folder,
            seed,
            per_device_train_batch_size=32,
            num_train_epochs=6,
            learning_rate=3e-3,
            warmup_steps=20,
        )
        first = quiet(
            Trainer(teacher, args, train_dataset=train, callbacks=observer.transformers_callbacks())
        )
        first.train()
        trainer = DistillationTrainer(
            student, args, teacher=teacher, train_dataset=train, callbacks=observer.transformers_callbacks()
        )
        quiet(trainer).train()
        score = accuracy(student, test)
        extra = {"losses": losses(trainer), "logits": logits(student, test.batch(slice(4)))}
    return Trained(
        (teacher, student), (first.optimizer, trainer.optimizer), score, max(before, 0.1), 0.6, extra
    )


PROGRAMS = (
    Program(
        "transformers_electra_weighted",
        "Trainer with compute_loss, rare class",
        ("transformers",),
        electra_weighted,
    ),
    Program(
        "transformers_distillation",
        "Trainer with compute_loss, teacher and student",
        ("transformers",),
        distillation,
    ),
)
