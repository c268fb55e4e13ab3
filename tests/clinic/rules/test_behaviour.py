"""Mistakes that show in how outputs depend on inputs, in a training and before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from levinthal import check
from levinthal.clinic import watch
from levinthal.vocabulary import Finding, Severity

X = torch.randn(600, 12, generator=torch.Generator().manual_seed(0))
Y = X[:, :3].argmax(1)
TOKENS = torch.randint(0, 12, (300, 9), generator=torch.Generator().manual_seed(1))
for place in range(2, 9):
    TOKENS[:, place] = (TOKENS[:, place - 1] + TOKENS[:, place - 2]) % 12


class Net(nn.Module):
    """A GRU over three places of four numbers, and a head; `how` takes the head, the GRU and the rows."""

    def __init__(self, how: Callable[..., Tensor], **options: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.how, self.r = how, nn.GRU(4, 16, **options)
        self.o = nn.Linear(16 * (1 + options.get("bidirectional", False)), 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.how(self.o, self.r, x.view(-1, 3, 4))


class Words(nn.Module):
    def __init__(self, *, causal: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.causal, self.e, self.o = causal, nn.Embedding(12, 16), nn.Linear(16, 12)
        self.b = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.triu(torch.full((x.shape[1],) * 2, -torch.inf), 1) if self.causal else None
        out: Tensor = self.o(self.b(self.e(x), mask))
        return out


def of_words(output: Tensor, targets: Tensor) -> Tensor:
    return fn.cross_entropy(output.reshape(-1, 12), targets.reshape(-1))


ROWS, NEXT, SAME = (X, Y), (TOKENS[:, :-1], TOKENS[:, 1:]), (TOKENS, TOKENS)
Loss = Callable[[Tensor, Tensor], Tensor]
Case = tuple[Callable[[], nn.Module], tuple[Tensor, Tensor], Loss]


def dropping(*, always: bool) -> nn.Module:
    return Net(
        lambda o, r, x: o(fn.dropout(r(x)[1][-1], 0.3, True if always else o.training)), batch_first=True
    )


FAULTS: dict[str, tuple[str, str, str, Case]] = {
    "two directions by view": (
        "ROWS_MIXED",
        "critical",
        "permute",
        (
            lambda: Net(lambda o, r, x: o(r(x)[1].view(len(x), -1)), batch_first=True, bidirectional=True),
            ROWS,
            fn.cross_entropy,
        ),
    ),
    "batch_first forgotten": (
        "ROWS_MIXED",
        "critical",
        "batch_first=True",
        (lambda: Net(lambda o, r, x: o(r(x)[0][:, -1])), ROWS, fn.cross_entropy),
    ),
    "softmax over the rows": (
        "ROWS_MIXED",
        "critical",
        "softmax(dim=-1)",
        (
            lambda: Net(lambda o, r, x: o(r(x)[1][-1]).log_softmax(0), batch_first=True),
            ROWS,
            fn.nll_loss,
        ),
    ),
    "no mask": ("FUTURE_SEEN", "critical", "is_causal", (lambda: Words(causal=False), NEXT, of_words)),
    "targets not shifted": (
        "FUTURE_SEEN",
        "critical",
        "x[:, 1:]",
        (lambda: Words(causal=True), SAME, of_words),
    ),
    "dropout stays": (
        "RANDOM_EVALUATION",
        "warning",
        "self.training",
        (lambda: dropping(always=True), ROWS, fn.cross_entropy),
    ),
    "input times zero": (
        "INPUT_IGNORED",
        "critical",
        "multiplied by zero",
        (lambda: Net(lambda o, r, x: o(r(x * 0)[1][-1]), batch_first=True), ROWS, fn.cross_entropy),
    ),
}
SOUND: dict[str, Case] = {
    "two directions side by side": (
        lambda: Net(
            lambda o, r, x: o(r(x)[1].transpose(0, 1).flatten(1)), batch_first=True, bidirectional=True
        ),
        ROWS,
        fn.cross_entropy,
    ),
    "time first on purpose": (
        lambda: Net(lambda o, r, x: o(r(x.transpose(0, 1))[0][-1])),
        ROWS,
        fn.cross_entropy,
    ),
    "a mask": (lambda: Words(causal=True), NEXT, of_words),
    "dropout of training": (lambda: dropping(always=False), ROWS, fn.cross_entropy),
    "an encoder of words that copies": (lambda: Words(causal=False), SAME, of_words),
}
CODES = {"ROWS_MIXED", "FUTURE_SEEN", "INPUT_IGNORED", "RANDOM_EVALUATION"}


def trained(case: Case, **options: Any) -> list[Finding]:
    make, (x, y), loss = case
    model = make()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    draw = torch.Generator().manual_seed(0)
    with watch(model, optimizer, every=5, **options) as w:
        for _ in range(40):
            rows = torch.randint(0, len(x), (32,), generator=draw)
            optimizer.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            optimizer.step()
    assert not w.trouble
    return w.findings()


@pytest.mark.parametrize("name", FAULTS)
def test_watch_and_check_name_the_mistake_and_its_line(name: str) -> None:
    code, severity, remedy, case = FAULTS[name]
    make, (x, y), loss = case
    for found in (trained(case), check(make(), loss, (x[:32], y[:32])).findings):
        first = found[0]
        assert (first.code, first.severity) == (code, severity)
        assert remedy in first.remedy


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_network_that_is_nearly_the_same_is_not_accused(name: str) -> None:
    make, (x, y), loss = SOUND[name]
    for found in (trained(SOUND[name]), check(make(), loss, (x[:32], y[:32])).findings):
        assert not [f for f in found if f.code in CODES]


def test_a_norm_over_the_batch_and_noise_are_told_and_no_warning() -> None:
    def normed(o: nn.Module, r: nn.Module, x: Tensor) -> Tensor:
        h = r(x)[1][-1]
        out: Tensor = o((h - h.mean(0)) / h.std(0, correction=0))
        return out

    def noisy(o: nn.Module, r: nn.Module, x: Tensor) -> Tensor:
        h = r(x)[1][-1]
        out: Tensor = o(h + 0.01 * torch.randn_like(h))
        return out

    for how, code in ((normed, "ROWS_MIXED"), (noisy, "RANDOM_EVALUATION")):
        found = trained((lambda how=how: Net(how, batch_first=True), ROWS, fn.cross_entropy))  # type: ignore[misc]
        told = [(f.severity, f.where) for f in found if f.code == code]
        assert told == [(Severity.INFO, "o")]  # the first layer after it


def test_the_behavioural_checks_can_be_switched_off() -> None:
    assert "ROWS_MIXED" not in [
        f.code for f in trained(FAULTS["softmax over the rows"][3], behavioural_checks=False)
    ]


def test_a_loop_that_calls_the_largest_part_of_a_model_is_checked_there() -> None:
    torch.manual_seed(0)
    body = Net(lambda o, r, x: o(r(x)[0][:, -1]))
    model = nn.ModuleDict({"body": body, "head": nn.Linear(3, 3)})
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    with watch(model, optimizer, every=5) as w:
        for step in range(40):
            rows = torch.arange(32) + step
            optimizer.zero_grad()
            fn.cross_entropy(model["head"](body(X[rows])), Y[rows]).backward()
            optimizer.step()
    assert w.findings()[0].code == "ROWS_MIXED"


class Padded(nn.Module):
    """A tagger of padded words, which may see them or their padding alone."""

    def __init__(self, *, inverted: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inverted, self.e, self.o = inverted, nn.Embedding(12, 16), nn.Linear(16, 3)
        self.attend = nn.MultiheadAttention(16, 1, batch_first=True)
        self.query = nn.Parameter(torch.randn(1, 1, 16))

    def forward(self, x: Tensor) -> Tensor:
        h, mask = self.e(x), (x != 0) == self.inverted
        out: Tensor = self.o(self.attend(self.query.expand(len(x), 1, 16), h, h, key_padding_mask=mask)[0])[
            :, 0
        ]
        return out


WORDS = torch.randint(1, 12, (600, 10), generator=torch.Generator().manual_seed(2))
LENGTHS = torch.randint(3, 9, (600,), generator=torch.Generator().manual_seed(3))
WORDS[torch.arange(10) >= LENGTHS[:, None]] = 0
FIRST = WORDS[:, 0] % 3


@pytest.mark.parametrize("inverted", [True, False])
def test_a_mask_that_shows_the_padding_alone_is_an_input_ignored(inverted: bool) -> None:
    found = trained((lambda: Padded(inverted=inverted), (WORDS, FIRST), fn.cross_entropy))
    named = [f for f in found if f.code == "INPUT_IGNORED"]
    assert bool(named) is inverted
    assert all("padding" in f.where for f in named)


class Labelled(nn.Module):
    """A model that takes its labels with its inputs, as those of Transformers do."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Words(causal=False)

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.inner(x)
        return {"loss": of_words(logits, labels), "logits": logits}


def test_labels_that_a_model_takes_are_no_inputs() -> None:
    model = Labelled()
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    shuffled = TOKENS[:, torch.randperm(9, generator=torch.Generator().manual_seed(0))]
    with watch(model, optimizer, every=5) as w:
        for step in range(40):
            optimizer.zero_grad()
            model(TOKENS[step : step + 32], shuffled[step : step + 32])["loss"].backward()
            optimizer.step()
    assert not [f for f in w.findings() if f.code in CODES]


class Forced(nn.Module):
    """A decoder that is given its targets and shifts them itself."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Words(causal=True)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.inner(torch.cat((torch.zeros_like(x[:, :1]), x[:, :-1]), 1))
        return logits


def test_targets_that_a_decoder_shifts_itself_are_no_future() -> None:
    assert not [f for f in trained((Forced, SAME, of_words)) if f.code in CODES]


class SetOfRows(nn.Module):
    """One set of vectors a step, through an attention without a batch."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.f, self.g = nn.Linear(12, 16), nn.Linear(16, 3)
        self.attend = nn.MultiheadAttention(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.f(x)
        return self.g(h + self.attend(h, h, h)[0])  # type: ignore[no-any-return]


def test_one_set_a_step_is_told_and_its_attention_is_the_place() -> None:
    (found,) = (f for f in trained((SetOfRows, ROWS, fn.cross_entropy)) if f.code in CODES)
    assert (found.code, found.severity, found.where) == ("ROWS_MIXED", Severity.INFO, "attend")
    assert "unsqueeze" in found.remedy


class Counted(nn.Module):
    """A network that is given the numbers of its rows and a second input, and reads neither."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.f = nn.Linear(12, 3)

    def forward(self, x: Tensor, numbers: Tensor, other: Tensor) -> Tensor:
        return self.f(x) + 0 * other[:, :3]  # type: ignore[no-any-return]


def test_numbers_of_rows_are_no_input_and_an_ignored_input_of_a_network_that_learns_is_info() -> None:
    model = Counted()
    optimizer = torch.optim.Adam(model.parameters(), 3e-2)
    with watch(model, optimizer, every=5) as w:
        for step in range(120):
            rows = torch.arange(32) + 4 * step % 500
            optimizer.zero_grad()
            fn.cross_entropy(model(X[rows], rows, X[rows]), Y[rows]).backward()
            optimizer.step()
    assert w.history.behaviour is not None
    assert w.history.behaviour.ignored == ("argument 2",)
    assert [f.severity for f in w.findings() if f.code == "INPUT_IGNORED"] == [Severity.INFO]
