"""How the claims of now differ from those that were frozen, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from levinthal.lab.storage.claims import Fields, Frozen

WORDS = ("says", "quote", "source", "why_smallest", "why_no_control")
"""The fields that decide nothing: a claim that differs in these alone was reworded."""
_NAMES = {
    "says": "sentence",
    "smallest_effect": "smallest effect size",
    "why_smallest": "why this smallest effect size",
    "why_no_control": "why there is no control",
    "null": "null value",
    "rival": "rival treatment",
    "basis": "basis of the smallest effect size",
}
CODE = "the code of its evidence has changed"
VALUES = "the values that its evidence is made with have changed"
_HASHES = {"code": CODE, "values": VALUES}
_BRIEF = {CODE: "code of its evidence", VALUES: "values of its evidence"}
SHORT = 120
"""Characters of differences that are shown in full beside a verdict."""


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a claim since it was frozen: a label, and one line for each field that differs."""

    label: str
    differences: tuple[str, ...] = ()

    @property
    def brief(self) -> str:
        """The label with its differences; with no more than what differs where they are long.

        >>> Change("reworded after the run", ("sentence: “It falls.” before, “It falls slowly.” now",)).brief
        'reworded after the run: sentence: “It falls.” before, “It falls slowly.” now'
        >>> Change("claim changed after the run", (f"quote: {'a long one, ' * 20}", CODE)).brief
        'claim changed after the run: quote, code of its evidence'
        """
        if not self.differences:
            return self.label
        whole = "; ".join(self.differences)
        named = (_BRIEF.get(one, one.partition(":")[0]) for one in self.differences)
        return f"{self.label}: {whole if len(whole) <= SHORT else ', '.join(named)}"


def changes(before: Frozen, now: Frozen, when: str = "after the run") -> dict[str, Change]:
    """The claims of now that are not as they were frozen.

    Args:
        before: the claims as they were frozen.
        now: the claims as they are now.
        when: the end of the labels, as "after the run".

    Returns:
        Id -> its change: "claim changed", "reworded" (only the words differ) or "added". Claims that are the
        same are left out. Fields that one of the two does not have are not compared.

    >>> was = Frozen("s", 1, "p", {}, {"R2": {"says": "It falls.", "smallest_effect": 0.7}})
    >>> now = Frozen("s", 1, "p", {}, {"R2": {"says": "It falls.", "smallest_effect": 0.55}})
    >>> changes(was, now)["R2"]
    Change(label='claim changed after the run', differences=('smallest effect size: 0.7 before, 0.55 now',))
    """
    found = {name: _change(before.claims.get(name), fields, when) for name, fields in now.claims.items()}
    return {name: change for name, change in found.items() if change is not None}


def _change(before: Fields | None, now: Fields, when: str) -> Change | None:
    if before is None:
        return Change(f"added {when}")
    differ = [name for name in now if name in before and _differs(name, before[name], now[name])]
    if not differ:
        return None
    label = "reworded" if all(name in WORDS for name in differ) else "claim changed"
    return Change(f"{label} {when}", tuple(_difference(name, before, now) for name in differ))


def _differs(name: str, before: Any, now: Any) -> bool:
    """Whether a field differs; hashes of two methods, or a missing one, are not compared."""
    if name in _HASHES and "" in (before, now):
        return False
    methods = {str(value).partition(":")[0] for value in (before, now)}
    return bool(before != now and not (name == "values" and len(methods) > 1))


def _difference(name: str, before: Fields, now: Fields) -> str:
    if name in _HASHES:
        return _HASHES[name]
    return f"{_NAMES.get(name, name)}: {_value(before[name])} before, {_value(now[name])} now"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == "":
        return "none"
    return f"“{value}”" if isinstance(value, str) else f"{value:.12g}"


def joined(first: Mapping[str, Change], second: Mapping[str, Change]) -> dict[str, Change]:
    """Changes since two times; a claim that has both has both labels.

    Args:
        first: the changes since one time.
        second: those since another.

    Returns:
        Id -> its change, with every difference once.

    >>> first, second = Change("added after it was registered"), Change("reworded after the run", ("x",))
    >>> joined({"R2": first}, {"R2": second})
    {'R2': Change(label='added after it was registered, reworded after the run', differences=('x',))}
    >>> joined({"R2": Change("reworded after it was registered")}, {"R2": Change("reworded after the run")})
    {'R2': Change(label='reworded after it was registered and after the run', differences=())}
    """
    both = {name: _joined(first[name], second[name]) for name in first if name in second}
    return {**first, **second, **both}


def _joined(first: Change, second: Change) -> Change:
    differences = dict.fromkeys((*first.differences, *second.differences))
    (one, _, _), (other, _, when) = (label.partition(" after ") for label in (first.label, second.label))
    label = f"{first.label} and after {when}" if one == other else f"{first.label}, {second.label}"
    return Change(label, tuple(differences))


def dropped(before: Frozen, now: Frozen, when: str = "after the run") -> tuple[str, ...]:
    """One line for each claim that was frozen and is no longer in the study.

    >>> dropped(Frozen("s", 1, "p", {}, {"R2": {"says": "It falls."}}), Frozen("s", 1, "p", {}, {}))
    ('claim R2 dropped after the run: “It falls.”',)
    """
    gone = {name: fields for name, fields in before.claims.items() if name not in now.claims}
    return tuple(f"claim {name} dropped {when}: “{fields.get('says', '')}”" for name, fields in gone.items())


def plan_changes(before: Frozen, now: Frozen, when: str = "after the run") -> tuple[str, ...]:
    """One line where the tasks of the preset are other ones than those that were frozen.

    >>> was, now = {"runs": 8, "seeds": 4, "hash": "a"}, {"runs": 16, "seeds": 8, "hash": "b"}
    >>> plan_changes(Frozen("s", 1, "p", was, {}), Frozen("s", 1, "p", now, {}))
    ('preset changed after the run: runs 8 before, 16 now; seeds 4 before, 8 now',)
    """
    if before.plan.get("hash") == now.plan.get("hash") and before.plan.get("data") == now.plan.get("data"):
        return ()
    differ = list(_flat(before.plan, now.plan))
    return (f"preset changed {when}: {'; '.join(differ) or 'other seeds or combinations of levels'}",)


def _flat(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """The entries of two plans that differ, without hashes; factors level by level."""
    for name in dict.fromkeys((*before, *now)):
        was, is_ = before.get(name), now.get(name)
        if isinstance(was, Mapping) and isinstance(is_, Mapping):
            yield from _flat(was, is_)
        elif was != is_ and name != "hash":
            yield f"{name} {'none' if was is None else was} before, {'none' if is_ is None else is_} now"
