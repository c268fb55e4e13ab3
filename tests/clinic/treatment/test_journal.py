from __future__ import annotations

import math
from pathlib import Path

import pytest

from levinthal.clinic.treatment.journal import Kept
from levinthal.errors import InputError

ABOUT = {"steps": 60}


class Trainer:
    """Gives a score, and counts how often it was asked."""

    def __init__(self, score: float) -> None:
        self.result, self.calls = score, 0

    def __call__(self) -> float:
        self.calls += 1
        return self.result


def test_what_was_trained_is_not_trained_again_but_for_one_trial(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    scores = {("untreated", 0): 0.1, ("untreated", 1): 1 / 3, ("rate / 10", 0): math.nan}
    for again in range(2):
        kept, trainers = Kept(path, ABOUT), {key: Trainer(score) for key, score in scores.items()}
        for (arm, seed), trainer in trainers.items():
            found = kept.score(arm, seed, trainer)
            assert found.hex() == scores[arm, seed].hex()
        assert [trainer.calls for trainer in trainers.values()] == ([1, 0, 0] if again else [1, 1, 1])


def test_without_a_path_nothing_is_kept(tmp_path: Path) -> None:
    trainer = Trainer(0.5)
    assert Kept(None, ABOUT).score("untreated", 0, trainer) == 0.5
    assert Kept(None, ABOUT).score("untreated", 0, trainer) == 0.5
    assert trainer.calls == 2


def test_a_trial_that_comes_to_another_score_is_told_in_a_line(tmp_path: Path) -> None:
    Kept(tmp_path / "kept", ABOUT).score("untreated", 0, Trainer(0.5))
    with pytest.raises(
        InputError, match=r"holds 0.5 for untreated, seed 0, which now gives 0.25: .* another file"
    ):
        Kept(tmp_path / "kept", ABOUT).score("untreated", 0, Trainer(0.25))


def test_a_line_cut_in_the_middle_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    kept = Kept(path, ABOUT)
    for seed in range(3):
        kept.score("untreated", seed, Trainer(0.5 + seed))
    whole = path.read_text()
    path.write_text(whole[:-9])
    again, trainers = Kept(path, ABOUT), [Trainer(0.5 + seed) for seed in range(3)]
    for seed, trainer in enumerate(trainers):
        again.score("untreated", seed, trainer)
    assert [trainer.calls for trainer in trainers] == [1, 0, 1]
    assert path.read_text() == whole


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no trials at all\n", "holds no trials"),
        ('{"levinthal": "0.0.1"}\n', "of something else"),
        ("[1]\n", "holds no trials"),
        ("\x00\x01\n", "holds no trials"),
        ("a last line without its end", "holds no trials"),
        ("", "holds no trials"),
    ],
)
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "kept"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        Kept(path, ABOUT)
    assert path.read_text() == text


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        Kept(tmp_path, ABOUT)
    with pytest.raises(InputError, match="cannot be written"):
        Kept(tmp_path / "missing" / "kept", ABOUT)
