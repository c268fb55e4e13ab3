"""Losses whose fall means nothing: two networks against each other, and targets that move."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import State, Watch, watch
from levinthal.clinic.answer.states import Reason
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.games import is_game


def adam(*modules: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam([p for module in modules for p in module.parameters()], 1e-3)


class Game(nn.Module):
    """A generator and a discriminator of numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.generator, self.judge = (
            nn.Linear(2, 2),
            nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1)),
        )

    def forward(self, noise: Tensor) -> Tensor:
        made: Tensor = self.generator(noise)
        return made


def played(loss: Callable[[Tensor, float], Tensor]) -> Watch:
    """Two hundred steps of a game; the loss is of the judge's outputs and of a label."""
    torch.manual_seed(0)
    game = Game()
    first, second = adam(game.judge), adam(game.generator)
    with watch(game, [first, second], every=5) as w:
        for _ in range(200):
            made = game(torch.randn(32, 2))
            first.zero_grad()
            (loss(game.judge(torch.randn(32, 2) + 2), 1.0) + loss(game.judge(made.detach()), 0.0)).backward()
            first.step()
            second.zero_grad()
            loss(game.judge(made), 1.0).backward()
            second.step()
    return w


def test_networks_that_train_against_each_other_have_a_verdict_of_their_own() -> None:
    w = played(lambda z, label: functional.binary_cross_entropy_with_logits(z, torch.full_like(z, label)))
    said = w.answer()
    assert "UNDERFIT" not in {f.code for f in w.findings()}  # neither loss has to fall
    assert (said.state, said.reason) == (State.NOT_JUDGED, Reason.GAME)


def test_so_have_losses_that_are_written_by_hand() -> None:
    said = played(lambda z, label: functional.softplus(z if label == 0 else -z).mean()).answer()
    assert (said.state, said.reason) == (State.NOT_JUDGED, Reason.GAME)


def test_two_optimisers_of_one_network_are_no_game() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    matrices = torch.optim.SGD([p for p in model.parameters() if p.dim() > 1], 0.1)
    vectors = torch.optim.SGD([p for p in model.parameters() if p.dim() == 1], 0.1)
    assert not is_game(History(), TrainingSetup.of(model, (matrices, vectors)))


def test_targets_that_move_with_the_training_are_not_held_against_chance_level() -> None:
    torch.manual_seed(0)
    model, x = nn.Linear(4, 1), torch.randn(500, 4)
    optimizer = adam(model)
    with watch(model, optimizer, every=5) as w:
        for step in range(300):
            rows = torch.randint(0, 500, (32,))
            optimizer.zero_grad()
            functional.mse_loss(model(x[rows])[:, 0], x[rows, 0] + step / 50).backward()
            optimizer.step()
    said = w.answer()
    assert said.reason is Reason.MOVING_TARGETS or said.state is State.CAUSE


def test_layers_of_two_networks_of_a_list_are_not_one_linear_layer() -> None:
    torch.manual_seed(0)
    maker, judge = nn.Linear(4, 2), nn.Linear(2, 1)
    first, second = adam(judge), adam(maker)
    with watch([maker, judge], [first, second], every=5) as w:
        for _ in range(60):
            made = maker(torch.randn(64, 4))
            first.zero_grad()
            drawn = torch.randn(64, 2) + 3
            (functional.softplus(judge(made.detach())) + functional.softplus(-judge(drawn))).mean().backward()
            first.step()
            second.zero_grad()
            functional.softplus(-judge(made)).mean().backward()
            second.step()
    assert "MISSING_NONLINEARITY" not in {f.code for f in w.findings()}
