"""Findings for other programs: plain JSON, and SARIF 2.1.0 for code hosts and editors.

Both return dictionaries of strings, numbers, booleans, lists and None only, which
`json.dumps(..., allow_nan=False)` accepts. A number that is not finite becomes None.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import torch

from levinthal.clinic.answer.states import Answer
from levinthal.clinic.checkup import Checkup
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sample import TENSOR
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.vocabulary import Finding, Severity, rounded

SCHEMA = "levinthal.findings/3"
SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {Severity.CRITICAL: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def to_json(
    findings: Sequence[Finding],
    *,
    answer: Answer | None = None,
    checkup: Checkup | None = None,
    history: History | None = None,
    names: Sequence[str] = (),
    score: tuple[str, float] | None = None,
) -> dict[str, Any]:
    """Findings as plain JSON, with the measurements behind them where they are given.

    The number in `schema` changes whenever a key changes its meaning or is removed.

    Args:
        findings: The findings of a Checkup, Watch, Examination or Treatment.
        answer: Its answer: adds the state, the sentence, the grounds and the exit code.
        checkup: Adds the numbers of `check` and the statistics of every layer.
        history: Adds the sampled steps of a watch: losses and, of every parameter, the columns of TENSOR.
        names: The names of the parameters, `w.setup.names`. Default: their places.
        score: The name of a score and its value, as those of an Examination.

    Returns:
        A dictionary with the keys that docs/integrations.md lists.

    >>> data = to_json([])
    >>> data["schema"], data["healthy"], data["findings"]
    ('levinthal.findings/3', None, [])
    """
    warned = any(finding.severity is not Severity.INFO for finding in findings)
    healthy = answer.is_healthy if answer is not None else False if warned else None
    data: dict[str, Any] = {"schema": SCHEMA, **_versions()}
    data |= {"healthy": healthy, "findings": [_row(f) for f in findings]}
    if answer is not None:
        data["answer"] = _answer(answer)
    if checkup is not None:
        data["checkup"] = {"numbers": plain(checkup.numbers), "layers": plain(checkup.layers)}
    if history is not None:
        data["history"] = _history(history, names)
    if score is not None:
        data["score"] = {"name": score[0], "value": plain(score[1])}
    return data


def to_sarif(
    findings: Iterable[Finding],
    *,
    artifact: str | Path | None = None,
    line: int = 1,
    answer: Answer | None = None,
) -> dict[str, Any]:
    """A SARIF 2.1.0 log of one run: the catalogue as its rules, one result for each finding.

    Args:
        findings: The findings of a Checkup, Watch, Examination or Treatment.
        artifact: The file that builds the network. Every result points to it, and to the layer as a logical
            location.
        line: The line of that file.
        answer: The answer of the run: stands among the properties of the run.

    Returns:
        The log as a dictionary.

    OASIS, Static Analysis Results Interchange Format 2.1.0 (2023, errata 1).

    >>> log = to_sarif([], artifact="train.py")
    >>> log["version"], len(log["runs"]), log["runs"][0]["results"]
    ('2.1.0', 1, [])
    """
    versions = _versions()
    driver = {"name": "levinthal", "version": versions["levinthal"], "rules": [*map(_rule, CATALOGUE)]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, artifact, line) for finding in findings],
        "properties": {"torch": versions["torch"]} | ({} if answer is None else {"answer": _answer(answer)}),
    }
    return {"$schema": SARIF, "version": "2.1.0", "runs": [run]}


def plain(value: Any) -> Any:
    """The value in dictionaries, lists, strings, finite numbers, booleans and None.

    >>> plain({"a": (1, np.float32(0.5), math.inf), 2: Severity.INFO, "t": torch.tensor([1.0, math.nan])})
    {'a': [1, 0.5, None], '2': 'info', 't': [1.0, None]}
    """
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        return plain(value.tolist())
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int) else str(value)


def _answer(answer: Answer) -> dict[str, Any]:
    """The answer, with its exit code."""
    return {**plain(answer), "exit_code": answer.exit_code}


def _versions() -> dict[str, str]:
    return {"levinthal": version("levinthal"), "torch": str(torch.__version__)}


def _row(finding: Finding) -> dict[str, Any]:
    return {**plain(finding), "means": CATALOGUE[finding.code].means}


def _history(history: History, names: Sequence[str]) -> dict[str, Any]:
    """Losses and parameters, sample by sample."""
    columns = {column: history.tensors(column) for column in TENSOR}
    count = columns[TENSOR[0]].shape[1]
    labels = names or [str(place) for place in range(count)]
    parameters = {
        name: {column: plain(table[:, place]) for column, table in columns.items()}
        for place, name in enumerate(labels[:count])
    }
    losses = {"losses": plain(history.losses), "chance_loss": plain(history.chance)}
    steps = {"steps": plain(history.steps), "parameters_at_steps": plain(history.tensor_steps)}
    return {**steps, **losses, "parameters": parameters}


def _rule(code: str) -> dict[str, Any]:
    """The catalogue's entry of a code, as a reportingDescriptor."""
    entry = CATALOGUE[code]
    return {
        "id": code,
        "shortDescription": _message(entry.means),
        "help": _message(f"Remedy: {entry.remedy}"),
        "defaultConfiguration": {"level": LEVELS[entry.severity]},
    }


def _result(finding: Finding, artifact: str | Path | None, line: int) -> dict[str, Any]:
    entry = CATALOGUE[finding.code]
    seen = ", ".join(f"{name} {_short(value)}" for name, value in finding.evidence.items())
    cause = f" Follows from {finding.follows}." if finding.follows else ""
    text = f"{finding.code} in {finding.where}: {entry.means}. Seen: {seen}.{cause} Remedy: {finding.remedy}"
    properties = ("confidence", "step", "evidence", "follows", "remedy", "confirmation")
    return {
        "ruleId": finding.code,
        "ruleIndex": list(CATALOGUE).index(finding.code),
        "level": LEVELS[finding.severity],
        "message": _message(text),
        "locations": [_location(finding.where, artifact, line)],
        "partialFingerprints": {"codeAndPlace/v1": f"{finding.code}:{finding.where}"},
        "properties": {name: plain(getattr(finding, name)) for name in properties},
    }


def _location(where: str, artifact: str | Path | None, line: int) -> dict[str, Any]:
    place: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": where}]}
    if artifact is not None:
        # code hosts refuse a file without a line; which line made the layer is not known
        place["physicalLocation"] = {
            "artifactLocation": {"uri": _uri(artifact)},
            "region": {"startLine": line},
        }
    return place


def _uri(artifact: str | Path) -> str:
    """A relative reference for a file below the working directory, else an absolute address."""
    path = Path(artifact)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _message(text: str) -> dict[str, str]:
    """A text; braces are doubled, because single ones are placeholders to SARIF (3.11.5)."""
    return {"text": text.replace("{", "{{").replace("}", "}}")}


def _short(value: Any) -> str:
    return rounded(value) if isinstance(value, float) else str(value)
