"""The registry: a new study is one new file, and a file with a bug harms no other."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from levinthal import studies
from levinthal.errors import StudyError
from levinthal.vocabulary import Study

STUDY = """
from levinthal import Study

def measure(task, **_):
    return []

def answer(verdicts):
    return "so it is"

def figures(rows):
    return []

{name} = Study("{title}", "toys", "why?", "nobody", 1, {{}}, measure, (), figures, answer)
"""


@pytest.fixture(autouse=True)
def forgotten(tmp_path: Path) -> Iterator[None]:
    """What a test put on the path, and the modules it had there, are gone after it."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    places = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
    for name in [name for name, place in places.items() if place.startswith(str(tmp_path))]:
        del sys.modules[name]


def a_package(root: Path, files: dict[str, str]) -> str:
    """A package of studies in `root`, put on the path; its name."""
    name = f"studies_of_{root.name}".replace("[", "_").replace("]", "_").replace("-", "_")
    for file, text in files.items():
        path = root / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in (path.parent, root / name):
            (folder / "__init__.py").touch()
        path.write_text(text)
    sys.path.insert(0, str(root))
    return name


def toy(title: str, name: str = "study") -> str:
    return STUDY.format(name=name, title=title)


def test_every_file_of_a_chapter_with_a_study_in_it_is_found(tmp_path: Path) -> None:
    files = {
        "light/b_file.py": toy("b-file"),
        "light/a_package/__init__.py": toy("a-package"),
        "heavy/c.py": toy("c"),
        "heavy/_private.py": toy("private"),
        "not_a_chapter.py": toy("stray"),
    }
    found = studies.catalogue(a_package(tmp_path, files))
    assert list(found.studies) == ["a-package", "b-file", "c"]
    assert found.broken == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import levinthal\n\nx = 1 / 0\n", "bad.py:3: ZeroDivisionError: division by zero"),
        ("def broken(:\n", "bad.py:1: SyntaxError: invalid syntax"),
        ("\nimport no_such_module\n", "bad.py:2: ModuleNotFoundError: No module named 'no_such_module'"),
        ("import math\ndef f():\n    math.sqrt(-1)\nf()\n", "bad.py:3: ValueError: math domain error"),
        ("raise RuntimeError('two\\nlines')\n", "bad.py:1: RuntimeError: two"),
    ],
)
def test_a_file_with_a_bug_is_named_with_its_line_and_the_others_stand(
    tmp_path: Path, text: str, message: str
) -> None:
    found = studies.catalogue(a_package(tmp_path, {"toys/bad.py": text, "toys/good.py": toy("good")}))
    assert list(found.studies) == ["good"]
    (error,) = found.broken
    assert str(error).endswith(message)
    assert "\n" not in str(error)


def test_the_shipped_studies_are_whole_and_named_like_their_files() -> None:
    assert studies.catalogue().broken == ()
    for name, study in studies.all_studies().items():
        assert studies.find(name) is study
        assert study.presets, f"{name} has no preset"
        ids = [claim.id for claim in study.claims]
        assert len(set(ids)) == len(ids)


def test_a_study_has_the_name_of_its_file(tmp_path: Path) -> None:
    files = {"toys/one_thing.py": toy("another"), "toys/without.py": "x = 1", "toys/good.py": toy("good")}
    found = studies.catalogue(a_package(tmp_path, files))
    assert list(found.studies) == ["good"]
    assert [str(error).partition(" holds ")[2].partition(":")[0] for error in found.broken] == [
        "a study named 'another'",
        "no levinthal.Study named `study`",
    ]


def test_an_unknown_study_is_offered_the_nearest() -> None:
    with pytest.raises(
        StudyError, match=r"unknown study 'one-neuron-chian': did you mean 'one-neuron-chain'\?"
    ):
        studies.find("one-neuron-chian")


def test_a_users_file_is_a_study_too(tmp_path: Path) -> None:
    path = tmp_path / "my_own_toy.py"
    path.write_text(toy("mine"))
    assert studies.find(str(path)).name == "mine"
    assert studies.find(f"{path}:study").name == "mine"


def test_a_users_file_may_hold_several(tmp_path: Path) -> None:
    path = tmp_path / "my_two_toys.py"
    path.write_text(toy("first", "one") + toy("second", "two"))
    assert studies.find(f"{path}:two").name == "second"
    with pytest.raises(StudyError, match=r"unknown study in .*my_two_toys.py 'thre'.*\(one, two\)"):
        studies.find(f"{path}:thre")
    with pytest.raises(StudyError, match=r"'study': known: \(one, two\)"):
        studies.find(str(path))


def test_a_users_file_is_read_anew_each_time(tmp_path: Path) -> None:
    path = tmp_path / "my_edited_toy.py"
    path.write_text(toy("before"))
    studies.find(str(path))
    path.write_text(toy("afterwards"))
    assert studies.find(str(path)).name == "afterwards"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("absent.py", None, "no study file at"),
        ("hollow.py", "x = 1", "holds no levinthal.Study"),
        ("json.py", STUDY.format(name="study", title="t"), "has the name of another module"),
        ("torch.py", STUDY.format(name="study", title="t"), "has the name of another module"),
        ("crooked.py", "\n\nstudy = Study()\n", "crooked.py:3: NameError: name 'Study' is not defined"),
    ],
)
def test_a_users_file_that_is_no_study_is_one_line(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    with pytest.raises(StudyError) as caught:
        studies.find(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_worker_process_can_import_what_a_users_file_measures(tmp_path: Path) -> None:
    path = tmp_path / "my_sent_toy.py"
    path.write_text(toy("sent"))
    study: Study = studies.find(str(path))
    sent = tmp_path / "sent.pickle"
    sent.write_bytes(pickle.dumps(study.measure))
    code = "import pickle, sys; sys.path = eval(sys.argv[2]); print(pickle.load(open(sys.argv[1], 'rb')))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(sent), repr(sys.path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("<function measure at")
