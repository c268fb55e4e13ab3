from __future__ import annotations

from itertools import islice, pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from levinthal.errors import InputError
from levinthal.training.schedules import batch_rows, batches, log_spaced


@given(steps=st.integers(0, 10**6), count=st.integers(2, 200))
def test_log_spaced_goes_up_from_the_first_to_the_last(steps, count):
    spaced = log_spaced(steps, count)
    assert spaced[0] == 0
    assert spaced[-1] == steps
    assert len(spaced) <= count
    assert all(a < b for a, b in pairwise(spaced))


def test_half_of_the_moments_come_before_the_root_of_the_steps():
    spaced = log_spaced(10_000, 21)
    assert sum(step <= 100 for step in spaced) >= 10


@given(rows=st.integers(1, 60), data=st.data())
def test_an_epoch_is_a_permutation_without_its_incomplete_batch(rows, data):
    size = data.draw(st.integers(1, rows))
    whole = rows // size
    for _ in range(2):
        epoch = torch.cat(list(islice(batches(rows, size, 3), whole)))
        assert len(set(epoch.tolist())) == whole * size
        assert set(epoch.tolist()) <= set(range(rows))


def test_epochs_differ_and_repeat_for_a_seed():
    first, again, other = ([b.tolist() for b in islice(batches(10, 5, seed), 4)] for seed in (1, 1, 2))
    assert first == again != other
    assert first[:2] != first[2:]


def test_each_its_own_order_is_the_order_it_would_have_alone():
    together = next(batch_rows(30, 4, (5, 9), 2))
    assert together.shape == (2, 4)
    assert torch.equal(together[1], next(batch_rows(30, 4, 9, 1)))
    assert torch.equal(next(batch_rows(30, 4, (9,), 1)), together[1])
    assert next(batch_rows(30, 4, 9, 2)).shape == (4,)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: batch_rows(30, 31, 0, 1),
            "batch_size=31 exceeds the 30 samples: use None",
        ),
        (lambda: batch_rows(30, 0, 0, 1), "batch_size=0 holds no sample"),
        (lambda: batch_rows(30, 4, (1, 2, 3), 2), "3 order_seeds for 2 networks"),
        (lambda: log_spaced(-1), "steps=-1"),
        (lambda: log_spaced(10, 1), "count=1"),
    ],
)
def test_what_is_no_schedule(call, said):
    with pytest.raises(InputError) as caught:
        call()
    assert said in str(caught.value)
