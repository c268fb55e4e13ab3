from __future__ import annotations

import copy
import math
from collections.abc import Callable

import pytest
import torch
from tests.clinic.cases import X, Y, mlp
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import Checkup, check, watch
from levinthal.errors import InputError

BATCH = (X[:128], Y[:128])


def examined(model: nn.Module, batch: tuple = BATCH, **more) -> Checkup:
    return check(model, functional.cross_entropy, batch, **more)


def test_a_healthy_network_reads_healthy_with_its_numbers() -> None:
    torch.manual_seed(0)
    found = examined(mlp())
    assert found.is_healthy
    assert str(found).startswith("No fault was found before training.")
    assert "\n\nMeasured before training:" in str(found)
    assert found.numbers["first loss / ln K"].value == pytest.approx(1, abs=0.1)
    assert found.numbers["first loss / ln K"].details["ln K"] == pytest.approx(math.log(10))
    assert [layer.kind for layer in found.layers] == ["Linear", "ReLU"] * 3 + ["Linear"]


def test_an_affine_network_has_nlc_one() -> None:
    torch.manual_seed(0)
    found = examined(mlp(nn.Identity))
    bent = found.numbers["non-linearity coefficient (NLC; 1 is affine)"]
    assert bent.value == pytest.approx(1, abs=0.05)
    assert [f.code for f in found.findings] == ["MISSING_NONLINEARITY"]


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_was(training: bool) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(64, 32), nn.BatchNorm1d(32), nn.Tanh(), nn.Dropout(0.5), nn.Linear(32, 10)
    )
    model.train(training)
    model[1].eval()
    model[0].weight.grad = torch.ones_like(model[0].weight)
    before, draw = copy.deepcopy(model), torch.get_rng_state()
    examined(model)
    assert torch.equal(draw, torch.get_rng_state())
    for old, new in zip(before.modules(), model.modules(), strict=True):
        assert old.training == new.training
        assert not new._forward_hooks
        assert not new._forward_pre_hooks
    original, now = before.state_dict(), model.state_dict()
    assert all(torch.equal(original[name], now[name]) for name in original)
    assert torch.equal(model[0].weight.grad, torch.ones_like(model[0].weight))
    assert model[4].weight.grad is None


def constant() -> nn.Module:
    model = mlp()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.01)
    return model


def normal(deviation: float) -> nn.Module:
    model = mlp(nn.Sigmoid, 30, 100)
    for layer in model[:-1:2]:
        nn.init.normal_(layer.weight, std=deviation)
    return model


def large_weights() -> nn.Module:
    model = mlp()
    nn.init.normal_(model[-1].weight, std=30.0)  # type: ignore[arg-type]
    return model


class Functional(nn.Module):
    """A ReLU that `forward` calls as a function, and biases that leave every unit at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.f1, self.f2 = nn.Linear(64, 32), nn.Linear(32, 10)
        nn.init.constant_(self.f1.bias, -50.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.f2(torch.relu(self.f1(x)))
        return out


def test_check_and_watch_agree_on_units_that_are_dead_from_the_start() -> None:
    """By the name that the user knows: the function after its layer."""
    torch.manual_seed(0)
    model = Functional()
    before = check(model, functional.cross_entropy, (X[:128], Y[:128])).findings[0]
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watch(model, optimizer, every=2) as w:
        for _ in range(60):
            optimizer.zero_grad()
            functional.cross_entropy(model(X[:128]), Y[:128]).backward()
            optimizer.step()
    during = next(f for f in w.findings() if f.code == "DEAD_RELU")
    assert (before.code, before.where) == ("DEAD_RELU", during.where) == ("DEAD_RELU", "relu after f1")


NAN = X[:128].clone()
NAN[3, 3] = math.nan
FAULTY: dict[str, tuple[str, Callable[[], Checkup]]] = {
    "softmax twice": ("DOUBLE_SOFTMAX", lambda: examined(mlp(top=nn.Softmax(1)))),
    "relu on top": ("RELU_ON_LOGITS", lambda: examined(mlp(top=nn.ReLU()))),
    "constant": ("SYMMETRIC_INIT", lambda: examined(constant())),
    "nan": ("NON_FINITE_INPUT", lambda: examined(mlp(), (NAN, Y[:128]))),
    "thousands": ("INPUT_SCALE", lambda: examined(mlp(), (1e5 * X[:128], Y[:128]))),
    "large weights": ("FIRST_LOSS_TOO_LARGE", lambda: examined(large_weights())),
    "thirty sigmoids, N(0, 1/n)": ("VANISHING_GRADIENT", lambda: examined(normal(0.1))),
    "thirty sigmoids, N(0, 1)": ("SATURATED_ACTIVATION", lambda: examined(normal(1.0))),
    "another's optimiser": (
        "OPTIMIZER_DETACHED",
        lambda: examined(mlp(), optimizer=torch.optim.SGD(mlp().parameters(), 0.1)),
    ),
}


@pytest.mark.parametrize("name", FAULTY)
def test_the_cause_comes_first(name: str) -> None:
    torch.manual_seed(0)
    code, make = FAULTY[name]
    found = make()
    assert found.findings[0].code == code
    assert not found.is_healthy
    assert code in str(found)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: check(mlp(), functional.cross_entropy, X), "a batch is a pair"),  # type: ignore[arg-type]
        (lambda: check(nn.ReLU(), functional.cross_entropy, BATCH), "0 parameters"),
    ],
)
def test_what_cannot_be_checked(call: Callable[[], Checkup], said: str) -> None:
    with pytest.raises(InputError, match=said):
        call()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_arrays_and_lists_are_read_as_the_tensors_that_the_model_takes(dtype: torch.dtype) -> None:
    model, (x, y) = mlp().to(dtype), BATCH
    expected = check(model, functional.cross_entropy, (x.to(dtype), y))
    arrays = x.numpy().astype("f8"), y.numpy().astype("i4")
    for inputs, targets in (arrays, (arrays[0][::-1][::-1], arrays[1].tolist()), (x.tolist(), y)):
        found = check(model, functional.cross_entropy, (inputs, targets))
        assert [f.code for f in found.findings] == [f.code for f in expected.findings]
        assert found.numbers["first loss"].value == pytest.approx(expected.numbers["first loss"].value, 1e-5)


def test_an_error_of_the_loss_keeps_its_traceback() -> None:
    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return outputs.sum() / (1 // 0) + targets.sum()

    with pytest.raises(InputError, match=r"test_checking.py:\d+: ZeroDivisionError") as caught:
        check(mlp(), loss, BATCH)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_a_single_layer_has_no_way_for_a_gradient_to_be_lost() -> None:
    found = check(nn.Linear(64, 10), functional.cross_entropy, (X[:64], Y[:64]))
    assert found.is_healthy
    assert not found.findings


def test_an_empty_batch_and_a_lazy_module_are_refused_in_a_line() -> None:
    with pytest.raises(InputError, match="the batch has 0 rows"):
        check(mlp(), functional.cross_entropy, (X[:0], Y[:0]))
    with pytest.raises(InputError, match=r"weight has no shape yet \(a lazy module\)"):
        check(nn.LazyLinear(10), functional.cross_entropy, (X[:8], Y[:8]))
