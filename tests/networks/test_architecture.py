from __future__ import annotations

import pytest

from levinthal.errors import InputError
from levinthal.networks.architecture import Architecture


def test_the_paper_s_widths():
    assert Architecture(784, 50, 5).widths == (100, 50, 50, 50, 100)
    assert Architecture(784, 50, 2).widths == (100, 100)
    assert Architecture(784, 3, 4).shapes == ((6, 784), (3, 6), (3, 3), (6, 3), (10, 6))


@pytest.mark.parametrize(
    ("depth", "sources"),
    [
        (2, {}),
        (3, {}),
        (4, {}),  # the fourth is the last: twice as wide as the second
        (5, {4: 2}),
        (6, {4: 2}),
        (9, {4: 2, 6: 4, 8: 6}),
    ],
)
def test_residual_layers_are_the_even_inner_ones_from_the_fourth(depth, sources):
    shape = Architecture(784, 50, depth, residual=True)
    assert {layer: shape.source(layer) for layer in range(1, depth + 1) if shape.source(layer)} == sources
    assert all(shape.widths[layer - 1] == shape.widths[source - 1] for layer, source in sources.items())


def test_the_shortcut_adds_the_first_to_the_last_alone():
    shape = Architecture(784, 50, 6, shortcut=True)
    assert [shape.source(layer) for layer in range(1, 7)] == [None, None, None, None, None, 1]


def test_names():
    names = [Architecture(9, 2, 5, 3, s, r).name for s in (False, True) for r in (False, True)]
    assert names == ["mlp", "residual", "shortcut", "shortcut residual"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"width": 0}, "width=0 leaves a layer without a unit: use width=1 or more"),
        ({"width": -3}, "width=-3"),
        ({"depth": 1}, "depth=1 has no first and last hidden layer to tell apart: use depth=2 or more"),
        ({"inputs": 0}, "inputs=0"),
        ({"classes": 1}, "classes=1"),
    ],
)
def test_shapes_that_leave_no_network(changed, said):
    with pytest.raises(InputError) as caught:
        Architecture(**{"inputs": 784, "width": 20, "depth": 5, **changed})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
