"""The documentation is true: its commands exist, its Python runs, its links lead somewhere."""

from __future__ import annotations

import doctest
import json
import re
import shlex
from pathlib import Path

import pytest
from cyclopts import CycloptsError

from levinthal.cli import app, main
from levinthal.cli.reference import reference
from levinthal.vocabulary import BADGES, Outcome

ROOT = Path(__file__).parent.parent
MADE = (".venv", "docs/repository", "site")  # by tools, and ignored by git
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if path.parts[-2][0] != "." and not any(path.is_relative_to(ROOT / folder) for folder in MADE)
)
PAGE_IDS = [str(path.relative_to(ROOT)) for path in PAGES]
GIVEN = ("rows", "study", "first_layer", "model")  # what a page may speak of without making it
EXTRAS = ("accelerate", "keras", "mlflow", "pytorch_lightning", "tensorboard", "transformers", "wandb")
DEV_COMMANDS = ("demo", "run", "test", "check", "bench", "docs")


def fences(path: Path, *languages: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
    return [text for language, text in found if language in languages]


def commands(path: Path) -> list[list[str]]:
    lines = "\n".join(fences(path, "sh", "console")).splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


@pytest.mark.parametrize("path", PAGES, ids=PAGE_IDS)
def test_every_command_shown_can_be_called(path: Path) -> None:
    for words in commands(path):
        if words[0] == "levinthal" and path.name != "cli.md":
            try:
                app.parse_args(words[1:], exit_on_error=False, print_error=False)
            except CycloptsError as error:
                pytest.fail(f"{shlex.join(words)}: {error}")
        elif words[0] == "python3":
            assert words[1] == "dev.py"
            assert words[2] in DEV_COMMANDS


@pytest.mark.parametrize("path", PAGES, ids=PAGE_IDS)
def test_every_link_leads_somewhere(path: Path) -> None:
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if not target.startswith(("http://", "https://", "#")):
            assert (path.parent / target.partition("#")[0]).exists(), f"{path.name} links to {target}"


@pytest.mark.parametrize("path", PAGES, ids=PAGE_IDS)
def test_the_python_shown_runs(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if path.parent.name == "guides":
        return  # run in tests/test_guides.py, which also holds what they print
    monkeypatch.chdir(tmp_path)
    missing = set[str | None]()
    for number, text in enumerate(fences(path, "python")):
        if f"```python\n{text}```\n\n```text" in path.read_text() and path.name == "write-a-study.md":
            continue  # a trap, which is run beside its answer in tests/studies/test_traps.py
        name = f"{path.name}, block {number + 1}"
        if ">>>" in text:
            test = doctest.DocTestParser().get_doctest(text, {}, name, str(path), 0)
            assert doctest.DocTestRunner().run(test).failed == 0
        else:
            shown = compile(text, name, "exec", dont_inherit=True)
            try:
                exec(shown, {"__name__": "shown"})
            except NameError as error:
                if error.name not in GIVEN:
                    raise
            except ModuleNotFoundError as error:
                if error.name not in EXTRAS:
                    raise
                missing.add(error.name)
    if missing:
        pytest.skip(f"some blocks need {missing}")


def test_the_study_of_the_page_on_studies_replicates_what_theory_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text, *_ = fences(ROOT / "docs" / "write-a-study.md", "python")
    Path("keep_length.py").write_text(text)
    assert main(["study", "run", "keep_length.py", "--workers", "1", "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"● replicates", said)
    divided = re.search(r"divides the spread by ([\d.]+)\.", said)
    assert divided is not None
    assert float(divided[1]) == pytest.approx(2, rel=0.1)
    assert "Its evidence could not be computed" not in Path("results/keep-length-quick.html").read_text()


def test_the_reference_of_the_command_line_is_what_its_help_says() -> None:
    assert (ROOT / "docs" / "cli.md").read_text() == reference(), "run `python3 dev.py docs`"


def test_every_page_can_be_found_from_the_readme() -> None:
    seen, left = set(), [ROOT / "README.md"]
    while left:
        page = left.pop()
        seen.add(page)
        links = re.findall(r"\]\(([^)#\s]+\.md)[^)]*\)", page.read_text())
        targets = {(page.parent / link).resolve() for link in links if "://" not in link}
        left.extend(targets - seen)
    seen.add(ROOT / "docs" / "index.md")  # the site's own first page
    lost = [str(page.relative_to(ROOT)) for page in (ROOT / "docs").glob("*.md") if page not in seen]
    assert lost == []


def test_the_answer_that_the_readme_shows_is_the_one_it_gives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    first, (shown,) = fences(ROOT / "README.md", "python")[0], fences(ROOT / "README.md", "text")
    exec(compile(first, "README.md", "exec", dont_inherit=True), {"__name__": "shown"})
    number = re.compile(r"\d[\d.]*e-\d+")  # its digits are the processor's
    said = number.sub("#", capsys.readouterr().out)
    assert said == number.sub("#", shown)
    assert [said] == [number.sub("#", text) for text in fences(ROOT / "docs" / "index.md", "text")]
    assert (tmp_path / "run.html").stat().st_size > 100_000


def test_the_information_that_the_readme_shows_is_what_its_example_prints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    readme = (ROOT / "README.md").read_text()
    exec(compile(fences(ROOT / "README.md", "python")[1], "README.md", "exec", dont_inherit=True), {})
    shown = re.findall(r"`([\d.]+ bits \[[^\]]+\])", readme)
    printed = re.findall(r"^([\d.]+ bits \[[^\]]+\])", capsys.readouterr().out, re.MULTILINE)
    assert len(shown) == 2
    assert printed == shown


RESULTS = sorted(f for f in (ROOT / "docs" / "gallery").glob("*.json") if "." not in f.stem)


def test_every_page_of_the_gallery_has_its_stored_result() -> None:
    pages = {path.stem for path in (ROOT / "docs" / "gallery").glob("*.md")} - {"README"}
    assert pages == {path.stem for path in RESULTS}


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_stored_result_says_what_its_page_says(path: Path) -> None:
    result, page = json.loads(path.read_text()), path.with_suffix(".md").read_text()
    assert f"\n{result['question']}\n\n**{result['answer']}**\n" in page
    for verdict in result["verdicts"]:
        (row,) = re.findall(rf"^\| {verdict['claim']} \|.*$", page, re.MULTILINE)
        assert f" {verdict['outcome']} | {verdict['effect'] or '–'} |" in row
    for figure in result["figures"]:
        assert f"![{figure['title']}]({figure['file']})" in page
        assert (path.parent / figure["file"]).is_file()
    assert all(f"- {key}: {value}" in page for key, value in result["provenance"].items())


def test_the_site_has_a_colour_a_filter_and_a_line_for_every_verdict() -> None:
    style, script = ((ROOT / "docs" / "_static" / name).read_text() for name in ("site.css", "site.js"))
    gallery = (ROOT / "docs" / "gallery" / "README.md").read_text()
    slugs = [outcome.replace(" ", "-") for outcome in Outcome]
    assert [slug for slug in slugs if f".badge.{slug}{{color:var(--{slug})}}" not in style] == []
    assert re.findall(r'"([a-z-]+)": "([^"\w])"', script) == [
        (slug, BADGES[outcome]) for slug, outcome in zip(slugs, Outcome, strict=True)
    ]
    assert [outcome for outcome in Outcome if f"{BADGES[outcome]} *{outcome}*" not in gallery] == []
