from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tests.clinic.cases import X, Y, mlp, sampled
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from levinthal.clinic import FindingError
from levinthal.data import load
from levinthal.errors import InputError
from levinthal.integrations import lightning as adapter
from levinthal.integrations.attending import OWN_ROWS
from levinthal.integrations.lightning import LevinthalCallback, own_validation, tensors
from levinthal.integrations.logged import counts


@pytest.fixture
def pl() -> Any:
    return pytest.importorskip("pytorch_lightning")


def loader(batch: int = 64) -> DataLoader[Any]:
    return DataLoader(TensorDataset(X, Y), batch)


def held_out(batch: int = 256) -> DataLoader[Any]:
    """Rows that are not trained on."""
    digits = load("digits")
    rows = TensorDataset(torch.tensor(digits.test_inputs), torch.tensor(digits.test_labels))
    return DataLoader(rows, batch)


def module(pl: Any, top: nn.Module | None = None, whole: bool = False, step: Any = None) -> Any:
    """A classifier whose training step calls a part of it (or, `whole`, the module itself)."""

    class Classifier(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = mlp(depth=2, width=32, top=top)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.net(x)
            return out

        def training_step(self, batch: Any, index: int) -> Tensor | None:
            return functional.cross_entropy((self if whole else self.net)(batch[0]), batch[1])

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val", functional.cross_entropy(self.net(batch[0]), batch[1]))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), 1e-3)

    torch.manual_seed(0)
    return Classifier()


def trainer(pl: Any, callback: LevinthalCallback | None, **more: Any) -> Any:
    off = ("enable_progress_bar", "enable_model_summary", "enable_checkpointing", "logger")
    settings = dict.fromkeys(off, False) | {"accelerator": "cpu", "max_steps": 30, "max_epochs": 9}
    settings |= {
        "num_sanity_val_steps": 0,
        "log_every_n_steps": 1,
        "callbacks": [callback] if callback else [],
    }
    return pl.Trainer(**(settings | more))


def fit(pl: Any, model: Any, callback: LevinthalCallback | None, data: Any = None, **more: Any) -> Any:
    chosen = trainer(pl, callback, **more)
    chosen.fit(model, data or loader(), held_out())
    return chosen


def codes(callback: LevinthalCallback) -> list[str]:
    return [finding.code for finding in callback.watch.findings() if finding.severity != "info"]


def hooks(model: nn.Module) -> int:
    return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in model.modules())


@pytest.mark.parametrize("name", ["lightning.pytorch", "pytorch_lightning"])
@pytest.mark.parametrize("whole", [False, True])
def test_the_cause_is_found_and_said(name: str, whole: bool, capsys: pytest.CaptureFixture[str]) -> None:
    pl = pytest.importorskip(name)
    callback, model = LevinthalCallback(every=5), module(pl, nn.Softmax(1), whole)
    fit(pl, model, callback)
    assert callback.watch.trouble == ""
    assert callback.watch.history.steps.tolist() == sampled(30, 5)
    assert codes(callback)[0] == "DOUBLE_SOFTMAX"
    assert "remove the softmax" in capsys.readouterr().out
    assert hooks(model) == torch.overrides._len_torch_function_stack() == 0


def test_a_healthy_module_hears_nothing(pl: Any, capsys: pytest.CaptureFixture[str]) -> None:
    callback = LevinthalCallback(every=2, raise_if="warning")
    fit(pl, module(pl), callback, max_steps=60)
    assert codes(callback) == []
    assert "Unfinished: the loss" in capsys.readouterr().out


def test_a_watched_fit_is_the_same_fit_to_the_bit(pl: Any) -> None:
    ended = []
    for callback in (LevinthalCallback(every=3), None):
        model = module(pl, nn.Dropout(0.2))
        fit(pl, model, callback, max_steps=10)
        ended.append(model.state_dict())
    assert all(torch.equal(value, ended[1][name]) for name, value in ended[0].items())


@pytest.mark.parametrize("more", [{}, {"accumulate_grad_batches": 2}])
def test_sanity_checks_and_validation_are_not_training(pl: Any, more: dict[str, Any]) -> None:
    callback = LevinthalCallback(every=1)
    model = module(pl, nn.BatchNorm1d(10))
    fit(pl, model, callback, num_sanity_val_steps=2, val_check_interval=3, max_steps=8, **more)
    history = callback.watch.history
    assert history.steps.tolist() == list(range(8))
    assert history.evaluated_in_train == 0
    assert {call.input_shape for call in history.calls()} == {(64, 10)}  # validation comes in 256
    assert len(history.calls()) == 8 * more.get("accumulate_grad_batches", 1)
    assert {sample.norms_in_eval for sample in history} == {()}


def test_rows_held_out_are_asked_of_forward(pl: Any) -> None:
    validation = (X[-200:], Y[-200:])
    callback = LevinthalCallback(every=2, validation=validation, loss_fn=functional.cross_entropy)
    few = DataLoader(TensorDataset(X[:64], torch.randint(0, 10, (64,))), 32, shuffle=True)
    fit(pl, module(pl), callback, few, max_steps=100, max_epochs=-1, check_val_every_n_epoch=50)
    held = callback.watch.history.validation
    assert held is not None
    assert held.trouble == callback.watch.trouble == ""
    last = held.evaluations[-1]
    assert last.training is not None
    assert last.training.loss < last.held_out.loss


def test_the_trainers_own_rows_are_asked_of_forward(pl: Any) -> None:
    callback = LevinthalCallback(every=2)
    fit(pl, module(pl), callback)
    held = callback.watch.history.validation
    assert held is not None
    assert (held.trouble, callback.watch.trouble, callback.watch.unseen) == ("", "", ())
    assert sum(len(inputs) for inputs, _ in held.batches) == OWN_ROWS
    model, (inputs, labels) = callback.watch.setup.model, held.batches[0]
    with torch.no_grad():
        loss = functional.cross_entropy(model(inputs), labels)
    assert held.evaluations[-1].held_out.loss == pytest.approx(float(loss), rel=1e-5)


def test_of_several_loaders_the_first_that_can_be_read_again_is_taken(pl: Any) -> None:
    class Stream(IterableDataset[Any]):
        def __iter__(self) -> Any:
            return iter([(X[0], Y[0])])

    held = loader(128)
    found = [{"stream": DataLoader(Stream()), "rows": held}, loader()]
    own = own_validation(SimpleNamespace(val_dataloaders=found), None)
    assert own is not None
    assert own.source is held
    assert own_validation(SimpleNamespace(val_dataloaders=None), None) is None
    callback = LevinthalCallback(validation=False)
    fit(pl, module(pl), callback, max_steps=2)
    assert callback.watch.history.validation is None


def test_a_forward_that_does_not_take_the_rows_is_told_and_ends_nothing(pl: Any) -> None:
    class Other(type(module(pl))):  # type: ignore[misc]
        def forward(self, x: Tensor, prompt: Tensor) -> Tensor:
            raise NotImplementedError

    callback = LevinthalCallback(every=2)
    fit(pl, Other(), callback)
    assert callback.watch.trouble == ""
    assert "the validation data were not evaluated: TypeError" in callback.watch.unseen[0]


@pytest.mark.parametrize("method", ["add_text", "define_metric", "log_batch", "nothing"])
def test_each_logger_is_written_to_by_its_writer(
    pl: Any, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    written = list[str]()
    for name in ("tensorboard", "wandb", "mlflow"):
        note = partial(lambda name, *_, **__: written.append(name), name)
        monkeypatch.setattr(getattr(adapter, name), "write", note)
    noted = list[Any]()
    experiment = SimpleNamespace(**{method: None})
    logger = SimpleNamespace(
        experiment=experiment, run_id="1", log_metrics=lambda numbers, step: noted.append((numbers, step))
    )
    callback = LevinthalCallback(every=2)
    fit(pl, module(pl), callback, max_steps=4)
    callback._write(logger, 4)
    names = {"add_text": "tensorboard", "define_metric": "wandb", "log_batch": "mlflow"}
    assert written == ([names[method]] if method in names else [])
    assert noted == ([] if written else [(counts(callback.watch), 4)])


def test_accumulation_and_clipping(pl: Any) -> None:
    callback = LevinthalCallback(every=1)
    fit(pl, module(pl), callback, accumulate_grad_batches=3, gradient_clip_val=0.01, max_steps=6)
    history = callback.watch.history
    assert len(history) == 6
    before, after = (
        np.sqrt(np.nansum(history.tensors(name) ** 2, 1)) for name in ("before_clipping", "gradient")
    )
    assert (after <= 0.01 * 1.001).all()  # that of the matrices, of all that was clipped at .01
    assert (after > 0.005).all()
    assert (before > 5 * after).all()
    assert "MISSING_ZERO_GRAD" not in codes(callback)


def test_mixed_precision(pl: Any) -> None:
    callback = LevinthalCallback(every=2)
    fit(pl, module(pl, whole=True), callback, precision="bf16-mixed", max_steps=60)
    assert callback.watch.trouble == ""
    assert len(callback.watch.history) == 30
    assert codes(callback) == []


def test_manual_optimisation_of_two_networks(pl: Any) -> None:
    class Pair(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False
            self.maker = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 64))
            self.judge = nn.Sequential(nn.Linear(64, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))

        def training_step(self, batch: Any, index: int) -> None:
            fake = self.maker(torch.randn(len(batch[0]), 8))
            first, second = self.optimizers()
            both = self.judge(torch.cat([batch[0], fake.detach()]))
            truth = torch.cat([torch.ones(len(batch[0]), 1), torch.zeros(len(fake), 1)])
            for optimizer, out, target in ((first, both, truth), (second, None, torch.ones(len(fake), 1))):
                optimizer.zero_grad()
                answer = self.judge(fake) if out is None else out
                self.manual_backward(functional.binary_cross_entropy_with_logits(answer, target))
                optimizer.step()

        def configure_optimizers(self) -> Any:
            return [torch.optim.Adam(net.parameters(), 1e-3) for net in (self.judge, self.maker)]

    torch.manual_seed(0)
    callback = LevinthalCallback(every=2)
    chosen = trainer(pl, callback, max_steps=60)  # Lightning counts the steps of both
    chosen.fit(Pair(), loader())
    assert callback.watch.trouble == ""
    assert callback.watch.history.steps.tolist() == sampled(30, 2)
    assert codes(callback) == []


def test_an_exception_leaves_no_hook_behind(pl: Any) -> None:
    class Broken(type(module(pl))):  # type: ignore[misc]
        def training_step(self, batch: Any, index: int) -> Tensor:
            if index == 2:
                raise RuntimeError("the user's own")
            return super().training_step(batch, index)  # type: ignore[no-any-return]

    model, callback = Broken(), LevinthalCallback(every=1)
    with pytest.raises(RuntimeError, match="the user's own"):
        fit(pl, model, callback)
    assert hooks(model) == torch.overrides._len_torch_function_stack() == 0
    assert len(callback.watch.history) == 2


def test_it_raises_after_the_last_checkpoint_is_written(pl: Any, tmp_path: Path) -> None:
    checkpoints = pl.callbacks.ModelCheckpoint(tmp_path, save_last=True)
    callback = LevinthalCallback(every=2, raise_if="critical")
    more = {"callbacks": [callback, checkpoints], "enable_checkpointing": True, "default_root_dir": tmp_path}
    with pytest.raises(FindingError, match="DOUBLE_SOFTMAX"):
        fit(pl, module(pl, nn.Softmax(1)), callback, **more)
    assert torch.load(tmp_path / "last.ckpt", weights_only=False)["global_step"] == 30


def test_a_fit_that_goes_on_is_watched_from_there_and_logged_at_its_steps(pl: Any, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    first, second = LevinthalCallback(every=5), LevinthalCallback(every=5)
    fit(pl, module(pl), first, max_epochs=1, max_steps=-1).save_checkpoint(tmp_path / "saved.ckpt")
    logger = pl.loggers.TensorBoardLogger(tmp_path)
    chosen = trainer(pl, second, max_epochs=2, max_steps=-1, logger=logger)
    chosen.fit(module(pl), loader(), held_out(), ckpt_path=tmp_path / "saved.ckpt")
    assert first.watch.history.steps.tolist() == second.watch.history.steps.tolist() == sampled(19, 5)
    assert second.watch.history.losses[0] < first.watch.history.losses[0]
    events = accumulator.EventAccumulator(logger.log_dir).Reload()
    assert [e.step - 19 for e in events.Scalars("levinthal/loss")] == sampled(19, 5)
    assert events.Scalars("levinthal/critical")[0].value == 0
    assert events.Tensors("levinthal/findings/text_summary")


def test_the_tensors_of_a_batch_however_it_is_nested() -> None:
    one, two, three = (torch.full((2,), float(i)) for i in range(3))
    assert [*tensors({"x": [one, (two, "name")], "y": three, "n": 3})] == [one, two, three]


def test_without_lightning_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "BASES", ())
    with pytest.raises(InputError, match=r"pip install 'levinthal\[lightning\]'"):
        LevinthalCallback()
