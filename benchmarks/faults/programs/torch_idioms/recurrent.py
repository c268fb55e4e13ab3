"""Recurrent networks: packed sequences, truncated backpropagation through time, teacher forcing."""

from __future__ import annotations

import math

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import seed_all
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset

Sample = tuple[Tensor, int]
Batch = tuple[Tensor, Tensor, Tensor]


class Dialects(Dataset[Sample]):
    """Words of different length from four Markov chains over ten letters; the class is the chain."""

    def __init__(self, count: int, chains: Tensor) -> None:
        self.samples: list[Sample] = []
        for _ in range(count):
            label, letters = int(torch.randint(4, ())), [int(torch.randint(10, ()))]
            for _ in range(int(torch.randint(8, 25, ()))):
                letters.append(int(torch.multinomial(chains[label, letters[-1]], 1)))
            self.samples.append((torch.tensor(letters) + 1, label))

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]


def collate(samples: list[Sample]) -> Batch:
    """Pad the words of a batch by zero; keep their lengths."""
    words = [word for word, _ in samples]
    lengths = torch.tensor([len(word) for word in words])
    return pad_sequence(words, batch_first=True), lengths, torch.tensor([label for _, label in samples])


class WordClassifier(nn.Module):
    """A bidirectional LSTM over packed words."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 16, padding_idx=0)
        self.lstm = nn.LSTM(16, 32, num_layers=2, batch_first=True, bidirectional=True, dropout=0.1)
        self.head = nn.Linear(64, 4)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """The forward pass."""
        packed = pack_padded_sequence(self.embed(words), lengths, batch_first=True, enforce_sorted=False)
        _, (hidden, _) = self.lstm(packed)
        return self.head(torch.cat([hidden[-2], hidden[-1]], dim=1))


@torch.no_grad()
def word_accuracy(model: nn.Module, batches: list[Batch]) -> float:
    """The share of words that are given to the right chain."""
    model.eval()
    right = sum(int((model(words, lengths).argmax(1) == y).sum()) for words, lengths, y in batches)
    return right / sum(len(y) for _, _, y in batches)


def packed_lstm(observer: Observer, seed: int) -> Trained:
    """A bidirectional LSTM of two layers with packed sequences tells four Markov chains apart, by Adam."""
    seed_all(seed)
    chains = torch.softmax(2.0 * torch.randn(4, 10, 10), dim=-1)
    train = DataLoader(Dialects(800, chains), batch_size=32, shuffle=True, collate_fn=collate)
    test = list(DataLoader(Dialects(300, chains), batch_size=100, collate_fn=collate))
    model = WordClassifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    before, losses = word_accuracy(model, test), []
    with observer.watch(model, optimizer):
        for _epoch in range(4):
            model.train()
            for words, lengths, y in train:
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(words, lengths), y)
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 5.0)
                optimizer.step()
                losses.append(loss.item())
            word_accuracy(model, test)
    score = word_accuracy(model, test)
    with torch.no_grad():
        extra = {"losses": losses[-10:], "outputs": model(*test[0][:2])}
    return Trained((model,), (optimizer,), score, max(before, 0.25), 0.75, extra)


class Forecaster(nn.Module):
    """A GRU that says the next value of each series and keeps its state."""

    def __init__(self, hidden: int = 32) -> None:
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The forward pass."""
        h, state = self.gru(x, state)
        return self.head(h), state


def waves(count: int, length: int) -> Tensor:
    """Sums of two sines with a little noise."""
    time = torch.arange(length) / 10
    phase = 2 * math.pi * torch.rand(count, 2, 1)
    slow, fast = torch.sin(time + phase[:, 0]), torch.sin(2.6 * time + phase[:, 1])
    return (0.6 * slow + 0.4 * fast + 0.02 * torch.randn(count, length)).unsqueeze(-1)


def forecaster(observer: Observer, seed: int) -> Trained:
    """A GRU forecasts waves by truncated backpropagation: its state is kept and detached between windows."""
    seed_all(seed)
    series, held_out, model = waves(32, 401), waves(32, 201), Forecaster()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    spread = held_out.var().item()

    @torch.no_grad()
    def explained() -> float:
        guess = model(held_out[:, :-1])[0]
        return 1 - functional.mse_loss(guess[:, 20:], held_out[:, 21:]).item() / spread

    before, losses = explained(), []
    with observer.watch(model, optimizer):
        for _epoch in range(10):
            state = None
            for start in range(0, 400, 20):
                x, y = series[:, start : start + 20], series[:, start + 1 : start + 21]
                guess, state = model(x, state)
                loss = functional.mse_loss(guess, y)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                state = state.detach()
                losses.append(loss.item())
    with torch.no_grad():
        extra = {"losses": losses[-10:], "outputs": model(held_out[:2, :50])[0]}
    return Trained((model,), (optimizer,), explained(), max(before, 0.0), 0.9, extra)


class Translator(nn.Module):
    """A GRU reads, a GRU with attention writes; both share the embedding."""

    def __init__(self, symbols: int = 12, dim: int = 48) -> None:
        super().__init__()
        self.embed = nn.Embedding(symbols, dim, padding_idx=0)
        self.encoder = nn.GRU(dim, dim, batch_first=True, bidirectional=True)
        self.bridge, self.keys = nn.Linear(2 * dim, dim), nn.Linear(2 * dim, dim)
        self.decoder = nn.GRU(dim, dim, batch_first=True)
        self.out = nn.Sequential(nn.Linear(2 * dim, dim), nn.Tanh(), nn.Linear(dim, symbols))

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The keys to attend to, where they are padding, and the decoder's first state."""
        lengths = (source != 0).sum(1)
        packed = pack_padded_sequence(self.embed(source), lengths, batch_first=True, enforce_sorted=False)
        memory, last = self.encoder(packed)
        memory = pad_packed_sequence(memory, batch_first=True, total_length=source.shape[1])[0]
        return (
            self.keys(memory),
            source == 0,
            torch.tanh(self.bridge(torch.cat([last[0], last[1]], 1))).unsqueeze(0),
        )

    def decode(self, target: Tensor, keys: Tensor, padding: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Logits for what follows each of the given symbols."""
        h, state = self.decoder(self.embed(target), state)
        scores = (h @ keys.transpose(1, 2) / keys.shape[-1] ** 0.5).masked_fill(
            padding.unsqueeze(1), float("-inf")
        )
        return self.out(torch.cat([h, scores.softmax(-1) @ keys], dim=-1)), state

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """The forward pass."""
        return self.decode(target, *self.encode(source))[0]


def reversals(count: int) -> tuple[Tensor, Tensor]:
    """Strings of the symbols 2 to 11, padded by 0, and the same backwards, closed by 1."""
    lengths = torch.randint(3, 8, (count,)).tolist()
    words = [torch.randint(2, 12, (n,)) for n in lengths]
    ends = [torch.cat([word.flip(0), torch.ones(1, dtype=torch.long)]) for word in words]
    return pad_sequence(words, batch_first=True), pad_sequence(ends, batch_first=True)


@torch.no_grad()
def greedy(model: Translator, source: Tensor, steps: int) -> Tensor:
    """What the model writes when it reads its own symbols."""
    model.eval()
    keys, padding, state = model.encode(source)
    symbol, written = torch.ones(len(source), 1, dtype=torch.long), []
    for _ in range(steps):
        logits, state = model.decode(symbol, keys, padding, state)
        symbol = logits.argmax(-1)
        written.append(symbol)
    model.train()
    return torch.cat(written, dim=1)


def teacher_forced(observer: Observer, seed: int) -> Trained:
    """A sequence-to-sequence GRU with attention learns to reverse strings by teacher forcing, padding ignored."""
    seed_all(seed)
    source, target = reversals(300)
    model = Translator()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)

    def symbol_accuracy() -> float:
        written, real = greedy(model, source, target.shape[1]), target != 0
        return ((written == target) & real).sum().item() / real.sum().item()

    before, losses = symbol_accuracy(), []
    with observer.watch(model, optimizer):
        for step in range(250):
            x, y = reversals(64)
            shifted = functional.pad(y[:, :-1], (1, 0), value=1)
            loss = functional.cross_entropy(model(x, shifted).transpose(1, 2), y, ignore_index=0)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            if step % 50 == 49:
                symbol_accuracy()
    extra = {"losses": losses[-10:], "outputs": greedy(model, source[:8], 8)}
    return Trained((model,), (optimizer,), symbol_accuracy(), max(before, 0.1), 0.6, extra)


PROGRAMS = (
    Program("lstm-packed-sequences", "packed bidirectional LSTM", (), packed_lstm),
    Program("gru-truncated-bptt", "GRU, state detached between windows", (), forecaster),
    Program("seq2seq-teacher-forcing", "GRU with attention, teacher forcing", (), teacher_forced),
)
