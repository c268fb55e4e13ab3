from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch import nn

from levinthal.errors import InputError
from levinthal.networks import BATCHNORM_MODES, first_last
from levinthal.networks.reading import activations, logits_without
from levinthal.probes import ablated_error, error_rate, proportion, training_loss, validation_loss
from levinthal.probes.accuracy import error_counts, wilson
from levinthal.vocabulary import Snapshot, Trust

X = torch.rand(40, 9, generator=torch.Generator().manual_seed(3))
Y = torch.arange(40) % 10


def snapshot(model, loss=None):
    return Snapshot(3, 0.5, model, X, Y, torch.tensor([0.5, math.nan]) if loss is None else loss)


def ensemble(**more):
    return first_last(inputs=9, width=3, depth=4, seeds=(2, 7), **more)


@given(total=st.integers(1, 3000), share=st.floats(0, 1))
def test_the_interval_is_wilson_s(total, share):
    count = round(share * total)
    ours = wilson(count, total)
    theirs = stats.binomtest(count, total).proportion_ci(method="wilson")
    assert math.isclose(ours.low, theirs.low, abs_tol=1e-9)
    assert math.isclose(ours.high, theirs.high, abs_tol=1e-9)


def test_the_error_counts_what_is_wrong_seed_by_seed():
    net = ensemble()
    found = list(error_rate(X, Y, batchnorm=BATCHNORM_MODES, reference=X)(snapshot(net)))
    assert [m.condition for m in found[::2]] == [f"batchnorm={mode}" for mode in BATCHNORM_MODES]
    for m in found:
        mode = m.condition.removeprefix("batchnorm=")
        logits = activations(net, X, batchnorm=mode, reference=X).logits[net.seeds.index(m.seed)]
        wrong = sum(int(row.argmax()) != int(label) for row, label in zip(logits, Y, strict=True))
        assert m.estimate.value == wrong / 40
        assert m.estimate.interval.low < m.estimate.value < m.estimate.interval.high
        assert m.step == 3


def test_what_is_not_a_number_is_an_error():
    logits = torch.eye(10)
    logits[3] = math.nan
    assert error_counts(logits, torch.arange(10)) == [1]


def test_an_ordinary_module_is_read_in_evaluation_mode_and_left_as_it_was():
    net = nn.Sequential(nn.Linear(9, 10), nn.BatchNorm1d(10), nn.Dropout(0.9))
    net[2].eval()
    (found,) = error_rate(X, Y, name="training_error")(snapshot(net))
    assert found.name == "training_error"
    assert [module.training for module in net.modules()] == [True, True, True, False]
    assert int(net[1].num_batches_tracked) == 0
    wanted = float((net.eval()(X).argmax(1) != Y).float().mean())
    assert math.isclose(found.estimate.value, wanted, rel_tol=1e-6)


def test_the_error_without_a_path():
    net = ensemble(shortcut=True)
    found = {(m.condition, m.seed): m.estimate.value for m in ablated_error(X, Y)(snapshot(net))}
    assert len(found) == 4
    for path in ("deep", "shallow"):
        wrong = (logits_without(net, X, path).argmax(-1) != Y).float().mean(1)
        for seed, value in zip(net.seeds, wrong, strict=True):
            assert math.isclose(found[f"batchnorm=running without={path}", seed], float(value), rel_tol=1e-6)


def test_a_loss_that_is_not_finite_is_unreliable():
    good, bad = training_loss(snapshot(ensemble()))
    assert (good.estimate.value, good.estimate.unit, good.estimate.trust) == (0.5, "nats", Trust.EXACT)
    assert bad.estimate.trust is Trust.UNRELIABLE
    assert bad.seed == 7


@pytest.mark.parametrize("mode", ["running", "batch"])
def test_validation_loss_is_the_cross_entropy_of_the_logits(mode):
    net = ensemble()
    found = list(validation_loss(X, Y, batchnorm=mode)(snapshot(net)))
    logits = activations(net, X, batchnorm=mode).logits
    for m, out in zip(found, logits, strict=True):
        assert math.isclose(m.estimate.value, float(nn.functional.cross_entropy(out, Y)), rel_tol=1e-5)


@pytest.mark.parametrize(("count", "total"), [(0, 0), (-1, 5), (6, 5)])
def test_a_share_of_nothing_is_refused(count, total):
    with pytest.raises(InputError, match="is no share"):
        proportion(count, total)
