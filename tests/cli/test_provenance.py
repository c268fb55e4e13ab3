"""Where the numbers are from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from levinthal.cli.provenance import computing_seconds, spans
from levinthal.lab import Run


@given(st.sets(st.integers(0, 40)))
def test_spans_name_every_number_once(numbers: set[int]) -> None:
    named: list[int] = []
    for word in filter(None, spans(numbers).split(", ")):
        low, _, high = word.partition(" to ")
        named.extend(range(int(low), int(high or low) + 1))
    assert named == sorted(numbers)


def test_the_time_of_a_task_is_counted_once_however_many_seeds_it_had() -> None:
    runs = [Run("s", 1, {}, seed, environment={"seeds": [0, 1]}, duration=8.0) for seed in (0, 1)]
    assert computing_seconds([*runs, Run("s", 1, {"w": 1}, 0, duration=3.0)]) == 11.0
