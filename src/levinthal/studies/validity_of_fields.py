"""What each field of a study may hold: the types, before anything is asked about what they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from levinthal.errors import InputError
from levinthal.lab.execution import kinds
from levinthal.lab.execution.kinds import SENTENCE, TEXT, TRUTH, Kind, Kinds, faults, shown
from levinthal.lab.storage.runs import cell_text
from levinthal.lab.storage.table import KEYS
from levinthal.vocabulary import Basis, Claim, Preset, Study, Task
from levinthal.vocabulary.studies import LARGEST_SEED, NAME

MOST_SEEDS = 100_000
"""The most seeds of a task."""
MOST_RUNS = 10_000_000
"""The most runs of a preset."""
_FILE_NAME = r"\w([\w .,+=-]*[\w+])?"


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 100 and bool(re.fullmatch(NAME, value))


def _is_preset_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= 100 and bool(re.fullmatch(_FILE_NAME, value))


def is_id(value: object) -> bool:
    """Whether a value can be the id of a claim: one short line that is not empty."""
    return SENTENCE.holds(value) and len(str(value)) <= 100 and str(value).isprintable()


def _is_presets(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(one, Preset) for one in value.values())


def _is_terms(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(kinds.is_text, (*value.keys(), *value.values())))


STUDY: Kinds = {
    "name": Kind(_is_name, "use small letters, digits and hyphens, such as 'toy-study'"),
    "chapter": TEXT,
    "question": SENTENCE,
    "source": TEXT,
    "version": Kind(
        lambda value: type(value) is int and 1 <= value <= LARGEST_SEED,
        "it must be a whole number, 1 or more",
    ),
    "presets": Kind(_is_presets, "give a mapping from name to Preset"),
    "measure": Kind(
        kinds.takes("task", data=None, device="cpu"), "give a function measure(task, data=..., device=...)"
    ),
    "claims": Kind(
        lambda value: kinds.is_list(value, kinds.of(Claim)), "give a tuple of Claims, such as (claim,)"
    ),
    "figures": Kind(kinds.takes("rows"), "give a function figures(rows) that yields Figures"),
    "answer": Kind(kinds.takes("verdicts"), "give a function answer(verdicts) that returns a sentence"),
    "terms": Kind(_is_terms, "give a mapping from term to meaning, both texts"),
    "seed_by_seed": TRUTH,
    "protocol": Kind(
        lambda value: kinds.is_list(value, kinds.is_text), "give a tuple of factors, such as ('batch',)"
    ),
}
CLAIM: Kinds = {
    "says": TEXT,
    "source": TEXT,
    "effect": TEXT,
    "unit": TEXT,
    "smallest_effect": Kind(
        lambda value: value is None or kinds.is_number(value), "give a number, or None to report it only"
    ),
    "control": TEXT,
    "evidence": Kind(kinds.takes("rows"), "give a function evidence(rows), or an expression of evidence()"),
    "why_smallest": TEXT,
    "basis": Kind(kinds.of(Basis), f"give one of {', '.join(f'Basis.{one.name}' for one in Basis)}"),
    "null": Kind(kinds.is_number, "give a number, 0 for a difference or chance level for a share"),
    "rival": TEXT,
    "why_no_control": TEXT,
    "deterministic": TRUTH,
    "binary": TRUTH,
    "quote": TEXT,
}
PRESET: Kinds = {
    "about": TEXT,
    "data": Kind(
        lambda value: value is None or SENTENCE.holds(value), "give the name of a data set, or None"
    ),
    "tasks": Kind(
        lambda value: kinds.is_list(value, kinds.of(Task)) and bool(value),
        "give a tuple of Tasks, at least one",
    ),
}
TASK: Kinds = {
    "cell": Kind(lambda value: isinstance(value, Mapping), "give a mapping from factor to level"),
    "seeds": Kind(
        lambda value: isinstance(value, tuple | list | range) and 0 < len(value) <= MOST_SEEDS,
        f"give a tuple of 1 to {MOST_SEEDS} seeds",
    ),
    "cost": Kind(lambda value: kinds.is_finite(value) and value >= 0, "give a number, 0 or more"),
}


def faults_of_fields(study: Study) -> Iterator[str]:
    """What is wrong with the types of a study's fields and of its presets; those of claims follow.

    Args:
        study: the study. A fault ends the list: what follows relies on the fields before it.

    Yields:
        For each fault, the rest of a sentence that begins with the study.
    """
    yield from faults(study, STUDY)
    for name, preset in study.presets.items():
        if not _is_preset_name(name):
            yield f"presets has the name {shown(name)}: use letters, digits and hyphens"
        yield from (f"preset {name} has {fault}" for fault in _of_preset(preset))


def _of_preset(preset: Preset) -> Iterator[str]:
    yield from faults(preset, PRESET)
    for task in preset.tasks:
        yield from (f"a task with {fault}" for fault in faults(task, TASK))
        yield from _of_cell(task)
    runs = sum(len(task.seeds) for task in preset.tasks)
    if runs > MOST_RUNS:
        yield f"{runs} runs: give tasks with at most {MOST_RUNS} runs together, or several presets"
    for seed in (seed for task in preset.tasks for seed in task.seeds):
        if type(seed) is not int or not 0 <= seed <= LARGEST_SEED:
            yield f"the seed {shown(seed)}: give whole numbers from 0 to {LARGEST_SEED} in seeds=(...)"


def _of_cell(task: Task) -> Iterator[str]:
    for factor, level in task.cell.items():
        if not SENTENCE.holds(factor):
            yield f"a task with the factor {shown(factor)} in its cell: give each factor a name"
        elif factor in KEYS:
            yield f"a task with the factor '{factor}' in its cell, which is a column of the rows: rename it"
        elif isinstance(level, str) and not kinds.is_text(level):
            yield f"a task with {factor}={shown(level)} in its cell: give at most {kinds.LONGEST} characters"
        else:
            yield from _of_level(factor, level)


def _of_level(factor: str, level: object) -> Iterator[str]:
    try:
        cell_text({factor: level})
        float(0 if isinstance(level, str) else level)  # type: ignore[arg-type]
    except (InputError, OverflowError):
        yield (f"a task with {factor}={shown(level)} in its cell: give text, a finite number, True or False")


def faults_of_claim(claim: Claim) -> Iterator[str]:
    """What is wrong with the types of a claim's fields: the rest of a sentence that begins with the claim."""
    if not claim.says and isinstance(claim.says, str):
        yield "has no sentence: say in says=... what is tested"
    yield from (f"has {fault}" for fault in faults(claim, CLAIM))
