"""What counts as one step: accumulation, closures, several networks, skipped and failing steps."""

from __future__ import annotations

import copy
from contextlib import nullcontext

import pytest
import torch
from tests.clinic.cases import X, Y, mlp
from tests.clinic.watched_networks import hooks, identical_weights
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import watch
from levinthal.clinic.recording.sampling import sampled_step


def test_closures_are_watched() -> None:
    model = mlp(nn.Tanh)
    optimizer = torch.optim.LBFGS(model.parameters(), 0.1, max_iter=4)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(X[:200]), Y[:200])
        loss.backward()
        return loss

    with watch(model, optimizer, every=1) as w:
        for _ in range(8):
            optimizer.step(closure)
    assert w.trouble == ""
    assert len(w.history) == 8
    assert [f.code for f in w.findings() if f.severity != "info"] == []


def test_gradient_accumulation_is_not_reported_as_missing_zero_grad() -> None:
    model = mlp()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    with watch(model, optimizer, every=2) as w:
        for step in range(60):
            rows = torch.arange(step * 16, step * 16 + 16) % len(X)
            (functional.cross_entropy(model(X[rows]), Y[rows]) / 4).backward()
            if step % 4 == 3:
                optimizer.step()
                optimizer.zero_grad()
    assert w.trouble == ""
    assert "MISSING_ZERO_GRAD" not in [f.code for f in w.findings()]


def test_adversarial_networks_are_not_reported_as_missing_zero_grad() -> None:
    maker, judge = nn.Sequential(nn.Linear(8, 64)), nn.Sequential(nn.Linear(64, 1))
    first, second = (torch.optim.Adam(net.parameters(), 1e-3) for net in (maker, judge))
    with watch(judge, second, every=2) as w:
        for step in range(30):
            fake = maker(torch.randn(16, 8, generator=torch.Generator().manual_seed(step)))
            second.zero_grad()
            functional.binary_cross_entropy_with_logits(judge(fake.detach()), torch.zeros(16, 1)).backward()
            second.step()
            first.zero_grad()
            functional.binary_cross_entropy_with_logits(judge(fake), torch.ones(16, 1)).backward()
            first.step()
    assert w.trouble == ""
    assert "MISSING_ZERO_GRAD" not in [f.code for f in w.findings()]


def test_two_networks_in_one_module_are_not_reported_as_missing_zero_grad() -> None:
    both = nn.ModuleDict({"maker": nn.Linear(8, 64), "judge": nn.Sequential(nn.Linear(64, 1))})
    first, second = (torch.optim.Adam(both[name].parameters(), 1e-3) for name in ("judge", "maker"))

    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.both = both

        def forward(self, noise: Tensor, fixed: bool) -> Tensor:
            fake = self.both["maker"](noise)
            out: Tensor = self.both["judge"](fake.detach() if fixed else fake)
            return out

    pair = Pair()
    with watch(pair, (first, second), every=2) as w:
        for step in range(30):
            noise = torch.randn(16, 8, generator=torch.Generator().manual_seed(step))
            first.zero_grad()
            functional.binary_cross_entropy_with_logits(pair(noise, True), torch.zeros(16, 1)).backward()
            first.step()
            second.zero_grad()
            functional.binary_cross_entropy_with_logits(pair(noise, False), torch.ones(16, 1)).backward()
            second.step()
    assert w.trouble == ""
    assert "MISSING_ZERO_GRAD" not in [f.code for f in w.findings()]


def test_a_loop_that_calls_submodules_marks_its_steps_itself() -> None:
    model = nn.ModuleDict({"body": mlp(width=16), "head": nn.Softmax(1)})
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    w = watch(model, optimizer, every=5)
    w.begin_step(X[:32])  # nothing is watched before or after
    with w:
        for step in range(12):
            rows = torch.arange(step * 32, step * 32 + 32)
            optimizer.zero_grad()
            w.begin_step(X[rows])
            functional.cross_entropy(model["head"](model["body"](X[rows])), Y[rows]).backward()
            optimizer.step()
    w.begin_step(X[:32])
    assert w.history.steps.tolist() == [sampled_step(block, 5) for block in range(3)]
    assert {sample.batch_size for sample in w.history} == {32}
    assert "body.0" in w.history.layer_names
    assert w.findings()[0].code == "DOUBLE_SOFTMAX"


def test_an_evaluation_within_an_accumulated_step_is_not_recorded() -> None:
    model = nn.ModuleDict({"body": nn.Sequential(nn.Linear(64, 10), nn.BatchNorm1d(10))})
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=1) as w:
        for step in range(6):
            w.begin_step(X[:32])
            functional.cross_entropy(model["body"](X[:32]), Y[:32]).backward()
            if step % 3 == 0:
                model.eval()
                with torch.no_grad():
                    functional.cross_entropy(model["body"](X[:200]), Y[:200])
                model.train()
            if step % 2:
                optimizer.step()
                optimizer.zero_grad()
    assert {call.input_shape for call in w.history.calls()} == {(32, 10)}
    assert {sample.norms_in_eval for sample in w.history} == {()}


def test_the_last_pass_of_an_accumulated_step_is_recorded_within_a_closure() -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def closure() -> Tensor:
        loss = functional.cross_entropy(model(X[32:64]), Y[32:64])
        loss.backward()
        return loss

    with watch(model, optimizer, every=1) as w:
        for _ in range(3):
            optimizer.zero_grad()
            functional.cross_entropy(model(X[:32]), Y[:32]).backward()
            optimizer.step(closure)
    assert [len(sample.losses) for sample in w.history] == [2, 2, 2]
    assert w.history.tensors("before_clipping") == pytest.approx(w.history.tensors("gradient"), nan_ok=True)


def test_skipped_batches_and_failing_steps_are_handled() -> None:
    class Fussy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(64, 16), nn.Linear(16, 10)

        def forward(self, x: Tensor) -> Tensor:
            h = self.first(x)
            if len(x) < 4:
                raise ValueError("too few rows")
            out: Tensor = self.last(torch.tanh(h))
            return out

    alone = Fussy()
    watched = copy.deepcopy(alone)
    for model, listening in ((watched, True), (alone, False)):
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        with watch(model, optimizer, every=1) if listening else nullcontext() as w:
            for step in range(20):
                optimizer.zero_grad()
                try:
                    loss = functional.cross_entropy(model(X[: 2 + step % 5]), Y[: 2 + step % 5])
                except ValueError:
                    continue
                if step % 4 == 0:
                    continue
                loss.backward()
                optimizer.step()
        if w is not None:
            assert w.trouble == ""
            assert len(w.history) == 9
            assert w.history.layer_names == {"first": "Linear", "tanh after first": "tanh", "last": "Linear"}
    assert identical_weights(watched, alone)
    assert hooks(watched, optimizer) == 0
    assert torch.overrides._len_torch_function_stack() == 0
