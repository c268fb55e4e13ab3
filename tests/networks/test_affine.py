"""Views of an affine layer against autograd."""

import torch

from levinthal.networks.affine import Affine, gradient_of


def test_gradients_of_some_members_are_those_of_autograd_and_the_others_stay_zero() -> None:
    torch.manual_seed(0)
    weight, bias = (torch.randn(3, *shape, dtype=torch.float64).requires_grad_() for shape in ((4, 5), (4,)))
    below, slope = torch.randn(2, 5, 7, dtype=torch.float64), torch.randn(2, 4, 7, dtype=torch.float64)
    layer = Affine.of(weight, bias, slice(0, 2))
    layer.write_gradients(slope, below)
    outputs = torch.baddbmm(bias[:2, :, None], weight[:2], below)
    expected = torch.autograd.grad(outputs, (weight, bias), slope)
    torch.testing.assert_close(weight.grad, expected[0])
    torch.testing.assert_close(bias.grad, expected[1])
    torch.testing.assert_close(layer.transposed, weight[:2].mT)


def test_a_gradient_that_exists_is_kept() -> None:
    parameter = torch.ones(2, requires_grad=True)
    parameter.grad = torch.full((2,), 3.0)
    assert gradient_of(parameter) is parameter.grad
    assert gradient_of(parameter).tolist() == [3.0, 3.0]
