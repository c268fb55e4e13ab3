from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from tests.clinic.cases import Loop, X, Y, mlp
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import FindingError, watch
from levinthal.clinic.sample import MOST
from levinthal.errors import InputError

Net = Callable[[], nn.Module]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cells, self.head = nn.LSTM(8, 16, batch_first=True), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.cells(x.view(-1, 8, 8))[0][:, -1])
        return out


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.block(x.view(-1, 8, 8)).flatten(1))
        return out


class Shared(nn.Module):
    """One module called twice, tied weights, an activation by function."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.twice, self.out = nn.Linear(64, 32), nn.Linear(32, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        h = functional.relu(self.twice(torch.tanh(self.twice(self.into(x).relu()))))
        out: Tensor = self.out(h)
        return out


def convolutions() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.Flatten(),
        nn.Linear(288, 10),
    )


NETS: dict[str, Net] = {
    "mlp": mlp,
    "convolutions": convolutions,
    "recurrent": Recurrent,
    "attention": Attention,
    "shared": Shared,
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("every", [1, 7])
def test_a_watched_run_is_the_same_run_to_the_bit(name: str, every: int) -> None:
    torch.manual_seed(1)
    watched, alone = NETS[name](), None
    alone = copy.deepcopy(watched)
    for model, listening in ((watched, True), (alone, False)):
        torch.manual_seed(2)  # dropout draws
        Loop(steps=15, every=every).run(model, torch.optim.Adam(model.parameters(), 1e-3), listening)
    assert all(torch.equal(a, b) for a, b in zip(watched.parameters(), alone.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(watched.buffers(), alone.buffers(), strict=True))


def hooks(model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    mine = sum(len(getattr(module, kind)) for module in model.modules() for kind in kinds)
    return mine + len(optimizer._optimizer_step_pre_hooks) + len(optimizer._optimizer_step_post_hooks)


@pytest.mark.parametrize("error", [None, "between forward and backward"])
def test_no_hook_and_no_mode_is_left_behind(error: str | None) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    expected = pytest.raises(RuntimeError, match=error) if error else nullcontext()
    with expected, watch(model, optimizer, every=1):
        loss = functional.cross_entropy(model(X[:8]), Y[:8])
        if error:
            raise RuntimeError(error)
        loss.backward()
        optimizer.step()
    assert hooks(model, optimizer) == 0
    assert torch.overrides._len_torch_function_stack() == 0


def test_a_failure_of_the_watch_ends_the_watch_and_not_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    w = watch(model, optimizer, every=1)
    monkeypatch.setattr(w.patient.__class__, "rates", lambda self: 1 / 0)
    before = model[0].weight.detach().clone()  # type: ignore[union-attr]
    with w:
        Loop(steps=3).train(model, optimizer)
    assert "ZeroDivisionError" in w.trouble
    assert not torch.equal(before, model[0].weight)  # type: ignore[arg-type]
    assert w.findings() == []


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


def test_accumulation_is_no_forgotten_zero_grad() -> None:
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


def test_two_networks_against_each_other_are_no_forgotten_zero_grad() -> None:
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


def test_sparse_gradients_and_dict_outputs() -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.head = nn.EmbeddingBag(50, 8, sparse=True), nn.Linear(8, 2)

        def forward(self, ids: Tensor) -> dict[str, Tensor]:
            return {"logits": self.head(self.words(ids))}

    model = Words()
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    with watch(model, optimizer, every=1) as w:
        for step in range(12):
            ids = torch.randint(0, 50, (16, 5), generator=torch.Generator().manual_seed(step))
            optimizer.zero_grad()
            functional.cross_entropy(model(ids)["logits"], (ids[:, 0] > 25).long()).backward()
            optimizer.step()
    assert w.trouble == ""
    assert len(w.history) == 12


def test_the_loss_is_seen_however_it_is_computed() -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    seen = []
    with watch(model, optimizer, every=1) as w:
        for _ in range(4):
            optimizer.zero_grad()
            loss = -(model(X[:32]).log_softmax(1)[torch.arange(32), Y[:32]]).mean()
            seen.append(loss.item())
            loss.backward()
            optimizer.step()
    assert w.history.losses.tolist() == pytest.approx(seen)


def test_autocast_and_a_mode_of_the_users_own() -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=1) as w:
        for _ in range(6):
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                out = model(X[:32])
            with torch.device("cpu"):
                functional.cross_entropy(out.float(), Y[:32]).backward()
                optimizer.step()
    assert w.trouble == ""
    assert torch.overrides._len_torch_function_stack() == 0
    assert len(w.history) == 6


def test_memory_does_not_grow_with_the_steps() -> None:
    model = nn.Linear(64, 10)
    w = Loop(steps=3 * MOST, batch=4, every=1).run(model, torch.optim.SGD(model.parameters(), 0.01))
    assert len(w.history) <= MOST + 1
    steps = w.history.steps
    assert steps[0] == 0
    assert steps[-1] == 3 * MOST - 1
    assert (steps[1:] > steps[:-1]).all()


def test_raise_if() -> None:
    model = mlp(top=nn.Softmax(1))
    w = Loop(steps=30).run(model, torch.optim.Adam(model.parameters(), 1e-3))
    with pytest.raises(FindingError, match=r"DOUBLE_SOFTMAX in loss: remove the softmax"):
        w.raise_if("critical")
    healthy = mlp()
    Loop(steps=30).run(healthy, torch.optim.Adam(healthy.parameters(), 1e-3)).raise_if("warning")
    with pytest.raises(InputError, match="did you mean 'critical'"):
        w.raise_if("criticl")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: watch(nn.ReLU(), torch.optim.SGD([torch.zeros(1)], 0.1)), "0 parameters"),
        (lambda: watch(mlp(), torch.optim.SGD([torch.zeros(1)], 0.1), every=0), "every=0"),
        (lambda: watch(mlp(), ()), "0 optimisers"),
    ],
)
def test_what_cannot_be_watched(call: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        call()


def test_two_networks_in_one_are_no_forgotten_zero_grad_either() -> None:
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


def test_an_activation_of_its_own_for_each_unit_is_watched() -> None:
    model = nn.Sequential(nn.Linear(64, 32), nn.PReLU(32), nn.Linear(32, 10))
    w = Loop(steps=20).run(model, torch.optim.Adam(model.parameters(), 1e-3))
    assert w.findings() == []


def test_a_loop_that_calls_parts_of_the_model_begins_its_steps_itself() -> None:
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
    assert w.history.steps.tolist() == [0, 5, 10]
    assert {sample.batch_size for sample in w.history} == {32}
    assert "body.0" in w.history.layer_names
    assert w.findings()[0].code == "DOUBLE_SOFTMAX"


def test_an_evaluation_within_an_accumulated_step_is_not_heard() -> None:
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


def test_the_last_pass_of_an_accumulated_step_is_heard_within_a_closure() -> None:
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
    assert w.history.tensors("before_clipping") == pytest.approx(w.history.tensors("gradient"))
