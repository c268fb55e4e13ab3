from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.clinic.cases import Loop, X, Y, mlp, sampled
from tests.integrations.logs import trained
from torch import nn
from torch.nn import functional

from levinthal.clinic import watch
from levinthal.errors import InputError
from levinthal.integrations.logged import curves
from levinthal.integrations.tensorboard import write


class Recorder:
    """A writer that stores what it gets."""

    def __init__(self) -> None:
        self.scalars = dict[str, dict[int, float]]()
        self.texts = dict[str, str]()

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        self.scalars.setdefault(tag, {})[step] = value

    def add_text(self, tag: str, text: str, step: int) -> None:
        self.texts[f"{tag} at {step}"] = text


def one_step(model: nn.Module) -> tuple[dict[str, np.ndarray], float, float]:
    """What the watch drew of one step of rate 0.5; norms of the matrices' gradients and weights by hand."""
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    weight = torch.cat([p.detach().flatten() for p in matrices]).norm()
    with watch(model, optimizer, every=1) as w:
        functional.cross_entropy(model(X[:64]), Y[:64]).backward()
        optimizer.step()
    gradient = torch.cat([p.grad.flatten() for p in matrices if p.grad is not None]).norm()
    return {name: values for name, _, values in curves(w)}, float(gradient), float(weight)


def test_a_layer_has_the_norm_of_its_gradient_and_its_step_over_its_weights() -> None:
    found, gradient, weight = one_step(nn.Sequential(nn.Linear(64, 10)))
    assert set(found) == {"loss", "gradient_norm/0", "step_size/0"}
    assert found["gradient_norm/0"] == pytest.approx(gradient)
    assert found["step_size/0"] == pytest.approx(0.5 * gradient / weight, rel=1e-5)


def test_parameters_of_the_model_itself_stand_for_themselves() -> None:
    found, gradient, _ = one_step(nn.Linear(64, 10))
    assert found["gradient_norm/weight"] == pytest.approx(gradient)
    assert np.isnan(found["gradient_norm/bias"]).all()  # vectors are not read where there are matrices


def test_curves_and_findings_are_written_at_the_steps_sampled() -> None:
    recorder = Recorder()
    write(trained(nn.Softmax(1)), recorder, start=100)
    assert list(recorder.scalars["levinthal/loss"]) == [100 + step for step in sampled(30, 5)]
    assert {"levinthal/gradient_norm/0", "levinthal/step_size/2"} <= recorder.scalars.keys()
    (text,) = recorder.texts.values()
    assert "DOUBLE_SOFTMAX" in text
    assert all(line.startswith("    ") for line in text.splitlines())
    assert list(recorder.texts) == ["levinthal/findings at 125"]


def test_a_layer_without_gradient_has_no_curve_of_it_and_no_training_has_none_at_all() -> None:
    model = mlp(depth=1)
    model[0].requires_grad_(False)
    recorder = Recorder()
    write(Loop(steps=10).run(model, torch.optim.SGD(model.parameters(), 0.1)), recorder)
    assert not {"levinthal/gradient_norm/0", "levinthal/step_size/0"} & recorder.scalars.keys()
    assert "levinthal/gradient_norm/2" in recorder.scalars
    unused = Recorder()
    write(watch(model, torch.optim.SGD(model.parameters(), 0.1)), unused)
    assert set(unused.scalars) == {f"levinthal/{severity}" for severity in ("critical", "warning", "info")}
    assert list(unused.texts) == ["levinthal/findings at 0"]


def test_a_folder_is_read_by_tensorboard_itself(tmp_path: Path) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    w = trained()
    write(w, tmp_path)
    events = reader.EventAccumulator(str(tmp_path)).Reload()
    losses = [event.value for event in events.Scalars("levinthal/loss")]
    assert losses == pytest.approx(w.history.losses.tolist())
    (summary,) = events.Tensors("levinthal/findings/text_summary")
    assert b"Unfinished: the loss" in summary.tensor_proto.string_val[0]


def test_without_tensorboard_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    w = trained()
    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(InputError, match=r"pip install 'levinthal\[tensorboard\]'"):
        write(w, tmp_path)
