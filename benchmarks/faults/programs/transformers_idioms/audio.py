"""Sound: wav2vec 2.0 with CTC on tunes, and an audio spectrogram transformer on sweeps."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.transformers_idioms.common import (
    Rows,
    accuracy,
    logits,
    losses,
    quiet,
    training_arguments,
    workplace,
)
from torch import Tensor, nn
from torch.optim import AdamW
from torch.utils.data import DataLoader
from transformers import (
    ASTConfig,
    ASTForAudioClassification,
    Trainer,
    Wav2Vec2Config,
    Wav2Vec2ForCTC,
    get_cosine_schedule_with_warmup,
)

NOTE = 80  # samples


def tunes(count: int, seed: int) -> Rows:
    """Tunes of six notes or rests in noise, one wave form each, and the notes as labels (0 is CTC's blank)."""
    random = torch.Generator().manual_seed(seed)
    notes = torch.randint(0, 5, (count, 6), generator=random)  # 0 is a rest
    notes[:, 0] = torch.randint(1, 5, (count,), generator=random)
    notes[:, 1:][notes[:, 1:] == notes[:, :-1]] = 0
    pitch = torch.tensor([0.0, 0.25, 0.45, 0.7, 1.1])[notes].repeat_interleave(NOTE, dim=1)
    phase = 6.28 * torch.rand(count, 1, generator=random)
    wave = torch.sin(pitch.cumsum(1) + phase) * (pitch > 0) + 0.1 * torch.randn(
        count, 6 * NOTE, generator=random
    )
    wave = (wave - wave.mean(1, keepdim=True)) / wave.std(1, keepdim=True)
    labels = torch.full((count, 6), -100)
    for row, tune in enumerate(notes):
        sung = tune[tune > 0]
        labels[row, : len(sung)] = sung
    return Rows(input_values=wave, labels=labels)


def collapse(path: Tensor) -> list[int]:
    """The notes of a greedy path: repeats are one, blanks are none."""
    return [int(note) for note in torch.unique_consecutive(path) if note > 0]


def distance(a: list[int], b: list[int]) -> int:
    """Levenshtein's distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def right_notes(model: nn.Module, rows: Rows) -> float:
    """One less the error rate of notes."""
    paths = logits(model, rows.batch()).argmax(-1)
    truths = [[int(note) for note in tune if note > 0] for tune in rows.columns["labels"]]
    wrong = sum(distance(collapse(path), truth) for path, truth in zip(paths, truths, strict=True))
    return 1 - wrong / sum(map(len, truths))


def wav2vec_ctc(observer: Observer, seed: int) -> Trained:
    """A wav2vec 2.0 writes down tunes, by the CTC loss and the Trainer."""
    with workplace(seed) as folder:
        train, valid = tunes(1040, seed), tunes(120, seed + 1000)
        config = Wav2Vec2Config(
            vocab_size=5,
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=96,
            conv_dim=(32, 32, 32),
            conv_kernel=(8, 4, 4),
            conv_stride=(4, 2, 2),
            num_conv_pos_embeddings=16,
            num_conv_pos_embedding_groups=4,
            feat_extract_norm="layer",
            do_stable_layer_norm=True,
            feat_proj_dropout=0.0,
            hidden_dropout=0.05,
            final_dropout=0.0,
            layerdrop=0.0,
            apply_spec_augment=False,
            ctc_loss_reduction="mean",
            pad_token_id=0,
        )
        model = Wav2Vec2ForCTC(config)
        before = right_notes(model, valid)
        args = training_arguments(
            folder,
            seed,
            per_device_train_batch_size=16,
            num_train_epochs=3,
            learning_rate=2e-3,
            warmup_steps=20,
            weight_decay=0.005,
        )
        trainer = quiet(
            Trainer(model, args, train_dataset=train, callbacks=observer.transformers_callbacks())
        )
        trainer.train()
        score = right_notes(model, valid)
        extra = {"losses": losses(trainer), "logits": logits(model, valid.batch(slice(2)))}
    return Trained((model,), (trainer.optimizer,), score, max(before, 0.0), 0.6, extra)


def sweeps(count: int, seed: int) -> Rows:
    """Log-mel-like spectrograms of six kinds of sound: up, down, arch, steady, pulses, two voices; in noise."""
    random = torch.Generator().manual_seed(seed)
    kind = torch.randint(6, (count,), generator=random)
    time = torch.linspace(0, 1, 32)[None, :]
    offset = torch.rand(count, 1, generator=random) * 4
    lines = torch.stack(
        [
            4 + 7 * time,
            11 - 7 * time,
            4 + 7 * torch.sin(3.14 * time),
            7 + 0 * time,
            7 + 0 * time,
            5 + 0 * time,
        ]
    )
    pitch = lines[kind, 0] + offset
    rows = torch.arange(16)[None, None, :]
    power = torch.exp(-(rows - pitch[..., None]).square() / 1.5)
    gate = torch.where(kind[:, None] == 4, (torch.sin(25 * time + offset) > 0).float(), 1.0)
    second = torch.exp(-(rows - pitch[..., None] - 5).square() / 1.5) * (kind == 5)[:, None, None]
    values = power * gate[..., None] + second + 0.2 * torch.randn(count, 32, 16, generator=random)
    return Rows(input_values=(values - values.mean()) / (2 * values.std()), labels=kind)


def spectrogram_transformer(observer: Observer, seed: int) -> Trained:
    """An audio spectrogram transformer tells six kinds of sound; a loop by hand under bfloat16 autocast."""
    with workplace(seed):
        train, valid = sweeps(960, seed), sweeps(240, seed + 1000)
        config = ASTConfig(
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=96,
            patch_size=4,
            frequency_stride=4,
            time_stride=4,
            max_length=32,
            num_mel_bins=16,
            num_labels=6,
        )
        model = ASTForAudioClassification(config)
        before = accuracy(model, valid)
        loader = DataLoader(train, batch_size=24, shuffle=True)
        optimizer = AdamW(model.parameters(), lr=3e-3, weight_decay=0.05)
        scheduler = get_cosine_schedule_with_warmup(optimizer, 20, 3 * len(loader))
        tail: list[float] = []
        model.train()
        with observer.watch(model, optimizer):
            for _ in range(3):
                for batch in loader:
                    with torch.autocast("cpu", dtype=torch.bfloat16):
                        loss = model(**batch).loss
                    optimizer.zero_grad(set_to_none=True)
                    loss.backward()
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    scheduler.step()
                    tail.append(loss.item())
        score = accuracy(model, valid)
        extra = {"losses": tail[-5:], "logits": logits(model, valid.batch(slice(4)))}
    return Trained((model,), (optimizer,), score, max(before, 1 / 6), 0.7, extra)


PROGRAMS = (
    Program("transformers_wav2vec_ctc", "Trainer, wav2vec 2.0 with CTC", ("transformers",), wav2vec_ctc),
    Program("transformers_spectrogram", "loop by hand in bfloat16, audio classes", ("transformers",), spectrogram_transformer),
)  # fmt: skip
