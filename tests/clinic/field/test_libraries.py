"""Healthy programs of well-known libraries; each needs its library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.clinic.field.loops import findings, warned
from torch import Tensor, nn
from torch.distributions import Categorical


@pytest.mark.slow
def test_a_causal_model_in_the_trainer_of_transformers_divides_its_sum(tmp_path: Path) -> None:
    transformers: Any = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    from levinthal.integrations.transformers import LevinthalCallback

    torch.manual_seed(0)
    rows = [(torch.arange(32) * k + b) % 60 for k in range(1, 30) for b in range(60)]
    config = transformers.GPT2Config(vocab_size=60, n_positions=32, n_embd=32, n_layer=1, n_head=2)
    settings = transformers.TrainingArguments(
        str(tmp_path),
        max_steps=100,
        per_device_train_batch_size=16,
        learning_rate=3e-3,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )
    callback = LevinthalCallback(every=5)
    data = [{"input_ids": x, "labels": x} for x in rows]
    model = transformers.GPT2LMHeadModel(config)
    transformers.Trainer(model, settings, train_dataset=data, callbacks=[callback]).train()
    assert [f.code for f in callback.watch.findings() if f.severity != "info"] == []


@pytest.mark.slow
def test_the_rows_of_a_state_space_model_are_equal_at_first_by_design() -> None:
    transformers: Any = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.MambaConfig(vocab_size=30, hidden_size=16, num_hidden_layers=1, state_size=4)
    model = transformers.MambaForCausalLM(config)

    def loss(i: int) -> Tensor:
        x = (torch.arange(12) * torch.randint(1, 5, (16, 1)) + torch.randint(30, (16, 1))) % 30
        value: Tensor = model(input_ids=x, labels=x).loss
        return value

    found = findings(model, torch.optim.AdamW(model.parameters(), 1e-3), loss, steps=60, every=10)
    assert warned(found) == []


@pytest.mark.slow
def test_the_first_observation_of_a_game_is_not_its_scale() -> None:
    gymnasium: Any = pytest.importorskip("gymnasium")
    torch.manual_seed(0)
    game = gymnasium.make("CartPole-v1")
    game.reset(seed=0)
    layers = (nn.Linear(4, 128), nn.Dropout(0.6), nn.ReLU(), nn.Linear(128, 2), nn.Softmax(1))
    policy = nn.Sequential(*layers)

    def loss(i: int) -> Tensor:
        (state, _), logs, over = game.reset(), [], False
        while not over:
            choice = Categorical(policy(torch.from_numpy(state).float()[None]))
            action = choice.sample()
            logs.append(choice.log_prob(action))
            state, _, end, cut, _ = game.step(action.item())
            over = end or cut
        left = torch.arange(len(logs), 0, -1.0)
        return -(torch.cat(logs) * (left - left.mean()) / (left.std() + 1e-8)).sum()

    found = findings(policy, torch.optim.Adam(policy.parameters(), 1e-2), loss, steps=80, every=10)
    assert warned(found) == []
