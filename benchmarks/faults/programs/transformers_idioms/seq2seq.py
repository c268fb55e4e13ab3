"""Sequence to sequence: T5 by the Seq2SeqTrainer with Adafactor, BART by hand with Adafactor."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.transformers_idioms.common import (
    Rows,
    arguments,
    losses,
    quiet,
    workplace,
)
from benchmarks.faults.programs.transformers_idioms.material import (
    word_tokenizer,
)
from torch import nn
from torch.utils.data import DataLoader
from transformers import (
    Adafactor,
    BartConfig,
    BartForConditionalGeneration,
    DataCollatorForSeq2Seq,
    EvalPrediction,
    PreTrainedTokenizerFast,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    T5Config,
    T5ForConditionalGeneration,
    get_constant_schedule_with_warmup,
)

NOUNS = ("cat", "dog", "bird", "fish", "horse", "sheep", "mouse", "fox")


COLOURS = ("red", "blue", "green", "white", "black", "brown")


VERBS = ("sees", "likes", "chases", "finds", "hears")


def translations(count: int, seed: int) -> tuple[list[str], list[str]]:
    """Simple sentences, and the same in a made-up language that puts colours after nouns and has no articles."""
    rng = np.random.default_rng(seed)
    sources, targets = [], []
    for _ in range(count):
        parts = [str(rng.choice(words)) for words in (COLOURS, NOUNS, VERBS, COLOURS, NOUNS)]
        sources.append("the {} {} {} the {} {}".format(*parts))
        first, who, does, second, whom = (f"{part}o" for part in parts)
        targets.append(f"{who} {first} {does} {whom} {second}")
    return sources, targets


def encode(
    tokenizer: PreTrainedTokenizerFast, pairs: tuple[list[str], list[str]]
) -> list[dict[str, list[int]]]:
    """Pairs as token numbers with an end to each."""
    end = tokenizer.sep_token_id
    both = [tokenizer(side, return_attention_mask=False)["input_ids"] for side in pairs]
    return [{"input_ids": [*a, end], "labels": [*b, end]} for a, b in zip(*both, strict=True)]


def exact(prediction: EvalPrediction) -> dict[str, float]:
    """The share of words of generated answers that are right."""
    guesses, labels = prediction.predictions[:, 1:], prediction.label_ids  # type: ignore[call-overload]
    size = min(guesses.shape[1], labels.shape[1])  # type: ignore[union-attr]
    known = labels[:, :size] > 0  # type: ignore[call-overload]
    return {"exact": float((guesses[:, :size] == labels[:, :size])[known].sum() / (labels > 0).sum())}  # type: ignore[call-overload, operator]


def t5_adafactor(observer: Observer, seed: int) -> Trained:
    """A T5 translates into a made-up language; the Seq2SeqTrainer generates to evaluate, Adafactor trains."""
    with workplace(seed) as folder:
        pairs = translations(1800, seed)
        tokenizer = word_tokenizer(pairs[0] + pairs[1])
        rows = encode(tokenizer, pairs)
        config = T5Config(
            vocab_size=len(tokenizer),
            d_model=64,
            d_kv=16,
            d_ff=128,
            num_layers=2,
            num_decoder_layers=1,
            num_heads=4,
            dropout_rate=0.05,
            relative_attention_num_buckets=16,
            relative_attention_max_distance=32,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.sep_token_id,
            decoder_start_token_id=tokenizer.pad_token_id,
        )
        model = T5ForConditionalGeneration(config)
        args = Seq2SeqTrainingArguments(
            **arguments(
                folder,
                seed,
                per_device_train_batch_size=16,
                per_device_eval_batch_size=100,
                num_train_epochs=4,
                optim="adafactor",
                learning_rate=5e-3,
                lr_scheduler_type="linear",
                warmup_steps=20,
                predict_with_generate=True,
                generation_max_length=8,
            )
        )
        trainer = Seq2SeqTrainer(
            model,
            args,
            data_collator=DataCollatorForSeq2Seq(tokenizer, model=model),
            train_dataset=rows[:1600],  # type: ignore[arg-type]
            eval_dataset=rows[1600:1700],  # type: ignore[arg-type]
            compute_metrics=exact,
            callbacks=observer.transformers_callbacks(),
        )
        quiet(trainer)
        before = trainer.evaluate()["eval_exact"]
        trainer.train()
        score = trainer.evaluate()["eval_exact"]
        extra = {"losses": losses(trainer), "shared": model.shared.weight.detach()[:4].clone()}
    return Trained((model,), (trainer.optimizer,), score, max(before, 0.2), 0.6, extra)


def numerals(count: int, seed: int) -> Rows:
    """Numbers from 0 to 99 999 written digit by digit, and written in words of a toy language with places."""
    random = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, 13, (count, 5), generator=random)
    place = torch.tensor([13, 14, 15, 16, 17]).expand(count, -1)
    words = torch.stack([ids + 15, place], dim=2).reshape(count, 10)
    return Rows(input_ids=ids, labels=torch.cat([words, torch.full((count, 1), 2)], dim=1))


def bart_adafactor(observer: Observer, seed: int) -> Trained:
    """A BART with Adafactor in a loop by hand reads numbers out; the loss comes from the logits, not the model."""
    with workplace(seed):
        train, valid = numerals(3200, seed), numerals(200, seed + 1000)
        config = BartConfig(
            vocab_size=28,
            d_model=64,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=128,
            decoder_ffn_dim=128,
            max_position_embeddings=16,
            pad_token_id=1,
            bos_token_id=0,
            eos_token_id=2,
            decoder_start_token_id=2,
            forced_eos_token_id=None,
        )
        model = BartForConditionalGeneration(config)
        before = read_out(model, valid)
        loader = DataLoader(train, batch_size=32, shuffle=True)
        optimizer = Adafactor(
            model.parameters(), lr=3e-3, scale_parameter=False, relative_step=False, warmup_init=False
        )
        scheduler = get_constant_schedule_with_warmup(optimizer, 20)
        criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
        tail: list[float] = []
        model.train()
        with observer.watch(model, optimizer):
            for _ in range(2):
                for batch in loader:
                    labels = batch["labels"]
                    shifted = torch.cat([torch.full((len(labels), 1), 2), labels[:, :-1]], dim=1)
                    outputs = model(input_ids=batch["input_ids"], decoder_input_ids=shifted, use_cache=False)
                    loss = criterion(outputs.logits.flatten(0, 1), labels.flatten())
                    loss.backward()
                    optimizer.step()
                    scheduler.step()
                    optimizer.zero_grad()
                    tail.append(loss.item())
        score = read_out(model, valid)
        extra = {"losses": tail[-5:]}
    return Trained((model,), (optimizer,), score, max(before, 0.55), 0.9, extra)


@torch.no_grad()
def read_out(model: BartForConditionalGeneration, rows: Rows) -> float:
    """The share of words of greedy answers that are right."""
    training = model.training
    model.eval()
    labels = rows.columns["labels"]
    answer: Any = model.generate(
        rows.columns["input_ids"], max_new_tokens=11, min_new_tokens=10, num_beams=1, do_sample=False
    )
    model.train(training)
    return (answer[:, 1:12] == labels).float().mean().item()


PROGRAMS = (
    Program(
        "transformers_t5_adafactor", "Seq2SeqTrainer, T5 with Adafactor", ("transformers",), t5_adafactor
    ),
    Program(
        "transformers_bart_adafactor", "loop by hand, BART with Adafactor", ("transformers",), bart_adafactor
    ),
)
