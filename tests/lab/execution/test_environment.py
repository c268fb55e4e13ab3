from __future__ import annotations

import json
import platform
from pathlib import Path

import numpy as np
import torch

from levinthal.lab.execution.environment import environment, source_hash


def test_what_is_told() -> None:
    recorded = environment()
    assert recorded["numpy"] == np.__version__
    assert recorded["torch"] == torch.__version__
    assert recorded["python"] == platform.python_version()
    assert recorded["threads"] == torch.get_num_threads()
    assert recorded["device"] == "cpu"
    assert json.loads(json.dumps(recorded)) == recorded


def test_the_threads_are_those_of_now() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert environment()["threads"] == 2
    finally:
        torch.set_num_threads(before)


def test_the_source_hash_sees_content_and_names(tmp_path: Path) -> None:
    package = tmp_path / "p"
    (package / "sub").mkdir(parents=True)
    (package / "a.py").write_text("x = 1\n")
    (package / "notes.txt").write_text("no source\n")
    seen = {source_hash(package)}
    (package / "notes.txt").write_text("changed\n")
    assert source_hash(package) in seen
    (package / "a.py").write_text("x = 2\n")
    seen.add(source_hash(package))
    (package / "a.py").rename(package / "sub" / "a.py")
    seen.add(source_hash(package))
    assert len(seen) == 3
    assert source_hash(package / "sub" / "a.py") not in seen
