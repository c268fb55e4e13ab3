"""What a worker does with a task: measure it, look at what came, and say how it went."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from levinthal.errors import StudyError
from levinthal.lab.execution.environment import environment, source_hash
from levinthal.lab.execution.own_code import in_one_line, own_code
from levinthal.lab.execution.soundness import measured, require_sound
from levinthal.vocabulary import Dataset, Measurement, Task


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a task: its measurements or the error in one line, when, how long, and with what."""

    measurements: tuple[Measurement, ...]
    error: str
    environment: Mapping[str, Any]
    started: str
    duration: float


@dataclass(frozen=True, slots=True)
class Measuring:
    """A study's `measure`, bound to its data and device: Task in, Measured out; it never raises.

    It travels to worker processes by the name of its module; a module that was loaded from a file,
    as a user's own study is, is loaded from that file again.
    """

    measure: Callable[..., Iterable[Measurement]]
    data: Dataset | None = None
    device: str = "cpu"

    def __call__(self, task: Task) -> Measured:
        """Measure one task."""
        started, clock = datetime.now(UTC).isoformat(timespec="seconds"), time.perf_counter()
        measurements, error = self._attempt(task)
        taken = time.perf_counter() - clock
        found = {**environment(self.device), "seeds": list(task.seeds), **_source_of(self.measure)}
        return Measured(measurements, error, found, started, taken)

    def _attempt(self, task: Task) -> tuple[tuple[Measurement, ...], str]:
        try:
            with own_code():
                found = measured(self.measure(task, data=self.data, device=self.device))
            require_sound(task, found)
        except Exception as error:
            return (), in_one_line(error)
        return found, ""

    def __reduce__(self) -> tuple[Any, ...]:
        return _revived, (_address(self.measure), self.data, self.device)


Address = tuple[str, str, str]


def _address(measure: Callable[..., Any]) -> Address | Callable[..., Any]:
    """Module, name in it and file of a module's function; anything else must pickle as it is."""
    module, name = getattr(measure, "__module__", ""), getattr(measure, "__qualname__", "")
    if module == "__main__" or getattr(sys.modules.get(module), name, None) is not measure:
        return measure
    return module, name, _file_of(measure)


def _revived(address: Address | Callable[..., Any], data: Dataset | None, device: str) -> Measuring:
    if not isinstance(address, tuple):
        return Measuring(address, data, device)
    module, name, file = address
    return Measuring(getattr(_module(module, file), name), data, device)


def _module(name: str, file: str) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        found = None
    if found is not None and found.origin == file:
        return importlib.import_module(name)
    return _loaded(name, file)


def _loaded(name: str, file: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise StudyError(f"module '{name}' of the study is neither importable nor a file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _file_of(measure: Callable[..., Any]) -> str:
    module = sys.modules.get(getattr(measure, "__module__", ""))
    return getattr(module, "__file__", None) or ""


def _source_of(measure: Callable[..., Any]) -> dict[str, str]:
    file = Path(_file_of(measure))
    return {"study source": source_hash(file)} if file.is_file() else {}
