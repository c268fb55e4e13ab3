from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from levinthal.clinic.recording.row_reservoir import A_STEP, MOST, Reservoir, count, row_fingerprints, taken


@given(st.integers(0, 10_000))
def test_marks_are_equal_for_equal_rows_alone(seed: int) -> None:
    x = torch.randn(20, 9, generator=torch.Generator().manual_seed(seed))
    assert row_fingerprints(x).unique().numel() == 20
    assert torch.equal(row_fingerprints(x[5:8]), row_fingerprints(x)[5:8])
    assert not torch.isin(row_fingerprints(x.flip(1)), row_fingerprints(x)).any()


def test_marks_know_tokens_padding_and_both_zeros() -> None:
    tokens = torch.tensor([[3, 1, 2], [3, 2, 1]])
    assert row_fingerprints(tokens)[0] != row_fingerprints(tokens)[1]
    assert torch.equal(
        row_fingerprints(tokens),
        row_fingerprints(torch.cat((tokens, torch.zeros(2, 4, dtype=torch.int64)), 1)),
    )
    assert torch.equal(
        row_fingerprints(torch.tensor([[0.0, 1.0]])), row_fingerprints(torch.tensor([[-0.0, 1.0]]))
    )


def fill(reservoir: Reservoir, steps: int, size: int) -> None:
    for step in range(steps):
        x = torch.full((size, 3), float(step))
        reservoir.offer((x,), {})
        reservoir.pair(torch.full((size,), step))
        reservoir.keep()


def test_a_reservoir_stays_small_and_spreads_over_the_run() -> None:
    reservoir = Reservoir()
    fill(reservoir, 500, 200)
    assert MOST // 4 < len(reservoir) <= MOST
    steps = torch.cat([chunk.inputs[:, 0] for chunk in reservoir.chunks]).unique()
    assert steps.min() == 0
    assert steps.max() > 450
    assert max(len(chunk.inputs) for chunk in reservoir.chunks) <= A_STEP
    assert reservoir.row_fingerprints == []


def test_inputs_and_targets_stay_together_and_are_copies() -> None:
    reservoir, x, y = Reservoir(with_fingerprints=True), torch.arange(8.0)[:, None], torch.arange(8)
    reservoir.offer((x,), {})
    reservoir.pair(torch.zeros(3))  # of another head: not as many as rows
    reservoir.pair(y)
    reservoir.keep()
    x.zero_()
    ((inputs, targets),) = reservoir.pairs()
    assert torch.equal(inputs[:, 0], targets.float())
    assert torch.equal(reservoir.row_fingerprints[0], row_fingerprints(inputs))


def test_rows_of_nested_values() -> None:
    value = {"a": (torch.arange(6), 3), "b": [torch.zeros(6, 2)]}
    part = taken(value, 2, 4)
    assert part["a"][0].tolist() == [2, 3]
    assert part["b"][0].shape == (2, 2)
    assert count(value) == 6
    assert count({"a": "word"}) == 0


def test_calls_that_are_passed_over_are_counted() -> None:
    reservoir = Reservoir()
    taken = 0
    for k in range(200):
        if not reservoir.passes_over():
            taken += 1
            reservoir.take((torch.full((64, 2), float(k)),), {})
    assert len(reservoir) <= MOST
    assert taken < 50
    firsts = [float(chunk.inputs[0, 0]) for chunk in reservoir.chunks]
    assert firsts[0] == 0  # spread over all calls
    assert firsts[-1] > 150
