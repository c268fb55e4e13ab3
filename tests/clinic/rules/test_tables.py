from __future__ import annotations

import numpy as np
import torch

from levinthal.clinic.rules.tables import COLUMNS, table, vocabulary


def test_equal_rows_count_once_and_broken_rows_not_at_all() -> None:
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [torch.nan, 0.0]])
    found = table([(x[:2], torch.zeros(2)), (x[2:], torch.zeros(2))])
    assert found is not None
    assert sorted(found.values.tolist()) == [[1, 2], [3, 4]]


def test_targets_are_classes_or_numbers_or_neither() -> None:
    x = torch.arange(20.0)[:, None]
    classes = table([(x, torch.arange(20) % 2)])
    numbers = table([(x, torch.rand(20, 1))])
    many = table([(x, torch.rand(20, 3))])
    assert classes is not None
    assert numbers is not None
    assert many is not None
    assert classes.classes is not None
    assert np.array_equal(classes.classes, classes.values[:, 0] % 2)
    assert numbers.numbers is not None
    assert many.classes is None
    assert many.numbers is None


def test_words_are_counted() -> None:
    x = torch.tensor([[5, 5, 7], [7, 7, 7]])
    words = vocabulary([x])
    assert words is not None
    assert words.tolist() == [7, 5]
    found = table([(x, None)], words)
    assert found is not None
    assert sorted(found.values.tolist()) == [[1, 2], [3, 0]]
    assert vocabulary([x.float()]) is None


def test_wide_rows_are_thinned_and_unlike_rows_are_no_table() -> None:
    wide = table([(torch.rand(3, 4000), None)])
    assert wide is not None
    assert COLUMNS / 2 < wide.values.shape[1] <= COLUMNS
    assert table([(torch.rand(3, 2), None), (torch.rand(3, 4), None)]) is None
    assert table([]) is None
