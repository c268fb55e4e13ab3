"""The watch never breaks and never changes a training."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies
from tests.clinic.random_programs import EXTRAS, LAYERS, Parts, program_of
from tests.clinic.same_runs import Program, hooks, over_batches, same
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from levinthal.clinic.answer.states import Reason
from levinthal.clinic.watching import watch

X, Y = torch.randn(256, 16), torch.randint(4, (256,))


class Own(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.a, self.b, self.function = nn.Linear(16, 16), nn.Linear(16, 16), function

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.function(self.a(x)))


class Checkpointed(nn.Module):
    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.stem, self.block, self.head = nn.Linear(16, 16), block, nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(checkpoint(self.block, self.stem(x), use_reentrant=False))


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))


def simple(make: Callable[[], nn.Module], size: int = 32) -> Program:
    """A plain loop over random batches."""
    return over_batches(make, X, Y, size)


def encoder(**words: Any) -> nn.Module:
    layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True, **words)
    return nn.Sequential(nn.Unflatten(1, (1, 16)), layer, nn.Flatten())


BLOCKS: dict[str, Callable[[], nn.Module]] = {
    "sequential gelu": lambda: nn.Sequential(nn.Linear(16, 16), nn.GELU(), nn.Linear(16, 16)),
    "dropout": lambda: nn.Sequential(nn.Linear(16, 16), nn.Dropout(0.2), nn.Tanh(), nn.Linear(16, 16)),
    "functional gelu": lambda: Own(functional.gelu),
    "functional relu": lambda: Own(functional.relu),
    "tanh": lambda: Own(torch.tanh),
    "leaky relu of its own slope": lambda: Own(lambda x: functional.leaky_relu(x, 0.03)),
    "encoder": encoder,
    "encoder, norm first": lambda: encoder(norm_first=True, activation="gelu"),
}


@pytest.mark.parametrize("name", BLOCKS)
def test_activation_checkpointing_without_reentry(name: str) -> None:
    w = same(simple(lambda: Checkpointed(BLOCKS[name]())), every=1)
    assert w.trouble == ""
    assert len(w.history) == 12


def test_selective_checkpointing_counts_no_operation_of_ours() -> None:
    policy = pytest.importorskip("torch.utils.checkpoint")
    kept = [torch.ops.aten.mm.default, torch.ops.aten.addmm.default]

    class Selective(Checkpointed):
        def forward(self, x: Tensor) -> Tensor:
            def contexts() -> Any:
                return policy.create_selective_checkpoint_contexts(kept)

            return self.head(checkpoint(self.block, self.stem(x), use_reentrant=False, context_fn=contexts))

    w = same(simple(lambda: Selective(BLOCKS["sequential gelu"]())), every=1)
    assert w.trouble == ""


class DropPath(nn.Module):
    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        mask = x.new_empty((len(x),) + (1,) * (x.dim() - 1)).bernoulli_(1 - self.p)
        return x * mask / (1 - self.p)


def test_stochastic_depth_draws_the_same_numbers() -> None:
    for p in (0.001, 0.05, 0.1, 0.1, 0.1, 0.5):
        program = simple(
            lambda p=p: nn.Sequential(nn.Linear(16, 16), nn.ReLU(), DropPath(p), nn.Linear(16, 4))
        )
        w = same(program, every=1)
        assert "2" not in w.history.layer_names


def test_a_model_that_is_copied_and_saved_takes_nothing_of_ours_along() -> None:
    def program() -> Any:
        model, optimizer, step = simple(
            lambda: nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
        )()
        left: list[Any] = []

        def watched_step(i: int) -> Any:
            rows = torch.randint(len(X), (32,))
            loss = functional.cross_entropy(model(X[rows]), Y[rows])  # copied within a step that is sampled
            best, shallow, saved = copy.deepcopy(model), copy.copy(model), io.BytesIO()
            torch.save(model, saved)
            loaded = torch.load(io.BytesIO(saved.getvalue()), weights_only=False)
            left.extend(hooks(m) for m in (best, shallow, loaded))
            sizes = len(saved.getvalue()), len(pickle.dumps(model)), b"levinthal" in pickle.dumps(model)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss, best.state_dict(), sizes, best(X), loaded(X), left[-3:], step(i)

        return model, optimizer, watched_step

    assert same(program, steps=4, every=1).trouble == ""


class Stateful(nn.Sequential):
    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)


def test_a_model_that_makes_its_own_state_takes_nothing_along_either() -> None:
    def program() -> Any:
        model, optimizer, step = simple(lambda: Stateful(nn.Linear(16, 4)))()

        def watched_step(i: int) -> Any:
            return step(i), b"levinthal" in pickle.dumps(model), copy.deepcopy(model)(X)

        return model, optimizer, watched_step

    assert same(program, steps=4, every=1).trouble == ""


def test_replicas_of_the_model_are_called_themselves() -> None:
    model = nn.Sequential(nn.Linear(16, 4))
    replica = model._replicate_for_data_parallel()
    with watch(model, torch.optim.SGD(model.parameters(), 0.1)):
        replica = model._replicate_for_data_parallel()
        replica._modules = {"0": nn.Linear(16, 7)}
        assert replica(X).shape == (256, 7)
        assert model(X).shape == (256, 4)


def test_the_model_can_be_traced_scripted_and_exported() -> None:
    model = nn.Sequential(nn.Linear(16, 4), nn.ReLU())
    with watch(model, torch.optim.SGD(model.parameters(), 0.1), every=1) as w:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch: scripting is on its way out
            made = [torch.jit.trace(model, X), torch.jit.script(model)]
        made.append(torch.fx.symbolic_trace(model))
        assert all(torch.equal(each(X), model(X)) for each in made)
    assert w.trouble == ""


def test_two_watches_of_one_model_end_in_any_order() -> None:
    model = nn.Sequential(nn.Linear(16, 4))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    first, second = watch(model, optimizer, every=1), watch(model, optimizer, every=1)
    first.__enter__()
    second.__enter__()
    functional.cross_entropy(model(X), Y).backward()
    optimizer.step()
    first.__exit__(None, None, None)
    functional.cross_entropy(model(X), Y).backward()
    optimizer.step()
    second.__exit__(None, None, None)
    assert (len(first.history), len(second.history)) == (1, 2)
    assert sum(hooks(model)) == 0


def test_sparse_inputs() -> None:
    adjacency = (torch.rand(256, 256) < 0.05).float().to_sparse()

    class Graph(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(16, 8), nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.b(torch.spmm(adjacency, self.a(torch.spmm(adjacency, x.to_dense())).relu()))

    def program() -> Any:
        model = Graph()
        optimizer, sparse = torch.optim.Adam(model.parameters(), 1e-2), X.relu().to_sparse()

        def step(_: int) -> Tensor:
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(sparse), Y)
            loss.backward()
            optimizer.step()
            return loss

        return model, optimizer, step

    w = same(program, every=1)
    assert w.trouble == ""
    assert len(w.history) == 12
    assert any("sparse" in sentence for sentence in w.unseen)


def test_gradients_per_sample_are_left_alone() -> None:
    def program() -> Any:
        model = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4))
        optimizer = torch.optim.SGD(model.parameters(), 0.1)

        def loss(p: Any, x: Tensor, y: Tensor) -> Tensor:
            return functional.cross_entropy(torch.func.functional_call(model, p, (x[None],)), y[None])

        per_sample = torch.func.vmap(torch.func.grad(loss), (None, 0, 0))

        def step(_: int) -> Any:
            rows = torch.randint(len(X), (32,))
            found = per_sample({n: p.detach() for n, p in model.named_parameters()}, X[rows], Y[rows])
            for name, p in model.named_parameters():
                p.grad = found[name].mean(0)
            optimizer.step()
            return found

        return model, optimizer, step

    w = same(program, every=1)
    assert (w.findings(), w.trouble, w.failed_rules, len(w.history)) == ([], "", (), 9)
    assert "compiled, or by torch.func" in w.unseen[0]
    assert "the loss was not seen" in w.unseen[-1]
    assert w.answer().reason is Reason.NO_LOSS


def test_optimisers_that_step_inside_backward() -> None:
    def program() -> Any:
        model = nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
        each = {p: torch.optim.Adam([p], 1e-2, foreach=False) for p in model.parameters()}

        def step_now(p: nn.Parameter) -> None:
            each[p].step()
            each[p].zero_grad()

        for p in model.parameters():
            p.register_post_accumulate_grad_hook(step_now)

        def step(_: int) -> Tensor:
            rows = torch.randint(len(X), (32,))
            loss = functional.cross_entropy(model(X[rows]), Y[rows])
            loss.backward()
            return loss

        return model, list(each.values()), step

    w = same(program, every=2)
    assert w.history.steps.tolist() == [0, 3, 4, 7, 8, 10]
    assert all(sample.in_backward and sample.without_gradient == () for sample in w.history)
    norms, updates = w.history.tensors("gradient")[:, [0, 2]], w.history.tensors("update")[:, [0, 2]]
    assert (norms > 0).all()
    assert (updates > 0).all()
    assert w.unseen == ()


@pytest.mark.parametrize("networks", [nn.ModuleDict, nn.ModuleList, list])
def test_a_model_is_sampled_that_is_called_by_its_parts(networks: Any) -> None:
    def program() -> Any:
        made = {"encoder": nn.Linear(16, 16), "head": mlp(), "unused": nn.Linear(2, 2)}
        model = networks(made) if networks is nn.ModuleDict else networks(made.values())
        optimizer = torch.optim.SGD([p for m in made.values() for p in m.parameters()], 0.1)

        def step(_: int) -> Tensor:
            rows = torch.randint(len(X), (32,))
            with torch.no_grad():
                made["encoder"](X)  # an evaluation begins no step
            optimizer.zero_grad()
            loss = functional.cross_entropy(made["head"](functional.relu(made["encoder"](X[rows]))), Y[rows])
            loss.backward()
            optimizer.step()
            return loss

        return model, optimizer, step

    w = same(program, every=2)
    assert w.trouble == ""
    assert w.history.steps.tolist() == [0, 3, 4, 7, 8, 10]
    first = w.history.samples[0]
    assert first.batch_size == 32
    assert first.kinds == ("Linear", "relu", "Linear", "ReLU", "Linear")
    assert first.losses[0].kind == "cross_entropy"
    assert len(w.unseen) == 1
    assert "was not called in the sampled steps" in w.unseen[0]


def test_a_game_of_two_networks() -> None:
    def program() -> Any:
        g, d = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 16)), nn.Sequential(nn.Linear(16, 1))
        opt_g, opt_d = (torch.optim.Adam(n.parameters(), 1e-3) for n in (g, d))

        def step(_: int) -> Tensor:
            z = torch.randn(32, 4)
            opt_d.zero_grad()
            (functional.softplus(-d(X[:32])).mean() + functional.softplus(d(g(z).detach())).mean()).backward()
            opt_d.step()
            opt_g.zero_grad()
            loss = functional.softplus(-d(g(z))).mean()
            loss.backward()
            opt_g.step()
            return loss

        return (g, d), (opt_g, opt_d), step

    w = same(program, every=1)
    assert w.setup.names[0] == "0.0.weight"
    assert (w.trouble, w.unseen) == ("", ())
    assert len(w.history) == 12
    assert {"0.0", "0.2", "1.0"} <= w.history.layer_names.keys()


def test_activations_in_place_are_activations() -> None:
    functions = [Through(functional.relu_), Through(torch.relu_), Through(Tensor.relu_)]
    for act in (nn.ReLU(inplace=True), *functions):
        program = simple(lambda act=act: nn.Sequential(nn.Linear(16, 32), act, nn.Linear(32, 4)))
        w = same(program, every=1)
        assert not any(sample.direct_pairs for sample in w.history)
        (read,) = (stats for stats in w.history.samples[0].layers if stats.live_inputs is not None)
        assert 0.2 < read.saturated_share < 0.8


class Through(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = [function]

    def forward(self, x: Tensor) -> Tensor:
        return self.function[0](x)


def test_hooks_of_the_user_that_raise_are_seen_as_without_the_watch() -> None:
    def program() -> Any:
        model, optimizer, plain = simple(
            lambda: nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 4))
        )()
        calls = [0]

        def fails_at_times(*_: Any) -> None:
            calls[0] += 1
            if calls[0] % 3 == 0:
                raise ValueError("every third")

        model[1].register_forward_hook(fails_at_times)

        def step(i: int) -> Any:
            try:
                return plain(i)
            except ValueError as error:
                return str(error)

        return model, optimizer, step

    w = same(program, every=1)
    assert (w.trouble, w.unseen) == ("", ())


def test_inference_mode_between_the_steps() -> None:
    def program() -> Any:
        model, optimizer, plain = simple(
            lambda: nn.Sequential(nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 4))
        )()

        def step(i: int) -> Any:
            with torch.inference_mode():
                seen = model(X).sum()
            return float(seen), plain(i)

        return model, optimizer, step

    w = same(program, every=1, validation=(X, Y))
    assert (w.trouble, w.unseen) == ("", ())


def test_a_model_that_is_one_layer_is_recorded() -> None:
    w = same(simple(lambda: nn.Linear(16, 4)), every=1)
    assert w.history.layer_names == {"Linear": "Linear"} or w.history.layer_names == {"": "Linear"}


PARTS = strategies.builds(
    Parts,
    layers=strategies.lists(strategies.sampled_from(sorted(LAYERS)), min_size=1, max_size=3).map(tuple),
    checkpointed=strategies.booleans(),
    by_parts=strategies.booleans(),
    autocast=strategies.booleans(),
    accumulated=strategies.sampled_from([1, 1, 2]),
    optimizers=strategies.sampled_from([1, 2]),
    extras=strategies.lists(strategies.sampled_from(EXTRAS), min_size=1, max_size=3).map(tuple),
)


@settings(max_examples=20, deadline=None)
@given(parts=PARTS, every=strategies.sampled_from([1, 2, 3]), validated=strategies.booleans())
def test_random_programs_leave_the_same(parts: Parts, every: int, validated: bool) -> None:
    validation = (X[:, :8], Y) if validated and not parts.by_parts else None
    w = same(program_of(parts), steps=6, every=every, validation=validation)
    assert w.trouble == ""
    assert len(w.history) > 1


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(parts=PARTS, every=strategies.sampled_from([1, 3]))
def test_random_compiled_programs_leave_the_same(parts: Parts, every: int) -> None:
    torch._dynamo.reset()
    compiled = replace(parts, compiled=True, by_parts=False, checkpointed=False, extras=("state_dict",))
    assert same(program_of(compiled), steps=6, every=every).trouble == ""
