"""The hash of what evidence was made with: other values, another hash, the same in every process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

from levinthal.lab.analysis import compare, each, evidence, log2_ratio, value
from levinthal.lab.execution.freezing import frozen_now
from levinthal.lab.execution.values import value_hash
from levinthal.studies import all_studies
from levinthal.vocabulary import Basis


def made(*values: Any) -> Callable[..., Any]:
    def read(rows: object, factor: float = 2.0) -> object:
        return (rows, values, factor)

    return read


def bound(first: object, second: object = 0, *, third: object = 0) -> object:
    return (first, second, third)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (made("full"), made("mini")),
        (made(1), made(2)),
        (made(np.int64(1)), made(np.int64(2))),
        (made(np.array([1, 2])), made(np.array([3, 4]))),
        (made(np.array([1, 2])), made(np.array([[1, 2]]))),
        (made(1), made(True)),
        (made(1, 2), made(2, 1)),
        (made((1, 2), 3), made((1,), 2, 3)),
        (made({"a": 1}), made({"a": 2})),
        (made(Basis.SEEN), made(Basis.PILOT)),
        (made(made("full")), made(made("mini"))),
        (made(min), made(max)),
        (partial(bound, 1), partial(bound, 2)),
        (partial(bound, third=1), partial(bound, third=2)),
        (evidence(value("loss", depth=2)), evidence(value("loss", depth=4))),
        (evidence(value("loss"), value("gain")), evidence(value("gain"), value("loss"))),
        (
            evidence(compare(value("loss"), value("gain"))),
            evidence(compare(value("loss"), value("gain"), log2_ratio)),
        ),
        (
            each("depth", make=made, label="{}".format, batch="full"),
            each("depth", make=made, label="{}".format, batch="mini"),
        ),
    ],
)
def test_other_values_have_another_hash(one: Callable[..., Any], other: Callable[..., Any]) -> None:
    assert value_hash(one) != value_hash(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (made("full", 0.1 + 0.2), made("full", 0.3)),
        (made({"a": 1, "b": 2}), made({"b": 2, "a": 1})),
        (made({"x", "y", "z"}), made({"z", "y", "x"})),
        (made(np.float64(0.5), np.int64(2)), made(0.5, 2)),
        (made(np.arange(3)), made(np.arange(3))),
        (made(object()), made(object())),
        (evidence(value("loss", depth=2)), evidence(value("loss", depth=2))),
    ],
)
def test_equal_values_have_one_hash(one: Callable[..., Any], other: Callable[..., Any]) -> None:
    assert value_hash(one) == value_hash(other)


def test_the_sentences_of_a_claim_are_not_covered() -> None:
    words = {"It falls.", "It sinks."}
    assert value_hash(made("It falls."), words) == value_hash(made("It sinks."), words)


def test_what_holds_itself_ends() -> None:
    def read(rows: object) -> object:
        return read(rows)

    assert value_hash(read) == value_hash(read)


def test_the_claims_of_one_factory_are_told_apart() -> None:
    study = all_studies()["first-last-information"]
    claims = frozen_now(study, next(iter(study.presets))).claims.values()
    assert len({fields["code"] for fields in claims}) < len(claims)
    assert len({(fields["code"], fields["values"]) for fields in claims}) == len(claims) == 33


def test_the_hash_is_the_same_in_every_process() -> None:
    code = (
        "from levinthal.studies import find\n"
        "from levinthal.lab.execution.values import value_hash\n"
        "print(*(value_hash(claim.evidence) for claim in find('layer-rescaling').claims))\n"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert len(found.pop().split()) == 7
