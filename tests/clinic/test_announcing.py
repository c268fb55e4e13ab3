"""`watch(..., on_finding=function)`: each finding as soon as the rules can say it, and the run as it was."""

from __future__ import annotations

import asyncio
import random
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch
from tests.clinic.cases import X, Y, mlp
from tests.clinic.same_runs import Program, same
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import watch
from levinthal.clinic.announcing import JUDGED_AT_END, Announcer
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.errors import InputError
from levinthal.vocabulary import Finding, Severity


def found(code: str, severity: str = "warning", where: str = "0", follows: str | None = None) -> Finding:
    return Finding(code, Severity(severity), None, where, 0, {}, follows)


def heard(*moments: Iterable[Finding]) -> list[tuple[str, str]]:
    """Code and severity of what is announced while the training has these findings, the last at its end."""
    left, said = list(moments), list[Finding]()
    announcer = Announcer(said.append, lambda: left.pop(0))
    for _ in moments[1:]:
        announcer.during()
    announcer.at_end()
    return [(finding.code, str(finding.severity)) for finding in said]


def test_a_critical_finding_is_announced_at_once_and_a_warning_when_it_is_seen_twice_in_a_row() -> None:
    warned, severe = found("DEAD_UNITS"), found("NON_FINITE_LOSS", "critical")
    assert heard([severe], []) == [("NON_FINITE_LOSS", "critical")]
    assert heard([warned], [], [warned], []) == []
    assert heard([warned], [warned], []) == [("DEAD_UNITS", "warning")]


def test_a_finding_is_announced_once_for_each_layer() -> None:
    a, b = found("DEAD_UNITS"), found("DEAD_UNITS", where="2")
    assert heard([a], [a, b], [b, a], [a, b]) == 2 * [("DEAD_UNITS", "warning")]


def test_a_finding_that_becomes_more_severe_is_announced_again_and_a_milder_one_is_not() -> None:
    mild, severe = found("LR_TOO_HIGH"), found("LR_TOO_HIGH", "critical")
    twice = [("LR_TOO_HIGH", "warning"), ("LR_TOO_HIGH", "critical")]
    assert heard([mild], [mild], [severe], [mild]) == twice


def test_what_the_rest_of_the_training_may_refute_waits_for_its_end() -> None:
    early = [found("UNDERFIT"), found("DEAD_UNITS", "info"), found("INPUT_SCALE", follows="LR_TOO_LOW")]
    assert heard(early, early, []) == []
    assert heard(early, early, early) == [(f.code, str(f.severity)) for f in early]
    assert set(CATALOGUE) >= JUDGED_AT_END


def program(top: nn.Module | None = None) -> Program:
    def made() -> Any:
        model = mlp(depth=1, width=16, top=top)
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)

        def step(_: int) -> Tensor:
            rows = torch.randint(len(X), (32,))
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(X[rows]), Y[rows])
            loss.backward()
            optimizer.step()
            return loss

        return model, optimizer, step

    return made


def test_it_speaks_while_the_run_goes_on() -> None:
    torch.manual_seed(0)
    model, optimizer, step = program(nn.Softmax(1))()
    heard_at, now = dict[str, int](), [0]
    with watch(model, optimizer, every=2, on_finding=lambda f: heard_at.setdefault(f.code, now[0])):
        for now[0] in range(60):
            step(now[0])
    assert heard_at["DOUBLE_SOFTMAX"] < 30


@pytest.mark.parametrize("error", [SystemExit, GeneratorExit, asyncio.CancelledError])
def test_no_exception_of_the_function_ends_the_run(error: type[BaseException]) -> None:
    def ends(_: Finding) -> None:
        torch.set_grad_enabled(False)
        raise error

    with pytest.warns(UserWarning, match="on_finding raised"):
        same(program(nn.Softmax(1)), steps=40, every=2, on_finding=ends)


def test_a_function_that_draws_numbers_changes_no_bit_of_the_run_and_no_finding() -> None:
    said = list[Finding]()

    def drawing(finding: Finding) -> None:
        said.append(finding)
        torch.rand(3), np.random.rand(3), random.random()

    w = same(program(nn.Softmax(1)), steps=60, every=2, on_finding=drawing)
    silent = same(program(nn.Softmax(1)), steps=60, every=2)
    assert {(f.code, f.where) for f in w.findings()} <= {(f.code, f.where) for f in said}
    assert w.findings() == silent.findings()


def broken(finding: Finding) -> None:
    raise OSError("the network is down")


def test_a_function_that_fails_is_told_once_and_the_run_is_the_same() -> None:
    with pytest.warns(UserWarning, match="on_finding raised OSError: the network is down") as told:
        w = same(program(nn.Softmax(1)), steps=60, every=2, on_finding=broken)
    assert len(told) == 1
    assert (w.trouble, w.failed_rules) == ("", ())


def test_where_warnings_are_errors_the_run_goes_on_too() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(same(program(nn.Softmax(1)), steps=20, every=2, on_finding=broken).findings()) > 0


def test_a_loop_that_ends_in_an_error_has_its_findings_announced() -> None:
    torch.manual_seed(0)
    model, optimizer, step = program(nn.Softmax(1))()
    said = list[str]()

    def loop() -> None:
        with watch(model, optimizer, every=1, on_finding=lambda f: said.append(f.code)):
            for i in range(6):
                step(i)
            raise RuntimeError("the user's own")

    with pytest.raises(RuntimeError, match="own"):
        loop()
    assert "DOUBLE_SOFTMAX" in said


def test_what_is_no_function_is_refused() -> None:
    model, optimizer, _ = program()()
    with pytest.raises(InputError, match="pass a function of one Finding, such as print"):
        watch(model, optimizer, on_finding="print")  # type: ignore[arg-type]
