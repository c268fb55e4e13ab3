"""The gradients against closed forms and autograd, and one run of the smallest cells."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from levinthal.data import load
from levinthal.errors import InputError
from levinthal.lab import Rows
from levinthal.networks.sigmoid import sigmoid_nets
from levinthal.studies import find
from levinthal.studies.trainability.unstable_gradient import study
from levinthal.studies.trainability.unstable_gradient.design import Size, preset, wider
from levinthal.vocabulary import Row, Task

DIGITS = load("digits")
SPEED = {"read": "speed", "start": "book", "hidden": 2, "width": 30, "pixels": 64, "labels": "true"}


def measured(tasks):
    rows = (Row(task.cell, m) for task in tasks for m in study.measure(task, data=DIGITS, device="cpu"))
    return Rows.of(rows)


def by_hand(rows, x, y, steps):
    """The book's loop for one network: full batch, rate .1, lambda 5, ||dC/db|| of every hidden layer."""
    weights, biases = rows
    for _ in range(steps + 1):
        for p in (*weights, *biases):
            p.grad = None
        a = x
        for w, b in list(zip(weights, biases, strict=True))[:-1]:
            a = torch.sigmoid(a @ w.T + b)
        out = torch.sigmoid(a @ weights[-1].T + biases[-1])
        cost = functional.binary_cross_entropy(out, functional.one_hot(y, 10).to(out), reduction="sum") / len(
            x
        )
        cost.backward()
        norms = [float(b.grad.norm()) for b in biases[:-1]]
        with torch.no_grad():
            for w in weights:
                w.copy_(w * (1 - 0.1 * 5 / len(x)) - 0.1 * w.grad)
            for b in biases:
                b.sub_(0.1 * b.grad)
    return norms


def test_the_speeds_are_those_of_the_book_s_loop_written_out():
    from_study = measured([Task(SPEED | {"images": 200, "epochs": 5}, (3,))])
    nets = sigmoid_nets((64, 30, 30, 10), seeds=(3,), dtype=torch.float64)
    parts = [[nn.Parameter(p[0].detach().clone()) for p in kind] for kind in (nets.weights, nets.biases)]
    x, y = torch.tensor(DIGITS.train_inputs[:200]).double(), torch.tensor(DIGITS.train_labels[:200])
    expected = by_hand(parts, x, y, 5)
    for layer, norm in enumerate(expected, start=1):
        found = from_study.where(step=5, layer=f"{layer}").by_seed()[3]
        assert found == pytest.approx(norm, rel=1e-4)


def test_shuffled_labels_change_the_gradient_and_the_images_are_asked_for():
    true, shuffled = (
        measured([Task(SPEED | {"images": 200, "epochs": 0, "labels": labels}, (0,))]).values()
        for labels in ("true", "shuffled")
    )
    assert not np.allclose(true, shuffled, rtol=1e-4)  # a little: it begins with the mean error
    with pytest.raises(InputError, match="images=2000 but digits has 1197"):
        list(study.measure(Task(SPEED | {"images": 2000, "epochs": 0}, (0,)), data=DIGITS))


def test_the_smallest_study_end_to_end():
    size = Size(pixels=64, images=100, epochs=2, rates=(0.1, 1), seeds=2)
    tasks = [task for task in preset("tiny", "digits", size).tasks if task.cell["epochs"] != 499]
    rows = measured(tasks)
    assert set(rows.distinct("name")) == {"accuracy", "bias_gradient", "small_terms"}
    assert (
        (rows.where(name="small_terms").values() > 0.6) & (rows.where(name="small_terms").values() < 1)
    ).all()
    assert rows.where(name="accuracy").distinct("step") == [1, 2]
    assert rows.where(name="accuracy").distinct("rate") == [0.1, 1]
    assert len(list(study.figures(rows))) >= 2
    again = measured([task for task in tasks if task.cell["read"] == "accuracy"][:1])
    same = rows.where(name="accuracy", start="book", hidden=1, width=30)
    assert again.values().tolist() == same.values().tolist()


def test_a_seed_is_the_same_whatever_other_seeds_run_beside_it():
    cell = SPEED | {"read": "accuracy", "images": 60, "epochs": 1, "rates": "0.1 1"}
    alone, beside = measured([Task(cell, (2,))]), measured([Task(cell, (0, 2))])
    assert np.allclose(alone.values(), beside.where(seed=2).values(), atol=0.01)


def test_small_terms_are_those_of_the_chain_rule_written_out():
    cell = SPEED | {"read": "terms", "start": "unit", "images": 50, "epochs": 0}
    found = measured([Task(cell, (3,))]).where(name="small_terms").by_seed()[3]
    nets = sigmoid_nets((64, 30, 30, 10), seeds=(3,), initialisation="unit_normal")
    hidden = [layer.detach() for layer in nets.layers(torch.tensor(DIGITS.train_inputs[:50]))[0]]
    weights = nets.weights[1].detach()
    small = [
        abs(float(weights[0, i, j] * a * (1 - a))) < 0.25
        for i in range(30)
        for j in range(30)
        for a in hidden[1][0, i].tolist()
    ]
    assert found == pytest.approx(np.mean(small), abs=1e-4)


def test_the_long_preset_is_the_book_s_budget_one_seed_at_a_time():
    tasks = [task for task in study.presets["long"].tasks if task.cell["read"] == "accuracy"]
    assert {(task.cell["images"], task.cell["epochs"]) for task in tasks} == {(50_000, 30)}
    assert {len(task.seeds) for task in tasks} == {1}


def test_one_wide_layer_has_the_parameters_of_two():
    for pixels in (64, 784):
        two = 30 * (pixels + 1) + 30 * 31 + 10 * 31
        one = wider(pixels) * (pixels + 1) + 10 * (wider(pixels) + 1)
        assert abs(one - two) <= (pixels + 11) / 2


def test_the_book_s_preset_is_its_protocol_at_every_depth():
    tasks = study.presets["book"].tasks
    books = [task for task in tasks if task.cell["start"] == "book" and task.cell["labels"] == "true"]
    assert {task.cell["hidden"] for task in books} == {1, 2, 3, 4}
    protocol = {"width": 30, "pixels": 784, "images": 1000}
    assert all(task.cell.items() >= protocol.items() for task in tasks)
    assert {task.cell["epochs"] for task in tasks} == {0, 499}
    shared = [task.cell for task in study.presets["standard"].tasks if task.cell["read"] == "speed"]
    assert all(cell in [task.cell for task in tasks] for cell in shared)


def test_the_registry_finds_it():
    assert find("unstable-gradient") is study
