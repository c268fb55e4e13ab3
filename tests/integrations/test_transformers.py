from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.clinic.cases import X, Y, mlp, sampled
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import IterableDataset

from levinthal.clinic import FindingError
from levinthal.clinic.recording.training_setup import unwrapped
from levinthal.errors import InputError
from levinthal.integrations import transformers as adapter
from levinthal.integrations.attending import OWN_ROWS
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

    def forward(self, inputs: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        if self.left == 0:
            raise RuntimeError("the user's own")
        self.left -= 1
        scores = self.net(inputs)
        if labels is None:
            return {"logits": scores}
        return {"loss": functional.cross_entropy(scores.float(), labels), "logits": scores}


def trainer(
    hf: Any,
    folder: Path,
    model: nn.Module,
    callback: Any,
    data: Any = None,
    *,
    base: Any = None,
    words: Any = None,
    **more: Any,
) -> Any:
    settings = {
        "max_steps": 30,
        "per_device_train_batch_size": 64,
        "learning_rate": 1e-3,
        "report_to": "none",
    }
    settings |= {"save_strategy": "no", "logging_strategy": "no", "disable_tqdm": True, "use_cpu": True}
    settings |= {"output_dir": str(folder), "lr_scheduler_type": "constant", "dataloader_pin_memory": False}
    arguments = hf.TrainingArguments(**(settings | more))
    given = {
        "train_dataset": data or DATA,
        "eval_dataset": (data or DATA)[:96],
        "callbacks": [callback] if callback else [],
    }
    return (base or hf.Trainer)(model, arguments, **(given | (words or {})))


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


@pytest.mark.parametrize(
    "more", [{}, {"gradient_accumulation_steps": 2, "eval_strategy": "steps", "eval_steps": 4}]
)
def test_a_watched_training_is_the_same_to_the_bit(hf: Any, tmp_path: Path, more: dict[str, Any]) -> None:
    ended, logs = [], []
    for callback in (LevinthalCallback(every=3, on_finding=lambda _: torch.rand(1)), None):
        model = Classifier(nn.Dropout(0.2))
        made = trainer(hf, tmp_path, model, callback, max_steps=10, **more)
        made.train()
        ended.append(model.state_dict())
        logs.append([log.get("eval_loss") or log["train_loss"] for log in made.state.log_history])
    assert all(torch.equal(value, ended[1][name]) for name, value in ended[0].items())
    assert logs[0] == logs[1]


def own_trainer(hf: Any, kind: str) -> Any:
    """A trainer that computes its loss in a way of its own, and the settings of it."""

    class Own(hf.Trainer):  # type: ignore[misc]
        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            outputs = model(inputs["inputs"])
            self.calls = getattr(self, "calls", 0) + 1
            self.log({"calls": float(self.calls)})
            loss = functional.multi_margin_loss(outputs["logits"], inputs["labels"])
            return (loss, outputs) if return_outputs else loss

    def summed(outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
        return functional.cross_entropy(outputs["logits"], labels, reduction="sum")

    if kind == "compute_loss":
        return Own, {}, {}
    if kind == "compute_loss_func":
        return hf.Trainer, {}, {"compute_loss_func": summed}
    return hf.Trainer, {"label_smoothing_factor": 0.3} if kind == "smoothed labels" else {}, {}


@pytest.mark.parametrize("kind", ["the model's own", "smoothed labels", "compute_loss", "compute_loss_func"])
def test_the_trainers_own_rows_are_evaluated_with_its_own_loss(hf: Any, tmp_path: Path, kind: str) -> None:
    base, settings, words = own_trainer(hf, kind)
    callback = LevinthalCallback(every=4)
    model: Any = Classifier()
    model.config = hf.PretrainedConfig()  # the trainer asks it before it smooths labels
    made = trainer(hf, tmp_path, model, callback, base=base, words=words, **settings)
    made.train()
    held = callback.watch.history.validation
    assert held is not None
    assert (held.trouble, callback.watch.trouble) == ("", "")
    assert callback.watch.unseen == ()
    last, metrics = held.evaluations[-1], made.evaluate()
    assert last.training is not None
    assert (last.held_out.rows, last.training.rows) == (96, OWN_ROWS)
    assert last.held_out.loss == pytest.approx(metrics["eval_loss"], rel=1e-5)
    if kind == "compute_loss":
        assert [log["calls"] for log in made.state.log_history if "calls" in log][:30] == [*range(1, 31)]


def test_a_stream_is_not_read_and_no_rows_are_taken_where_none_are_wanted(hf: Any, tmp_path: Path) -> None:
    class Stream(IterableDataset[Any]):
        def __iter__(self) -> Any:
            raise RuntimeError("it can be read only once")

    for callback, words in (
        (LevinthalCallback(), {"eval_dataset": Stream()}),
        (LevinthalCallback(), {"eval_dataset": None}),
        (LevinthalCallback(validation=False), {}),
    ):
        trainer(hf, tmp_path, Classifier(), callback, max_steps=2, words=words).train()
        assert callback.watch.history.validation is None
        assert callback.watch.unseen == ()


def test_validation_data_that_fail_end_no_training(hf: Any, tmp_path: Path) -> None:
    class Broken(hf.Trainer):  # type: ignore[misc]
        def get_eval_dataloader(self, dataset: Any = None) -> Any:
            raise RuntimeError("the user's own")

    callback = LevinthalCallback(every=1)
    made = trainer(hf, tmp_path, Classifier(), callback, max_steps=3, base=Broken)
    with pytest.warns(UserWarning, match="validation data were not taken: RuntimeError: the user's own"):
        made.train()
    assert len(callback.watch.history) == 3


def test_the_findings_go_where_the_trainer_reports(hf: Any, tmp_path: Path, monkeypatch: Any) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "log"))
    callback, model = LevinthalCallback(every=5), Classifier(nn.Softmax(1))
    trainer(hf, tmp_path, model, callback, report_to=["tensorboard"]).train()
    events = accumulator.EventAccumulator(str(tmp_path / "log")).Reload()
    assert [e.step for e in events.Scalars("levinthal/loss")] == sampled(30, 5)
    assert events.Tensors("levinthal/findings/text_summary")


@pytest.mark.parametrize("place", ["wandb", "mlflow"])
def test_other_places_are_written_to_before_the_trainer_closes_them(
    hf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    written = list[tuple[Any, int]]()
    monkeypatch.setattr(getattr(adapter, place), "write", lambda w, *, start: written.append((w, start)))
    callback = LevinthalCallback(every=5)
    made = trainer(hf, tmp_path, Classifier(), callback, max_steps=3)
    made.args.report_to = [place]
    made.train()
    assert written == [(callback.watch, 0)]


def test_a_log_that_fails_ends_no_training(hf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(adapter.wandb, "write", full)
    made = trainer(hf, tmp_path, Classifier(), LevinthalCallback(), max_steps=3)
    made.args.report_to = ["wandb"]
    with pytest.warns(UserWarning, match="the findings were not written to wandb: OSError: no space left"):
        made.train()
    assert made.state.global_step == 3


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
