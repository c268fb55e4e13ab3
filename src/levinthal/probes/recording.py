"""One forward pass of any module, recorded layer by layer with its graph.

A layer is a module with parameters of its own, or an activation. An activation is an elementwise module
without parameters (found by evaluating it, so that a user's own counts), or one of torch's functions
(`torch.tanh`, `functional.relu`, `x.sigmoid()`). A module that is called twice is two calls.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList, is_parametrized
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from levinthal.errors import InputError
from levinthal.probes.plain_copy import plain_copy
from levinthal.probes.untouched import random_states_restored, untouched

Inputs = Tensor | tuple[Any, ...] | Mapping[str, Any]
Loss = Callable[[Any, Any], Tensor]
Elementwise = Callable[[Tensor], Tensor]

FUNCTIONS = frozenset(
    (
        *(
            "relu",
            "relu_",
            "relu6",
            "leaky_relu",
            "leaky_relu_",
            "elu",
            "selu",
            "celu",
            "gelu",
            "silu",
            "silu_",
        ),
        *("tanh", "tanh_", "sigmoid", "sigmoid_", "logsigmoid", "softplus", "softsign", "mish"),
        *("hardtanh", "hardsigmoid", "hardswish"),
    )
)
NO_ACTIVATION = (nn.Identity, nn.Flatten, nn.Unflatten, nn.modules.dropout._DropoutNd, nn.Softmax)
PROBE = (-3.0, -1.5, -0.2, 0.0, 0.3, 0.7, 1.1, 4.0)


@dataclass(eq=False, slots=True)
class Call:
    """One call of a layer: its input and its output. The output is still in the graph of the pass."""

    name: str
    kind: str
    output: Tensor
    before: Tensor
    module: nn.Module | None = None
    function: Elementwise | None = None
    settings: str = ""
    """Of an activation of torch's: calls of equal settings are the same function."""

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Its module's own parameters, those behind a parametrization (a spectral norm, say) included."""
        if self.module is None:
            return []
        behind = getattr(self.module, "parametrizations", None)
        return [*self.module.parameters(recurse=False), *(behind.parameters() if behind else ())]

    @property
    def is_weighted(self) -> bool:
        """Whether it holds a weight matrix: one step of depth."""
        return self.function is None and any(parameter.dim() >= 2 for parameter in self.parameters)


@dataclass(eq=False, slots=True)
class Pass:
    """A forward pass: its input (in the graph if it has floats), its calls, its output."""

    inputs: Tensor
    calls: list[Call]
    output: Any
    batch: int
    coupled: bool
    """Whether rows of the batch depend on each other (batch norm in training mode)."""


@contextmanager
def recorded(
    model: nn.Module, inputs: Inputs, *, layers: Callable[[nn.Module], bool] | None = None
) -> Iterator[Pass]:
    """Run the module once on a batch, in its present mode, and provide the pass while its graph exists.

    `inputs` is a tensor (n, ...), a tuple of arguments or a mapping of keyword arguments. Its first tensor
    counts as the input. `layers` selects the modules to record (blocks, for example). On exit the module is
    restored to the bit (see `untouched`).

    Raises:
        InputError: there is no tensor among the inputs, or no layer was called.
    """
    inner = getattr(model, "_orig_mod", model)  # a compiled module calls no hooks
    with untouched(inner) as handles:
        args, keywords, first = _arguments(inputs)
        for parameter in inner.parameters():
            parameter.requires_grad_(parameter.is_floating_point() or parameter.is_complex())
        tape = _Tape({module: name for name, module in inner.named_modules()}, layers)
        tape.hook(inner, handles)
        with tape:
            output = inner(*args, **keywords)
        for handle in handles:
            handle.remove()
        if not tape.calls:
            raise InputError("no layer of the module was called: pass a module whose parts do the work")
        coupled = any(_couples(module) for module in inner.modules())
        yield Pass(first, tape.calls, output, len(first), coupled)


def tensor_of(output: Any) -> Tensor:
    """The first float tensor of an output: itself, or of a tuple, list, mapping or dataclass.

    Raises:
        InputError: there is none.
    """
    found = next(_tensors(output), None)
    if found is None:
        raise InputError(f"no float tensor in an output of type {type(output).__name__}: return a tensor")
    return found


def rows_of(tensor: Tensor, batch: int) -> Tensor:
    """The tensor as (n, everything else) if the first axis is the batch, else as one row."""
    return tensor.reshape(batch, -1) if tensor.dim() and len(tensor) == batch else tensor.reshape(1, -1)


def _tensors(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        if output.is_floating_point():
            yield output
    elif isinstance(output, Mapping):
        for part in output.values():
            yield from _tensors(part)
    elif isinstance(output, tuple | list):
        for part in output:
            yield from _tensors(part)
    elif hasattr(output, "__dataclass_fields__"):
        for name in output.__dataclass_fields__:
            yield from _tensors(getattr(output, name))


def _arguments(inputs: Inputs) -> tuple[tuple[Any, ...], dict[str, Any], Tensor]:
    """Arguments and keywords, the first float tensor a fresh leaf of the graph; and that tensor."""
    keywords = dict(inputs) if isinstance(inputs, Mapping) else {}
    args = () if keywords else inputs if isinstance(inputs, tuple) else (inputs,)
    named: list[tuple[Any, Any]] = [*enumerate(args), *keywords.items()]
    tensors = [(key, value) for key, value in named if isinstance(value, Tensor) and value.dim()]
    if not tensors:
        raise InputError("no tensor among the inputs: pass a batch (n, ...), a tuple or a mapping of them")
    key, first = tensors[0]
    if first.is_floating_point():
        first = first.detach().clone().requires_grad_()
    args = tuple(first if k == key else a for k, a in enumerate(args))
    return args, {k: first if k == key else v for k, v in keywords.items()}, first


def _couples(module: nn.Module) -> bool:
    if not isinstance(module, nn.modules.batchnorm._BatchNorm):
        return False
    return module.training or module.running_mean is None


class _Tape(TorchFunctionMode):
    """Records calls: of modules by hooks, of activation functions as a torch function mode."""

    def __init__(self, names: dict[nn.Module, str], layers: Callable[[nn.Module], bool] | None) -> None:
        super().__init__()
        self.names, self.layers = names, layers
        self.calls: list[Call] = []
        self.inside, self.times = 0, Counter[str]()
        found = {module: activation_of(module) for module in names}
        self.activations = {module: function for module, function in found.items() if function is not None}
        self.inputs: dict[nn.Module, list[Tensor]] = {}

    def hook(self, model: nn.Module, handles: list[RemovableHandle]) -> None:
        """Hook every module that may be a layer."""
        for module in model.modules():
            if self._watched(module):
                handles.append(module.register_forward_pre_hook(self._enter, with_kwargs=True))
                handles.append(module.register_forward_hook(self._leave, with_kwargs=True))

    def _watched(self, module: nn.Module) -> bool:
        if self.layers is not None:
            return self.layers(module)
        if isinstance(module, ParametrizationList):
            return False
        own = next(module.parameters(recurse=False), None) is not None or is_parametrized(module)
        return own or module in self.activations

    def _enter(self, module: nn.Module, args: Any, keywords: Any) -> None:
        self.inside += module in self.activations
        before = next(_tensors((args, keywords)), torch.zeros(0))
        self.inputs.setdefault(module, []).append(before.detach().clone())  # it may be overwritten

    def _leave(self, module: nn.Module, _args: Any, _words: Any, output: Any) -> Any:
        self.inside -= module in self.activations
        before = self.inputs[module].pop()
        if next(_tensors(output), None) is None:
            return None
        return _replaced(output, self._take(module, type(module).__name__, before, tensor_of(output)))

    def _take(self, module: nn.Module | None, kind: str, before: Tensor, output: Tensor) -> Tensor:
        """Record a call and return a copy for the caller, so that nothing overwrites the record."""
        name = (self.names.get(module, "") if module else kind) or kind
        self.times[name] += 1
        label = name if self.times[name] == 1 else f"{name} (call {self.times[name]})"
        recorded = output if output.requires_grad else output.detach().requires_grad_()
        function = self.activations.get(module) if module else None
        fixed = function is not None and module is not None and next(module.parameters(), None) is None
        known = repr(module) if fixed and type(module).__module__.startswith("torch.nn.") else ""
        self.calls.append(Call(label, kind, recorded, before, module, function, known))
        return recorded.clone()

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        keywords, name = kwargs or {}, getattr(func, "__name__", "")
        is_call = name in FUNCTIONS and not self.inside and self.layers is None and args
        if not is_call or not isinstance(args[0], Tensor):
            return func(*args, **keywords)
        before, rest = args[0].detach().clone(), args[1:]
        result = func(*args, **keywords)
        if not isinstance(result, Tensor):
            return result
        taken = self._take(None, name.rstrip("_"), before, result)
        self.calls[-1].function = lambda x: func(x, *rest, **keywords)
        self.calls[-1].settings = (
            "" if any(isinstance(r, Tensor) for r in rest) else f"{name}{rest}{keywords}"
        )
        return result if result is args[0] else taken  # in place: the caller goes on with its own tensor


def _replaced(output: Any, first: Tensor) -> Any:
    """The output with its first float tensor replaced. Other containers are returned unchanged."""
    if isinstance(output, Tensor):
        return first
    if type(output) in (tuple, list) and isinstance(output[0], Tensor):
        return type(output)((first, *output[1:]))
    return output


def is_activation(module: nn.Module) -> bool:
    """Whether a module without children is elementwise and not affine.

    It is found by evaluation: some of the numbers alone must give the same results as among all of them. Of a
    user's own module a copy is evaluated, so that nothing it holds is changed; one that draws random numbers,
    or that holds more than plain values, is no activation.

    >>> [is_activation(m) for m in (nn.ReLU(), nn.PReLU(), nn.Identity(), nn.LogSoftmax(0), nn.LayerNorm(8))]
    [True, True, False, False, False]
    """
    return activation_of(module) is not None


def activation_of(module: nn.Module) -> Elementwise | None:
    """The function of an activation, which calls no user's module; None for other modules."""
    if next(module.children(), None) is not None or isinstance(module, NO_ACTIVATION):
        return None
    if isinstance(module, nn.PReLU):
        return module.forward
    if next(module.parameters(), None) is not None:
        return None
    inner = module if _is_torchs(module) else plain_copy(module)
    return inner.forward if inner is not None and _is_elementwise(inner) else None


def _is_torchs(module: nn.Module) -> bool:
    """Whether a module is one of torch's own, which hold nothing that a call changes but buffers."""
    return type(module).__module__.startswith("torch.nn.") and next(module.buffers(), None) is None


def _is_elementwise(module: nn.Module) -> bool:
    x = torch.tensor(PROBE, device="cpu", dtype=torch.float32)
    with random_states_restored() as before, torch.no_grad(), redirect_stdout(StringIO()):
        draws = random.getstate()
        try:
            whole, part = module.forward(x.clone()), module.forward(x[:3].clone())
        except Exception:  # whatever an external module raises, it is no activation
            return False
        if random.getstate() != draws or before.arrays_moved():  # stochastic depth, a user's own dropout
            return False
    if not isinstance(whole, Tensor) or whole.shape != x.shape or not torch.equal(whole[:3], part):
        return False
    straight = whole[0] + (x - x[0]) * (whole[-1] - whole[0]) / (x[-1] - x[0])
    return not torch.allclose(whole, straight, atol=1e-5)
