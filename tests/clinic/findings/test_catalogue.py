from __future__ import annotations

from pathlib import Path

from levinthal.clinic.findings.catalogue import CATALOGUE


def test_causes_come_before_what_they_explain() -> None:
    places = {code: place for place, code in enumerate(CATALOGUE)}
    for code, entry in CATALOGUE.items():
        assert all(places[symptom] > places[code] for symptom in entry.explains if symptom in places), code


def test_every_entry_says_what_it_means_and_what_to_do() -> None:
    for code, entry in CATALOGUE.items():
        assert entry.means, code
        assert entry.remedy, code
        assert code not in entry.explains
        assert len(set(entry.explains)) == len(entry.explains), code


def test_the_page_lists_every_finding_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs" / "watch.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{code}` | {entry.means} | {entry.remedy} |" for code, entry in CATALOGUE.items()]
