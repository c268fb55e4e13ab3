"""Adapters: small parts that are trained beside a frozen network, and start equal or at zero on purpose."""

from __future__ import annotations

ADAPTERS = ("lora_", "adapter", "ia3_", "prompt", "prefix", "vera_", "oft_", "hada_", "lokr_")
"""Parts of the names of adapters: a model that has them is frozen on purpose."""


def is_adapter(name: str) -> bool:
    """Whether a parameter belongs to an adapter, by the names that the usual libraries give.

    >>> is_adapter("layer.0.value.ia3_l.default"), is_adapter("layer.0.value.weight")
    (True, False)
    """
    return any(part in name for part in ADAPTERS)
