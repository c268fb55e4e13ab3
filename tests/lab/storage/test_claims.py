from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.lab.storage.claims import Frozen, first_frozen, hash_of

FROZEN = Frozen("toy", 1, "quick", {"runs": 8}, {"T1": {"says": "it does", "smallest_effect": 0.7}})


def test_the_hash_is_that_of_the_canonical_text() -> None:
    # printf '{"a":1,"b":[true,null,"\\u00b5"]}' | sha256sum
    assert hash_of({"b": [True, None, "µ"], "a": 1}) == (
        "39507c649c62ff0413fd1e68207fd99c1ea2e020ad89def6392910ce21264f14"
    )


@pytest.mark.parametrize(
    "other",
    [
        replace(FROZEN, study="toys"),
        replace(FROZEN, version=2),
        replace(FROZEN, preset="standard"),
        replace(FROZEN, plan={"runs": 9}),
        replace(FROZEN, claims={}),
        replace(FROZEN, claims={"T2": FROZEN.claims["T1"]}),
        replace(FROZEN, claims={"T1": {"says": "it does", "smallest_effect": 0.55}}),
        replace(FROZEN, claims={"T1": {"says": "It does", "smallest_effect": 0.7}}),
    ],
)
def test_everything_that_was_fixed_is_in_the_hash(other: Frozen) -> None:
    assert other.hash != FROZEN.hash


def test_when_it_was_stored_is_not_in_the_hash() -> None:
    assert replace(FROZEN, time="2026-11-29", finished=4).hash == FROZEN.hash


@given(st.lists(st.booleans(), max_size=6))
def test_the_last_record_without_a_finished_run_counts_else_the_first(seen: list[bool]) -> None:
    records = [replace(FROZEN, time=str(i), finished=int(done)) for i, done in enumerate(seen)]
    unseen = [record for record in records if not record.finished]
    assert first_frozen(records) == (unseen[-1] if unseen else records[0] if records else None)
