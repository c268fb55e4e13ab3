"""Tests of a training: `assert_trains` fails where the clinic finds a cause, or has no grounds.

trains       `assert_trains`, and what of an examination lets it pass
plugin       the pytest plugin: the fixture `assert_trains`, and `--levinthal-sarif FILE`
sarif_file   the findings of a test run as one SARIF log

`assert_trains` is imported at its first use, so that the plugin does not make pytest start later.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from levinthal.testing.trains import assert_trains

__all__ = ["assert_trains"]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'levinthal.testing' has no attribute '{name}'")
    globals()[name] = getattr(importlib.import_module("levinthal.testing.trains"), name)
    return globals()[name]
