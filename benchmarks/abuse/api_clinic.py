"""The clinic, its callbacks and its test helper, with every wrong argument, and wrong uses of a watch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from benchmarks.abuse import wrong_values as wrong
from benchmarks.abuse.api_data import COUNT, SEED, data, without_none
from benchmarks.abuse.api_target import REFUSED, TAKEN, Target, used
from benchmarks.abuse.attack import Attack, call
from benchmarks.abuse.wrong_values import as_written
from torch import nn
from torch.nn import functional

import levinthal
from levinthal.integrations import lightning, tensorboard, transformers
from levinthal.testing import assert_trains

OPTIMISERS = wrong.MODULE | as_written(
    "'sgd'", "torch.optim.SGD", "[]", "lambda: 1", "[None]", "torch.optim.lr_scheduler.StepLR", "{'a': 1}",
    "torch.optim.SGD([nn.Parameter(torch.ones(1))], 0.1).state_dict()", "(i for i in [1])",
)  # fmt: skip
FROZEN = as_written(
    "5", "[5]", "[None]", "'wieght'", "['', 'x']", "lambda n: 1 / 0", "lambda: True", "[b'weight']", "None"
)
LOSSES = wrong.FUNCTION | as_written(
    "None", "'cross_entropy'", "nn.CrossEntropyLoss", "lambda o, y: None", "lambda o, y: 0.5",
    "lambda o, y: o", "lambda o, y: o.sum().item()", "lambda o, y: 1 / 0", "lambda o, y: o.detach().sum()",
    "lambda o: o.sum()", "lambda o, y: o.mean() * 1j", "lambda o, y: (o.sum(), o.sum())",
    "lambda o, y: {'loss': o.sum()}", "lambda o, y: o.argmax()", "lambda o, y: 'low'", "lambda o, y: o[:0]",
)  # fmt: skip
VALIDATION = as_written(
    "5", "'text'", "True", "iter([])", "(i for i in [1])", "lambda: 1", "Odd()", "(torch.rand(4, 4), 5)",
    **wrong.KNOWN,
)  # fmt: skip
BATCHES = as_written(
    "None", "5", "'ab'", "()", "(1,)", "(1, 2, 3)", "{'x': 1, 'y': 2}", "(None, None)", "torch.rand(2, 4)",
    "(i for i in 'ab')", "(torch.rand(0, 4), torch.ones(0).long())",
    "(torch.rand(5, 4), torch.ones(4).long())", "'' ''", "{1, 2}", "Odd()",
    "(np.array(['a'] * 5), np.arange(5) % 3)", "(np.zeros(5, object), np.arange(5) % 3)",
    "(rng.rand(5, 4), np.array(['a'] * 5))", "(np.zeros((5, 4), 'M8[s]'), np.arange(5) % 3)",
    "(np.zeros((0, 4)), np.zeros(0, int))", "(rng.rand(5, 3), np.arange(5) % 3)",
    "(rng.rand(5, 4), np.arange(5))", "([[1.0], [2.0, 3.0]], [0, 1])",
    "(torch.rand(5, 4, device='meta'), torch.ones(5).long())",
    "(torch.rand(5, 4).to_sparse(), torch.ones(5).long())", "(rng.rand(5, 4) * 1j, np.arange(5) % 3)",
    "(quantised(), [1])", "(torch.rand(4), torch.tensor(5))", "(torch.rand(5, 4), torch.ones(5))",
    "(torch.rand(5, 4), [None] * 5)", **wrong.KNOWN,
)  # fmt: skip
SAME_BATCHES = as_written(
    "(rng.rand(5, 4), np.arange(5) % 3)", "(rng.rand(5, 4).astype('f2'), np.arange(5, dtype='i4') % 3)",
    "(torch.rand(5, 4), np.arange(5) % 3)", "[rng.rand(5, 4)[::-1], np.arange(5)[::-1] % 3]",
    "(rng.rand(5, 4), torch.arange(5) % 3)",
    "(np.asfortranarray(rng.rand(5, 4)).astype('>f8'), (np.arange(5) % 3).astype('u2'))",
    "(rng.rand(5, 4).tolist(), [0, 1, 2, 0, 1])", "(Frame(*rng.rand(4, 5)), np.arange(5) % 3)",
    "(np.broadcast_to(rng.rand(4), (5, 4)), np.arange(5) % 3)", **wrong.KNOWN,
)  # fmt: skip


def net() -> nn.Module:
    """A small network for `data`."""
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


def trained() -> dict[str, Any]:
    """A network and its optimiser."""
    model = net()
    return {"model": model, "optimizer": torch.optim.SGD(model.parameters(), 0.1)}


def loop(watch: Any, model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 3) -> Any:
    """A short training under watch."""
    x, y = data().values()
    with watch:
        for _ in range(steps):
            optimizer.zero_grad()
            functional.cross_entropy(model(x), y).backward()
            optimizer.step()
    return watch


def watched(**words: Any) -> str:
    """The watch that these arguments make, used."""
    words = {**trained(), **words}
    return str(loop(levinthal.watch(**words), net(), words["optimizer"]))


def problem(**words: Any) -> levinthal.Problem:
    """A problem that trains."""
    right: dict[str, Any] = {
        "model": net,
        "loss": functional.cross_entropy,
        "train": tuple(data().values()),
        "steps": 3,
    }
    right |= {"optimizer": lambda model: torch.optim.SGD(model.parameters(), 0.1)}
    return levinthal.Problem(**right | words)


def asserted(**words: Any) -> str:
    """What `assert_trains` says; that it fails is no fault here."""
    try:
        return used(assert_trains(**words))
    except AssertionError as error:
        return f"not asserted: {len(str(error))} letters"


def targets() -> Iterator[Target]:
    """`check`, `watch`, the callbacks and `assert_trains`."""
    batch = tuple(data().values())
    yield Target(
        "check",
        lambda **words: str(levinthal.check(**words)),
        lambda: {"model": net(), "loss_fn": functional.cross_entropy, "batch": batch},
        {"model": wrong.MODULE, "loss_fn": LOSSES, "batch": BATCHES, "optimizer": without_none(OPTIMISERS)},
        {"batch": SAME_BATCHES, "loss_fn": as_written("nn.CrossEntropyLoss()")},
        called={"model": "", "loss_fn": "loss", "batch": "", "optimizer": "optimiser"},
    )
    flags = {"behavioural_checks": wrong.FLAG}
    yield Target(
        "watch",
        watched,
        dict,
        {
            "model": wrong.MODULE,
            "optimizer": OPTIMISERS,
            "every": COUNT,
            "validation": VALIDATION,
            "frozen": FROZEN,
        }
        | {"loss_fn": wrong.FUNCTION, "on_finding": wrong.FUNCTION}
        | flags,
        {"every": wrong.SAME_WHOLE | as_written("10**30"), "behavioural_checks": wrong.SAME_FLAG},
        called={"model": "", "optimizer": "optimiser", "frozen": ""},
    )
    yield Target(
        "Watch",
        levinthal.Watch,
        lambda: {"setup": levinthal.watch(**trained()).setup, "every": 1},
        {"setup": wrong.MODULE | as_written("nn.Linear(4, 3)"), "every": COUNT},
    )
    for name, make in (
        ("lightning", lightning.LevinthalCallback),
        ("transformers", transformers.LevinthalCallback),
    ):
        yield Target(
            f"{name}.LevinthalCallback",
            make,
            dict,
            {
                "every": COUNT,
                "raise_if": without_none(wrong.NAME),
                "frozen": as_written("5", "[5]", "None", "b'a'"),
            }
            | {"loss_fn": wrong.FUNCTION, "validation": VALIDATION, "on_finding": wrong.FUNCTION},
            {"frozen": as_written("'0.'", "lambda name: True"), "validation": as_written("False", "None")},
            called={"raise_if": "severity"},
        )
    writers = as_written("None", "5", "[]", "Odd()", "lambda: 1", **wrong.KNOWN)
    yield Target(
        "tensorboard.write",
        tensorboard.write,
        lambda: {"watch": loop(levinthal.watch(**(t := trained()), every=1), **t), "writer": "log"},
        {"watch": writers | as_written("'watch'"), "writer": writers, "start": wrong.WHOLE | wrong.BELOW},
        {"start": wrong.SAME_WHOLE},
    )
    yield Target(
        "assert_trains",
        asserted,
        lambda: {"problem": problem()},
        {"problem": as_written("None", "5", "net", "'file.py:problem'", "nn.Linear(2, 2)", net=net)}
        | {
            "allow": as_written("5", "None", "'LR_TOO_LOW'", "['NOTHING']", "[5]", "b'a'"),
            "severity": wrong.NAME,
        }
        | {
            "steps": without_none(COUNT),
            "seconds": without_none(wrong.NUMBER) | as_written("0", "-1"),
            "seed": SEED,
        }
        | {"require_judged": wrong.FLAG},
        {
            "steps": wrong.SAME_WHOLE,
            "allow": as_written("{'LR_TOO_LOW'}", "()"),
            "seconds": as_written("np.float64(9)"),
        },
        {"seed": wrong.HUGE, "seconds": as_written("float('inf')")},
        called={"problem": ""},
    )


def _twice() -> str:
    watch = levinthal.watch(**trained())
    with watch, watch:
        return str(watch)


def _again() -> str:
    both = trained()
    watch = levinthal.watch(**both, every=1)
    return str(loop(loop(watch, **both), **both))


def _done() -> Any:
    both = trained()
    return loop(levinthal.watch(**both, every=1), **both)


def _around(wrap: Callable[[nn.Module], nn.Module]) -> str:
    model = wrap(net())
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    return str(loop(levinthal.watch(model, optimizer, every=1), model, optimizer))


def _ended_unentered() -> str:
    watch = levinthal.watch(**trained())
    watch.__exit__(None, None, None)
    return str(watch)


TAKEN_USES: Mapping[str, Callable[[], Any]] = {
    "findings before entering": lambda: levinthal.watch(**trained()).findings(),
    "str before entering": lambda: str(levinthal.watch(**trained())),
    "html before entering": lambda: levinthal.watch(**trained())._repr_html_(),
    "report before entering": lambda: levinthal.watch(**trained()).report("page.html"),
    "exit without entering": _ended_unentered,
    "entered again": _again,
    "begin_step outside": lambda: _done().begin_step("text", None, 5),
    "begin_step before": lambda: levinthal.watch(**trained()).begin_step(),
    "DataParallel": lambda: _around(nn.DataParallel),
    "scripted": lambda: _around(torch.jit.script),
    "another's optimiser": lambda: levinthal.watch(
        net(), torch.optim.SGD(net().parameters(), 0.1)
    ).findings(),
    "one network twice": lambda: levinthal.watch(
        [m := net(), m], torch.optim.SGD(m.parameters(), 0.1)
    ).findings(),
    "two networks, one optimiser": lambda: levinthal.watch([net(), net()], trained()["optimizer"]).findings(),
    "float64 network": lambda: str(levinthal.check(net().double(), functional.cross_entropy, arrays())),
    "bfloat16 network": lambda: str(levinthal.check(net().bfloat16(), functional.cross_entropy, arrays())),
    "check in no_grad": torch.no_grad()(
        lambda: str(levinthal.check(net(), functional.cross_entropy, arrays()))
    ),
    "embedding of a numpy array": lambda: str(
        levinthal.check(nn.Sequential(nn.Embedding(5, 3)), functional.cross_entropy, (arrays()[1],) * 2)
    ),
    "targets as a numpy column": lambda: str(
        levinthal.check(nn.Linear(4, 1), functional.mse_loss, (arrays()[0], arrays()[0][:, :1]))
    ),
}
REFUSED_USES: Mapping[str, tuple[Callable[[], Any], str]] = {
    "entered twice": (_twice, "watch"),
    "check in inference_mode": (
        torch.inference_mode()(lambda: str(levinthal.check(net(), functional.cross_entropy, arrays()))),
        "inference mode",
    ),
    "validation of numpy arrays": (
        lambda: levinthal.watch(**trained(), validation=arrays()),
        "torch.as_tensor(inputs)",
    ),
    "report(5)": (lambda: _done().report(5), "path"),
    "report(None)": (lambda: _done().report(None), "path"),
    "report('')": (lambda: _done().report(""), "folder"),
    "report(b'a')": (lambda: _done().report(b"a.html"), "path"),
    "raise_if(3)": (lambda: _done().raise_if(3), "severity"),
    "raise_if(None)": (lambda: _done().raise_if(None), "severity"),
    "a network whose forward raises": (
        lambda: levinthal.check(Failing(), functional.cross_entropy, arrays()),
        "ZeroDivisionError",
    ),
    "a network without a trainable parameter": (
        lambda: levinthal.check(net().requires_grad_(False), functional.cross_entropy, arrays()),
        "requires_grad",
    ),
    "a network on the meta device": (
        lambda: levinthal.check(net().to("meta"), functional.cross_entropy, arrays()),
        "meta",
    ),
    "watch a network on the meta device": (
        lambda: levinthal.watch(m := net().to("meta"), torch.optim.SGD(m.parameters(), 0.1)),
        "meta",
    ),
}


def arrays() -> tuple[Any, Any]:
    """A batch of arrays."""
    x, y = data().values()
    return x.numpy(), y.numpy()


class Failing(nn.Module):
    """A network with an error in its forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 3)

    def forward(self, inputs: Any) -> Any:
        """Divide by nothing."""
        return self.layer(inputs) / (1 // 0)


def attacks() -> Iterator[Attack]:
    """Uses of a watch that have an answer, and uses that have none."""
    for name, use in TAKEN_USES.items():
        yield call("uses of the clinic", name, lambda use=use: used(use()), codes=TAKEN)  # type: ignore[misc]
    for name, (use, says) in REFUSED_USES.items():
        yield call("uses of the clinic", name, use, says, codes=REFUSED)
