"""Contrastive learning: sentence embeddings with in-batch negatives, images and captions as in CLIP."""

from __future__ import annotations

import math

import numpy as np
import torch
from accelerate import Accelerator
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.transformers_idioms.common import (
    Rows,
    workplace,
)
from benchmarks.faults.programs.transformers_idioms.material import (
    SUBJECTS,
    digits,
    sentences,
    word_tokenizer,
)
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import AdamW
from torch.utils.data import DataLoader
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPModel,
    get_cosine_schedule_with_warmup,
)


class SentenceEncoder(nn.Module):
    """A BERT with the mean over the words, of length one."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.encoder = BertModel(config, add_pooling_layer=False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """One vector a sentence."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask[..., None].to(hidden.dtype)
        return functional.normalize((hidden * mask).sum(1) / mask.sum(1).clamp(min=1e-9), dim=-1)


def paraphrases(count: int, seed: int) -> tuple[list[str], list[str]]:
    """Sentences and the same facts as made-up words in another order."""
    words = [word for parts in SUBJECTS.values() for part in parts for word in part]
    other = {word: f"x{i:02d}" for i, word in enumerate(words)}
    texts, _ = sentences(count, seed)
    mirrored = [" ".join(other[w] for w in reversed(text.split()) if w in other) for text in texts]
    return texts, mirrored


def embedding_negatives(observer: Observer, seed: int) -> Trained:
    """Sentence embeddings: paraphrases find each other among those of the batch; Accelerate's loop."""
    with workplace(seed):
        texts, mirrored = paraphrases(1600, seed)
        tokenizer = word_tokenizer(texts + mirrored)
        config = BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
            max_position_embeddings=16,
        )
        accelerator = Accelerator(cpu=True)
        model = SentenceEncoder(config)
        sides = [tokenizer(side, padding=True, return_tensors="pt") for side in (texts, mirrored)]
        valid = [{name: side[name][1500:] for name in ("input_ids", "attention_mask")} for side in sides]
        before = recall(model, valid)
        pairs = list(zip(texts[:1500], mirrored[:1500], strict=True))
        loader = DataLoader(pairs, batch_size=32, shuffle=True, drop_last=True)  # type: ignore[arg-type]
        optimizer = AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)
        scheduler = get_cosine_schedule_with_warmup(optimizer, 15, 4 * len(loader))
        model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
        tail: list[float] = []
        model.train()
        with observer.watch(model, optimizer):
            for _ in range(4):
                for batch in loader:
                    coded = [tokenizer(list(side), padding=True, return_tensors="pt") for side in batch]
                    left, right = (model(side["input_ids"], side["attention_mask"]) for side in coded)
                    scores = 20.0 * left @ right.T
                    loss = functional.cross_entropy(scores, torch.arange(len(scores)))
                    accelerator.backward(loss)
                    accelerator.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    scheduler.step()
                    optimizer.zero_grad()
                    tail.append(loss.item())
        model.eval()
        score = recall(model, valid)
        extra = {"losses": tail[-5:], "left": model(**valid[0]).detach()[:4]}
    return Trained((model,), (optimizer,), score, max(before, 0.05), 0.35, extra)


@torch.no_grad()
def recall(model: nn.Module, sides: list[dict[str, Tensor]]) -> float:
    """The share of held-out sentences whose nearest neighbour is their paraphrase, or one just as near."""
    training = model.training
    model.eval()
    left, right = (model(**side) for side in sides)
    model.train(training)
    scores = left @ right.T
    return (scores.diagonal() >= scores.max(1).values - 1e-6).float().mean().item()


def captions(rows: Rows, seed: int) -> Tensor:
    """A caption of three words for each digit: a filler, the word of the digit, and an end."""
    fillers = np.random.default_rng(seed).integers(10, 15, len(rows))
    return torch.stack([torch.tensor(fillers), rows.columns["labels"], torch.full((len(rows),), 15)], dim=1)


def clip_pairs(observer: Observer, seed: int) -> Trained:
    """A CLIP on digits and captions: the contrastive loss with a learnt and bounded temperature."""
    with workplace(seed):
        train, test = digits(8)
        text = {
            "vocab_size": 16, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
            "num_attention_heads": 4, "max_position_embeddings": 4, "eos_token_id": 15, "bos_token_id": None,
            "pad_token_id": None,
        }  # fmt: skip
        vision = {
            "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
            "num_channels": 1, "image_size": 8, "patch_size": 2,
        }  # fmt: skip
        model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=32))
        images = Rows(pixel_values=train.columns["pixel_values"], input_ids=captions(train, seed))
        before = zero_shot(model, test)
        loader = DataLoader(images, batch_size=32, shuffle=True, drop_last=True)
        optimizer = AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.1)
        scheduler = get_cosine_schedule_with_warmup(optimizer, 20, 5 * len(loader))
        tail: list[float] = []
        model.train()
        with observer.watch(model, optimizer):
            for _ in range(5):
                for batch in loader:
                    loss = model(**batch, return_loss=True).loss
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    scheduler.step()
                    with torch.no_grad():
                        model.logit_scale.clamp_(0, math.log(100))
                    tail.append(loss.item())
        score = zero_shot(model, test)
        extra = {"losses": tail[-5:], "scale": model.logit_scale.detach().clone()}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.6, extra)


@torch.no_grad()
def zero_shot(model: CLIPModel, rows: Rows) -> float:
    """The share of images whose nearest of ten captions names their digit."""
    training = model.training
    model.eval()
    prompts = torch.stack([torch.full((10,), 12), torch.arange(10), torch.full((10,), 15)], dim=1)
    scores = model(pixel_values=rows.columns["pixel_values"], input_ids=prompts).logits_per_image
    model.train(training)
    return (scores.argmax(-1) == rows.columns["labels"]).float().mean().item()


PROGRAMS = (
    Program(
        "transformers_embedding_negatives",
        "Accelerate, in-batch negatives",
        ("transformers", "accelerate"),
        embedding_negatives,
    ),
    Program("transformers_clip_pairs", "loop by hand, CLIP", ("transformers",), clip_pairs),
)
