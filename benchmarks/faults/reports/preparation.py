# mypy: disallow-untyped-calls=False
"""Mistakes with preprocessing that differs between training and use, leaking columns, averages."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports.data_b import accuracy, digits, noisy_waves, r2, seed_everything, split, table
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class Scaler:
    """Mean and deviation, as StandardScaler of scikit-learn."""

    def fit_transform(self, x: Tensor) -> Tensor:
        """Learn mean and deviation and apply them."""
        self.mean, self.deviation = x.mean(0), x.std(0) + 1e-6
        return self.transform(x)

    def transform(self, x: Tensor) -> Tensor:
        """Apply what was learnt."""
        return (x - self.mean) / self.deviation


def scaler_fitted_again(observer: Observer, seed: int, repaired: bool) -> Trained:
    """New bottles come in small lots of one vineyard; the scaler is fitted to every lot."""
    seed_everything(seed)
    x_train, y_train, x_test, y_test = split(*table("wine"), held_out=0.4)
    scaler = Scaler()
    inputs = scaler.fit_transform(x_train)
    model = nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    def test() -> float:
        model.eval()
        right = 0
        for vineyard in range(3):
            lot, truth = x_test[y_test == vineyard], y_test[y_test == vineyard]
            if repaired:
                lot = scaler.transform(lot)
            else:
                lot = Scaler().fit_transform(lot)
            with torch.no_grad():
                right += int((model(lot).argmax(1) == truth).sum())
        return right / len(x_test)

    with observer.watch(model, optimizer):
        for _ in range(20):
            model.train()
            for xb, yb in DataLoader(TensorDataset(inputs, y_train), batch_size=16, shuffle=True):
                loss = F.cross_entropy(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            test()
    return Trained((model,), (optimizer,), test(), 0.4, 0.88)


def fruits(count: int) -> tuple[Tensor, Tensor]:
    """Pictures in red, green and blue (values 0 to 255) of four kinds of fruit that differ in colour."""
    colours = torch.tensor([[220, 40, 40], [230, 200, 30], [60, 60, 200], [60, 180, 60]]).float()
    y = torch.randint(0, 4, (count,))
    images = torch.randint(0, 120, (count, 3, 8, 8)).float()
    images[:, :, 2:6, 2:6] = colours[y][:, :, None, None] + 25 * torch.randn(count, 3, 4, 4)
    return images.clamp(0, 255), y


def fruit_cnn() -> nn.Sequential:
    """A small network for colour pictures."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 4)
    )


def blue_green_red(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Training reads RGB, the camera delivers BGR and nobody turns the channels."""
    seed_everything(seed)
    x, y = fruits(1000)
    x_train, camera = x[:700] / 255, x[700:].flip(1) / 255
    model = fruit_cnn()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    x_test = camera.flip(1) if repaired else camera
    with observer.watch(model, optimizer):
        for _ in range(8):
            model.train()
            for xb, yb in DataLoader(TensorDataset(x_train, y[:700]), batch_size=35, shuffle=True):
                loss = F.cross_entropy(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            accuracy(model, x_test, y[700:])
    return Trained((model,), (optimizer,), accuracy(model, x_test, y[700:]), 0.25, 0.9)


def test_not_normalised(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The pictures of the training are normalised, those of the validation come as they are."""
    seed_everything(seed)
    x_train, y_train, x_test, y_test = digits()
    x_train, x_test = x_train * 16, x_test * 16
    mean, deviation = x_train.mean(0), x_train.std(0) + 0.3
    train = TensorDataset((x_train - mean) / deviation, y_train)
    if repaired:
        x_test = (x_test - mean) / deviation
    model = nn.Sequential(nn.Conv2d(1, 12, 3), nn.ReLU(), nn.Flatten(), nn.Linear(432, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    with observer.watch(model, optimizer):
        for _ in range(5):
            model.train()
            for images, labels in DataLoader(train, batch_size=50, shuffle=True):
                optimizer.zero_grad()
                loss = F.cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
            accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), accuracy(model, x_test, y_test), 0.1, 0.9)


def target_among_inputs(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The duration of a trip stays among the inputs for the duration of the trip; new trips have none."""
    seed_everything(seed)
    distance, hour, rain = torch.rand(1400) * 20, torch.rand(1400) * 24, (torch.rand(1400) < 0.3).float()
    rush = torch.exp(-((hour - 8) ** 2) / 6) + torch.exp(-((hour - 17) ** 2) / 8)
    duration = 3 + distance * (1.5 + rush + 0.5 * rain) + torch.randn(1400)
    columns = {"distance": distance / 20, "hour": hour / 24, "rain": rain, "duration": duration / 40}
    if repaired:
        columns.pop("duration")
    x, y = torch.stack(list(columns.values()), 1), duration / 40
    model = nn.Sequential(nn.Linear(x.size(1), 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _ in range(16):
            model.train()
            for xb, yb in DataLoader(TensorDataset(x[:1000], y[:1000]), batch_size=50, shuffle=True):
                loss = F.mse_loss(model(xb).squeeze(1), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                F.mse_loss(model(x[1000:1200]).squeeze(1), y[1000:1200])
    new = x[1200:].clone()
    if not repaired:
        new[:, 3] = x[:1000, 3].mean()
    with torch.no_grad():
        score = r2(model(new).squeeze(1), y[1200:])
    return Trained((model,), (optimizer,), score, 0.0, 0.75)


def smoothed_with_future(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A centred moving average of the sensors is an input: in use, its second half is not there yet."""
    seed_everything(seed)
    raw = noisy_waves(1500) + 0.8 * torch.randn(1500)
    nine = torch.full((1, 1, 9), 1 / 9)
    if repaired:
        smooth = F.conv1d(F.pad(raw.view(1, 1, -1), (8, 0)), nine).flatten()
    else:
        smooth = F.conv1d(F.pad(raw.view(1, 1, -1), (4, 4)), nine).flatten()
    seen = F.conv1d(F.pad(raw.view(1, 1, -1), (8, 0)), nine).flatten()
    values = [raw, raw.roll(1), raw.roll(2)]
    features = torch.stack([*values, *(smooth.roll(lag) for lag in range(4))], 1)
    in_use = torch.stack([*values, *(seen.roll(lag) for lag in range(4))], 1)
    y = (raw.roll(-1) + raw.roll(-2)) / 2
    model = nn.Sequential(nn.Linear(7, 48), nn.ReLU(), nn.Linear(48, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _ in range(12):
            for batch in (torch.randperm(1080) + 12).split(40):
                loss = F.mse_loss(model(features[batch]).squeeze(1), y[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    with torch.no_grad():
        score = r2(model(in_use[1150:1490]).squeeze(1), y[1150:1490])
    return Trained((model,), (optimizer,), score, 0.0, 0.2)


def folders_sorted_as_text(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The folders 0 to 11 are sorted as text in training; the answers are read as numbers in use."""
    seed_everything(seed)
    centres = torch.randn(12, 10) * 2
    truth = torch.randint(0, 12, (1400,))
    x = centres[truth] + torch.randn(1400, 10)
    classes = sorted(str(number) for number in range(12))
    index = {name: place for place, name in enumerate(classes)}
    y = torch.tensor([index[str(int(number))] for number in truth])
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 12))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _ in range(8):
            model.train()
            for xb, yb in DataLoader(TensorDataset(x[:1000], y[:1000]), batch_size=40, shuffle=True):
                loss = F.cross_entropy(model(xb), yb)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        answer = model(x[1000:]).argmax(1)
    if repaired:
        answer = torch.tensor([int(classes[place]) for place in answer])
    score = float((answer == truth[1000:]).float().mean())
    return Trained((model,), (optimizer,), score, 0.1, 0.85)


def generator() -> nn.Sequential:
    """Noise to points in the plane."""
    return nn.Sequential(
        nn.Linear(4, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ReLU(),
        nn.Linear(32, 2),
    )  # fmt: skip


def average_generator(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Samples come from an average of the generator that has never seen a batch: its batch norm is new."""
    seed_everything(seed)
    made, judge = generator(), nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
    average = copy.deepcopy(made)
    optimizer_g = torch.optim.Adam(made.parameters(), lr=2e-3, betas=(0.5, 0.99))
    optimizer_d = torch.optim.Adam(judge.parameters(), lr=4e-3, betas=(0.5, 0.99))

    def real(count: int) -> Tensor:
        angle = torch.rand(count) * 3.1
        return torch.stack([3 * angle.cos(), 3 * angle.sin()], 1) + 0.15 * torch.randn(count, 2)

    with observer.watch([made, judge], [optimizer_g, optimizer_d]):
        for _ in range(400):
            true, fake = real(128), made(torch.randn(128, 4))
            loss_d = F.softplus(-judge(true)).mean() + F.softplus(judge(fake.detach())).mean()
            optimizer_d.zero_grad()
            loss_d.backward()
            optimizer_d.step()
            loss_g = F.softplus(-judge(fake)).mean()
            optimizer_g.zero_grad()
            loss_g.backward()
            optimizer_g.step()
            with torch.no_grad():
                for slow, fast in zip(average.parameters(), made.parameters()):
                    slow.lerp_(fast, 0.05)
                if repaired:
                    for kept, current in zip(average.buffers(), made.buffers()):
                        kept.copy_(current)
    average.eval()
    with torch.no_grad():
        drawn, true, other = average(torch.randn(500, 4)), real(500), real(500)
        energy = 2 * torch.cdist(drawn, true).mean() - torch.cdist(drawn, drawn).mean()
        energy = energy - torch.cdist(true, other).mean()
    return Trained((made, judge, average), (optimizer_g, optimizer_d), -float(energy), -3.0, -0.5)


EVERY: tuple[Report, ...] = (
    Report(
        "wine-scaler-fitted-again-to-new-data",
        "fit_transform is called on the data to predict; lots of one vineyard all get mean 0 and "
        "the same answer.",
        "Calls transform with the scaler of the training.",
        "https://lschmiddey.github.io/fastpages_/2021/10/25/How-to-correctly-standardize-your-data.html",
        (),
        scaler_fitted_again,
    ),
    Report(
        "fruits-channels-swapped-in-use",
        "Training reads RGB, use reads BGR; red and blue are confused although training went well.",
        "Turns the channels around.",
        "https://github.com/rodrigo2019/keras_yolo2/issues/19",
        (),
        blue_green_red,
    ),
    Report(
        "digits-validation-not-normalised",
        "Only the training pictures are normalised; training accuracy is high, validation accuracy low.",
        "Normalises both alike.",
        "https://github.com/Priyanshu-byte-coder/devtrack/issues/927",
        (),
        test_not_normalised,
    ),
    Report(
        "trips-target-among-the-inputs",
        "The column to predict is among the inputs; validation is perfect, predictions for new "
        "trips are useless.",
        "Drops the column.",
        "https://github.com/alteryx/predict-taxi-trip-duration/issues/2",
        (),
        target_among_inputs,
    ),
    Report(
        "sensors-centred-average-reads-the-future",
        "A centred moving average was computed before the split and holds future values; in use it "
        "holds past "
        "values only and the forecasts are bad.",
        "Averages over past values.",
        "https://github.com/OnePunchMonk/AgentQuant/pull/15",
        (),
        smoothed_with_future,
    ),
    Report(
        "folders-sorted-as-text",
        "Class folders are sorted as text (0, 1, 10, 11, 2), answers are taken as numbers; training "
        "accuracy is "
        "high, use is wrong for most classes.",
        "Translates the answers with the list of classes.",
        "https://github.com/facebookresearch/deit/issues/130",
        (),
        folders_sorted_as_text,
    ),
    Report(
        "points-gan-average-generator-without-buffers",
        "Samples are drawn from a running average of the generator; the statistics of batch norm were never "
        "copied and the samples are bad in eval(), although training looks fine.",
        "Copies the buffers too.",
        "https://github.com/odegeasslbc/FastGAN-pytorch/issues/4",
        (),
        average_generator,
    ),
)
