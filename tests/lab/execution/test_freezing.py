from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import toy_study
from hypothesis import given
from hypothesis import strategies as st

from levinthal.lab import Store, sweep
from levinthal.lab.execution.freezing import frozen_now, plan_of
from levinthal.lab.storage.claims import Frozen, first_frozen
from levinthal.studies import find
from levinthal.vocabulary import Basis, Claim, Evidence, Preset, Task

CLAIM = Claim("T1", "it falls", "a book", "fall", "nats", 0.7, "none", lambda rows: Evidence({}))


def frozen(**changes: Any) -> Frozen:
    return frozen_now(replace(toy_study.toy(()), claims=(replace(CLAIM, **changes),)), "only")


@pytest.mark.parametrize(
    "changes",
    [
        {"says": "it sinks"}, {"source": "another"}, {"effect": "sink"}, {"unit": "bits"}, {"quote": "falls"},
        {"smallest_effect": 0.55}, {"smallest_effect": None}, {"control": "shuffled"}, {"null": 0.5},
        {"why_smallest": "ours"}, {"basis": Basis.SEEN}, {"rival": "Adam"}, {"why_no_control": "none is"},
        {"deterministic": True}, {"binary": True}, {"id": "T2"},
    ],
)  # fmt: skip
def test_every_field_of_a_claim_is_in_the_hash(changes: dict[str, Any]) -> None:
    assert frozen(**changes).hash != frozen().hash


def test_numbers_that_differ_in_the_last_digits_only_are_one() -> None:
    assert frozen(smallest_effect=0.7 * (1 + 1e-15), null=0).hash == frozen().hash


tasks = st.lists(
    st.builds(
        Task,
        st.fixed_dictionaries({"width": st.integers(1, 3)}),
        st.lists(st.integers(0, 3), min_size=1).map(tuple),
    ),
    min_size=1,
)


@given(tasks, st.randoms())
def test_the_plan_does_not_depend_on_order_or_on_how_seeds_are_cut_into_tasks(
    tasks: list[Task], chance: Any
) -> None:
    runs = {(task.cell["width"], seed) for task in tasks for seed in task.seeds}
    alone = [Task({"width": width}, (seed,)) for width, seed in runs]
    chance.shuffle(alone)
    first, second = (plan_of(Preset("", None, tuple(some))) for some in (tasks, alone))
    assert first | {"factors": 0} == second | {"factors": 0}
    assert first["runs"] == len(runs)
    other = plan_of(Preset("", None, (*tasks, Task({"width": 1}, (9,)))))
    assert other["hash"] != first["hash"]


def test_a_sweep_freezes_before_it_measures_and_a_narrowed_one_freezes_the_whole(store: Store) -> None:
    whole = find("one-neuron-chain")
    preset = next(iter(whole.presets))
    first = whole.presets[preset].tasks[0]
    part = replace(whole, presets={preset: replace(whole.presets[preset], tasks=(first,))})
    seen: list[list[Frozen]] = []
    key = (whole.name, whole.version, preset)
    sweep(part, preset, store, defined=whole, on_event=lambda event: seen.append(store.frozen(*key)))
    assert seen[0] == store.frozen(*key)
    (found,) = seen[0]
    assert found.finished == 0
    assert found.hash == frozen_now(whole, preset).hash


def test_a_task_that_fails_has_seen_nothing(store: Store) -> None:
    study = toy_study.toy(toy_study.tasks("boom", widths=()))
    sweep(study, "only", store)
    sweep(replace(study, claims=(CLAIM,)), "only", store)
    assert [record.finished for record in store.frozen("toy", 1, "only")] == [0, 0]


def test_a_claim_changed_together_with_its_plan_is_held_against_the_first(store: Store) -> None:
    first = replace(toy_study.toy(toy_study.tasks(widths=(1, 2))), claims=(CLAIM,))
    sweep(first, "only", store)
    changed = toy_study.toy(toy_study.tasks(widths=(3, 4)))
    sweep(replace(changed, claims=(replace(CLAIM, smallest_effect=0.4),)), "only", store)
    before = first_frozen(store.frozen("toy", 1, "only"))
    assert before is not None
    assert before.claims["T1"]["smallest_effect"] == 0.7
