"""A layer that fails on its input: what it expects, what it gets, and the way out."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from levinthal.clinic.failures.wording import dtype_name, shown, uneven
from levinthal.estimators.arrays import ONE_LENGTH

RECURRENT = (nn.RNNBase, nn.RNNCellBase)
AS_TENSOR = "pass torch.as_tensor(...), or a model whose forward takes this type"
NORMS_BY_CHANNEL = (nn.modules.batchnorm._NormBase, nn.GroupNorm)


def layer_mismatch(layer: nn.Module, given: Any) -> tuple[str, str, str] | None:
    """What a layer expects, what it gets, and the way out; None where nothing known disagrees."""
    if not isinstance(given, Tensor):
        known = isinstance(layer, (nn.Linear, nn.modules.conv._ConvNd, nn.Embedding, *NORMS_BY_CHANNEL))
        rows = uneven(given)
        got = f"has rows of different lengths ({rows})" if rows else f"is {shown(given)}"
        way_out = f"{ONE_LENGTH}, then pass torch.as_tensor(...)" if rows else AS_TENSOR
        return ("a tensor", got, way_out) if known else None
    if isinstance(layer, nn.Embedding):
        return _of_indices(layer, given)
    return _of_type(layer, given) or _of_axes(layer, given) or _of_one_row(layer, given)


def _of_indices(layer: nn.Embedding, given: Tensor) -> tuple[str, str, str] | None:
    if given.is_floating_point():
        return "integer indices", f"has dtype {dtype_name(given)}", "pass inputs.long()"
    low, high = (int(given.min()), int(given.max())) if given.numel() else (0, 0)
    if low >= 0 and high < layer.num_embeddings:
        return None
    expected = f"indices from 0 to {layer.num_embeddings - 1}"
    return expected, f"has {low} to {high}", f"raise num_embeddings above {high}, or number the tokens from 0"


def _of_type(layer: nn.Module, given: Tensor) -> tuple[str, str, str] | None:
    weight = next(layer.parameters(recurse=False), None)
    if weight is None:
        return None
    if weight.device != given.device:
        return f"inputs on {weight.device}", f"is on {given.device}", f'pass inputs.to("{weight.device}")'
    if weight.dtype != given.dtype and not torch.is_autocast_enabled(given.device.type):
        way_out = f"pass inputs.to(torch.{dtype_name(weight)}), or convert the model"
        return f"inputs of dtype {dtype_name(weight)}", f"has dtype {dtype_name(given)}", way_out
    return None


def _of_axes(layer: nn.Module, given: Tensor) -> tuple[str, str, str] | None:
    """The size of the one axis whose size the layer fixes."""
    shape = f"(shape {tuple(given.shape)})"
    if isinstance(layer, nn.modules.conv._ConvNd) and given.dim() not in (
        axes := (len(layer.kernel_size) + 1, len(layer.kernel_size) + 2)
    ):
        expected = f"{axes[1]} axes (batch, channels, positions)"
        return expected, f"has {given.dim()} {shape}", "reshape the inputs"
    axis, size, noun, option = _fixed_axis(layer)
    if size is None or not -given.dim() <= axis < given.dim() or given.shape[axis] == size:
        return None
    got = given.shape[axis]
    way_out = f"set {option}={got}, or change the inputs"
    return f"{size} {noun} (axis {axis})", f"has {got} {shape}", way_out


def _fixed_axis(layer: nn.Module) -> tuple[int, int | None, str, str]:
    """Axis, size, what it counts, and the constructor's argument that sets it."""
    if isinstance(layer, nn.Linear):
        return -1, layer.in_features, "features", "in_features"
    if isinstance(layer, nn.modules.conv._ConvNd):
        return -len(layer.kernel_size) - 1, layer.in_channels, "channels", "in_channels"
    if isinstance(layer, NORMS_BY_CHANNEL):
        option = "num_channels" if isinstance(layer, nn.GroupNorm) else "num_features"
        return 1, getattr(layer, option), "channels", option
    if isinstance(layer, nn.LayerNorm):
        return -1, layer.normalized_shape[-1], "features", "normalized_shape"
    if isinstance(layer, RECURRENT):
        return -1, int(layer.input_size), "features", "input_size"
    if isinstance(layer, nn.MultiheadAttention):
        return -1, layer.embed_dim, "features", "embed_dim"
    return 0, None, "", ""


def _of_one_row(layer: nn.Module, given: Tensor) -> tuple[str, str, str] | None:
    if isinstance(layer, nn.modules.batchnorm._BatchNorm) and given.dim() > 1:
        count = given.numel() // max(given.shape[1], 1)
        if count == 1 and layer.training:
            return "more than 1 value per channel", "has 1 row", "use a larger batch"
    return None
