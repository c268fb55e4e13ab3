"""Code for a network, run on it, against the network that it should leave."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from levinthal.clinic.treatment import model_code
from levinthal.clinic.treatment.remedy_code import run


def changed(net: nn.Module, code: str) -> bool:
    """Run the code; whether there is any."""
    run(compile(code, "<remedy>", "exec"), {"model": net})
    return bool(code)


def deep(activation: type[nn.Module] = nn.ReLU, depth: int = 6, width: int = 256) -> nn.Sequential:
    torch.manual_seed(0)
    parts = [part for _ in range(depth) for part in (nn.Linear(width, width), activation())]
    return nn.Sequential(*parts, nn.Linear(width, 4), nn.Softmax(1))


@pytest.mark.parametrize("orthogonal", [False, True])
def test_the_initialisation_keeps_the_variance_of_the_signal_in_a_deep_network(orthogonal: bool) -> None:
    net = deep(depth=20)
    assert changed(net, model_code.initialised(net, orthogonal=orthogonal))
    x = torch.randn(64, 256)
    out = net[:-2](x).detach()
    assert float(out.square().mean() / x.square().mean()) == pytest.approx(1.0, rel=0.5)


def test_weights_for_sigmoid_and_tanh_are_those_of_glorot() -> None:
    net = deep(nn.Tanh)
    changed(net, model_code.initialised(net))
    assert float(net[0].weight.detach().std()) == pytest.approx(math.sqrt(2 / 512), rel=0.05)
    assert not net[0].bias.any()


def test_only_hidden_activations_are_replaced() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Sigmoid())
    assert changed(net, model_code.relu(net))
    assert [type(part) for part in net] == [nn.Linear, nn.ReLU, nn.Linear, nn.Sigmoid]


def test_the_printed_initialisation_leaves_no_bias_as_it_was() -> None:
    """The weights alone leave a ReLU dead whose bias is -5: the code has to say both."""
    net = deep()
    for layer in net[:-1:2]:
        nn.init.constant_(layer.bias, -5.0)
    assert not model_code.zero_biases(deep())
    assert "nn.init.zeros_(layer.bias)" in model_code.initialised(net)
    assert changed(net, model_code.initialised(net))
    assert not any(layer.bias.any() for layer in net[:-1:2])


def test_a_residual_network_passes_the_first_layer_on_where_the_others_are_zero() -> None:
    net = deep(nn.Tanh)
    with torch.no_grad():
        for layer in net[2:-2:2]:
            layer.weight.zero_()
            layer.bias.zero_()
    x = torch.randn(8, 256)
    first = net[:2](x)
    assert not net[:-2](x).any()
    assert changed(net, model_code.residual(net))
    hidden = list[torch.Tensor]()
    net[-2].register_forward_pre_hook(lambda _m, args: hidden.append(args[0]))
    net(x)
    net(x)  # nothing is stored from pass to pass
    assert all(torch.allclose(h, first) for h in hidden)


def test_a_shortcut_adds_the_first_hidden_activation_to_the_last() -> None:
    net = deep(nn.Tanh)
    x = torch.randn(8, 256)
    first, last = net[:2](x), net[:-2](x)
    assert changed(net, model_code.first_last_shortcut(net))
    hidden = list[torch.Tensor]()
    net[-2].register_forward_pre_hook(lambda _m, args: hidden.append(args[0]))
    net(x)
    assert torch.allclose(hidden[0], first + last)


def test_only_the_activation_after_the_last_layer_is_removed() -> None:
    net = deep()
    assert changed(net, model_code.without_output_activation(net, model_code.OUTPUTS))
    assert isinstance(net[-1], nn.Identity)
    assert not model_code.without_output_activation(net, model_code.OUTPUTS)
    assert isinstance(net[1], nn.ReLU)


def test_two_layers_in_a_row_get_a_relu_between_them() -> None:
    net = nn.Sequential(nn.Linear(3, 5), nn.Dropout(0.0), nn.Linear(5, 2), nn.ReLU(), nn.Linear(2, 2))
    x = torch.randn(7, 3)
    expected = net[2](torch.relu(net[0](x)))
    assert changed(net, model_code.inserted_relu(net))
    assert torch.equal(net[:3](x), expected)


def test_where_there_is_nothing_to_change_there_is_no_code() -> None:
    net = nn.Sequential(nn.Linear(2, 2))
    for code in (
        model_code.normalised,
        model_code.residual,
        model_code.group_norms,
        model_code.unfrozen,
        model_code.inserted_relu,
        model_code.training_mode,
        model_code.zero_biases,
    ):
        assert not code(net)
    assert not model_code.limited_dropout(net, 0.1)


def test_dropout_inside_a_recurrence_is_lowered_by_name() -> None:
    net = nn.ModuleDict({"memory": nn.LSTM(4, 4, 2, dropout=0.9), "drop": nn.Dropout(0.1)})
    assert model_code.limited_dropout(net, 0.1) == 'model["memory"].dropout = 0.1'
    changed(net, model_code.limited_dropout(net, 0.1))
    assert net["memory"].dropout == 0.1
