"""One kind of finding in one place: its meaning, when it is reported, the source of its measure, its remedy.

A kind stands beside the rule that reports it (`rules/`). The catalogue, the page of findings, the signs of a
report and the evidence text are made from it.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

from levinthal.vocabulary import Severity

Check = TypeVar("Check", bound=Callable[..., Any])


class Area(StrEnum):
    """The part of training that a finding concerns: one sign of a report each, in the order of the report."""

    LOSS = "Loss"
    DATA = "Data"
    LOSS_FUNCTION = "Loss function"
    MODEL = "Model"
    OPTIMISER = "Optimiser"
    STEP = "Step"
    GRADIENT = "Gradient"
    ACTIVATIONS = "Activations"
    LABELS = "Labels"
    VALIDATION = "Validation"


class _Numbers(string.Formatter):
    """Formats fields that have no format of their own as short numbers."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """
        >>> _Numbers().format("{0}, {1}, {2}, {2:.0%}", 1e-5, 1000.0, 0.2)
        '1e-5, 1,000, 0.2, 20%'
        """
        return format(value, format_spec or ",g").replace("e-0", "e-")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingKind:
    """All that is known about a finding before it is reported.

    Attributes:
        code: The name under which it is reported; it never changes.
        means: One clause: what is wrong.
        remedy: What to do, as code where it can be.
        severity: The usual severity; a rule may report another.
        area: The sign of the report that shows it.
        order: Its place in the causal order: a kind explains only kinds of higher order. The numbers are 10
            apart, so that a new kind can be put between two.
        evidence: When it is reported: a template whose fields are the names of `thresholds`.
        thresholds: Name -> number: the constants that the rule compares with.
        source: The publication of the measure.
        explains: Codes of the findings that are its symptoms.
        explained_by: Codes of its causes, where these do not list it in `explains`.
        only_by_hand: Why no change of a `Problem` can fix it; empty where `treat` has a remedy to try.
    """

    code: str
    means: str
    remedy: str
    severity: Severity
    area: Area
    order: int
    evidence: str
    source: str
    thresholds: Mapping[str, float] = field(default_factory=dict)
    explains: tuple[str, ...] = ()
    explained_by: tuple[str, ...] = ()
    only_by_hand: str = ""

    @property
    def evidence_text(self) -> str:
        """When it is reported, with the numbers of the thresholds filled in."""
        return _Numbers().vformat(self.evidence, (), self.thresholds)


def rule(*kinds: FindingKind) -> Callable[[Check], Check]:
    """Mark a function as a rule that reports these kinds, and no others.

    `rules.catalogue` collects the function from its module.
    """

    def marked(check: Check) -> Check:
        check.finds = kinds  # type: ignore[attr-defined]
        return check

    return marked


def is_rule(value: Any) -> bool:
    """Whether `rule` has marked this value."""
    return bool(getattr(value, "finds", ()))


def in_causal_order(kinds: Iterable[FindingKind]) -> dict[str, FindingKind]:
    """Code -> kind, causes before symptoms; `explained_by` is added to the `explains` of the causes."""
    ordered = sorted(kinds, key=lambda kind: kind.order)
    return {kind.code: replace(kind, explains=(*kind.explains, *_added(kind, ordered))) for kind in ordered}


def _added(cause: FindingKind, kinds: Iterable[FindingKind]) -> Iterator[str]:
    """Codes of the kinds that name this one as their cause."""
    return (kind.code for kind in kinds if cause.code in kind.explained_by)
