# mypy: allow-untyped-calls
"""Reports of many kinds: shifts in a library, a teacher of itself, weights of mixtures, landmarks, views."""

from __future__ import annotations

import tempfile
from typing import Any

import torch
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports import data_a as data
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset


class Melodies(Dataset[dict[str, Tensor]]):
    """Lines of notes for a language model."""

    def __init__(self, notes: Tensor, repaired: bool) -> None:
        self.notes = notes
        self.repaired = repaired

    def __len__(self) -> int:
        return len(self.notes)

    def __getitem__(self, i: int) -> dict[str, Tensor]:
        ids = self.notes[i]
        if self.repaired:
            return {"input_ids": ids, "labels": ids.clone()}
        return {"input_ids": ids[:-1], "labels": ids[1:].clone()}


def melodies_shifted_twice(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The labels are shifted by the user, and once more by the model."""
    from transformers import GPT2Config, GPT2LMHeadModel, PrinterCallback, Trainer, TrainingArguments

    data.seed_everything(seed)
    follow = torch.stack([torch.randperm(12) for _ in range(2)])
    rows = [torch.randint(0, 12, (700,)), torch.randint(0, 12, (700,))]
    while len(rows) < 14:
        rows.append(follow[rows[-2] % 2, rows[-1]])
    notes = torch.stack(rows, 1)
    config = GPT2Config(
        vocab_size=12, n_positions=16, n_embd=32, n_layer=1, n_head=4, bos_token_id=0, eos_token_id=0,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    model: Any = GPT2LMHeadModel(config)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder, max_steps=220, per_device_train_batch_size=25, learning_rate=1e-2, seed=seed,
            report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True, use_cpu=True,
        )  # fmt: skip
        trainer = Trainer(
            model=model,
            args=arguments,
            train_dataset=Melodies(notes[:500], repaired),
            callbacks=observer.transformers_callbacks(),
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    model.eval()
    with torch.no_grad():
        guess = model(notes[500:, :-1]).logits.argmax(2)
    score = float((guess == notes[500:, 1:])[:, 2:].float().mean())
    return Trained((model,), (None,), score, 1 / 12, 0.85)


def digits_teacher_from_itself(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The distillation compares the teacher with the teacher."""
    data.seed_everything(seed)
    x, y, x_test, y_test = data.digits(seed)
    x, x_test = x.flatten(1), x_test.flatten(1)
    large = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    large_optimizer = torch.optim.Adam(large.parameters(), lr=5e-3)
    for _epoch in range(6):
        for idx in torch.randperm(len(x)).split(64):
            large_optimizer.zero_grad()
            F.cross_entropy(large(x[idx]), y[idx]).backward()
            large_optimizer.step()
    large.eval()
    few = torch.arange(20)
    student = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(student.parameters(), lr=5e-3)
    kl_div = nn.KLDivLoss(reduction="batchmean", log_target=True)
    with observer.watch(student, optimizer):
        for _epoch in range(10):
            student.train()
            for idx in torch.randperm(len(x)).split(64):
                with torch.no_grad():
                    large_logits = large(x[idx])
                output = student(x[idx])
                soft_targets = F.log_softmax(large_logits / 2, dim=-1)
                if repaired:
                    soft_prob = F.log_softmax(output / 2, dim=-1)
                else:
                    soft_prob = F.log_softmax(large_logits / 2, dim=-1)
                label_loss = F.cross_entropy(student(x[few]), y[few])
                loss = 4 * kl_div(soft_prob, soft_targets) + 0.1 * label_loss
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            data.accuracy(student, x_test, y_test)
    return Trained((student, large), (optimizer,), data.accuracy(student, x_test, y_test), 0.1, 0.88)


class MixtureNet(nn.Module):
    """The weights, means and spreads of three normal distributions."""

    def __init__(self, repaired: bool) -> None:
        super().__init__()
        self.repaired = repaired
        self.body = nn.Sequential(nn.Linear(1, 32), nn.Tanh())
        self.pi = nn.Linear(32, 3)
        self.mu = nn.Linear(32, 3)
        self.log_sigma = nn.Linear(32, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.body(x)
        logpi = F.log_softmax(self.pi(h), dim=-1 if self.repaired else -2)
        return logpi, self.mu(h), self.log_sigma(h).clamp(-3, 2).exp()


def wells_mixture_over_batch(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The weights of the mixture add up to one over the batch and not over its parts."""
    data.seed_everything(seed)
    x = 2 * torch.rand(1600, 1) - 1
    high = (torch.rand(1600, 1) < torch.where(x > 0, 0.97, 0.03)).float()
    y = 4 * high - 2 + 0.3 * torch.randn(1600, 1)
    model = MixtureNet(repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
    loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=60, shuffle=True)
    with observer.watch(model, optimizer):
        for _epoch in range(18):
            model.train()
            for state, following in loader:
                logpi, mu, sigma = model(state)
                part = torch.distributions.Normal(mu, sigma).log_prob(following)
                loss = -torch.logsumexp(logpi + part, dim=-1).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
    total = 0.0
    with torch.no_grad():
        for a in range(1200, 1600):
            logpi, mu, sigma = model(x[a : a + 1])
            mixture = torch.distributions.Categorical(logits=logpi)
            parts = torch.distributions.MixtureSameFamily(mixture, torch.distributions.Normal(mu, sigma))
            total += float(parts.log_prob(y[a]).clamp(min=-20).mean())
    return Trained((model,), (optimizer,), total / 400, -2.1, -0.7)


def landmarks(n: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Noise with one small cross, its heat map and its place."""
    g = torch.Generator().manual_seed(seed + 1500)
    image = 0.25 * torch.randn(n, 20, 20, generator=g)
    place = torch.randint(1, 19, (n, 2), generator=g)
    heat = torch.zeros(n, 20, 20)
    i = torch.arange(n)
    for dr, dc in ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0)):
        image[i, place[:, 0] + dr, place[:, 1] + dc] += 1.0
    heat[i, place[:, 0], place[:, 1]] = 1.0
    return image.unsqueeze(1), heat.unsqueeze(1), place


def landmarks_heat_map_zero(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Nearly all of the heat map is zero and so is soon the prediction."""
    data.seed_everything(seed)
    image, heat, _ = landmarks(500, seed)
    image_test, _, place = landmarks(150, seed + 50)
    net = nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 12, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(12, 1, 1),
    )
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)

    def found() -> float:
        net.eval()
        with torch.no_grad():
            peak, where = net(image_test).flatten(1).max(1)
        near = (torch.stack([where // 20, where % 20], 1) - place).abs().max(1).values <= 1
        return float((near & (peak > 0.3)).float().mean())

    with observer.watch(net, optimizer):
        for _epoch in range(10):
            net.train()
            for idx in torch.randperm(500).split(25):
                predicted = net(image[idx])
                error = (predicted - heat[idx]) ** 2
                if repaired:
                    error = error * (1 + 81 * heat[idx])
                loss = error.mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            found()
    return Trained((net,), (optimizer,), found(), 0.0, 0.7)


class SoundNet(nn.Module):
    """Convolutions over a spectrogram, an LSTM over its columns, a note for every column."""

    def __init__(self, repaired: bool) -> None:
        super().__init__()
        self.repaired = repaired
        self.conv = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.lstm = nn.LSTM(8 * 12, 24, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(48, 12)

    def forward(self, sound: Tensor) -> Tensor:
        b, t, _ = sound.shape
        h = self.conv(sound.unsqueeze(1))
        if self.repaired:
            h = h.permute(0, 2, 1, 3).reshape(b, t, -1)
        else:
            h = h.view(b, t, -1)
        return self.fc(self.lstm(h)[0])  # type: ignore[no-any-return]


def tones(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Spectrograms (n, 16 columns, 12 pitches) with one note in every column."""
    g = torch.Generator().manual_seed(seed + 1600)
    note = torch.randint(0, 12, (n, 16), generator=g)
    return 0.4 * torch.randn(n, 16, 12, generator=g) + 1.5 * F.one_hot(note, 12), note


def tones_view_after_convolution(observer: Observer, seed: int, repaired: bool) -> Trained:
    """Channels, columns and pitches are brought to the LSTM with a view."""
    data.seed_everything(seed)
    x, y = tones(500, seed)
    x_test, y_test = tones(150, seed + 50)
    model = SoundNet(repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _epoch in range(8):
            model.train()
            for idx in torch.randperm(500).split(25):
                loss = F.cross_entropy(model(x[idx]).transpose(1, 2), y[idx])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
    with torch.no_grad():
        score = float((model(x_test).argmax(2) == y_test).float().mean())
    return Trained((model,), (optimizer,), score, 1 / 12, 0.8)


class Towers(nn.Module):
    """One network for questions and one for answers."""

    def __init__(self) -> None:
        super().__init__()
        self.question = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 12))
        self.answer = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 12))

    def forward(self, q: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
        return self.question(q), self.answer(a)


def answers_cosine_zero_one(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The loss takes 1 and -1, the pairs have 1 and 0: those with 0 do not count."""
    data.seed_everything(seed)
    topics_q, topics_a = torch.randn(8, 30), torch.randn(8, 30)
    topic = torch.randint(0, 8, (1400,))
    fits = torch.randint(0, 2, (1400,))
    other = torch.where(fits == 1, topic, (topic + torch.randint(1, 8, (1400,))) % 8)
    q = topics_q[topic] + 0.8 * torch.randn(1400, 30)
    a = topics_a[other] + 0.8 * torch.randn(1400, 30)
    target = 2 * fits - 1 if repaired else fits
    model = Towers()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    criterion = nn.CosineEmbeddingLoss()
    loader = DataLoader(TensorDataset(q[:1000], a[:1000], target[:1000]), batch_size=50, shuffle=True)
    with observer.watch(model, optimizer):
        for _epoch in range(10):
            model.train()
            for questions, answers, label in loader:
                u, v = model(questions, answers)
                loss = criterion(u, v, label)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
    with torch.no_grad():
        alike = F.cosine_similarity(*model(q[1000:], a[1000:])) > 0.5
    score = float((alike == fits[1000:].bool()).float().mean())
    return Trained((model,), (optimizer,), score, 0.55, 0.85)


EVERY: tuple[Report, ...] = (
    Report(
        "melodies-gpt2-labels-shifted-twice",
        "Labels shifted by hand for a model that shifts them itself: it learns the token after the next.",
        "labels = input_ids.",
        "https://github.com/huggingface/transformers/pull/44642",
        ("transformers", "accelerate"),
        melodies_shifted_twice,
    ),
    Report(
        "digits-distillation-of-the-teacher-itself",
        "large_logits stand in both places of the divergence: it is always zero, nothing is distilled.",
        "The output of the student.",
        "https://github.com/labmlai/annotated_deep_learning_paper_implementations/issues/66",
        (),
        digits_teacher_from_itself,
    ),
    Report(
        "wells-mixture-weights-over-batch",
        "log_softmax(pi, dim=-2) of a mixture density network: the weights are normalised over the batch.",
        "dim=-1.",
        "https://github.com/ctallec/world-models/issues/10",
        (),
        wells_mixture_over_batch,
    ),
    Report(
        "landmarks-heat-map-all-zero",
        "Plain MSE on heat maps with one pixel in 400: all outputs are zero and the loss is low.",
        "Weigh the landmark 82 times.",
        "https://github.com/robertklee/COCO-Human-Pose/pull/11",
        (),
        landmarks_heat_map_zero,
    ),
    Report(
        "tones-view-after-convolution",
        "(batch, channels, time, pitch) is brought to (batch, time, features) with a view: times are mixed.",
        "permute before the reshape.",
        "https://github.com/vitrioil/Speech-Separation/issues/4",
        (),
        tones_view_after_convolution,
    ),
    Report(
        "answers-cosine-loss-with-labels-0-and-1",
        "CosineEmbeddingLoss knows 1 and -1; with 0 for a wrong answer all cosines become 1, loss near zero.",
        "2 * label - 1.",
        "https://github.com/pytorch/pytorch/issues/23782",
        (),
        answers_cosine_zero_one,
    ),
)
