"""Model edits against the network that they should leave."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from levinthal.clinic.treatment import model_edits


def deep(activation: type[nn.Module] = nn.ReLU, depth: int = 6, width: int = 256) -> nn.Sequential:
    torch.manual_seed(0)
    parts = [part for _ in range(depth) for part in (nn.Linear(width, width), activation())]
    return nn.Sequential(*parts, nn.Linear(width, 4), nn.Softmax(1))


@pytest.mark.parametrize("orthogonal", [False, True])
def test_the_initialisation_keeps_the_variance_of_the_signal_in_a_deep_network(orthogonal: bool) -> None:
    net = deep(depth=20)
    assert model_edits.initialise(net, orthogonal=orthogonal)
    x = torch.randn(64, 256)
    out = net[:-2](x).detach()
    assert float(out.square().mean() / x.square().mean()) == pytest.approx(1.0, rel=0.5)


def test_weights_for_sigmoid_and_tanh_are_those_of_glorot() -> None:
    net = deep(nn.Tanh)
    model_edits.initialise(net)
    assert float(net[0].weight.detach().std()) == pytest.approx(math.sqrt(2 / 512), rel=0.05)
    assert not net[0].bias.any()


def test_only_hidden_activations_are_replaced() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Sigmoid())
    assert model_edits.replace_activations(net, nn.ReLU, model_edits.SQUASHING)
    assert [type(part) for part in net] == [nn.Linear, nn.ReLU, nn.Linear, nn.Sigmoid]


def test_a_normalised_activation_reads_rows_of_mean_0_and_deviation_1() -> None:
    seen = list[torch.Tensor]()
    net = deep(nn.Tanh)
    assert model_edits.normalise(net)
    net[1].activation.register_forward_pre_hook(lambda _m, args: seen.append(args[0].detach()))
    net(1000 * torch.randn(8, 256))
    assert float(seen[0].mean(1).abs().max()) < 1e-5
    assert float((seen[0].std(1, correction=0) - 1).abs().max()) < 1e-3


def test_a_residual_network_passes_the_first_layer_on_where_the_others_are_zero() -> None:
    net = deep(nn.Tanh)
    with torch.no_grad():
        for layer in net[2:-2:2]:
            layer.weight.zero_()
            layer.bias.zero_()
    x = torch.randn(8, 256)
    first = net[:2](x)
    assert not net[:-2](x).any()
    assert model_edits.residual(net)
    hidden = list[torch.Tensor]()
    net[-2].register_forward_pre_hook(lambda _m, args: hidden.append(args[0]))
    net(x)
    net(x)  # nothing is stored from pass to pass
    assert all(torch.allclose(h, first) for h in hidden)


def test_a_shortcut_adds_the_first_hidden_activation_to_the_last() -> None:
    net = deep(nn.Tanh)
    x = torch.randn(8, 256)
    first, last = net[:2](x), net[:-2](x)
    assert model_edits.first_last_shortcut(net)
    hidden = list[torch.Tensor]()
    net[-2].register_forward_pre_hook(lambda _m, args: hidden.append(args[0]))
    net(x)
    assert torch.allclose(hidden[0], first + last)


def test_only_the_activation_after_the_last_layer_is_removed() -> None:
    net = deep()
    assert model_edits.remove_output_activation(net, model_edits.OUTPUTS)
    assert isinstance(net[-1], nn.Identity)
    assert not model_edits.remove_output_activation(net, model_edits.OUTPUTS)
    assert isinstance(net[1], nn.ReLU)


def test_two_layers_in_a_row_get_a_relu_between_them() -> None:
    net = nn.Sequential(nn.Linear(3, 5), nn.Dropout(0.0), nn.Linear(5, 2), nn.ReLU(), nn.Linear(2, 2))
    x = torch.randn(7, 3)
    expected = net[2](torch.relu(net[0](x)))
    assert model_edits.insert_relu(net)
    assert torch.equal(net[:3](x), expected)


def test_an_edit_that_finds_nothing_returns_false() -> None:
    net = nn.Sequential(nn.Linear(2, 2))
    for edit in (
        model_edits.normalise,
        model_edits.residual,
        model_edits.group_norms,
        model_edits.unfreeze,
        model_edits.insert_relu,
    ):
        assert not edit(net)
    assert not model_edits.limit_dropout(net, 0.1)
