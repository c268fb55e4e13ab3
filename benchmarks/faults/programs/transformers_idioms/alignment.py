"""Decoders after their pretraining: preferences as in DPO, rewards of sampled answers."""

from __future__ import annotations

import copy
from typing import Any

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.transformers_idioms.common import (
    Rows,
    logits,
    workplace,
)
from benchmarks.faults.programs.transformers_idioms.material import walks
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW
from torch.utils.data import DataLoader
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    get_cosine_schedule_with_warmup,
)


def preferences(count: int, random: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Plain walks either way, and pairs of one prompt: chosen ones that go on up, rejected ones that go down."""
    start = torch.randint(16, (count,), generator=random)
    either = torch.rand(count, generator=random) < 0.5
    plain = walks(start, 10, either, random)
    prompt, up = plain[:, :3], torch.ones(count, dtype=torch.bool)
    chosen, rejected = (torch.cat([prompt, walks(prompt[:, -1], 7, way, random)], dim=1) for way in (up, ~up))
    return plain, chosen, rejected


def log_likelihood(model: nn.Module, ids: Tensor, prompt: int) -> Tensor:
    """The log probability of what follows the prompt, a sequence."""
    scores = model(input_ids=ids[:, :-1]).logits.log_softmax(-1)
    return scores.gather(-1, ids[:, 1:, None]).squeeze(-1)[:, prompt - 1 :].sum(-1)


def supervised(model: nn.Module, ids: Tensor, epochs: int) -> None:
    """The language model before preferences."""
    optimizer = AdamW(model.parameters(), lr=3e-3)
    model.train()
    for _ in range(epochs):
        for batch in DataLoader(ids, batch_size=32, shuffle=True):  # type: ignore[arg-type]
            loss = model(input_ids=batch, labels=batch).loss
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()


def preference_loop(observer: Observer, seed: int) -> Trained:
    """A small Llama of walks is aligned by the DPO loss to walks that go up, against a frozen reference."""
    with workplace(seed):
        config = LlamaConfig(
            vocab_size=16,
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=16,
            bos_token_id=None,
            eos_token_id=None,
        )
        policy = LlamaForCausalLM(config)
        plain, chosen, rejected = preferences(1400, torch.Generator().manual_seed(seed))
        supervised(policy, plain[:1200], 2)
        reference = copy.deepcopy(policy).eval().requires_grad_(False)
        train = Rows(chosen=chosen[:1200], rejected=rejected[:1200])
        valid = Rows(chosen=chosen[1200:], rejected=rejected[1200:])
        before = preferred(policy, valid)
        loader = DataLoader(train, batch_size=16, shuffle=True)
        optimizer = AdamW(policy.parameters(), lr=2e-4, weight_decay=0.0)
        scheduler = get_cosine_schedule_with_warmup(optimizer, 10, len(loader))
        tail: list[float] = []
        policy.train()
        with observer.watch(policy, optimizer):
            for batch in loader:
                both = torch.cat([batch["chosen"], batch["rejected"]])
                with torch.no_grad():
                    old = log_likelihood(reference, both, 3).chunk(2)
                new = log_likelihood(policy, both, 3).chunk(2)
                margin = 0.1 * ((new[0] - old[0]) - (new[1] - old[1]))
                loss = -functional.logsigmoid(margin).mean()
                loss.backward()
                nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
                tail.append(loss.item())
        score = preferred(policy, valid)
        extra = {"losses": tail[-5:], "logits": logits(policy, {"input_ids": chosen[-2:]})}
    return Trained((policy, reference), (optimizer,), score, max(before, 0.5), 0.85, extra)


@torch.no_grad()
def preferred(model: nn.Module, rows: Rows) -> float:
    """The share of held-out pairs of which the chosen walk is the likelier."""
    training = model.training
    model.eval()
    pair = [log_likelihood(model, rows.columns[name], 3) for name in ("chosen", "rejected")]
    model.train(training)
    return (pair[0] > pair[1]).float().mean().item()


def rewarded(model: nn.Module, prompts: Tensor, group: int) -> tuple[Tensor, Tensor]:
    """Answers of six symbols that the model samples, and the share of them that are of the prompt's parity."""
    many = prompts.repeat_interleave(group, dim=0)
    model.eval()
    ids: Any = model.generate(  # type: ignore[operator]
        many,
        attention_mask=torch.ones_like(many),
        max_new_tokens=6,
        min_new_tokens=6,
        do_sample=True,
        top_k=0,
    )
    model.train()
    return ids, (ids[:, 1:] % 2 == many % 2).float().mean(1)


def group_rewards(observer: Observer, seed: int) -> Trained:
    """A GPT-2 is trained by rewards alone: groups of sampled answers, advantages within each, a policy gradient."""
    with workplace(seed):
        config = GPT2Config(
            vocab_size=12, n_positions=8, n_embd=48, n_layer=2, n_head=4, resid_pdrop=0.0, embd_pdrop=0.0,
            attn_pdrop=0.0, bos_token_id=None, eos_token_id=None, pad_token_id=0,
        )  # fmt: skip
        model = GPT2LMHeadModel(config)
        test = torch.arange(12)[:, None]
        with torch.no_grad():
            before = rewarded(model, test, 20)[1].mean().item()
        optimizer = AdamW(model.parameters(), lr=1e-3, weight_decay=0.0)
        tail: list[float] = []
        with observer.watch(model, optimizer):
            for _ in range(120):
                with torch.no_grad():
                    ids, reward = rewarded(model, torch.randint(12, (6, 1)), 8)
                groups = reward.view(6, 8)
                advantage = (
                    (groups - groups.mean(1, keepdim=True)) / (groups.std(1, keepdim=True) + 1e-4)
                ).view(-1)
                scores = model(input_ids=ids[:, :-1]).logits
                taken = -functional.cross_entropy(scores.transpose(1, 2), ids[:, 1:], reduction="none")
                loss = -(advantage[:, None] * taken).mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                tail.append(reward.mean().item())
        with torch.no_grad():
            score = rewarded(model, test, 20)[1].mean().item()
        extra = {"rewards": tail[-5:]}
    return Trained((model,), (optimizer,), score, max(before, 0.5), 0.8, extra)


PROGRAMS = (
    Program(
        "transformers_preference_loop",
        "loop by hand, DPO loss with a reference",
        ("transformers",),
        preference_loop,
    ),
    Program(
        "transformers_group_rewards",
        "loop by hand, rewards of sampled answers",
        ("transformers",),
        group_rewards,
    ),
)
