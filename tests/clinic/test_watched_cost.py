"""What a watch stores and how often it reads: it does not grow, and nothing waits for the device."""

from __future__ import annotations

import gc
import math
from collections import Counter
from contextlib import nullcontext

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.clinic.cases import Loop, mlp
from tests.clinic.watched_networks import NETS
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from levinthal.clinic import watch
from levinthal.clinic.recording.history import MOST
from levinthal.clinic.recording.sampling import sampled_step
from levinthal.clinic.recording.step_reader import WHOLE


def test_memory_does_not_grow_with_the_steps() -> None:
    model = nn.Linear(64, 10)
    w = Loop(steps=3 * MOST, batch=4, every=1).run(model, torch.optim.SGD(model.parameters(), 0.01))
    assert len(w.history) <= MOST + 1
    steps = w.history.steps
    assert steps[0] == 0
    assert steps[-1] == 3 * MOST - 1
    assert (steps[1:] > steps[:-1]).all()


class Waiting(TorchDispatchMode):
    """Counts what makes the host wait for a GPU: numbers asked for, and shapes that depend on data."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = Counter[str]()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if func.overloadpacket.__name__ in (
            "_local_scalar_dense",
            "nonzero",
            "bincount",
            "_unique2",
            "equal",
        ):
            self.waits[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("clip", [0.0, 0.1])
@pytest.mark.parametrize("name", ["mlp", "convolutions"])
def test_nothing_in_a_step_waits_for_the_device(name: str, clip: float) -> None:
    waits = []
    for listening_too in (True, False):
        model = NETS[name]()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        with (
            watch(model, optimizer, every=1) if listening_too else nullcontext() as w,
            Waiting() as counting,
        ):
            Loop(steps=12, clip=clip, zero=clip > 0).train(model, optimizer)
        waits.append(counting.waits)
        if w is not None:
            assert w.trouble == ""
            assert len(w.history) == 12
    assert waits[0] == waits[1]


def test_stored_tensors_do_not_grow_with_the_steps() -> None:
    def bytes_after(steps: int) -> int:
        model = mlp(width=8, depth=1)
        w = Loop(steps=steps, batch=4, every=1).run(model, torch.optim.SGD(model.parameters(), 0.01))
        gc.collect()
        count = sum(issubclass(type(each), Tensor) for each in gc.get_objects())
        assert min(steps, MOST // 2) <= len(w.history) <= MOST
        return count

    bytes_after(10)
    assert bytes_after(3 * MOST) <= 1.2 * bytes_after(3 * MOST // 2)  # twice the steps


def test_a_batch_that_is_not_read_in_its_turn_is_read_where_the_loss_is_not_finite() -> None:
    model, steps = mlp(), 2 * WHOLE + 12
    bad = next(step for step in range(WHOLE + 4, steps) if step % 3 == 0)  # the turn of the layers
    x, y = torch.randn(steps, 16, 64), torch.randint(0, 10, (16,))
    x[bad, 3, 2] = math.nan
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    with watch(model, optimizer, every=1) as w:
        for batch in x:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(batch), y).backward()
            optimizer.step()
            for p in model.parameters():
                p.data.nan_to_num_(0.1)
    seen = {sample.step: sample.batch_sum for sample in w.history}
    assert math.isnan(seen[bad])
    assert seen[bad + 3] is None
    assert "NON_FINITE_INPUT" in [finding.code for finding in w.findings()]


def test_layers_weights_and_batches_are_read_in_turns_and_losses_always() -> None:
    model = nn.Sequential(mlp(), nn.Dropout(0.1))
    w = Loop(steps=30, every=1).run(model, torch.optim.Adam(model.parameters(), 1e-3))
    layers, weights, batches = (
        [step < WHOLE or step % 3 == turn or s.detailed for step, s in enumerate(w.history)]
        for turn in range(3)
    )
    assert [bool(sample.names) for sample in w.history] == layers
    assert [sample.tensors is not None for sample in w.history] == weights
    assert [sample.batch_values is not None for sample in w.history] == batches
    assert len(w.history.tensor_steps) == len(w.history.tensors("weight")) == sum(weights)
    assert len(w.history.batch("mean")) == sum(batches)
    assert w.history.finite_batches.tolist() == [True] * sum(batches)
    assert [len(sample.losses) for sample in w.history] == [1] * 30
    assert all(sample.dropout_rates == {"1": 0.1} for sample in w.history)


@given(every=st.integers(1, 60), period=st.integers(2, 60))
def test_no_period_of_the_loop_escapes_the_sampling(every: int, period: int) -> None:
    sampled = [sampled_step(block, every) for block in range(40 * period)]
    assert all(block * every <= step < (block + 1) * every for block, step in enumerate(sampled))
    seen = torch.tensor(sampled).remainder(period).bincount(minlength=period) / len(sampled)
    if every > 1:  # at every step all is seen anyhow
        assert seen.max() <= 0.75
