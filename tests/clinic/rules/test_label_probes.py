from __future__ import annotations

import numpy as np
import pytest

from levinthal.clinic.rules.label_probes import leaking_columns, linear_probe, neighbour_probe
from levinthal.clinic.rules.tables import Table

PROBES = (neighbour_probe, linear_probe)


def draw(seed: int, rows: int = 300, columns: int = 8) -> tuple[np.random.Generator, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator, generator.standard_normal((rows, columns))


@pytest.mark.parametrize("probe", PROBES)
def test_a_probe_tells_a_rule_from_none(probe) -> None:  # type: ignore[no-untyped-def]
    generator, x = draw(0)
    rule = probe(Table(x, (x[:, 0] + x[:, 1] > 0).astype(int)))
    none = probe(Table(x, generator.integers(0, 2, 300)))
    assert rule.z > 10
    assert rule.value > 0.2
    assert abs(none.z) < 4
    assert none.most < 0.1


def test_only_neighbours_tell_a_ring() -> None:
    _, x = draw(1, columns=2)
    ring = Table(x, ((x**2).sum(1) > 1.4).astype(int))
    neighbours, planes = neighbour_probe(ring), linear_probe(ring)
    assert neighbours is not None
    assert planes is not None
    assert neighbours.z > 10
    assert planes.value < 0.05


def test_ridge_left_out_rows_are_truly_left_out() -> None:
    """With as many columns as rows a fit is perfect, and a fit that leaves the row out is worth nothing."""
    generator, x = draw(2, rows=60, columns=60)
    probed = linear_probe(Table(x, None, generator.standard_normal(60)))
    assert probed is not None
    assert probed.z < 4


def test_columns_that_give_the_label_away() -> None:
    generator, x = draw(3)
    y = generator.integers(0, 3, 300)
    assert leaking_columns(Table(x, y)) is None
    leaky = x.copy()
    leaky[:, 5] = y
    found = leaking_columns(Table(leaky, y))
    assert found is not None
    assert found[0] == [5]
    assert found[1] == pytest.approx(1)
    stamped = np.column_stack((np.eye(3)[y], x, generator.standard_normal((300, 4))))
    found = leaking_columns(Table(stamped, y))
    assert found is not None
    assert set(found[0]) <= {0, 1, 2}


def test_numbers_given_away_in_other_units() -> None:
    generator, x = draw(4)
    y = generator.standard_normal(300)
    x[:, 2] = np.exp(y)
    found = leaking_columns(Table(x, None, y))
    assert found is not None
    assert found[0] == [2]


def test_an_easy_task_is_not_reported_as_a_leak() -> None:
    """Where many columns tell the classes apart none is suspect; nor is one that tells nine rows of ten."""
    generator, x = draw(5)
    y = generator.integers(0, 2, 300)
    assert leaking_columns(Table(x + 8 * y[:, None], y)) is None
    x[:, 0] += 2.5 * y
    assert leaking_columns(Table(x, y)) is None
