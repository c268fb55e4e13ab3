"""A healthy loop has no finding; the first finding of a faulty one is its cause."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from tests.clinic.cases import Loop, X, Y, mlp
from torch import nn
from torch.nn import functional

from levinthal.clinic import Watch, watch
from levinthal.vocabulary import Severity

SGD, Adam = torch.optim.SGD, torch.optim.Adam


def run(model: nn.Module, rule: Callable, rate: float, loop: Loop | None = None, **more) -> Watch:
    return (loop or Loop()).run(model, rule(model.parameters(), rate, **more))


def log_softmax_inputs() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10))


def by_hand(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return -z.log_softmax(1)[range(len(y)), y].mean()


HEALTHY: dict[str, Callable[[], Watch]] = {
    "relu": lambda: run(mlp(), Adam, 1e-3),
    "tanh": lambda: run(mlp(nn.Tanh), SGD, 0.1),
    "gelu": lambda: run(mlp(nn.GELU), Adam, 3e-3),
    "one sigmoid layer": lambda: run(mlp(nn.Sigmoid, 1), SGD, 1.0),
    "batch norm and dropout": lambda: run(log_softmax_inputs(), SGD, 0.1, momentum=0.9),
    "weight decay": lambda: run(mlp(), SGD, 0.1, weight_decay=1e-3),
    "clipping": lambda: run(mlp(), SGD, 0.1, Loop(clip=1.0)),
    "full batch": lambda: run(mlp(), Adam, 3e-3, Loop(batch=1197)),
    "decay to a hundredth": lambda: run(mlp(), Adam, 1e-2, Loop(decay=0.955)),
    "by hand": lambda: run(
        mlp(), Adam, 1e-3, Loop(loss=lambda z, y: -z.log_softmax(1)[range(len(y)), y].mean())
    ),
}


def constant() -> nn.Module:
    model = mlp()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.01)
    return model


def another_networks() -> Watch:
    model, other = mlp(), mlp()
    return Loop().run(model, Adam(other.parameters(), 1e-3))


def saturated() -> nn.Module:
    model = mlp(nn.Tanh)
    for layer in model[::2]:
        nn.init.normal_(layer.weight, std=5.0)
    return model


def dead() -> nn.Module:
    model = mlp(depth=2)
    nn.init.constant_(model[2].bias, -10.0)  # type: ignore[arg-type]
    return model


def broken() -> Watch:
    inputs = X.clone()
    inputs[:, 0] = torch.where(torch.arange(len(X)) % 10 == 0, torch.nan, inputs[:, 0])
    return run(mlp(), SGD, 0.1, Loop(inputs=inputs))


class Cut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = mlp(), nn.Linear(10, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.body(x).detach())
        return out


def evaluated_in_train() -> Watch:
    model = log_softmax_inputs()
    optimizer = SGD(model.parameters(), 0.1)
    with watch(model, optimizer) as w:
        for _ in range(3):
            Loop(steps=10).train(model, optimizer)
            with torch.no_grad():
                model(X[:100])
    return w


def stopped_norm() -> Watch:
    model = log_softmax_inputs()
    model[1].eval()  # type: ignore[index]
    return run(model, SGD, 0.1)


def squared(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return functional.mse_loss(z[:, :1], y.float())


class Rows(nn.Module):
    """A picture's rows, one after the other, through a recurrence."""

    def __init__(self, recurrence: nn.RNNBase) -> None:
        super().__init__()
        self.recurrence, self.head = recurrence, nn.Linear(recurrence.hidden_size, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.recurrence(x.view(-1, 8, 8))[0][:, -1])
        return out


@torch.no_grad()
def shut() -> nn.Module:
    recurrence = nn.LSTM(8, 32, batch_first=True)
    recurrence.bias_ih_l0.fill_(-12.0)
    return Rows(recurrence)


@torch.no_grad()
def identical_units() -> nn.Module:
    """Identical units within each gate; the gates differ."""
    recurrence = nn.GRU(8, 32, batch_first=True)
    for p in recurrence.parameters():
        for part in p.chunk(3):
            part.copy_(part[:1].expand_as(part).clone())
    model = Rows(recurrence)
    model.head.weight.zero_()
    return model


def written_out(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Cross-entropy by hand."""
    return -z.log_softmax(1).gather(1, y[:, None]).mean()


def summed_by_hand(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return -z.log_softmax(1).gather(1, y[:, None]).sum()


class Round(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.round()


def rounded() -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, 64), nn.Tanh(), Round(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    )


SUMMED = nn.CrossEntropyLoss(reduction="sum")
FAULTY: dict[str, tuple[str, Callable[[], Watch]]] = {
    "softmax twice": ("DOUBLE_SOFTMAX", lambda: run(mlp(top=nn.Softmax(1)), Adam, 1e-3)),
    "relu on top": ("RELU_ON_LOGITS", lambda: run(mlp(top=nn.ReLU()), Adam, 1e-3)),
    "eight sigmoids": ("VANISHING_GRADIENT", lambda: run(mlp(nn.Sigmoid, 8), SGD, 0.1)),
    "twenty narrow tanh": ("VANISHING_GRADIENT", lambda: run(mlp(nn.Tanh, 30, 16), SGD, 0.01)),
    "rate 10": ("LR_TOO_HIGH", lambda: run(mlp(), SGD, 10.0)),
    "adam at 1": ("LR_TOO_HIGH", lambda: run(mlp(), Adam, 1.0)),
    "rate 1e-7": ("LR_TOO_LOW", lambda: run(mlp(), SGD, 1e-7)),
    "decayed": ("LR_DECAYED", lambda: run(mlp(), Adam, 1e-3, Loop(decay=0.3))),
    "no zero_grad": ("MISSING_ZERO_GRAD", lambda: run(mlp(), Adam, 1e-3, Loop(zero=False))),
    "sorted": ("UNSHUFFLED", lambda: run(mlp(), Adam, 1e-3, Loop(order=torch.argsort(Y)))),
    "another network's optimiser": ("OPTIMIZER_DETACHED", another_networks),
    "detached": ("GRAPH_BROKEN", lambda: run(Cut(), Adam, 1e-3)),
    "constant weights": ("SYMMETRIC_INIT", lambda: run(constant(), Adam, 1e-3)),
    "pixels times 1000": ("INPUT_SCALE", lambda: run(mlp(), SGD, 0.1, Loop(inputs=X * 1000))),
    "nan in a tenth": ("NON_FINITE_INPUT", broken),
    "no activation": ("MISSING_NONLINEARITY", lambda: run(mlp(nn.Identity), SGD, 0.1)),
    "summed": (
        "LOSS_REDUCTION_SUM",
        lambda: run(mlp(), SGD, 0.1, Loop(loss=nn.CrossEntropyLoss(reduction="sum"))),
    ),
    "saturated": ("SATURATED_ACTIVATION", lambda: run(saturated(), SGD, 1e-3)),
    "dead": ("DEAD_RELU", lambda: run(dead(), SGD, 0.01)),
    "a leak of one": ("MISSING_NONLINEARITY", lambda: run(mlp(partial(nn.LeakyReLU, 1.0)), SGD, 0.1)),
    "batch norm alone": ("MISSING_NONLINEARITY", lambda: run(mlp(partial(nn.BatchNorm1d, 64)), SGD, 0.1)),
    "gates shut": ("SATURATED_ACTIVATION", lambda: run(shut(), SGD, 0.1)),
    "identical units in each gate": ("SYMMETRIC_INIT", lambda: run(identical_units(), Adam, 1e-3)),
    "softmax, and a loss by hand": (
        "DOUBLE_SOFTMAX",
        lambda: run(mlp(top=nn.Softmax(1)), Adam, 1e-3, Loop(loss=written_out)),
    ),
    "relu, and a loss by hand": (
        "RELU_ON_LOGITS",
        lambda: run(mlp(top=nn.ReLU()), Adam, 1e-3, Loop(loss=written_out)),
    ),
    "summed by hand": ("LOSS_REDUCTION_SUM", lambda: run(mlp(), SGD, 0.5, Loop(loss=summed_by_hand))),
    "rounded in the middle": ("GRAPH_BROKEN", lambda: run(rounded(), Adam, 1e-3)),
    "evaluated in training mode": ("TRAIN_MODE_IN_EVAL", evaluated_in_train),
    "batch norm asleep": ("BN_EVAL_IN_TRAIN", stopped_norm),
    "batches of 2": ("BN_TINY_BATCH", lambda: run(log_softmax_inputs(), SGD, 0.01, Loop(batch=2))),
    "dropout .95": ("EXCESS_DROPOUT", lambda: run(nn.Sequential(nn.Dropout(0.98), *mlp()), SGD, 0.01)),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_gets_no_finding_above_info(name: str) -> None:
    torch.manual_seed(3)
    assert [f.code for f in HEALTHY[name]().findings() if f.severity != "info"] == []


@pytest.mark.parametrize("name", FAULTY)
def test_the_cause_comes_first(name: str) -> None:
    torch.manual_seed(3)
    code, make = FAULTY[name]
    found = make().findings()
    assert [f.code for f in found][:1] == [code]
    assert found[0].follows is None
    assert found[0].remedy


@pytest.mark.filterwarnings("ignore:Using a target size")
def test_unlike_shapes() -> None:
    torch.manual_seed(3)
    found = run(mlp(), SGD, 0.01, Loop(loss=squared)).findings()
    assert found[0].code == "LOSS_BROADCAST"
    assert found[0].evidence == {"output": "(64, 1)", "target": "(64,)"}


def test_parameters_declared_frozen_are_not_reported() -> None:
    model = mlp()
    for parameter in model[:4].parameters():
        parameter.requires_grad_(False)
    optimizer = Adam([p for p in model.parameters() if p.requires_grad], 1e-3)
    with watch(model, optimizer, every=5, frozen=("0.", "2.")) as declared:
        Loop().train(model, optimizer)
    assert [f.code for f in declared.findings()] == []
    with watch(model, optimizer, every=5) as undeclared:
        Loop().train(model, optimizer)
    assert [f.code for f in undeclared.findings()] == ["FROZEN_PARAMS"]


@pytest.mark.parametrize("steps", [5, 6, 8, 10, 12, 15, 20, 24])
def test_the_first_steps_of_a_healthy_run_are_not_a_failure_to_learn(steps: int) -> None:
    torch.manual_seed(0)
    model = mlp()
    w = Loop(steps=steps, every=1).run(model, torch.optim.Adam(model.parameters(), 1e-4))
    assert not [f.code for f in w.findings() if f.severity is not Severity.INFO]


@pytest.mark.parametrize("vector", [True, False], ids=["(n, 1) and (n,)", "same shape"])
def test_a_handwritten_difference_that_compares_every_pair_is_reported(vector: bool) -> None:
    def squares(out: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        target = labels.float() if vector else labels.float()[:, None]
        return ((out - target) ** 2).mean()

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))
    w = Loop(steps=40, loss=squares).run(model, torch.optim.Adam(model.parameters(), 1e-3))
    assert ("LOSS_BROADCAST" in [f.code for f in w.findings()]) is vector
