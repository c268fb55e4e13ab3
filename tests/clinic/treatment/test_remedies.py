"""Every remedy, on a problem with its finding: the edit is what its name says, and so is its text."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from tests.clinic.treatment.pasting import pasted
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import SGD, Adam
from torch.utils.data import DataLoader, TensorDataset

from levinthal.clinic.examination import examine
from levinthal.clinic.problem.batches import batches
from levinthal.clinic.problem.training import built, built_optimizers, trained
from levinthal.clinic.treatment.remedies import REMEDIES, Remedy
from levinthal.vocabulary import Problem

DRAW = torch.Generator().manual_seed(1)
Y = torch.arange(256) % 4
X = 2 * torch.randn(4, 8, generator=DRAW)[Y] + torch.randn(256, 8, generator=DRAW)
NOISE = torch.randn(256, 8, generator=DRAW)
Check = Callable[[Problem, Problem], object]


def mlp(
    activation: Callable[[], nn.Module] = nn.ReLU, depth: int = 2, top: nn.Module | None = None
) -> nn.Sequential:
    parts = [p for i in range(depth) for p in (nn.Linear(16 if i else 8, 16), activation())]
    return nn.Sequential(*parts, nn.Linear(16, 4), *([top] if top else []))


def sgd(rate: float, **options: Any) -> Callable[[nn.Module], Any]:
    return lambda model: SGD(model.parameters(), rate, **options)


HEALTHY = Problem(
    model=mlp, loss=functional.cross_entropy, train=(X, Y), optimizer=sgd(0.1), steps=50, batch_size=32
)


def scaled(gain: float, activation: Callable[[], nn.Module], depth: int) -> nn.Module:
    net = mlp(activation, depth)
    for layer in net[::2]:
        layer.weight.data.mul_(gain)
    return net


def constant() -> nn.Module:
    net = mlp()
    for parameter in net.parameters():
        nn.init.constant_(parameter, 0.01)
    return net


def dead() -> nn.Module:
    net = mlp()
    nn.init.constant_(net[2].bias, -10.0)
    return net


def half_frozen() -> nn.Module:
    net = mlp()
    net[0].requires_grad_(False)
    return net


def rate_0(model: nn.Module) -> Any:
    return SGD([{"params": model[0].parameters(), "lr": 0.0}, {"params": model[2:].parameters()}], 0.1)


def normed(training: bool = True) -> nn.Module:
    net = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 4))
    net[1].train(training)
    return net


def never_zeroed(model: nn.Module, optimizer: Any, x: Tensor, y: Tensor) -> None:
    functional.cross_entropy(model(x), y).backward()
    optimizer.step()


def adam(model: nn.Module) -> Any:
    return Adam(model.parameters(), 1e-3)


def one_output() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1))


class Memory(nn.Module):
    """A recurrence that takes the rows of the batch for one sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.memory, self.head = nn.GRU(2, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.memory(x.view(-1, 4, 2))[0][:, -1])
        return out


def with_nan() -> Tensor:
    inputs = X.clone()
    inputs[::20, 0] = torch.nan
    return inputs


ROWS = TensorDataset(X, Y)
RARE = torch.where(torch.arange(256) % 64 == 0, Y % 3 + 1, 0)
PROBLEMS: dict[str, Problem] = {
    "NON_FINITE_INPUT": replace(HEALTHY, train=(with_nan(), Y)),
    "OPTIMIZER_DETACHED": replace(HEALTHY, optimizer=lambda model: SGD(model[2:].parameters(), 0.1)),
    "FROZEN_PARAMS": replace(HEALTHY, model=half_frozen),
    "FROZEN_PARAMS, rate 0": replace(
        HEALTHY, optimizer=rate_0, schedule=lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.9)
    ),
    "MISSING_ZERO_GRAD": replace(HEALTHY, step=never_zeroed),
    "SYMMETRIC_INIT": replace(HEALTHY, model=constant),
    "ROWS_MIXED": replace(HEALTHY, model=Memory),
    "ROWS_MIXED, by a softmax": replace(
        HEALTHY, model=partial(mlp, top=nn.LogSoftmax(0)), loss=functional.nll_loss
    ),
    "DOUBLE_SOFTMAX": replace(HEALTHY, model=partial(mlp, top=nn.Softmax(1))),
    "DOUBLE_SOFTMAX, in the loss": replace(
        HEALTHY, loss=lambda out, y: functional.cross_entropy(out.softmax(1), y)
    ),
    "RELU_ON_LOGITS": replace(HEALTHY, model=partial(mlp, top=nn.ReLU())),
    "LOSS_BROADCAST": replace(
        HEALTHY, model=one_output, train=(X, X[:, 0] + X[:, 1]), loss=functional.mse_loss, optimizer=sgd(0.01)
    ),
    "LOSS_REDUCTION_SUM": replace(HEALTHY, loss=nn.CrossEntropyLoss(reduction="sum")),
    "BN_EVAL_IN_TRAIN": replace(HEALTHY, model=partial(normed, training=False)),
    "MISSING_NONLINEARITY": replace(HEALTHY, model=partial(mlp, nn.Identity)),
    "STUCK_BATCH": replace(HEALTHY, train=DataLoader(ROWS, batch_sampler=[list(range(32))])),
    "UNSHUFFLED": replace(HEALTHY, train=(X[Y.argsort()], Y.sort().values), shuffle=False),
    "CLASS_IMBALANCE": replace(HEALTHY, train=(X, RARE), optimizer=sgd(0.01)),
    "INPUT_SCALE": replace(HEALTHY, train=(1000 * X, Y)),
    "TARGET_SCALE": replace(
        HEALTHY, model=one_output, train=(X, 1e3 * (X[:, :1] + 5)), loss=functional.mse_loss, optimizer=adam
    ),
    "BN_TINY_BATCH": replace(HEALTHY, model=normed, batch_size=2),
    "EXCESS_DROPOUT": replace(HEALTHY, model=lambda: nn.Sequential(nn.Dropout(0.98), *mlp())),
    "EXPLODING_GRADIENT": replace(HEALTHY, model=partial(scaled, 8.0, nn.ReLU, 10)),
    "EXCESS_WEIGHT_DECAY": replace(HEALTHY, optimizer=sgd(0.1, weight_decay=5.0)),
    "LR_TOO_HIGH": replace(HEALTHY, optimizer=sgd(50.0)),
    "LR_DECAYED": replace(
        HEALTHY, optimizer=sgd(0.01), schedule=lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.3)
    ),
    "UPDATE_LOST_TO_ROUNDING": replace(
        HEALTHY, model=lambda: mlp().bfloat16(), train=(X.bfloat16(), Y), optimizer=sgd(1e-4)
    ),
    "SATURATED_ACTIVATION": replace(HEALTHY, model=partial(scaled, 50.0, nn.Tanh, 3), optimizer=sgd(0.01)),
    "DEAD_RELU": replace(HEALTHY, model=dead, optimizer=sgd(0.01)),
    "VANISHING_GRADIENT": replace(HEALTHY, model=partial(mlp, nn.Sigmoid, 8)),
    "FIRST_LOSS_TOO_LARGE": replace(
        HEALTHY, model=lambda: nn.Sequential(*mlp()[:-1], scaled(99.0, nn.ReLU, 0))
    ),
    "OVER_CLIPPING": replace(HEALTHY, clip=1e-6),
    "LR_TOO_LOW": replace(HEALTHY, optimizer=sgd(1e-6)),
    "OVERFIT": replace(
        HEALTHY, train=(NOISE[:64], Y[:64]), validation=(NOISE[64:], Y[64:]), steps=200,
        optimizer=lambda model: torch.optim.AdamW(model.parameters(), 0.01, weight_decay=0.0),
    ),
}  # fmt: skip


def net(problem: Problem) -> Any:
    torch.manual_seed(0)
    return built(problem)


def groups(problem: Problem) -> list[dict[str, Any]]:
    return [g for optimizer in built_optimizers(problem, net(problem)) for g in optimizer.param_groups]


def rates(problem: Problem) -> list[float]:
    return [group["lr"] for group in groups(problem)]


def first(problem: Problem, count: int = 1) -> list[tuple[Tensor, Tensor]]:
    return list(itertools.islice(batches(problem, 0), count))


def of_type(problem: Problem, *kinds: type[nn.Module]) -> int:
    return sum(isinstance(module, kinds) for module in net(problem).modules())


def deviation(problem: Problem, place: int = 2) -> float:
    return float(net(problem)[place].weight.detach().std())


def is_finite_now(before: Problem, after: Problem) -> bool:
    (old, _), (new, _) = first(before)[0], first(after)[0]
    return bool(old.isnan().any()) and torch.equal(new, old.nan_to_num(0.0))


def holds_all(_: Problem, after: Problem) -> bool:
    model = net(after)
    (optimizer,) = built_optimizers(after, model)
    return {id(p) for g in optimizer.param_groups for p in g["params"]} == set(map(id, model.parameters()))


def forgets_old_gradients(before: Problem, after: Problem) -> bool:
    left = []
    for problem in (before, after):
        model = net(problem)
        for parameter in model.parameters():
            parameter.grad = torch.full_like(parameter, 1e6)
        assert problem.step is not None
        problem.step(model, *built_optimizers(problem, model), X, Y)
        left.append(max(float(p.grad.abs().max()) for p in model.parameters() if p.grad is not None))
    return left[0] > 1e5 > left[1]


def loses(change: Callable[[Problem, Tensor, Tensor], Tensor], outputs: Tensor, targets: Tensor) -> Check:
    """The loss after the edit is `change(before, outputs, targets)`."""

    def check(before: Problem, after: Problem) -> bool:
        return torch.allclose(after.loss(outputs, targets), change(before, outputs, targets), rtol=1e-4)

    return check


def plain_loss(_: Problem, outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(outputs, targets)


def of_logits(before: Problem, outputs: Tensor, targets: Tensor) -> Tensor:
    return before.loss(outputs.log(), targets)


def weighted_loss(_: Problem, outputs: Tensor, targets: Tensor) -> Tensor:
    counts = torch.bincount(RARE, minlength=4).float().clamp(min=1)  # classes 2 and 3 have no row
    return functional.cross_entropy(outputs, targets, weight=1 / counts)


def squares(_: Problem, outputs: Tensor, targets: Tensor) -> Tensor:
    return ((outputs[:, 0] - targets) ** 2).mean()


def mean_loss(before: Problem, outputs: Tensor, targets: Tensor) -> Tensor:
    return before.loss(outputs, targets) / len(targets)


def rate_times(factor: float) -> Check:
    def check(before: Problem, after: Problem) -> bool:
        return rates(after) == pytest.approx([factor * rate for rate in rates(before)])

    return check


def mixes_classes(before: Problem, after: Problem) -> bool:
    return len(first(before)[0][1].unique()) == 1 and len(first(after)[0][1].unique()) == 4


def is_standardised(_: Problem, after: Problem) -> bool:
    whole = torch.cat([x for x, _ in first(after, 16)])
    return torch.allclose(whole.mean(0), torch.zeros(8), atol=1e-4) and torch.allclose(
        whole.std(0), torch.ones(8), atol=1e-4
    )


def has_standard_targets(before: Problem, after: Problem) -> bool:
    """The loss is that of standardised targets, and the outputs are those of the raw network, rescaled."""
    whole = torch.cat([y for _, y in first(before, 16)])
    mean, deviation = whole.mean(), whole.std()
    y = first(before)[0][1]
    outputs = net(before)(X) * deviation + mean
    is_scaled = torch.allclose(net(after)(X), outputs, rtol=1e-4)
    expected = functional.mse_loss(torch.zeros_like(y), (y - mean) / deviation)
    return is_scaled and torch.allclose(after.loss(torch.full_like(y, float(mean)), y), expected, rtol=1e-4)


def is_orthogonal(_: Problem, after: Problem) -> bool:
    weight = net(after)[2].weight.detach()
    return torch.allclose(weight @ weight.T, 2 * torch.eye(16), atol=1e-4)


def adds(every: bool) -> Check:
    """The edited network against the same weights with the shortcut written out."""

    def check(before: Problem, after: Problem) -> bool:
        layers = list(net(before))
        h = start = layers[1](layers[0](X))
        for linear, activation in zip(layers[2:-1:2], layers[3::2], strict=True):
            h = activation(linear(h)) + (h if every else 0)
        return torch.allclose(net(after)(X), layers[-1](h if every else h + start), atol=1e-5)

    return check


def has_small_head(before: Problem, after: Problem) -> bool:
    old, new = (list(net(problem).modules())[-1] for problem in (before, after))
    return torch.allclose(new.weight, 0.01 * old.weight) and not new.bias.any()


def is_float32(_: Problem, after: Problem) -> bool:
    return {p.dtype for p in net(after).parameters()} == {first(after)[0][0].dtype} == {torch.float32}


def reads_normalised_rows(_: Problem, after: Problem) -> bool:
    """Each of the ten activations reads rows of mean 0 and deviation 1."""
    seen, model = list[Tensor](), net(after)
    for activation in model[1:-1:2]:
        activation.register_forward_pre_hook(lambda _layer, args: seen.append(args[0].detach()))
    model(1000 * X)
    means, deviations = torch.stack(seen).mean(2), torch.stack(seen).std(2, correction=0)
    return len(seen) == 10 and float(means.abs().max()) < 1e-5 and float((deviations - 1).abs().max()) < 1e-3


def reads_rows_apart(before: Problem, after: Problem) -> bool:
    """The output of a row is that of the row alone, which it was not."""
    apart = [torch.allclose(net(p)(X[8:16]), net(p)(X)[8:16], atol=1e-5) for p in (before, after)]
    return apart == [False, True]


def clips_at_1(_: Problem, after: Problem) -> bool:
    model = net(after)
    (100 * functional.cross_entropy(model(X), Y)).backward()
    assert callable(after.clip)
    after.clip(model)
    return float(torch.stack([p.grad.norm() for p in model.parameters()]).norm()) == pytest.approx(
        1.0, rel=1e-3
    )


LOGITS = torch.randn(32, 4, generator=DRAW)
REALS = torch.randn(32, generator=DRAW)
EDITS: dict[str, tuple[str, Check]] = {
    "nan and infinity set to 0": ("NON_FINITE_INPUT", is_finite_now),
    "all parameters in the optimiser": ("OPTIMIZER_DETACHED", holds_all),
    "all parameters trainable": (
        "FROZEN_PARAMS", lambda _, after: all(p.requires_grad for p in net(after).parameters())
    ),
    "one learning rate for all groups": (
        "FROZEN_PARAMS, rate 0",
        lambda before, after: rates(before) == [0.0, 0.1] and rates(after) == [0.1, 0.1],
    ),
    "no schedule": ("LR_DECAYED", lambda before, after: before.schedule and after.schedule is None),
    "Adam, learning rate .001": (
        "FROZEN_PARAMS",
        lambda _, after: isinstance(after.optimizer(net(after)), Adam) and rates(after) == [1e-3],
    ),
    "zero_grad before each step": ("MISSING_ZERO_GRAD", forgets_old_gradients),
    "default initialisation": (
        "SYMMETRIC_INIT", lambda _, after: deviation(after) == pytest.approx((1 / 48) ** 0.5, rel=0.1)
    ),
    "He or Xavier initialisation": (
        "SATURATED_ACTIVATION", lambda _, after: deviation(after) == pytest.approx((2 / 32) ** 0.5, rel=0.1)
    ),
    "the first axis as the batch": ("ROWS_MIXED", reads_rows_apart),
    "softmax over the last axis": ("ROWS_MIXED, by a softmax", reads_rows_apart),
    "no output softmax or sigmoid": ("DOUBLE_SOFTMAX", lambda _, after: net(after)(X).min() < 0),
    "the loss of logits": ("DOUBLE_SOFTMAX", loses(of_logits, LOGITS.softmax(1), Y[:32])),
    "cross-entropy of logits": ("DOUBLE_SOFTMAX, in the loss", loses(plain_loss, LOGITS, Y[:32])),
    "no output activation": (
        "RELU_ON_LOGITS", lambda before, after: net(before)(X).min() == 0 > net(after)(X).min()
    ),
    "targets in the shape of the outputs": ("LOSS_BROADCAST", loses(squares, LOGITS[:, :1], REALS)),
    "squared error of equal shapes": ("LOSS_BROADCAST", loses(squares, LOGITS[:, :1], REALS)),
    "the mean loss": ("LOSS_REDUCTION_SUM", loses(mean_loss, LOGITS, Y[:32])),
    "training mode": ("BN_EVAL_IN_TRAIN", lambda _, after: all(m.training for m in net(after).modules())),
    "ReLU between layers": (
        "MISSING_NONLINEARITY",
        lambda before, after: torch.equal(net(after)[:4](X), net(before)[2](net(before)[0](X).relu()).relu()),
    ),
    "shuffled batches": ("UNSHUFFLED", mixes_classes),
    "weighted classes": ("CLASS_IMBALANCE", loses(weighted_loss, LOGITS, RARE[:32])),
    "standardised inputs": ("INPUT_SCALE", is_standardised),
    "standardised targets": ("TARGET_SCALE", has_standard_targets),
    "group norm": (
        "BN_TINY_BATCH",
        lambda _, after: (of_type(after, nn.BatchNorm1d), of_type(after, nn.GroupNorm)) == (0, 1),
    ),
    "batches of 8 times the size": ("BN_TINY_BATCH", lambda _, after: len(first(after)[0][0]) == 16),
    "dropout of at most .1": ("EXCESS_DROPOUT", lambda _, after: net(after)[0].p == 0.1),
    "orthogonal initialisation": ("EXPLODING_GRADIENT", is_orthogonal),
    "layer norm": ("EXPLODING_GRADIENT", reads_normalised_rows),
    "biases of 0": ("DEAD_RELU", lambda _, after: not any(layer.bias.any() for layer in net(after)[::2])),
    "gradient clipped at norm 1": ("EXPLODING_GRADIENT", clips_at_1),
    "weight decay of at most .0001": (
        "EXCESS_WEIGHT_DECAY", lambda _, after: groups(after)[0]["weight_decay"] == 1e-4
    ),
    "learning rate / 10": ("LR_TOO_HIGH", rate_times(0.1)),
    "learning rate / 100": ("LR_TOO_HIGH", rate_times(0.01)),
    "learning rate / 1000": ("LR_TOO_HIGH", rate_times(0.001)),
    "weights in float32": ("UPDATE_LOST_TO_ROUNDING", is_float32),
    "ReLU with He initialisation": (
        "VANISHING_GRADIENT",
        lambda _, after: of_type(after, nn.ReLU) == 8 and deviation(after) == pytest.approx(8**-0.5, rel=0.1),
    ),
    "LeakyReLU": (
        "DEAD_RELU", lambda _, after: (of_type(after, nn.ReLU), of_type(after, nn.LeakyReLU)) == (0, 2)
    ),
    "residual connections": ("VANISHING_GRADIENT", adds(every=True)),
    "a first-last shortcut": ("VANISHING_GRADIENT", adds(every=False)),
    "a small last layer": ("FIRST_LOSS_TOO_LARGE", has_small_head),
    "no gradient clipping": ("OVER_CLIPPING", lambda before, after: before.clip and after.clip is None),
    "learning rate x 10": ("LR_TOO_LOW", rate_times(10)),
    "learning rate x 100": ("LR_TOO_LOW", rate_times(100)),
    "learning rate x 1000": ("LR_TOO_LOW", rate_times(1e3)),
    "learning rate x 10000": ("LR_TOO_LOW", rate_times(1e4)),
    "a quarter of the steps": ("OVERFIT", lambda before, after: after.steps == before.steps // 4),
    "weight decay of at least .01": ("OVERFIT", lambda _, after: groups(after)[0]["weight_decay"] == 0.01),
}  # fmt: skip


def remedies(code: str) -> Iterator[Remedy]:
    yield from REMEDIES[code.partition(",")[0]]


def test_every_remedy_has_a_problem_and_every_problem_a_remedy() -> None:
    assert set(EDITS) == {remedy.name for code in REMEDIES for remedy in remedies(code)}
    assert set(PROBLEMS) == {problem for problem, _ in EDITS.values()} | {"STUCK_BATCH"}


@pytest.mark.parametrize("name", EDITS)
def test_the_edit_is_what_its_name_says(name: str) -> None:
    code, check = EDITS[name]
    (remedy,) = [remedy for remedy in remedies(code) if remedy.name == name]
    before = PROBLEMS[code]
    after = remedy.edit(before)
    assert after is not None
    assert check(before, after)


@pytest.mark.parametrize("name", EDITS)
def test_the_text_pasted_into_a_training_makes_the_training_that_was_measured(name: str) -> None:
    """To the bit: initial weights, every step and the score."""
    code, _ = EDITS[name]
    (remedy,) = [remedy for remedy in remedies(code) if remedy.name == name]
    before = replace(PROBLEMS[code], steps=6)
    after = remedy.edit(before)
    assert after is not None
    arm = trained(after, 3, "minus loss").model.state_dict()
    untreated = trained(before, 3, "minus loss").model.state_dict()
    typed = pasted(before, remedy.text(before), 3).state_dict()
    assert typed.keys() == arm.keys()
    assert all(torch.equal(typed[name], arm[name]) for name in arm)
    is_changed = typed.keys() != untreated.keys()
    assert is_changed or not all(torch.equal(typed[name], untreated[name]) for name in arm)


def test_a_loader_that_repeats_one_batch_is_shuffled_too() -> None:
    (remedy,) = remedies("STUCK_BATCH")
    after = remedy.edit(PROBLEMS["STUCK_BATCH"])
    assert after is not None
    (_, one), (_, two) = first(after, 2)
    assert not torch.equal(one, two)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_finding_of_each_problem_appears(name: str) -> None:
    assert name.partition(",")[0] in {finding.code for finding in examine(PROBLEMS[name]).findings}
