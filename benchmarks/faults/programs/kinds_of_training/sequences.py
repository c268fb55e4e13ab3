"""Sequences and sets: CTC by an LSTM, a pointer network, sums over sets."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader

from .common import digits, explained, seed_everything

Utterance = tuple[Tensor, Tensor]


def utterances(n: int) -> list[Utterance]:
    """Noisy frames of 8 numbers, each of 6 sounds lasting 3 to 5 of them, and the sounds without times."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        sounds = torch.randn(6, 8)
    made = []
    for _ in range(n):
        label = torch.randint(0, 6, (int(torch.randint(3, 7, ())),))
        lasts = torch.randint(3, 6, (len(label),))
        silence = torch.zeros(2, 8)
        frames = torch.cat(
            [torch.cat((sounds[s].expand(int(k), -1), silence)) for s, k in zip(label, lasts, strict=True)]
        )
        made.append((frames + 0.4 * torch.randn_like(frames), label + 1))
    return made


def collate(batch: list[Utterance]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    frames, labels = zip(*batch, strict=True)
    frame_lengths, label_lengths = (
        torch.tensor([len(f) for f in frames]),
        torch.tensor([len(s) for s in labels]),
    )
    return pad_sequence(list(frames), batch_first=True), frame_lengths, torch.cat(labels), label_lengths


class Recogniser(nn.Module):
    """A bidirectional LSTM over packed frames, with log probabilities of the sounds and a blank."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 48, batch_first=True, bidirectional=True)
        self.head = nn.Linear(96, 7)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """`(batch, time, 7)`."""
        packed = pack_padded_sequence(frames, lengths, batch_first=True, enforce_sorted=False)
        h, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.head(h).log_softmax(2)  # type: ignore[no-any-return]


def edits(a: list[int], b: list[int]) -> int:
    """The edit distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


@torch.no_grad()
def accuracy(model: Recogniser, data: list[Utterance]) -> float:
    """One minus the error rate of the greedy decoding."""
    model.eval()
    wrong = total = 0
    frames, lengths, _, _ = collate(data)
    for path, length, (_, label) in zip(model(frames, lengths).argmax(2), lengths, data, strict=True):
        heard = torch.unique_consecutive(path[:length])
        wrong += edits(heard[heard > 0].tolist(), label.tolist())
        total += len(label)
    model.train()
    return 1 - wrong / total


def ctc_lstm(observer: Observer, seed: int) -> Trained:
    """A bidirectional LSTM learns to transcribe unaligned sounds by CTC."""
    seed_everything(seed)
    train, test = utterances(800), utterances(100)
    model = Recogniser()
    loader = DataLoader(train, batch_size=32, shuffle=True, collate_fn=collate)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-2, epochs=8, steps_per_epoch=len(loader))
    criterion = nn.CTCLoss(blank=0, zero_infinity=True)
    before = max(0.0, accuracy(model, test))
    with observer.watch(model, optimizer):
        for _ in range(8):
            for frames, lengths, labels, label_lengths in loader:
                log_probs = model(frames, lengths).transpose(0, 1)
                loss = criterion(log_probs, labels, lengths, label_lengths)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 5.0)
                optimizer.step()
                schedule.step()
    score = accuracy(model, test)
    frames, lengths, _, _ = collate(test[:2])
    extra = {"loss": loss.detach(), "log_probs": model(frames, lengths).detach()}
    return Trained((model,), (optimizer,), score, before, 0.6, extra)


class Pointer(nn.Module):
    """An LSTM reads numbers; another points at them one after the other, never twice."""

    def __init__(self, hidden: int = 64) -> None:
        super().__init__()
        self.encoder = nn.LSTM(1, hidden, batch_first=True, bidirectional=True)
        self.cell = nn.LSTMCell(2 * hidden, hidden)
        self.keys, self.query = nn.Linear(2 * hidden, hidden), nn.Linear(hidden, hidden)
        self.start = nn.Parameter(torch.zeros(2 * hidden))
        self.v = nn.Linear(hidden, 1, bias=False)

    def forward(self, x: Tensor, order: Tensor | None = None) -> Tensor:
        """The logits of every step, `(batch, step, place)`; teacher-forced where the order is given."""
        memory, (h, c) = self.encoder(x.unsqueeze(2))
        keys, state = self.keys(memory), (h[0] + h[1], c[0] + c[1])
        given, every = self.start.expand(len(x), -1), torch.arange(len(x))
        taken = torch.zeros_like(x, dtype=torch.bool)
        steps = []
        for i in range(x.shape[1]):
            state = self.cell(given, state)
            logits = self.v(torch.tanh(keys + self.query(state[0])[:, None])).squeeze(2)
            logits = logits.masked_fill(taken, -1e9)
            steps.append(logits)
            choice = logits.argmax(1) if order is None else order[:, i]
            given = memory[every, choice]
            taken = taken.scatter(1, choice[:, None], True)
        return torch.stack(steps, dim=1)


def pointer_sort(observer: Observer, seed: int) -> Trained:
    """A pointer network learns to sort six numbers."""
    seed_everything(seed)
    model = Pointer()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / 20) * (1 - step / 400)
    )
    test = 2 * torch.rand(300, 6) - 1
    with observer.watch(model, optimizer):
        for _ in range(380):
            x = 2 * torch.rand(96, 6) - 1
            order = x.argsort(1)
            loss = F.cross_entropy(model(x, order).flatten(0, 1), order.flatten())
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        found = model(test).argmax(2)
    score = float((found == test.argsort(1)).float().mean())
    return Trained((model,), (optimizer,), score, 1 / 6, 0.6, {"loss": loss.detach(), "orders": found[:8]})


class DeepSets(nn.Module):
    """Images of a set are encoded one by one, summed under a mask and read out."""

    def __init__(self) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 32))
        self.read = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """One number for each set."""
        return self.read((self.encode(x) * mask[..., None]).sum(1)).squeeze(1)  # type: ignore[no-any-return]


def deep_sets_sum(observer: Observer, seed: int) -> Trained:
    """DeepSets learns the sum of the digits on one to five images, knowing the sums only; Huber loss."""
    seed_everything(seed)
    train, train_y, test, test_y = digits(seed)

    def sets(n: int, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        index = torch.randint(0, len(images), (n, 5))
        mask = (torch.arange(5) < torch.randint(1, 6, (n, 1))).float()
        return images[index].flatten(2), mask, (labels[index] * mask).sum(1) / 10

    model, (x, mask, y) = DeepSets(), sets(500, test, test_y)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    before = max(0.0, explained(model(x, mask), y))
    with observer.watch(model, optimizer):
        for step in range(380):
            batch_x, batch_mask, batch_y = sets(64, train, train_y)
            loss = F.huber_loss(model(batch_x, batch_mask), batch_y, delta=0.5)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step == 250:
                for group in optimizer.param_groups:
                    group["lr"] *= 0.3
    predicted = model(x, mask).detach()
    extra = {"loss": loss.detach(), "sums": predicted[:8]}
    return Trained((model,), (optimizer,), explained(predicted, y), before, 0.7, extra)


PROGRAMS = (
    Program("ctc-lstm", "CTC, packed sequences", (), ctc_lstm),
    Program("pointer-sort", "pointer network, teacher forcing", (), pointer_sort),
    Program("deep-sets-sum", "DeepSets, masked sums", (), deep_sets_sum),
)
