# mypy: disallow-untyped-calls=False
"""Mistakes with the modes of training and evaluation, batch norm, dropout, checkpoints and transfer."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports.data_b import accuracy, digits, r2, seed_everything, split, table
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


def evaluated_first(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The network is evaluated before the first epoch and stays in evaluation mode for the whole training."""
    seed_everything(seed)
    x_train, y_train, x_test, y_test = split(*table("breast_cancer"))
    model = nn.Sequential(
        nn.BatchNorm1d(30), nn.Linear(30, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)
    accuracy(model, x_test, y_test)
    with observer.watch(model, optimizer):
        for _ in range(10):
            if repaired:
                model.train()
            for xb, yb in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(xb), yb)
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                model(x_test).argmax(1)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), 0.63, 0.9)


class DropoutRegressor(nn.Module):
    """A regression with functional dropout."""

    def __init__(self, right: bool) -> None:
        super().__init__()
        self.right = right
        self.fc1 = nn.Linear(6, 32)
        self.fc2 = nn.Linear(32, 32)
        self.fc3 = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.fc1(x))
        if self.right:
            h = F.dropout(h, 0.5, training=self.training)
        else:
            h = F.dropout(h, 0.5)
        h = F.relu(self.fc2(h))
        h = F.dropout(h, 0.5, training=self.training) if self.right else F.dropout(h, 0.5)
        out: Tensor = self.fc3(h)
        return out.squeeze(-1)


def functional_dropout(observer: Observer, seed: int, repaired: bool) -> Trained:
    """F.dropout is on by default, in evaluation too: every call predicts something else."""
    seed_everything(seed)
    x = torch.randn(1500, 6)
    y = 2 + x[:, 0] + x[:, 1] - x[:, 2] + 0.5 * x[:, 3] * x[:, 4]
    model = DropoutRegressor(repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=60, shuffle=True)
    with observer.watch(model, optimizer):
        for _ in range(15):
            model.train()
            for xb, yb in loader:
                loss = F.mse_loss(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                F.mse_loss(model(x[1200:]), y[1200:])
    model.eval()
    with torch.no_grad():
        score = r2(model(x[1200:]), y[1200:])
    return Trained((model,), (optimizer,), score, 0.0, 0.88)


class AutoEncoder(nn.Module):
    """An autoencoder of digits with dropout on the code."""

    def __init__(self, right: bool) -> None:
        super().__init__()
        self.right = right
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 12))
        self.drop = nn.Dropout(0.5)
        self.decoder = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, images: Tensor) -> Tensor:
        code = self.encoder(images)
        if self.right:
            code = self.drop(code)
        else:
            code = nn.Dropout(0.5)(code)
        out: Tensor = self.decoder(code)
        return out


def dropout_in_forward(observer: Observer, seed: int, repaired: bool) -> Trained:
    """nn.Dropout is made inside forward, so model.eval() does not reach it."""
    seed_everything(seed)
    x_train, _, x_test, _ = digits()
    model = AutoEncoder(repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with observer.watch(model, optimizer):
        for _ in range(18):
            model.train()
            for batch in torch.randperm(len(x_train)).split(64):
                loss = F.mse_loss(model(x_train[batch]), x_train[batch].flatten(1))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        score = r2(model(x_test), x_test.flatten(1))
    return Trained((model,), (optimizer,), score, 0.0, 0.77)


def keep_probability(observer: Observer, seed: int, repaired: bool) -> Trained:
    """0.95 was the probability to keep in the TensorFlow code; nn.Dropout takes the one to drop."""
    seed_everything(seed)
    x_train, y_train, x_test, y_test = digits()
    keep = 0.95
    drop = nn.Dropout(1 - keep) if repaired else nn.Dropout(keep)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), drop,
        nn.Linear(64, 64), nn.ReLU(), drop, nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    criterion = nn.CrossEntropyLoss()
    with observer.watch(model, optimizer):
        for _ in range(12):
            model.train()
            for xb, yb in DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True):
                optimizer.zero_grad()
                loss = criterion(model(xb), yb)
                loss.backward()
                optimizer.step()
            accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), 0.1, 0.88)


def norm_network() -> nn.Sequential:
    """A network with batch norm for digits."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, 48), nn.BatchNorm1d(48), nn.ReLU(),
        nn.Linear(48, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 10),
    )  # fmt: skip


def never_evaluation_mode(observer: Observer, seed: int, repaired: bool) -> Trained:
    """model.eval() is forgotten: pictures that come in one class at a time are predicted badly."""
    seed_everything(seed)
    x_train, y_train, x_test, y_test = digits()
    model = norm_network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    def test(by_folder: bool) -> float:
        if repaired:
            model.eval()
        right = 0
        with torch.no_grad():
            order = y_test.argsort() if by_folder else torch.arange(len(y_test))
            for batch in order.split(8):
                right += int((model(x_test[batch]).argmax(1) == y_test[batch]).sum())
        return right / len(y_test)

    with observer.watch(model, optimizer):
        for _ in range(4):
            model.train()
            for xb, yb in DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(xb), yb)
                loss.backward()
                optimizer.step()
            test(by_folder=False)
    return Trained((model,), (optimizer,), test(by_folder=True), 0.1, 0.9)


def average_without_buffers(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The running average of the weights that is evaluated never gets the statistics of batch norm."""
    seed_everything(seed)
    x_train, y_train, x_test, y_test = split(*table("wine"))
    model = nn.Sequential(nn.BatchNorm1d(13), nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 3))
    average = copy.deepcopy(model)
    for parameter in average.parameters():
        parameter.requires_grad_(False)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=16, shuffle=True)
    with observer.watch(model, optimizer):
        for _ in range(15):
            model.train()
            for xb, yb in loader:
                loss = F.cross_entropy(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                with torch.no_grad():
                    for slow, fast in zip(average.parameters(), model.parameters()):
                        slow.mul_(0.9).add_(fast, alpha=0.1)
                    if repaired:
                        for kept, current in zip(average.buffers(), model.buffers()):
                            kept.copy_(current)
            accuracy(average, x_test, y_test)
    return Trained((model, average), (optimizer,), accuracy(average, x_test, y_test), 0.4, 0.88)


def best_by_reference(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The best weights are kept as model.state_dict(), which goes on changing; the last ones are restored."""
    seed_everything(seed)
    x_train, y_train, x_test, y_test = digits()
    x_val, y_val, x_test, y_test = x_test[:270], y_test[:270], x_test[270:], y_test[270:]
    x_train, y_train = x_train[:600], y_train[:600]
    wrong = torch.rand(len(y_train)) < 0.5
    y_train = torch.where(wrong, torch.randint(0, 10, y_train.shape), y_train)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU())
    model.append(nn.Linear(256, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    best, best_state = 0.0, model.state_dict()
    with observer.watch(model, optimizer):
        for _ in range(35):
            model.train()
            for batch in torch.randperm(len(x_train)).split(64):
                loss = F.cross_entropy(model(x_train[batch]), y_train[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            validation = accuracy(model, x_val, y_val)
            if validation > best:
                best = validation
                if repaired:
                    best_state = copy.deepcopy(model.state_dict())
                else:
                    best_state = model.state_dict()
    model.load_state_dict(best_state)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), 0.1, 0.75)


def one_class_per_batch(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Sick and healthy come in batches of their own; batch norm gives the answer away, evaluation fails."""
    seed_everything(seed)
    x, y = table("breast_cancer")
    x_train, y_train, x_test, y_test = split((x - x.mean(0)) / x.std(0), y)
    model = nn.Sequential(nn.Linear(30, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    sick, healthy = x_train[y_train == 0], x_train[y_train == 1]
    with observer.watch(model, optimizer):
        for _ in range(150):
            model.train()
            first = sick[torch.randint(0, len(sick), (16,))]
            second = healthy[torch.randint(0, len(healthy), (16,))]
            zeros, ones = torch.zeros(16, dtype=torch.long), torch.ones(16, dtype=torch.long)
            optimizer.zero_grad()
            if repaired:
                loss = F.cross_entropy(model(torch.cat([first, second])), torch.cat([zeros, ones]))
            else:
                loss = (F.cross_entropy(model(first), zeros) + F.cross_entropy(model(second), ones)) / 2
            loss.backward()
            optimizer.step()
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), 0.63, 0.92)


EVERY: tuple[Report, ...] = (
    Report(
        "cancer-evaluated-first-never-back-to-train",
        "The network is evaluated once before the first epoch and model.train() is never called: batch norm "
        "keeps mean 0 and variance 1 for raw values, the loss jumps and nothing is learnt.",
        "Calls model.train() at the start of every epoch.",
        "https://github.com/wkentaro/pytorch-fcn/pull/56",
        (),
        evaluated_first,
    ),
    Report(
        "regression-functional-dropout-always-on",
        "F.dropout is called without training=self.training; predictions differ from call to call in eval().",
        "Passes training=self.training.",
        "https://github.com/Coderx7/SimpleNet/issues/2",
        (),
        functional_dropout,
    ),
    Report(
        "autoencoder-dropout-made-in-forward",
        "nn.Dropout(0.5)(code) in forward is a new module in training mode at each call; eval() "
        "cannot switch it.",
        "Makes the dropout in __init__.",
        "https://github.com/yangze0930/NTS-Net/issues/14",
        (),
        dropout_in_forward,
    ),
    Report(
        "digits-dropout-rate-is-keep-probability",
        "nn.Dropout(0.95) was meant to keep 95 %; it drops them and the loss hardly falls.",
        "Passes one minus the probability to keep.",
        "https://github.com/bonlime/keras-deeplab-v3-plus/issues/4",
        (),
        keep_probability,
    ),
    Report(
        "digits-batchnorm-without-eval",
        "model.eval() is never called; on a folder with one class, batch norm uses the statistics "
        "of the test "
        "batches and the accuracy collapses.",
        "Calls model.eval() before predicting.",
        "https://github.com/yanx27/GACNet/issues/8",
        (),
        never_evaluation_mode,
    ),
    Report(
        "wine-average-model-without-batchnorm-buffers",
        "Only the parameters are averaged; the average network keeps the initial statistics of "
        "batch norm and "
        "its accuracy is that of chance while the training network is good.",
        "Copies the buffers too.",
        "https://github.com/CuriousAI/mean-teacher/issues/9",
        (),
        average_without_buffers,
    ),
    Report(
        "digits-best-weights-kept-by-reference",
        "best = model.state_dict() without a copy: after overfitting to wrong labels the last "
        "weights come back.",
        "Copies the state deeply.",
        "https://github.com/pytorch/tutorials/pull/188",
        (),
        best_by_reference,
    ),
    Report(
        "cancer-batchnorm-with-one-class-per-batch",
        "Each class goes through the network in a batch of its own; training is perfect in training mode, "
        "evaluation is bad.",
        "Mixes both classes in one batch.",
        "https://github.com/pytorch/pytorch/issues/4741",
        (),
        one_class_per_batch,
    ),
)
