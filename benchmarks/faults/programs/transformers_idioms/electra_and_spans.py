"""ELECTRA's pretraining with two networks, and answers as spans by BERT."""

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
from torch import Tensor, nn
from torch.optim import AdamW
from torch.utils.data import DataLoader
from transformers import (
    BertConfig,
    BertForQuestionAnswering,
    ElectraConfig,
    ElectraForMaskedLM,
    ElectraForPreTraining,
    Trainer,
    get_linear_schedule_with_warmup,
)

MASK = 16  # after the sixteen numbers of the ring


def spoil(generator: nn.Module, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The generator's loss on masked numbers, its replacements, and which numbers are not the original ones."""
    chosen = torch.rand(ids.shape) < 0.25
    outputs = generator(input_ids=torch.where(chosen, MASK, ids), labels=torch.where(chosen, ids, -100))
    with torch.no_grad():
        drawn = torch.distributions.Categorical(logits=outputs.logits).sample()
    spoiled = torch.where(chosen, drawn, ids)
    return outputs.loss, spoiled, (spoiled != ids).long()


def electra_pair() -> tuple[ElectraForMaskedLM, ElectraForPreTraining]:
    """A small generator and a larger discriminator with one table of embeddings."""
    shape = {
        "vocab_size": MASK + 1,
        "embedding_size": 32,
        "num_attention_heads": 4,
        "max_position_embeddings": 12,
        "initializer_range": 0.1,
    }
    generator = ElectraForMaskedLM(
        ElectraConfig(**shape, hidden_size=32, num_hidden_layers=1, intermediate_size=64)
    )
    discriminator = ElectraForPreTraining(
        ElectraConfig(**shape, hidden_size=64, num_hidden_layers=2, intermediate_size=128)
    )
    discriminator.electra.embeddings.word_embeddings = generator.electra.embeddings.word_embeddings
    return generator, discriminator


def electra_pretraining(observer: Observer, seed: int) -> Trained:
    """ELECTRA on walks: a generator replaces numbers, a discriminator finds them; shared embeddings, one optimiser."""
    with workplace(seed):
        random = torch.Generator().manual_seed(seed)
        starts, up = torch.randint(16, (3400,), generator=random), torch.ones(3400, dtype=torch.bool)
        ids = walks(starts, 10, up, random)
        generator, discriminator = electra_pair()
        before = swaps_found(discriminator, ids[3200:])
        loader: Any = DataLoader(ids[:3200], batch_size=32, shuffle=True)  # type: ignore[arg-type]
        unique = list(dict.fromkeys([*generator.parameters(), *discriminator.parameters()]))
        optimizer = AdamW(unique, lr=2e-3, weight_decay=0.01)
        scheduler = get_linear_schedule_with_warmup(optimizer, 20, 2 * len(loader))
        tail: list[float] = []
        generator.train()
        discriminator.train()
        with observer.watch([generator, discriminator], optimizer):
            for _ in range(2):
                for batch in loader:
                    first, spoiled, wrong = spoil(generator, batch)
                    loss = first + 10.0 * discriminator(input_ids=spoiled, labels=wrong).loss
                    loss.backward()
                    nn.utils.clip_grad_norm_(unique, 1.0)
                    optimizer.step()
                    scheduler.step()
                    optimizer.zero_grad()
                    tail.append(loss.item())
        score = swaps_found(discriminator, ids[3200:])
        extra = {"losses": tail[-5:]}
    return Trained((generator, discriminator), (optimizer,), score, max(before, 0.5), 0.75, extra)


@torch.no_grad()
def swaps_found(model: nn.Module, ids: Tensor) -> float:
    """How well outputs tell a wrong number in the middle from a right one: the area under the curve."""
    training = model.training
    model.eval()
    wrong = ids.clone()
    wrong[:, 5] = (wrong[:, 5] + 3 + torch.arange(len(ids)) % 10) % 16
    right, swapped = (model(input_ids=walk).logits[:, 5] for walk in (ids, wrong))
    model.train(training)
    return (swapped[:, None] > right[None, :]).float().mean().item()


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
        "transformers_electra_pretraining",
        "loop by hand, generator and discriminator",
        ("transformers",),
        electra_pretraining,
    ),
    Program(
        "transformers_layered_spans",
        "Trainer with an optimiser of one's own",
        ("transformers",),
        layered_spans,
    ),
)
