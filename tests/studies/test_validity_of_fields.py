"""Each field of a study, its presets, tasks and claims is refused where it has another type."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from levinthal.errors import StudyError
from levinthal.studies import all_studies
from levinthal.studies.validity import require_valid
from levinthal.studies.validity_of_fields import CLAIM, PRESET, STUDY, TASK
from levinthal.vocabulary import Claim, Preset, Study, Task

GOOD = all_studies()["one-neuron-chain"]
PARTS = {Study: STUDY, Claim: CLAIM, Preset: PRESET, Task: TASK}


def with_field(noun: type, field: str, value: Any) -> Study:
    """The good study with one field of it, or of a part of it, changed."""
    preset = next(iter(GOOD.presets.values()))
    if noun is Study:
        return replace(GOOD, **{field: value})
    if noun is Claim:
        return replace(GOOD, claims=(replace(GOOD.claims[0], **{field: value}),))
    if noun is Task:
        preset = replace(preset, tasks=(replace(preset.tasks[0], **{field: value}),))
        return replace(GOOD, presets={"quick": preset})
    return replace(GOOD, presets={"quick": replace(preset, **{field: value})})


def refusal(study: Study) -> str:
    with pytest.raises(StudyError) as caught:
        require_valid(study)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("noun", "field"), [(noun, field) for noun, held in PARTS.items() for field in held])
def test_a_field_of_another_type_is_named(noun: type, field: str) -> None:
    said = refusal(with_field(noun, field, object()))
    assert f"{field}=a object: " in said


def test_every_field_has_its_kind() -> None:
    for noun, held in PARTS.items():
        assert {field.name for field in fields(noun)} - {"id"} == held.keys()


@pytest.mark.parametrize(
    ("noun", "field", "value", "said"),
    [
        (Study, "protocol", "batch", "protocol='batch': give a tuple of factors"),
        (Study, "measure", lambda task: (), "measure=a function: give a function measure(task, data="),
        (Study, "version", 10**30, "it must be a whole number"),
        (Task, "cell", {"coin": [1]}, "a task with coin=[1] in its cell: give text, a finite number"),
        (Task, "cell", {"coin": math.nan}, "a task with coin=nan in its cell"),
        (Task, "cell", {"seed": 3}, "the factor 'seed' in its cell, which is a column of the rows"),
        (Task, "seeds", range(10**12), "seeds=range(0, 1000000000000): give a tuple of 1 to 100000 seeds"),
        (Task, "cost", -1.0, "cost=-1.0: give a number, 0 or more"),
        (Claim, "null", 10**400, "null="),
        (Claim, "says", "\ud800", "says='\\ud800': give a text"),
    ],
)
def test_a_value_that_cannot_be_meant_is_named(noun: type, field: str, value: Any, said: str) -> None:
    assert said in refusal(with_field(noun, field, value))


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=3),
    st.complex_numbers(),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=3)), max_size=3),
    st.dictionaries(st.text(max_size=3), st.one_of(st.none(), st.floats()), max_size=2),
    st.sampled_from([object(), print, Study, ..., range(10**12), frozenset({1}), 10**5000]),
)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(st.sampled_from([(n, f.name) for n in PARTS for f in fields(n)]), ODD)
def test_a_field_of_anything_is_accepted_or_refused_in_one_line(place: tuple[type, str], value: Any) -> None:
    study = with_field(*place, value)
    try:
        said = str(require_valid(study) is study)
    except StudyError as error:
        said = str(error)
    assert said
    assert "\n" not in said
