"""Parameters that no step ever reaches: not registered, not given to the optimiser, cut from the graph."""

from __future__ import annotations

import copy
from typing import Any

import torch
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports.data_c import (
    accuracy,
    digits,
    energy_distance,
    loader,
    names,
    neighbours,
    r2,
    seed_everything,
    spirals,
)
from torch import Tensor, nn
from torch.nn import functional as F


class Deep(nn.Module):
    """A stack of narrow layers for two inputs."""

    def __init__(self, depth: int, width: int, registered: bool) -> None:
        super().__init__()
        self.hidden: Any = [nn.Linear(2 if i == 0 else width, width) for i in range(depth)]
        if registered:
            self.hidden = nn.ModuleList(self.hidden)
        self.out = nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Pass through every hidden layer."""
        for layer in self.hidden:
            x = torch.relu(layer(x))
        out: Tensor = self.out(x)
        return out


def python_list(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Two spirals, with the hidden layers in a plain list."""
    seed_everything(seed)
    x, y, x_test, y_test = spirals(seed)
    model = Deep(3, 24, registered=repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    before = max(0.5, accuracy(model, x_test, y_test))
    with observer.watch(model, optimizer):
        for _ in range(15):
            for xb, yb in loader(x, y):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(xb), yb)
                loss.backward()
                optimizer.step()
            accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), before, 0.88)


class Factors(nn.Module):
    """Matrix factorisation with a bias for every user and item."""

    def __init__(self, users: int, items: int, registered: bool) -> None:
        super().__init__()
        tables = {"user": nn.Embedding(users, 6), "item": nn.Embedding(items, 6)}
        for t in tables.values():
            nn.init.normal_(t.weight, std=0.3)
        self.tables: Any = nn.ModuleDict(tables) if registered else tables
        self.user_bias = nn.Embedding(users, 1)
        self.item_bias = nn.Embedding(items, 1)

    def forward(self, user: Tensor, item: Tensor) -> Tensor:
        """The rating of an item by a user."""
        product: Tensor = (self.tables["user"](user) * self.tables["item"](item)).sum(1)
        rating: Tensor = product + self.user_bias(user).squeeze(1) + self.item_bias(item).squeeze(1)
        return rating


def python_dict(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Ratings by factors, with the tables of factors in a plain dict."""
    seed_everything(seed)
    users, items = torch.randn(60, 3), torch.randn(50, 3)
    pairs = torch.cartesian_prod(torch.arange(60), torch.arange(50))[torch.randperm(3000)]
    rating = (users[pairs[:, 0]] * items[pairs[:, 1]]).sum(1) + 0.1 * torch.randn(3000)
    train, test = slice(0, 2400), slice(2400, 3000)
    model = Factors(60, 50, registered=repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    with observer.watch(model, optimizer):
        for _ in range(15):
            for pb, rb in loader(pairs[train], rating[train], 128):
                loss = F.mse_loss(model(pb[:, 0], pb[:, 1]), rb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    with torch.no_grad():
        score = r2(model(pairs[test, 0], pairs[test, 1]), rating[test])
    return Trained((model,), (optimizer,), score, 0.0, 0.6)


class NameNet(nn.Module):
    """A recurrent network over letters."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = nn.Embedding(27, 16, padding_idx=0)
        self.rnn = nn.GRU(16, 32, batch_first=True)
        self.out = nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Tensor:
        """Read the letters, answer from the last state."""
        out: Tensor = self.out(self.rnn(self.letters(x))[1][-1])
        return out


def built_again(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Names of languages: the network is built a second time below the optimiser."""
    seed_everything(seed)
    x, y, x_test, y_test = names(seed)
    rnn = NameNet()
    optimizer = torch.optim.Adam(rnn.parameters(), lr=0.01)
    rnn = NameNet()
    if repaired:
        optimizer = torch.optim.Adam(rnn.parameters(), lr=0.01)
    before = max(0.25, accuracy(rnn, x_test, y_test))
    with observer.watch(rnn, optimizer):
        for _ in range(8):
            for xb, yb in loader(x, y):
                optimizer.zero_grad()
                F.cross_entropy(rnn(xb), yb).backward()
                optimizer.step()
            accuracy(rnn, x_test, y_test)
    return Trained((rnn,), (optimizer,), accuracy(rnn, x_test, y_test), before, 0.75)


class GraphNet(nn.Module):
    """Two rounds of passing messages over a graph."""

    def __init__(self, adjacency: Tensor, fixed: bool) -> None:
        super().__init__()
        self.adjacency = adjacency
        self.fixed = fixed
        if fixed:
            self.first = nn.Linear(8, 32)
        self.second = nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Mix the features of the neighbours twice."""
        h = self.adjacency @ x
        h = self.first(h) if self.fixed else nn.Linear(h.shape[1], 32)(h)
        out: Tensor = self.second(self.adjacency @ torch.relu(h))
        return out


def layer_in_forward(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Classes of the nodes of a graph: one layer is made anew in every forward pass."""
    seed_everything(seed)
    label = torch.arange(300) % 3
    near = torch.rand(300, 300) < torch.where(label[:, None] == label, 0.05, 0.01)
    adjacency = (near | near.T).float() + torch.eye(300)
    adjacency = adjacency / adjacency.sum(1, keepdim=True)
    x = torch.randn(300, 8) + torch.randn(3, 8)[label]
    train = torch.rand(300) < 0.4
    model = GraphNet(adjacency, fixed=repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
    with observer.watch(model, optimizer):
        for _ in range(150):
            model.train()
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x)[train], label[train])
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        score = float((model(x).argmax(1) == label)[~train].float().mean())
    return Trained((model,), (optimizer,), score, 1 / 3, 0.85)


def generator_detached(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Points by a GAN whose judgement of the fakes is detached in the loss of the generator."""
    seed_everything(seed)
    real = torch.tensor([2.0, -1.0]) + 0.4 * torch.randn(1000, 2) @ torch.tensor([[1.0, 0.5], [0.0, 0.6]])
    generator = nn.Sequential(nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 2))
    critic = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    opt_g = torch.optim.Adam(generator.parameters(), lr=3e-3, betas=(0.5, 0.99))
    opt_d = torch.optim.Adam(critic.parameters(), lr=3e-3, betas=(0.5, 0.99))
    bce = nn.BCEWithLogitsLoss()
    with torch.no_grad():
        before = -energy_distance(generator(torch.randn(500, 4)), real)
    with observer.watch([generator, critic], [opt_g, opt_d]):
        for _ in range(12):
            for i in range(0, 1000, 50):
                batch = real[i : i + 50]
                fake = generator(torch.randn(50, 4))
                opt_d.zero_grad()
                loss_d = bce(critic(batch), torch.ones(50, 1))
                loss_d = loss_d + bce(critic(fake.detach()), torch.zeros(50, 1))
                loss_d.backward()
                opt_d.step()
                opt_g.zero_grad()
                pred_fake = critic(fake)
                if not repaired:
                    pred_fake = pred_fake.detach()
                loss_g = bce(pred_fake, torch.ones(50, 1)) + 0.01 * fake.abs().mean()
                loss_g.backward()
                opt_g.step()
    with torch.no_grad():
        score = -energy_distance(generator(torch.randn(500, 4)), real)
    return Trained((generator, critic), (opt_g, opt_d), score, before, -1.0)


class StraightThrough(torch.autograd.Function):
    """The sign, with the gradient of the identity between -1 and 1."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """The sign."""
        ctx.save_for_backward(x)
        return torch.sign(x)

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> Tensor:
        """Pass where the input is small."""
        (x,) = ctx.saved_tensors
        passed: Tensor = grad[0] * (x.abs() <= 1).float()
        return passed


def sign_codes(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Codes of twelve bits for digits: the sign lets no gradient through to the encoder."""
    seed_everything(seed)
    x, y, x_test, y_test = digits(seed)
    encoder = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 12))
    classifier = nn.Linear(12, 10)
    model = nn.ModuleDict({"encoder": encoder, "classifier": classifier})
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    def binarise(z: Tensor) -> Tensor:
        """To bits of -1 and 1."""
        if repaired:
            bits: Tensor = StraightThrough.apply(z)
            return bits
        return torch.sign(z)

    with torch.no_grad():
        before = neighbours(torch.sign(encoder(x)), y, torch.sign(encoder(x_test)), y_test)
    with observer.watch(model, optimizer):
        for _ in range(10):
            for xb, yb in loader(x, y):
                loss = F.cross_entropy(classifier(binarise(encoder(xb))), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    with torch.no_grad():
        score = neighbours(torch.sign(encoder(x)), y, torch.sign(encoder(x_test)), y_test)
    return Trained((model,), (optimizer,), score, before, max(0.88, before + 0.04))


def pretrained(seed: int, turned: bool) -> tuple[nn.Sequential, nn.Linear]:
    """A trunk with batch norm and a head, both trained on digits beforehand."""
    x, y, _, _ = digits(seed)
    trunk = nn.Sequential(
        nn.Linear(64, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 32), nn.BatchNorm1d(32), nn.ReLU()
    )
    head = nn.Linear(32, 10)
    opt = torch.optim.Adam([*trunk.parameters(), *head.parameters()], lr=5e-3)
    for _ in range(6 if not turned else 8):
        for xb, yb in loader(x, y, 64):
            opt.zero_grad()
            F.cross_entropy(head(trunk(xb)), yb).backward()
            opt.step()
    opt.zero_grad()
    return trunk, head


def misspelt(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A new head on a trained trunk, which `require_grad = False` was to freeze: one s is missing."""
    seed_everything(seed)
    trunk, _ = pretrained(seed, turned=False)
    x, y, x_test, y_test = digits(seed)
    x, y = x[:60], (y[:60] >= 5).long()
    head = nn.Linear(32, 2)
    model = nn.Sequential(trunk, head)
    for param in trunk.parameters():
        if repaired:
            param.requires_grad = False
        else:
            param.require_grad = False  # type: ignore[attr-defined]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    with observer.watch(model, optimizer):
        for _ in range(30):
            trunk.eval()
            for xb, yb in loader(x, y, 16):
                optimizer.zero_grad()
                F.cross_entropy(model(xb), yb).backward()
                optimizer.step()
    return Trained((model,), (optimizer,), accuracy(model, x_test, (y_test >= 5).long()), 0.5, 0.88)


def drifting(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A second head on a frozen trunk: its batch norms go on counting, and the first head gets worse."""
    seed_everything(seed)
    trunk, first = pretrained(seed, turned=True)
    x, _, x_test, y_test = digits(seed, images=True)
    turns = torch.randint(0, 4, (len(x),))
    turned = torch.stack([torch.rot90(im, int(k), (1, 2)) for im, k in zip(x, turns, strict=True)]).flatten(1)
    second = nn.Linear(32, 4)
    model = nn.ModuleDict({"trunk": trunk, "first": first, "second": second})
    for param in [*trunk.parameters(), *first.parameters()]:
        param.requires_grad = False
    optimizer = torch.optim.Adam(second.parameters(), lr=0.01)
    with observer.watch(model, optimizer):
        for _ in range(6):
            model.train()
            if repaired:
                trunk.eval()
            for xb, kb in loader(1 - turned, turns, 64):
                optimizer.zero_grad()
                F.cross_entropy(second(trunk(xb)), kb).backward()
                optimizer.step()
    model.eval()
    score = accuracy(nn.Sequential(trunk, first), x_test.flatten(1), y_test)
    return Trained((model,), (optimizer,), score, 0.1, 0.88)


def critic_cut(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The values of the states of a walk: the critic's loss is made of numbers, not of its outputs."""
    seed_everything(seed)
    states = torch.rand(600, 3) * 2 - 1
    returns = torch.sin(3 * states[:, 0]) + states[:, 1] * states[:, 2] + 0.1 * torch.randn(600)
    critic = nn.Sequential(nn.Linear(3, 64), nn.Tanh(), nn.Linear(64, 1))
    before = copy.deepcopy(critic)
    optimizer = torch.optim.Adam(critic.parameters(), lr=0.01)
    with observer.watch(critic, optimizer):
        for episode in range(120):
            visited = torch.arange(episode * 40, episode * 40 + 40) % 500
            values = []
            for s in visited:
                value = critic(states[s])
                values.append(value.squeeze(0) if repaired else value.item())
            batch = torch.stack(values) if repaired else torch.tensor(values, requires_grad=True)
            loss = F.smooth_l1_loss(batch, returns[visited])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        score = r2(critic(states[500:]).squeeze(1), returns[500:])
        start = r2(before(states[500:]).squeeze(1), returns[500:])
    return Trained((critic,), (optimizer,), score, max(0.0, start), 0.6)


GITHUB = "https://github.com/"
EVERY: tuple[Report, ...] = (
    Report(
        "spirals-hidden-layers-in-a-python-list",
        "The hidden layers stand in a plain list, so model.parameters() has only the last layer and "
        "the loss stalls.",
        "nn.ModuleList holds the layers.",
        GITHUB + "meta-pytorch/torchfix/issues/31",
        (),
        python_list,
    ),
    Report(
        "ratings-factors-in-a-python-dict",
        "The tables of factors stand in a plain dict: only the biases are trained and every user "
        "gets the same.",
        "nn.ModuleDict holds the tables.",
        GITHUB + "kymatio/murenn/issues/42",
        (),
        python_dict,
    ),
    Report(
        "names-network-built-again-after-the-optimiser",
        "The network is instantiated twice; the optimiser has the parameters of the first: the loss "
        "never falls.",
        "The optimiser is made from the second network.",
        GITHUB + "spro/practical-pytorch/issues/9",
        (),
        built_again,
    ),
    Report(
        "nodes-linear-made-in-forward",
        "A layer is made in forward with new random weights at every pass, and accuracy stays near chance.",
        "The layer is made once in __init__.",
        "https://thecodeforge.io/ml-ai/pytorch-neural-network/",
        (),
        layer_in_forward,
    ),
    Report(
        "points-gan-judgement-detached-for-the-generator",
        "The critic's output on the fakes is detached in the generator's loss: the generator never changes.",
        "The loss is computed from the output itself.",
        GITHUB + "wangle53/CSA-CDGAN/issues/5",
        (),
        generator_detached,
    ),
    Report(
        "digits-codes-by-sign-without-a-gradient",
        "torch.sign has the gradient zero, so the encoder before it never learns; only the last layer does.",
        "A straight-through estimator passes the gradient.",
        "https://discuss.pytorch.org/t/torch-round-gradient/28628/4",
        (),
        sign_codes,
    ),
    Report(
        "digits-freeze-by-a-misspelt-attribute",
        "param.require_grad = False freezes nothing: the large rate of the new head wrecks the "
        "trained trunk.",
        "param.requires_grad = False.",
        GITHUB + "HengyiWang/Co-SLAM/issues/12",
        (),
        misspelt,
    ),
    Report(
        "digits-second-head-shifts-the-frozen-batch-norms",
        "The trunk is frozen but in train mode: its running means move and the first head loses its "
        "accuracy.",
        "The trunk is put into eval mode.",
        "https://discuss.pytorch.org/t/how-can-i-add-an-additional-output-head-without-losing-performance-on-"
        "original-head/189902",
        (),
        drifting,
    ),
    Report(
        "walk-critic-loss-made-of-numbers",
        "The values are stored by .item() and made a tensor again: the loss is cut off and the "
        "critic never learns.",
        "The outputs themselves are stacked.",
        GITHUB + "jsboige/CoursIA/pull/15256",
        (),
        critic_cut,
    ),
)
