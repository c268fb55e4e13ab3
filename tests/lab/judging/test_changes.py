from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.lab.judging.changes import CODE, VALUES, WORDS, Change, changes, dropped, plan_changes
from levinthal.lab.storage.claims import Frozen

CLAIM: dict[str, Any] = {
    "says": "It falls.",
    "quote": "",
    "source": "a book",
    "unit": "nats",
    "effect": "the fall",
    "smallest_effect": 0.7,
    "why_smallest": "chosen by us",
    "why_no_control": "",
    "null": 0.0,
    "control": "shuffled labels",
    "rival": "",
    "deterministic": False,
    "binary": False,
    "basis": "from the source",
    "code": "00ff",
}
PLAN = {"runs": 8, "factors": {"width": "20, 50"}, "hash": "aa"}
WAS = Frozen("s", 1, "quick", PLAN, {"R1": CLAIM, "R2": CLAIM})


def now(**fields: Any) -> Frozen:
    return replace(WAS, claims={"R1": CLAIM, "R2": CLAIM | fields})


@pytest.mark.parametrize(
    ("fields", "label", "differences"),
    [
        ({"smallest_effect": 0.55}, "claim changed", ("smallest effect size: 0.7 before, 0.55 now",)),
        ({"smallest_effect": None}, "claim changed", ("smallest effect size: 0.7 before, none now",)),
        ({"null": 0.5}, "claim changed", ("null value: 0 before, 0.5 now",)),
        ({"binary": True}, "claim changed", ("binary: no before, yes now",)),
        ({"control": ""}, "claim changed", ("control: “shuffled labels” before, none now",)),
        ({"code": "1111"}, "claim changed", (CODE,)),
        ({"says": "It sinks."}, "reworded", ("sentence: “It falls.” before, “It sinks.” now",)),
        (
            {"quote": "sinks", "unit": "bits"},
            "claim changed",
            ("quote: none before, “sinks” now", "unit: “nats” before, “bits” now"),
        ),
    ],
)
def test_each_field_that_differs_is_named_with_both_values(
    fields: dict[str, Any], label: str, differences: tuple[str, ...]
) -> None:
    (change,) = changes(WAS, now(**fields)).items()
    assert change[0] == "R2"
    assert change[1].label == f"{label} after the run"
    assert set(change[1].differences) == set(differences)


@given(st.dictionaries(st.sampled_from(sorted(CLAIM)), st.text(min_size=1, max_size=3)))
def test_a_claim_is_changed_unless_words_alone_differ(fields: dict[str, str]) -> None:
    differ = {name for name, value in fields.items() if CLAIM[name] != value}
    found = changes(WAS, now(**fields))
    assert found.keys() == ({"R2"} if differ else set())
    if differ:
        assert len(found["R2"].differences) == len(differ)
        assert found["R2"].label.startswith("reworded") == (differ <= set(WORDS))


def test_a_field_that_one_of_the_two_lacks_is_not_compared() -> None:
    assert changes(WAS, now(new_field=1)) == {}
    assert changes(now(old_field=1), WAS) == {}


def test_claims_that_come_and_go_are_named() -> None:
    only = replace(WAS, claims={"R1": CLAIM})
    assert changes(only, WAS, "after it was registered")["R2"].label == "added after it was registered"
    assert dropped(WAS, only) == ("claim R2 dropped after the run: “It falls.”",)
    assert dropped(only, WAS) == ()


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        ({"runs": 9, "hash": "bb"}, "runs 8 before, 9 now"),
        ({"factors": {"width": "20"}, "hash": "bb"}, "width 20, 50 before, 20 now"),
        ({"factors": {"width": "20, 50", "rate": "1"}, "hash": "bb"}, "rate none before, 1 now"),
        ({"hash": "bb"}, "other seeds or combinations of levels"),
    ],
)  # fmt: skip
def test_other_tasks_are_named_by_what_differs(plan: dict[str, Any], line: str) -> None:
    assert plan_changes(WAS, replace(WAS, plan=PLAN | plan)) == (f"preset changed after the run: {line}",)
    assert plan_changes(WAS, WAS) == ()


def test_hashes_of_values_are_compared_where_one_method_made_them() -> None:
    def since(before: dict[str, str]) -> object:
        was, now = ({"C1": {"code": "00ff", **one}} for one in (before, {"values": "1:aa"}))
        return changes(Frozen("s", 1, "p", {}, was), Frozen("s", 1, "p", {}, now))

    assert since({}) == since({"values": "1:aa"}) == since({"values": "2:bb"}) == {}
    assert since({"values": "1:bb"}) == {"C1": Change("claim changed after the run", (VALUES,))}


@pytest.mark.parametrize("name", ["code", "values"])
def test_a_missing_hash_is_not_compared(name: str) -> None:
    assert changes(WAS, now(**{name: ""})) == changes(now(**{name: ""}), WAS) == {}
    assert changes(now(**{name: "1:aa"}), now(**{name: ""})) == {}
