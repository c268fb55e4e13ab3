from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.clinic.cases import X, Y, mlp, sampled
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import FindingError
from levinthal.clinic.recording.training_setup import unwrapped
from levinthal.errors import InputError
from levinthal.integrations import transformers as adapter
from levinthal.integrations.transformers import LevinthalCallback

DATA = [{"inputs": x, "labels": y} for x, y in zip(X, Y, strict=True)]


@pytest.fixture
def hf() -> Any:
    pytest.importorskip("accelerate")
    return pytest.importorskip("transformers")


class Classifier(nn.Module):
    """What the trainer asks of a model: its loss under `loss`. `fails_at` counts calls."""

    def __init__(self, top: nn.Module | None = None, fails_at: int = -1) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = mlp(depth=2, width=32, top=top)
        self.left = fails_at

    def forward(self, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
        if self.left == 0:
            raise RuntimeError("the user's own")
        self.left -= 1
        scores = self.net(inputs)
        return {"loss": functional.cross_entropy(scores.float(), labels), "logits": scores}


def trainer(hf: Any, folder: Path, model: nn.Module, callback: Any, data: Any = None, **more: Any) -> Any:
    settings = {
        "max_steps": 30,
        "per_device_train_batch_size": 64,
        "learning_rate": 1e-3,
        "report_to": "none",
    }
    settings |= {"save_strategy": "no", "logging_strategy": "no", "disable_tqdm": True, "use_cpu": True}
    settings |= {"output_dir": str(folder), "lr_scheduler_type": "constant", "dataloader_pin_memory": False}
    arguments = hf.TrainingArguments(**(settings | more))
    words = {
        "train_dataset": data or DATA,
        "eval_dataset": DATA[:100],
        "callbacks": [callback] if callback else [],
    }
    return hf.Trainer(model, arguments, **words)


def codes(callback: LevinthalCallback) -> list[str]:
    return [finding.code for finding in callback.watch.findings() if finding.severity != "info"]


def hooks(model: nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules())


def test_the_cause_is_found_and_said(hf: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    callback, model = LevinthalCallback(every=5), Classifier(nn.Softmax(1))
    trainer(hf, tmp_path, model, callback).train()
    assert callback.watch.trouble == ""
    assert callback.watch.history.steps.tolist() == sampled(30, 5)
    assert codes(callback)[0] == "DOUBLE_SOFTMAX"
    assert "remove the softmax" in capsys.readouterr().out
    assert hooks(model) == torch.overrides._len_torch_function_stack() == 0


def test_a_small_bert_hears_nothing(hf: Any, tmp_path: Path) -> None:
    sizes = {"vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    more = {"intermediate_size": 64, "max_position_embeddings": 16, "num_labels": 2}
    torch.manual_seed(0)
    model = hf.BertForSequenceClassification(hf.BertConfig(**sizes, **more))
    words = torch.randint(2, 50, (512, 8))
    data = [{"input_ids": ids, "labels": (ids[0] > 25).long()} for ids in words]
    callback = LevinthalCallback(every=2, raise_if="warning")
    trainer(hf, tmp_path, model, callback, data, max_steps=40, per_device_train_batch_size=32).train()
    assert callback.watch.trouble == ""
    assert len(callback.watch.history) == 20
    assert codes(callback) == []


def test_a_watched_training_is_the_same_to_the_bit(hf: Any, tmp_path: Path) -> None:
    ended = []
    for callback in (LevinthalCallback(every=3), None):
        model = Classifier(nn.Dropout(0.2))
        trainer(hf, tmp_path, model, callback, max_steps=10).train()
        ended.append(model.state_dict())
    assert all(torch.equal(value, ended[1][name]) for name, value in ended[0].items())


def test_accumulation_clipping_and_evaluation(hf: Any, tmp_path: Path) -> None:
    callback = LevinthalCallback(every=1)
    more = {
        "gradient_accumulation_steps": 3,
        "max_grad_norm": 0.01,
        "eval_strategy": "steps",
        "eval_steps": 2,
    }
    trainer(hf, tmp_path, Classifier(), callback, max_steps=6, **more).train()
    history = callback.watch.history
    assert history.steps.tolist() == list(range(6))
    before, after = (
        np.sqrt(np.nansum(history.tensors(name) ** 2, 1)) for name in ("before_clipping", "gradient")
    )
    assert (after <= 0.01 * 1.001).all()  # that of the matrices, of all that was clipped at .01
    assert (after > 0.005).all()
    assert (before > 5 * after).all()
    assert history.evaluated_in_train == 0
    assert "MISSING_ZERO_GRAD" not in codes(callback)


def test_mixed_precision(hf: Any, tmp_path: Path) -> None:
    callback = LevinthalCallback(every=2)
    trainer(hf, tmp_path, Classifier(), callback, bf16=True, max_steps=60).train()
    assert callback.watch.trouble == ""
    assert len(callback.watch.history) == 30
    assert codes(callback) == []


def test_a_training_that_goes_on_is_watched_from_there(hf: Any, tmp_path: Path) -> None:
    callback = LevinthalCallback(every=5)
    more = {"save_strategy": "steps", "save_steps": 20}
    trainer(hf, tmp_path, Classifier(), callback, max_steps=20, **more).train()
    first = callback.watch.history
    trainer(hf, tmp_path, Classifier(), callback, max_steps=40, **more).train(resume_from_checkpoint=True)
    assert first.steps.tolist() == callback.watch.history.steps.tolist() == sampled(20, 5)
    assert callback.watch.history.losses[0] < first.losses[0]


def test_after_an_exception_the_hooks_go_when_asked_to(hf: Any, tmp_path: Path) -> None:
    model, callback = Classifier(fails_at=2), LevinthalCallback(every=1)
    with pytest.raises(RuntimeError, match="the user's own"):
        trainer(hf, tmp_path, model, callback).train()
    callback.end()
    assert hooks(model) == torch.overrides._len_torch_function_stack() == 0
    assert len(callback.watch.history) == 2


def test_it_raises_what_it_is_asked_to(hf: Any, tmp_path: Path) -> None:
    callback = LevinthalCallback(every=2, raise_if="critical")
    with pytest.raises(FindingError, match="DOUBLE_SOFTMAX"):
        trainer(hf, tmp_path, Classifier(nn.Softmax(1)), callback).train()


def test_the_optimiser_within_accelerates_is_the_one_that_is_watched(hf: Any, tmp_path: Path) -> None:
    made = trainer(hf, tmp_path, Classifier(), None)
    inner = made.create_optimizer()
    wrapped = made.accelerator.prepare(inner)
    assert wrapped is not inner
    assert unwrapped(wrapped) is unwrapped(inner) is inner


def test_without_transformers_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "BASES", ())
    with pytest.raises(InputError, match=r"pip install 'levinthal\[transformers\]'"):
        LevinthalCallback()
