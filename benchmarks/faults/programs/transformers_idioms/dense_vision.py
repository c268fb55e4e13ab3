"""Models of whole images: hidden patches of digits, SegFormer on scenes."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.transformers_idioms.common import (
    Rows,
    logits,
    losses,
    quiet,
    training_arguments,
    workplace,
)
from benchmarks.faults.programs.transformers_idioms.material import (
    digits,
)
from torch import Tensor, nn
from torch.optim import AdamW
from torch.utils.data import DataLoader
from transformers import (
    SegformerConfig,
    SegformerForSemanticSegmentation,
    Trainer,
    ViTConfig,
    ViTForMaskedImageModeling,
    get_scheduler,
)


def hide_patches(rows: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """A batch in which half of the 16 patches of each image are hidden."""
    images = torch.stack([row["pixel_values"] for row in rows])
    return {"pixel_values": images, "bool_masked_pos": torch.rand(len(rows), 16).argsort(1) < 8}


def masked_images(observer: Observer, seed: int) -> Trained:
    """A ViT fills in hidden patches of digits, by the Trainer; the score is the part of them explained."""
    with workplace(seed) as folder:
        train, test = (Rows(pixel_values=rows.columns["pixel_values"]) for rows in digits(8))
        config = ViTConfig(
            image_size=8,
            patch_size=2,
            num_channels=1,
            encoder_stride=2,
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=96,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        model = ViTForMaskedImageModeling(config)
        before, _ = explained(model, test)
        args = training_arguments(
            folder,
            seed,
            per_device_train_batch_size=64,
            num_train_epochs=8,
            learning_rate=3e-3,
            lr_scheduler_type="cosine",
            warmup_steps=20,
            weight_decay=0.05,
            remove_unused_columns=False,
        )
        trainer = Trainer(
            model,
            args,
            data_collator=hide_patches,
            train_dataset=train,
            callbacks=observer.transformers_callbacks(),
        )
        quiet(trainer).train()
        score, patches = explained(model, test)
        extra = {"losses": losses(trainer), "patches": patches}
    return Trained((model,), (trainer.optimizer,), score, max(before, 0.0), 0.3, extra)


@torch.no_grad()
def explained(model: ViTForMaskedImageModeling, rows: Rows) -> tuple[float, Tensor]:
    """One less the error on hidden patches against the variance of their pixels, and a few images."""
    images = rows.columns["pixel_values"]
    hidden = torch.rand(len(images), 16, generator=torch.Generator().manual_seed(0)).argsort(1) < 8
    training = model.training
    model.eval()
    guess = model(pixel_values=images, bool_masked_pos=hidden).reconstruction
    model.train(training)
    pixels = hidden.view(-1, 1, 4, 4).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    rest = (guess - images)[pixels].square().mean()
    return 1 - (rest / images[pixels].var()).item(), guess[:4]


def scenes(count: int, seed: int) -> Rows:
    """Noisy images with a disc and a square, and the class of each pixel at a quarter of the size."""
    random = torch.Generator().manual_seed(seed)
    grid = torch.arange(32).float()
    y, x = grid[None, :, None], grid[None, None, :]
    centres = 8 + 16 * torch.rand(count, 4, 1, 1, generator=random)
    disc = (y - centres[:, 0]).square() + (x - centres[:, 1]).square() < 36
    square = torch.maximum((y - centres[:, 2]).abs(), (x - centres[:, 3]).abs()) < 5
    labels = torch.where(square, 2, torch.where(disc, 1, 0))
    colours = torch.tensor([[0.0, 0.0, 0.0], [0.8, 0.2, -0.4], [-0.3, 0.5, 0.9]])
    images = colours[labels].permute(0, 3, 1, 2) + 0.3 * torch.randn(count, 3, 32, 32, generator=random)
    return Rows(pixel_values=images, labels=labels)


def segformer_scenes(observer: Observer, seed: int) -> Trained:
    """A SegFormer finds discs and squares, by a loop by hand with a polynomial schedule and clipping."""
    with workplace(seed):
        train, test = scenes(256, seed), scenes(48, seed + 1000)
        config = SegformerConfig(
            num_encoder_blocks=2,
            depths=[1, 1],
            sr_ratios=[2, 1],
            hidden_sizes=[16, 32],
            patch_sizes=[5, 3],
            strides=[2, 2],
            num_attention_heads=[1, 2],
            mlp_ratios=[2, 2],
            decoder_hidden_size=32,
            num_labels=3,
        )
        model = SegformerForSemanticSegmentation(config)
        before = intersection(model, test)
        loader = DataLoader(train, batch_size=16, shuffle=True)
        optimizer = AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
        scheduler = get_scheduler(
            "polynomial", optimizer, num_warmup_steps=10, num_training_steps=5 * len(loader)
        )
        tail: list[float] = []
        model.train()
        with observer.watch(model, optimizer):
            for _ in range(5):
                for batch in loader:
                    outputs = model(**batch)
                    outputs.loss.backward()
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    scheduler.step()
                    optimizer.zero_grad()
                    tail.append(outputs.loss.item())
        score = intersection(model, test)
        extra = {"losses": tail[-5:], "logits": logits(model, test.batch(slice(1)))}
    return Trained((model,), (optimizer,), score, max(before, 0.3), 0.6, extra)


def intersection(model: nn.Module, rows: Rows) -> float:
    """The mean over the classes of intersection by union."""
    labels = rows.columns["labels"]
    guesses = nn.functional.interpolate(
        logits(model, rows.batch()), labels.shape[-2:], mode="bilinear"
    ).argmax(1)
    pairs = [(guesses == i, labels == i) for i in range(3)]
    return sum(((a & b).sum() / (a | b).sum()).item() for a, b in pairs) / 3


PROGRAMS = (
    Program(
        "transformers_masked_images",
        "Trainer with a collator of one's own, masked images",
        ("transformers",),
        masked_images,
    ),
    Program("transformers_segformer_scenes", "loop by hand, SegFormer", ("transformers",), segformer_scenes),
)
