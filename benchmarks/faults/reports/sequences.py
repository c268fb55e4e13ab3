# mypy: disallow-untyped-calls=False
"""Mistakes with sequences, series and graphs: losses over padding, leaking targets, scales, vocabularies."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports.data_b import accuracy, noisy_waves, r2, seed_everything
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class SetEncoder(nn.Module):
    """Attention over the sets of objects of an order."""

    def __init__(self, batch_first: bool) -> None:
        super().__init__()
        self.lift = nn.Linear(3, 32)
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=batch_first)
        self.head = nn.Linear(32, 1)

    def forward(self, objects: Tensor) -> Tensor:
        h = self.layer(self.lift(objects))
        value: Tensor = self.head(h).squeeze(-1)
        return value


def ranking_batch_first(observer: Observer, seed: int, repaired: bool) -> Trained:
    """TransformerEncoderLayer expects (items, batch): items attend to other queries, not to their rivals."""
    seed_everything(seed)
    x = torch.randn(1500, 8, 3)
    means = x.mean(1, keepdim=True)
    best = x[..., 0] * (x[..., 1] - means[..., 1]).sign() * means[..., 2].sign()
    y = best.argmax(1)
    model = SetEncoder(batch_first=repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with observer.watch(model, optimizer):
        for _ in range(14):
            for batch in torch.randperm(1200).split(60):
                loss = F.cross_entropy(model(x[batch]), y[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return Trained((model,), (optimizer,), accuracy(model, x[1200:], y[1200:]), 0.125, 0.6)


class Seq2Seq(nn.Module):
    """Encoder and decoder for reversing a line of letters; 0 pads, 1 begins, 2 ends."""

    def __init__(self) -> None:
        super().__init__()
        self.source, self.target = nn.Embedding(14, 24), nn.Embedding(14, 24)
        self.encoder = nn.GRU(24, 64, batch_first=True)
        self.decoder = nn.GRU(24, 64, batch_first=True)
        self.out = nn.Linear(64, 14)

    def forward(self, source: Tensor, inputs: Tensor) -> Tensor:
        _, state = self.encoder(self.source(source))
        logits: Tensor = self.out(self.decoder(self.target(inputs), state)[0])
        return logits

    def generate(self, source: Tensor, steps: int) -> Tensor:
        """Greedy decoding."""
        tokens = torch.ones(len(source), 1, dtype=torch.long)
        for _ in range(steps):
            tokens = torch.cat([tokens, self(source, tokens)[:, -1:].argmax(-1)], 1)
        return tokens[:, 1:]


def reversals(count: int, width: int) -> tuple[Tensor, Tensor]:
    """Two to four letters, and the same in reverse with an end, padded to a width."""
    source = torch.zeros(count, 4, dtype=torch.long)
    target = torch.zeros(count, width, dtype=torch.long)
    for i in range(count):
        letters = torch.randint(3, 14, (int(torch.randint(2, 5, (1,))),))
        source[i, 4 - len(letters) :] = letters
        target[i, : len(letters)] = letters.flip(0)
        target[i, len(letters)] = 2
    return source, target


def token_score(model: Seq2Seq, source: Tensor, target: Tensor) -> float:
    """The share of letters and ends that greedy decoding finds."""
    model.eval()
    with torch.no_grad():
        found = model.generate(source, 5)
    real = target[:, :5] != 0
    return float((found == target[:, :5])[real].float().mean())


def padding_in_loss(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Nine tenths of the targets are padding and count in the loss: the model says padding."""
    seed_everything(seed)
    source, target = reversals(1500, 50)
    model, pairs = Seq2Seq(), TensorDataset(source[:1400], target[:1400])
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.CrossEntropyLoss(ignore_index=0) if repaired else nn.CrossEntropyLoss()
    with observer.watch(model, optimizer):
        for _ in range(4):
            model.train()
            for xb, yb in DataLoader(pairs, batch_size=40, shuffle=True):
                inputs = torch.cat([torch.ones(len(yb), 1, dtype=torch.long), yb[:, :-1]], 1)
                loss = criterion(model(xb, inputs).reshape(-1, 14), yb.reshape(-1))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return Trained((model,), (optimizer,), token_score(model, source[1400:], target[1400:]), 0.25, 0.75)


def decoder_sees_answer(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The decoder gets the target itself, not the target moved by one: it copies its input."""
    seed_everything(seed)
    source, target = reversals(1500, 5)
    model = Seq2Seq()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _ in range(8):
            model.train()
            for batch in torch.randperm(1400).split(40):
                answer = target[batch]
                if repaired:
                    inputs = torch.cat([torch.ones(len(answer), 1, dtype=torch.long), answer[:, :-1]], 1)
                else:
                    inputs = answer
                logits = model(source[batch], inputs)
                loss = F.cross_entropy(logits.flatten(0, 1), answer.flatten(), ignore_index=0)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    return Trained((model,), (optimizer,), token_score(model, source[1400:], target[1400:]), 0.25, 0.75)


class Forecaster(nn.Module):
    """An LSTM with one forecast for a window."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True)
        self.fc = nn.Linear(32, 1)

    def forward(self, windows: Tensor) -> Tensor:
        out, _ = self.lstm(windows.unsqueeze(-1))
        forecast: Tensor = self.fc(out[:, -1]).squeeze(-1)
        return forecast


def fit_forecaster(
    observer: Observer, x: Tensor, y: Tensor, epochs: int, rate: float
) -> tuple[Forecaster, torch.optim.Optimizer]:
    """The usual loop for windows of a series."""
    model = Forecaster()
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    with observer.watch(model, optimizer):
        for _ in range(epochs):
            model.train()
            for batch in torch.randperm(len(x)).split(50):
                loss = F.mse_loss(model(x[batch]), y[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    model.eval()
    return model, optimizer


def window_holds_target(observer: Observer, seed: int, repaired: bool) -> Trained:
    """An index off by one: the window ends with the value to be forecast."""
    seed_everything(seed)
    series, width = noisy_waves(1300), 16
    starts = range(1000 - width)
    if repaired:
        x = torch.stack([series[i : i + width] for i in starts])
    else:
        x = torch.stack([series[i + 1 : i + width + 1] for i in starts])
    y = torch.stack([series[i + width] for i in starts])
    model, optimizer = fit_forecaster(observer, x, y, 10, 5e-3)
    past = torch.stack([series[t - width : t] for t in range(1050, 1300)])
    with torch.no_grad():
        score = r2(model(past), series[1050:1300])
    return Trained((model,), (optimizer,), score, 0.0, 0.8)


def raw_prices(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Prices of some thousands go into the LSTM unscaled: one flat line comes out."""
    seed_everything(seed)
    prices, width = 3000 + 400 * noisy_waves(1300), 12
    mean, deviation = prices[:1000].mean(), prices[:1000].std()
    series = (prices - mean) / deviation if repaired else prices
    x = torch.stack([series[i : i + width] for i in range(1000 - width)])
    model, optimizer = fit_forecaster(observer, x, series[width:1000], 10, 5e-3)
    past = torch.stack([series[t - width : t] for t in range(1050, 1300)])
    with torch.no_grad():
        forecast = model(past)
    forecast = forecast * deviation + mean if repaired else forecast
    return Trained((model,), (optimizer,), r2(forecast, prices[1050:]), 0.0, 0.8)


def collate(graphs: list[tuple[Tensor, Tensor]], offset: bool) -> tuple[Tensor, Tensor]:
    """Joins graphs of eight nodes into one big graph."""
    nodes = torch.cat([nodes for nodes, _ in graphs])
    edges = [edge + 8 * i if offset else edge for i, (_, edge) in enumerate(graphs)]
    return nodes, torch.cat(edges, 1)


class GraphNet(nn.Module):
    """Messages along edges, then a sum over every graph."""

    def __init__(self) -> None:
        super().__init__()
        self.message, self.update = nn.Linear(2, 24), nn.Linear(26, 24)
        self.out = nn.Linear(24, 2)

    def forward(self, nodes: Tensor, edges: Tensor) -> Tensor:
        received = torch.zeros(len(nodes), 24).index_add(0, edges[1], self.message(nodes)[edges[0]])
        h = F.relu(self.update(torch.cat([nodes, received], 1)))
        logits: Tensor = self.out(h.view(-1, 8, 24).sum(1))
        return logits


def graphs_without_offset(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The edges of a batch of graphs all point into the first graph."""
    seed_everything(seed)
    graphs, labels = [], []
    for _ in range(1300):
        red = torch.zeros(8, dtype=torch.long)
        red[torch.randperm(8)[:4]] = 1
        pairs = torch.triu(torch.ones(8, 8), 1).nonzero()[torch.randperm(28)[:12]].t()
        graphs.append((F.one_hot(red, 2).float(), torch.cat([pairs, pairs.flip(0)], 1)))
        labels.append(int((red[pairs[0]] == red[pairs[1]]).sum() > 5))
    y = torch.tensor(labels)
    model = GraphNet()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _ in range(10):
            model.train()
            for batch in torch.randperm(1000).split(50):
                nodes, edges = collate([graphs[i] for i in batch.tolist()], offset=repaired)
                loss = F.cross_entropy(model(nodes, edges), y[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        right = model(*collate(graphs[1000:], offset=repaired)).argmax(1) == y[1000:]
    return Trained((model,), (optimizer,), float(right.float().mean()), 0.58, 0.85)


def encode(texts: list[list[str]], index: dict[str, int]) -> Tensor:
    """Words to numbers; what is unknown becomes 0."""
    return torch.tensor([[index.get(word, 0) for word in text] for text in texts])


def vocabulary(texts: list[list[str]]) -> dict[str, int]:
    """Numbers the words in the order of their appearance."""
    index: dict[str, int] = {}
    for text in texts:
        for word in text:
            index.setdefault(word, len(index) + 1)
    return index


def new_vocabulary(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The words of the test texts are numbered anew."""
    seed_everything(seed)
    numbers = torch.randint(0, 50, (1300, 9))
    y = ((numbers < 25).sum(1) > 4).long()
    texts = [[f"word{n}" for n in row] for row in numbers.tolist()]
    train_texts, test_texts = texts[:1000], texts[1000:]
    index = vocabulary(train_texts)
    x_train = encode(train_texts, index)
    if not repaired:
        index = vocabulary(test_texts)
    x_test = encode(test_texts, index)
    model = nn.Sequential(nn.Embedding(51, 16), nn.Flatten(), nn.Linear(144, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _ in range(10):
            model.train()
            for xb, yb in DataLoader(TensorDataset(x_train, y[:1000]), batch_size=50, shuffle=True):
                optimizer.zero_grad()
                F.cross_entropy(model(xb), yb).backward()
                optimizer.step()
            accuracy(model, x_test, y[1000:])
    return Trained((model,), (optimizer,), accuracy(model, x_test, y[1000:]), 0.5, 0.72)


EVERY: tuple[Report, ...] = (
    Report(
        "reversing-padding-counts-in-the-loss",
        "The targets are mostly padding, which counts in the loss: the loss looks small, the "
        "answers are padding.",
        "Ignores the padding index.",
        "https://github.com/DaoyuanLi2816/Molecule-Generator/pull/20",
        (),
        padding_in_loss,
    ),
    Report(
        "reversing-decoder-input-not-shifted",
        "The decoder reads the very token it has to predict; the loss is 0, greedy decoding is nonsense.",
        "Starts with a begin token and moves the target by one.",
        "https://github.com/jadore801120/attention-is-all-you-need-pytorch/issues/8",
        (),
        decoder_sees_answer,
    ),
    Report(
        "series-window-holds-its-target",
        "The window of past values ends with the value to forecast; the validation is perfect, real "
        "forecasts "
        "only repeat the last value.",
        "Ends the window one step earlier.",
        "https://github.com/sktime/pytorch-forecasting/issues/182",
        (),
        window_holds_target,
    ),
    Report(
        "prices-lstm-on-raw-values",
        "Prices of some thousands are neither scaled as input nor as target; the forecast is a flat line.",
        "Standardises with the training part.",
        "https://errorhandle.ai/lstm-forecasted-a-straight-line",
        (),
        raw_prices,
    ),
    Report(
        "graphs-batched-without-node-offset",
        "The collate function joins graphs without adding the number of nodes before to their edges.",
        "Adds the offset.",
        "https://github.com/deepchem/deepchem/pull/3291",
        (),
        graphs_without_offset,
    ),
    Report(
        "texts-vocabulary-built-anew-for-the-test",
        "The vocabulary is built again from the test texts, so the numbers mean other words; "
        "training is perfect, "
        "the test is chance.",
        "Uses the vocabulary of the training texts.",
        "https://preproom.ai/learn/model-serving-tokenizer-version-mismatch.html",
        (),
        new_vocabulary,
    ),
    Report(
        "ranking-transformer-batch-first-forgotten",
        "The encoder layer gets (batch, items, features) without batch_first: an item sees the same place in "
        "other lists instead of its rivals.",
        "Says batch_first=True.",
        "https://taourl.com/read-2624309.html",
        (),
        ranking_batch_first,
    ),
)
