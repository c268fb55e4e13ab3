"""ELECTRA's pretraining with two networks, and answers as spans by DeBERTa."""

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
from benchmarks.faults.programs.transformers_idioms.material import (
    sentences,
    word_tokenizer,
)
from torch import Tensor, nn
from torch.optim import AdamW
from torch.utils.data import DataLoader
from transformers import (
    DebertaV2Config,
    DebertaV2ForQuestionAnswering,
    ElectraConfig,
    ElectraForMaskedLM,
    ElectraForPreTraining,
    Trainer,
    get_linear_schedule_with_warmup,
)


def spoil(generator: nn.Module, ids: Tensor, attention: Tensor, mask: int) -> tuple[Tensor, Tensor, Tensor]:
    """The generator's loss on masked words, its replacements, and which words are not the original ones."""
    chosen = (torch.rand(ids.shape) < 0.25) & (ids > 4)
    labels = torch.where(chosen, ids, -100)
    outputs = generator(input_ids=torch.where(chosen, mask, ids), attention_mask=attention, labels=labels)
    with torch.no_grad():
        drawn = torch.distributions.Categorical(logits=outputs.logits).sample()
    spoiled = torch.where(chosen, drawn, ids)
    return outputs.loss, spoiled, (spoiled != ids).long()


def electra_pretraining(observer: Observer, seed: int) -> Trained:
    """ELECTRA: a small generator replaces words, a discriminator finds them; shared embeddings, one optimiser."""
    with workplace(seed):
        texts, _ = sentences(1700, seed)
        tokenizer = word_tokenizer(texts)
        coded = tokenizer(texts, padding=True, return_tensors="pt")
        rows = [
            Rows(ids=coded["input_ids"][part], mask=coded["attention_mask"][part])
            for part in (slice(1500), slice(1500, None))
        ]
        shape = {
            "vocab_size": len(tokenizer),
            "embedding_size": 32,
            "num_attention_heads": 4,
            "max_position_embeddings": 16,
        }
        generator = ElectraForMaskedLM(
            ElectraConfig(**shape, hidden_size=32, num_hidden_layers=1, intermediate_size=64)
        )
        discriminator = ElectraForPreTraining(
            ElectraConfig(**shape, hidden_size=64, num_hidden_layers=2, intermediate_size=128)
        )
        discriminator.electra.embeddings.word_embeddings = generator.electra.embeddings.word_embeddings
        before = swaps_found(discriminator, rows[1].columns["ids"], rows[1].columns["mask"])
        loader = DataLoader(rows[0], batch_size=32, shuffle=True)
        unique = dict.fromkeys([*generator.parameters(), *discriminator.parameters()])
        optimizer = AdamW(list(unique), lr=2e-3, weight_decay=0.01)
        scheduler = get_linear_schedule_with_warmup(optimizer, 20, 4 * len(loader))
        tail: list[float] = []
        generator.train()
        discriminator.train()
        with observer.watch([generator, discriminator], optimizer):
            for _ in range(4):
                for batch in loader:
                    first, spoiled, wrong = spoil(
                        generator, batch["ids"], batch["mask"], tokenizer.mask_token_id
                    )
                    second = discriminator(input_ids=spoiled, attention_mask=batch["mask"], labels=wrong).loss
                    loss = first + 10.0 * second
                    loss.backward()
                    nn.utils.clip_grad_norm_(list(unique), 1.0)
                    optimizer.step()
                    scheduler.step()
                    optimizer.zero_grad()
                    tail.append(loss.item())
        score = swaps_found(discriminator, rows[1].columns["ids"], rows[1].columns["mask"])
        extra = {"losses": tail[-5:]}
    return Trained((generator, discriminator), (optimizer,), score, max(before, 0.5), 0.8, extra)


@torch.no_grad()
def swaps_found(model: nn.Module, ids: Tensor, attention: Tensor) -> float:
    """How well outputs tell a word of another subject from the original one: the area under the curve."""
    training = model.training
    model.eval()
    rows = torch.arange(len(ids))
    place = attention.sum(1) - 3  # the word of the place, before the stop and the end
    swapped = ids.clone()
    swapped[rows, place] = ids[rows, place].roll(1)
    other = swapped[rows, place] != ids[rows, place]
    scores = model(input_ids=swapped, attention_mask=attention).logits[rows, place]
    model.train(training)
    return (scores[other][:, None] > scores[~other][None, :]).float().mean().item()


def lookups(count: int, seed: int) -> Rows:
    """A question word and a passage of words; the answer is the span of the words of the asked kind in it."""
    random = torch.Generator().manual_seed(seed)
    passage = torch.randint(20, 40, (count, 14), generator=random)
    question = torch.randint(2, 6, (count,), generator=random)
    rows, places = torch.arange(count), torch.randint(0, 3, (count, 4), generator=random)
    begin = torch.empty(count, dtype=torch.long)
    end = begin.clone()
    order = torch.rand(count, 4, generator=random).argsort(1)
    for slot in range(4):  # each kind of words is once in the passage
        kind, start = order[:, slot], torch.clamp(places[:, slot] + 3 * slot, max=12)
        passage[rows, start] = 6 + 3 * kind
        passage[rows, start + 1] = 7 + 3 * kind
        asked = kind == question - 2
        begin[asked], end[asked] = start[asked] + 3, start[asked] + 4
    head = torch.stack(
        [torch.zeros(count, dtype=torch.long), question, torch.ones(count, dtype=torch.long)], dim=1
    )
    return Rows(input_ids=torch.cat([head, passage], dim=1), start_positions=begin, end_positions=end)


def layered_groups(model: DebertaV2ForQuestionAnswering, rate: float, factor: float) -> list[dict[str, Any]]:
    """The head at the full rate, and each layer below at `factor` of that above it."""
    parts: list[Any] = [model.qa_outputs, *reversed(model.deberta.encoder.layer)]
    groups = [
        {"params": list(part.parameters()), "lr": rate * factor**depth} for depth, part in enumerate(parts)
    ]
    seen = {parameter for part in parts for parameter in part.parameters()}
    rest = [parameter for parameter in model.parameters() if parameter not in seen]
    return [*groups, {"params": rest, "lr": rate * factor ** len(parts)}]


def deberta_spans(observer: Observer, seed: int) -> Trained:
    """A DeBERTa finds answers as spans; the Trainer gets an optimiser with a rate for each layer."""
    with workplace(seed) as folder:
        train, valid = lookups(2400, seed), lookups(300, seed + 1000)
        config = DebertaV2Config(
            vocab_size=40,
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
            max_position_embeddings=32,
            relative_attention=True,
            pos_att_type=["p2c", "c2p"],
            type_vocab_size=0,
            pad_token_id=39,
        )
        model = DebertaV2ForQuestionAnswering(config)
        before = spans_found(model, valid)
        optimizer = AdamW(layered_groups(model, 3e-3, 0.8), weight_decay=0.01)
        scheduler = get_linear_schedule_with_warmup(optimizer, 20, 225)
        args = training_arguments(folder, seed, per_device_train_batch_size=32, num_train_epochs=3)
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
        "transformers_deberta_spans",
        "Trainer with an optimiser of one's own",
        ("transformers",),
        deberta_spans,
    ),
)
