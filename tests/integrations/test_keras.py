"""Keras 3 on torch. The package is no dependency; a fake optimiser shows the step without it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tests.clinic.cases import X, Y, sampled
from torch import nn

from levinthal.clinic import watch
from levinthal.errors import InputError
from levinthal.integrations import keras as adapter
from levinthal.integrations.keras import KerasStep, LevinthalCallback


class Descent:
    """Gradient descent as Keras calls it."""

    learning_rate = 0.1

    def apply(self, gradients: Any, variables: Any) -> None:
        for gradient, variable in zip(gradients, variables, strict=True):
            variable.value.data -= self.learning_rate * gradient


def fitted(watched: bool) -> tuple[nn.Linear, Any, Descent]:
    torch.manual_seed(0)
    net, optimizer = nn.Linear(64, 10), Descent()
    variables = [SimpleNamespace(value=p) for p in net.parameters()]
    keras_model = SimpleNamespace(optimizer=optimizer, trainable_variables=variables)
    step = KerasStep(keras_model) if watched else None
    w = watch(net, step, every=2) if step else None
    if w:
        w.__enter__()
    for _ in range(10):
        net.zero_grad()
        nn.functional.cross_entropy(net(X[:64]), Y[:64]).backward()
        optimizer.apply([p.grad for p in net.parameters()], variables)
    if w and step:
        w.__exit__(None, None, None)
        step.leave()
    return net, w, optimizer


def test_the_steps_of_a_keras_optimiser_are_followed_and_stay_its_own() -> None:
    net, w, optimizer = fitted(watched=True)
    alone, *_ = fitted(watched=False)
    assert all(map(torch.equal, net.parameters(), alone.parameters()))
    assert w.history.steps.tolist() == sampled(10, 2)
    assert set(w.history.samples[0].rates) == {0.1}
    assert (w.trouble, w.unseen, vars(optimizer)) == ("", (), {})


def test_without_keras_or_on_another_backend_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "BASES", ())
    with pytest.raises(InputError, match="pip install keras, and set KERAS_BACKEND=torch"):
        LevinthalCallback()
    other = SimpleNamespace(backend=SimpleNamespace(backend=lambda: "jax"))
    monkeypatch.setattr(adapter, "BASES", (object,))
    monkeypatch.setattr(adapter.importlib, "import_module", lambda _: other)
    with pytest.raises(InputError, match="Keras runs on jax: set KERAS_BACKEND=torch"):
        LevinthalCallback()


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    found = pytest.importorskip("keras")
    if found.backend.backend() != "torch" or not adapter.BASES:
        pytest.skip("Keras was imported with another backend")
    return found


def trained(keras: Any, callback: LevinthalCallback | None, top: str | None = None) -> Any:
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(32, "relu"), keras.layers.Dropout(0.1), keras.layers.Dense(10, top)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    words = {
        "batch_size": 64,
        "epochs": 2,
        "verbose": 0,
        "validation_data": (X[-100:].numpy(), Y[-100:].numpy()),
    }
    history = model.fit(X[:640].numpy(), Y[:640].numpy(), callbacks=[callback] if callback else [], **words)
    return model, history.history


@pytest.mark.filterwarnings("ignore")  # of the package's own
def test_a_fit_is_the_same_to_the_bit_and_its_cause_is_found(keras: Any, capsys: Any) -> None:
    callback = LevinthalCallback(every=2)
    (watched, history), (alone, same) = trained(keras, callback, "softmax"), trained(keras, None, "softmax")
    assert all(map(torch.equal, watched.parameters(), alone.parameters()))
    assert history == same
    assert callback.watch.trouble == ""
    assert callback.watch.history.steps.tolist() == sampled(20, 2)
    assert [f.code for f in callback.watch.findings() if f.severity != "info"] == ["DOUBLE_SOFTMAX"]
    assert "remove the softmax" in capsys.readouterr().out
    assert "apply" not in vars(watched.optimizer)
