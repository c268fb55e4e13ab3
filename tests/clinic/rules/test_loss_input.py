"""Losses given the wrong numbers, softmaxes over one element, flipped signs; beside each, healthy runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.field.loops import drawn, findings, warned
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import check

X = torch.randn(1000, 8, generator=drawn())
CLASS = X[:, :4].argmax(1)
TWO = (X[:, 0] + X[:, 1] > 0).long()
YES = TWO.float()[:, None]
REAL = X[:, :1] * 2 + X[:, 1:2]
SOFT = (3 * X[:, :4]).softmax(1)
Loss = Callable[[Tensor, Tensor], Tensor]
Case = tuple[str, int, Tensor, Loss]
SGD, Adam = torch.optim.SGD, torch.optim.Adam
kl, nll, bce = functional.kl_div, functional.nll_loss, functional.binary_cross_entropy_with_logits


def network(outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, outputs))


def run(
    outputs: int, targets: Tensor, loss: Loss, *, steps: int = 150, model: nn.Module | None = None
) -> dict:
    torch.manual_seed(0)
    net = model or network(outputs)

    def step(i: int) -> Tensor:
        at = torch.randint(0, len(X), (32,))
        return loss(net(X[at]), targets[at])

    return findings(net, Adam(net.parameters(), 3e-3), step, steps=steps)


def focal(z: Tensor, y: Tensor) -> Tensor:
    p = -nll(z.softmax(1), y, reduction="none")
    return ((1 - p) ** 2 * nll(z.log_softmax(1), y, reduction="none")).mean()


def distilled(z: Tensor, y: Tensor) -> Tensor:
    return 4 * kl((z / 2).log_softmax(1), y, reduction="batchmean")


def policy(z: Tensor, y: Tensor) -> Tensor:
    """A reward of 1 for the right class, less a baseline."""
    chosen = torch.distributions.Categorical(logits=z.detach()).sample()
    reward = (chosen == y).float() - 0.5
    return (functional.cross_entropy(z, chosen, reduction="none") * reward).mean()


def maximised(loss: Loss, times: float = 1.0) -> Loss:
    return lambda z, y: -times * loss(z, y)


def squares(z: Tensor, y: Tensor) -> Tensor:
    return ((z - y) ** 2).mean()


class OneKey(nn.Module):
    """Attention over a sequence of one token, or of four."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.tokens, self.width = tokens, 8 // tokens
        self.attend, self.out = nn.MultiheadAttention(self.width, 1, batch_first=True), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = x.view(-1, self.tokens, self.width)
        out: Tensor = self.out((h + self.attend(h, h, h)[0]).flatten(1))
        return out


class Decoder(nn.Module):
    """Each of four steps attends to the steps before it: the first to one alone."""

    def __init__(self) -> None:
        super().__init__()
        self.score, self.out = nn.Linear(2, 1), nn.Linear(2, 4)

    def forward(self, x: Tensor) -> Tensor:
        h, read = x.view(-1, 4, 2), []
        for step in range(1, 5):
            weights = self.score(h[:, :step]).softmax(1)
            read.append((weights * h[:, :step]).sum(1))
        out: Tensor = self.out(torch.stack(read).sum(0))
        return out


FAULTY: dict[str, Case] = {
    "kl_div of probabilities": (
        "LOSS_INPUT_MISMATCH", 4, SOFT, lambda z, y: kl(z.softmax(1), y, reduction="batchmean")
    ),
    "kl_div of raw outputs": ("LOSS_INPUT_MISMATCH", 4, SOFT, lambda z, y: kl(z, y, reduction="batchmean")),
    "kl_div with logarithms as targets": (
        "LOSS_INPUT_MISMATCH", 4, SOFT.log(), lambda z, y: kl(z.log_softmax(1), y, reduction="batchmean")
    ),
    "kl_div with probabilities as log-targets": (
        "LOSS_INPUT_MISMATCH", 4, SOFT,
        lambda z, y: kl(z.log_softmax(1), y, reduction="batchmean", log_target=True),
    ),
    "nll_loss of raw outputs": ("LOSS_INPUT_MISMATCH", 4, CLASS, nll),
    "nll_loss of probabilities": ("LOSS_INPUT_MISMATCH", 4, CLASS, lambda z, y: nll(z.softmax(1), y)),
    "cross-entropy of one class": (
        "SOFTMAX_OVER_ONE", 1, torch.zeros_like(TWO), functional.cross_entropy
    ),
    "softmax over one output": (
        "SOFTMAX_OVER_ONE", 1, YES, lambda z, y: functional.binary_cross_entropy(z.softmax(1), y)
    ),
    "softmax over one output, by hand": (
        "SOFTMAX_OVER_ONE", 1, YES, lambda z, y: squares(z.softmax(1), y)
    ),
    "softmax over one logit": ("SOFTMAX_OVER_ONE", 1, YES, lambda z, y: bce(z.softmax(-1), y)),
    "minus cross-entropy": ("LOSS_MAXIMISED", 4, CLASS, maximised(functional.cross_entropy)),
    "minus a part of it": ("LOSS_MAXIMISED", 4, CLASS, maximised(functional.cross_entropy, 0.25)),
    "minus binary cross-entropy": ("LOSS_MAXIMISED", 1, YES, maximised(bce)),
    "minus squared error": ("LOSS_MAXIMISED", 1, REAL, maximised(functional.mse_loss)),
    "minus squared error by hand": ("LOSS_MAXIMISED", 1, REAL, maximised(squares)),
}  # fmt: skip
NEARLY: dict[str, Case] = {
    "kl_div of log-probabilities": ("LOSS_INPUT_MISMATCH", 4, SOFT, distilled),
    "kl_div of smoothed logarithms": (
        "LOSS_INPUT_MISMATCH", 4, SOFT, lambda z, y: kl((z.softmax(1) + 1e-2).log(), y, reduction="batchmean")
    ),
    "kl_div of log-targets": (
        "LOSS_INPUT_MISMATCH", 4, SOFT.log(),
        lambda z, y: kl(z.log_softmax(1), y, reduction="batchmean", log_target=True),
    ),
    "nll_loss of log-probabilities": ("LOSS_INPUT_MISMATCH", 4, CLASS, lambda z, y: nll(z.log_softmax(1), y)),
    "a focal loss": ("LOSS_INPUT_MISMATCH", 4, CLASS, focal),
    "a margin of raw outputs": ("LOSS_INPUT_MISMATCH", 4, CLASS, functional.multi_margin_loss),
    "cross-entropy of two classes": ("SOFTMAX_OVER_ONE", 2, TWO, functional.cross_entropy),
    "one binary logit": ("SOFTMAX_OVER_ONE", 1, YES, bce),
    "cross-entropy": ("LOSS_MAXIMISED", 4, CLASS, functional.cross_entropy),
    "a policy": ("LOSS_MAXIMISED", 4, CLASS, policy),
    "a bonus for entropy": (
        "LOSS_MAXIMISED", 4, CLASS,
        lambda z, y: functional.cross_entropy(z, y) + 0.01 * (z.softmax(1) * z.log_softmax(1)).sum(1).mean(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTY)
def test_the_cause_comes_first(name: str) -> None:
    code, *case = FAULTY[name]
    found = run(*case)
    assert next(iter(found), "") == code, found
    assert found[code].severity != "info"


@pytest.mark.parametrize("name", NEARLY)
def test_a_run_that_nearly_does_so_is_not_reported(name: str) -> None:
    code, *case = NEARLY[name]
    found = run(*case)
    assert code not in found
    assert warned(found) == []


@pytest.mark.parametrize("name", FAULTY)
def test_it_is_seen_before_training_too(name: str) -> None:
    code, outputs, targets, loss = FAULTY[name]
    torch.manual_seed(0)
    assert check(network(outputs), loss, (X[:64], targets[:64])).findings[0].code == code


@pytest.mark.parametrize("name", NEARLY)
def test_a_healthy_loss_has_no_fault_before_training(name: str) -> None:
    code, outputs, targets, loss = NEARLY[name]
    torch.manual_seed(0)
    assert code not in [f.code for f in check(network(outputs), loss, (X[:64], targets[:64])).findings]


@pytest.mark.parametrize("rate", [3e-3, 0.0])
def test_a_margin_of_probabilities_is_a_warning_where_nothing_is_learnt(rate: float) -> None:
    torch.manual_seed(0)
    model = network(4)

    def step(i: int) -> Tensor:
        at = torch.randint(0, len(X), (32,))
        return functional.multi_margin_loss(model(X[at]).softmax(1), CLASS[at])

    found = findings(model, Adam(model.parameters(), rate), step)
    assert found["LOSS_INPUT_MISMATCH"].severity == ("warning" if rate == 0 else "info")


@pytest.mark.parametrize(("tokens", "code"), [(1, "SOFTMAX_OVER_ONE"), (4, "")])
def test_attention_over_one_token_is_info_where_the_network_learns(tokens: int, code: str) -> None:
    torch.manual_seed(0)
    found = run(4, CLASS, functional.cross_entropy, model=OneKey(tokens))
    assert ("SOFTMAX_OVER_ONE" in found) == bool(code)
    assert warned(found) == []


def test_the_first_step_of_a_decoder_attends_to_one_key() -> None:
    torch.manual_seed(0)
    assert "SOFTMAX_OVER_ONE" not in run(4, CLASS, functional.cross_entropy, model=Decoder(), steps=60)


def test_a_loss_scaler_does_not_hide_a_flipped_sign() -> None:
    scales = iter(2.0 ** (16 - i // 40) for i in range(10**6))

    def loss(z: Tensor, y: Tensor) -> Tensor:
        return -next(scales) * functional.cross_entropy(z, y)

    assert "LOSS_MAXIMISED" in run(4, CLASS, loss)


def adversary(rate: float, *, same: bool) -> dict:
    """A feature extractor that hides from a classifier what the labels are; each trains in turn."""
    torch.manual_seed(0)
    features, judge = network(4), nn.Linear(4, 1)
    own, other = Adam(features.parameters(), 3e-3), SGD(judge.parameters(), rate)
    labels = torch.zeros_like(YES) if same else YES

    def step(i: int) -> None:
        at = torch.randint(0, len(X), (64,))
        own.zero_grad()
        (-bce(judge(features(X[at])), labels[at])).backward()
        own.step()
        other.zero_grad()
        bce(judge(features(X[at]).detach()), labels[at]).backward()
        other.step()

    return findings(features, own, step)


@pytest.mark.parametrize("rate", [0.1, 3.0])
@pytest.mark.parametrize("same", [True, False])
def test_an_adversary_maximises_a_loss_on_purpose(rate: float, same: bool) -> None:
    assert "LOSS_MAXIMISED" not in warned(adversary(rate, same=same))


def test_what_was_learnt_may_be_unlearnt_on_purpose() -> None:
    torch.manual_seed(0)
    model = network(4)
    optimizer = Adam(model.parameters(), 1e-2)
    for _ in range(300):
        optimizer.zero_grad()
        functional.cross_entropy(model(X), CLASS).backward()
        optimizer.step()
    assert "LOSS_MAXIMISED" not in run(4, CLASS, maximised(functional.cross_entropy), model=model)
