"""Which runs a command means, and which share of the preset they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from levinthal.cli.narrowing import with_first_seed, with_seeds
from levinthal.cli.selection import Selected, preset_named
from levinthal.errors import InputError
from levinthal.lab import Run, Store
from levinthal.studies import find
from levinthal.vocabulary import Estimate, Measurement, Preset, Study, Task

PRESET = Preset("", None, (Task({"width": 20}, (0, 1, 2)), Task({"width": 50}, (0, 1))))
STUDY = replace(find("one-neuron-chain"), presets={"small": PRESET, "large": PRESET})


def part(preset: Preset, **more: Any) -> str:
    study: Study = replace(STUDY, presets={"small": preset})
    return Selected(study, "small", preset, None, ("--some", "option"), defined=STUDY, **more).part


def test_a_part_says_how_much_of_the_preset_it_is() -> None:
    assert part(PRESET) == part(with_seeds(PRESET, 5)) == ""
    assert part(with_seeds(PRESET, 1)) == "2 of the preset's 5 runs, by --some option"


def test_fresh_seeds_are_held_against_as_many_of_their_own() -> None:
    fresh = with_first_seed(PRESET, 8)
    assert part(fresh, first_seed=8) == ""
    assert part(with_first_seed(with_seeds(PRESET, 2), 8), first_seed=8).startswith(
        "4 of the preset's 5 runs"
    )


def test_the_first_preset_is_meant_where_none_is_named() -> None:
    assert (preset_named(STUDY, None), preset_named(STUDY, "large")) == ("small", "large")
    with pytest.raises(InputError, match="unknown preset 'lareg': did you mean 'large'"):
        preset_named(STUDY, "lareg")
    with pytest.raises(InputError, match="has no presets"):
        preset_named(replace(STUDY, presets={}), None)


def test_runs_on_a_data_set_are_not_those_of_a_preset_without_data(tmp_path: Path) -> None:
    chosen = Selected(STUDY, "small", PRESET, None)
    with Store(tmp_path / "s.sqlite") as store:
        for data in ("abc", ""):
            run = Run(STUDY.name, STUDY.version, {"width": 20}, 0, data)
            store.write([run], [Measurement("error", Estimate.exact(0.5), seed=0)])
            assert len(chosen.finished(store)) == len(chosen.rows(store)) == (0 if data else 1)
