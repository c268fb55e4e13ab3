"""Answers as spans by BERT, with a learning rate for each layer."""

from __future__ import annotations

from typing import Any

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.transformers_idioms.common import (
    Rows,
    losses,
    quiet,
    training_arguments,
    workplace,
)
from torch import nn
from torch.optim import AdamW
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    Trainer,
    get_linear_schedule_with_warmup,
)


def lookups(count: int, seed: int) -> Rows:
    """A question word and a passage of words; the answer is the span of the words of the asked kind in it."""
    random = torch.Generator().manual_seed(seed)
    passage = torch.randint(20, 40, (count, 14), generator=random)
    question = torch.randint(2, 6, (count,), generator=random)
    rows, places = torch.arange(count), torch.randint(0, 2, (count, 4), generator=random)
    begin = torch.empty(count, dtype=torch.long)
    end = begin.clone()
    order = torch.rand(count, 4, generator=random).argsort(1)
    for slot in range(4):  # each kind of words is once in the passage
        kind, start = order[:, slot], places[:, slot] + 3 * slot
        passage[rows, start] = 6 + 3 * kind
        passage[rows, start + 1] = 7 + 3 * kind
        asked = kind == question - 2
        begin[asked], end[asked] = start[asked] + 3, start[asked] + 4
    head = torch.stack(
        [torch.zeros(count, dtype=torch.long), question, torch.ones(count, dtype=torch.long)], dim=1
    )
    return Rows(input_ids=torch.cat([head, passage], dim=1), start_positions=begin, end_positions=end)


def layered_groups(model: BertForQuestionAnswering, rate: float, factor: float) -> list[dict[str, Any]]:
    """The head at the full rate, and each layer below at `factor` of that above it."""
    parts: list[Any] = [model.qa_outputs, *reversed(model.bert.encoder.layer)]
    groups = [
        {"params": list(part.parameters()), "lr": rate * factor**depth} for depth, part in enumerate(parts)
    ]
    seen = {parameter for part in parts for parameter in part.parameters()}
    rest = [parameter for parameter in model.parameters() if parameter not in seen]
    return [*groups, {"params": rest, "lr": rate * factor ** len(parts)}]


def layered_spans(observer: Observer, seed: int) -> Trained:
    """A BERT finds answers as spans; the Trainer gets an optimiser with a rate for each layer."""
    with workplace(seed) as folder:
        train, valid = lookups(3200, seed), lookups(300, seed + 1000)
        config = BertConfig(
            vocab_size=40,
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
            max_position_embeddings=32,
            initializer_range=0.08,
        )
        model = BertForQuestionAnswering(config)
        before = spans_found(model, valid)
        optimizer = AdamW(layered_groups(model, 3e-3, 0.8), weight_decay=0.01)
        scheduler = get_linear_schedule_with_warmup(optimizer, 20, 200)
        args = training_arguments(folder, seed, per_device_train_batch_size=32, num_train_epochs=2)
        trainer = quiet(
            Trainer(
                model,
                args,
                train_dataset=train,
                optimizers=(optimizer, scheduler),
                callbacks=observer.transformers_callbacks(),
            )
        )
        trainer.train()
        score = spans_found(model, valid)
        extra = {"losses": losses(trainer)}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.7, extra)


@torch.no_grad()
def spans_found(model: nn.Module, rows: Rows) -> float:
    """The share of questions whose answer is exactly right."""
    training = model.training
    model.eval()
    outputs = model(input_ids=rows.columns["input_ids"])
    model.train(training)
    right = outputs.start_logits.argmax(-1) == rows.columns["start_positions"]
    return (right & (outputs.end_logits.argmax(-1) == rows.columns["end_positions"])).float().mean().item()


PROGRAMS = (
    Program(
        "transformers_layered_spans",
        "Trainer with an optimiser of one's own",
        ("transformers",),
        layered_spans,
    ),
)
