"""Causal language models: GPT-2 by the Trainer, Llama and Qwen by hand-written loops."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.transformers_idioms.common import (
    logits,
    losses,
    quiet,
    token_accuracy,
    training_arguments,
    workplace,
)
from benchmarks.faults.programs.transformers_idioms.material import (
    LETTERS,
    characters,
    sentences,
    sorting,
    windows,
    word_tokenizer,
)
from torch import nn
from torch.optim import AdamW
from torch.utils.data import DataLoader
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    Trainer,
    default_data_collator,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)


def gpt2_trainer(observer: Observer, seed: int) -> Trained:
    """A GPT-2 with tied embeddings on the characters of Python's manual, by the Trainer."""
    with workplace(seed) as folder:
        train, valid = characters(length=32, train=2400, valid=96)
        config = GPT2Config(
            vocab_size=len(LETTERS),
            n_positions=32,
            n_embd=80,
            n_layer=2,
            n_head=4,
            bos_token_id=0,
            eos_token_id=0,
        )
        model = GPT2LMHeadModel(config)
        before = token_accuracy(model, valid, shift=True)
        args = training_arguments(
            folder,
            seed,
            per_device_train_batch_size=16,
            max_steps=220,
            learning_rate=3e-3,
            lr_scheduler_type="cosine",
            warmup_steps=20,
            weight_decay=0.1,
            eval_strategy="steps",
            eval_steps=50,
        )
        trainer = quiet(
            Trainer(
                model,
                args,
                train_dataset=train,
                eval_dataset=valid,
                callbacks=observer.transformers_callbacks(),
            )
        )
        trainer.train()
        score = token_accuracy(model, valid, shift=True)
        extra = {"losses": losses(trainer), "logits": logits(model, valid.batch(slice(2)))}
    return Trained((model,), (trainer.optimizer,), score, max(before, 0.18), 0.28, extra)


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Two groups of parameters: matrices decay, norms and biases do not."""
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    return [
        {"params": [p for _, p in named if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for _, p in named if p.ndim < 2], "weight_decay": 0.0},
    ]


def llama_loop(observer: Observer, seed: int) -> Trained:
    """A Llama with grouped queries learns to sort numbers, by a hand-written loop with groups of decay."""
    with workplace(seed):
        train, valid = sorting(6400, 8, 16, seed), sorting(256, 8, 16, seed + 1000)
        config = LlamaConfig(
            vocab_size=17,
            hidden_size=64,
            intermediate_size=160,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=32,
            bos_token_id=None,
            eos_token_id=None,
        )
        model = LlamaForCausalLM(config)
        before = token_accuracy(model, valid, shift=True)
        loader = DataLoader(train, batch_size=64, shuffle=True, drop_last=True)
        optimizer = AdamW(decay_groups(model, 0.1), lr=3e-3, betas=(0.9, 0.95))
        epochs = 2
        scheduler = get_cosine_schedule_with_warmup(optimizer, 20, epochs * len(loader))
        tail: list[float] = []
        model.train()
        with observer.watch(model, optimizer):
            for _ in range(epochs):
                for batch in loader:
                    loss = model(**batch).loss
                    loss.backward()
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    scheduler.step()
                    optimizer.zero_grad()
                    tail.append(loss.item())
        score = token_accuracy(model, valid, shift=True)
        extra = {"losses": tail[-5:], "logits": logits(model, valid.batch(slice(2)))}
    return Trained((model,), (optimizer,), score, max(before, 0.2), 0.8, extra)


def qwen_accelerate(observer: Observer, seed: int) -> Trained:
    """A Qwen3 on packed sentences: Accelerate's loop with bfloat16, accumulation and clipping."""
    with workplace(seed):
        texts, _ = sentences(2200, seed)
        tokenizer = word_tokenizer(texts)
        ids = torch.tensor(tokenizer("\n".join(texts))["input_ids"])
        train, valid = windows(ids, 24, 600, 64)
        config = Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=16,
            max_position_embeddings=24,
            tie_word_embeddings=True,
        )
        accelerator = Accelerator(cpu=True, mixed_precision="bf16", gradient_accumulation_steps=2)
        model = Qwen3ForCausalLM(config)
        before = token_accuracy(model, valid, shift=True)
        optimizer = AdamW(model.parameters(), lr=4e-3, weight_decay=0.01)
        loader = DataLoader(train, batch_size=8, shuffle=True, collate_fn=default_data_collator)
        scheduler = get_linear_schedule_with_warmup(optimizer, 10, 2 * len(loader) // 2)
        model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
        tail: list[float] = []
        model.train()
        with observer.watch(model, optimizer):
            for _ in range(2):
                for batch in loader:
                    with accelerator.accumulate(model):
                        loss = model(**batch).loss
                        accelerator.backward(loss)
                        if accelerator.sync_gradients:
                            accelerator.clip_grad_norm_(model.parameters(), 1.0)
                        optimizer.step()
                        scheduler.step()
                        optimizer.zero_grad()
                    tail.append(loss.item())
        plain = accelerator.unwrap_model(model, keep_fp32_wrapper=False)
        score = token_accuracy(plain, valid, shift=True)
        extra = {"losses": tail[-5:], "logits": logits(plain, valid.batch(slice(2)))}
    return Trained((plain,), (optimizer,), score, max(before, 0.3), 0.5, extra)


PROGRAMS = (
    Program("transformers_gpt2_trainer", "Trainer, GPT-2 on characters", ("transformers",), gpt2_trainer),
    Program("transformers_llama_loop", "loop by hand, Llama with groups of decay", ("transformers",), llama_loop),
    Program("transformers_qwen_accelerate", "Accelerate, bfloat16, accumulation", ("transformers", "accelerate"), qwen_accelerate),
)  # fmt: skip
