"""What a study's functions gave: measurements and evidence whose every field can be stored and judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from levinthal.errors import StudyError
from levinthal.lab.execution import kinds
from levinthal.lab.execution.kinds import SENTENCE, TEXT, TRUTH, Kind, Kinds, faults, shown
from levinthal.lab.storage.table import encoded
from levinthal.vocabulary import Estimate, Evidence, Interval, Measurement, Task

MOST_STEPS = 2**53
"""The largest step; a float holds every whole number up to it."""


def _is_value(value: object) -> bool:
    """Whether a value becomes one float: a number, or a tensor of one number; not a text."""
    if isinstance(value, str | bytes):
        return False
    try:
        float(value)  # type: ignore[arg-type]
    except Exception:
        return False
    return True


def _is_interval(value: object) -> bool:
    if not isinstance(value, Interval):
        return value is None
    return not value.low > value.high and 0 < value.level < 1 and TEXT.holds(value.method)


_SIDE = Kind(
    lambda value: (
        isinstance(value, Mapping)
        and all(TEXT.holds(name) and _is_effects(effects) for name, effects in value.items())
    ),
    "give a mapping from condition (a text) to seed (a whole number) to effect (a number)",
)


def _is_effects(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        kinds.is_whole(seed, 0, MOST_STEPS) and _is_value(effect) for seed, effect in value.items()
    )


MEASUREMENT: Kinds = {
    "name": SENTENCE,
    "estimate": Kind(kinds.of(Estimate), "give an Estimate, such as Estimate.exact(0.5)"),
    "step": Kind(lambda value: kinds.is_whole(value, 0, MOST_STEPS), "give a whole number, 0 or more"),
    "layer": TEXT,
    "condition": Kind(TEXT.holds, "give a text of key=value words, such as 'rate=0.1'"),
}
ESTIMATE: Kinds = {
    "unit": TEXT,
    "interval": Kind(_is_interval, "give an Interval with low <= high and a level between 0 and 1, or None"),
}
"""What the constructor of an Estimate does not refuse."""
EVIDENCE: Kinds = {
    "effects": _SIDE,
    "control": _SIDE,
    "grid_edge": TRUTH,
    "notes": Kind(lambda value: kinds.is_list(value, kinds.is_text), "give a tuple of texts"),
    "rival": _SIDE,
}


def measured(found: object) -> tuple[Any, ...]:
    """Everything that `measure` yielded; raises StudyError where it returned something else.

    >>> measured(None)
    Traceback (most recent call last):
        ...
    levinthal.errors.StudyError: measure returned None: let it yield Measurements
    """
    if not isinstance(found, Iterable) or isinstance(found, str | bytes | Mapping | type):
        raise StudyError(f"measure returned {shown(found)}: let it yield Measurements")
    return tuple(found)


def require_sound(task: Task, found: Sequence[Any]) -> None:
    """Raise StudyError unless each seed of the task, and no other, has measurements at distinct addresses."""
    wanted = set(task.seeds)
    for thing in found:
        if not isinstance(thing, Measurement):
            raise StudyError(f"the study yielded {type(thing).__name__}: yield Measurements")
        if not kinds.is_whole(thing.seed, 0, MOST_STEPS) or thing.seed not in wanted:
            given = shown(thing.seed)
            raise StudyError(f"the study yielded seed {given}; the task has seeds {listed(task.seeds)}")
        _require_fields(thing)
    seeds = {measurement.seed for measurement in found}
    if missing := sorted(wanted - seeds):
        raise StudyError(f"the study yielded nothing for seed {listed(missing)}")
    _refuse_same_address(found)


def _require_fields(one: Measurement) -> None:
    """Raise StudyError for a field of a measurement or of its estimate that cannot be stored."""
    for fault in faults(one, MEASUREMENT):
        raise StudyError(f"the study yielded a Measurement with {fault}")
    for fault in faults(one.estimate, ESTIMATE):
        raise StudyError(f"the study yielded the Measurement {shown(one.name)} with an estimate of {fault}")
    if one.estimate.details:
        try:
            encoded(one)
        except (TypeError, ValueError, RecursionError) as error:
            raise StudyError(f"the details of the Measurement {shown(one.name)}: {error}") from error


def _refuse_same_address(found: Sequence[Measurement]) -> None:
    addresses = Counter((m.seed, m.step, m.layer, m.name, m.condition) for m in found)
    address, times = addresses.most_common(1)[0]
    if times > 1:
        keys = ("seed", "step", "layer", "name", "condition")
        place = ", ".join(f"{key}={value}" for key, value in zip(keys, address, strict=True) if value != "")
        raise StudyError(
            f"the study yielded {times} measurements at {place}: tell them apart by their condition"
        )


def listed(seeds: Sequence[int], most: int = 20) -> str:
    """Seeds in words, the first ones where there are many.

    >>> listed((0, 1, 2)), listed(range(1000), most=2)
    ('0, 1, 2', '0, 1 and 998 more')
    """
    more = f" and {len(seeds) - most} more" if len(seeds) > most else ""
    return ", ".join(map(str, seeds[:most])) + more


def require_evidence(found: object) -> Evidence:
    """Refuse what is no evidence.

    Args:
        found: what the function of a claim returned.

    Returns:
        The same.

    Raises:
        StudyError: it is no Evidence, or a field of it is of another type; the message has the field.

    >>> require_evidence(None)
    Traceback (most recent call last):
        ...
    levinthal.errors.StudyError: it returned None: return an Evidence
    """
    if not isinstance(found, Evidence):
        raise StudyError(f"it returned {shown(found)}: return an Evidence")
    for fault in faults(found, EVIDENCE):
        raise StudyError(f"it returned an Evidence with {fault}")
    return found
