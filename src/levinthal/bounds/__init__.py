"""How wrong can it be: upper limits of the true error from held-out rows."""

from __future__ import annotations

from levinthal.bounds.error_bound import ErrorBound, error_bound
from levinthal.bounds.limits import Certificate
from levinthal.bounds.samples_needed import samples_needed

__all__ = ["Certificate", "ErrorBound", "error_bound", "samples_needed"]
