"""Every study there is. A new one is one new file with a `study` in it, and no edit here.

The files lie at `levinthal/studies/<chapter>/<file>.py`; a user's own lies anywhere and is named by its
path (`my_study.py`, or `my_study.py:name` where the file holds several).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from levinthal.errors import InputError, StudyError, require_one_of
from levinthal.studies.validity import require_valid
from levinthal.user_files import bug_in_a_line, is_reference, shortened, value_in
from levinthal.vocabulary import Study

__all__ = ["Catalogue", "all_studies", "catalogue", "find"]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The studies that were found.

    Attributes:
        studies: name -> study.
        broken: one error for each file that could not be read.
    """

    studies: Mapping[str, Study]
    broken: tuple[StudyError, ...]


def catalogue(package: str = __name__) -> Catalogue:
    """Import every study file below a package. A file with a bug is listed in `broken`; the others stay.

    Args:
        package: the dotted name of a package of chapters.

    Returns:
        The studies by name, and one error for each file that could not be read.
    """
    studies: dict[str, Study] = {}
    broken: list[StudyError] = []
    for name, module in _files(package).items():
        try:
            studies[name] = _shipped(name, module)
        except StudyError as error:
            broken.append(error)
    return Catalogue(studies, tuple(broken))


def all_studies() -> Mapping[str, Study]:
    """Every study of levinthal that can be imported.

    Returns:
        The studies by name, sorted. A file with a bug is left out; `catalogue` names it.

    >>> all_studies()["one-neuron-chain"].chapter
    'trainability'
    """
    return catalogue().studies


def find(name: str) -> Study:
    """Find a study by its name, or in a user's file.

    Args:
        name: a name of `levinthal study list`, or a file of your own: `path.py`, or `path.py:name` where the
            file holds several studies.

    Returns:
        The study.

    Raises:
        StudyError: an unknown name (the message has the nearest one), a missing file, or a file with a bug
            (the message has file and line).

    >>> find("one-neuron-chain").name
    'one-neuron-chain'
    """
    if is_reference(name):
        study = value_in(name, Study, "study", StudyError)
        file = f"{name.rpartition('.py:')[0]}.py" if ".py:" in name else name
        return require_valid(study, Path(file).expanduser())
    files = _files(__name__)
    if name not in files and (own := _own_file(name)):
        raise StudyError(f"unknown study '{name}': for the file in this folder, write `{own}`")
    return _shipped(name, files[_known("study", name, files)])


def _own_file(name: str) -> str:
    """The Python file of the current folder that was probably meant, or nothing."""
    stem, colon, wanted = name.partition(":")
    near = (f"{stem}.py", f"{stem.replace('-', '_')}.py")
    return next((f"{file}{colon}{wanted}" for file in near if Path(file).is_file()), "")


def _known(kind: str, name: str, known: Iterable[str]) -> str:
    try:
        return require_one_of(kind, name, known)
    except InputError as error:
        raise StudyError(str(error)) from None


def _files(package: str) -> dict[str, str]:
    """Study name -> module `package.<chapter>.<file>`, sorted; a leading underscore marks other files."""
    root = importlib.import_module(package)
    modules = []
    for chapter in pkgutil.iter_modules(root.__path__, f"{package}."):
        folders = [str(Path(entry) / chapter.name.rpartition(".")[2]) for entry in root.__path__]
        modules += [file.name for file in pkgutil.iter_modules(folders, f"{chapter.name}.") if chapter.ispkg]
    named = ((module.rpartition(".")[2], module) for module in modules)
    return {file.replace("_", "-"): module for file, module in sorted(named) if not file.startswith("_")}


def _shipped(name: str, module: str) -> Study:
    """The study of a file; raises StudyError for a bug, no study, or one that is not named like its file."""
    found = _imported(module)
    study = getattr(found, "study", None)
    if isinstance(study, Study) and study.name == name:
        return require_valid(study)
    what = f"a study named '{study.name}'" if isinstance(study, Study) else "no levinthal.Study named `study`"
    way_out = f"name it '{name}', or let the file's name begin with an underscore if it is no study"
    raise StudyError(f"{shortened(str(found.__file__))} holds {what}: {way_out}")


def _imported(name: str) -> ModuleType:
    """Import a module; whatever its code raises becomes one StudyError."""
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise bug_in_a_line(name, error, StudyError) from error
