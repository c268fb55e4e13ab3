"""Losses of single targets that the loop reduces: their masks and rewards, against the same by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import State, Watch, watch
from levinthal.clinic.recording.sample import LossCall

X = torch.randn(400, 8, generator=torch.Generator().manual_seed(0))
Y = X[:, :4].argmax(1)
MASK = torch.rand(400, generator=torch.Generator().manual_seed(1)) < 0.4


def first_call(loss: Callable[[Tensor, Tensor], Tensor]) -> LossCall:
    """The first loss of one step, where `loss` takes the outputs and the rows."""
    torch.manual_seed(0)
    model, rows = nn.Linear(8, 4), torch.arange(32)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=1) as w:
        loss(model(X[rows]), rows).backward()
        optimizer.step()
    assert w.trouble == ""
    return w.history.samples[0].losses[0]


def each(z: Tensor, rows: Tensor) -> Tensor:
    return functional.cross_entropy(z, Y[rows], reduction="none")


REDUCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "product": lambda z, r: (each(z, r) * MASK[r].float()).sum() / MASK[r].sum(),
    "mask first": lambda z, r: (MASK[r].float() * each(z, r)).mean(),
    "scaled mask": lambda z, r: (each(z, r) * (3 * MASK[r].float())).sum() / 7,
    "index": lambda z, r: each(z, r)[MASK[r]].mean(),
    "numbers of rows": lambda z, r: each(z, r)[MASK[r].nonzero()[:, 0]].mean(),
    "masked_select": lambda z, r: each(z, r).masked_select(MASK[r]).mean(),
    "masked_fill": lambda z, r: each(z, r).masked_fill(~MASK[r], 0.0).sum(),
    "where": lambda z, r: torch.where(MASK[r], each(z, r), torch.zeros(())).sum(),
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_the_value_and_the_classes_are_those_of_the_targets_that_count(name: str) -> None:
    call, rows = first_call(REDUCTIONS[name]), torch.arange(32)
    torch.manual_seed(0)
    by_hand = each(nn.Linear(8, 4)(X[rows]), rows)[MASK[rows]].mean()
    assert call.mean == pytest.approx(by_hand.item())
    assert call.counts is not None
    assert call.counts.tolist() == torch.bincount(Y[rows][MASK[rows]], minlength=4).tolist()
    assert call.is_partial
    assert not call.is_rewarded


def test_a_mask_of_places_holds_for_all_numbers_there() -> None:
    def loss(z: Tensor, r: Tensor) -> Tensor:
        apart = functional.mse_loss(z, X[r, :4] + 5.0 * ~MASK[r, None], reduction="none").mean(-1)
        return (apart * MASK[r].float()).sum() / MASK[r].sum()

    call, rows = first_call(loss), torch.arange(32)
    assert call.target is not None
    seen = X[rows][MASK[rows], :4]
    assert call.target[:2].tolist() == pytest.approx(
        [seen.mean().item(), seen.var(correction=0).item()], rel=1e-4
    )


def focal(z: Tensor, r: Tensor) -> Tensor:
    own = each(z, r)
    return (own * (1 - torch.exp(-own)).square()).mean()


def weighted(z: Tensor, r: Tensor) -> Tensor:
    return (each(z, r) * (1 + X[r, 0].abs())).mean()


@pytest.mark.parametrize("loss", [focal, weighted, lambda z, r: each(z, r).mean()])
def test_what_is_no_mask_leaves_the_value(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    torch.manual_seed(0)
    plain = each(nn.Linear(8, 4)(X[:32]), torch.arange(32)).mean().item()
    call = first_call(loss)
    assert (call.mean, call.is_partial) == (pytest.approx(plain), False)


def run(loss: Callable[[Tensor, Tensor], Tensor]) -> Watch:
    """A training in which `loss` takes the outputs and the rows, drawn anew at every step."""
    torch.manual_seed(0)
    model = nn.Linear(8, 4)
    optimizer = torch.optim.Adam(model.parameters(), 3e-2)
    with watch(model, optimizer, every=4) as w:
        for _ in range(120):
            rows = torch.randint(0, 400, (64,))
            optimizer.zero_grad()
            loss(model(X[rows]), rows).backward()
            optimizer.step()
    return w


def test_a_masked_loss_is_judged_by_what_counts() -> None:
    labels = torch.where(MASK, Y, (Y + 1) % 4)  # the others would be wrong
    w = run(
        lambda z, r: (
            (functional.cross_entropy(z, labels[r], reduction="none") * MASK[r]).sum() / MASK[r].sum()
        )
    )
    assert w.answer().state is State.HEALTHY
    assert w.answer().ground("loss at the end") < 0.7


def rewarded(z: Tensor, rows: Tensor, *, drawn: bool) -> Tensor:
    """A policy gradient: with rewards around zero, or with actions drawn here and rewards of 0 and 1."""
    actions = torch.multinomial(z.softmax(1), 1)[:, 0] if drawn else rows % 4
    rewards = (actions == Y[rows]).float() - (0.0 if drawn else 0.25)
    return (functional.cross_entropy(z, actions, reduction="none") * rewards).mean()


@pytest.mark.parametrize("drawn", [True, False])
def test_the_cross_entropy_of_actions_is_not_held_against_chance_level(drawn: bool) -> None:
    w = run(lambda z, rows: rewarded(z, rows, drawn=drawn))
    assert w.answer().state is State.NOT_JUDGED
    assert not [f for f in w.findings() if f.severity != "info"]
