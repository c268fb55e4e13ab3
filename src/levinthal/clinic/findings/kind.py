"""One kind of finding, whole: what it means, when it is reported, where the measure is from, what to do.

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
    """The part of training in which a finding shows: one sign of a report each, in the report's order."""

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
    """Format fields without a format of their own as short numbers."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """
        >>> _Numbers().format("{0}, {1}, {2}, {2:.0%}", 1e-5, 1000.0, 0.2)
        '1e-5, 1,000, 0.2, 20%'
        """
        return format(value, format_spec or ",g").replace("e-0", "e-")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingKind:
    """All that is known of a finding before it is reported.

    Attributes:
        code: The name by which it is reported; it never changes.
        means: One clause: what is wrong.
        remedy: What to do, as code where it can be.
        severity: The usual severity; a rule may report another.
        area: The sign of the report in which it shows.
        order: Its place in the causal order; a kind explains only kinds of higher order. Numbers are 10
            apart, so that a new kind finds a place between two.
        evidence: When it is reported: a template whose fields are the names of `thresholds`.
        thresholds: Name -> number, the constants that the rule compares with.
        source: Where the measure is from.
        explains: Codes of the findings that are its symptoms.
        explained_by: Codes of earlier kinds that it is a symptom of, where they do not list it.
        only_by_hand: Why no change of a `Problem` can mend it; empty where `treat` has a remedy to try.
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
        """When it is reported, with the numbers that the rule uses."""
        return _Numbers().vformat(self.evidence, (), self.thresholds)


def rule(*kinds: FindingKind) -> Callable[[Check], Check]:
    """Mark a function as a rule that reports these kinds; `rules.catalogue` collects it from its module."""

    def marked(check: Check) -> Check:
        check.finds = kinds  # type: ignore[attr-defined]
        return check

    return marked


def is_rule(value: Any) -> bool:
    """Whether `rule` marked it."""
    return bool(getattr(value, "finds", ()))


def in_causal_order(kinds: Iterable[FindingKind]) -> dict[str, FindingKind]:
    """Code -> kind, causes before symptoms; what is `explained_by` another is added to the other's list."""
    ordered = sorted(kinds, key=lambda kind: kind.order)
    return {kind.code: replace(kind, explains=(*kind.explains, *_added(kind, ordered))) for kind in ordered}


def _added(cause: FindingKind, kinds: Iterable[FindingKind]) -> Iterator[str]:
    return (kind.code for kind in kinds if cause.code in kind.explained_by)
