"""A forward pass or a loss that fails: which layer or argument does not fit, in one line with the way out.

torch says "mat1 and mat2 shapes cannot be multiplied (64x5 and 8x16)". Here the pass is run once more under
hooks, and the line names the layer, what it expects, and what it gets.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from levinthal.clinic.failures.layers import layer_mismatch
from levinthal.clinic.failures.losses import Loss, loss_mismatch, value_mismatch
from levinthal.clinic.failures.wording import failure, shown
from levinthal.errors import InputError, LevinthalError
from levinthal.probes.untouched import untouched


@contextmanager
def explained(
    model: nn.Module, loss_fn: Loss | None, inputs: Any, targets: Any, name: str = "the batch"
) -> Iterator[None]:
    """Turn what the model or the loss raises inside into an InputError that names what does not fit.

    An exception that does not occur again in a forward pass, the loss and reading its value is left as it is.
    `name` is what the message calls the batch.
    """
    try:
        yield
    except LevinthalError:
        raise
    except Exception as error:
        message = _explanation(model, loss_fn, inputs, targets, name)
        if message:
            raise InputError(message) from error
        raise


def _explanation(model: nn.Module, loss_fn: Loss | None, inputs: Any, targets: Any, name: str) -> str:
    """What does not fit; "" where nothing fails again."""
    if any(parameter.is_meta for parameter in model.parameters()):
        return "the model is on the meta device, which holds no values: build it on a real device"
    with untouched(model), torch.random.fork_rng():
        running = _Running(model)
        try:
            with running:
                outputs = model(inputs)
        except Exception as error:
            return _of_layer(running, inputs, name, error)
        if loss_fn is None:
            return ""
        try:
            return value_mismatch(model, loss_fn(outputs, targets))
        except InputError as error:
            return str(error)
        except Exception as error:
            return loss_mismatch(outputs, targets, name, error)


class _Running:
    """Hooks that know which modules have begun and not ended, with their first arguments."""

    def __init__(self, model: nn.Module) -> None:
        inner = getattr(model, "_orig_mod", model)
        self.named = [(name, module) for name, module in inner.named_modules()]
        self.stack: list[tuple[str, nn.Module, Any]] = []

    def __enter__(self) -> None:
        self.handles = [h for name, module in self.named for h in self._hooks(name, module)]

    def __exit__(self, *_: object) -> None:
        for handle in self.handles:
            handle.remove()

    def _hooks(self, name: str, module: nn.Module) -> Iterator[Any]:
        if isinstance(module, torch.jit.ScriptModule):  # it takes no Python hooks
            return

        def begins(module: nn.Module, args: tuple[Any, ...]) -> None:
            self.stack.append((name, module, args[0] if args else None))

        def ends(*_: Any) -> None:
            self.stack.pop()

        yield module.register_forward_pre_hook(begins)
        yield module.register_forward_hook(ends)


def _of_layer(running: _Running, inputs: Any, name: str, error: Exception) -> str:
    """The innermost module that failed: what it expects and what it gets."""
    place, layer, given = running.stack[-1] if running.stack else ("", running.named[0][1], inputs)
    label = f"layer {place} ({type(layer).__name__})" if place else f"the model ({type(layer).__name__})"
    subject = name if given is inputs else "its input"
    found = layer_mismatch(layer, given)
    if found:
        expected, got, way_out = found
        return f"{label} expects {expected}, and {subject} {got}: {way_out}"
    return failure(error, f"{label}, with an input {shown(given)},")
