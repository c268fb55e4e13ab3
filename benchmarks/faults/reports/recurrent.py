# mypy: disallow-untyped-calls=False
"""Mistakes with recurrent networks: dimensions, padding, hidden states, orders of time and batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports.data_b import accuracy, grammar_text, r2, seed_everything, words
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch.utils.data import DataLoader, TensorDataset


class SeriesClassifier(nn.Module):
    """An LSTM over a series and a linear layer on its last output."""

    def __init__(self, batch_first: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2, 24, batch_first=batch_first)
        self.fc = nn.Linear(24, 2)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.lstm(x)
        logits: Tensor = self.fc(out[:, -1, :])
        return logits


def series_batch_first(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Batches of series go into an LSTM that expects time first."""
    seed_everything(seed)
    x = torch.randn(1200, 12, 2)
    y = (x[:, :6, 0].sum(1) > x[:, 6:, 1].sum(1)).long()
    train, test = TensorDataset(x[:900], y[:900]), (x[900:], y[900:])
    loader = DataLoader(train, batch_size=50, shuffle=True)
    if repaired:
        model = SeriesClassifier(batch_first=True)
    else:
        model = SeriesClassifier(batch_first=False)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    criterion = nn.CrossEntropyLoss()
    with observer.watch(model, optimizer):
        for _ in range(20):
            model.train()
            for xb, yb in loader:
                optimizer.zero_grad()
                loss = criterion(model(xb), yb)
                loss.backward()
                optimizer.step()
            accuracy(model, *test)
    return Trained((model,), (optimizer,), accuracy(model, *test), 0.5, 0.8)


class SentenceGru(nn.Module):
    """A bidirectional GRU whose two last hidden states are joined."""

    def __init__(self, vocabulary: int, right: bool) -> None:
        super().__init__()
        self.right = right
        self.embedding = nn.Embedding(vocabulary, 16)
        self.gru = nn.GRU(16, 24, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(48, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        _, hidden = self.gru(self.embedding(tokens))
        if self.right:
            joined = hidden.transpose(0, 1).reshape(tokens.size(0), -1)
        else:
            joined = hidden.view(tokens.size(0), -1)
        logits: Tensor = self.fc(joined)
        return logits


def text_hidden_view(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The hidden state (2, batch, size) is viewed as (batch, 2 * size)."""
    seed_everything(seed)
    x = words(1500, 8, 20)
    counts = torch.stack([(x < 7).sum(1), ((x >= 7) & (x < 13)).sum(1), (x >= 13).sum(1)], 1).float()
    y = (counts + 0.1 * torch.rand_like(counts)).argmax(1)
    x_train, y_train, x_test, y_test = x[:1200], y[:1200], x[1200:], y[1200:]
    model = SentenceGru(20, repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _ in range(8):
            model.train()
            for batch in torch.randperm(len(x_train)).split(60):
                loss = F.cross_entropy(model(x_train[batch]), y_train[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), 0.4, 0.78)


class Tagger(nn.Module):
    """One tag for every word; works with time first, as nn.LSTM does."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(30, 16)
        self.lstm = nn.LSTM(16, 32)
        self.tags = nn.Linear(32, 4)

    def forward(self, sentences: Tensor) -> Tensor:
        out, _ = self.lstm(self.embedding(sentences.t()))
        logits: Tensor = self.tags(out)
        return logits


def tagging_flattened(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Outputs (time, batch) and tags (batch, time) are both flattened with view(-1)."""
    seed_everything(seed)
    x = words(900, 10, 30)
    before = torch.cat([torch.ones(900, 1, dtype=torch.long), x[:, :-1]], 1)
    tags = (x % 2) * 2 + (before % 2)
    model = Tagger()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loss_function = nn.CrossEntropyLoss()
    with observer.watch(model, optimizer):
        for _ in range(8):
            for xb, yb in DataLoader(TensorDataset(x[:700], tags[:700]), batch_size=35, shuffle=True):
                optimizer.zero_grad()
                output = model(xb)
                if repaired:
                    loss = loss_function(output.view(-1, 4), yb.t().reshape(-1))
                else:
                    loss = loss_function(output.view(-1, 4), yb.view(-1))
                loss.backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        score = float((model(x[700:]).argmax(-1).t() == tags[700:]).float().mean())
    return Trained((model,), (optimizer,), score, 0.25, 0.9)


class Reviews(nn.Module):
    """An LSTM over padded reviews."""

    def __init__(self, right: bool) -> None:
        super().__init__()
        self.right = right
        self.embedding = nn.Embedding(40, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 24, batch_first=True)
        self.fc = nn.Linear(24, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        out, _ = self.lstm(self.embedding(tokens))
        if self.right:
            lengths = (tokens != 0).sum(1)
            last = out[torch.arange(len(tokens)), lengths - 1]
        else:
            last = out[:, -1]
        logits: Tensor = self.fc(last)
        return logits


def reviews(count: int, longest: int, width: int) -> tuple[Tensor, Tensor]:
    """Short reviews, padded with zeros behind: more good words (1 to 9) than bad ones (10 to 19) or not."""
    x = words(count, width, 40)
    lengths = torch.randint(3, longest + 1, (count,))
    x[torch.arange(width)[None, :] >= lengths[:, None]] = 0
    good, bad = ((x > 0) & (x < 20)).sum(1), (x >= 20).sum(1)
    return x, (good > bad).long()


def reviews_padding(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The output at the last position is read although most reviews ended long before."""
    seed_everything(seed)
    x, y = reviews(1200, 9, 80)
    model = Reviews(repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loader = DataLoader(TensorDataset(x[:900], y[:900]), batch_size=60, shuffle=True)
    with observer.watch(model, optimizer):
        for _ in range(8):
            model.train()
            for xb, yb in loader:
                loss = F.cross_entropy(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            accuracy(model, x[900:], y[900:])
    return Trained((model,), (optimizer,), accuracy(model, x[900:], y[900:]), 0.55, 0.85)


class PackedGru(nn.Module):
    """A GRU that skips the padding; it wants its batch sorted by length."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(40, 16)
        self.gru = nn.GRU(16, 24, batch_first=True)
        self.fc = nn.Linear(24, 2)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True)
        _, hidden = self.gru(packed)
        logits: Tensor = self.fc(hidden[-1])
        return logits


def packed_labels(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The batch is sorted by length for packing, its labels are not."""
    seed_everything(seed)
    x, y = reviews(1100, 16, 16)
    model = PackedGru()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _ in range(10):
            for xb, yb in DataLoader(TensorDataset(x[:800], y[:800]), batch_size=40, shuffle=True):
                lengths, order = (xb != 0).sum(1).sort(descending=True)
                xb = xb[order]
                if repaired:
                    yb = yb[order]
                optimizer.zero_grad()
                loss = F.cross_entropy(model(xb, lengths), yb)
                loss.backward()
                optimizer.step()
    lengths, order = (x[800:] != 0).sum(1).sort(descending=True)
    model.eval()
    with torch.no_grad():
        right = model(x[800:][order], lengths).argmax(-1) == y[800:][order]
    return Trained((model,), (optimizer,), float(right.float().mean()), 0.55, 0.85)


class CellLoop(nn.Module):
    """A GRU cell in a loop over time that keeps its hidden state as an attribute."""

    def __init__(self, detach: bool) -> None:
        super().__init__()
        self.detach = detach
        self.embedding = nn.Embedding(10, 16)
        self.cell = nn.GRUCell(16, 48)
        self.out = nn.Linear(48, 8)
        self.hidden = torch.zeros(1, 48)

    def forward(self, tokens: Tensor) -> Tensor:
        self.hidden = torch.zeros(len(tokens), 48)
        for t in range(tokens.size(1)):
            if self.detach:
                self.hidden = self.hidden.detach()
            self.hidden = self.cell(self.embedding(tokens[:, t]), self.hidden)
        logits: Tensor = self.out(self.hidden)
        return logits


def recall_detached(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The hidden state is detached at every time step, so nothing is learnt over time."""
    seed_everything(seed)
    x = torch.randint(8, 10, (2000, 20))
    y = torch.randint(0, 8, (2000,))
    x[torch.arange(2000), torch.randint(0, 3, (2000,))] = y
    model = CellLoop(detach=not repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loader = DataLoader(TensorDataset(x[:1700], y[:1700]), batch_size=50, shuffle=True)
    with observer.watch(model, optimizer):
        for _ in range(9):
            model.train()
            for xb, yb in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(xb), yb)
                loss.backward()
                optimizer.step()
            accuracy(model, x[1700:], y[1700:])
    return Trained((model,), (optimizer,), accuracy(model, x[1700:], y[1700:]), 0.125, 0.95)


class LanguageLstm(nn.Module):
    """A character model on an LSTM."""

    def __init__(self, bidirectional: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(16, 24)
        self.lstm = nn.LSTM(24, 64, batch_first=True, bidirectional=bidirectional)
        self.head = nn.Linear(128 if bidirectional else 64, 16)

    def forward(self, tokens: Tensor) -> Tensor:
        out, _ = self.lstm(self.embedding(tokens))
        logits: Tensor = self.head(out)
        return logits


def next_character(model: nn.Module, text: Tensor) -> float:
    """How often the character after a given beginning is right, as one generates."""
    model.eval()
    right = []
    with torch.no_grad():
        for end in range(6, text.size(1), 4):
            right.append((model(text[:, :end])[:, -1].argmax(-1) == text[:, end]).float().mean())
    return float(torch.stack(right).mean())


def bidirectional_language_model(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A bidirectional LSTM as language model: it reads the answer in the next position."""
    seed_everything(seed)
    text = grammar_text(300, 40, 16)
    train, test = text[:240], text[240:]
    model = LanguageLstm(bidirectional=not repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with observer.watch(model, optimizer):
        for _ in range(30):
            model.train()
            for batch in torch.randperm(len(train)).split(40):
                tokens = train[batch]
                logits = model(tokens[:, :-1])
                loss = F.cross_entropy(logits.reshape(-1, 16), tokens[:, 1:].reshape(-1))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return Trained((model,), (optimizer,), next_character(model, test), 1 / 16, 0.7)


def clipped_too_early(observer: Observer, seed: int, repaired: bool) -> Trained:
    """clip_grad_norm_ stands before backward and clips gradients that are not there yet."""
    seed_everything(seed)
    x = torch.randn(1200, 40, 2)
    y = 2 * x[..., 0].sum(1) + x[:, :5, 1].sum(1)
    rnn, head = nn.RNN(2, 32, nonlinearity="relu", batch_first=True), nn.Linear(32, 1)
    nn.init.eye_(rnn.get_parameter("weight_hh_l0"))
    model = nn.ModuleDict({"rnn": rnn, "head": head})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with observer.watch(model, optimizer):
        for _ in range(15):
            for batch in torch.randperm(1000).split(50):
                optimizer.zero_grad()
                loss = F.mse_loss(head(rnn(x[batch])[0][:, -1]).squeeze(1), y[batch])
                if not repaired:
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                loss.backward()
                if repaired:
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
    with torch.no_grad():
        score = r2(head(rnn(x[1000:])[0][:, -1]).squeeze(1), y[1000:])
    return Trained((model,), (optimizer,), score, 0.0, 0.35)


EVERY: tuple[Report, ...] = (
    Report(
        "series-lstm-batch-first-forgotten",
        "nn.LSTM gets (batch, time, features) without batch_first=True and runs over the samples of a batch; "
        "the loss hardly falls.",
        "Says batch_first=True.",
        "https://discuss.pytorch.org/t/lstm-change-batch-first-true-loss-does-not-decrease/62364",
        (),
        series_batch_first,
    ),
    Report(
        "text-hidden-state-viewed-not-transposed",
        "The hidden state of a bidirectional GRU is shaped with view, which mixes the sentences of a "
        "batch; the accuracy stays low.",
        "Transposes before it flattens.",
        "https://github.com/zhouhaoyi/Informer2020/issues/59",
        (),
        text_hidden_view,
    ),
    Report(
        "tagging-outputs-and-tags-flattened-in-unlike-orders",
        "Outputs are (time, batch, tags), tags are (batch, time), both are flattened: every word is trained "
        "with the tag of another.",
        "Transposes the tags before they are flattened.",
        "https://github.com/zamanzadeh/CARLA/issues/16",
        (),
        tagging_flattened,
    ),
    Report(
        "reviews-lstm-output-after-padding",
        "out[:, -1] of reviews padded behind is the state after dozens of zeros; accuracy near chance.",
        "Reads the output at the last real word.",
        "https://github.com/bentrevett/pytorch-seq2seq/issues/64",
        (),
        reviews_padding,
    ),
    Report(
        "reviews-sorted-for-packing-labels-not",
        "Sentences are sorted by length for pack_padded_sequence, labels keep their order.",
        "Sorts the labels too.",
        "https://github.com/pytorch/pytorch/issues/3584",
        (),
        packed_labels,
    ),
    Report(
        "recall-hidden-state-detached-each-step",
        "The hidden state is detached at every time step to silence an error of backward; the network never "
        "learns to remember.",
        "Lets gradients flow through the sequence and starts every batch with zeros.",
        "https://github.com/yunjey/pytorch-tutorial/issues/90",
        (),
        recall_detached,
    ),
    Report(
        "characters-bidirectional-language-model",
        "The language model is a bidirectional LSTM: the loss falls to nearly 0, generation is nonsense.",
        "Reads in one direction.",
        "https://github.com/sherjilozair/char-rnn-tensorflow/pull/64",
        (),
        bidirectional_language_model,
    ),
    Report(
        "sums-gradient-clipped-before-backward",
        "clip_grad_norm_ is called before backward, so nothing is clipped; the network becomes nan.",
        "Clips between backward and step.",
        "https://github.com/Cranial-XIX/FAMO/issues/4",
        (),
        clipped_too_early,
    ),
)
