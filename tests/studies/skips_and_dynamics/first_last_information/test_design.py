"""The presets: what they hold, and that arms which are compared share all but one factor."""

from __future__ import annotations

from collections import defaultdict

from levinthal.studies.skips_and_dynamics.first_last_information import study
from levinthal.studies.skips_and_dynamics.first_last_information.design import (
    ARCHITECTURES,
    INITIAL_ARMS,
    RIVAL,
    SAME_LOGITS,
)


def test_no_cell_twice_and_every_cell_has_the_same_factors() -> None:
    for preset in study.presets.values():
        cells = [tuple(sorted(task.cell.items())) for task in preset.tasks]
        assert len(set(cells)) == len(cells)
        assert len({tuple(key for key, _ in cell) for cell in cells}) == 1


def test_at_least_five_paired_seeds_in_every_cell() -> None:
    assert all(
        task.seeds == tuple(range(len(task.seeds))) and len(task.seeds) >= 5
        for preset in study.presets.values()
        for task in preset.tasks
    )


def test_every_architecture_wherever_one_is_compared() -> None:
    for preset in study.presets.values():
        whole = [task.cell for task in preset.tasks if task.cell["read"] == "everything"]
        trained = [cell for cell in whole if cell["labels"] == "true"]
        assert {cell["architecture"] for cell in trained} == set(ARCHITECTURES)
        assert any(cell["labels"] == "shuffled" for cell in whole)


def test_the_standard_preset_trains_on_all_of_mnist_in_both_protocols() -> None:
    cells = [task.cell for task in study.presets["standard"].tasks]
    assert {cell["batch"] for cell in cells if cell["samples"] == 60_000} == {"full", "128"}


def test_at_least_twenty_initialisations_of_plain_networks() -> None:
    assert len(INITIAL_ARMS) >= 20
    for preset in study.presets.values():
        plain = [task.cell for task in preset.tasks if task.cell["architecture"] == "mlp"]
        assert set(INITIAL_ARMS) <= {(cell["init"], cell["slope"]) for cell in plain}


def test_control_and_rival_run_at_the_learning_rates_of_the_arms() -> None:
    for preset in study.presets.values():
        grids = defaultdict(set)
        for cell in (task.cell for task in preset.tasks):
            if cell["rate"] > 0 and cell["slope"] == 1 and cell["labels"] == "true":
                setting = tuple(cell[key] for key in ("batch", "samples", "steps", "depth"))
                grids[cell["architecture"], cell["init"], setting].add(cell["rate"])
        whole = {key for key, rates in grids.items() if len(rates) > 2}
        for architecture, init, setting in whole:
            if (
                architecture == "shortcut"
                and init == "glorot_normal"
                and ("mlp", SAME_LOGITS, setting) in grids
            ):
                assert len({len(grids["mlp", init, setting]) for init in ("glorot_normal", SAME_LOGITS)}) == 1
        assert any(init == SAME_LOGITS for _, init, _ in whole)
        assert any(init == RIVAL for _, init, _ in whole)


def test_a_cell_that_is_read_twice_is_run_once_and_read_most() -> None:
    for preset in study.presets.values():
        seen = [tuple(sorted((k, v) for k, v in task.cell.items() if k != "read")) for task in preset.tasks]
        assert len(set(seen)) == len(seen)
