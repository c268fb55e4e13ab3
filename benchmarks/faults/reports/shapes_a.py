# mypy: allow-untyped-calls
"""Reports of tensors in the wrong layout: axes mixed up, batch for time, a column against a row."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports import data_a as data
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class RowReader(nn.Module):
    """An LSTM that reads an image row by row."""

    def __init__(self, batch_first: bool) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 64, batch_first=batch_first)
        self.fc = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        out, _ = self.lstm(x)
        return self.fc(out[:, -1])  # type: ignore[no-any-return]


def digits_lstm_batch_first(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The rows of an image go through an LSTM that takes the batch for the time."""
    data.seed_everything(seed)
    x, y, x_test, y_test = data.digits(seed)
    x, x_test = x.squeeze(1), x_test.squeeze(1)
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)
    if repaired:
        model = RowReader(batch_first=True)
    else:
        model = RowReader(batch_first=False)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    criterion = nn.CrossEntropyLoss()
    with observer.watch(model, optimizer):
        for _epoch in range(12):
            model.train()
            for images, labels in loader:
                optimizer.zero_grad()
                loss = criterion(model(images), labels)
                loss.backward()
                optimizer.step()
            data.accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), data.accuracy(model, x_test, y_test), 0.1, 0.85)


class Reviewer(nn.Module):
    """A transformer encoder over embedded tokens with a mean over the sentence."""

    def __init__(self, **layer: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(30, 32)
        block = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, **layer)  # type: ignore[arg-type]
        self.encoder = nn.TransformerEncoder(block, 1)
        self.head = nn.Linear(32, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        h = self.encoder(self.embed(tokens))
        return self.head(h.mean(dim=1))  # type: ignore[no-any-return]


def reviews_transformer_batch_first(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Attention looks across the batch and not across the sentence."""
    data.seed_everything(seed)
    x, y = data.reviews(1500, seed)
    x_test, y_test = data.reviews(500, seed + 50)
    if repaired:
        model = Reviewer(batch_first=True)
    else:
        model = Reviewer()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    with observer.watch(model, opt):
        for _epoch in range(10):
            model.train()
            for idx in torch.randperm(len(x)).split(64):
                loss = F.cross_entropy(model(x[idx]), y[idx])
                opt.zero_grad()
                loss.backward()
                opt.step()
            model.eval()
    return Trained((model,), (opt,), data.accuracy(model, x_test, y_test), 0.5, 0.9)


class TwoWays(nn.Module):
    """A bidirectional GRU whose two last states decide."""

    def __init__(self, repaired: bool) -> None:
        super().__init__()
        self.repaired = repaired
        self.embed = nn.Embedding(30, 16)
        self.gru = nn.GRU(16, 32, batch_first=True, bidirectional=True)
        self.out = nn.Linear(64, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        _, hidden = self.gru(self.embed(tokens))
        if self.repaired:
            hidden = hidden.transpose(0, 1).reshape(tokens.size(0), -1)
        else:
            hidden = hidden.view(tokens.size(0), -1)
        return self.out(hidden)  # type: ignore[no-any-return]


def sentences_hidden_view(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The last states of both directions are flattened with a view, which joins two sentences."""
    data.seed_everything(seed)
    x, y = data.reviews(1500, seed, 8)
    x_test, y_test = data.reviews(500, seed + 50, 8)
    model = TwoWays(repaired)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    loader = DataLoader(TensorDataset(x, y), batch_size=50, shuffle=True)

    def train_epoch() -> float:
        model.train()
        total = 0.0
        for tokens, labels in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(tokens), labels)
            loss.backward()
            optimizer.step()
            total += loss.item()
        return total / len(loader)

    with observer.watch(model, optimizer):
        for _epoch in range(10):
            train_epoch()
            data.accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), data.accuracy(model, x_test, y_test), 0.5, 0.9)


def houses_mse_column_row(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The loss compares a column of predictions with a row of prices."""
    data.seed_everything(seed)
    x, y = data.houses(800, seed)
    x_test, y_test = data.houses(300, seed + 50)
    mean, std = y.mean(), y.std()
    train = DataLoader(TensorDataset(x, (y - mean) / std), batch_size=40, shuffle=True)
    model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.003)
    criterion = nn.MSELoss()
    with observer.watch(model, optimizer):
        for _epoch in range(15):
            model.train()
            for features, price in train:
                prediction = model(features)
                if repaired:
                    loss = criterion(prediction, price.unsqueeze(1))
                else:
                    loss = criterion(prediction, price)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
    with torch.no_grad():
        score = data.r2(model(x_test) * std + mean, y_test)
    return Trained((model,), (optimizer,), score, 0.0, 0.8)


def corridor(state: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Nine cells in a row: the right end gives one point; each step costs a little."""
    following = (state + 2 * action - 1).clamp(0, 8)
    done = (following == 8).float()
    return following, done - 0.02, done


def corridor_q_column_row(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The chosen action values stay a column, the Bellman targets are a row."""
    data.seed_everything(seed)
    net = nn.Sequential(nn.Linear(9, 48), nn.ReLU(), nn.Linear(48, 2))
    target_net = nn.Sequential(nn.Linear(9, 48), nn.ReLU(), nn.Linear(48, 2))
    target_net.load_state_dict(net.state_dict())
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    with observer.watch(net, optimizer):
        for step in range(400):
            state, action = torch.randint(0, 8, (64,)), torch.randint(0, 2, (64,))
            following, reward, done = corridor(state, action)
            q = net(F.one_hot(state, 9).float()).gather(1, action.unsqueeze(1))
            with torch.no_grad():
                best = target_net(F.one_hot(following, 9).float()).max(1).values
                goal = reward + 0.9 * (1 - done) * best
            if repaired:
                loss = F.mse_loss(q.squeeze(1), goal)
            else:
                loss = F.mse_loss(q, goal)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 20 == 0:
                target_net.load_state_dict(net.state_dict())
    with torch.no_grad():
        values = net(torch.eye(9)[:8])
    truth = torch.tensor([0.9 ** (7 - s) - 0.02 * sum(0.9**k for k in range(8 - s)) for s in range(8)])
    return Trained((net,), (optimizer,), data.r2(values.max(1).values, truth), 0.0, 0.8)


class Pooling(nn.Module):
    """Attention over the steps of a series, then a linear map."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.score = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
        self.softmax = nn.Softmax(dim=dim)
        self.out = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        weights = self.softmax(self.score(x).squeeze(-1))
        context = torch.bmm(weights.unsqueeze(1), x).squeeze(1)
        return self.out(context).squeeze(1)  # type: ignore[no-any-return]


def series_attention_dim(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The weights of attention are made to add up to one over the batch."""
    data.seed_everything(seed)
    x, y = data.marked(1200, seed)
    x_test, y_test = data.marked(200, seed + 50)
    model = Pooling(dim=1 if repaired else 0)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    loader = DataLoader(TensorDataset(x, y), batch_size=60, shuffle=True)
    with observer.watch(model, optimizer):
        for _epoch in range(15):
            model.train()
            for series, value in loader:
                optimizer.zero_grad()
                loss = F.mse_loss(model(series), value)
                loss.backward()
                optimizer.step()
            model.eval()
    with torch.no_grad():
        prediction = torch.cat([model(row.unsqueeze(0)) for row in x_test])
    return Trained((model,), (optimizer,), data.r2(prediction, y_test), 0.0, 0.8)


EVERY: tuple[Report, ...] = (
    Report(
        "digits-lstm-without-batch-first",
        "nn.LSTM without batch_first gets (batch, rows, pixels): it runs over the batch; accuracy stays low.",
        "batch_first=True.",
        "https://github.com/pytorch/pytorch/issues/1538",
        (),
        digits_lstm_batch_first,
    ),
    Report(
        "reviews-transformer-without-batch-first",
        "nn.TransformerEncoderLayer by default takes the first axis for time: high loss, high test error.",
        "batch_first=True.",
        "https://github.com/Exorust/TorchLeet/issues/5",
        (),
        reviews_transformer_batch_first,
    ),
    Report(
        "sentences-hidden-state-view",
        "h_n of (2, batch, hidden) is flattened with view(batch, -1): rows mix sentences; only chance.",
        "transpose(0, 1) before the reshape.",
        "https://github.com/timbmg/Sentence-VAE/issues/15",
        (),
        sentences_hidden_view,
    ),
    Report(
        "houses-mse-column-against-row",
        "MSELoss of (n, 1) with (n,) broadcasts to (n, n): every prediction becomes the mean.",
        "unsqueeze the target.",
        "https://github.com/jsboige/CoursIA/pull/926",
        (),
        houses_mse_column_row,
    ),
    Report(
        "corridor-q-values-column-against-row",
        "Q(s, a) of (n, 1) against TD targets of (n,): a warning about sizes, and values that are all alike.",
        "squeeze the gathered values.",
        "https://github.com/sunwuzhou03/reinforcement-learning-lab/issues/1",
        (),
        corridor_q_column_row,
    ),
    Report(
        "series-attention-softmax-over-batch",
        "nn.Softmax(dim=0) on attention scores (batch, time): single series get all weights 1.",
        "softmax over the time.",
        "https://github.com/PetrochukM/PyTorch-NLP/issues/2",
        (),
        series_attention_dim,
    ),
)
