"""Whatever a program trains is noticed, and trained as without the observation, to the bit."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.optimizer import _global_optimizer_pre_hooks

from levinthal.clinic.answer.states import Reason
from levinthal.clinic.observing import observer as module
from levinthal.clinic.observing.observer import IDLE, Observer
from levinthal.clinic.observing.owners import largest_owners, parameters_of
from levinthal.clinic.observing.training import Observed

Program = Callable[[], Iterable[Tensor]]


def net(*inside: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), *inside, nn.Linear(8, 3))


def step(optimizer: torch.optim.Optimizer, forward: Callable[[Tensor], Tensor]) -> None:
    optimizer.zero_grad()
    x = torch.randn(16, 4)
    functional.cross_entropy(forward(x), x[:, :3].argmax(1)).backward()
    optimizer.step()


def plain() -> Iterable[Tensor]:
    model = net(nn.Dropout(0.2))
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(30):
        step(optimizer, model)
    return model.parameters()


def game() -> Iterable[Tensor]:
    maker, judge = nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1))
    makes, judges = torch.optim.SGD(maker.parameters(), 0.01), torch.optim.SGD(judge.parameters(), 0.01)
    for _ in range(40):
        real, fake = judge(torch.randn(16, 3)), maker(torch.randn(16, 2))
        judges.zero_grad()
        (functional.softplus(-real) + functional.softplus(judge(fake.detach()))).mean().backward()
        judges.step()
        makes.zero_grad()
        functional.softplus(-judge(fake)).mean().backward()
        makes.step()
    return [*maker.parameters(), *judge.parameters()]


def by_parts() -> Iterable[Tensor]:
    encoder, head = nn.Linear(4, 8), nn.Linear(8, 3)
    optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], 0.1)
    for _ in range(30):
        step(optimizer, lambda x: head(encoder(x).relu()))
    return [*encoder.parameters(), *head.parameters()]


def uncalled() -> Iterable[Tensor]:
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(30):
        step(optimizer, model.forward)
    return model.parameters()


def sweep() -> Iterable[Tensor]:
    models = []
    for rate in (0.01, 0.1, 1.0):
        models.append(net())
        optimizer = torch.optim.SGD(models[-1].parameters(), rate)
        for _ in range(10):
            step(optimizer, models[-1])
    return [p for model in models for p in model.parameters()]


def stages() -> Iterable[Tensor]:
    model = net()
    for make in (torch.optim.Adam, torch.optim.SGD):
        optimizer = make(model.parameters(), 0.01)
        for _ in range(10):
            step(optimizer, model)
    return model.parameters()


def side_by_side() -> Iterable[Tensor]:
    pairs = [(m, torch.optim.SGD(m.parameters(), 0.1)) for m in (net(), net())]
    for _ in range(20):
        for model, optimizer in pairs:
            step(optimizer, model)
    return [p for model, _ in pairs for p in model.parameters()]


def compiled_around() -> Iterable[Tensor]:
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    forward = torch.compile(lambda x: model(x).relu(), backend="eager", fullgraph=True)
    for _ in range(30):
        step(optimizer, forward)
    return model.parameters()


def run(program: Program, every: int = 5) -> tuple[list[Observed], Observer, list[Tensor]]:
    torch.manual_seed(0)
    seen = Observer(every)
    seen.begin()
    try:
        trained = [p.detach().clone() for p in program()]
    finally:
        found = seen.end()
    return found, seen, trained


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (plain, [("Sequential with Adam", 30)]),
        (game, [("Sequential and Linear with SGD", 40)]),
        (by_parts, [("Linear and Linear with SGD", 30)]),
        (uncalled, [("Sequential with SGD", 30)]),
        (sweep, [("Sequential with SGD", 10)] * 3),
        (stages, [("Sequential with Adam", 10), ("Sequential with SGD", 10)]),
        (side_by_side, [("Sequential with SGD", 20)] * 2),
        pytest.param(compiled_around, [("Sequential with SGD", 30)], marks=pytest.mark.slow),
    ],
)
def test_each_training_is_known_and_the_same_to_the_bit(
    program: Program, expected: list[tuple[str, int]]
) -> None:
    torch.manual_seed(0)
    alone = [p.detach().clone() for p in program()]
    state = torch.random.get_rng_state()
    found, seen, trained = run(program)
    assert seen.trouble == ""
    assert [(each.name, each.steps) for each in found] == expected
    assert all(torch.equal(a, b) for a, b in zip(alone, trained, strict=True))
    assert torch.equal(state, torch.random.get_rng_state())


def test_the_first_step_is_seen_with_its_layers() -> None:
    (found,), _, _ = run(plain)
    history = found.data["history"]
    assert history["steps"][:2] == [0, 8]
    assert history["losses"][0] is not None
    assert history["parameters"]["0.weight"]["gradient"][0] > 0


def test_two_networks_that_train_against_each_other_are_a_game() -> None:
    (found,), _, _ = run(game)
    assert found.answer.reason is Reason.GAME


def test_torch_is_as_before_afterwards() -> None:
    before = nn.Module.__call__, torch.optim.Optimizer.__init__
    hooks = dict(_global_optimizer_pre_hooks)
    run(plain)
    assert before == (nn.Module.__call__, torch.optim.Optimizer.__init__)
    assert dict(_global_optimizer_pre_hooks) == hooks


def test_calls_are_left_alone_once_every_optimiser_has_its_model() -> None:
    call, inside = nn.Module.__call__, list[bool]()

    def program() -> Iterable[Tensor]:
        model = net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        inside.append(nn.Module.__call__ is call)
        step(optimizer, model)
        inside.append(nn.Module.__call__ is call)
        return model.parameters()

    run(program)
    assert inside == [False, True]


def test_tensors_of_no_module_are_counted() -> None:
    def program() -> Iterable[Tensor]:
        x = torch.ones(3, requires_grad=True)
        optimizer = torch.optim.SGD([x], 0.1)
        x.square().sum().backward()
        optimizer.step()
        return [x]

    found, seen, _ = run(program)
    assert (found, seen.built, seen.unowned) == ([], 1, 1)


def test_too_many_trainings_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    found, seen, _ = run(sweep)
    assert (len(found), seen.missed) == (2, 1)


def test_a_failure_of_ours_leaves_the_program_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("of ours")

    torch.manual_seed(0)
    alone = [p.detach().clone() for p in plain()]
    monkeypatch.setattr(module, "Training", broken)
    found, seen, trained = run(plain)
    assert (found, seen.trouble) == ([], "RuntimeError: of ours")
    assert all(torch.equal(a, b) for a, b in zip(alone, trained, strict=True))


def test_the_model_of_a_training_that_is_over_is_not_held() -> None:
    held = list[bool]()

    def program() -> Iterable[Tensor]:
        first, second = net(), net()
        gone, early = weakref.ref(first), torch.optim.SGD(first.parameters(), 0.1)
        step(early, first)
        del first, early
        late = torch.optim.SGD(second.parameters(), 0.1)
        for _ in range(2 * IDLE):
            step(late, second)
        gc.collect()
        held.append(gone() is not None)
        return second.parameters()

    found, _, _ = run(program, every=50)
    assert held == [False]
    assert [each.steps for each in found] == [1, 2 * IDLE]


def test_an_error_of_the_program_is_known_to_the_answer() -> None:
    torch.manual_seed(0)
    seen = Observer(1)
    seen.begin()
    plain()
    (found,) = seen.end(ValueError("of the program"))
    assert found.answer.reason is Reason.ENDED_EARLY or "ValueError" in str(found.answer)


def test_the_largest_owner_holds_all_others() -> None:
    whole = nn.ModuleDict({"body": net(), "head": nn.Linear(3, 3)})
    inner = parameters_of([torch.optim.SGD(whole["body"].parameters(), 0.1)])
    assert largest_owners(inner) == [whole]
    other = nn.Linear(2, 2)
    assert largest_owners(inner | {id(other.weight): other.weight}) == [whole, other]
