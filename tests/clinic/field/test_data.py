"""Healthy data that look faulty (pixels, moving targets, tokens, first states), and the true faults."""

from __future__ import annotations

import copy

import pytest
import torch
from tests.clinic.field.loops import drawn, findings, warned
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic.recording.row_reservoir import row_fingerprints

LEVEL = torch.randn(2000, 1, generator=drawn())
PICTURES = LEVEL + 0.3 * torch.randn(2000, 48, generator=drawn(1))
X = torch.randn(2000, 16, generator=drawn(2))


def some(k: int = 32) -> Tensor:
    return torch.randint(0, 2000, (k,))


def small(inputs: int = 16, outputs: int = 4) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, 32), nn.ReLU(), nn.Linear(32, outputs))


def adam(model: nn.Module, rate: float = 3e-3) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), rate)


def pictures(rows: Tensor | None) -> list[str]:
    """An autoencoder of rows whose columns depend on each other, shuffled or in the order of their level."""
    order, model = LEVEL[:, 0].argsort(), small(48, 48)

    def loss(i: int) -> Tensor:
        at = order[(i * 64 + torch.arange(64)) % 2000] if rows is None else rows[torch.randperm(2000)[:64]]
        return functional.mse_loss(model(PICTURES[at]), PICTURES[at])

    return [code for code in findings(model, adam(model), loss) if code == "UNSHUFFLED"]


def test_pixels_of_one_picture_are_not_independent_rows() -> None:
    assert pictures(torch.arange(2000)) == []
    assert pictures(None) == ["UNSHUFFLED"]


def test_targets_that_move_with_the_training_are_not_sorted_data() -> None:
    model = small()

    def loss(i: int) -> Tensor:
        rows = some()
        return functional.mse_loss(model(X[rows])[:, 0], X[rows, 0] + min(i / 100, 2.0))

    assert "UNSHUFFLED" not in findings(model, adam(model), loss, steps=300)
    ordered = X[X[:, 0].argsort()]

    def sorted_loss(i: int) -> Tensor:
        rows = (32 * i + torch.arange(32)) % 2000
        return functional.mse_loss(model(ordered[rows])[:, 0], ordered[rows, 0])

    assert findings(model, adam(model), sorted_loss, steps=300)["UNSHUFFLED"].severity == "warning"


def test_a_value_network_learns_from_its_own_targets() -> None:
    net = small(4, 2)
    target = copy.deepcopy(net)
    now, then = torch.randn(5000, 4, generator=drawn(3)), torch.randn(5000, 4, generator=drawn(4))
    act, over = torch.randint(2, (5000,), generator=drawn(5)), torch.rand(5000, generator=drawn(6)) < 0.02

    def loss(i: int) -> Tensor:
        if i % 50 == 49:
            target.load_state_dict(net.state_dict())
        rows = torch.randint(5000, (64,))
        with torch.no_grad():
            y = 1 + 0.99 * (~over[rows]) * target(then[rows]).amax(1)
        return functional.smooth_l1_loss(net(now[rows]).gather(1, act[rows, None])[:, 0], y)

    found = findings(net, adam(net, 1e-3), loss, steps=300, every=10)
    assert "UNSHUFFLED" not in found


def test_windows_of_a_text_repeat_few_letters() -> None:
    """Each batch is one passage of 12 letters out of 60; the labels are of tokens, not of rows."""
    passages = torch.stack([torch.randperm(60, generator=drawn(k))[:12] for k in range(30)])
    text = passages.repeat_interleave(40, 1)[:, torch.randperm(480, generator=drawn(7))]
    torch.manual_seed(0)
    model = nn.Sequential(nn.Embedding(60, 16), nn.Linear(16, 60))

    def loss(i: int) -> Tensor:
        windows = text[i % 30].unfold(0, 16, 1)[:64]
        return functional.cross_entropy(model(windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())

    assert "UNSHUFFLED" not in findings(model, adam(model), loss)


def test_labels_in_their_order_are_still_found() -> None:
    order, labels = X[:, :8].argmax(1).argsort(), X[:, :8].argmax(1)
    model = small(16, 8)

    def loss(i: int) -> Tensor:
        rows = order[(32 * i + torch.arange(32)) % 2000]
        return functional.cross_entropy(model(X[rows]), labels[rows])

    assert findings(model, adam(model), loss)["UNSHUFFLED"].severity == "warning"


@pytest.mark.parametrize("ones", [0.02, 0.9])
def test_dense_and_sparse_pixels_are_no_imbalance(ones: float) -> None:
    masks = (torch.rand(2000, 64, generator=drawn(8)) < ones).float()
    model = small(16, 64)

    def loss(i: int) -> Tensor:
        rows = some()
        return functional.binary_cross_entropy_with_logits(model(X[rows]), masks[rows])

    assert "CLASS_IMBALANCE" not in warned(findings(model, adam(model), loss))


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_labels_nearly_all_of_one_class_are_still_found(shape: tuple[int, ...]) -> None:
    labels = (torch.rand(2000, generator=drawn(9)) < 0.005).float()
    model = small(16, 1)

    def loss(i: int) -> Tensor:
        rows = some(64)
        out = model(X[rows]).reshape(shape)
        return functional.binary_cross_entropy_with_logits(out, labels[rows].reshape(shape))

    assert findings(model, adam(model), loss)["CLASS_IMBALANCE"].severity == "warning"


def test_real_and_fake_are_no_classes_of_the_data() -> None:
    """A discriminator sees real rows, then fake ones; the labels of a generator are all real."""
    torch.manual_seed(0)
    generator, critic = small(16, 2), small(2, 1)
    both = torch.optim.Adam(critic.parameters(), 1e-3), torch.optim.Adam(generator.parameters(), 1e-3)

    def step(i: int) -> None:
        real, noise = X[some(), :2] + 3, torch.randn(32, 16)
        score = functional.binary_cross_entropy_with_logits
        both[0].zero_grad()
        real_loss = score(critic(real), torch.full((32, 1), 0.9) + 0.1 * torch.rand(32, 1))
        (real_loss + score(critic(generator(noise).detach()), torch.zeros(32, 1))).backward()
        both[0].step()
        both[1].zero_grad()
        score(critic(generator(noise)), torch.ones(32, 1)).backward()
        both[1].step()

    for watched, optimizer in ((critic, both[0]), (generator, both[1])):
        found = findings(watched, optimizer, step)
        assert {"CLASS_IMBALANCE", "UNSHUFFLED", "FIRST_LOSS_TOO_LARGE"}.isdisjoint(warned(found))


def test_missing_values_that_the_model_knows_are_no_fault() -> None:
    holes = X.masked_fill(torch.rand(X.shape, generator=drawn(10)) < 0.1, torch.nan)
    model, y = small(32, 1), X.sum(1, keepdim=True)

    class Filled(nn.Module):
        def __init__(self, filled: bool) -> None:
            super().__init__()
            self.net, self.filled = model, filled

        def forward(self, x: Tensor) -> Tensor:
            known = x.nan_to_num() if self.filled else x
            out: Tensor = self.net(torch.cat((known, x.isnan().float()), 1))
            return out

    def found(filled: bool) -> str:
        net = Filled(filled)

        def loss(i: int) -> Tensor:
            rows = some()
            return functional.mse_loss(net(holes[rows]), y[rows])

        return findings(net, adam(net), loss)["NON_FINITE_INPUT"].severity

    assert found(True) == "info"
    assert found(False) == "critical"


CATEGORIES = functional.one_hot(torch.randint(0, 10, (3000, 8), generator=drawn(11)), 10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bool, torch.int64, torch.uint8])
def test_every_row_of_categories_has_its_own_fingerprint(dtype: torch.dtype) -> None:
    rows = CATEGORIES.flatten(1).to(dtype)
    assert len(rows.unique(dim=0)) == len(row_fingerprints(rows).unique()) == 3000


@pytest.mark.parametrize("columns", [5, 6, 5000])
def test_every_row_of_tokens_and_of_bits_has_its_own_fingerprint(columns: int) -> None:
    tokens = torch.randint(0, 9, (20_000, columns), generator=drawn(12))[: 20_000 if columns < 9 else 50]
    bits = (tokens > 4).float()
    for rows in (tokens, bits, tokens.to(torch.int32), tokens.double()):
        assert len(row_fingerprints(rows).unique()) == len(rows.unique(dim=0))


@pytest.mark.parametrize("leak", [False, True])
def test_categories_in_validation_are_a_leak_only_where_rows_are_equal(leak: bool) -> None:
    rows, labels = CATEGORIES.flatten(1).float(), CATEGORIES[:, 0].argmax(1) % 4
    model, held = nn.Linear(80, 4), slice(0, 600) if leak else slice(2400, 3000)

    def loss(i: int) -> Tensor:
        at = torch.randint(0, 2400, (60,))
        return functional.cross_entropy(model(rows[at]), labels[at])

    found = findings(model, adam(model), loss, steps=150, every=1, validation=(rows[held], labels[held]))
    assert ("DATA_LEAKAGE" in warned(found)) == leak
    assert leak or "DATA_LEAKAGE" not in found


def test_the_first_state_of_a_game_says_nothing_of_the_others() -> None:
    """One state just after reset, near 0, is the first pass of each step; a policy's loss never falls."""
    torch.manual_seed(0)
    policy = nn.Sequential(nn.Linear(4, 128), nn.Dropout(0.6), nn.ReLU(), nn.Linear(128, 2))

    def loss(i: int) -> Tensor:
        states = torch.cat((0.03 * torch.randn(1, 4), torch.randn(20, 4)))
        logs = torch.stack([policy(state[None]).log_softmax(1)[0, 0] for state in states])
        return -(logs * torch.randn(21)).sum()

    found = findings(policy, adam(policy, 1e-2), loss, steps=80)
    assert warned(found) == []
    narrow = 0.03 * X
    model, y = small(16, 8), X[:, :8].argmax(1)

    def tiny(i: int) -> Tensor:
        rows = some()
        return functional.cross_entropy(model(narrow[rows]), y[rows])

    found = findings(model, torch.optim.SGD(model.parameters(), 1e-2), tiny)
    assert found["INPUT_SCALE"].severity == "critical"  # the loss stays at chance level


@pytest.mark.parametrize("in_time", [True, False])
def test_the_one_place_that_is_to_be_remembered_is_info(in_time: bool) -> None:
    """The first of nine symbols is the label; in a table the same columns are a warning."""
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(0, 4, (600,), generator=generator)
    rest = torch.randint(4, 6, (600, 8), generator=generator)
    x = functional.one_hot(torch.cat((y[:, None], rest), 1), 6).float()
    x = x if in_time else x.flatten(1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(54, 32), nn.ReLU(), nn.Linear(32, 4))

    def loss(i: int) -> Tensor:
        at = torch.randint(0, 600, (64,))
        return functional.cross_entropy(model(x[at]), y[at])

    found = findings(model, torch.optim.Adam(model.parameters(), 3e-3), loss)
    assert found["LABEL_LEAK_FEATURE"].severity == ("info" if in_time else "warning")
