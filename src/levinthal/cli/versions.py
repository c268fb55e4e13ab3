"""`levinthal --version --verbose`: what a report of a bug needs, one fact a line."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

import levinthal
from levinthal.cli.selection import STORE

LIBRARIES = ("numpy", "scipy", "scikit-learn", "numba")
WIDTH = 12


def is_asked_for(tokens: list[str]) -> bool:
    """Whether these are the words of a command line that asks for it."""
    return sorted(tokens) == ["--verbose", "--version"]


def report() -> str:
    """Versions, machine and folders, as text."""
    return "\n".join(f"{name:{WIDTH}} {fact}" for name, fact in _facts())


def _facts() -> Iterator[tuple[str, str]]:
    from levinthal.data.places import destination
    from levinthal.lab.execution.environment import cpu_model

    commit = _commit()
    yield "levinthal", f"{version('levinthal')}{f', commit {commit}' if commit else ''}"
    yield "python", f"{platform.python_version()} ({platform.python_implementation()})"
    yield "system", platform.platform()
    yield "processor", f"{cpu_model()}, {os.cpu_count() or 1} cores"
    yield "torch", _torch()
    yield from ((name, _installed(name)) for name in LIBRARIES)
    yield "data", str(destination(None))
    yield "results", f"{STORE.resolve()} ({'there' if STORE.exists() else 'not there yet'})"


def _torch() -> str:
    import torch

    threads = f"{torch.get_num_threads()} threads"
    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else "no device"
    return f"{torch.__version__}, {threads}, CUDA {torch.version.cuda or 'not built in'}: {cuda}"


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    """The commit of a clone, or of an installation from git; empty where neither is known."""
    root = Path(levinthal.__file__).parents[2]
    git = shutil.which("git") if (root / ".git").exists() else None
    if git:
        command = [git, "-C", str(root), "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    origin = json.loads(distribution("levinthal").read_text("direct_url.json") or "{}")
    return str(origin.get("vcs_info", {}).get("commit_id", ""))
