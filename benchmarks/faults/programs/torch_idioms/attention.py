"""Transformers: `nn.TransformerEncoder` with the norm first, attention by hand, padding masks."""

from __future__ import annotations

import math

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import (
    accuracy,
    digit_images,
    english,
    outputs,
    seed_all,
    text_batch,
    warmup_cosine,
)
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR


class VisionTransformer(nn.Module):
    """Patches, a class token, learnt positions, and PyTorch's own encoder."""

    def __init__(self, dim: int = 48, depth: int = 3) -> None:
        super().__init__()
        self.patch = nn.Conv2d(1, dim, 2, 2)
        self.token = nn.Parameter(torch.zeros(1, 1, dim))
        self.positions = nn.Parameter(0.02 * torch.randn(1, 17, dim))
        layer = nn.TransformerEncoderLayer(dim, 4, 2 * dim, 0.1, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(dim), enable_nested_tensor=False)
        self.head = nn.Linear(dim, 10)

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        tokens = self.patch(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(x), -1, -1), tokens], dim=1) + self.positions
        return self.head(self.encoder(tokens)[:, 0])


def vision_transformer(observer: Observer, seed: int) -> Trained:
    """A vision transformer by `nn.TransformerEncoder(norm_first=True)` on digits, by AdamW with a warm-up."""
    seed_all(seed)
    data, model, epochs = digit_images(), VisionTransformer(), 10
    loader = data.loader(64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    scheduler = LambdaLR(optimizer, warmup_cosine(2 * len(loader), epochs * len(loader)))
    before, losses = accuracy(model, data.test_x, data.test_y), []
    with observer.watch(model, optimizer):
        for _epoch in range(epochs):
            model.train()
            for x, y in loader:
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                scheduler.step()
                losses.append(loss.item())
            accuracy(model, data.test_x, data.test_y)
    score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.7, extra)


class SelfAttention(nn.Module):
    """Causal attention by `scaled_dot_product_attention`."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.out = nn.Linear(dim, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        batch, length, dim = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        h = functional.scaled_dot_product_attention(
            q, k, v, dropout_p=self.dropout if self.training else 0.0, is_causal=True
        )
        return self.out(h.transpose(1, 2).reshape(batch, length, dim))


class Block(nn.Module):
    """Attention and an MLP, each after a norm and beside a skip."""

    def __init__(self, dim: int, heads: int, dropout: float = 0.05) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(dim), SelfAttention(dim, heads, dropout)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.GELU(approximate="tanh"), nn.Linear(4 * dim, dim), nn.Dropout(dropout)
        )

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class LanguageModel(nn.Module):
    """A small GPT: the output layer shares the weights of the embedding."""

    def __init__(self, letters: int, dim: int = 64, depth: int = 2, context: int = 48) -> None:
        super().__init__()
        self.embed, self.positions = nn.Embedding(letters, dim), nn.Embedding(context, dim)
        self.blocks = nn.ModuleList([Block(dim, 4) for _ in range(depth)])
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, letters, bias=False)
        self.head.weight = self.embed.weight
        self.apply(self._init)
        for name, parameter in self.named_parameters():
            if name.endswith(("out.weight", "mlp.2.weight")):
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * depth))

    @staticmethod
    def _init(module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, ids: Tensor) -> Tensor:
        """The forward pass."""
        x = self.embed(ids) + self.positions(torch.arange(ids.shape[1]))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


@torch.no_grad()
def held_out_loss(model: nn.Module, ids: Tensor, context: int) -> float:
    """Cross-entropy on consecutive windows of the text that was held out."""
    model.eval()
    count = (len(ids) - 1) // context
    x, y = ids[: count * context].view(count, context), ids[1 : count * context + 1].view(count, context)
    loss = functional.cross_entropy(model(x).flatten(0, 1), y.flatten()).item()
    model.train()
    return loss


def language_model(observer: Observer, seed: int) -> Trained:
    """A character language model with tied weights and attention by hand, AdamW in two parameter groups."""
    seed_all(seed)
    train, test, alphabet = english()
    model, steps = LanguageModel(len(alphabet)), 200
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    vectors = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=3e-3, betas=(0.9, 0.95))
    scheduler = LambdaLR(optimizer, warmup_cosine(20, steps))
    before, losses = -held_out_loss(model, test, 48), []
    with observer.watch(model, optimizer):
        for step in range(steps):
            x, y = text_batch(train, 16, 48)
            loss = functional.cross_entropy(model(x).view(-1, len(alphabet)), y.view(-1))
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
            if step % 50 == 49:
                held_out_loss(model, test, 48)
    score = -held_out_loss(model, test, 48)
    extra = {"losses": losses[-10:], "outputs": outputs(model, test[:48].unsqueeze(0))}
    return Trained((model,), (optimizer,), score, max(before, -math.log(len(alphabet))), -2.8, extra)


def counted_sequences(count: int) -> tuple[Tensor, Tensor]:
    """Sequences of different length of the tokens 1 to 8, padded by 0; the class is the commonest of 1 to 4."""
    lengths = torch.randint(6, 21, (count,))
    y = torch.randint(4, (count,))
    x = torch.randint(1, 9, (count, 20))
    favoured = torch.rand(count, 20) < 0.35
    x = torch.where(favoured, (y + 1).unsqueeze(1), x)
    return x.masked_fill(torch.arange(20) >= lengths.unsqueeze(1), 0), y


class PaddedClassifier(nn.Module):
    """`nn.MultiheadAttention` with a mask of the padding, and a mean over what is not padding."""

    def __init__(self, dim: int = 32) -> None:
        super().__init__()
        self.embed = nn.Embedding(9, dim, padding_idx=0)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = nn.MultiheadAttention(dim, 4, dropout=0.1, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Dropout(0.1), nn.Linear(2 * dim, dim))
        self.head = nn.Linear(dim, 4)

    def forward(self, ids: Tensor) -> Tensor:
        """The forward pass."""
        padding = ids == 0
        x = self.embed(ids)
        h = self.norm1(x)
        x = x + self.attention(h, h, h, key_padding_mask=padding, need_weights=False)[0]
        x = x + self.mlp(self.norm2(x))
        kept = (~padding).unsqueeze(-1)
        return self.head((x * kept).sum(1) / kept.sum(1))


def padded_attention(observer: Observer, seed: int) -> Trained:
    """A classifier of padded sequences by `nn.MultiheadAttention` with a key padding mask, by NAdam."""
    seed_all(seed)
    (x, y), (test_x, test_y) = counted_sequences(2000), counted_sequences(600)
    model = PaddedClassifier()
    optimizer = torch.optim.NAdam(model.parameters(), lr=2e-3)
    before, losses = accuracy(model, test_x, test_y), []
    with observer.watch(model, optimizer):
        for _epoch in range(6):
            for rows in torch.randperm(len(x)).split(40):
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(x[rows]), y[rows])
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
    score = accuracy(model, test_x, test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.25), 0.7, extra)


PROGRAMS = (
    Program("vit-encoder-norm-first", "nn.TransformerEncoder, AdamW", (), vision_transformer),
    Program("char-gpt-sdpa-tied", "attention by hand, tied weights", (), language_model),
    Program("padded-multihead-attention", "nn.MultiheadAttention, NAdam", (), padded_attention),
)
