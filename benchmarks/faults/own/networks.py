"""The architectures of the own suite, as a user would write them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Block = Callable[[int], nn.Module]


def mlp(
    sizes: tuple[int, ...],
    act: Callable[[], nn.Module] = nn.ReLU,
    norm: Block | None = None,
    dropout: float = 0.0,
) -> nn.Sequential:
    """Linear, norm, activation, dropout; the last layer is linear."""
    parts: list[nn.Module] = []
    for a, b in pairwise(sizes[:-1]):
        parts += [nn.Linear(a, b), *([norm(b)] if norm else []), act()]
        parts += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*parts, nn.Linear(sizes[-2], sizes[-1]))


def cnn(act: Callable[[], nn.Module] = nn.ReLU, norm: Block | None = None, width: int = 8) -> nn.Sequential:
    """Two convolutions on (1, 8, 8), pooling, a linear layer to ten classes."""
    sizes = [(1, width), (width, 2 * width)]
    parts: list[nn.Module] = []
    for a, b in sizes:
        parts += [nn.Conv2d(a, b, 3, padding=1), *([norm(b)] if norm else []), act(), nn.MaxPool2d(2)]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(8 * width, 10))


class Residual(nn.Module):
    """An input layer, blocks x + f(x), an output layer."""

    def __init__(self, inputs: int, width: int, blocks: int, outputs: int, norm: Block = nn.LayerNorm):
        super().__init__()
        self.inlet, self.head = nn.Linear(inputs, width), nn.Linear(width, outputs)
        self.blocks = nn.ModuleList(
            nn.Sequential(norm(width), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
            for _ in range(blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs)"""
        x = self.inlet(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


class ResidualImages(nn.Module):
    """A small ResNet with batch norm."""

    def __init__(self, width: int = 8):
        super().__init__()
        self.stem = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for _ in range(2))
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        self.head = nn.Linear(width * 16, 10)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, 8, 8) -> (n, 10)"""
        x = self.stem(x)
        for norm, conv in zip(self.norms, self.convs, strict=True):
            x = x + conv(functional.relu(norm(x)))
        return self.head(functional.avg_pool2d(functional.relu(x), 2).flatten(1))


class Recurrent(nn.Module):
    """A recurrent layer whose last state is classified; may return a tuple or a mapping."""

    def __init__(self, kind: type[nn.RNNBase], inputs: int, width: int, outputs: int, **words: Any):
        super().__init__()
        self.rnn = kind(inputs, width, batch_first=True, **words)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(n, time, inputs) -> (n, outputs)"""
        states, _ = self.rnn(x)
        return self.head(states[:, -1])


class OwnRecurrence(nn.Module):
    """A plain recurrent network written out, one shared cell."""

    def __init__(self, inputs: int, width: int, outputs: int):
        super().__init__()
        self.cell, self.head, self.width = nn.RNNCell(inputs, width), nn.Linear(width, outputs), width

    def forward(self, x: Tensor) -> Tensor:
        """(n, time, inputs) -> (n, outputs)"""
        state = x.new_zeros(len(x), self.width)
        for step in x.unbind(1):
            state = self.cell(step, state)
        return self.head(state)


class Attention(nn.Module):
    """Tokens or vectors, one block of self-attention; one answer a line, or one a place."""

    def __init__(self, vocabulary: int, width: int, outputs: int, each: bool = False, length: int = 12):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.places = nn.Parameter(0.02 * torch.randn(length, width))
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend = nn.MultiheadAttention(width, 2, batch_first=True)
        self.wide = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.head, self.each = nn.Linear(width, outputs), each

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, t) tokens -> (n, outputs), or (n, outputs, t)"""
        x = self.embed(tokens) + self.places[: tokens.shape[1]]
        y, later = self.before(x), torch.full((x.shape[1], x.shape[1]), -torch.inf).triu(1)
        x = x + self.attend(y, y, y, need_weights=False, attn_mask=later if self.each else None)[0]
        x = x + self.wide(self.after(x))
        return self.head(x).transpose(1, 2) if self.each else self.head(x.mean(1))


class OwnAttention(nn.Module):
    """One head of attention over vectors, written out."""

    def __init__(self, inputs: int, width: int, outputs: int):
        super().__init__()
        self.inlet, self.head = nn.Linear(inputs, width), nn.Linear(width, outputs)
        self.keys, self.queries, self.values = (nn.Linear(width, width) for _ in range(3))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(n, time, inputs) -> (n, outputs)"""
        x = functional.gelu(self.inlet(x))
        q, k = self.queries(x), self.keys(x)
        weights = (q @ k.transpose(1, 2) / k.shape[-1] ** 0.5).softmax(-1)
        return self.head(self.norm(x + weights @ self.values(x)).mean(1))


class Bag(nn.Module):
    """The mean of embedded words, classified; its gradients may be sparse."""

    def __init__(self, vocabulary: int, width: int, outputs: int, sparse: bool = False):
        super().__init__()
        self.embed = nn.EmbeddingBag(vocabulary, width, sparse=sparse)
        self.head = nn.Linear(width, outputs)

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, t) -> (n, outputs)"""
        return self.head(self.embed(tokens))


class NextWord(nn.Module):
    """Embedding, GRU, and the embedding again as the output layer (tied weights)."""

    def __init__(self, vocabulary: int, width: int):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        self.rnn = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, t) -> (n, vocabulary, t)"""
        return self.head(self.rnn(self.embed(tokens))[0]).transpose(1, 2)


class TiedAutoencoder(nn.Module):
    """One weight matrix to encode, and its transpose to decode."""

    def __init__(self, inputs: int, width: int):
        super().__init__()
        self.encode = nn.Linear(inputs, width)
        self.bias = nn.Parameter(torch.zeros(inputs))

    def forward(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, inputs)"""
        return torch.tanh(self.encode(x)) @ self.encode.weight + self.bias


class Parts(nn.Module):
    """A backbone and a head; the answer as a tensor, a tuple or a mapping; `cut` loses the gradient."""

    def __init__(self, backbone: nn.Module, head: nn.Module, gives: str = "tensor", cut: str = ""):
        super().__init__()
        self.backbone, self.head, self.gives, self.cut = backbone, head, gives, cut

    def forward(self, x: Tensor) -> Any:
        """(n, ...) -> (n, outputs), alone, with the features, or by name"""
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.cut != "no_grad"):
            features = self.backbone(x)
        answer = self.head(features.detach() if self.cut == "detach" else features)
        if self.gives == "tensor":
            return answer
        return (answer, features) if self.gives == "tuple" else {"logits": answer, "features": features}


class Rivals(nn.Module):
    """A generator and a discriminator of points in the plane."""

    def __init__(self, act: Callable[[], nn.Module] = nn.LeakyReLU):
        super().__init__()
        self.generator, self.discriminator = mlp((4, 24, 24, 2), act), mlp((2, 24, 24, 1), act)

    def forward(self, noise: Tensor, real: Tensor | None = None) -> Any:
        """Verdicts on fakes; and where real points are given, on them too, the generator left out."""
        if real is None:
            return self.discriminator(self.generator(noise))
        return self.discriminator(self.generator(noise).detach()), self.discriminator(real)


class Wrapped(nn.Module):
    """A model followed by a function."""

    def __init__(self, inner: nn.Module, last: Callable[[Tensor], Tensor]):
        super().__init__()
        self.inner, self.last = inner, last

    def forward(self, x: Tensor) -> Tensor:
        """What the function makes of the model's answer."""
        return self.last(self.inner(x))
