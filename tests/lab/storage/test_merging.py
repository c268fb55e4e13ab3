"""What a merge adds, what it leaves, and that a claim does not look older than its results."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from levinthal.lab.storage.claims import Frozen, first_frozen
from levinthal.lab.storage.runs import SOURCE, Run, Status, cell_name
from levinthal.lab.storage.store import Store
from levinthal.vocabulary import Estimate, Measurement

KEY = ("toy", 1, "quick")
CELLS = {cell_name("toy", 1, {"width": 20})}


def put(path: Path, *runs: tuple[int, float], source: str = "a", started: str = "") -> Path:
    with Store(path) as store:
        for seed, value in runs:
            run = Run("toy", 1, {"width": 20}, seed, environment={SOURCE: source}, started=started)
            store.write([run], [Measurement("error", Estimate.exact(value), seed)], again=True)
    return path


def merged(into: Path, other: Path) -> tuple[int, int, int]:
    with Store(into) as store, Store(other, read_only=True) as theirs:
        found = store.merge(theirs)
        assert store.check() == []
        return found.added, found.same, len(found.conflicts)


def values(path: Path) -> dict[int, float]:
    with Store(path, read_only=True) as store:
        return store.rows("toy").by_seed()


def test_finished_runs_are_added_once(tmp_path: Path) -> None:
    into, other = put(tmp_path / "a", (0, 1.0)), put(tmp_path / "b", (0, 1.0), (1, 2.0))
    assert merged(into, other) == (1, 1, 0)
    assert merged(into, other) == (0, 2, 0)
    assert values(into) == {0: 1.0, 1: 2.0}


def test_of_other_numbers_the_first_stay_and_the_run_is_named(tmp_path: Path) -> None:
    into, other = put(tmp_path / "a", (0, 1.0)), put(tmp_path / "b", (0, 9.0), (1, 2.0))
    with Store(into) as store, Store(other, read_only=True) as theirs:
        found = store.merge(theirs)
    assert found.conflicts == ('run toy {"width": 20} seed 0 has other numbers there',)
    assert values(into) == {0: 1.0, 1: 2.0}


def test_a_run_that_was_measured_again_comes_with_its_attempts(tmp_path: Path) -> None:
    into, other = put(tmp_path / "a", (0, 1.0)), put(tmp_path / "b", (0, 1.0))
    put(other, (0, 2.0), source="b")
    assert merged(into, other) == (1, 1, 0)
    assert values(into) == {0: 2.0}


def test_a_failed_run_is_not_merged_and_gives_way(tmp_path: Path) -> None:
    into, other = tmp_path / "a", put(tmp_path / "b", (0, 1.0))
    failed = Run("toy", 1, {"width": 20}, 0, status=Status.FAILED, error="no")
    with Store(into) as store:
        store.write([failed])
    with Store(other) as store:
        store.write([Run("toy", 1, {"width": 20}, 5, status=Status.FAILED, error="no")])
    assert merged(into, other) == (1, 0, 0)
    assert values(into) == {0: 1.0}


def frozen(smallest: float) -> Frozen:
    return Frozen(*KEY, {}, {"T1": {"smallest_effect": smallest}})


def test_claims_that_were_changed_after_the_other_store_was_run_are_no_longer_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run, look, change the claim, freeze it in a fresh store, merge: the old record still counts."""
    times = iter(["2026-01-01T00:00:00+00:00", "2026-03-01T00:00:00+00:00"])
    monkeypatch.setattr("levinthal.lab.storage.freezing._now", lambda: next(times))
    old, new = tmp_path / "old", tmp_path / "new"
    with Store(old) as store:
        store.freeze(frozen(0.7), CELLS)
    put(old, (0, 1.0), started="2026-02-01T00:00:00+00:00")
    with Store(new) as store:
        store.freeze(frozen(0.1), CELLS)
        assert first_frozen(store.frozen(*KEY)).claims["T1"]["smallest_effect"] == 0.1  # type: ignore[union-attr]
    assert merged(new, old) == (1, 0, 0)
    with Store(new, read_only=True) as store:
        assert [record.finished for record in store.frozen(*KEY)] == [0, 1]
        assert first_frozen(store.frozen(*KEY)).claims["T1"]["smallest_effect"] == 0.7  # type: ignore[union-attr]


def test_analyses_are_counted_together(tmp_path: Path) -> None:
    for name, judged in (("a", "one"), ("b", "two")):
        with closing(Store(tmp_path / name)) as store:
            store.count_analysis(KEY, "T1", judged, 5)
    merged(tmp_path / "a", tmp_path / "b")
    with Store(tmp_path / "a") as store:
        assert store.count_analysis(KEY, "T1", "three", 5) == 3
