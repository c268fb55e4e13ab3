"""A vision encoder and a text decoder that read strips of digits."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.transformers_idioms.common import (
    Rows,
    token_accuracy,
    workplace,
)
from benchmarks.faults.programs.transformers_idioms.material import (
    digits,
)
from torch import Tensor, nn
from torch.optim import AdamW
from torch.utils.data import DataLoader
from transformers import (
    GPT2Config,
    VisionEncoderDecoderConfig,
    VisionEncoderDecoderModel,
    ViTConfig,
    get_linear_schedule_with_warmup,
)


def strips(rows: Rows, count: int, seed: int) -> Rows:
    """Images of two digits side by side, and the two as a sequence with a start and an end."""
    picks = torch.randint(len(rows), (2, count), generator=torch.Generator().manual_seed(seed))
    images = torch.cat([rows.columns["pixel_values"][pick] for pick in picks], dim=-1)
    names: list[Tensor] = [rows.columns["labels"][pick] for pick in picks]
    end = torch.full((count,), 11)
    return Rows(pixel_values=images, labels=torch.stack([*names, end], dim=1))


def captioner(observer: Observer, seed: int) -> Trained:
    """A ViT encoder and a GPT-2 decoder with cross-attention read strips of two digits, with layer-wise rates."""
    with workplace(seed):
        train, test = digits(8)
        train, test = strips(train, 2000, seed), strips(test, 200, seed + 1000)
        vision = ViTConfig(
            image_size=(8, 16),  # type: ignore[arg-type]
            patch_size=4,
            num_channels=1,
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
        )
        text = GPT2Config(
            vocab_size=12, n_positions=4, n_embd=64, n_layer=1, n_head=4, bos_token_id=10, eos_token_id=11,
            is_decoder=True, add_cross_attention=True,
        )  # fmt: skip
        model = VisionEncoderDecoderModel(
            VisionEncoderDecoderConfig.from_encoder_decoder_configs(vision, text)
        )
        model.config.decoder_start_token_id, model.config.pad_token_id = 10, 11
        before = token_accuracy(model, with_decoder_inputs(test))
        loader = DataLoader(train, batch_size=32, shuffle=True)
        groups = [
            {"params": model.encoder.parameters(), "lr": 1e-3},
            {"params": model.decoder.parameters(), "lr": 3e-3},
        ]
        optimizer = AdamW(groups, weight_decay=0.01)
        scheduler = get_linear_schedule_with_warmup(optimizer, 20, 4 * len(loader))
        tail: list[float] = []
        model.train()
        with observer.watch(model, optimizer):
            for _ in range(4):
                for batch in loader:
                    loss = model(pixel_values=batch["pixel_values"], labels=batch["labels"]).loss
                    loss.backward()
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    scheduler.step()
                    optimizer.zero_grad()
                    tail.append(loss.item())
        score = token_accuracy(model, with_decoder_inputs(test))
        extra = {"losses": tail[-5:]}
    return Trained((model,), (optimizer,), score, max(before, 0.4), 0.7, extra)


def with_decoder_inputs(rows: Rows) -> Rows:
    """The rows with the inputs of the decoder, for a score word by word."""
    labels = rows.columns["labels"]
    inputs = torch.cat([torch.full((len(labels), 1), 10), labels[:, :-1]], dim=1)
    return Rows(**rows.columns, decoder_input_ids=inputs)


PROGRAMS = (
    Program(
        "transformers_captioner", "loop by hand, ViT encoder and GPT-2 decoder", ("transformers",), captioner
    ),
)
