"""Every kind of finding and every rule, collected from the modules of this package.

A new module with a kind and a rule is found here without being named anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from levinthal.clinic.findings.kind import FindingKind, in_causal_order, is_rule
from levinthal.clinic.rules import __name__ as package
from levinthal.clinic.rules import __path__ as folders
from levinthal.clinic.rules.context import Context
from levinthal.vocabulary import Finding

Rule = Callable[[Context], Iterator[Finding]]
READERS = {"catalogue", "diagnosis"}
"""Modules of this package that read the catalogue; they define no kinds."""


def rules_of(modules: Iterable[ModuleType]) -> tuple[Rule, ...]:
    """The rules that these modules define, in the order of their definition."""
    held = ((module, value) for module in modules for value in vars(module).values())
    return tuple(value for module, value in held if is_rule(value) and value.__module__ == module.__name__)


def kinds_of(modules: Iterable[ModuleType]) -> dict[str, FindingKind]:
    """Code -> kind, for all kinds that these modules define, in causal order."""
    held = (value for module in modules for value in vars(module).values())
    return in_causal_order({kind.code: kind for kind in held if isinstance(kind, FindingKind)}.values())


MODULES = [
    import_module(f"{package}.{found.name}") for found in iter_modules(folders) if found.name not in READERS
]
RULES = rules_of(MODULES)
CATALOGUE = kinds_of(MODULES)
