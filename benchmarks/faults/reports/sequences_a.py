# mypy: allow-untyped-calls
"""Reports about sequences: padding, masks, the last step, the shift of the next token, blanks."""

from __future__ import annotations

from typing import Any

import torch
from benchmarks.faults.program import Observer, Trained
from benchmarks.faults.report import Report
from benchmarks.faults.reports import data_a as data
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

PAD = 0


def padded(n: int, seed: int, shortest: int, longest: int, width: int) -> tuple[Tensor, Tensor]:
    """Tokens 1..19, filled up with PAD at the end, and their lengths."""
    g = torch.Generator().manual_seed(seed + 1100)
    length = torch.randint(shortest, longest + 1, (n,), generator=g)
    tokens = torch.randint(1, 20, (n, width), generator=g)
    tokens[torch.arange(width)[None, :] >= length[:, None]] = PAD
    return tokens, length


class Tagger(nn.Module):
    """A tag for every token out of itself and the token before it."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 16)
        self.conv = nn.Conv1d(16, 48, 2)
        self.out = nn.Linear(48, 6)

    def forward(self, tokens: Tensor) -> Tensor:
        h = F.pad(self.embed(tokens).transpose(1, 2), (1, 0))
        return self.out(F.relu(self.conv(h)).transpose(1, 2))  # type: ignore[no-any-return]


def tags_padding_in_loss(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The tag of the padding counts in the loss like any other, and nearly everything is padding."""
    data.seed_everything(seed)
    tokens, _ = padded(900, seed, 2, 5, 64)
    before = F.pad(tokens, (1, 0))[:, :-1]
    tags = torch.where(tokens == PAD, PAD, 1 + (tokens + before // 7) % 5)
    model = Tagger()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    if repaired:
        criterion = nn.CrossEntropyLoss(ignore_index=PAD)
    else:
        criterion = nn.CrossEntropyLoss()
    loader = DataLoader(TensorDataset(tokens[:600], tags[:600]), batch_size=30, shuffle=True)
    with observer.watch(model, optimizer):
        for _epoch in range(6):
            model.train()
            for sentence, tag in loader:
                loss = criterion(model(sentence).reshape(-1, 6), tag.reshape(-1))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
    with torch.no_grad():
        real = tokens[600:] != PAD
        score = float((model(tokens[600:]).argmax(2) == tags[600:])[real].float().mean())
    return Trained((model,), (optimizer,), score, 0.25, 0.85)


class LabelAttention(nn.Module):
    """One query for every label attends to the tokens of a text."""

    def __init__(self, repaired: bool) -> None:
        super().__init__()
        self.repaired = repaired
        self.embed = nn.Embedding(20, 24)
        self.queries = nn.Parameter(0.2 * torch.randn(4, 24))
        self.out = nn.Linear(24, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        h = self.embed(tokens)
        padding = tokens == PAD
        mask = ~padding if self.repaired else padding
        q = self.queries.expand(tokens.size(0), -1, -1)
        attended = F.scaled_dot_product_attention(q, h, h, attn_mask=mask.unsqueeze(1))
        return self.out(attended).squeeze(2)  # type: ignore[no-any-return]


def topics_mask_inverted(observer: Observer, seed: int, repaired: bool) -> Trained:
    """A mask that is true for padding goes where true means: take part."""
    data.seed_everything(seed)
    tokens, _ = padded(1200, seed, 4, 9, 12)
    label = torch.randint(0, 4, (1200,))
    tokens[:, 1], tokens[:, 2] = 1 + label, 1 + label
    model = LabelAttention(repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    loader = DataLoader(TensorDataset(tokens[:900], label[:900]), batch_size=45, shuffle=True)
    with observer.watch(model, optimizer):
        for _epoch in range(15):
            model.train()
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            data.accuracy(model, tokens[900:], label[900:])
    score = data.accuracy(model, tokens[900:], label[900:])
    return Trained((model,), (optimizer,), score, 0.25, 0.75)


class Opinion(nn.Module):
    """The mean of the embedded words gives an opinion."""

    def __init__(self, repaired: bool) -> None:
        super().__init__()
        self.repaired = repaired
        self.embed = nn.Embedding(20, 16)
        self.mix = nn.Sequential(nn.Linear(16, 32), nn.ReLU())
        self.out = nn.Linear(32, 1)

    def forward(self, tokens: Tensor) -> Tensor:
        h = self.mix(self.embed(tokens))
        if self.repaired:
            mask = (tokens != PAD).unsqueeze(-1).float()
            pooled = (h * mask).sum(dim=1) / mask.sum(dim=1)
        else:
            pooled = h.mean(dim=1)
        return self.out(pooled).squeeze(1)  # type: ignore[no-any-return]


def opinions_mean_over_padding(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The mean over the words counts the padding up to the longest sentence of the batch."""
    data.seed_everything(seed)
    tokens, length = padded(1300, seed, 2, 30, 30)
    worth = torch.randn(20)
    worth[PAD] = 0.0
    opinion = worth[tokens].sum(1) / length
    model = Opinion(repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

    def collate(rows: list[int]) -> tuple[Tensor, Tensor]:
        longest = int(length[rows].max())
        return tokens[rows, :longest], opinion[rows]

    with observer.watch(model, optimizer):
        for _epoch in range(12):
            model.train()
            for idx in torch.randperm(1000).split(40):
                x, y = collate(idx.tolist())
                loss = F.mse_loss(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
    with torch.no_grad():
        guess = torch.cat([model(collate([i])[0]) for i in range(1000, 1300)])
    return Trained((model,), (optimizer,), data.r2(guess, opinion[1000:]), 0.0, 0.8)


class LastState(nn.Module):
    """An LSTM over padded sentences and a decision from its last output."""

    def __init__(self, repaired: bool) -> None:
        super().__init__()
        self.repaired = repaired
        self.embed = nn.Embedding(20, 12)
        self.lstm = nn.LSTM(12, 24, batch_first=True)
        self.out = nn.Linear(24, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        hdn, _ = self.lstm(self.embed(tokens))
        if self.repaired:
            last = (tokens != PAD).sum(dim=1) - 1
            feature = hdn[torch.arange(len(tokens)), last]
        else:
            feature = hdn[:, -1]
        return self.out(feature)  # type: ignore[no-any-return]


def questions_last_step_padding(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The last output of the LSTM is that of the padding."""
    data.seed_everything(seed)
    tokens, _ = padded(1300, seed, 3, 6, 60)
    label = ((tokens[:, 0] > 9) ^ (tokens[:, 1] > 9)).long()
    model = LastState(repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
    loader = DataLoader(TensorDataset(tokens[:1000], label[:1000]), batch_size=50, shuffle=True)
    with observer.watch(model, optimizer):
        for _epoch in range(12):
            model.train()
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()
            data.accuracy(model, tokens[1000:], label[1000:])
    score = data.accuracy(model, tokens[1000:], label[1000:])
    return Trained((model,), (optimizer,), score, 0.5, 0.85)


def additions(n: int, length: int) -> Tensor:
    """Series of digits in which each is the sum of the two before it, modulo seven."""
    rows = [torch.randint(0, 7, (n,)), torch.randint(0, 7, (n,))]
    while len(rows) < length:
        rows.append((rows[-1] + rows[-2]) % 7)
    return torch.stack(rows, 1)


class Decoder(nn.Module):
    """One block of self-attention that predicts the next digit."""

    def __init__(self, causal: bool) -> None:
        super().__init__()
        self.causal = causal
        self.embed = nn.Embedding(7, 48)
        self.position = nn.Parameter(0.1 * torch.randn(1, 12, 48))
        self.block = nn.TransformerEncoderLayer(48, 4, 128, dropout=0.0, batch_first=True)
        self.out = nn.Linear(48, 7)

    def forward(self, tokens: Tensor) -> Tensor:
        t = tokens.size(1)
        mask = torch.triu(torch.ones(t, t, dtype=torch.bool), 1) if self.causal else None
        h = self.embed(tokens) + self.position[:, :t]
        return self.out(self.block(h, src_mask=mask))  # type: ignore[no-any-return]


def additions_no_causal_mask(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The decoder sees the digits that it has to predict."""
    data.seed_everything(seed)
    model = Decoder(causal=repaired)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with observer.watch(model, optimizer):
        for _step in range(350):
            model.train()
            series = additions(48, 10)
            loss = F.cross_entropy(model(series[:, :-1]).reshape(-1, 7), series[:, 1:].reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    truth = additions(200, 10)
    made = truth[:, :2]
    with torch.no_grad():
        for _ in range(8):
            made = torch.cat([made, model(made)[:, -1].argmax(1, keepdim=True)], 1)
    score = float((made == truth)[:, 2:].float().mean())
    return Trained((model,), (optimizer,), score, 1 / 7, 0.8)


class Speller(nn.Module):
    """A GRU that reads tokens and scores tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 16)
        self.gru = nn.GRU(16, 48, batch_first=True)
        self.lm_head = nn.Linear(48, 20)

    def forward(self, input_ids: Tensor, labels: Tensor | None = None, shift: bool = True) -> Any:
        logits = self.lm_head(self.gru(self.embed(input_ids))[0])
        if labels is None:
            return {"logits": logits}
        if shift:
            loss = F.cross_entropy(logits[:, :-1].reshape(-1, 20), labels[:, 1:].reshape(-1))
        else:
            loss = F.cross_entropy(logits.view(-1, 20), labels.view(-1))
        return {"logits": logits, "loss": loss}


def spelling_labels_not_shifted(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The model is trained to name the token it has just read."""
    data.seed_everything(seed)
    follow = torch.stack([torch.randperm(20) for _ in range(2)])
    rows = [torch.randint(0, 20, (700,)), torch.randint(0, 20, (700,))]
    while len(rows) < 16:
        rows.append(follow[rows[-2] % 2, rows[-1]])
    text = torch.stack(rows, 1)
    model = Speller()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for _epoch in range(12):
            model.train()
            for idx in torch.randperm(500).split(25):
                loss = model(text[idx], labels=text[idx], shift=repaired)["loss"]
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
    with torch.no_grad():
        guess = model(text[500:, :-1])["logits"].argmax(2)
    score = float((guess == text[500:, 1:])[:, 2:].float().mean())
    return Trained((model,), (optimizer,), score, 0.1, 0.85)


def strokes(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Three of five letters in a line of eighteen columns: each letter lights its own sensor for a while."""
    g = torch.Generator().manual_seed(seed + 1200)
    letters = torch.randint(0, 5, (n, 3), generator=g)
    line = 0.3 * torch.randn(n, 18, 6, generator=g)
    for k in range(3):
        start = 6 * k + torch.randint(0, 2, (n,), generator=g)
        for d in range(4):
            line[torch.arange(n), start + d, letters[:, k]] += 1.5
    return line, letters


def strokes_ctc_blank(observer: Observer, seed: int, repaired: bool) -> Trained:
    """The letters are numbered from 0, which is the blank of the loss."""
    data.seed_everything(seed)
    line, letters = strokes(700, seed)
    codes = letters + 1 if repaired else letters
    model = nn.Sequential(nn.Conv1d(6, 24, 3, padding=1), nn.ReLU(), nn.Conv1d(24, 6, 3, padding=1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    ctc = nn.CTCLoss(blank=0)

    def read(lines: Tensor) -> list[list[int]]:
        with torch.no_grad():
            best = model(lines.transpose(1, 2)).argmax(1).tolist()
        return [[c for i, c in enumerate(r) if c != 0 and (i == 0 or r[i - 1] != c)] for r in best]

    with observer.watch(model, optimizer):
        for _epoch in range(12):
            model.train()
            for idx in torch.randperm(500).split(25):
                logits = model(line[idx].transpose(1, 2)).permute(2, 0, 1)
                sizes = torch.full((len(idx),), 18), torch.full((len(idx),), 3)
                loss = ctc(logits.log_softmax(2), codes[idx], *sizes)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
    right = [a == b for a, b in zip(read(line[500:]), codes[500:].tolist(), strict=True)]
    return Trained((model,), (optimizer,), sum(right) / len(right), 0.01, 0.8)


EVERY: tuple[Report, ...] = (
    Report(
        "tags-padding-counted-in-the-loss",
        "CrossEntropyLoss without ignore_index over padded sentences: the model predicts padding.",
        "ignore_index=PAD.",
        "https://github.com/saahiluppal/catr/issues/12",
        (),
        tags_padding_in_loss,
    ),
    Report(
        "topics-attention-mask-inverted",
        "The padding mask goes to scaled_dot_product_attention, where True means to attend.",
        "~padding.",
        "https://github.com/InseeFrLab/torchTextClassifiers/pull/92",
        (),
        topics_mask_inverted,
    ),
    Report(
        "opinions-mean-over-padding",
        "mean(dim=1) over padded batches: the same sentence has another embedding in another batch.",
        "A mean weighted by the mask.",
        "https://github.com/jsboige/CoursIA/issues/15045",
        (),
        opinions_mean_over_padding,
    ),
    Report(
        "questions-last-output-is-padding",
        "output[-1] of an LSTM over padded questions is that of <PAD>: results are terrible.",
        "Take the output at the last true token.",
        "https://github.com/thtrieu/qclass_dl/issues/1",
        (),
        questions_last_step_padding,
    ),
    Report(
        "additions-decoder-without-causal-mask",
        "The target goes into the decoder without a mask: the loss is zero, generation is garbage.",
        "A causal mask.",
        "https://github.com/alex-matton/causal-transformer-decoder/issues/1",
        (),
        additions_no_causal_mask,
    ),
    Report(
        "spelling-labels-not-shifted",
        "Logits and labels of a language model are compared without a shift: it repeats its input.",
        "Shift by one.",
        "https://github.com/macrocosm-os/pretraining/pull/64",
        (),
        spelling_labels_not_shifted,
    ),
    Report(
        "strokes-ctc-labels-from-zero",
        "Labels start at 0 and so does the blank of CTCLoss: one letter is never read.",
        "Labels from 1.",
        "https://github.com/Holmeyoung/crnn-pytorch/issues/34",
        (),
        strokes_ctc_blank,
    ),
)
