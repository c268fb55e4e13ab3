"""What a run was computed with: enough to tell why two machines disagree."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import levinthal


def environment(device: str = "cpu") -> dict[str, Any]:
    """Versions, machine, threads and device of this process, as plain values for JSON."""
    return {**_fixed(), "threads": _threads(), "device": device, "device name": _device_name(device)}


@functools.cache
def _fixed() -> Mapping[str, Any]:
    libraries = {name: _version(name) for name in ("levinthal", "torch", "numpy", "scipy", "numba")}
    return {
        **libraries,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": cpu_model(),
        "cores": os.cpu_count() or 1,
        "source": source_hash(Path(levinthal.__file__).parent),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def cpu_model() -> str:
    """The processor's own name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def source_hash(package: Path) -> str:
    """Hash of the Python sources of a package or of one file: names what ran where no git is at hand."""
    files = [package] if package.is_file() else sorted(package.rglob("*.py"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(package.parent).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


# Torch is asked only where it is loaded: where it is not, it has computed nothing.
def _threads() -> int:
    torch = sys.modules.get("torch")
    return int(torch.get_num_threads()) if torch else 1


def _device_name(device: str) -> str:
    torch = sys.modules.get("torch")
    return str(torch.cuda.get_device_name(device)) if torch and device.startswith("cuda") else cpu_model()
