"""The hash of a claim's evidence: it follows the code that decides, and nothing else."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from levinthal.lab.execution import evidence as source_of_evidence
from levinthal.lab.execution.definitions import PACKAGE
from levinthal.lab.execution.evidence import evidence_sources
from levinthal.studies import all_studies
from levinthal.vocabulary import Study

FILES = {
    "frozen_study/__init__.py": '''"""A study."""
from frozen_study.claims import CLAIMS
from frozen_study.measure import measure
from levinthal.vocabulary import Study

study = Study("s", "c", "q", "s", 1, {}, measure, CLAIMS, lambda rows: (), lambda verdicts: "")
''',
    "frozen_study/measure.py": "def measure(task, *, data, device):\n    return ()\n",
    "frozen_study/design.py": "import math\n"
    "\nDEPTHS = (2, 3)\nSOURCE = 'a book'\nNAMES = dict.fromkeys(DEPTHS)\n",
    "frozen_study/claims.py": '''"""The claims."""
from collections.abc import Callable

from frozen_study.design import DEPTHS, SOURCE
from levinthal.lab.analysis import compare, difference, evidence, value
from levinthal.vocabulary import Claim, Evidence

LATE = 3
Reads = Callable[..., object]


def loss(depth: int):
    """The loss at a depth."""
    # at the end
    return value("loss", depth=depth, step=LATE)


def accuracy(rows) -> Evidence:
    return Evidence({"all": rows.where(name="accuracy").by_seed()})


def _claim(name, says, read):
    return Claim(id=name, says=says, source=SOURCE, effect="e", unit="", smallest_effect=0.5, control="",
                 evidence=evidence(read))


CLAIMS = (
    Claim(
        id="A1",
        says="It falls.",
        source=SOURCE,
        effect="the fall",
        unit="nats",
        smallest_effect=0.7,
        control="shuffled labels",
        evidence=evidence({f"depth {d}": loss(d) for d in DEPTHS}),
        why_smallest="chosen by us",
    ),
    Claim("A2", "It rises.", SOURCE, "the rise", "", 0.1, "", accuracy),
    _claim("A3", "It stays.", compare(loss(2), loss(3), difference)),
    *(
        Claim(id=name, says=words, source=SOURCE, effect="e", unit="", smallest_effect=None, control="",
              evidence=evidence(value(name)))
        for name, words in (("A4", "It is four."), ("A5", "It is five."))
    ),
)
''',
}


@pytest.fixture
def hashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., dict[str, str]]]:
    """Write the study with some words replaced, import it, and hash the evidence of its claims."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def forget() -> None:
        for name in [name for name in sys.modules if name.startswith("frozen_study")]:
            del sys.modules[name]

    def hashed(*changes: tuple[str, str], files: dict[str, str] = FILES) -> dict[str, str]:
        written = dict(files)
        for old, new in changes:
            assert any(old in text for text in written.values()), old
            written = {name: text.replace(old, new) for name, text in written.items()}
        for name, text in written.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        forget()
        importlib.invalidate_caches()
        return evidence_sources(importlib.import_module("frozen_study").study)

    yield hashed
    forget()


Hashes = Callable[..., dict[str, str]]


def moved(hashes: Hashes, *changes: tuple[str, str]) -> set[str]:
    """The claims whose evidence is other code after the changes."""
    before, after = hashes(), hashes(*changes)
    return {name for name in before if before[name] != after[name]}


def test_every_claim_has_a_hash_and_only_those_of_one_expression_share_it(hashes: Hashes) -> None:
    found = hashes()
    assert all(len(one) == 16 for one in found.values())
    assert len(set(found.values())) == 4
    assert found["A4"] == found["A5"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    # at the end\n", ""),
        ('"""The loss at a depth."""', '"""Another."""'),
        ("def loss(depth: int):", "def loss(depth: float) -> Reads:"),
        ("step=LATE)", "\n        step=LATE,\n    )"),
        ('says="It falls."', 'says="It sinks."'),
        ('"It rises.", SOURCE, "the rise", "", 0.1', '"It climbs.", SOURCE, "the climb", "%", 0.2'),
        ('"It stays."', '"It remains."'),
        ("smallest_effect=0.7", "smallest_effect=0.55"),
        ('control="shuffled labels"', "control='none'"),
        ('why_smallest="chosen by us"', 'basis="x", null=0.5, binary=True'),
        ("SOURCE = 'a book'", "SOURCE = 'another'"),
        ("import math\n", ""),
        ("import compare, difference,", "import compare, mapped, difference,"),
        ("from levinthal.lab.analysis import", "from levinthal.lab.analysis.contrasts import evidence\n"
         "from levinthal.lab.analysis import"),
        ("NAMES = ", "OTHER_NAMES = "),
        ("It is four.", "It is a four."),
        ("return ()", "return []"),
        ("lambda rows: ()", "lambda rows: []"),
    ],
)  # fmt: skip
def test_words_numbers_and_other_code_leave_every_hash(hashes: Hashes, old: str, new: str) -> None:
    assert moved(hashes, (old, new)) == set()


@pytest.mark.parametrize(
    ("old", "new", "claims"),
    [
        ("DEPTHS = (2, 3)", "DEPTHS = (2, 3, 4)", {"A1"}),
        ("LATE = 3", "LATE = 2", {"A1", "A3"}),
        ('value("loss"', 'value("error"', {"A1", "A3"}),
        ("loss(d) for d in DEPTHS", "loss(d + 1) for d in DEPTHS", {"A1"}),
        ('where(name="accuracy")', 'where(name="accuracy", step=4)', {"A2"}),
        ("compare(loss(2), loss(3), difference)", "compare(loss(3), loss(2), difference)", {"A3"}),
        ("evidence=evidence(read)", "evidence=evidence(read, control=read)", {"A3"}),
        ("evidence(value(name))", "evidence(value(name, step=1))", {"A4", "A5"}),
        ("import compare, difference,", "import compare, log2_ratio as difference,", {"A3"}),
    ],
)
def test_the_code_of_the_evidence_moves_the_claims_that_use_it(
    hashes: Hashes, old: str, new: str, claims: set[str]
) -> None:
    assert moved(hashes, (old, new)) == claims


def test_moving_a_function_to_another_file_of_the_study_changes_nothing(hashes: Hashes) -> None:
    body = FILES["frozen_study/claims.py"]
    start, end = body.index("LATE = 3"), body.index("def accuracy")
    moved_out = body[start:end].replace("Reads = Callable[..., object]\n", "")
    files = FILES | {
        "frozen_study/reads.py": f"from levinthal.lab.analysis import value\n{moved_out}",
        "frozen_study/claims.py": body[:start] + "from frozen_study.reads import loss\n" + body[end:],
    }
    assert hashes(files=files) == hashes()


def test_a_claim_in_a_single_file_study_is_found_below_its_study(hashes: Hashes) -> None:
    body = FILES["frozen_study/claims.py"]
    inline = body.replace("CLAIMS = (", "study = Study('s', 'c', 'q', 's', 1, {}, measure, claims=(") + (
        ", figures=lambda rows: (), answer=lambda verdicts: verdicts['A1'])\n"
    )
    head = "from levinthal.vocabulary import Study\ndef measure(task, *, data, device):\n    return ()\n"
    files = FILES | {"frozen_study/__init__.py": head + inline.replace("\n)\n,", "\n),")}
    assert hashes(files=files) == hashes()


def test_claims_that_functions_make_share_the_code_of_the_smallest_group_that_holds_them(
    hashes: Hashes,
) -> None:
    group = """from frozen_study.claims import _claim, loss
def both(make):
    return tuple(make(batches) for batches in ("", "m"))
def falls(batches):
    return _claim(f"B1{batches}", f"It falls {batches}.", loss(2))
MORE = both(falls)
"""
    body = FILES["frozen_study/__init__.py"].replace("import CLAIMS", "import CLAIMS as FIRST")
    joined = body.replace("study = ", "from frozen_study.more import MORE\nCLAIMS = FIRST + MORE\nstudy = ")
    files = FILES | {"frozen_study/more.py": group, "frozen_study/__init__.py": joined}
    before = hashes(files=files)
    assert before["B1"] == before["B1m"] not in {before["A1"], ""}
    after = hashes(("loss(d) for d in DEPTHS", "loss(d + 1) for d in DEPTHS"), files=files)
    assert {name for name in before if before[name] != after[name]} == {"A1"}
    after = hashes(("loss(2))\nMORE", "loss(3))\nMORE"), files=files)
    assert {name for name in before if before[name] != after[name]} == {"B1", "B1m"}
    after = hashes(("It falls {batches}", "It sinks {batches}"), files=files)
    assert {name for name in before if before[name] != after[name]} <= {"B1", "B1m"}


def test_claims_without_a_file_have_no_hash() -> None:
    made: dict[str, Study] = {}
    text = FILES["frozen_study/claims.py"].replace("from frozen_study.design", "from nowhere")
    names = {"__name__": "nowhere", "DEPTHS": (2,), "SOURCE": ""}
    lines = [line for line in text.splitlines() if not line.startswith("from nowhere")]
    exec("\n".join(lines), names)
    made["s"] = Study("s", "c", "q", "s", 1, {}, lambda task: (), names["CLAIMS"], list, lambda v: "")  # type: ignore[arg-type]
    assert set(evidence_sources(made["s"]).values()) == {""}


def test_every_claim_of_ours_has_a_hash() -> None:
    found = {name: evidence_sources(study) for name, study in all_studies().items()}
    assert all(one for claims in found.values() for one in claims.values())
    assert all(len(set(claims.values())) >= 4 for claims in found.values())  # some are made by one function


def test_a_study_of_ours_has_the_same_hashes_where_the_package_is_installed_as_a_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    study = all_studies()["one-neuron-chain"]
    here = evidence_sources(study)
    monkeypatch.setattr(source_of_evidence, "LIBRARIES", (str(PACKAGE.parent),))
    assert evidence_sources(study) == here


def test_a_script_that_holds_a_study_moves_no_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    study = all_studies()["layer-rescaling"]
    before = evidence_sources(study)
    for name, value in (("study", study), ("claims", study.claims), ("claim", study.claims[0])):
        monkeypatch.setitem(globals(), f"held_{name}", value)
        assert evidence_sources(study) == before
