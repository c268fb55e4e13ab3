from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.clinic.cases import Loop, X, Y, mlp
from tests.clinic.histories import finding
from torch import nn
from torch.nn import functional

from levinthal.clinic import check
from levinthal.clinic.answer.states import Answer, Ground, Reason, State
from levinthal.clinic.export import plain, to_json, to_sarif
from levinthal.clinic.recording.sample import TENSOR
from levinthal.clinic.recording.sampling import sampled_step
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.vocabulary import Finding, Severity

# object of SARIF 2.1.0 -> (properties it must have, others it may have, property -> kind of object in it);
# the kinds that are met here, as the schema of the standard (errata 1) has them; "*" is free
FORM: dict[str, tuple[set[str], set[str], dict[str, str]]] = {
    "log": ({"version", "runs"}, {"$schema", "properties"}, {"runs": "run"}),
    "run": ({"tool"}, {"results", "columnKind", "properties"}, {"tool": "tool", "results": "result"}),
    "tool": ({"driver"}, set(), {"driver": "component"}),
    "component": ({"name"}, {"version", "rules"}, {"rules": "rule"}),
    "rule": (
        {"id"},
        {"shortDescription", "help", "defaultConfiguration"},
        {"shortDescription": "text", "help": "text", "defaultConfiguration": "configuration"},
    ),
    "configuration": (set(), {"level"}, {}),
    "text": ({"text"}, {"markdown"}, {}),
    "result": (
        {"message"},
        {"ruleId", "ruleIndex", "level", "locations", "partialFingerprints", "properties"},
        {"message": "text", "locations": "location", "partialFingerprints": "strings"},
    ),
    "location": (
        set(),
        {"physicalLocation", "logicalLocations"},
        {"physicalLocation": "physical", "logicalLocations": "logical"},
    ),
    "physical": (
        {"artifactLocation"},
        {"region"},
        {"artifactLocation": "artifact", "region": "region"},
    ),
    "artifact": ({"uri"}, {"uriBaseId"}, {}),
    "region": ({"startLine"}, set(), {}),
    "logical": ({"fullyQualifiedName"}, {"name", "kind"}, {}),
}


def conforms(thing: Any, kind: str) -> None:
    if isinstance(thing, list):
        for item in thing:
            conforms(item, kind)
    elif kind == "strings":
        assert all(isinstance(value, str) for value in thing.values())
    else:
        must, may, within = FORM[kind]
        assert must <= set(thing) <= must | may | set(within), f"{kind}: {sorted(thing)}"
        assert thing.get("level", "error") in ("none", "note", "warning", "error")
        for name in within.keys() & thing.keys():
            conforms(thing[name], within[name])


DEEP = finding("VANISHING_GRADIENT", "net.0", 20, {"ratio": math.nan, "shape": "{3}"})
FINDINGS = [
    finding("DOUBLE_SOFTMAX", "loss", 0, {"largest |row sum - 1|": 1e-7}),
    DEEP,
    finding("UNDERFIT", "loss", 5, {}, severity=Severity.INFO),
]


def through(value: dict[str, Any]) -> dict[str, Any]:
    """There and back; nan and infinity are refused on the way."""
    back: dict[str, Any] = json.loads(json.dumps(value, allow_nan=False))
    assert back == value
    return back


def test_findings_come_back_from_json_as_they_were() -> None:
    exported = through(to_json(FINDINGS))
    assert (exported["schema"], exported["healthy"]) == ("levinthal.findings/3", False)
    assert exported["torch"] == torch.__version__
    first = exported["findings"][0]
    assert first.pop("means") == CATALOGUE["DOUBLE_SOFTMAX"].means
    first["severity"] = Severity(first["severity"])
    assert Finding(**first) == FINDINGS[0]
    assert exported["findings"][1]["evidence"] == {"ratio": None, "shape": "{3}"}
    assert to_json(FINDINGS[2:])["healthy"] is None


def test_the_answer_goes_along_and_decides_what_is_healthy() -> None:
    grounds = (Ground("loss at the end", 0.1), Ground("floor", -math.inf))
    answer = Answer(State.HEALTHY, Reason.BELOW_CHANCE, "Healthy.", "", grounds, ("Not seen: layers",))
    exported = through(to_json(FINDINGS[2:], answer=answer))
    assert exported["healthy"] is True
    assert exported["answer"]["state"] == "healthy"
    assert exported["answer"]["exit_code"] == 0
    assert exported["answer"]["grounds"][0] == {"name": "loss at the end", "loss": 0.1, "how": ""}
    assert exported["answer"]["not_seen"] == ["Not seen: layers"]
    log = through(to_sarif(FINDINGS[2:], answer=answer))
    assert log["runs"][0]["properties"]["answer"] == exported["answer"]


def test_a_checkup_goes_along() -> None:
    model = mlp(nn.Sigmoid)
    checkup = check(model, functional.cross_entropy, (X[:64], Y[:64]))
    exported = through(to_json(checkup.findings, checkup=checkup))["checkup"]
    assert exported["numbers"]["first loss"]["value"] == checkup.numbers["first loss"].value
    assert [layer["name"] for layer in exported["layers"]] == [layer.name for layer in checkup.layers]


def test_a_history_goes_along_under_the_names_of_the_parameters() -> None:
    model = mlp(depth=1)
    w = Loop(steps=20, every=5).run(model, torch.optim.SGD(model.parameters(), 0.1))
    exported = through(to_json(w.findings(), history=w.history, names=w.setup.names))["history"]
    assert exported["steps"] == [sampled_step(block, 5) for block in range(4)]
    assert exported["losses"] == pytest.approx(w.history.losses.tolist())
    assert list(exported["parameters"]) == [name for name, _ in model.named_parameters()]
    weight = exported["parameters"]["0.weight"]
    assert tuple(weight) == TENSOR
    assert weight["gradient"] == pytest.approx(w.history.tensors("gradient")[:, 0].tolist())
    assert list(to_json([], history=w.history)["history"]["parameters"]) == ["0", "1", "2", "3"]


def test_what_json_does_not_know_is_made_plain() -> None:
    assert plain(FINDINGS[0].severity) == "critical"
    assert plain({"x": torch.tensor([[1.0, math.inf]]), 3: (True, None)}) == {
        "x": [[1.0, None]],
        "3": [True, None],
    }
    assert plain(Path("a") / "b") == "a/b"


@pytest.mark.parametrize("artifact", [None, "train.py", Path("/elsewhere/my nets/train.py")])
def test_sarif_has_the_form_of_the_standard(artifact: str | Path | None) -> None:
    log = through(to_sarif(FINDINGS, artifact=artifact))
    conforms(log, "log")
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(CATALOGUE)
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_a_form_that_is_not_the_standards_is_noticed() -> None:
    log = to_sarif(FINDINGS)
    del log["runs"][0]["results"][1]["message"]
    with pytest.raises(AssertionError, match="result"):
        conforms(log, "log")


def test_sarif_points_to_the_file_and_the_layer() -> None:
    (run,) = to_sarif([DEEP], artifact=Path.cwd() / "nets" / "my net.py")["runs"]
    (place,) = run["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "nets/my%20net.py"
    assert place["logicalLocations"] == [{"fullyQualifiedName": "net.0"}]
    assert run["results"][0]["properties"]["evidence"]["ratio"] is None
    outside = to_sarif([DEEP], artifact="/elsewhere/net.py")["runs"][0]["results"][0]["locations"][0]
    assert outside["physicalLocation"]["artifactLocation"]["uri"] == "file:///elsewhere/net.py"


def test_a_message_holds_cause_and_remedy_and_no_placeholder() -> None:
    symptom = Finding(**{**plain(DEEP), "severity": DEEP.severity, "follows": "LR_TOO_HIGH"})
    text = to_sarif([symptom])["runs"][0]["results"][0]["message"]["text"]
    assert "Follows from LR_TOO_HIGH" in text
    assert text.endswith(f"Remedy: {DEEP.remedy}")
    assert "shape {{3}}" in text
