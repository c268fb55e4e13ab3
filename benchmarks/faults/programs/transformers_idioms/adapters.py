"""PEFT on briefly pretrained bases: LoRA by the Trainer, prompt tuning and IA3 by hand-written loops."""

from __future__ import annotations

import copy

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.transformers_idioms.common import (
    Rows,
    accuracy,
    logits,
    losses,
    quiet,
    token_accuracy,
    training_arguments,
    workplace,
)
from peft import (
    IA3Config,
    LoraConfig,
    PromptTuningConfig,
    PromptTuningInit,
    TaskType,
    get_peft_model,
    get_peft_model_state_dict,
    set_peft_model_state_dict,
)
from torch import Tensor, nn
from torch.optim import AdamW
from torch.utils.data import DataLoader
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Trainer,
    get_constant_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

SYMBOLS = 12
COPY, BACK, NEXT = SYMBOLS, SYMBOLS + 1, SYMBOLS + 2
LENGTH = 5


def task(kind: int | None, count: int, seed: int) -> Rows:
    """Symbols, a mark, and the answer: the same symbols, those before or those after them in the alphabet."""
    random = torch.Generator().manual_seed(seed)
    symbols = torch.randint(SYMBOLS, (count, LENGTH), generator=random)
    kinds = (
        torch.randint(COPY, NEXT + 1, (count, 1), generator=random)
        if kind is None
        else torch.full((count, 1), kind)
    )
    answer = torch.where(kinds == COPY, symbols, (symbols + torch.where(kinds == BACK, -1, 1)) % SYMBOLS)
    ids = torch.cat([symbols, kinds, answer], dim=1)
    labels = ids.clone()
    labels[:, : LENGTH + 1] = -100
    return Rows(input_ids=ids, labels=labels)


def pretrain(model: nn.Module, rows: Rows, epochs: int, lr: float) -> list[float]:
    """A few epochs of the whole model, to have a base."""
    optimizer = AdamW(model.parameters(), lr=lr)
    loader = DataLoader(rows, batch_size=32, shuffle=True, drop_last=True)
    scheduler = get_linear_schedule_with_warmup(optimizer, 10, epochs * len(loader))
    tail = []
    model.train()
    for _ in range(epochs):
        for batch in loader:
            loss = model(**batch).loss
            loss.backward()
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            tail.append(loss.item())
    return tail[-3:]


def shifted(rows: Rows, by: int) -> Rows:
    """The same questions with answers shifted further in the alphabet: a new task."""
    ids = rows.columns["input_ids"].clone()
    ids[:, LENGTH + 1 :] = (ids[:, LENGTH + 1 :] + by) % SYMBOLS
    return Rows(input_ids=ids, labels=torch.where(rows.columns["labels"] == -100, -100, ids))


def lora_trainer(observer: Observer, seed: int) -> Trained:
    """LoRA on a GPT-2 that knows three tasks on symbols: it learns another one; merged at the end."""
    with workplace(seed) as folder:
        config = GPT2Config(
            vocab_size=NEXT + 1,
            n_positions=16,
            n_embd=64,
            n_layer=2,
            n_head=4,
            bos_token_id=None,
            eos_token_id=None,
        )
        base = GPT2LMHeadModel(config)
        pretrain(base, task(None, 2560, seed), 2, 3e-3)
        lora = LoraConfig(
            r=8,
            lora_alpha=16,
            lora_dropout=0.05,
            fan_in_fan_out=True,
            target_modules=["c_attn", "c_proj", "c_fc"],
            task_type=TaskType.CAUSAL_LM,
        )
        model = get_peft_model(base, lora)
        train, valid = shifted(task(NEXT, 1600, seed + 1), 2), shifted(task(NEXT, 200, seed + 1000), 2)
        before = token_accuracy(model, valid, shift=True)
        args = training_arguments(
            folder,
            seed,
            per_device_train_batch_size=16,
            num_train_epochs=1,
            learning_rate=5e-3,
            warmup_steps=10,
            label_names=["labels"],
        )
        trainer = quiet(
            Trainer(model, args, train_dataset=train, callbacks=observer.transformers_callbacks())
        )
        trainer.train()
        merged = model.merge_and_unload()
        score = token_accuracy(merged, valid, shift=True)
        extra = {"losses": losses(trainer), "logits": logits(merged, valid.batch(slice(2)))}
    return Trained((merged,), (trainer.optimizer,), score, max(before, 1 / SYMBOLS), 0.7, extra)


def unmarked(rows: Rows) -> Rows:
    """The rows with a neutral mark: the model is not told which task it is."""
    ids = rows.columns["input_ids"].clone()
    ids[:, LENGTH] = COPY
    return Rows(input_ids=ids, labels=rows.columns["labels"])


def prompt_tuning(observer: Observer, seed: int) -> Trained:
    """A soft prompt makes a frozen Llama do one of its tasks where the mark asks for another."""
    with workplace(seed):
        config = LlamaConfig(
            vocab_size=NEXT + 1,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=64,
            bos_token_id=None,
            eos_token_id=None,
        )
        base = LlamaForCausalLM(config)
        pretrain(base, task(None, 2560, seed), 2, 3e-3)
        prompt = PromptTuningConfig(
            task_type=TaskType.CAUSAL_LM, num_virtual_tokens=8, prompt_tuning_init=PromptTuningInit.RANDOM
        )
        model = get_peft_model(base, prompt)
        train, valid = unmarked(task(NEXT, 1200, seed + 1)), unmarked(task(NEXT, 200, seed + 1000))
        before = prompted_accuracy(model, valid)
        loader = DataLoader(train, batch_size=16, shuffle=True)
        optimizer = AdamW(model.parameters(), lr=5e-2)
        scheduler = get_linear_schedule_with_warmup(optimizer, 10, 2 * len(loader))
        tail: list[float] = []
        model.train()
        with observer.watch(model, optimizer):
            for _ in range(2):
                for batch in loader:
                    loss = model(**batch).loss
                    loss.backward()
                    optimizer.step()
                    scheduler.step()
                    optimizer.zero_grad()
                    tail.append(loss.item())
        score = prompted_accuracy(model, valid)
        saved = {name: value.clone() for name, value in get_peft_model_state_dict(model).items()}
        extra = {"losses": tail[-5:], "prompt": saved}
    return Trained((model,), (optimizer,), score, max(before, 1 / SYMBOLS), 0.6, extra)


@torch.no_grad()
def prompted_accuracy(model: nn.Module, rows: Rows) -> float:
    """The share of right answers; the soft prompt comes before the tokens."""
    guesses = logits(model, rows.batch())[:, -rows.columns["labels"].shape[1] :].argmax(-1)[:, LENGTH:-1]
    return (guesses == rows.columns["labels"][:, LENGTH + 1 :]).float().mean().item()


def bags(count: int, seed: int, opposite: bool) -> Rows:
    """Lists of words, each good or bad; the label is whether the good are more, or for the new task the bad."""
    random = torch.Generator().manual_seed(seed)
    ids = torch.randint(1, 25, (count, 9), generator=random)
    good: Tensor = ids <= 12
    label = good.sum(1) >= 5
    return Rows(input_ids=ids, labels=(~label if opposite else label).long())


def ia3_loop(observer: Observer, seed: int) -> Trained:
    """IA3 vectors and a new head on a BERT: base for good words, task for bad ones; adapters saved and loaded."""
    with workplace(seed):
        config = BertConfig(
            vocab_size=25,
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=96,
            max_position_embeddings=16,
        )
        base = BertForSequenceClassification(config)
        pretrain(base, bags(1600, seed, opposite=False), 2, 2e-3)
        fresh = copy.deepcopy(base)
        ia3 = IA3Config(
            task_type=TaskType.SEQ_CLS,
            target_modules=["key", "value", "output.dense"],
            feedforward_modules=["output.dense"],
        )
        model = get_peft_model(base, ia3)
        train, valid = bags(1200, seed + 1, opposite=True), bags(400, seed + 1000, opposite=True)
        before = accuracy(model, valid)
        loader = DataLoader(train, batch_size=16, shuffle=True)
        optimizer = AdamW([p for p in model.parameters() if p.requires_grad], lr=8e-3)
        scheduler = get_constant_schedule_with_warmup(optimizer, 10)
        tail: list[float] = []
        model.train()
        with observer.watch(model, optimizer):
            for _ in range(3):
                for batch in loader:
                    outputs = model(**batch)
                    outputs.loss.backward()
                    optimizer.step()
                    scheduler.step()
                    optimizer.zero_grad()
                    tail.append(outputs.loss.item())
        loaded = get_peft_model(fresh, ia3)
        set_peft_model_state_dict(loaded, get_peft_model_state_dict(model))
        score = accuracy(loaded, valid)
        extra = {"losses": tail[-5:], "logits": logits(model, valid.batch(slice(4)))}
    return Trained((model, loaded), (optimizer,), score, max(before, 0.5), 0.8, extra)


PROGRAMS = (
    Program(
        "peft_lora_trainer", "Trainer, LoRA on a pretrained decoder", ("transformers", "peft"), lora_trainer
    ),
    Program("peft_prompt_tuning", "loop by hand, soft prompt", ("transformers", "peft"), prompt_tuning),
    Program("peft_ia3_loop", "loop by hand, IA3 on a pretrained encoder", ("transformers", "peft"), ia3_loop),
)
