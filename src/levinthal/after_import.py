"""Call a function right after a module is imported, and not import it earlier than the program does.

A program may set the number of threads or the visible devices before it imports torch, so it has to be the
program that imports torch first.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


@contextmanager
def after_import(name: str, function: Callable[[], None]) -> Iterator[None]:
    """Call a function once: now if the module is there, else when it has been imported inside the `with`.

    Args:
        name: The name of a module or package without a dot.
        function: What is called.

    Yields:
        Nothing.

    >>> with after_import("sys", lambda: print("is there")):
    ...     pass
    is there
    """
    if name in sys.modules:
        function()
        yield
        return
    finder = _Finder(name, function)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        finder.leave()


class _Finder(MetaPathFinder):
    """Finds one module by the other finders, once."""

    def __init__(self, name: str, function: Callable[[], None]) -> None:
        self.name, self.function = name, function

    def leave(self) -> None:
        """Be no finder any more."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        """The module's own specification, with a loader that calls the function afterwards."""
        if fullname != self.name:
            return None
        self.leave()
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self.function)
        return spec


class _Loader(Loader):
    """The loader of a module, and what comes after it."""

    def __init__(self, inner: Loader, function: Callable[[], None]) -> None:
        self.inner, self.function = inner, function

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """The inner loader's module."""
        return self.inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Import the module, which gets back its own loader, then call the function."""
        module.__loader__ = self.inner
        if module.__spec__ is not None:
            module.__spec__.loader = self.inner
        self.inner.exec_module(module)
        self.function()
