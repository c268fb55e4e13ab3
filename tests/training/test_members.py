from __future__ import annotations

from functools import partial

import torch

from levinthal.networks.sigmoid import sigmoid_cross_entropy, sigmoid_nets
from levinthal.training import train
from levinthal.training.members import ByRow, MemberSGD, Summed, own_orders

DRAW = torch.Generator().manual_seed(8)
X = torch.rand(30, 5, generator=DRAW, dtype=torch.float64)
Y = torch.randint(0, 3, (30,), generator=DRAW)
RATES = torch.tensor([0.1, 0.7, 2.0], dtype=torch.float64)
DECAY = 0.01


def trained(seeds, rates, steps=20):
    nets = sigmoid_nets((5, 4, 4, 3), seeds=seeds, dtype=torch.float64)
    rows = own_orders(len(X), seeds)
    settings = {"steps": steps, "batch_size": 7, "loss": Summed(sigmoid_cross_entropy, Y), "snapshots": ()}
    rule = partial(MemberSGD, rates=rates, decay=DECAY)
    for _ in train(ByRow(nets, X), rows, rows, optimizer=rule, device="cpu", **settings):
        pass
    return nets


def test_the_decay_and_the_rates_are_the_book_s_by_hand():
    start = sigmoid_nets((5, 4, 4, 3), seeds=(4, 4, 9), dtype=torch.float64)
    stepped = sigmoid_nets((5, 4, 4, 3), seeds=(4, 4, 9), dtype=torch.float64)
    sigmoid_cross_entropy(stepped(X), Y).sum().backward()
    slopes = [parameter.grad.clone() for parameter in stepped.parameters()]
    MemberSGD(stepped.parameters(), RATES, DECAY).step()
    pairs = zip(start.parameters(), stepped.parameters(), slopes, strict=True)
    for old, new, slope in pairs:
        for member, rate in enumerate(RATES.tolist()):
            shrink = 1 - rate * DECAY if old.ndim == 3 else 1
            assert torch.allclose(new[member], shrink * old[member] - rate * slope[member], atol=1e-15)


def test_members_trained_together_are_members_trained_alone():
    seeds = (4, 0, 9)
    together = trained(seeds, RATES)
    for member, seed in enumerate(seeds):
        alone = trained((seed,), RATES[member : member + 1])
        for both, one in zip(together.parameters(), alone.parameters(), strict=True):
            assert torch.allclose(both[member], one[0], atol=1e-10)


def test_the_backward_pass_by_hand_leaves_the_bits_of_a_run():
    nets = [sigmoid_nets((5, 4, 4, 3), seeds=(4, 0, 9)) for _ in range(2)]
    x, rows, loss = X.float(), own_orders(len(X), (4, 0, 9)), Summed(sigmoid_cross_entropy, Y)
    by_autograd = lambda outputs, rows: loss(outputs, rows)  # noqa: E731  (a loss that is not Summed)
    runs = [
        train(
            ByRow(some, x),
            rows,
            rows,
            steps=20,
            batch_size=8,
            loss=how,
            optimizer=partial(MemberSGD, rates=RATES.float(), decay=DECAY),
            snapshots=(0, 5, 20),
            device="cpu",
        )
        for some, how in zip(nets, (loss, by_autograd), strict=True)
    ]
    for one, other in zip(*runs, strict=True):
        assert torch.equal(one.loss, other.loss)
        for p, q in zip(one.model.parameters(), other.model.parameters(), strict=True):
            assert torch.equal(p, q)
            assert torch.equal(p.grad, q.grad)


def test_orders_are_permutations_that_differ_between_seeds_and_repeat_for_one():
    orders = own_orders(30, (1, 2, 1))
    assert torch.equal(orders.sort(dim=0).values, torch.arange(30)[:, None].expand(30, 3))
    assert torch.equal(orders[:, 0], orders[:, 2])
    assert not torch.equal(orders[:, 0], orders[:, 1])
    assert torch.equal(own_orders(30, (1,))[:, 0], orders[:, 0])


def test_rows_are_looked_up_for_each_member():
    nets = sigmoid_nets((5, 4, 3), seeds=(0, 1), dtype=torch.float64)
    rows = torch.tensor([[0, 7], [3, 2]])
    out = ByRow(nets, X)(rows)
    assert torch.equal(out[0], nets(X[[0, 3]])[0])
    assert torch.equal(out[1], nets(X[[7, 2]])[1])
    loss = Summed(sigmoid_cross_entropy, Y)(out, rows)
    assert torch.isclose(loss, sum(sigmoid_cross_entropy(out[i], Y[rows[:, i]]) for i in (0, 1)))
