"""The claims of a study as they are now: what is stored before the first run, and held against it later."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from levinthal.lab.execution.evidence import evidence_sources, words_of_claims
from levinthal.lab.execution.values import value_hash
from levinthal.lab.storage.claims import Frozen, hash_of
from levinthal.lab.storage.runs import cell_name, cell_text
from levinthal.vocabulary import Claim, Preset, Study

_NOT_STORED = ("id", "evidence")


def frozen_now(study: Study, preset: str) -> Frozen:
    """The claims of a study, with hashes of the code and the values of the evidence, and a preset's plan.

    Args:
        study: the study.
        preset: the name of one of its presets, as the study defines it.

    Returns:
        Plain values with one hash; equal as long as no claim, no evidence, and no task is changed.
    """
    code, words = evidence_sources(study), words_of_claims(study)
    claims = {
        claim.id: _fields(claim) | {"code": code[claim.id], "values": value_hash(claim.evidence, words)}
        for claim in study.claims
    }
    return Frozen(study.name, study.version, preset, plan_of(study.presets[preset]), claims)


def plan_of(preset: Preset) -> dict[str, Any]:
    """What a preset runs: data set, numbers of cells, runs and seeds, levels of each factor, a hash of all.

    >>> from levinthal.vocabulary import Task
    >>> plan = plan_of(Preset("two widths", None, (Task({"width": 20}, (0, 1)), Task({"width": 50}, (0, 1)))))
    >>> plan["cells"], plan["runs"], plan["seeds"], plan["factors"]
    (2, 4, 2, {'width': '20, 50'})
    """
    seeds: dict[str, set[int]] = {}
    for task in preset.tasks:
        seeds.setdefault(cell_text(task.cell), set()).update(task.seeds)
    tasks = {cell: sorted(found) for cell, found in seeds.items()}
    return {
        "data": preset.data or "none",
        "cells": len(tasks),
        "runs": sum(map(len, tasks.values())),
        "seeds": len({seed for found in tasks.values() for seed in found}),
        "factors": _levels(preset),
        "hash": hash_of(tasks)[:16],
    }


def cells_of(study: Study, preset: Preset, data: str) -> set[str]:
    """The names of all cells of a preset on one data set."""
    return {cell_name(study.name, study.version, task.cell, data) for task in preset.tasks}


def _levels(preset: Preset) -> dict[str, str]:
    found: dict[str, dict[str, None]] = {}
    for task in preset.tasks:
        for factor, level in task.cell.items():
            found.setdefault(factor, {})[str(level)] = None
    return {factor: ", ".join(levels) for factor, levels in sorted(found.items())}


def _fields(claim: Claim) -> dict[str, Any]:
    held = {field.name: getattr(claim, field.name) for field in fields(claim)}
    return {name: _plain(value) for name, value in held.items() if name not in _NOT_STORED}


def _plain(value: Any) -> str | float | bool | None:
    """A field as JSON has it; numbers to twelve digits, because machines differ in the last."""
    if isinstance(value, bool) or value is None:
        return value
    return float(f"{float(value):.12g}") if isinstance(value, int | float) else str(value)
