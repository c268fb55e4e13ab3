from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.integrations.logs import trained
from torch import nn

from levinthal.errors import InputError
from levinthal.integrations import mlflow as adapter
from levinthal.integrations.logged import counts, numbers_by_step
from levinthal.integrations.mlflow import write


class Client:
    """A client that stores what it gets, under the run that gets it."""

    def __init__(self) -> None:
        self.metrics = dict[tuple[str, str], dict[int, float]]()
        self.tags = dict[str, str]()
        self.texts = dict[str, str]()
        self.sizes = list[int]()

    def log_batch(self, run_id: str, metrics: list[Any]) -> None:
        self.sizes.append(len(metrics))
        for name, value, _, step in metrics:
            self.metrics.setdefault((run_id, name), {})[step] = value

    def set_tag(self, run_id: str, name: str, value: str) -> None:
        self.tags[name] = value

    def log_text(self, run_id: str, text: str, name: str) -> None:
        self.texts[name] = text


def installed(monkeypatch: pytest.MonkeyPatch, client: Client, run_id: str | None) -> None:
    """MLflow is installed, and this run is active."""
    active = None if run_id is None else SimpleNamespace(info=SimpleNamespace(run_id=run_id))
    entities = SimpleNamespace(Metric=lambda *parts: parts)
    fake = SimpleNamespace(active_run=lambda: active, MlflowClient=lambda: client, entities=entities)
    monkeypatch.setattr(adapter, "required", lambda *_: fake)


def test_the_active_run_gets_numbers_tags_and_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    client, w = Client(), trained(nn.Softmax(1))
    installed(monkeypatch, client, "7")
    write(w, start=100)
    for step, numbers in numbers_by_step(w, 100).items():
        assert all(client.metrics["7", name][step] == value for name, value in numbers.items())
    last = max(numbers_by_step(w, 100))
    assert {name: client.metrics["7", name] for name in counts(w)} == {
        name: {last: count} for name, count in counts(w).items()
    }
    assert client.tags["levinthal.answer"] == w.answer().headline
    assert client.tags["levinthal.findings"].startswith("DOUBLE_SOFTMAX")
    assert client.texts == {"levinthal/findings.txt": str(w)}


def test_no_call_has_more_numbers_than_mlflow_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    installed(monkeypatch, client, None)
    monkeypatch.setattr(adapter, "AT_ONCE", 10)
    write(trained(), "9")
    assert max(client.sizes) == 10
    assert {run for run, _ in client.metrics} == {"9"}


def test_without_a_run_or_the_package_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    w = trained(steps=5)
    with monkeypatch.context() as patched:
        installed(patched, Client(), None)
        with pytest.raises(InputError, match=r"call mlflow.start_run\(\), or pass run_id="):
            write(w)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(InputError, match=r"pip install 'levinthal\[mlflow\]'"):
        write(w)


@pytest.mark.filterwarnings("ignore")  # of the package's own
def test_the_package_itself_takes_it_into_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    w = trained(nn.Softmax(1))
    with mlflow.start_run() as run:
        write(w)
    client = mlflow.MlflowClient()
    losses = client.get_metric_history(run.info.run_id, "levinthal/loss")
    assert [metric.value for metric in losses] == pytest.approx(w.history.losses.tolist())
    assert [metric.step for metric in losses] == w.history.steps.tolist()
    assert client.get_run(run.info.run_id).data.tags["levinthal.answer"] == w.answer().headline
    assert "DOUBLE_SOFTMAX" in mlflow.artifacts.load_text(f"{run.info.artifact_uri}/levinthal/findings.txt")
