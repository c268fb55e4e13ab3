"""Calls of the Python API: every argument of what is public, with every value that is wrong for it."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.abuse import api_bounds, api_clinic, api_estimators, api_networks, api_probes, api_training
from benchmarks.abuse.attack import Attack


def attacks() -> Sequence[Attack]:
    """Every argument with every wrong value, then what only the clinic can be asked."""
    modules = (api_estimators, api_bounds, api_training, api_networks, api_probes, api_clinic)
    targets = [target for module in modules for target in module.targets()]
    return [*(attack for target in targets for attack in target.attacks()), *api_clinic.attacks()]
