from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from levinthal.clinic.recording.parameter_norms import ENOUGH, RUN, RUNS, Tensors
from levinthal.clinic.recording.sample import TENSOR


def step(parameters: list[nn.Parameter], gradients: list[Tensor | None], rate: float) -> dict[str, Tensor]:
    """One step down the gradients, taken down."""
    tensors = Tensors(parameters)
    tensors.begin()
    tensors.backward_begins()
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    tensors.backward_is_over()
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad.mul_(0.5)  # clipped
                parameter.sub_(rate * parameter.grad.to_dense())
    return dict(zip(TENSOR, tensors.columns().T, strict=True))


@pytest.mark.parametrize("size", [(3,), (30, 20), (ENOUGH,)])
def test_norms_are_exact_up_to_a_size(size: tuple[int, ...]) -> None:
    weight, gradient = nn.Parameter(torch.randn(size)), torch.randn(size)
    before, norm = float(weight.detach().norm()), float(gradient.norm())
    columns = step([weight], [gradient], 0.1)
    assert columns["weight"].item() == pytest.approx(before, rel=1e-5)
    assert columns["gradient"].item() == pytest.approx(norm / 2, rel=1e-5)
    assert columns["before_clipping"].item() == pytest.approx(norm, rel=1e-5)
    assert columns["update"].item() == pytest.approx(0.05 * norm, rel=1e-3)


@pytest.mark.parametrize("size", [(200, 784), (ENOUGH + 1,), (64, 64, 3, 3), (1000, 1000)])
def test_of_a_large_parameter_a_part_tells_the_norm(size: tuple[int, ...]) -> None:
    weight, gradient = nn.Parameter(torch.randn(size)), torch.randn(size)
    columns = step([weight], [gradient], 0.1)
    assert columns["gradient"].item() == pytest.approx(float(gradient.norm()), rel=0.03)
    assert columns["update"].item() == pytest.approx(0.1 * float(gradient.norm()), rel=0.03)


def test_every_column_of_a_large_matrix_is_read() -> None:
    """As pixels go: most columns hold nothing."""
    gradient = torch.zeros(512, 784)
    gradient[:, 300:310] = 1.0
    columns = step([nn.Parameter(torch.zeros(512, 784))], [gradient.clone()], 0.1)
    assert columns["before_clipping"].item() == pytest.approx(float(gradient.norm()), rel=0.2)


def test_a_matrix_laid_out_by_columns_is_read_as_well() -> None:
    weight = nn.Parameter(torch.randn(300, 200).T)
    columns = step([weight], [torch.ones(200, 300)], 0.0)
    assert columns["weight"].item() == pytest.approx(float(weight.detach().norm()), rel=0.03)
    assert columns["update"].item() == 0


def test_a_missing_value_is_not_a_number() -> None:
    fixed = nn.Parameter(torch.ones(4), requires_grad=False)
    columns = step([nn.Parameter(torch.ones(4)), fixed], [torch.ones(4), None], 1.0)
    assert columns["gradient"][0] == 1
    assert all(math.isnan(columns[column][1]) for column in ("gradient", "weight", "update"))


def test_a_part_is_copied_and_no_more() -> None:
    tensors = Tensors([nn.Parameter(torch.zeros(2000, 2000))])
    tensors.begin()
    assert [copy.untyped_storage().nbytes() for copy in tensors.copies] == [4 * RUNS * RUN]
    tensors.forget()
    assert tensors.copies == []


def test_sparse_gradients_are_read_whole() -> None:
    rows = torch.tensor([[3, 3, 70_000]])
    gradient = torch.sparse_coo_tensor(rows, torch.ones(3, 2), (100_000, 2), check_invariants=True)
    columns = step([nn.Parameter(torch.zeros(100_000, 2))], [gradient], 0.1)
    assert columns["before_clipping"].item() == pytest.approx(math.sqrt(2 * 4 + 2), rel=1e-5)


def test_entries_of_half_precision_that_a_step_leaves_as_they_were() -> None:
    weight = nn.Parameter(torch.tensor([1.0, 1.0, 1.0, 0.0], dtype=torch.bfloat16))
    columns = step([weight], [torch.tensor([1.0, 1e-3, 1e-3, 0.0], dtype=torch.bfloat16)], 0.5)
    assert columns["unchanged"].item() == pytest.approx(2 / 3)


def test_gradients_that_a_pass_adds_to_are_left_over() -> None:
    weight = nn.Parameter(torch.ones(3))
    tensors = Tensors([weight])
    tensors.begin()
    weight.grad = torch.tensor([3.0, 4.0, 0.0])
    tensors.backward_begins()
    weight.grad += 1
    assert tensors.backward_is_over().item() == pytest.approx(5)
    tensors.backward_begins()
    assert tensors.backward_is_over().item() == 0  # a pass that did not reach it


def test_parameters_that_begin_to_learn_or_change_their_kind() -> None:
    first, second = nn.Parameter(torch.ones(4)), nn.Parameter(torch.ones(2), requires_grad=False)
    tensors = Tensors([first, second])
    for _ in range(2):
        tensors.begin()
        tensors.columns()
        second.requires_grad_()
        first.data = torch.ones(6).double()
    tensors.begin()
    weights = tensors.columns()[:, TENSOR.index("weight")]
    assert weights.tolist() == pytest.approx([math.sqrt(6), math.sqrt(2)])


def test_a_clamped_gradient_is_found_by_its_numbers() -> None:
    generator = torch.Generator().manual_seed(0)
    weight, few = nn.Parameter(torch.zeros(20, 10)), nn.Parameter(torch.zeros(2, 2))
    tensors = Tensors([weight, few])
    tensors.begin()
    weight.grad, few.grad = torch.randn(20, 10, generator=generator), torch.ones(2, 2)
    assert tensors.bounded()[1, 0].item() == pytest.approx(1 / 200)
    assert tensors.bounded()[1, 1].isnan()  # four numbers may well be of one size
    inside = int((weight.grad.abs() < 0.1).sum())
    weight.grad.clamp_(-0.1, 0.1)
    assert tensors.bounded()[:, 0].tolist() == pytest.approx([0.1, 1 - inside / 200])
    weight.grad.zero_()
    assert tensors.bounded()[:, 0].tolist() == [0, 0]


def test_the_error_at_a_bias_is_its_gradient() -> None:
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), torch.randn(6, 3)
    tensors = Tensors(tuple(model.parameters()))
    tensors.begin()
    hidden = model[0](x)
    hidden.retain_grad()
    (model[2](hidden.tanh()) ** 2).mean().backward()
    assert hidden.grad is not None
    columns = tensors.bias_gradients()
    assert columns[1].item() == pytest.approx(hidden.grad.sum(0).square().mean().sqrt().item(), rel=1e-5)
    assert columns.isnan().tolist() == [True, False, True, False]


def test_rounding_is_counted_over_all_numbers_on_request() -> None:
    weight = nn.Parameter(torch.tensor([[1e6, 1e-3]]))
    tensors = Tensors([weight])
    for asked, share in ((False, math.nan), (True, 0.5)):
        tensors.begin()
        weight.grad = torch.ones(1, 2)
        with torch.no_grad():
            weight.sub_(1e-4)
        same = tensors.columns(rounding=asked)[0, TENSOR.index("unchanged")].item()
        assert same == pytest.approx(share, nan_ok=True)


def test_a_parameter_whose_memory_was_freed_meanwhile_is_not_read() -> None:
    """FSDP frees the whole parameter after the backward pass and goes on with its shard."""
    whole = torch.nn.Parameter(torch.ones(4, 4))
    read = Tensors([whole])
    read.begin()
    assert read.are_there()
    whole.untyped_storage().resize_(0)
    assert not read.are_there()
    read.begin()
    assert read.are_there()
    assert read.weights() == []
