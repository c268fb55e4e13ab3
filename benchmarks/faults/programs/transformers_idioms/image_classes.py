"""Classes of images: ViT with smoothed labels, ResNet on one cycle, a new head on a frozen ConvNeXt."""

from __future__ import annotations

import copy
import io

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
from torch import nn
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader
from transformers import (
    ConvNextConfig,
    ConvNextForImageClassification,
    EvalPrediction,
    ResNetConfig,
    ResNetForImageClassification,
    Trainer,
    ViTConfig,
    ViTForImageClassification,
    get_scheduler,
)


def class_accuracy(prediction: EvalPrediction) -> dict[str, float]:
    return {"accuracy": float((prediction.predictions.argmax(-1) == prediction.label_ids).mean())}  # type: ignore[union-attr]


def vit_smoothed(observer: Observer, seed: int) -> Trained:
    """A ViT on digits with smoothed labels, evaluation and a checkpoint each epoch, the best one at the end."""
    with workplace(seed) as folder:
        train, test = digits(8)
        config = ViTConfig(
            image_size=8,
            patch_size=2,
            num_channels=1,
            hidden_size=48,
            num_hidden_layers=3,
            num_attention_heads=4,
            intermediate_size=96,
            hidden_dropout_prob=0.1,
            initializer_range=0.05,
            num_labels=10,
        )
        model = ViTForImageClassification(config)
        before = accuracy(model, test)
        args = training_arguments(
            folder,
            seed,
            per_device_train_batch_size=32,
            per_device_eval_batch_size=150,
            num_train_epochs=4,
            learning_rate=2e-3,
            lr_scheduler_type="cosine",
            warmup_steps=20,
            weight_decay=0.05,
            label_smoothing_factor=0.1,
            eval_strategy="epoch",
            save_strategy="epoch",
            save_total_limit=1,
            load_best_model_at_end=True,
            metric_for_best_model="accuracy",
        )
        trainer = quiet(
            Trainer(
                model,
                args,
                train_dataset=train,
                eval_dataset=test,
                compute_metrics=class_accuracy,
                callbacks=observer.transformers_callbacks(),
            )
        )
        trainer.train()
        score = accuracy(model, test)
        extra = {"losses": losses(trainer), "logits": logits(model, test.batch(slice(4)))}
    return Trained((model,), (trainer.optimizer,), score, max(before, 0.1), 0.65, extra)


def resnet_onecycle(observer: Observer, seed: int) -> Trained:
    """A ResNet with batch norms on digits: SGD with Nesterov's momentum and one cycle, a loop by hand."""
    with workplace(seed):
        train, test = digits(16)
        config = ResNetConfig(
            num_channels=1,
            embedding_size=16,
            hidden_sizes=[16, 32],
            depths=[1, 1],
            layer_type="basic",
            num_labels=10,
        )
        model = ResNetForImageClassification(config)
        before = accuracy(model, test)
        loader = DataLoader(train, batch_size=32, shuffle=True, drop_last=True)
        optimizer = SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
        scheduler = OneCycleLR(optimizer, max_lr=0.1, epochs=4, steps_per_epoch=len(loader))
        tail: list[float] = []
        best = -1.0
        saved = io.BytesIO()
        with observer.watch(model, optimizer):
            for _ in range(4):
                model.train()
                for batch in loader:
                    loss = model(**batch).loss
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    scheduler.step()
                    tail.append(loss.item())
                model.eval()
                reached = accuracy(model, test)
                if reached > best:
                    best, saved = reached, io.BytesIO()
                    torch.save(model.state_dict(), saved)
        saved.seek(0)
        model.load_state_dict(torch.load(saved))
        score = accuracy(model, test)
        extra = {"losses": tail[-5:], "logits": logits(model, test.batch(slice(4)))}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.85, extra)


def split_by_class(rows: Rows, first: int, last: int) -> Rows:
    labels = rows.columns["labels"]
    chosen = (labels >= first) & (labels < last)
    return Rows(pixel_values=rows.columns["pixel_values"][chosen], labels=labels[chosen] - first)


def pretrained_convnext(train: Rows) -> ConvNextForImageClassification:
    """A ConvNeXt that knows the digits from 0 to 4."""
    config = ConvNextConfig(
        num_channels=1,
        patch_size=2,
        num_stages=2,
        hidden_sizes=[24, 48],
        depths=[1, 1],
        image_size=8,
        num_labels=5,
    )
    model = ConvNextForImageClassification(config)
    optimizer = AdamW(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(6):
        for batch in DataLoader(train, batch_size=32, shuffle=True):
            loss = model(**batch).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return model


def convnext_frozen(observer: Observer, seed: int) -> Trained:
    """A new head on the frozen backbone of a ConvNeXt: trained on the digits from 5 to 9, base on 0 to 4."""
    with workplace(seed):
        train, test = digits(8)
        base = pretrained_convnext(split_by_class(train, 0, 5))
        train, test = split_by_class(train, 5, 10), split_by_class(test, 5, 10)
        model = ConvNextForImageClassification(copy.deepcopy(base.config))
        model.load_state_dict(base.state_dict())
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        model.classifier = nn.Linear(model.config.hidden_sizes[-1], 5)
        before = accuracy(model, test)
        loader = DataLoader(train, batch_size=32, shuffle=True)
        optimizer = AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2, weight_decay=1e-4)
        scheduler = get_scheduler(
            "cosine", optimizer, num_warmup_steps=0, num_training_steps=10 * len(loader)
        )
        tail: list[float] = []
        with observer.watch(model, optimizer):
            for _ in range(10):
                model.eval()  # the backbone stays as it is
                model.classifier.train()
                for batch in loader:
                    loss = model(**batch).loss
                    loss.backward()
                    optimizer.step()
                    scheduler.step()
                    optimizer.zero_grad()
                    tail.append(loss.item())
        score = accuracy(model, test)
        extra = {"losses": tail[-5:], "logits": logits(model, test.batch(slice(4)))}
    return Trained((model,), (optimizer,), score, max(before, 0.2), 0.7, extra)


PROGRAMS = (
    Program(
        "transformers_vit_smoothed", "Trainer, ViT with smoothed labels", ("transformers",), vit_smoothed
    ),
    Program(
        "transformers_resnet_onecycle",
        "loop by hand, ResNet with one cycle",
        ("transformers",),
        resnet_onecycle,
    ),
    Program(
        "transformers_convnext_frozen",
        "loop by hand, frozen backbone and new head",
        ("transformers",),
        convnext_frozen,
    ),
)
