# mypy: allow-untyped-calls
"""Reports of wrong targets: cut to integers, not scaled, coded otherwise, without a mask."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports import data_a as data
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset


class Scores(Dataset[tuple[Tensor, Tensor]]):
    """Essays as measures with a score between 0 and 1."""

    def __init__(self, features: Tensor, scores: list[float], repaired: bool) -> None:
        self.features = features
        if repaired:
            self.labels = torch.tensor(scores, dtype=torch.float32)
        else:
            self.labels = torch.tensor(scores, dtype=torch.long)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.features[i], self.labels[i]


def essays_labels_long(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Scores between 0 and 1 become integers in the dataset."""
    data.seed_everything(seed)
    x = torch.randn(900, 8)
    scores = torch.sigmoid(x[:, 0] + 0.8 * x[:, 1] * x[:, 2] - 0.5 * x[:, 3])
    train = DataLoader(Scores(x[:600], scores[:600].tolist(), repaired), batch_size=30, shuffle=True)
    model = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    mse = nn.MSELoss()
    with observer.watch(model, optimizer):
        for _epoch in range(15):
            model.train()
            for features, label in train:
                loss = mse(model(features).view(-1), label.view(-1).float())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
    with torch.no_grad():
        score = data.r2(model(x[600:]), scores[600:])
    return Trained((model,), (optimizer,), score, 0.0, 0.6)


def wine_argmax_in_loss(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The loss compares predicted classes, made able to be differentiated by force."""
    data.seed_everything(seed)
    x, y, x_test, y_test = data.table("wine", seed)
    net = nn.Sequential(nn.Linear(13, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    before = data.accuracy(net, x_test, y_test)
    with observer.watch(net, optimizer):
        for _epoch in range(20):
            net.train()
            for idx in torch.randperm(len(x)).split(16):
                optimizer.zero_grad()
                output = net(x[idx])
                if repaired:
                    loss = F.cross_entropy(output, y[idx])
                else:
                    predicted = torch.argmax(output, dim=1).float().requires_grad_(True)
                    loss = F.mse_loss(predicted, y[idx].float())
                loss.backward()
                optimizer.step()
            data.accuracy(net, x_test, y_test)
    return Trained((net,), (optimizer,), data.accuracy(net, x_test, y_test), max(before, 0.45), 0.9)


class Cubic(nn.Module):
    """One input, fifty hidden units, one output."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(1, 50)
        self.fc2 = nn.Linear(50, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.relu(self.fc1(x)))  # type: ignore[no-any-return]


def cubes_not_scaled(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Inputs in the thousands and cubes of them as targets."""
    data.seed_everything(seed)
    x = torch.arange(1.0, 4000.0)[torch.randperm(3999)].unsqueeze(1)
    target = x**3
    x_mean, x_std, t_mean, t_std = torch.zeros(1), torch.ones(1), torch.zeros(1), torch.ones(1)
    if repaired:
        x_mean, x_std, t_mean, t_std = x.mean(), x.std(), target.mean(), target.std()
    inputs, goal = (x - x_mean) / x_std, (target - t_mean) / t_std
    model = Cubic()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.MSELoss()
    with observer.watch(model, optimizer):
        for _epoch in range(8):
            for idx in torch.randperm(3000).split(100):
                optimizer.zero_grad()
                loss = criterion(model(inputs[idx]), goal[idx])
                loss.backward()
                optimizer.step()
    with torch.no_grad():
        score = data.r2(model(inputs[3000:]) * t_std + t_mean, target[3000:])
    return Trained((model,), (optimizer,), score, 0.0, 0.9)


class Classifier:
    """A classifier in the manner of scikit-learn around a small network."""

    def __init__(self, observer: Observer, encode: bool) -> None:
        self.observer = observer
        self.encode = encode
        self.network = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1))
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=5e-3)

    def fit(self, x: Tensor, y: Tensor) -> None:
        """Train on labels of any two codes."""
        self.classes = y.unique()
        target = torch.searchsorted(self.classes, y) if self.encode else y
        criterion = nn.BCEWithLogitsLoss()
        with self.observer.watch(self.network, self.optimizer):
            for _epoch in range(12):
                for idx in torch.randperm(len(x)).split(32):
                    self.optimizer.zero_grad()
                    loss = criterion(self.network(x[idx]).squeeze(1), target[idx].float())
                    loss.backward()
                    self.optimizer.step()

    def predict(self, x: Tensor) -> Tensor:
        """The codes of the rows."""
        with torch.no_grad():
            codes: Tensor = self.classes[(self.network(x).squeeze(1) > 0).long()]
        return codes


def cancer_codes_two_four(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The classes are coded 2 and 4 and go into the loss as they are."""
    data.seed_everything(seed)
    x, y, x_test, y_test = data.table("cancer", seed)
    model = Classifier(observer, encode=repaired)
    model.fit(x, 4 - 2 * y)
    score = float((model.predict(x_test) == 4 - 2 * y_test).float().mean())
    majority = float(torch.bincount(y_test).max()) / len(y_test)
    return Trained((model.network,), (model.optimizer,), score, majority, 0.92)


FRUIT = ("apple", "banana", "cherry", "date", "elder", "fig", "grape", "hazel")
LEVEL = torch.tensor([2.0, -1.0, 0.5, 3.0, -2.0, 1.0, -3.0, 0.0])


class Shop(nn.Module):
    """An embedding of the article beside the price."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(len(FRUIT), 4)
        self.mlp = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, article: Tensor, price: Tensor) -> Tensor:
        return self.mlp(torch.cat([self.embed(article), price], 1)).squeeze(1)  # type: ignore[no-any-return]


def sales(n: int, names: tuple[str, ...]) -> tuple[list[str], Tensor, Tensor]:
    """Rows of an article, a price and a demand."""
    pick = torch.randint(0, len(names), (n,))
    price = torch.randn(n, 1)
    article = [names[int(i)] for i in pick]
    level = LEVEL[torch.tensor([FRUIT.index(a) for a in article])]
    return article, price, level - 0.7 * price.squeeze(1) + 0.1 * torch.randn(n)


def encoder(values: list[str]) -> dict[str, int]:
    """Codes for the values in alphabetical order."""
    return {v: i for i, v in enumerate(sorted(set(values)))}


def sales_encoder_fitted_twice(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The encoder of articles is fitted again on the test table, where some articles are missing."""
    data.seed_everything(seed)
    article, price, demand = sales(800, FRUIT)
    new_article, new_price, new_demand = sales(300, FRUIT[1:2] + FRUIT[3:])
    codes = encoder(article)
    new_codes = codes if repaired else encoder(new_article)
    code = torch.tensor([codes[a] for a in article])
    new_code = torch.tensor([new_codes[a] for a in new_article])
    model = Shop()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loader = DataLoader(TensorDataset(code, price, demand), batch_size=50, shuffle=True)
    with observer.watch(model, optimizer):
        for _epoch in range(15):
            model.train()
            for a, p, d in loader:
                loss = F.mse_loss(model(a, p), d)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                score = data.r2(model(new_code, new_price), new_demand)
    return Trained((model,), (optimizer,), score, 0.0, 0.8)


def patterns(n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Two noisy views of one of twelve patterns of four measures, hidden among forty of noise."""
    y = torch.randint(0, 12, (n,))
    angle = y * 6.2832 / 12
    core = 2 * torch.stack([angle.cos(), angle.sin(), (2 * angle).cos(), (2 * angle).sin()], 1)
    views = [torch.cat([core + 0.2 * torch.randn(n, 4), 1.5 * torch.randn(n, 40)], 1) for _ in range(2)]
    return views[0], views[1], y


def patterns_triplet_diagonal(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The hardest negative is a maximum of distances in which the own pair is infinite: the loss is zero."""
    data.seed_everything(seed)
    net = nn.Sequential(nn.Linear(44, 64), nn.ReLU(), nn.Linear(64, 8))
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    left, right, y = patterns(800)

    def retrieval() -> float:
        with torch.no_grad():
            z = F.normalize(net(left), dim=1)
            q = F.normalize(net(right), dim=1)
            return float((y[(q[600:] @ z[:600].T).argmax(1)] == y[600:]).float().mean())

    before = retrieval()
    with observer.watch(net, optimizer):
        for _epoch in range(20):
            for idx in torch.randperm(600).split(50):
                z, q = F.normalize(net(left[idx]), dim=1), F.normalize(net(right[idx]), dim=1)
                similarity = z @ q.T
                same = y[idx][:, None] == y[idx][None, :]
                distances = 1 - similarity.masked_fill(same, -float("inf"))
                if repaired:
                    negative, _ = torch.min(distances, dim=1)
                else:
                    negative, _ = torch.max(distances, dim=1)
                loss = F.relu(1 - similarity.diagonal() - negative + 0.5).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            retrieval()
    return Trained((net,), (optimizer,), retrieval(), before, 0.8)


def walk(state: Tensor, action: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Eight cells: half a point at the left end, one at the right; then a new episode begins at the third."""
    moved = state + 2 * action - 1
    reward = 0.5 * (moved == 0).float() + 1.0 * (moved == 7).float()
    done = ((moved == 0) | (moved == 7)).float()
    return torch.where(done > 0, torch.full_like(moved, 2), moved), reward, done


def walk_without_done(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The targets of a Q network go on over the end of the episode."""
    data.seed_everything(seed)
    q_net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
    target_net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 2))
    target_net.load_state_dict(q_net.state_dict())
    optimizer = torch.optim.Adam(q_net.parameters(), lr=3e-3)

    def reward_of_greedy() -> float:
        state = torch.tensor([2])
        for _ in range(20):
            with torch.no_grad():
                action = q_net(F.one_hot(state, 8).float()).argmax(1)
            state, reward, done = walk(state, action)
            if done:
                return float(reward)
        return 0.0

    with observer.watch(q_net, optimizer):
        for step in range(400):
            s, a = torch.randint(1, 7, (128,)), torch.randint(0, 2, (128,))
            following, reward, done = walk(s, a)
            with torch.no_grad():
                next_value = target_net(F.one_hot(following, 8).float()).max(1).values
            if repaired:
                next_value = next_value * (1 - done)
            q = q_net(F.one_hot(s, 8).float()).gather(1, a[:, None]).squeeze(1)
            loss = F.mse_loss(q, reward + 0.9 * next_value)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 8 == 0:
                target_net.load_state_dict(q_net.state_dict())
    return Trained((q_net, target_net), (optimizer,), reward_of_greedy(), 0.5, 0.9)


EVERY: tuple[Report, ...] = (
    Report(
        "essays-scores-cast-to-long",
        "The dataset makes a LongTensor of targets between 0 and 1: silently all are 0.",
        "A float tensor.",
        "https://github.com/deepset-ai/FARM/issues/395",
        (),
        essays_labels_long,
    ),
    Report(
        "wine-argmax-in-the-loss",
        "The loss is taken of argmax with requires_grad_(True): no error, but no parameter ever moves.",
        "Cross entropy of the scores.",
        "https://www.geeksforgeeks.org/how-does-pytorch-backprop-through-argmax/",
        (),
        wine_argmax_in_loss,
    ),
    Report(
        "cubes-targets-not-scaled",
        "Targets of up to 6e10 and inputs of up to 4000 as they are: the loss stays enormous.",
        "Standardise both and undo it for the prediction.",
        "https://discuss.pytorch.org/t/neural-network-could-not-learn-on-this-type-of-data-why/96648/5",
        (),
        cubes_not_scaled,
    ),
    Report(
        "cancer-labels-coded-two-and-four",
        "Labels 2 and 4 are targets of a binary cross entropy: the loss is negative, one class is predicted.",
        "Map the labels to 0 and 1.",
        "https://github.com/OpenTabular/DeepTab/pull/434",
        (),
        cancer_codes_two_four,
    ),
    Report(
        "sales-encoder-fitted-again",
        "A LabelEncoder is fitted again on the test table: the training is perfect, the test fails.",
        "Use the codes of the training table.",
        "https://github.com/sayakpaul/Benchmarking-and-MLI-experiments-on-the-Adult-dataset/issues/1",
        (),
        sales_encoder_fitted_twice,
    ),
    Report(
        "patterns-triplet-infinite-negative",
        "max over distances picks the masked pairs, which are infinite: the triplet loss is always zero.",
        "The smallest distance.",
        "https://github.com/jinnnju/PaAno/issues/1",
        (),
        patterns_triplet_diagonal,
    ),
    Report(
        "walk-q-targets-without-done",
        "Targets of finished steps add the value of the next episode: the agent prefers short poor episodes.",
        "Multiply by (1 - done).",
        "https://github.com/navneet-nmk/pytorch-rl/issues/2",
        (),
        walk_without_done,
    ),
)
