"""The calls of a module, seen from outside: without a hook on it, so that nothing of ours is copied with it.

`torch.nn.Module.__call__` calls `_compiled_call_impl` in place of its own code where that is set, and torch
leaves it out of copies and of saved files. A hook would go with every `copy.deepcopy(model)` and into every
`torch.save(model)`, and `torch.jit.script` would try to compile it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from levinthal.clinic.recording.apart import is_ordinary

Before = Callable[[nn.Module, tuple[Any, ...], dict[str, Any]], None]
After = Callable[[nn.Module, tuple[Any, ...], dict[str, Any], Any], None]
PLACE = "_compiled_call_impl"
_is_compiling = torch.compiler.is_compiling  # looked up once: this comes before every call of a watched model


class Calls:
    """The calls of one module, between a function before each and one after it (not after one that raised).

    Calls that are compiled, traced or within a transform of `torch.func` are left alone.

    Attributes:
        is_idle: Whether calls with gradients are left alone, until further notice.
    """

    __slots__ = ("_after", "_before", "_depth", "_module", "_previous", "is_idle")

    def __init__(
        self, module: nn.Module, before: Before, after: After, depth: list[int] | None = None
    ) -> None:
        self._module, self._before, self._after = module, before, after
        self._depth = [0] if depth is None else depth  # may be shared: the number of calls that are going on
        self._previous: Any = None
        self.is_idle = False

    def begin(self) -> None:
        """Come between the module and its callers, if not there yet: inside of those that came earlier."""
        place = self._module.__dict__  # not by setattr, which a wrapper may send on to its inside
        held = place.get(PLACE)
        if not isinstance(held, Calls):
            self._previous, place[PLACE] = held, self
        elif not self.is_there():
            last = self._chain()[-1]
            self._previous, last._previous = last._previous, self

    def end(self) -> None:
        """Go away, also from below others that came later."""
        if self._module.__dict__.get(PLACE) is self:
            self._unlink(None)
            return
        above = None
        for each in self._chain():
            if each is self:
                self._unlink(above)
                return
            above = each

    def is_there(self) -> bool:
        """Whether it is in its place. `module.compile()` puts the compiled call there."""
        each = self._module.__dict__.get(PLACE)
        while each is not self and isinstance(each, Calls):
            each = each._previous
        return each is self

    def _chain(self) -> list[Any]:
        """What is in the place, the outermost first."""
        found, each = [], self._module.__dict__.get(PLACE)
        while isinstance(each, Calls):
            found.append(each)
            each = each._previous
        return found

    def _unlink(self, above: Calls | None) -> None:
        if above is not None:
            above._previous = self._previous
        elif self._previous is not None:
            self._module.__dict__[PLACE] = self._previous
        else:
            del self._module.__dict__[PLACE]
        self._previous = None

    def __call__(self, *args: Any, **words: Any) -> Any:
        """Torch calls this. A replica (DataParallel) has the attributes of its original: ask the caller."""
        if _is_compiling():  # Dynamo traces this line, and nothing of ours below it
            return self._inner(self._module, args, words, self._previous)
        caller = sys._getframe(1).f_locals.get("self")
        if self.is_idle and caller is self._module and self._previous is None and torch.is_grad_enabled():
            return caller._call_impl(*args, **words)  # type: ignore[no-untyped-call]
        return self._through(caller if isinstance(caller, nn.Module) else self._module, args, words)

    def _through(self, module: nn.Module, args: tuple[Any, ...], words: dict[str, Any]) -> Any:
        if module is not self._module or not is_ordinary():
            return self._inner(module, args, words, self._previous)
        previous = self._previous
        self._before(module, args, words)
        if self.is_there():  # else it has just ended
            previous = self._previous
        depth = self._depth
        depth[0] += 1
        try:
            if previous is None:  # nearly always
                output = module._call_impl(*args, **words)  # type: ignore[no-untyped-call]
            else:
                output = self._inner(module, args, words, previous)
        finally:
            depth[0] -= 1
        self._after(module, args, words, output)
        return output

    def _inner(self, module: nn.Module, args: tuple[Any, ...], words: dict[str, Any], previous: Any) -> Any:
        if isinstance(previous, Calls):
            return previous._through(module, args, words)
        return (module._call_impl if previous is None else previous)(*args, **words)

    def __deepcopy__(self, _: Any) -> None:
        """None, as in a module that was never watched."""

    def __copy__(self) -> None:
        """None too."""

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """None in a file, which so needs nothing of ours to be read."""
        return type(None), ()


class Parts:
    """The calls of all parts of a model that have parameters.

    Attributes:
        called: The parts that were called.
    """

    def __init__(self, model: nn.Module, outer: nn.Module, before: Before, depth: list[int]) -> None:
        self._before = before
        self.called = set[nn.Module]()
        parts = (m for m in model.modules() if m is not outer and next(m.parameters(), None) is not None)
        self._calls = [Calls(part, self._enter, _nothing, depth) for part in parts]
        self._is_there = False

    def begin(self) -> None:
        """Follow the calls of every part."""
        if not self._is_there:
            self._is_there = True
            for calls in self._calls:
                calls.begin()

    def end(self) -> None:
        """Leave the parts alone again."""
        if self._is_there:
            self._is_there = False
            for calls in self._calls:
                calls.end()

    def _enter(self, part: nn.Module, args: tuple[Any, ...], words: dict[str, Any]) -> None:
        self.called.add(part)
        self._before(part, args, words)


def _nothing(*_: Any) -> None:
    """What is done after the call of a part."""


def is_compiled(model: nn.Module) -> bool:
    """Whether a module or a part of it is compiled."""
    inner = (getattr(module, PLACE, None) for module in model.modules())
    return any(hasattr(module, "_orig_mod") for module in model.modules()) or any(
        call is not None and not isinstance(call, Calls) for call in inner
    )
