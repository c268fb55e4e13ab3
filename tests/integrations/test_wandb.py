from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.integrations.logs import trained
from torch import nn

from levinthal.errors import InputError
from levinthal.integrations import wandb as adapter
from levinthal.integrations.logged import COLUMNS, counts, numbers_by_step
from levinthal.integrations.wandb import STEP, write


class Run:
    """A run that stores what it gets."""

    def __init__(self) -> None:
        self.logged = list[dict[str, Any]]()
        self.axes = dict[str, str]()
        self.summary = dict[str, str]()

    def define_metric(self, name: str, step_metric: str) -> None:
        self.axes[name] = step_metric

    def log(self, numbers: dict[str, Any]) -> None:
        self.logged.append(numbers)


def installed(monkeypatch: pytest.MonkeyPatch, run: Run | None) -> None:
    """Weights & Biases is installed, and this run is active."""
    fake = SimpleNamespace(run=run, Table=lambda columns, data: [columns, *data])
    monkeypatch.setattr(adapter, "required", lambda *_: fake)


def test_the_active_run_gets_the_numbers_on_an_axis_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    run, w = Run(), trained(nn.Softmax(1))
    installed(monkeypatch, run)
    write(w, start=100)
    *steps, last = run.logged
    assert run.axes == {"levinthal/*": STEP}
    assert steps == [{STEP: step, **numbers} for step, numbers in numbers_by_step(w, 100).items()]
    columns, first, *_ = last.pop("levinthal/findings")
    assert columns == list(COLUMNS)
    assert first[0] == "DOUBLE_SOFTMAX"
    assert last == {STEP: steps[-1][STEP], **counts(w)}
    assert run.summary == {"levinthal/answer": w.answer().headline}


def test_without_a_run_or_the_package_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    w = trained(steps=5)
    with monkeypatch.context() as patched:
        installed(patched, None)
        with pytest.raises(InputError, match=r"call wandb.init\(\), or pass run="):
            write(w)
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(InputError, match=r"pip install 'levinthal\[wandb\]'"):
        write(w)


@pytest.mark.filterwarnings("ignore")  # of the package's own
def test_the_package_itself_takes_it_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_SILENT", "true")
    w = trained(nn.Softmax(1))
    with wandb.init(mode="offline", dir=tmp_path, project="levinthal") as run:
        run.log({"mine": 1.0}, step=1000)  # a run that is past the steps of the watch
        write(w)
        seen = dict(run.summary)
    assert seen["levinthal/loss"] == pytest.approx(w.history.losses[-1])
    assert seen[STEP] == 25
    assert seen["levinthal/answer"] == w.answer().headline
    assert seen["levinthal/findings"]["nrows"] == len(w.findings())
