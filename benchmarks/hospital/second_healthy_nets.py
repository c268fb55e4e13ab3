"""Networks of the second healthy ward."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.functional import normalize, softplus

Net = Callable[[], nn.Module]


def mlp(
    *widths: int, act: Callable[[], nn.Module] = nn.ReLU, norm: Callable[[int], nn.Module] | None = None,
    drop: float = 0.0, noise: float = 0.0,
) -> Net:
    """Linear layers; norm, activation and dropout after all but the last; noise on the inputs of a training."""

    def make() -> nn.Module:
        layers: list[nn.Module] = [Noise(noise)] if noise else []
        for wide, next_ in zip(widths[:-2], widths[1:-1], strict=True):
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
        return x + self.size * torch.randn_like(x) if self.training else x


class Residual(nn.Module):
    """x + block(x); in training the block is left out now and then, row by row."""

    def __init__(self, block: nn.Module, left_out: float = 0.0) -> None:
        super().__init__()
        self.block, self.left_out = block, left_out

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and self.left_out):
            return x + self.block(x)
        kept = (torch.rand(len(x), *[1] * (x.ndim - 1)) >= self.left_out).float()
        return x + kept * self.block(x) / (1 - self.left_out)


def tower(wide: int, into: int, out: int, depth: int, left_out: float) -> Net:
    """Pre-norm residual blocks, dropped the more often the deeper they are."""

    def block() -> nn.Module:
        return nn.Sequential(nn.LayerNorm(into), nn.Linear(into, 2 * into), nn.GELU(), nn.Linear(2 * into, into))

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
        return self.net(x) * self.factor + self.shift


class Recurrent(nn.Module):
    """A recurrent layer, of whose outputs the last or all are read."""

    def __init__(self, cell: nn.RNNBase, out: int, every: bool = False, tokens: int = 0) -> None:
        super().__init__()
        self.table = nn.Embedding(tokens, cell.input_size) if tokens else nn.Identity()
        self.cell, self.every = cell, every
        self.head = nn.Linear(cell.hidden_size * (2 if cell.bidirectional else 1), out)

    def forward(self, x: Tensor) -> Tensor:
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
        return self.head(self.layer(self.words(x) + self.places).mean(1))


class Glance(nn.Module):
    """One learned question asks all places of a sequence; attention written out."""

    def __init__(self, width: int, wide: int, out: int) -> None:
        super().__init__()
        self.question = nn.Parameter(torch.randn(wide) / math.sqrt(wide))
        self.keys, self.values, self.head = nn.Linear(width, wide), nn.Linear(width, wide), nn.Linear(wide, out)

    def forward(self, x: Tensor) -> Tensor:
        weights = (self.keys(x).tanh() @ self.question).softmax(1)
        return self.head((weights[..., None] * self.values(x).relu()).sum(1))


class Bag(nn.Module):
    """A mean of word vectors, with sparse gradients, and a head."""

    def __init__(self, tokens: int, wide: int, out: int) -> None:
        super().__init__()
        self.words, self.head = nn.EmbeddingBag(tokens, wide, sparse=True), nn.Linear(wide, out)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.words(x))


class Tastes(nn.Module):
    """Matrix factors with sparse gradients, and biases."""

    def __init__(self, readers: int, books: int, rank: int) -> None:
        super().__init__()
        self.readers, self.books = (nn.Embedding(n, rank, sparse=True) for n in (readers, books))
        self.level = nn.Parameter(torch.zeros(1))
        for side in (self.readers, self.books):
            nn.init.normal_(side.weight, std=0.3)

    def forward(self, x: Tensor) -> Tensor:
        return (self.readers(x[:, 0]) * self.books(x[:, 1])).sum(1, keepdim=True) + self.level


class Forked(nn.Module):
    """A trunk and heads: a tuple, or a mapping where the heads have names."""

    def __init__(self, trunk: nn.Module, heads: Iterable[nn.Module], names: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.trunk, self.heads, self.names = trunk, nn.ModuleList(heads), names

    def forward(self, x: Tensor) -> tuple[Tensor, ...] | dict[str, Tensor]:
        code = self.trunk(x)
        answers = tuple(head(code) for head in self.heads)
        return dict(zip(self.names, answers, strict=True)) if self.names else answers


class Twins(nn.Module):
    """One encoder for both of a pair; a logit from the distance of the codes."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.margin, self.slope = encoder, nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.encoder(x[:, 0]), self.encoder(x[:, 1])
        return softplus(self.slope) * (self.margin - (a - b).pow(2).sum(1, keepdim=True))


class Crowd(nn.Module):
    """A set's members one by one, their maximum and mean, and a head."""

    def __init__(self, width: int, wide: int, out: int) -> None:
        super().__init__()
        self.each = nn.Sequential(nn.Linear(width, wide), nn.SiLU(), nn.Linear(wide, wide), nn.SiLU())
        self.all = nn.Sequential(nn.Linear(2 * wide, wide), nn.SiLU(), nn.Linear(wide, out))

    def forward(self, x: Tensor) -> Tensor:
        codes = self.each(x)
        return self.all(torch.cat((codes.amax(1), codes.mean(1)), 1))


class Circuit(nn.Module):
    """Two rounds of messages along the links, then attention over the nodes."""

    def __init__(self, nodes: int, features: int, wide: int, out: int) -> None:
        super().__init__()
        self.nodes, self.first = nodes, nn.Linear(features + 1, wide)
        self.own, self.near = nn.Linear(wide, wide), nn.Linear(wide, wide, bias=False)
        self.weigh, self.head = nn.Linear(wide, 1), nn.Linear(wide, out)

    def forward(self, x: Tensor) -> Tensor:
        links, kinds = x[..., : self.nodes], x[..., self.nodes :]
        degree = links.sum(2, keepdim=True)
        h = self.first(torch.cat((kinds, degree / 5), 2)).relu()
        h = (self.own(h) + self.near(links @ h / (degree + 1))).relu()
        return self.head((self.weigh(h).softmax(1) * h).sum(1))


class Variational(nn.Module):
    """A variational autoencoder; pixels' logits, mean and log variance."""

    def __init__(self, width: int, wide: int, code: int) -> None:
        super().__init__()
        self.encoder, self.decoder = mlp(width, wide, 2 * code)(), mlp(code, wide, width)()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log = self.encoder(x).chunk(2, 1)
        code = mean + (log / 2).exp() * torch.randn_like(mean) if self.training else mean
        return self.decoder(code), mean, log


class Cosines(nn.Module):
    """Logits are scaled cosines between codes and class directions."""

    def __init__(self, wide: int, out: int, scale: float) -> None:
        super().__init__()
        self.ways, self.scale = nn.Parameter(torch.randn(out, wide)), scale

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * normalize(x, dim=1) @ normalize(self.ways, dim=1).T


class Experts(nn.Module):
    """A soft gate over small networks."""

    def __init__(self, width: int, wide: int, out: int, count: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, count)
        self.experts = nn.ModuleList(mlp(width, wide, out, act=nn.Tanh)() for _ in range(count))

    def forward(self, x: Tensor) -> Tensor:
        answers = torch.stack([expert(x) for expert in self.experts], 1)
        return (self.gate(x).softmax(1)[..., None] * answers).sum(1)


class Signs(nn.Linear):
    """Weights used as signs times a row's mean size; the gradient goes straight through."""

    def forward(self, x: Tensor) -> Tensor:
        rough = self.weight.sign() * self.weight.abs().mean(1, keepdim=True)
        return functional.linear(x, self.weight + (rough - self.weight).detach(), self.bias)


class Low(nn.Module):
    """A frozen layer and a low-rank correction that starts at nothing."""

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        self.down = nn.Parameter(torch.randn(rank, base.in_features) / math.sqrt(base.in_features))
        self.up = nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + x @ self.down.T @ self.up.T


class Waves(nn.Module):
    """Fixed random frequencies as buffers, and what is learnt upon them."""

    def __init__(self, width: int, count: int, size: float, out: int) -> None:
        super().__init__()
        self.register_buffer("ways", size * torch.randn(width, count))
        self.head = nn.Linear(2 * count, out)

    def forward(self, x: Tensor) -> Tensor:
        turned = x @ self.ways
        return self.head(torch.cat((turned.sin(), turned.cos()), 1))


class Flowing(nn.Module):
    """A vector field followed in a few Euler steps."""

    def __init__(self, width: int, wide: int, steps: int, span: float) -> None:
        super().__init__()
        self.field, self.steps, self.span = mlp(width, wide, wide, width, act=nn.Tanh)(), steps, span

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.steps):
            x = x + self.span / self.steps * self.field(x)
        return x


class Couplings(nn.Module):
    """A normalising flow in the plane: the log density of each point, (n, 1)."""

    def __init__(self, count: int, wide: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(mlp(1, wide, wide, 2, act=nn.Tanh)() for _ in range(count))
        for part in self.parts:
            nn.init.zeros_(part[-1].weight)

    def forward(self, x: Tensor) -> Tensor:
        a, b, volume = x[:, :1], x[:, 1:], torch.zeros(len(x), 1)
        for part in self.parts:
            log, shift = part(a).chunk(2, 1)
            log = log.tanh() * 1.5
            a, b, volume = b * log.exp() + shift, a, volume + log
        return volume - (a**2 + b**2) / 2 - math.log(2 * math.pi)


class Raw(nn.Module):
    """Parameters in a dictionary and the network as a formula."""

    def __init__(self, width: int, wide: int, out: int) -> None:
        super().__init__()
        self.p = nn.ParameterDict({
            "w1": torch.randn(width, wide) * math.sqrt(2 / width), "b1": torch.zeros(wide), "g": torch.ones(wide),
            "w2": torch.randn(wide, out) * math.sqrt(1 / wide), "b2": torch.zeros(out),
        })

    def forward(self, x: Tensor) -> Tensor:
        h = x @ self.p["w1"]
        h = h * (h.pow(2).mean(1, keepdim=True) + 1e-6).rsqrt() * self.p["g"] + self.p["b1"]
        return functional.mish(h) @ self.p["w2"] + self.p["b2"]


class Painters(nn.Module):
    """A generator in the plane and its critic; the answers to what was painted, or to that and to real rows."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.painter = mlp(4, wide, wide, 2, act=nn.SiLU)()
        self.critic = mlp(2, wide, wide, 1, act=lambda: nn.LeakyReLU(0.2))()

    def forward(self, noise: Tensor, real: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        painted = self.painter(noise)
        if real is None:
            return self.critic(painted)
        return self.critic(painted.detach()), self.critic(real)
