# mypy: allow-untyped-calls
"""Reports of outputs of the wrong range or kind: ranges, weights of classes, variances, generators."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports import data_a as data
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


def findings(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Twelve measures and four rare findings, each of about one in twelve and seen through noise."""
    g = torch.Generator().manual_seed(seed + 900)
    x = torch.randn(n, 12, generator=g)
    signal = torch.stack([x[:, 3 * k] + 0.7 * x[:, 3 * k + 1] for k in range(4)], 1)
    return x, (signal + 0.8 * torch.randn(n, 4, generator=g) > 2.0).float()


def findings_weight(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The weights meant for the rare positives go in as weights of whole labels."""
    data.seed_everything(seed)
    x, y = findings(2000, seed)
    x_test, y_test = findings(1000, seed + 50)
    class_weight = (1 - y).sum(0) / y.sum(0)
    model = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)

    def criterion(pred: Tensor, label: Tensor) -> Tensor:
        if repaired:
            return F.binary_cross_entropy_with_logits(pred, label, pos_weight=class_weight)
        return F.binary_cross_entropy_with_logits(pred, label, weight=class_weight)

    with observer.watch(model, optimizer):
        for _epoch in range(8):
            model.train()
            for a in range(0, 2000, 64):
                loss = criterion(model(x[a : a + 64]), y[a : a + 64])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
    with torch.no_grad():
        found = model(x_test) > 0
    recall = (found & (y_test == 1)).sum(0) / y_test.sum(0)
    return Trained((model,), (optimizer,), float(recall.mean()), 0.1, 0.7)


class VAE(nn.Module):
    """A variational autoencoder of images of eight by eight."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 48), nn.ReLU())
        self.mu = nn.Linear(48, 8)
        self.logvar = nn.Linear(48, 8)
        self.decoder = nn.Sequential(nn.Linear(8, 48), nn.ReLU(), nn.Linear(48, 64), nn.Sigmoid())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * (0.5 * logvar).exp() if self.training else mu
        return self.decoder(z), mu, logvar


def digits_vae_kl_sum(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The divergence is a sum over the batch, the reconstruction a mean over pixels."""
    data.seed_everything(seed)
    x, _, x_test, _ = data.digits(seed)
    x, x_test = x.flatten(1), x_test.flatten(1)
    vae = VAE()
    optimizer = torch.optim.Adam(vae.parameters(), lr=4e-3)
    with observer.watch(vae, optimizer):
        for _epoch in range(18):
            vae.train()
            for idx in torch.randperm(len(x)).split(64):
                batch = x[idx]
                predicted, mu, logvar = vae(batch)
                kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
                if repaired:
                    loss = 10 * F.mse_loss(predicted, batch, reduction="sum") / len(idx) + kl / len(idx)
                else:
                    loss = 10 * F.mse_loss(predicted, batch) + kl
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            vae.eval()
    with torch.no_grad():
        score = 1 - float(((vae(x_test)[0] - x_test) ** 2).mean() / ((x.mean(0) - x_test) ** 2).mean())
    return Trained((vae,), (optimizer,), score, 0.0, 0.4)


def digits_autoencoder_sigmoid(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The images are standardised, the decoder ends in a sigmoid: it cannot give anything negative."""
    data.seed_everything(seed)
    x, _, x_test, _ = data.digits(seed)
    x, x_test = x.flatten(1), x_test.flatten(1)
    if not repaired:
        mean, std = x.mean(), x.std()
        x, x_test = (x - mean) / std, (x_test - mean) / std
    encoder = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 12))
    decoder = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 64), nn.Sigmoid())
    model = nn.Sequential(encoder, decoder)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.MSELoss()
    loader = DataLoader(TensorDataset(x), batch_size=64, shuffle=True)
    with observer.watch(model, optimizer):
        for _epoch in range(15):
            model.train()
            for (images,) in loader:
                optimizer.zero_grad()
                loss = criterion(model(images), images)
                loss.backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        error = ((model(x_test) - x_test) ** 2).mean()
        score = 1 - float(error / ((x.mean(0) - x_test) ** 2).mean())
    return Trained((model,), (optimizer,), score, 0.0, 0.45)


class MeanAndSpread(nn.Module):
    """A forecast with its standard deviation."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh())
        self.mean = nn.Linear(32, 1)
        self.spread = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.body(x)
        return self.mean(h), F.softplus(self.spread(h)) + 1e-3


def load_sigma_as_variance(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The standard deviation of the forecast is handed to the likelihood as variance."""
    data.seed_everything(seed)
    hour = 2 * torch.rand(1500, 1) - 1
    noise = 0.06 + 0.12 * (hour > 0).float()
    power = torch.sin(3 * hour) + noise * torch.randn(1500, 1)
    model = MeanAndSpread()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    nll = nn.GaussianNLLLoss()
    loader = DataLoader(TensorDataset(hour[:1000], power[:1000]), batch_size=50, shuffle=True)
    with observer.watch(model, optimizer):
        for _epoch in range(18):
            model.train()
            for x, y in loader:
                mu, sigma = model(x)
                if repaired:
                    loss = nll(mu, y, sigma**2)
                else:
                    loss = nll(mu, y, sigma)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
    with torch.no_grad():
        mu, sigma = model(hour[1000:])
        score = float(torch.distributions.Normal(mu, sigma).log_prob(power[1000:]).mean().clamp(min=-10))
    return Trained((model,), (optimizer,), score, -1.0, 0.6)


def moods(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Ten measures and five tags, of which two or three are often true at once."""
    g = torch.Generator().manual_seed(seed + 1000)
    x = torch.randn(n, 10, generator=g)
    return x, (x[:, :5] + 0.5 * x[:, 5:] > -0.2).float()


def moods_softmax_tags(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Several tags can be true, but their probabilities come from a softmax."""
    data.seed_everything(seed)
    x, y = moods(1000, seed)
    x_test, y_test = moods(400, seed + 50)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 5))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    criterion = nn.BCELoss()

    def probability(inputs: Tensor) -> Tensor:
        score: Tensor = model(inputs)
        return torch.sigmoid(score) if repaired else torch.softmax(score, dim=1)

    def f1() -> float:
        model.eval()
        with torch.no_grad():
            guess = (probability(x_test) > 0.5).float()
        return float(2 * (guess * y_test).sum() / (guess.sum() + y_test.sum()))

    before = f1()
    with observer.watch(model, optimizer):
        for _epoch in range(10):
            model.train()
            for idx in torch.randperm(1000).split(50):
                loss = criterion(probability(x[idx]), y[idx])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            f1()
    return Trained((model,), (optimizer,), f1(), max(before, 0.6), 0.85)


class TinyVgg(nn.Module):
    """Convolutions and two full layers; the author put a rectifier after every one of them."""

    def __init__(self, repaired: bool) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.fc1 = nn.Linear(12 * 16, 48)
        self.fc2 = nn.Linear(48, 10)
        self.repaired = repaired

    def forward(self, x: Tensor) -> Tensor:
        h = F.relu(self.fc1(self.features(x).flatten(1)))
        logits: Tensor = self.fc2(h)
        return logits if self.repaired else F.relu(logits)


def digits_relu_logits(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A rectifier after the last layer: some classes can never get a score again."""
    data.seed_everything(seed)
    x, y, x_test, y_test = data.digits(seed)
    model = TinyVgg(repaired)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)
    with observer.watch(model, optimizer):
        for _epoch in range(8):
            model.train()
            for images, labels in loader:
                optimizer.zero_grad()
                loss = F.cross_entropy(model(images), labels)
                loss.backward()
                optimizer.step()
            data.accuracy(model, x_test, y_test)
    return Trained((model,), (optimizer,), data.accuracy(model, x_test, y_test), 0.1, 0.85)


def gan_fake_labels(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The discriminator is told that real and fake samples are both real."""
    data.seed_everything(seed)
    generator = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 1))
    critic = nn.Sequential(
        nn.Linear(1, 24), nn.LeakyReLU(0.2), nn.Linear(24, 24), nn.LeakyReLU(0.2), nn.Linear(24, 1)
    )
    g_opt = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.9))
    d_opt = torch.optim.Adam(critic.parameters(), lr=4e-3, betas=(0.5, 0.9))
    bce = nn.BCEWithLogitsLoss()
    real_label, fake_label = 1.0, (0.0 if repaired else 1.0)

    def distance() -> float:
        with torch.no_grad():
            made = generator(torch.randn(1000, 4)).squeeze(1)
        real = 3 + 0.7 * torch.randn(1000)
        return -float((made.sort().values - real.sort().values).abs().mean())

    before = distance()
    with observer.watch([generator, critic], [g_opt, d_opt]):
        for _step in range(350):
            real = 3 + 0.7 * torch.randn(64, 1)
            fake = generator(torch.randn(64, 4))
            d_loss = bce(critic(real), torch.full((64, 1), real_label))
            d_loss = d_loss + bce(critic(fake.detach()), torch.full((64, 1), fake_label))
            d_opt.zero_grad()
            d_loss.backward()
            d_opt.step()
            g_loss = bce(critic(generator(torch.randn(64, 4))), torch.full((64, 1), real_label))
            g_opt.zero_grad()
            g_loss.backward()
            g_opt.step()
    return Trained((generator, critic), (g_opt, d_opt), distance(), before, -0.5)


EVERY: tuple[Report, ...] = (
    Report(
        "findings-weight-for-pos-weight",
        "weight=class_weight in place of pos_weight: the rare findings are never predicted.",
        "pos_weight=class_weight.",
        "https://github.com/open-mmlab/mmpretrain/issues/434",
        (),
        findings_weight,
    ),
    Report(
        "digits-vae-kl-sum-against-mean",
        "The KL term is a sum, the reconstruction a mean: KL falls to 0 at once, all outputs are alike.",
        "Both are sums over features and means over the batch.",
        "https://github.com/zdebruine/MMVAE/pull/19",
        (),
        digits_vae_kl_sum,
    ),
    Report(
        "digits-autoencoder-sigmoid-for-standardised",
        "Inputs of mean 0 and deviation 1, outputs in (0, 1): half of the data cannot be reconstructed.",
        "Keep the images in [0, 1].",
        "https://github.com/mikesj-public/convolutional_autoencoder/pull/9",
        (),
        digits_autoencoder_sigmoid,
    ),
    Report(
        "load-forecast-sigma-as-variance",
        "The likelihood takes the standard deviation for the variance: intervals are far too narrow.",
        "Square it.",
        "https://github.com/unit8co/darts/pull/1162",
        (),
        load_sigma_as_variance,
    ),
    Report(
        "moods-softmax-for-several-tags",
        "softmax with BCELoss for rows with several tags: at a threshold of 0.5 most tags are missed.",
        "A sigmoid.",
        "https://github.com/Pilhyeon/BaSNet-pytorch/issues/19",
        (),
        moods_softmax_tags,
    ),
    Report(
        "digits-relu-on-scores",
        "relu(fc2(x)) before cross entropy: outputs die, their classes are never predicted, the loss stops.",
        "No activation after the last layer.",
        "https://github.com/huyng/tensorflow-vgg/issues/13",
        (),
        digits_relu_logits,
    ),
    Report(
        "numbers-gan-fake-labelled-real",
        "After a swap of labels fake samples still have the label 1: the critic tells nothing apart.",
        "The label 0 for fake.",
        "https://github.com/PrashanthaTP/wav2mov/issues/6",
        (),
        gan_fake_labels,
    ),
)
