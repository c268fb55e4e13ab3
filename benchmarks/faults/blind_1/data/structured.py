"""Structured data of the first blind suite: images, sequences, sets and graphs."""

from __future__ import annotations

import math
from functools import cache

import torch
from benchmarks.faults.blind_1.data.vectors import Source, dice_of
from benchmarks.faults.own.data import Rows
from sklearn import datasets
from torch import Tensor


@cache
def _digits() -> Rows:
    x, y = datasets.load_digits(return_X_y=True)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def signed_digits(seed: int) -> Rows:
    """(1797, 64) handwritten digits, pixels in [-1, 1]."""
    x, y = _digits()
    order = torch.randperm(len(x), generator=dice_of(seed))
    return x[order] / 8 - 1, y[order]


def contrasted(seed: int) -> Rows:
    """The digits by one mean and one deviation for all pixels."""
    x, y = signed_digits(seed)
    return (x - x.mean()) / x.std(), y


def grey(seed: int) -> Rows:
    """The digits as pictures (n, 1, 8, 8)."""
    x, y = contrasted(seed)
    return x.reshape(-1, 1, 8, 8), y


def odd(source: Source) -> Source:
    """Odd or even, instead of the digit."""
    return lambda seed: (source(seed)[0], source(seed)[1] % 2)


def lines_of_digits(seed: int) -> Rows:
    """A digit as a sequence of its eight lines."""
    x, y = contrasted(seed)
    return x.reshape(-1, 8, 8), y


def drifting(seed: int) -> Rows:
    """Digits anywhere on a canvas of 12 x 12."""
    x, y = grey(seed)
    canvas = x.new_full((len(x), 1, 12, 12), float(x.min()))
    at = torch.randint(0, 5, (len(x), 2), generator=dice_of(seed + 50)).tolist()
    for picture, digit, (down, right) in zip(canvas, x, at, strict=True):
        picture[:, down : down + 8, right : right + 8] = digit
    return (canvas - canvas.mean()) / canvas.std(), y


def smudged(seed: int) -> Rows:
    """Digits under noise; the clean digit is the target."""
    x, _ = contrasted(seed)
    return x + 0.6 * torch.randn(x.shape, generator=dice_of(seed + 51)), x


def two_digits(seed: int) -> Rows:
    """(n, 2, 64): is the second the larger?"""
    x, y = contrasted(seed)
    half = len(x) // 2
    return torch.stack((x[:half], x[half : 2 * half]), 1), (y[half : 2 * half] > y[:half]).long()


def shapes(seed: int, rows: int = 900) -> Rows:
    """A ring, a cross, a bar or a block somewhere in noise (n, 1, 12, 12)."""
    dice = dice_of(seed)
    y = torch.randint(0, 4, (rows,), generator=dice)
    where = torch.randint(3, 9, (rows, 2), generator=dice)
    grid = torch.arange(12)
    down = (grid[:, None] - where[:, 0, None, None]).abs()
    right = (grid[None] - where[:, 1, None, None]).abs()
    near = torch.maximum(down, right)
    down, right = down.expand_as(near), right.expand_as(near)
    kinds = (near == 2, (near <= 2) & (down * right == 0), (down == 0) & (right <= 3), near <= 1)
    picture = torch.stack(kinds, 1)[torch.arange(rows), y].float()
    return (picture * 2 + 0.6 * torch.randn(picture.shape, generator=dice))[:, None], y


def discs(seed: int) -> Rows:
    """A disc in noise (n, 1, 16, 16), and the mask of it."""
    dice = dice_of(seed)
    middle = torch.rand(300, 2, 1, 1, generator=dice) * 8 + 4
    size = torch.rand(300, 1, 1, generator=dice) * 2 + 3
    grid = torch.arange(16.0)
    mask = (grid[:, None] - middle[:, 0]) ** 2 + (grid - middle[:, 1]) ** 2 < size**2
    mask = mask.float()[:, None]
    return mask * 1.5 - 0.4 + 0.7 * torch.randn(mask.shape, generator=dice), mask


def _tokens(seed: int, rows: int, length: int, kinds: int) -> Tensor:
    return torch.randint(0, kinds, (rows, length), generator=dice_of(seed))


def copied(seed: int) -> Rows:
    """Every token, two places late; the first two answers are token 0."""
    x = _tokens(seed, 900, 10, 6)
    return x, torch.cat((torch.zeros(900, 2, dtype=torch.long), x[:, :-2]), 1)


def reversed_tokens(seed: int, length: int = 8, kinds: int = 6) -> Rows:
    x = _tokens(seed, 1200, length, kinds)
    return x, x.flip(1)


def in_order(seed: int) -> Rows:
    """The same tokens, sorted."""
    x = _tokens(seed, 1200, 8, 6)
    return x, x.sort(1).values


def running_sums(seed: int) -> Rows:
    """The sum so far, modulo three."""
    x = _tokens(seed, 1000, 8, 3)
    return x, x.cumsum(1) % 3


def adding(seed: int, length: int = 12) -> Rows:
    """Numbers and two marks (n, length, 2): the sum of the marked numbers, standardised."""
    dice = dice_of(seed)
    numbers = torch.rand(1500, length, generator=dice) - 0.5
    marked = torch.rand(1500, length, generator=dice).topk(2, 1).indices
    marks = torch.zeros(1500, length).scatter_(1, marked, 1.0)
    return torch.stack((numbers * 3.4, marks * 2 - 1), 2), (numbers * marks).sum(1, keepdim=True) / 0.41


def keyword_order(seed: int) -> Rows:
    """Does token 0 come before token 1? Both occur once."""
    x = _tokens(seed, 1200, 10, 10) + 2
    at = torch.rand(1200, 10, generator=dice_of(seed + 52)).topk(2, 1).indices
    x.scatter_(1, at, torch.tensor([0, 1]).expand(1200, 2))
    return x, (at[:, 0] < at[:, 1]).long()


def topics(seed: int) -> Rows:
    """Texts of 20 words of 60, each on one of four topics."""
    dice = dice_of(seed)
    common = 1 / torch.arange(1, 61.0)
    tastes = torch.stack([common[torch.randperm(60, generator=dice)] for _ in range(4)])
    y = torch.randint(0, 4, (800,), generator=dice)
    return torch.multinomial((tastes + 0.3 * common)[y], 20, replacement=True, generator=dice), y


def chain(seed: int) -> Rows:
    """A Markov chain over eight letters: the next letter at every place."""
    dice = dice_of(seed)
    moves = torch.softmax(3 * torch.randn(8, 8, generator=torch.Generator().manual_seed(11)), 1)
    letters = [torch.randint(0, 8, (700,), generator=dice)]
    for _ in range(12):
        letters.append(torch.multinomial(moves[letters[-1]], 1, generator=dice)[:, 0])
    text = torch.stack(letters, 1)
    return text[:, :-1], text[:, 1:]


def seasons(seed: int, ahead: int = 4) -> Rows:
    """24 values of two waves with noise (n, 24); the next few are asked for."""
    dice = dice_of(seed)
    start, speed = torch.rand(900, 2, 1, generator=dice) * 6.3, torch.rand(900, 2, 1, generator=dice)
    time = torch.arange(24.0 + ahead)
    waves = torch.sin(start[:, 0] + (0.3 + 0.3 * speed[:, 0]) * time)
    waves = waves + 0.5 * torch.sin(start[:, 1] + (1 + 0.2 * speed[:, 1]) * time)
    waves = waves + 0.1 * torch.randn(waves.shape, generator=dice)
    return waves[:, :24], waves[:, 24:]


def signals(seed: int) -> Rows:
    """(n, 1, 48): a rising chirp, a falling one, a steady tone or a square wave."""
    dice = dice_of(seed)
    y = torch.randint(0, 4, (900,), generator=dice)
    time, start = torch.arange(48.0) / 48, torch.rand(900, 1, generator=dice) * 6.3
    rise, fall, steady = 10 * time + 25 * time**2, 60 * time - 25 * time**2, 35 * time
    phase = torch.stack((rise, fall, steady, 22 * time))[y] + start
    wave = torch.where((y == 3)[:, None], torch.sin(phase).sign() * 0.9, torch.sin(phase) * 1.3)
    return (wave + 0.4 * torch.randn(900, 48, generator=dice))[:, None], y


def spoken(seed: int) -> Rows:
    """Frames (n, 16, 6) in which four of five sounds are heard one after the other; the sounds 1 to 5."""
    dice = dice_of(seed)
    y = torch.randint(1, 6, (600, 4), generator=dice)
    frames = torch.zeros(600, 16, 6)
    frames[:, 1::4] = torch.eye(6)[y]
    frames[:, 2::4] = torch.eye(6)[y]
    return 2 * frames + 0.5 * torch.randn(frames.shape, generator=dice), y


def sets(seed: int) -> Rows:
    """Ten points of three numbers; the largest first number less the mean second one."""
    x = torch.randn(1200, 10, 3, generator=dice_of(seed))
    y = x[:, :, 0].amax(1) - 2 * x[:, :, 1].mean(1)
    return x, ((y - y.mean()) / y.std())[:, None]


def graphs(seed: int) -> Rows:
    """Eight nodes: links (8) and features (4) a node, (n, 8, 12); does a node of kind 0 touch two more?"""
    dice = dice_of(seed)
    links = (torch.rand(1000, 8, 8, generator=dice) < 0.17).float().triu(1)
    links = links + links.mT
    kinds = torch.eye(4)[torch.randint(0, 4, (1000, 8), generator=dice)]
    touched = (links @ kinds[..., :1])[..., 0] * kinds[..., 0]
    return torch.cat((links, kinds), 2), (touched.amax(1) >= 1).long()


def turned(seed: int) -> Rows:
    """Points on a circle with noise in many columns; the angle as cosine and sine."""
    dice = dice_of(seed)
    angle = torch.rand(900, 1, generator=dice) * 2 * math.pi
    mixes = torch.randn(2, 12, generator=torch.Generator().manual_seed(3))
    known = torch.cat((angle.cos(), angle.sin()), 1)
    return torch.tanh(known @ mixes) + 0.2 * torch.randn(900, 12, generator=dice), known * math.sqrt(2)
