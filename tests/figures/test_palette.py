from __future__ import annotations

import pytest

from levinthal.figures.palette import (
    ARCHITECTURES,
    DARK,
    LIGHT,
    OTHERS,
    at_level,
    contrast,
    looks,
    luminance,
    viridis,
)
from levinthal.vocabulary import Outcome

THEMES = {"light": LIGHT, "dark": DARK}
OUTCOMES = tuple(word.replace(" ", "-") for word in Outcome)
GROUPS = (*ARCHITECTURES, "null", *(f"other-{i}" for i in range(OTHERS)))
LEVELS = tuple(f"level-{step}" for step in range(0, 101, 5))


def test_both_themes_name_the_same_colours() -> None:
    assert LIGHT.keys() == DARK.keys()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", ["paper", "raised"])
@pytest.mark.parametrize("token", ["ink", "muted", "accent", *OUTCOMES, *(f"{g}-text" for g in GROUPS)])
def test_text_stands_out(theme: str, ground: str, token: str) -> None:
    palette = THEMES[theme]
    assert contrast(palette[token], palette[ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("token", [*GROUPS, *LEVELS])
def test_marks_stand_out(theme: str, token: str) -> None:
    palette = THEMES[theme]
    assert contrast(palette[token], palette["paper"]) >= 3.0


@pytest.mark.parametrize("theme", THEMES)
def test_levels_run_one_way_in_lightness(theme: str) -> None:
    shades = [luminance(THEMES[theme][level]) for level in LEVELS]
    assert shades == sorted(shades)
    assert len(set(shades)) == len(shades)


def test_contrast_of_known_pairs() -> None:
    # WebAIM's published values for these pairs
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#0000ff", "#ffffff") == pytest.approx(8.59, abs=0.01)
    assert contrast("#ffffff", "#0000ff") == contrast("#0000ff", "#ffffff")


def test_viridis_passes_through_its_middle() -> None:
    assert viridis(0.5) == "#21918c"
    assert viridis(7.0) == viridis(1.0)


def test_architectures_keep_their_look_whatever_stands_beside_them() -> None:
    alone = {name: looks((name,))[name] for name in ARCHITECTURES}
    beside = looks((*ARCHITECTURES, "adam", "sgd", "null"))
    assert {name: beside[name] for name in ARCHITECTURES} == alone
    assert len({look.colour for look in alone.values()}) == 4
    assert len({look.symbol for look in alone.values()}) == 4
    assert alone["mlp"].symbol == "circle"
    assert alone["shortcut-residual"].symbol == "diamond"


def test_spelling_of_an_architecture_does_not_matter() -> None:
    assert looks(("Shortcut residual",))["Shortcut residual"].colour == "token:shortcut-residual"
    assert looks(("shortcut_residual",))["shortcut_residual"].colour == "token:shortcut-residual"


def test_other_groups_differ_and_are_the_same_every_time() -> None:
    names = ("adam", "sgd", "rmsprop", "orthogonal", "glorot", "identity")
    first = looks(names)
    assert len({look.colour for look in first.values()}) == len(names)
    assert looks(tuple(reversed(names))) == first


def test_more_groups_than_colours_still_get_one() -> None:
    names = tuple(f"group {i}" for i in range(20))
    assert set(looks(names)) == set(names)


def test_nulls_are_grey() -> None:
    assert looks(("shuffled null",))["shuffled null"].colour == "token:null"
    assert looks(("",))[""].colour == "token:null"


def test_a_level_takes_the_sequential_colour_and_keeps_the_mark() -> None:
    look = looks(("mlp",))["mlp"]
    placed = at_level(look, 0.52)
    assert placed.colour == "token:level-50"
    assert placed.symbol == look.symbol
    assert at_level(look, None) is look
    assert at_level(look, 3.0).colour == "token:level-100"
