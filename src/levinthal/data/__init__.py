"""Data sets by name: a name in, checked arrays out."""

from __future__ import annotations

from levinthal.data.library import Entry, catalogue, describe, get, load, names

__all__ = ["Entry", "catalogue", "describe", "get", "load", "names"]
