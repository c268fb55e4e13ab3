"""Claims that are frozen at the first run, and analyses that are counted, from the command to the page."""

from __future__ import annotations

import html
import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from levinthal.cli.judging import judged
from levinthal.cli.record import analysis
from levinthal.cli.selection import Selected
from levinthal.errors import StoreError
from levinthal.lab import Rows, Run, Store
from levinthal.lab.storage.runs import SOURCE
from levinthal.studies import find
from levinthal.vocabulary import Claim, Evidence

Call = Callable[..., Any]
RUN = ("study", "run", "small_study.py", "--device", "cpu", "--workers", "1")
REPORT = ("study", "report", "small_study.py")
PAGE = Path("results/toy-coins-quick.html")
STORE = Path("results/levinthal.sqlite")
KEY = ("toy-coins", 1, "quick")
T2 = (
    '        Claim("T2", "it has no number", "nobody", "nothing", "", 0.1, "", absent, '
    'why_no_control="no number"),\n'
)


def edit(*changes: tuple[str, str]) -> None:
    """Change the study in its file; the next command imports it anew."""
    file = Path("small_study.py")
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    sys.modules.pop("small_study", None)


def page(path: Path = PAGE) -> str:
    """The page's text, without tags and scripts."""
    text = re.sub(r"<script.*?</script>|<style.*?</style>", "", path.read_text(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_claims_are_frozen_before_the_first_run_and_the_page_says_so(call: Call) -> None:
    call(*RUN)
    with Store(STORE) as store:
        (frozen,) = store.frozen(*KEY)
        first = min(run.started for run in store.runs())
    assert frozen.finished == 0
    assert frozen.time <= first
    assert frozen.claims["T1"]["smallest_effect"] == 0.1
    assert len(frozen.claims["T1"]["code"]) == 16
    assert frozen.plan["runs"] == 12
    assert re.search(rf"Claims frozen before the first run \(\S+ \S+ UTC, hash {frozen.hash[:12]}\)", page())
    assert "after the run" not in page()


CHANGED = [
    ("0.1,", "0.05,", "T1", "Claim changed after the run: smallest effect size: 0.1 before, 0.05 now."),
    ('"heads above a half"', '"heads"', "T1", "effect: “heads above a half” before, “heads” now."),
    ("bent[s] - 0.5", "bent[s] - 0.4", "T1", "Claim changed after the run: the code of its evidence has"),
    ('"it does"', '"it does so"', "T1", "Reworded after the run: sentence: “it does” before, “it does so” n"),
    ("one toss in ten", "a tenth", "T1", "Reworded after the run: why this smallest effect size: "),
    ('Claim("T2",', 'Claim("T3",', "T3", "Added after the run."),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "claim", "words"), CHANGED)
def test_a_claim_that_is_changed_after_the_run_says_so_wherever_it_is_shown(
    call: Call, old: str, new: str, claim: str, words: str
) -> None:
    call(*RUN)
    edit((old, new))
    said = call(*REPORT, "--markdown", "page.md")
    assert " ".join(words.split()) in page()
    assert words in Path("page.md").read_text()
    verdicts = {one["claim"]: one for one in json.loads(Path("page.json").read_text())["verdicts"]}
    assert verdicts[claim]["change"].split()[-3:] == ["after", "the", "run"]
    others = {name for name, one in verdicts.items() if one["change"]} - {claim}
    assert others <= ({"T1", "T2"} if old == "0.1," else set())
    joined = " ".join(said.out.split())
    assert "after the run" in joined
    assert said.code == 0


def test_a_claim_that_was_changed_back_is_as_it_was(call: Call) -> None:
    call(*RUN)
    edit(("0.1,", "0.05,"))
    assert "after the run" in call(*RUN).out
    edit(("0.05,", "0.1,"))
    assert "after the run" not in call(*RUN).out
    assert "after the run" not in page()
    with Store(STORE) as store:
        assert len(store.frozen(*KEY)) == 3


def test_a_dropped_claim_and_other_tasks_are_named_at_the_top(call: Call) -> None:
    call(*RUN)
    edit(
        (T2, ""),
        ('preset("two coins", "bent", "fair")', 'preset("two coins", "bent", "fair", seeds=SEEDS + (6, 7))'),
    )
    said = call(*REPORT)
    for words in (
        "laim T2 dropped after the run: “it has no number”",
        "reset changed after the run: runs 12 before, 16 now; seeds 6 before, 8 now",
    ):
        assert words in page()
        assert words in said.err


def test_more_seeds_from_the_command_line_are_no_change_of_the_preset(call: Call) -> None:
    call(*RUN, "--seeds", "3")
    call(*RUN)
    said = call(*RUN, "--seeds", "8")
    assert "changed" not in said.out + said.err + page(Path("results/toy-coins-quick-seeds-8.html"))


def test_runs_that_are_older_than_the_record_are_called_so(call: Call) -> None:
    call(*RUN)
    connection = sqlite3.connect(STORE)
    for table in ("frozen", "analyses", "checksums", "leases"):
        connection.execute(f"DROP TABLE {table}")
    connection.executescript("DELETE FROM meta WHERE key LIKE '%checksum'; PRAGMA user_version = 1")
    connection.close()
    call(*REPORT)
    assert "Claims not frozen: runs older than the record" in page()
    call(*RUN)
    assert "not frozen: runs older than the record (12 runs before " in page()
    edit(("0.1,", "0.05,"))
    call(*REPORT)
    assert "Claim changed after the run: smallest effect size: 0.1 before, 0.05 now." in page()


def test_a_new_version_is_frozen_anew_and_the_provenance_names_what_differs(call: Call) -> None:
    call(*RUN)
    assert "the store also has" not in page()
    edit(("version=1", "version=2"))
    said = call(*RUN)
    second = Path("results/toy-coins-quick-v2.html")
    assert "version 1 was run in this store: the same claims" in page(second)
    unused = "Version 2; the store also has 12 runs of version 1, which are not used."
    assert unused in page(second)
    assert unused in said.out
    edit(("0.1,", "0.05,"), ("version=2", "version=3"))
    call(*RUN)
    text = page(Path("results/toy-coins-quick-v3.html"))
    assert "the store also has 12 runs of version 1 and 12 runs of version 2, which are not used" in text
    assert "T1 claim changed since version 2: smallest effect size: 0.1 before, 0.05 now" in text
    assert "after the run" not in text


def test_claims_may_change_as_long_as_no_run_is_finished(call: Call) -> None:
    call(*RUN, "--preset", "failing", "--set", "coin=broken")
    edit(("0.1,", "0.05,"))
    call(*RUN, "--preset", "failing")
    text = page(Path("results/toy-coins-failing.html"))
    assert "frozen before the first run" in text
    assert "after the run" not in text


def test_a_run_that_is_interrupted_has_frozen_its_claims(call: Call) -> None:
    assert call(*RUN, "--preset", "stopping").code == 130
    with Store(STORE) as store:
        (frozen,) = store.frozen("toy-coins", 1, "stopping")
    assert frozen.finished == 0
    edit(("0.1,", "0.05,"))
    call(*REPORT, "--preset", "stopping")
    assert "Claim changed after the run" in page(Path("results/toy-coins-stopping.html"))


def test_a_smallest_effect_size_that_was_chosen_late_says_so_in_its_row(call: Call) -> None:
    edit(
        ('why_smallest="chosen', 'basis=Basis.SEEN, why_smallest="chosen'),
        ("    Axis,\n", "    Axis,\n    Basis,\n"),
        ("from levinthal import", "from levinthal.vocabulary import"),
    )
    said = call(*RUN)
    words = "ts test or its smallest effect size was chosen after the results were seen."
    assert words in page()
    assert words in " ".join(said.out.split())


def test_judging_more_seeds_counts_and_judging_the_same_does_not(call: Call) -> None:
    mark = "Second analysis: intervals at 99 %."
    call(*RUN, "--seeds", "4")  # too few to decide anything
    for words in (RUN, RUN, REPORT):
        call(*words)
        assert "analysis: intervals" not in page()
    call(*RUN, "--seeds", "8")
    assert mark in page(Path("results/toy-coins-quick-seeds-8.html"))
    call(*REPORT)  # the better of two answers may not be picked: the first is at 99 % too from now on
    assert mark in page()
    call(*RUN, "--seeds", "7")
    assert mark.replace("Second", "Third") in page(Path("results/toy-coins-quick-seeds-7.html"))


def test_a_report_of_a_store_that_may_not_be_written_still_comes(call: Call, here: Path) -> None:
    call(*RUN)
    (here / "copy").mkdir()
    copy = here / "copy" / "s.sqlite"
    copy.write_bytes(STORE.read_bytes())
    copy.chmod(0o444)
    said = call(*REPORT, "--store", str(copy))
    assert (said.code, said.err) == (0, "")


def test_two_processes_that_start_the_same_preset_freeze_it_once(here: Path) -> None:
    words = [sys.executable, "-m", "levinthal", *RUN]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    both = [subprocess.Popen(words, cwd=here, **quiet) for _ in range(2)]
    assert [one.wait(timeout=240) for one in both] == [0, 0]
    with Store(STORE) as store:
        (frozen,) = store.frozen(*KEY)
        assert frozen.finished == 0
        assert len(store.runs("toy-coins")) == 12


def test_a_part_of_the_preset_and_a_part_of_its_runs_are_said_at_the_top(call: Call) -> None:
    call(*RUN, "--set", "coin=bent", "--seeds", "2")
    text = page(Path("results/toy-coins-quick-set-coin-bent-seeds-2.html"))
    part = "2 of the preset's 12 runs, by --set coin=bent --seeds 2"
    assert f"A part of the preset: {part}." in text
    assert f"Part {part}" in text
    call(*REPORT)
    assert "Not finished: 2 of 12 runs are stored (17 %)." in page()
    assert "Runs 2 of 12 (17 %), in 1 cells" in page()
    call(*RUN)
    assert "art of the preset" not in page()
    assert "%), in" not in page()


def test_fresh_seeds_are_another_page_of_the_same_frozen_preset(call: Call) -> None:
    call(*RUN)
    said = call(*RUN, "--first-seed", "6", "--seeds", "5")
    fresh = Path("results/toy-coins-quick-seeds-5-first-seed-6.html")
    assert said.out.startswith("10 runs measured")
    text = page(fresh)
    assert "Seeds 6 to 10" in text
    assert "--preset quick --seeds 5 --first-seed 6" in text
    assert "10 of the preset's 12 runs" in text
    assert "Second analysis: intervals at 99 %" in text
    assert "frozen before the first run" in text
    assert "preset changed" not in text
    call(*REPORT)
    assert "Seeds 0 to 5" in page()
    assert "first-seed" not in page()


def test_a_preset_with_fresh_seeds_alone_is_whole(call: Call) -> None:
    said = call(*RUN, "--first-seed", "6")
    assert (said.code, said.out[:16]) == (0, "12 runs measured")
    assert "A part of the preset" not in page(Path("results/toy-coins-quick-first-seed-6.html"))


def test_results_of_fresh_seeds_are_results_that_were_seen(call: Call) -> None:
    call(*RUN, "--first-seed", "6")
    edit(("0.1,", "0.05,"))
    call(*RUN)
    assert "Claim changed after the run: smallest effect size: 0.1 before, 0.05 now" in page()


def test_other_data_on_the_same_seeds_are_another_analysis(tmp_path: Path) -> None:
    study = find("one-neuron-chain")
    name, preset = next(iter(study.presets.items()))
    chosen = Selected(study, name, preset, None)
    claim = Claim("T1", "it does", "us", "effect", "", 0.5, "none", lambda rows: Evidence({}))
    effect = dict.fromkeys(range(8), 1.0)
    few, more = ({"": dict.fromkeys(range(n), 0.0)} for n in (6, 8))
    first, edited, other = (
        [Run(study.name, 1, {}, 0, data, environment={SOURCE: source})]
        for data, source in (("a", "x"), ("a", "y"), ("b", "y"))
    )
    with Store(tmp_path / "s.sqlite") as store:
        counts = [
            analysis(chosen, store, runs, claim, Evidence({"": effect}, control))
            for runs, control in ((first, few), (first, few), (first, more), (edited, more), (other, more))
        ]
    assert counts == [1, 1, 2, 3, 4]


def test_a_store_that_cannot_count_is_no_fault_of_the_evidence() -> None:
    claim = Claim("T1", "it does", "us", "effect", "", 0.5, "", lambda rows: Evidence({"": {0: 1.0}}))

    def locked(claim: Claim, evidence: Evidence) -> int:
        raise StoreError("s.sqlite was locked by another process for 60 s")

    study = replace(find("one-neuron-chain"), claims=(claim,))
    with pytest.raises(StoreError, match="locked"):
        judged(study, Rows.of([]), on_fault=print, count=locked)
