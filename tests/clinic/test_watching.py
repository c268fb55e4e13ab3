from __future__ import annotations

import copy
import gc
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.clinic.cases import Loop, X, Y, mlp
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode

from levinthal.clinic import FindingError, Watch, watch
from levinthal.clinic.recording.history import MOST
from levinthal.clinic.rules import diagnosis
from levinthal.clinic.watching import WHOLE, sampled_step
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
    monkeypatch.setattr(w.setup.__class__, "rates", lambda self: 1 / 0)
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
    assert w.history.steps.tolist() == [sampled_step(block, 5) for block in range(3)]
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
    assert w.history.tensors("before_clipping") == pytest.approx(w.history.tensors("gradient"), nan_ok=True)


class Twice(nn.Module):
    """Gives a tuple."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp(width=16, top=nn.Softmax(1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.inner(x), x.mean()


class Wrapper(nn.Module):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.module(x)
        return out


def pairs_alike(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))


def both(wrap: Callable[[nn.Module], nn.Module], steps: int = 25) -> tuple[Watch, bool]:
    """A network with a softmax too many, wrapped and watched; and whether its weights are those of a twin."""
    alone = mlp(width=16, top=nn.Softmax(1))
    watched = copy.deepcopy(alone)
    outer = wrap(watched)
    w = Loop(steps=steps, every=2).run(outer, torch.optim.Adam(outer.parameters(), 1e-3))
    outer = wrap(alone)
    Loop(steps=steps).run(outer, torch.optim.Adam(outer.parameters(), 1e-3), watched=False)
    return w, pairs_alike(watched, alone)


@pytest.mark.parametrize("wrap", [Wrapper, nn.DataParallel])
def test_wrapped_networks_are_watched(wrap: Callable[[nn.Module], nn.Module]) -> None:
    w, same = both(wrap)
    assert same
    assert w.findings()[0].code == "DOUBLE_SOFTMAX"
    assert "module.1" in w.history.layer_names


def part_compiled(model: nn.Module) -> nn.Module:
    assert isinstance(model, nn.Sequential)
    return nn.Sequential(torch.compile(model[:3], backend="eager"), *model[3:])


def compiled_in_place(model: nn.Module) -> nn.Module:
    model.compile(backend="eager")
    return Wrapper(model)


@pytest.mark.parametrize(
    "wrap", [lambda model: torch.compile(model, backend="eager"), part_compiled, compiled_in_place]
)
def test_compiled_networks_are_watched(wrap: Callable[[nn.Module], nn.Module]) -> None:
    torch._dynamo.reset()
    w, same = both(wrap)
    assert same
    assert w.findings()[0].code == "DOUBLE_SOFTMAX"
    assert "GRAPH_BROKEN" not in [f.code for f in w.findings()]


def test_a_network_compiled_behind_the_watch_is_trained_as_ever() -> None:
    torch._dynamo.reset()
    alone = mlp(width=16)
    watched = copy.deepcopy(alone)
    for model, listening in ((watched, True), (alone, False)):
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        compiled, w = torch.compile(model, backend="eager"), watch(model, optimizer, every=2)
        with w if listening else nullcontext():
            Loop(steps=9).train(compiled, optimizer)
        assert w.trouble == ""
    assert pairs_alike(watched, alone)


def test_a_tuple_comes_back() -> None:
    model = Twice()
    w = watch(model, optimizer := torch.optim.Adam(model.parameters(), 1e-3), every=2)
    with w:
        Loop(steps=25, loss=lambda out, y: functional.cross_entropy(out[0], y)).train(model, optimizer)
    assert w.trouble == ""
    assert w.findings()[0].code == "DOUBLE_SOFTMAX"


def test_a_scaler_and_clipping_are_no_sickness() -> None:
    alone = mlp(width=16)
    watched = copy.deepcopy(alone)
    for model, listening in ((watched, True), (alone, False)):
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        scaler = torch.amp.GradScaler("cpu")
        with watch(model, optimizer, every=2) if listening else nullcontext() as w:
            for step in range(60):
                rows = torch.arange(step * 16, step * 16 + 16)
                optimizer.zero_grad()
                with torch.autocast("cpu", torch.bfloat16):
                    loss = functional.cross_entropy(model(X[rows]), Y[rows])
                scaler.scale(loss).backward()
                if step % 20 == 0:
                    model[0].weight.grad.fill_(torch.inf)  # an overflow: the scaler skips the step
                scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                scaler.step(optimizer)
                scaler.update()
        if w is not None:
            assert w.trouble == ""
            assert 20 < len(w.history) < 30
            assert [f.code for f in w.findings() if f.severity != "info"] == []
    assert pairs_alike(watched, alone)


def test_batches_may_be_skipped_and_steps_may_raise() -> None:
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
            assert w.history.layer_names == {"first": "Linear", "tanh 2": "tanh", "last": "Linear"}
    assert pairs_alike(watched, alone)
    assert hooks(watched, optimizer) == 0
    assert torch.overrides._len_torch_function_stack() == 0


class Counting(torch.overrides.TorchFunctionMode):
    calls = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.calls += 1
        return func(*args, **(kwargs or {}))


def test_a_mode_that_the_user_takes_off_is_theirs() -> None:
    model = mlp()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=1) as w:
        for _ in range(3):
            with Counting() as mine, torch.device("cpu"):
                loss = functional.cross_entropy(model(X[:8]), Y[:8])
            assert torch.overrides._get_current_function_mode_stack() == [w._recorder]
            assert mine.calls > 0
            loss.backward()
            optimizer.step()
            assert torch.overrides._len_torch_function_stack() == 0
    assert w.trouble == ""
    assert len(w.history.calls()) == 3


@pytest.mark.parametrize("broken", ["layer_numbers", "loss_call"])
def test_a_reading_that_fails_is_not_raised_in_the_loop(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"levinthal.clinic.recording.hooks.{broken}", lambda *args, **words: 1 / 0)
    model = mlp()
    w = watch(model, optimizer := torch.optim.SGD(model.parameters(), 0.1), every=1)
    with w:
        Loop(steps=3).train(model, optimizer)
    assert "ZeroDivisionError" in w.trouble
    assert hooks(model, optimizer) == 0
    assert torch.overrides._len_torch_function_stack() == 0
    assert not torch.nn.modules.module._global_forward_hooks


class Waiting(TorchDispatchMode):
    """Counts what makes the host wait for a GPU: numbers asked for, and shapes that depend on data."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = Counter[str]()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if func.overloadpacket.__name__ in (
            "_local_scalar_dense",
            "nonzero",
            "bincount",
            "_unique2",
            "equal",
        ):
            self.waits[func.overloadpacket.__name__] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("clip", [0.0, 0.1])
@pytest.mark.parametrize("name", ["mlp", "convolutions"])
def test_nothing_in_a_step_waits_for_the_device(name: str, clip: float) -> None:
    waits = []
    for listening_too in (True, False):
        model = NETS[name]()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        with (
            watch(model, optimizer, every=1) if listening_too else nullcontext() as w,
            Waiting() as counting,
        ):
            Loop(steps=12, clip=clip, zero=clip > 0).train(model, optimizer)
        waits.append(counting.waits)
        if w is not None:
            assert w.trouble == ""
            assert len(w.history) == 12
    assert waits[0] == waits[1]


def test_what_is_kept_does_not_grow_with_the_steps() -> None:
    def kept(steps: int) -> int:
        model = mlp(width=8, depth=1)
        w = Loop(steps=steps, batch=4, every=1).run(model, torch.optim.SGD(model.parameters(), 0.01))
        gc.collect()
        count = sum(issubclass(type(each), Tensor) for each in gc.get_objects())
        assert min(steps, MOST // 2) <= len(w.history) <= MOST
        return count

    kept(10)
    assert kept(3 * MOST) <= 1.2 * kept(3 * MOST // 2)  # twice the steps


def test_layers_weights_and_batches_are_read_in_turns_and_losses_in_all() -> None:
    model = nn.Sequential(mlp(), nn.Dropout(0.1))
    w = Loop(steps=30, every=1).run(model, torch.optim.Adam(model.parameters(), 1e-3))
    layers, weights, batches = (
        [step < WHOLE or step % 3 == turn or s.detailed for step, s in enumerate(w.history)]
        for turn in range(3)
    )
    assert [bool(sample.names) for sample in w.history] == layers
    assert [sample.tensors is not None for sample in w.history] == weights
    assert [not sample.batch.isnan().any() for sample in w.history if sample.batch is not None] == batches
    assert len(w.history.tensor_steps) == len(w.history.tensors("weight")) == sum(weights)
    assert len(w.history.batch("mean")) == sum(batches)
    assert len(w.history.batch("non_finite")) == 30
    assert [len(sample.losses) for sample in w.history] == [1] * 30
    assert all(sample.dropout_rates == {"1": 0.1} for sample in w.history)


def test_a_rule_that_fails_is_told_and_takes_no_other_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_chart: object) -> list[object]:
        raise ZeroDivisionError("of nothing")

    monkeypatch.setattr(diagnosis, "RULES", (broken, *diagnosis.RULES))
    model = mlp(top=nn.Softmax(1))
    w = Loop(steps=30).run(model, torch.optim.Adam(model.parameters(), 1e-3))
    assert "DOUBLE_SOFTMAX" in [finding.code for finding in w.findings()]
    assert w.failed_rules == ("broken: ZeroDivisionError: of nothing",)
    assert "A rule failed, please report it: broken" in str(w)


def test_a_model_in_double_precision_is_watched_like_any_other() -> None:
    model = mlp(top=nn.Softmax(1)).double()
    w = Loop(steps=30, inputs=X.double()).run(model, torch.optim.Adam(model.parameters(), 1e-3))
    assert w.findings()[0].code == "DOUBLE_SOFTMAX"
    assert not w.failed_rules


@given(every=st.integers(1, 60), beat=st.integers(2, 60))
def test_no_beat_of_the_loop_hides_from_the_samples(every: int, beat: int) -> None:
    sampled = [sampled_step(block, every) for block in range(40 * beat)]
    assert all(block * every <= step < (block + 1) * every for block, step in enumerate(sampled))
    seen = torch.tensor(sampled).remainder(beat).bincount(minlength=beat) / len(sampled)
    if every > 1:  # at every step all is seen anyhow
        assert seen.max() <= 0.75


BY_HAND: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "squares": (lambda out, y: ((out - y) ** 2).mean(), lambda y: y.var(correction=0)),
    "squares, of torch": (functional.mse_loss, lambda y: y.var(correction=0)),
    "sizes, of torch": (functional.l1_loss, lambda y: (y - y.median()).abs().mean()),
    "huber, of torch": (
        functional.huber_loss,
        lambda y: min(functional.huber_loss(g.expand_as(y), y) for g in torch.linspace(-3, 3, 3001)),
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_the_loss_of_a_guess_is_known_of_losses_of_numbers(name: str) -> None:
    loss, guess = BY_HAND[name]
    torch.manual_seed(0)
    model, x = nn.Linear(4, 1), torch.randn(64, 4)
    y = torch.randn(64, 1).exp()
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    with watch(model, optimizer, every=1) as w:
        for _ in range(8):
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
    assert w.history.chance == pytest.approx(float(guess(y)), rel=0.02)


def test_a_difference_is_no_guess_where_the_loss_is_something_else() -> None:
    model, x, y = nn.Linear(4, 1), torch.randn(64, 4), torch.randn(64, 1)
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    with watch(model, optimizer, every=1) as w:
        for _ in range(8):
            optimizer.zero_grad()
            (model(x) - y).cosh().log().mean().backward()
            optimizer.step()
    assert w.history.chance != w.history.chance


def test_a_watch_that_saw_no_step_does_not_say_healthy() -> None:
    model = mlp()
    with watch(model, torch.optim.SGD(model.parameters(), 0.1)) as w:
        pass
    assert "Healthy" not in str(w)
    assert str(w).startswith("Nothing was seen")


@pytest.mark.parametrize(
    ("model", "optimizer", "why"),
    [(3, None, "the model is of type int"), (None, 3, "the optimiser is of type int")],
)
def test_what_is_no_model_or_optimiser_is_refused_in_one_line(model: Any, optimizer: Any, why: str) -> None:
    net = mlp()
    with pytest.raises(InputError, match=why):
        watch(model or net, optimizer or torch.optim.SGD(net.parameters(), 0.1))
