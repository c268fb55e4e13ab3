"""Further decoders: Mamba, a mixture of experts, GPT-NeoX and Gemma with checkpointing, OPT on a long schedule."""

from __future__ import annotations

import copy

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
    sorting,
    windows,
    word_tokenizer,
)
from torch import nn
from torch.optim import AdamW
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
    OPTConfig,
    OPTForCausalLM,
    Trainer,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)


def packed(seed: int, length: int, train: int, valid: int) -> tuple[Rows, Rows, int]:
    """Sentences one after the other, cut into blocks, and the size of the vocabulary."""
    texts, _ = sentences((train + valid) * length // 7, seed)
    tokenizer = word_tokenizer(texts)
    ids = torch.tensor(tokenizer("\n".join(texts))["input_ids"])
    return *windows(ids, length, train, valid), len(tokenizer)


def mamba_loop(observer: Observer, seed: int) -> Trained:
    """A Mamba on packed sentences, by hand; the state is saved in memory and loaded into a new model."""
    with workplace(seed):
        train, valid, vocabulary = packed(seed, 16, 900, 64)
        config = MambaConfig(
            vocab_size=vocabulary, hidden_size=48, state_size=8, num_hidden_layers=2, use_cache=False
        )
        model = MambaForCausalLM(config)
        before = token_accuracy(model, valid, shift=True)
        loader = DataLoader(train, batch_size=16, shuffle=True, drop_last=True)
        optimizer = AdamW(model.parameters(), lr=4e-3, betas=(0.9, 0.95), weight_decay=0.1)
        scheduler = get_cosine_schedule_with_warmup(optimizer, 10, 2 * len(loader))
        tail: list[float] = []
        model.train()
        with observer.watch(model, optimizer):
            for _ in range(2):
                for batch in loader:
                    loss = model(input_ids=batch["input_ids"], labels=batch["labels"]).loss
                    optimizer.zero_grad()
                    loss.backward()
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    scheduler.step()
                    tail.append(loss.item())
        loaded = MambaForCausalLM(config)
        loaded.load_state_dict(copy.deepcopy(model.state_dict()))
        score = token_accuracy(loaded, valid, shift=True)
        extra = {"losses": tail[-5:], "logits": logits(loaded, valid.batch(slice(2)))}
    return Trained((model, loaded), (optimizer,), score, max(before, 0.3), 0.5, extra)


def mixtral_experts(observer: Observer, seed: int) -> Trained:
    """A mixture of four experts with the loss of balance, on packed sentences, by the Trainer."""
    with workplace(seed) as folder:
        train, valid, vocabulary = packed(seed, 24, 640, 64)
        config = MixtralConfig(
            vocab_size=vocabulary,
            hidden_size=48,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            num_local_experts=4,
            num_experts_per_tok=2,
            max_position_embeddings=24,
            output_router_logits=True,
            router_aux_loss_coef=0.02,
            bos_token_id=None,
            eos_token_id=None,
        )
        model = MixtralForCausalLM(config)
        before = token_accuracy(model, valid, shift=True)
        args = training_arguments(
            folder,
            seed,
            per_device_train_batch_size=16,
            num_train_epochs=3,
            learning_rate=3e-3,
            lr_scheduler_type="cosine",
            warmup_steps=15,
            weight_decay=0.1,
            adam_beta2=0.95,
        )
        trainer = quiet(
            Trainer(model, args, train_dataset=train, callbacks=observer.transformers_callbacks())
        )
        trainer.train()
        score = token_accuracy(model, valid, shift=True)
        extra = {"losses": losses(trainer), "logits": logits(model, valid.batch(slice(2)))}
    return Trained((model,), (trainer.optimizer,), score, max(before, 0.3), 0.5, extra)


def neox_reentrant(observer: Observer, seed: int) -> Trained:
    """A GPT-NeoX sorts numbers by the Trainer: reentrant checkpointing and gradients of two batches a step."""
    with workplace(seed) as folder:
        train, valid = sorting(6400, 6, 12, seed), sorting(200, 6, 12, seed + 1000)
        config = GPTNeoXConfig(
            vocab_size=13,
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
            max_position_embeddings=16,
            bos_token_id=None,
            eos_token_id=None,
        )
        model = GPTNeoXForCausalLM(config)
        before = token_accuracy(model, valid, shift=True)
        args = training_arguments(
            folder,
            seed,
            per_device_train_batch_size=32,
            gradient_accumulation_steps=2,
            gradient_checkpointing=True,
            gradient_checkpointing_kwargs={"use_reentrant": True},
            num_train_epochs=1,
            learning_rate=4e-3,
            warmup_steps=20,
        )
        trainer = quiet(
            Trainer(model, args, train_dataset=train, callbacks=observer.transformers_callbacks())
        )
        trainer.train()
        score = token_accuracy(model, valid, shift=True)
        extra = {"losses": losses(trainer), "logits": logits(model, valid.batch(slice(2)))}
    return Trained((model,), (trainer.optimizer,), score, max(before, 0.2), 0.5, extra)


def gemma_average(observer: Observer, seed: int) -> Trained:
    """A Gemma 2 with tied weights and checkpointing that is not reentrant; an average of the weights is kept."""
    with workplace(seed):
        train, valid, vocabulary = packed(seed, 24, 640, 64)
        config = Gemma2Config(
            vocab_size=vocabulary,
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            head_dim=12,
            query_pre_attn_scalar=12,
            sliding_window=12,
            max_position_embeddings=24,
            attn_implementation="eager",
            pad_token_id=0,
        )
        model = Gemma2ForCausalLM(config)
        model.gradient_checkpointing_enable({"use_reentrant": False})
        average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.95))
        before = token_accuracy(model, valid, shift=True)
        loader = DataLoader(train, batch_size=16, shuffle=True)
        optimizer = AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
        scheduler = get_linear_schedule_with_warmup(optimizer, 10, 3 * len(loader))
        tail: list[float] = []
        model.train()
        with observer.watch(model, optimizer):
            for _ in range(3):
                for batch in loader:
                    loss = model(**batch, use_cache=False).loss
                    loss.backward()
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    scheduler.step()
                    average.update_parameters(model)
                    optimizer.zero_grad()
                    tail.append(loss.item())
        score = token_accuracy(average.module, valid, shift=True)
        extra = {"losses": tail[-5:], "logits": logits(average.module, valid.batch(slice(2)))}
    return Trained((model, average), (optimizer,), score, max(before, 0.3), 0.5, extra)


def opt_long_schedule(observer: Observer, seed: int) -> Trained:
    """An OPT sorts numbers on a long schedule: warm-up, a long plateau, decay; small batches."""
    with workplace(seed) as folder:
        train, valid = sorting(3200, 6, 12, seed), sorting(200, 6, 12, seed + 1000)
        config = OPTConfig(
            vocab_size=13,
            hidden_size=48,
            word_embed_proj_dim=48,
            ffn_dim=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=16,
            dropout=0.0,
            pad_token_id=None,
            bos_token_id=None,
            eos_token_id=None,
        )
        model = OPTForCausalLM(config)
        before = token_accuracy(model, valid, shift=True)
        args = training_arguments(
            folder,
            seed,
            per_device_train_batch_size=8,
            max_steps=400,
            learning_rate=2e-3,
            lr_scheduler_type="warmup_stable_decay",
            lr_scheduler_kwargs={"num_decay_steps": 80},
            warmup_steps=60,
            weight_decay=0.01,
        )
        trainer = quiet(
            Trainer(model, args, train_dataset=train, callbacks=observer.transformers_callbacks())
        )
        trainer.train()
        score = token_accuracy(model, valid, shift=True)
        extra = {"losses": losses(trainer), "logits": logits(model, valid.batch(slice(2)))}
    return Trained((model,), (trainer.optimizer,), score, max(before, 0.2), 0.6, extra)


PROGRAMS = (
    Program("transformers_mamba_loop", "loop by hand, Mamba", ("transformers",), mamba_loop),
    Program("transformers_mixtral_experts", "Trainer, mixture of experts", ("transformers",), mixtral_experts),
    Program("transformers_neox_reentrant", "Trainer, reentrant checkpointing and accumulation", ("transformers",), neox_reentrant),
    Program("transformers_gemma_average", "loop by hand, checkpointing and averaged weights", ("transformers",), gemma_average),
    Program("transformers_opt_long_schedule", "Trainer, warm-up, plateau and decay", ("transformers",), opt_long_schedule),
)  # fmt: skip
