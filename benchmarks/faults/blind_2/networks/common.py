"""Networks of the second blind suite's healthy cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

Net = Callable[[], nn.Module]


def mlp(
    *widths: int,
    act: Callable[[], nn.Module] = nn.ReLU,
    norm: Callable[[int], nn.Module] | None = None,
    drop: float = 0.0,
    noise: float = 0.0,
) -> Net:
    """Linear layers; norm, activation and dropout after all but the last; noise on inputs in training."""

    def make() -> nn.Module:
        layers: list[nn.Module] = [Noise(noise)] if noise else []
        for wide, next_ in pairwise(widths[:-1]):
            layers += [nn.Linear(wide, next_), *([norm(next_)] if norm else []), act()]
            layers += [nn.Dropout(drop)] if drop else []
        return nn.Sequential(*layers, nn.Linear(*widths[-2:]))

    return make


def stacked(*parts: Callable[[], nn.Module]) -> Net:
    """One after the other."""
    return lambda: nn.Sequential(*(part() for part in parts))


class Noise(nn.Module):
    """Gaussian noise while training."""

    def __init__(self, size: float) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """x, noisier in training."""
        return x + self.size * torch.randn_like(x) if self.training else x


class Residual(nn.Module):
    """x + block(x); in training the block is left out now and then, row by row."""

    def __init__(self, block: nn.Module, left_out: float = 0.0) -> None:
        super().__init__()
        self.block, self.left_out = block, left_out

    def forward(self, x: Tensor) -> Tensor:
        """x and what the block adds."""
        if not (self.training and self.left_out):
            return x + self.block(x)
        kept = (torch.rand(len(x), *[1] * (x.ndim - 1)) >= self.left_out).float()
        return x + kept * self.block(x) / (1 - self.left_out)


def tower(wide: int, into: int, out: int, depth: int, left_out: float) -> Net:
    """Pre-norm residual blocks, dropped the more often the deeper they are."""

    def block() -> nn.Module:
        return nn.Sequential(
            nn.LayerNorm(into), nn.Linear(into, 2 * into), nn.GELU(), nn.Linear(2 * into, into)
        )

    def make() -> nn.Module:
        blocks = (Residual(block(), left_out * (i + 1) / depth) for i in range(depth))
        return nn.Sequential(nn.Linear(wide, into), *blocks, nn.LayerNorm(into), nn.Linear(into, out))

    return make


class Units(nn.Module):
    """A network that works in natural units, answering in those of the targets."""

    def __init__(self, net: nn.Module, factor: float, shift: float) -> None:
        super().__init__()
        self.net, self.factor, self.shift = net, factor, shift

    def forward(self, x: Tensor) -> Tensor:
        """Answers in the targets' units."""
        return self.net(x) * self.factor + self.shift


class Recurrent(nn.Module):
    """A recurrent layer, of whose outputs the last or all are read."""

    def __init__(self, cell: nn.RNNBase, out: int, every: bool = False, tokens: int = 0) -> None:
        super().__init__()
        self.table = nn.Embedding(tokens, cell.input_size) if tokens else nn.Identity()
        self.cell, self.every = cell, every
        self.head = nn.Linear(cell.hidden_size * (2 if cell.bidirectional else 1), out)

    def forward(self, x: Tensor) -> Tensor:
        """(n, t, d) or tokens -> (n, out), or (n, out, t)."""
        states, _ = self.cell(self.table(x))
        return self.head(states).mT if self.every else self.head(states[:, -1])


class Reader(nn.Module):
    """Tokens, places and one encoder layer, averaged."""

    def __init__(self, tokens: int, length: int, wide: int, out: int) -> None:
        super().__init__()
        self.words = nn.Embedding(tokens, wide)
        self.places = nn.Parameter(0.02 * torch.randn(length, wide))
        self.layer = nn.TransformerEncoderLayer(wide, 4, 2 * wide, 0.1, batch_first=True, norm_first=True)
        self.head = nn.Linear(wide, out)

    def forward(self, x: Tensor) -> Tensor:
        """(n, t) tokens -> (n, out)."""
        return self.head(self.layer(self.words(x) + self.places).mean(1))


class Bag(nn.Module):
    """A mean of word vectors, with sparse gradients, and a head."""

    def __init__(self, tokens: int, wide: int, out: int) -> None:
        super().__init__()
        self.words, self.head = nn.EmbeddingBag(tokens, wide, sparse=True), nn.Linear(wide, out)

    def forward(self, x: Tensor) -> Tensor:
        """(n, t) tokens -> (n, out)."""
        return self.head(self.words(x))


class Forked(nn.Module):
    """A trunk and heads: a tuple, or a mapping where the heads have names."""

    def __init__(self, trunk: nn.Module, heads: Iterable[nn.Module], names: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.trunk, self.heads, self.names = trunk, nn.ModuleList(heads), names

    def forward(self, x: Tensor) -> tuple[Tensor, ...] | dict[str, Tensor]:
        """An answer from every head."""
        code = self.trunk(x)
        answers = tuple(head(code) for head in self.heads)
        return dict(zip(self.names, answers, strict=True)) if self.names else answers


class Twins(nn.Module):
    """One encoder for both of a pair; a logit from the distance of the codes."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.margin, self.slope = (
            encoder,
            nn.Parameter(torch.ones(1)),
            nn.Parameter(torch.ones(1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, 2, d) -> (n, 1): positive where the two are of one kind."""
        a, b = self.encoder(x[:, 0]), self.encoder(x[:, 1])
        return softplus(self.slope) * (self.margin - (a - b).pow(2).sum(1, keepdim=True))


class Circuit(nn.Module):
    """Two rounds of messages along the links, then attention over the nodes."""

    def __init__(self, nodes: int, features: int, wide: int, out: int) -> None:
        super().__init__()
        self.nodes, self.first = nodes, nn.Linear(features + 1, wide)
        self.own, self.near = nn.Linear(wide, wide), nn.Linear(wide, wide, bias=False)
        self.weigh, self.head = nn.Linear(wide, 1), nn.Linear(wide, out)

    def forward(self, x: Tensor) -> Tensor:
        """(n, nodes, nodes + features) -> (n, out)."""
        links, kinds = x[..., : self.nodes], x[..., self.nodes :]
        degree = links.sum(2, keepdim=True)
        h = self.first(torch.cat((kinds, degree / 5), 2)).relu()
        h = (self.own(h) + self.near(links @ h / (degree + 1))).relu()
        return self.head((self.weigh(h).softmax(1) * h).sum(1))
