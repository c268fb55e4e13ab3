"""The presets: what they hold, and that arms which are compared share all but one factor."""

from __future__ import annotations

from levinthal.studies.skips_and_dynamics.first_last_information import study
from levinthal.studies.skips_and_dynamics.first_last_information.design import ARCHITECTURES, INITIAL_ARMS


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


def test_the_causal_arms_have_no_skip() -> None:
    for preset in study.presets.values():
        for arm in INITIAL_ARMS:
            found = [t.cell for t in preset.tasks if all(t.cell[key] == value for key, value in arm.items())]
            assert any(cell["architecture"] == "mlp" for cell in found)
