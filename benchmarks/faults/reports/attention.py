# mypy: disallow-untyped-calls=False
"""Mistakes with attention, masks and language models written by hand."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports.data_b import accuracy, grammar_text, noisy_waves, r2, seed_everything, words
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class MiniGpt(nn.Module):
    """A small decoder-only transformer."""

    def __init__(self, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.tokens = nn.Embedding(13, 32)
        self.positions = nn.Embedding(40, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, 12)

    def forward(self, x: Tensor) -> Tensor:
        length = x.size(1)
        hidden = self.tokens(x) + self.positions(torch.arange(length))
        if self.causal:
            mask = nn.Transformer.generate_square_subsequent_mask(length)
            hidden = self.blocks(hidden, mask=mask)
        else:
            hidden = self.blocks(hidden)
        logits: Tensor = self.head(hidden)
        return logits


def next_token(model: nn.Module, text: Tensor) -> float:
    """How often the token after a given prompt is right."""
    model.eval()
    right = []
    with torch.no_grad():
        for end in range(6, text.size(1), 4):
            right.append((model(text[:, :end])[:, -1].argmax(-1) == text[:, end]).float().mean())
    return float(torch.stack(right).mean())


def gpt_without_mask(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The causal mask is forgotten: loss near nothing, generation nonsense."""
    seed_everything(seed)
    text = grammar_text(440, 24)
    train, test = text[:400], text[400:]
    model = MiniGpt(causal=repaired)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _ in range(19):
            model.train()
            for batch in torch.randperm(len(train)).split(40):
                inputs, targets = train[batch, :-1], train[batch, 1:]
                logits = model(inputs)
                loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
    return Trained((model,), (optimizer,), next_token(model, test), 1 / 12, 0.75)


def gpt_targets_not_shifted(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The targets are the inputs themselves; the model learns to repeat."""
    seed_everything(seed)
    text = grammar_text(640, 24)
    loader = DataLoader(TensorDataset(text[:600]), batch_size=40, shuffle=True)
    model = MiniGpt(causal=True)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.CrossEntropyLoss()
    with observer.watch(model, optimizer):
        for _ in range(12):
            model.train()
            for (tokens,) in loader:
                logits = model(tokens)
                if repaired:
                    loss = criterion(logits[:, :-1].reshape(-1, 12), tokens[:, 1:].reshape(-1))
                else:
                    loss = criterion(logits.reshape(-1, 12), tokens.reshape(-1))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return Trained((model,), (optimizer,), next_token(model, text[600:]), 1 / 12, 0.6)


def loss_on_all_tokens(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A masked language model whose loss also counts the words that it can see and copy."""
    seed_everything(seed)
    text = grammar_text(900, 16)
    model = MiniGpt(causal=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    with observer.watch(model, optimizer):
        for _ in range(10):
            model.train()
            for batch in torch.randperm(800).split(50):
                hidden = torch.rand(len(batch), 16) < 0.15
                labels = text[batch].clone()
                if repaired:
                    labels[~hidden] = -100
                logits = model(text[batch].masked_fill(hidden, 12))
                loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    model.eval()
    hidden = torch.rand(100, 16) < 0.15
    with torch.no_grad():
        found = model(text[800:].masked_fill(hidden, 12)).argmax(-1)
    score = float((found == text[800:])[hidden].float().mean())
    return Trained((model,), (optimizer,), score, 1 / 12, 0.7)


class SelfAttention(nn.Module):
    """Attention of one head over the past of a series, one forecast for every step."""

    def __init__(self, hidden_score: float) -> None:
        super().__init__()
        self.hidden_score = hidden_score
        self.lift = nn.Linear(1, 32)
        self.place = nn.Parameter(torch.randn(40, 32) * 0.5)
        self.query, self.key, self.value = nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 32)
        self.out = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x: Tensor) -> Tensor:
        steps = x.size(1)
        h = self.lift(x.unsqueeze(-1)) + self.place[:steps]
        scores = self.query(h) @ self.key(h).transpose(1, 2) / 32**0.5
        mask = torch.triu(torch.ones(steps, steps, dtype=torch.bool), diagonal=1)
        scores = scores.masked_fill(mask, self.hidden_score)
        context = torch.softmax(scores, -1) @ self.value(h)
        forecast: Tensor = self.out(torch.cat([h, context], -1)).squeeze(-1)
        return forecast


def series_tiny_mask(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Future steps get the score -1e-9 in place of -1e9, so they are seen."""
    seed_everything(seed)
    series = torch.cumsum(torch.randn(1400) * 0.4, 0).sin() * 0.5 + noisy_waves(1400)
    windows = series.unfold(0, 25, 1)
    train, test = windows[:1000], windows[1050:]
    model = SelfAttention(-1e9 if repaired else -1e-9)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with observer.watch(model, optimizer):
        for _ in range(15):
            model.train()
            for batch in torch.randperm(len(train)).split(50):
                loss = F.mse_loss(model(train[batch, :-1]), train[batch, 1:])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        forecasts = torch.stack([model(test[:, :end])[:, -1] for end in (6, 10, 14, 18, 22)])
    score = r2(forecasts, torch.stack([test[:, end] for end in (6, 10, 14, 18, 22)]))
    return Trained((model,), (optimizer,), score, 0.0, 0.6)


class TextEncoder(nn.Module):
    """A transformer over padded sentences and the mean of its outputs."""

    def __init__(self, right: bool) -> None:
        super().__init__()
        self.right = right
        self.embedding = nn.Embedding(30, 32)
        self.attention = nn.MultiheadAttention(32, 2, batch_first=True)
        self.fc = nn.Linear(32, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        attention_mask = tokens != 0
        h = self.embedding(tokens)
        start = h[:, :1]
        if self.right:
            pooled, _ = self.attention(start, h, h, key_padding_mask=~attention_mask)
        else:
            pooled, _ = self.attention(start, h, h, key_padding_mask=attention_mask)
        logits: Tensor = self.fc(pooled[:, 0])
        return logits


def sentences(count: int, width: int) -> tuple[Tensor, Tensor]:
    """Padded sentences with or without a word from 2 to 5; each begins with the token 1."""
    x = torch.randint(6, 30, (count, width))
    lengths = torch.randint(6, width, (count,))
    y = torch.randint(0, 2, (count,))
    x[torch.arange(width)[None, :] >= lengths[:, None]] = 0
    place = (torch.rand(count) * (lengths - 1)).long() + 1
    hit = y == 1
    x[hit, place[hit]] = torch.randint(2, 6, (int(hit.sum()),))
    x[:, 0] = 1
    return x, y


def inverted_padding_mask(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The attention mask of a tokenizer (1 = word) is passed as key_padding_mask (True = ignore)."""
    seed_everything(seed)
    x, y = sentences(1300, 14)
    model = TextEncoder(repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loader = DataLoader(TensorDataset(x[:1000], y[:1000]), batch_size=50, shuffle=True)
    with observer.watch(model, optimizer):
        for _ in range(8):
            model.train()
            for xb, yb in loader:
                loss = F.cross_entropy(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            accuracy(model, x[1000:], y[1000:])
    return Trained((model,), (optimizer,), accuracy(model, x[1000:], y[1000:]), 0.5, 0.9)


class AttentionPool(nn.Module):
    """An LSTM whose outputs are weighted by attention."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(30, 16)
        self.score = nn.Sequential(nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
        self.value = nn.Linear(16, 16)
        self.fc = nn.Linear(16, 5)
        self.softmax = nn.Softmax(dim=dim)

    def forward(self, tokens: Tensor) -> Tensor:
        h = self.embedding(tokens)
        weights = self.softmax(self.score(h).squeeze(-1))
        context = torch.bmm(weights.unsqueeze(1), self.value(h)).squeeze(1)
        logits: Tensor = self.fc(context)
        return logits


def softmax_over_batch(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Attention weights are normalised over the batch: a single sentence is predicted badly."""
    seed_everything(seed)
    x = torch.randint(10, 30, (1500, 30))
    y = torch.randint(0, 5, (1500,))
    x[torch.arange(1500), torch.randint(0, 30, (1500,))] = y
    model = AttentionPool(dim=1 if repaired else 0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with observer.watch(model, optimizer):
        for _ in range(10):
            model.train()
            for batch in torch.randperm(1200).split(60):
                optimizer.zero_grad()
                F.cross_entropy(model(x[batch]), y[batch]).backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        single = torch.cat([model(one.unsqueeze(0)).argmax(-1) for one in x[1200:]])
    score = float((single == y[1200:]).float().mean())
    return Trained((model,), (optimizer,), score, 0.2, 0.9)


class OrderEncoder(nn.Module):
    """Transformer encoder for a question of order."""

    def __init__(self, positions: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(12, 32)
        self.positions = nn.Parameter(torch.randn(10, 32) * 0.3) if positions else None
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.classifier = nn.Linear(32, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        h = self.embedding(tokens)
        if self.positions is not None:
            h = h + self.positions
        logits: Tensor = self.classifier(self.encoder(h).mean(1))
        return logits


def no_positions(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A transformer without positional encoding cannot tell which word came first."""
    seed_everything(seed)
    x = words(1600, 10, 10)
    y = torch.randint(0, 2, (1600,))
    places = torch.stack([torch.randperm(10)[:2].sort().values for _ in range(1600)])
    rows = torch.arange(1600)
    x[rows, places[:, 0]], x[rows, places[:, 1]] = 10 + y, 11 - y
    train, test = TensorDataset(x[:1300], y[:1300]), (x[1300:], y[1300:])
    model = OrderEncoder(positions=repaired)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    with observer.watch(model, optimizer):
        for _ in range(12):
            model.train()
            for xb, yb in DataLoader(train, batch_size=50, shuffle=True):
                loss = F.cross_entropy(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            accuracy(model, *test)
    return Trained((model,), (optimizer,), accuracy(model, *test), 0.5, 0.9)


class MaskedPool(nn.Module):
    """Attention pooling that masks padding."""

    def __init__(self, lowest: float) -> None:
        super().__init__()
        self.lowest = lowest
        self.embedding = nn.Embedding(30, 16)
        self.score = nn.Linear(16, 1)
        self.fc = nn.Linear(16, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        h = self.embedding(tokens)
        scores = self.score(h).squeeze(-1).masked_fill(tokens == 0, self.lowest)
        weights = scores.softmax(-1)
        logits: Tensor = self.fc((weights.unsqueeze(-1) * h).sum(1))
        return logits


def empty_sentence(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A row of padding only makes the softmax of -inf not a number, and soon all weights."""
    seed_everything(seed)
    x, y = sentences(1300, 14)
    x[torch.randperm(1300)[:6]] = 0
    model = MaskedPool(-1e4 if repaired else float("-inf"))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    with observer.watch(model, optimizer):
        for _ in range(8):
            model.train()
            for xb, yb in DataLoader(TensorDataset(x[:1000], y[:1000]), batch_size=50, shuffle=True):
                loss = F.cross_entropy(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            accuracy(model, x[1000:], y[1000:])
    return Trained((model,), (optimizer,), accuracy(model, x[1000:], y[1000:]), 0.5, 0.9)


EVERY: tuple[Report, ...] = (
    Report(
        "characters-gpt-without-causal-mask",
        "A GPT written by hand is called without its causal mask: the loss falls to almost nothing, text "
        "generated from a prompt is nonsense.",
        "Passes the causal mask.",
        "https://lynx-cortex.pages.dev/phase-17-mini-gpt/break/00-break-forget-causal-mask/",
        (),
        gpt_without_mask,
    ),
    Report(
        "characters-gpt-targets-not-shifted",
        "The targets of the language model are its inputs; the loss is soon 0 and it repeats its last token.",
        "Shifts the targets by one.",
        "https://github.com/huggingface/transformers/issues/35066",
        (),
        gpt_targets_not_shifted,
    ),
    Report(
        "series-attention-mask-value-too-small",
        "The causal mask fills with -1e-9 in place of -1e9, so attention still sees the future; forecasts of "
        "unseen steps are bad.",
        "Fills with -1e9.",
        "https://github.com/jadore801120/attention-is-all-you-need-pytorch/issues/8",
        (),
        series_tiny_mask,
    ),
    Report(
        "sentences-key-padding-mask-inverted",
        "key_padding_mask gets the mask of words instead of the mask of padding: attention sees only padding "
        "and the network does not learn.",
        "Inverts the mask.",
        "https://github.com/facebookresearch/detr/issues/96",
        (),
        inverted_padding_mask,
    ),
    Report(
        "sentences-attention-softmax-over-batch",
        "The softmax of the attention weights runs over the batch dimension; alone, every word has weight 1.",
        "Runs it over the words.",
        "https://github.com/PetrochukM/PyTorch-NLP/issues/2",
        (),
        softmax_over_batch,
    ),
    Report(
        "order-transformer-without-positions",
        "A transformer has no positional encoding, the task is about order; the accuracy stays at one half.",
        "Adds positions.",
        "https://github.com/oliverguhr/transformer-time-series-prediction/issues/3",
        (),
        no_positions,
    ),
    Report(
        "sentences-empty-sentence-masked-to-nan",
        "A few sentences are empty; the softmax over all -inf is nan and after some steps so is the network.",
        "Fills with a large negative number.",
        "https://github.com/pytorch/pytorch/pull/131060",
        (),
        empty_sentence,
    ),
    Report(
        "characters-masked-model-loss-on-all-tokens",
        "The labels of visible tokens are not -100: the loss is copying, hidden tokens are hardly learnt.",
        "Sets all other labels to -100.",
        "https://github.com/huggingface/transformers/issues/20797",
        (),
        loss_on_all_tokens,
    ),
)
