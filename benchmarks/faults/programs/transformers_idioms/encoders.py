"""Encoders of text by the Trainer: masked words, tags of words, a number for a sequence."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.transformers_idioms.common import (
    Rows,
    logits,
    losses,
    quiet,
    token_accuracy,
    training_arguments,
    workplace,
)
from benchmarks.faults.programs.transformers_idioms.material import (
    sentences,
    word_tokenizer,
)
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DataCollatorForLanguageModeling,
    DataCollatorForTokenClassification,
    DistilBertConfig,
    DistilBertForTokenClassification,
    EvalPrediction,
    RobertaConfig,
    RobertaForSequenceClassification,
    Trainer,
)


def masked(tokenizer: Any, texts: list[str]) -> Rows:
    """Sentences with one word of each masked, the same every time."""
    coded = tokenizer(texts, padding=True, return_tensors="pt")
    ids, labels = coded["input_ids"].clone(), torch.full_like(coded["input_ids"], -100)
    rows = torch.arange(len(texts))
    places = rows % coded["attention_mask"].sum(1)
    labels[rows, places] = ids[rows, places]
    ids[rows, places] = tokenizer.mask_token_id
    return Rows(input_ids=ids, attention_mask=coded["attention_mask"], labels=labels)


def bert_masked(observer: Observer, seed: int) -> Trained:
    """A BERT guesses masked words of sentences, by the Trainer in bfloat16 with the collator that masks."""
    with workplace(seed) as folder:
        texts, _ = sentences(1800, seed)
        tokenizer = word_tokenizer(texts)
        valid = masked(tokenizer, texts[1600:])
        config = BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
            max_position_embeddings=16,
        )
        model = BertForMaskedLM(config)
        before = token_accuracy(model, valid)
        args = training_arguments(
            folder,
            seed,
            per_device_train_batch_size=32,
            num_train_epochs=4,
            learning_rate=2e-3,
            warmup_steps=0.1,
            weight_decay=0.01,
            bf16=True,
        )
        trainer = quiet(
            Trainer(
                model,
                args,
                data_collator=DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.2),
                train_dataset=[tokenizer(text) for text in texts[:1600]],  # type: ignore[arg-type]
                callbacks=observer.transformers_callbacks(),
            )
        )
        trainer.train()
        score = token_accuracy(model, valid)
        extra = {"losses": losses(trainer), "logits": logits(model, valid.batch(slice(2)))}
    return Trained((model,), (trainer.optimizer,), score, max(before, 0.25), 0.45, extra)


TAGS = ["O", "WHO", "DOES", "WHAT", "WHERE"]


def tagged(count: int, seed: int) -> tuple[list[list[str]], list[list[int]]]:
    """Words and their tags: the same made-up words mean who or what, by where they stand."""
    rng = np.random.default_rng(seed)
    names = [f"{a}{b}" for a in ("ba", "ko", "mi", "tu", "re") for b in ("lon", "dar", "vik", "ses")]
    words, tags = [], []
    for _ in range(count):
        who, what, where = rng.choice(names, 3)
        does = str(rng.choice(["meets", "buys", "paints"]))
        if rng.random() < 0.5:
            words.append(["the", who, does, "the", what, "at", where])
            tags.append([0, 1, 2, 0, 3, 0, 4])
        else:
            words.append(["at", where, "the", what, "is", "what", "the", who, does])
            tags.append([0, 4, 0, 3, 0, 0, 0, 1, 2])
    return words, tags


def tag_accuracy(prediction: EvalPrediction) -> dict[str, float]:
    guesses, labels = prediction.predictions.argmax(-1), prediction.label_ids  # type: ignore[union-attr]
    known = labels > 0
    return {"accuracy": float((guesses == labels)[known].mean())}


def distilbert_tags(observer: Observer, seed: int) -> Trained:
    """A DistilBERT tags words in sentences of unequal length, padded by the collator; evaluation each epoch."""
    with workplace(seed) as folder:
        words, tags = tagged(900, seed)
        tokenizer = word_tokenizer([" ".join(sentence) for sentence in words])
        coded = tokenizer(words, is_split_into_words=True)["input_ids"]
        rows = [{"input_ids": ids, "labels": labels} for ids, labels in zip(coded, tags, strict=True)]
        config = DistilBertConfig(
            vocab_size=len(tokenizer),
            dim=48,
            n_layers=2,
            n_heads=4,
            hidden_dim=96,
            max_position_embeddings=16,
            num_labels=len(TAGS),
        )
        model = DistilBertForTokenClassification(config)
        args = training_arguments(
            folder,
            seed,
            per_device_train_batch_size=32,
            per_device_eval_batch_size=100,
            num_train_epochs=6,
            learning_rate=2e-3,
            eval_strategy="epoch",
        )
        trainer = quiet(
            Trainer(
                model,
                args,
                data_collator=DataCollatorForTokenClassification(tokenizer),
                train_dataset=rows[:700],  # type: ignore[arg-type]
                eval_dataset=rows[700:],  # type: ignore[arg-type]
                compute_metrics=tag_accuracy,
                callbacks=observer.transformers_callbacks(),
            )
        )
        before = trainer.evaluate()["eval_accuracy"]
        trainer.train()
        score = trainer.evaluate()["eval_accuracy"]
        extra = {
            "losses": losses(trainer),
            "logits": logits(model, {"input_ids": torch.tensor(coded[0])[None]}),
        }
    return Trained((model,), (trainer.optimizer,), score, max(before, 0.3), 0.85, extra)


def prices(count: int, seed: int) -> Rows:
    """Lists of goods of unequal length; the target is what they cost together."""
    random = torch.Generator().manual_seed(seed)
    values = torch.linspace(-1, 1, 20)[torch.randperm(20, generator=torch.Generator().manual_seed(7))]
    ids = torch.randint(2, 22, (count, 10), generator=random)
    mask = torch.arange(10) < torch.randint(4, 11, (count, 1), generator=random)
    target = (values[ids - 2] * mask).sum(1) / 2
    return Rows(input_ids=torch.where(mask, ids, 1), attention_mask=mask.long(), labels=target)


def roberta_regression(observer: Observer, seed: int) -> Trained:
    """A RoBERTa with one output learns a number for a list of goods, by the mean squared error."""
    with workplace(seed) as folder:
        train, valid = prices(1600, seed), prices(300, seed + 1000)
        config = RobertaConfig(
            vocab_size=22,
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=96,
            max_position_embeddings=16,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            num_labels=1,
            problem_type="regression",
        )
        model = RobertaForSequenceClassification(config)
        args = training_arguments(
            folder,
            seed,
            per_device_train_batch_size=32,
            num_train_epochs=4,
            learning_rate=1.5e-3,
            warmup_steps=25,
        )
        trainer = quiet(
            Trainer(model, args, train_dataset=train, callbacks=observer.transformers_callbacks())
        )
        before = determination(model, valid)
        trainer.train()
        score = determination(model, valid)
        extra = {"losses": losses(trainer), "logits": logits(model, valid.batch(slice(4)))}
    return Trained((model,), (trainer.optimizer,), score, max(before, 0.0), 0.6, extra)


def determination(model: Any, rows: Rows) -> float:
    """The share of the variance that the model explains."""
    labels = rows.columns["labels"]
    rest = (logits(model, rows.batch())[:, 0] - labels).square().mean()
    return 1 - (rest / labels.var()).item()


PROGRAMS = (
    Program("transformers_bert_masked", "Trainer in bfloat16, masked words", ("transformers",), bert_masked),
    Program("transformers_distilbert_tags", "Trainer, tags of words", ("transformers",), distilbert_tags),
    Program(
        "transformers_roberta_regression",
        "Trainer, regression of a sequence",
        ("transformers",),
        roberta_regression,
    ),
)
