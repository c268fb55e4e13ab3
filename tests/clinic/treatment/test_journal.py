from __future__ import annotations

import math
from pathlib import Path

import pytest

from levinthal.clinic.treatment.journal import Journal
from levinthal.errors import InputError

ABOUT = {"steps": 60}


class Trainer:
    """Gives a score, and counts its calls."""

    def __init__(self, score: float) -> None:
        self.result, self.calls = score, 0

    def __call__(self) -> float:
        self.calls += 1
        return self.result


def test_stored_trainings_are_not_run_again_except_one(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    scores = {("untreated", 0): 0.1, ("untreated", 1): 1 / 3, ("learning rate / 10", 0): math.nan}
    for again in range(2):
        journal, trainers = Journal(path, ABOUT), {key: Trainer(score) for key, score in scores.items()}
        for (arm, seed), trainer in trainers.items():
            found = journal.score(arm, seed, trainer)
            assert found.hex() == scores[arm, seed].hex()
        assert [trainer.calls for trainer in trainers.values()] == ([1, 0, 0] if again else [1, 1, 1])


def test_without_a_path_nothing_is_stored(tmp_path: Path) -> None:
    trainer = Trainer(0.5)
    assert Journal(None, ABOUT).score("untreated", 0, trainer) == 0.5
    assert Journal(None, ABOUT).score("untreated", 0, trainer) == 0.5
    assert trainer.calls == 2


def test_a_stored_training_with_another_score_now_is_refused_in_one_line(tmp_path: Path) -> None:
    Journal(tmp_path / "journal", ABOUT).score("untreated", 0, Trainer(0.5))
    with pytest.raises(
        InputError, match=r"holds 0.5 for untreated, seed 0, which now gives 0.25: .* another file"
    ):
        Journal(tmp_path / "journal", ABOUT).score("untreated", 0, Trainer(0.25))


def test_an_incomplete_last_line_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path, ABOUT)
    for seed in range(3):
        journal.score("untreated", seed, Trainer(0.5 + seed))
    whole = path.read_text()
    path.write_text(whole[:-9])
    again, trainers = Journal(path, ABOUT), [Trainer(0.5 + seed) for seed in range(3)]
    for seed, trainer in enumerate(trainers):
        again.score("untreated", seed, trainer)
    assert [trainer.calls for trainer in trainers] == [1, 0, 1]
    assert path.read_text() == whole


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no journal\n", "not the journal"),
        ('{"levinthal": "0.0.1"}\n', "of another treatment"),
        ("[1]\n", "not the journal"),
        ("\x00\x01\n", "not the journal"),
        ("a last line without its end", "not the journal"),
        ("", "not the journal"),
    ],
)
def test_a_file_that_is_no_journal_of_this_treatment_is_not_changed(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "journal"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        Journal(path, ABOUT)
    assert path.read_text() == text


def test_a_folder_is_refused_and_one_that_is_not_there_is_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder: name the file to write"):
        Journal(tmp_path, ABOUT)
    Journal(tmp_path / "missing" / "journal", ABOUT)
    assert (tmp_path / "missing" / "journal").is_file()
