"""Every study there is. A new one is one new file with a `study` in it, and no edit here.

The files lie at `levinthal/studies/<chapter>/<file>.py`; a user's own lies anywhere and is named by its
path (`my_study.py`, or `my_study.py:name` where the file holds several).
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from levinthal.errors import InputError, LevinthalError, StudyError, require_one_of
from levinthal.vocabulary import Study

__all__ = ["Catalogue", "all_studies", "catalogue", "find"]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The studies by name, and one error for each file that could not be read."""

    studies: Mapping[str, Study]
    broken: tuple[StudyError, ...]


def catalogue(package: str = __name__) -> Catalogue:
    """Import every study file below `package`; a file with a bug is listed in `broken`, the others stand."""
    studies: dict[str, Study] = {}
    broken: list[StudyError] = []
    for name, module in _files(package).items():
        try:
            studies[name] = _shipped(name, module)
        except StudyError as error:
            broken.append(error)
    return Catalogue(studies, tuple(broken))


def all_studies() -> Mapping[str, Study]:
    """Every study that can be imported, by name."""
    return catalogue().studies


def find(name: str) -> Study:
    """The study of that name, or the one in the user's file `path.py` or `path.py:name`.

    Raises StudyError for a name that is not known (naming the nearest), a file that is missing, or one
    that has a bug (naming file and line).
    """
    if name.endswith(".py") or ".py:" in name:
        return _from_file(name)
    files = _files(__name__)
    return _shipped(name, files[_known("study", name, files)])


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
        return study
    what = f"a study named '{study.name}'" if isinstance(study, Study) else "no levinthal.Study named `study`"
    way_out = f"name it '{name}', or let the file's name begin with an underscore if it is no study"
    raise StudyError(f"{_short(str(found.__file__))} holds {what}: {way_out}")


def _imported(name: str) -> ModuleType:
    """Import a module; whatever its code raises becomes one StudyError."""
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise _told_in_a_line(name, error) from error


def _from_file(reference: str) -> Study:
    """The study a user's file holds under the given name, `study` if none is given."""
    stem, _, wanted = reference.rpartition(".py:") if ".py:" in reference else (reference[:-3], "", "")
    path = Path(f"{stem}.py").expanduser()
    if not path.is_file():
        raise StudyError(f"no study file at {path}: give the path of a Python file that holds a `study`")
    found = {
        name: value for name, value in vars(_executed(path.resolve())).items() if isinstance(value, Study)
    }
    if not found:
        raise StudyError(f"{path} holds no levinthal.Study: end it with `study = Study(...)`")
    if not wanted and len(found) == 1:
        return next(iter(found.values()))
    return found[_known(f"study in {path}", wanted or "study", found)]


def _executed(path: Path) -> ModuleType:
    """Run a user's file as the module of its own name, so that worker processes can import it too."""
    name = path.stem
    before = sys.modules.get(name) or importlib.util.find_spec(name)
    taken = getattr(before, "__file__", None) or getattr(before, "origin", None)
    ours = getattr(before, "levinthal_study_file", False) or taken == str(path)
    if before is not None and not ours:
        raise StudyError(f"{path} has the name of another module ({taken or name}): rename the file")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise StudyError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    module.__dict__["levinthal_study_file"] = True
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise _told_in_a_line(str(path), error) from error
    return module


def _told_in_a_line(source: str, error: Exception) -> StudyError:
    """File, line and message of what went wrong, the deepest frame of the study's own file first."""
    if isinstance(error, SyntaxError) and error.filename:
        return StudyError(f"{_short(error.filename)}:{error.lineno}: {type(error).__name__}: {error.msg}")
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith("<frozen")]
    own = [f for f in frames if _is_of(source, f.filename)] or frames
    place = f"{_short(own[-1].filename)}:{own[-1].lineno}" if own else source
    said = str(error).splitlines()[0] if str(error) else "no message"
    kind = "" if isinstance(error, LevinthalError) else f"{type(error).__name__}: "
    return StudyError(f"{place}: {kind}{said}")


def _is_of(source: str, filename: str) -> bool:
    """Whether a frame's file is the module (dotted name) or the path that was asked for."""
    place = Path(filename)
    dotted = place.parent if place.name == "__init__.py" else place.with_suffix("")
    return filename == source or dotted.as_posix().endswith(source.replace(".", "/"))


def _short(filename: str) -> str:
    """The path as seen from here, where that is shorter."""
    path = Path(filename)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else filename
