"""`study run` and `study report`, from an empty folder to the page, finished or not."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import levinthal.cli.running
import levinthal.written_files.whole
from levinthal.lab import Store

Call = Callable[..., object]
RUN = ("study", "run", "small_study.py", "--device", "cpu", "--workers", "1")
PAGE = Path("results/toy-coins-quick.html")
STORE = Path("results/levinthal.sqlite")


def test_run_ends_with_the_verdicts_and_the_path_of_the_page(call: Call) -> None:
    said = call(*RUN)
    assert said.code == 0
    assert said.out.startswith("12 runs measured in ")
    assert re.search(r"(replicates|partially) +T1 ", said.out)
    assert said.out.splitlines()[-1] == f"Report: {PAGE}"
    page = PAGE.read_text()
    for word in ("Does a bent coin fall on heads?", "Bent coins fall on heads", "12 of 12", "0 to 5"):
        assert word in page
    assert "12 of 12 runs are stored" not in page


def test_a_misspelt_factor_in_a_claim_is_one_line_and_loses_nothing(call: Call, here: Path) -> None:
    file = here / "small_study.py"
    file.write_text(file.read_text().replace('coin="bent").by_seed', 'cion="bent").by_seed'))
    for command in ("run", "report"):
        said = call("study", command, "small_study.py", *INLINE[command])
        assert said.code == 2
        lines = [line for line in said.err.splitlines() if line.startswith("levinthal: ")]
        assert len(lines) == 1
        assert "claim T1" in lines[0]
        assert "unknown factor 'cion': did you mean 'coin'?" in lines[0]
        assert "results/toy-coins-quick.html" in said.out
        assert (here / "results/toy-coins-quick.html").exists()


def test_a_misspelt_level_in_a_claim_is_one_line_and_loses_nothing(call: Call, here: Path) -> None:
    file = here / "small_study.py"
    file.write_text(file.read_text().replace('coin="fair").by_seed', 'coin="fiar").by_seed'))
    for preset in ("quick", "half"):
        said = call(*RUN, "--preset", preset)
        assert said.code == 2
        (line,) = [line for line in said.err.splitlines() if line.startswith("levinthal: ")]
        assert "claim T1" in line
        assert "unknown coin 'fiar': did you mean 'fair'?" in line
        assert f"Report: results/toy-coins-{preset}.html" in said.out


def test_a_misspelt_measurement_in_a_claim_is_one_line_and_loses_nothing(call: Call, here: Path) -> None:
    file = here / "small_study.py"
    file.write_text(
        file.read_text().replace('name="heads", coin="bent").by_seed', 'name="haeds", coin="bent").by_seed')
    )
    for command in ("run", "report"):
        said = call("study", command, "small_study.py", *INLINE[command])
        assert said.code == 2
        (line,) = [line for line in said.err.splitlines() if line.startswith("levinthal: ")]
        assert line == (
            "levinthal: the evidence of claim T1 cannot be computed: unknown measurement 'haeds': "
            "did you mean 'heads'?"
        )
        assert f"Report: {PAGE}" in said.out
        assert "unknown measurement &#39;haeds&#39;" in PAGE.read_text()


def test_a_measurement_that_no_run_has_yet_is_no_error(call: Call, here: Path) -> None:
    file = here / "small_study.py"
    text = file.read_text().replace(
        'name="heads", coin="bent").by_seed', 'name="headz", coin="bent").by_seed'
    )
    lands = '            yield Measurement("headz", Estimate.exact(1.0), seed=seed)\n'
    file.write_text(
        text.replace("def excess(", f"        if noise > 1:  # it never lands\n{lands}\n\ndef excess(")
    )
    said = call(*RUN)
    assert (said.code, "unknown" in said.err) == (0, False)
    assert "No seed has a number for this claim yet." in PAGE.read_text()


def test_a_control_of_a_misspelt_condition_is_one_line(call: Call, here: Path) -> None:
    file = here / "small_study.py"
    file.write_text(file.read_text().replace('{"": {s: fair[s]', '{"al": {s: fair[s]'))
    said = call(*RUN)
    assert said.code == 2
    assert "control has the unknown condition 'al': did you mean 'all'?" in said.err
    assert f"Report: {PAGE}" in said.out


def test_a_unit_that_is_not_that_of_the_measurements_is_one_line(call: Call, here: Path) -> None:
    file = here / "small_study.py"
    text = file.read_text().replace(
        "            excess,\n", "            an.evidence(HEADS, control=FAIR),\n"
    )
    arms = """from levinthal.lab import analysis as an

HEADS, FAIR = (an.value("heads", coin=coin) for coin in ("bent", "fair"))


def excess("""
    file.write_text(
        text.replace("def excess(", arms, 1).replace('            "share",', '            "km",', 1)
    )
    said = call(*RUN)
    assert said.code == 2
    (line,) = [line for line in said.err.splitlines() if line.startswith("levinthal: ")]
    assert line.endswith("claim has unit='km' and its effect is measured in share: give both the same unit")
    assert f"Report: {PAGE}" in said.out
    file.write_text(file.read_text().replace("else 0.5", "else 0.45"))
    sys.modules.pop("small_study")
    assert call("study", "report", "small_study.py").code == 0, "units of other code are not asked for"


def test_a_level_that_only_another_preset_has_is_no_error(call: Call) -> None:
    said = call(*RUN, "--preset", "half")
    assert (said.code, "unknown" in said.err) == (0, False)


def test_an_edit_of_measure_is_reported_and_again_measures_it(call: Call, here: Path) -> None:
    file = here / "small_study.py"
    call(*RUN)
    for old, new in (("6 seeds", "six seeds"), ("def measure(", "# the toss\ndef measure(")):
        file.write_text(file.read_text().replace(old, new))
        sys.modules.pop("small_study")
        assert "has changed" not in call(*RUN).err
    file.write_text(file.read_text().replace("else 0.5", "else 0.45"))
    sys.modules.pop("small_study")
    for words in (RUN, ("study", "report", "small_study.py")):
        said = call(*words)
        assert said.code == 0
        assert said.err.splitlines()[-1] == (
            "levinthal: `measure` has changed since 12 of 12 runs were made: "
            "`levinthal study run small_study.py --preset quick --again`, or raise the study's version"
        )
        assert "has changed since 12 of 12 runs were made" in PAGE.read_text()
    again = call(*RUN, "--again")
    assert again.out.startswith("12 runs measured")
    assert "has changed" not in again.err + call(*RUN).err + PAGE.read_text()
    with Store(STORE) as store:
        assert store.rows("toy-coins").values().mean() == pytest.approx(0.625, abs=0.05)
        assert len(store.runs("toy-coins")) == 24


def test_a_study_whose_file_is_renamed_has_not_changed(call: Call, here: Path) -> None:
    call(*RUN)
    (here / "small_study.py").rename(here / "coins.py")
    try:
        assert call("study", "report", "coins.py").err == ""
    finally:
        sys.modules.pop("coins", None)


def test_set_narrows_the_preset_to_a_page_of_its_own(call: Call) -> None:
    call(*RUN)
    full = PAGE.read_text()
    said = call(*RUN, "--set", "coin=bent", "--seeds", "2")
    page = Path("results/toy-coins-quick-set-coin-bent-seeds-2.html")
    assert said.out.startswith("0 runs measured in 0 s, 2 were stored already")
    assert said.out.splitlines()[-1] == f"Report: {page}"
    assert PAGE.read_text() == full
    command = "levinthal study run small_study.py --preset quick --set coin=bent --seeds 2"
    assert command in page.read_text()
    assert call("study", "report", "small_study.py", "--set", "coin=bent,fair").out.endswith(f"{PAGE}\n")


def test_another_version_has_a_page_of_its_own(call: Call, here: Path) -> None:
    file = here / "small_study.py"
    file.write_text(file.read_text().replace("version=1", "version=2"))
    assert call(*RUN).out.splitlines()[-1] == "Report: results/toy-coins-quick-v2.html"


def test_the_command_of_the_page_names_the_store(call: Call) -> None:
    call(*RUN, "--store", "own/store.sqlite")
    assert "--preset quick --store own/store.sqlite" in PAGE.read_text()


INLINE = {"run": ("--workers", "1"), "report": ()}


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('{}["nothing"]', "KeyError: 'nothing' (small_study.py:46)"),
        ("raise SystemExit(0)", "SystemExit: 0 (small_study.py:46): let it return, or raise an Exception"),
        ("return None", "it returned None: return an Evidence"),
        (
            "return Evidence({'all': {0: 'x'}})",
            "it returned an Evidence with effects={'all': {0: 'x'}}: give",
        ),
    ],
)
def test_a_claim_with_a_bug_is_inconclusive_and_says_where(
    call: Call, here: Path, code: str, said: str
) -> None:
    file = here / "small_study.py"
    file.write_text(file.read_text().replace("    return Evidence({})", f"    {code}"))
    found = call(*RUN)
    assert found.code == 1
    assert f"levinthal: the evidence of claim T2 cannot be computed: {said}" in found.err
    assert re.search(r"(replicates|partially) +T1 ", found.out)
    assert found.out.splitlines()[-1] == f"Report: {PAGE}"
    assert "Its evidence could not be computed" in PAGE.read_text()


def test_the_second_run_measures_nothing(call: Call) -> None:
    call(*RUN)
    said = call(*RUN)
    assert said.code == 0
    assert said.out.startswith("0 runs measured in 0 s, 12 were stored already")


def test_progress_goes_to_stderr_in_tenths(call: Call) -> None:
    lines = call(*RUN).err.splitlines()
    assert lines[0] == "toy-coins: 0%, 0 of 2 tasks"
    assert lines[-1] == "toy-coins: 100%, 2 of 2 tasks"


def test_seeds_replace_the_presets_own_number(call: Call) -> None:
    assert call(*RUN, "--seeds", "2").out.startswith("4 runs measured")
    assert call(*RUN, "--seeds", "8").out.startswith("12 runs measured in 0 s, 4 were stored already")
    with Store(STORE) as store:
        assert {run.seed for run in store.runs("toy-coins")} == set(range(8))


def test_a_failed_task_is_told_and_the_others_are_judged(call: Call) -> None:
    said = call(*RUN, "--preset", "failing")
    assert said.code == 1
    assert "levinthal: failed: coin=broken seeds 0, 1, 2, 3, 4, 5: ValueError: the coin fell" in said.err
    assert "Traceback" not in said.err
    assert "12 runs measured" in said.out
    assert ", 6 failed" in said.out
    assert "Unfinished: 12 of 18 runs are stored" in said.out
    assert "12 of 18 runs are stored" in Path("results/toy-coins-failing.html").read_text()


def test_figures_that_fail_are_reported_in_the_terminal_too(call: Call) -> None:
    study = Path("small_study.py")
    study.write_text(study.read_text().replace("    heads = tuple(", "    1 / 0\n    heads = tuple(", 1))
    said = call(*RUN)
    assert said.code == 1
    expected = (
        "levinthal: A figure is missing: the study's figures failed: ZeroDivisionError: division by zero "
        "(small_study.py:"
    )
    assert expected in said.err
    assert said.out.splitlines()[-1] == f"Report: {PAGE}"


def test_ctrl_c_keeps_what_is_finished(call: Call) -> None:
    said = call(*RUN, "--preset", "stopping")
    assert said.code == 130
    assert said.err.splitlines()[-1] == (
        "levinthal: interrupted: finished runs are stored, and the same command continues"
    )
    assert not Path("results/toy-coins-stopping.html").exists()
    drawn = call("study", "report", "small_study.py", "--preset", "stopping")
    assert drawn.code == 0
    assert "Unfinished: 6 of 12 runs are stored" in drawn.out


def test_report_of_a_store_without_a_run_of_the_study_says_so(call: Call) -> None:
    Store(STORE).close()
    said = call("study", "report", "small_study.py")
    assert said.code == 0
    assert "Unfinished: 0 of 12 runs are stored (0 %); `levinthal study run small_study.py" in said.out
    assert PAGE.exists()


def test_report_of_a_half_finished_study_draws_what_there_is(call: Call) -> None:
    call(*RUN, "--preset", "half")
    said = call("study", "report", "small_study.py", "--preset", "quick")
    assert said.code == 0
    assert "Unfinished: 6 of 12 runs are stored" in said.out
    assert "Bent coins fall on heads" in PAGE.read_text()


def test_report_measures_nothing_and_writes_rows_where_it_is_told(call: Call, here: Path) -> None:
    call(*RUN)
    before = STORE.read_bytes()
    said = call("study", "report", "small_study.py", "--output", "a/b/page.html", "--csv", "a/rows.csv")
    assert said.code == 0
    assert STORE.read_bytes() == before
    assert (here / "a/b/page.html").exists()
    with (here / "a/rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert {row["coin"] for row in rows} == {"bent", "fair"}


def test_report_refuses_a_folder_for_its_rows_before_the_page_is_written(call: Call, here: Path) -> None:
    call(*RUN)
    PAGE.unlink()
    for option in ("--csv", "--markdown"):
        said = call("study", "report", "small_study.py", option, ".")
        assert (said.code, ". is a folder: name the file" in said.err) == (2, True)
    assert not PAGE.exists()


def test_one_store_keeps_the_data_sets_apart(call: Call) -> None:
    assert call(*RUN).code == 0
    said = call(*RUN, "--preset", "digits")
    assert said.out.startswith("12 runs measured")
    page = Path("results/toy-coins-digits.html").read_text()
    assert "digits, checksum" in page
    assert "12 of 12" in page


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("SEEDS = tuple(range(6))", "SEEDS = ()", "seeds=(): give a tuple of 1 to 100000 seeds"),
        ("for coin in coins)", "for coin in ())", "tasks=(): give a tuple of Tasks, at least one"),
    ],
)
def test_a_preset_that_runs_nothing_is_refused(call: Call, here: Path, old: str, new: str, said: str) -> None:
    file = here / "small_study.py"
    file.write_text(file.read_text().replace(old, new))
    found = call(*RUN)
    assert (found.code, said in found.err, found.err.count("\n")) == (2, True, 1)
    assert found.err.startswith("levinthal: small_study.py:")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_one_line(call: Call, here: Path) -> None:
    here.chmod(0o555)
    said = call(*RUN)
    assert (said.code, said.err.count("\n")) == (2, 1)


def test_a_folder_that_may_not_be_written_is_told_before_anything_is_measured(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(levinthal.written_files.whole, "_part", refused)
    said = call(*RUN)
    assert said.code == 2
    assert said.err == f"levinthal: cannot write {PAGE} (Permission denied): name another file\n"
    assert not STORE.exists()


@pytest.mark.parametrize(
    ("cores", "workers", "device", "tasks", "expected"),
    [
        (1, None, "cpu", 9, 1),
        (8, None, "cpu", 3, 3),
        (8, None, "cuda", 9, 1),
        (1, 4, "cpu", 9, 4),
        (4, None, "cpu", 0, 1),
    ],
)
def test_workers_are_one_a_core_unless_said(
    monkeypatch: pytest.MonkeyPatch, cores: int, workers: int | None, device: str, tasks: int, expected: int
) -> None:
    monkeypatch.setattr(levinthal.cli.running, "_cores", lambda: cores)
    assert levinthal.cli.running._executor(workers, device, tasks).workers == expected


def test_worker_processes_measure_a_users_study(here: Path) -> None:
    words = ["study", "run", "small_study.py", "--workers", "2", "--device", "cpu"]
    done = subprocess.run(
        [sys.executable, "-m", "levinthal", *words], cwd=here, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert done.stdout.startswith("12 runs measured")
    assert done.stdout.splitlines()[-1] == f"Report: {PAGE}"


def test_the_report_as_markdown(call: Call) -> None:
    call(*RUN)
    said = call("study", "report", "small_study.py", "--markdown", "gallery/page.md")
    assert said.code == 0
    assert "Does a bent coin fall on heads?" in Path("gallery/page.md").read_text()
    assert json.loads(Path("gallery/page.json").read_text())["provenance"]["made by"].startswith("levinthal")


def test_two_options_for_one_file_are_refused_before_anything_is_measured(call: Call) -> None:
    for words in (("--output", "results/levinthal.sqlite"), ("--output", "x", "--store", "./x")):
        said = call(*RUN, *words)
        assert (said.code, said.out, STORE.exists()) == (2, "", False)
        assert "--store and --output both name" in said.err
    call(*RUN)
    for words in (("--csv", "x", "--markdown", "x"), ("--markdown", "x.json"), ("--csv", "x", "--svg", "x/")):
        said = call("study", "report", "small_study.py", *words)
        assert (said.code, "give each its own file" in said.err) == (2, True)


def test_a_file_of_the_user_is_kept_and_the_line_says_so_before_anything_is_measured(call: Call) -> None:
    mine = Path("small_study.py").read_text()
    said = call(*RUN, "--output", "small_study.py")
    assert (said.code, STORE.exists()) == (2, False)
    way_out = "name another file, or move it away"
    assert said.err == f"levinthal: small_study.py exists and is not a page of levinthal: {way_out}\n"
    call(*RUN)
    for option in ("--output", "--csv", "--markdown", "--svg"):
        assert call("study", "report", "small_study.py", option, "small_study.py").code == 2
    assert Path("small_study.py").read_text() == mine


def test_registered_claims_beside_a_markdown_page_stay(call: Call, here: Path) -> None:
    call("study", "register", "small_study.py", "--output", "page.registered.json")
    before = Path("page.registered.json").read_bytes()
    call(*RUN)
    words = ("study", "report", "small_study.py", "--markdown", "page.md")
    assert (call(*words).code, Path("page.registered.json").read_bytes()) == (0, before)
    file = here / "small_study.py"
    file.write_text(file.read_text().replace("            0.1,\n", "            0.2,\n", 1))
    sys.modules.pop("small_study")
    Path("results").rename("old")
    call(*RUN)
    said = call(*words)
    assert (said.code, Path("page.registered.json").read_bytes()) == (2, before)
    assert "page.registered.json registers other claims: name another file, or move it away" in said.err


def test_a_page_has_a_name_that_a_file_can_have() -> None:
    page = levinthal.cli.running._shortened("x" * 200)
    assert page == "x" * 200
    longer = [levinthal.cli.running._shortened("é" * 150 + end) for end in "ab"]
    assert all(len(name.encode()) <= 200 for name in longer)
    assert longer[0] != longer[1]


@pytest.mark.parametrize("name", ["../../x", "a/b", "CON"])
def test_a_preset_that_climbs_out_of_the_folder_is_refused(call: Call, here: Path, name: str) -> None:
    file = here / "small_study.py"
    file.write_text(file.read_text().replace('"quick":', f"{name!r}:"))
    said = call(*RUN)
    assert (said.code, said.out) == (2, "")
    assert "preset" in said.err
    assert repr(name) in said.err
