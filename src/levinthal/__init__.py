"""levinthal: why a network trains or fails to train, and which claims about training hold.

`check`, `watch`, `examine` and `treat` find and treat the causes of a failing training. `error_bound` limits
the true error of a model, and `samples_needed` says how many rows that takes. `all_studies`, `find`, `sweep`
and `judge` run published claims as studies that end in a verdict. `mutual_information` and `cka` are
estimators that state their trust. Public names are imported at their first use, so that `import levinthal`
takes no time.

>>> import levinthal
>>> print(levinthal.Estimate.exact(4.42, "bits"))
4.42 bits (exact)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from levinthal.bounds.error_bound import ErrorBound, error_bound
    from levinthal.bounds.samples_needed import samples_needed
    from levinthal.clinic import Checkup, Examination, Treatment, Watch, check, examine, treat, watch
    from levinthal.data import load
    from levinthal.errors import DataError, InputError, LevinthalError, StoreError, StudyError
    from levinthal.estimators import cka, mutual_information
    from levinthal.lab import Inline, Processes, Rows, Store
    from levinthal.lab.execution.sweep import sweep
    from levinthal.lab.judging.verdicts import judge
    from levinthal.probes import proportion
    from levinthal.report import write_report
    from levinthal.studies import all_studies, find
    from levinthal.training import train
    from levinthal.vocabulary import (
        Axis,
        Claim,
        Dataset,
        Estimate,
        Evidence,
        Figure,
        Finding,
        Interval,
        Measurement,
        Outcome,
        Panel,
        Preset,
        Problem,
        Row,
        Series,
        Severity,
        Snapshot,
        Study,
        Task,
        Trust,
        Verdict,
    )

__all__ = [
    "Axis",
    "Checkup",
    "Claim",
    "DataError",
    "Dataset",
    "ErrorBound",
    "Estimate",
    "Evidence",
    "Examination",
    "Figure",
    "Finding",
    "Inline",
    "InputError",
    "Interval",
    "LevinthalError",
    "Measurement",
    "Outcome",
    "Panel",
    "Preset",
    "Problem",
    "Processes",
    "Row",
    "Rows",
    "Series",
    "Severity",
    "Snapshot",
    "Store",
    "StoreError",
    "Study",
    "StudyError",
    "Task",
    "Treatment",
    "Trust",
    "Verdict",
    "Watch",
    "all_studies",
    "check",
    "cka",
    "error_bound",
    "examine",
    "find",
    "judge",
    "load",
    "mutual_information",
    "proportion",
    "samples_needed",
    "sweep",
    "train",
    "treat",
    "watch",
    "write_report",
]

_PACKAGES = {
    "levinthal.bounds": ("ErrorBound", "error_bound", "samples_needed"),
    "levinthal.clinic": (
        "Checkup",
        "Examination",
        "Treatment",
        "Watch",
        "check",
        "examine",
        "treat",
        "watch",
    ),
    "levinthal.data": ("load",),
    "levinthal.errors": ("DataError", "InputError", "LevinthalError", "StoreError", "StudyError"),
    "levinthal.estimators": ("cka", "mutual_information"),
    "levinthal.lab": ("Inline", "Processes", "Rows", "Store", "sweep"),
    "levinthal.lab.judging.verdicts": ("judge",),
    "levinthal.probes": ("proportion",),
    "levinthal.report": ("write_report",),
    "levinthal.studies": ("all_studies", "find"),
    "levinthal.training": ("train",),
}
_HOME = {name: package for package, names in _PACKAGES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its package (PEP 562)."""
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("levinthal")
    if name not in __all__:
        raise AttributeError(f"module 'levinthal' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOME.get(name, "levinthal.vocabulary")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
