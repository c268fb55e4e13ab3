"""Every run that a test of the clinic diagnoses also checks that rules report only what they declare."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from levinthal.clinic.findings.kind import is_rule
from levinthal.clinic.rules import diagnosis
from levinthal.vocabulary import Finding


def undeclared(rule: Callable[..., Any], found: list[Finding]) -> list[str]:
    """What a rule reports beyond the kinds that its decorator names."""
    declared = {kind.code for kind in vars(rule)["finds"]} if is_rule(rule) else {f.code for f in found}
    return [f"{rule.__name__} reports {f.code}" for f in found if f.code not in declared]


@pytest.fixture(autouse=True)
def rules_report_only_the_kinds_that_they_declare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    applied, wrong = diagnosis._applied, list[str]()

    def checked(rule: Callable[..., Any], *args: Any) -> list[Finding]:
        found = applied(rule, *args)
        wrong.extend(undeclared(rule, found))
        return found

    monkeypatch.setattr(diagnosis, "_applied", checked)
    yield
    assert not wrong
