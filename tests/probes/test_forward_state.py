"""What a forward pass changes in Python comes back: containers, generators, globals, classes, closures."""

from __future__ import annotations

import contextvars
import ctypes
import io
import itertools
import queue
import random
import threading
import types
import weakref
from array import array
from collections import ChainMap, deque
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from levinthal.errors import InputError
from levinthal.probes import forward_state
from levinthal.probes.forward_state import ForwardState
from levinthal.probes.untouched import untouched

COUNT = 0
SEEN = list[int]()
CONFIG = types.ModuleType("config")
CONFIG.__file__, CONFIG.calls = "/home/me/config.py", 0  # type: ignore[attr-defined]


def counted(x: Tensor) -> Tensor:
    global COUNT
    COUNT += 1
    CONFIG.calls += 1  # type: ignore[attr-defined]
    return x


class Base(nn.Module):
    calls = 0
    rows: ClassVar = list[int]()


class Busy(Base):
    """A module whose forward pass changes all that it can reach."""

    def __init__(self) -> None:
        super().__init__()
        self.listed, self.queue, self.names = [1], deque([1, 2], maxlen=2), {1}
        self.table = {"deep": {"rows": [0]}}
        self.array, self.tensor = np.zeros(3), torch.zeros(3)
        self.generators = (
            np.random.default_rng(0),
            np.random.RandomState(0),
            random.Random(0),
            torch.Generator().manual_seed(0),
        )
        self.helper = types.SimpleNamespace(inner=Helper())
        count = 0

        def nonlocal_count() -> int:
            nonlocal count
            count += 1
            return count

        self.count, self.weight = nonlocal_count, nn.Parameter(torch.full((3,), 2.0))
        self.bound = partial(self.remember, 3)

    def remember(self, value: int) -> None:
        self.listed.append(value)

    def forward(self, x: Tensor) -> Tensor:
        Base.calls += 1
        Base.rows.append(len(x))
        SEEN.append(len(x))
        self.queue.append(len(x))
        self.names.add(len(x))
        self.table["deep"]["rows"][0] += 1
        self.table["new"] = {}
        self.array += 1
        self.tensor.add_(1)
        self.helper.inner.value += 1
        self.helper.inner.held.append(1)
        self.helper.inner.slotted.steps += 1
        self.bound()
        self.fresh = 1
        with torch.no_grad():
            self.weight.data = self.weight.clamp(max=1.0)
        return counted(x) + self.count() + sum(self.drawn())

    def drawn(self) -> list[float]:
        numpy, state, python, of_torch = self.generators
        return [numpy.random(), state.rand(), python.random(), float(torch.rand(1, generator=of_torch))]

    def state(self) -> list[Any]:
        held = (list(self.listed), list(self.queue), set(self.names), str(self.table), self.array.tolist())
        inner = self.helper.inner
        helper = (inner.value, list(inner.held), inner.slotted.steps)
        shared = (Base.calls, list(Base.rows), list(SEEN), COUNT, CONFIG.calls)
        return [held, helper, shared, self.tensor.tolist(), self.weight.tolist(), "fresh" in vars(self)]


class Helper:
    """An object of the user's that is no module."""

    def __init__(self) -> None:
        self.value, self.held = 0, list[int]()
        self.slotted = Slotted()


class Slotted:
    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps = 0


class Hostile:
    """An object that refuses to be looked at."""

    @property
    def __class__(self) -> type:
        raise RuntimeError


def test_all_that_a_pass_changes_comes_back() -> None:
    model = Busy()
    alias = model.weight.detach()
    before, state = model.state(), ForwardState.of(model)
    assert state.one_way == ""
    first = model(torch.zeros(2, 3))
    assert model.state() != before
    state.restore()
    assert model.state() == before
    assert alias.data_ptr() == model.weight.data_ptr()
    torch.testing.assert_close(model(torch.zeros(2, 3)), first, rtol=0, atol=0)  # generators too
    state.restore()


def test_generators_go_on_if_they_are_to() -> None:
    model = Busy()
    state = ForwardState.of(model)
    first = model.drawn()
    state.restore(generators=False)
    assert model.drawn() != first
    state.restore()
    assert model.drawn() == first


def test_untouched_restores_it_and_parameters_of_a_training() -> None:
    model = Busy()
    before = model.state()
    with untouched(model, in_training=True):
        model(torch.zeros(2, 3))
    assert model.state() == before
    with untouched(model):
        model(torch.zeros(2, 3))
    assert model.state()[:4] == before[:4]
    assert model.state()[4] == [1.0, 1.0, 1.0]  # parameters are not held here


class Holds(nn.Module):
    def __init__(self, **held: Any) -> None:
        super().__init__()
        for name, value in held.items():
            setattr(self, name, value)

    def forward(self, x: Tensor) -> Tensor:
        return x


GLOBAL_ITERATOR = itertools.count()


class OfGlobal(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + next(GLOBAL_ITERATOR)


class NotCalled(nn.Module):
    """A method that no pass calls reaches the iterator."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    def extra(self) -> int:
        return next(GLOBAL_ITERATOR)


@pytest.mark.parametrize(
    "make", [lambda: Holds(i=iter([1])), lambda: Holds(i=[itertools.cycle("ab")]), OfGlobal]
)
def test_an_iterator_cannot_be_undone(make: Callable[[], nn.Module]) -> None:
    model = make()
    assert "iterator" in ForwardState.of(model).one_way
    with untouched(model):
        pass
    with (
        pytest.raises(InputError, match="could not be undone: it holds an iterator"),
        untouched(model, in_training=True),
    ):
        pass


def test_what_no_pass_calls_is_not_followed() -> None:
    assert ForwardState.of(NotCalled()).one_way == ""


def test_too_much_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward_state, "MOST_OBJECTS", 50)
    assert "more than 50 objects" in ForwardState.of(Holds(rows=[[i] for i in range(100)])).one_way
    monkeypatch.setattr(forward_state, "MOST_BYTES", 2**20)
    assert ForwardState.of(Holds(x=torch.zeros(2**17))).one_way == ""
    assert "more than 1 MiB" in ForwardState.of(Holds(x=torch.zeros(2**20))).one_way


def test_data_sets_loaders_and_optimizers_are_left_alone() -> None:
    inner = nn.Linear(2, 2)
    data = torch.utils.data.TensorDataset(torch.zeros(4, 2))
    loader = torch.utils.data.DataLoader(data)
    model = Holds(data=data, loader=loader, optimizer=torch.optim.SGD(inner.parameters(), 0.1))
    assert id(data.tensors[0]) not in ForwardState.of(model).objects


def test_tensors_without_plain_memory_are_passed_over() -> None:
    model = Holds(a=torch.zeros(3, device="meta"), b=torch.eye(3).to_sparse(), c=np.array(["a", None]))
    vars(model)["hostile"] = Hostile()
    state = ForwardState.of(model)
    model.c[1] = "b"
    state.restore()
    assert model.c[1] is None
    assert model.a.is_meta


def test_nan_stays_and_versions_stay() -> None:
    model = Holds(x=torch.tensor([float("nan"), 1.0]))
    state, version = ForwardState.of(model), model.x._version
    state.restore()
    assert model.x._version == version
    model.x[1] = 2.0
    state.restore()
    assert model.x[1] == 1.0


VARIABLE: contextvars.ContextVar[int] = contextvars.ContextVar("VARIABLE")
LOCAL = threading.local()


def tagged() -> None:
    tagged.calls += 1  # type: ignore[attr-defined]


class Rare(nn.Module):
    """State in places that few use."""

    def __init__(self) -> None:
        super().__init__()
        VARIABLE.set(0)
        tagged.calls, LOCAL.calls = 0, 0  # type: ignore[attr-defined]
        self.bytes, self.array, self.stream = bytearray(2), array("d", [0.0]), io.BytesIO(b"ab")
        self.chain, self.listed, self.objects = ChainMap({"n": 0}), Listed(), np.array([[0]], dtype=object)
        self.weight, self.slice = nn.Parameter(torch.zeros(1)), slice([0], None)
        self.weight.calls = 0  # type: ignore[attr-defined]
        self.weak, self.draw = weakref.ref(LISTED), np.random.default_rng(0).integers

    def forward(self, x: Tensor) -> Tensor:
        VARIABLE.set(VARIABLE.get() + 1)
        tagged()
        LOCAL.calls += 1
        self.bytes[0] += 1
        self.array[0] += 1
        self.stream.write(b"more")
        self.chain["n"] += 1
        self.listed.calls += 1
        self.objects[0, 0].append(1) if isinstance(self.objects[0, 0], list) else None
        self.objects[0, 0] = [1]
        self.slice.start[0] += 1
        self.weight.calls += 1  # type: ignore[attr-defined]
        held = self.weak()
        assert held is not None
        held.calls += 1
        globals()["COUNT"] += 1
        return x + float(self.draw(1000))

    def state(self) -> list[Any]:
        held = [VARIABLE.get(), tagged.calls, LOCAL.calls, bytes(self.bytes), list(self.array)]  # type: ignore[attr-defined]
        held += [self.stream.getvalue(), self.stream.tell(), dict(self.chain), self.listed.calls, COUNT]
        return [*held, str(self.objects), self.slice.start[0], self.weight.calls, LISTED.calls]  # type: ignore[attr-defined]


class Listed(list[int]):
    calls = 0


LISTED = Listed()


def test_rare_places_come_back_too() -> None:
    model = Rare()
    before, state = model.state(), ForwardState.of(model, apart_from=model.parameters())
    first = model(torch.zeros(1))
    model(torch.zeros(1))
    assert sum(a != b for a, b in zip(before, model.state(), strict=True)) == len(before)
    state.restore()
    assert model.state() == before
    assert model(torch.zeros(1)) == first
    state.restore()


@pytest.mark.parametrize(
    "held", [queue.Queue(), memoryview(b"a"), ctypes.c_int(3)], ids=["queue", "view", "c"]
)
def test_an_object_that_cannot_be_set_back_is_named(held: object) -> None:
    assert "it holds an object" in ForwardState.of(Holds(held=held)).one_way


def test_what_cannot_be_put_back_stops_nothing_else() -> None:
    model = Busy()
    state = ForwardState.of(model)
    before = model.state()
    model(torch.zeros(2, 3))
    state._undo.insert(0, lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    with pytest.raises(ZeroDivisionError):
        state.restore()
    assert model.state() == before
