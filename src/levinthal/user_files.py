"""A value in a user's Python file: `my_study.py`, `train.py:problem`. What goes wrong there is one line."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from levinthal.errors import InputError, LevinthalError, require_one_of

T = TypeVar("T")


def is_reference(name: str) -> bool:
    """Whether a text is the path of a Python file, with or without the name of a value in it.

    Args:
        name: `path.py`, `path.py:value`, or any other text.

    Returns:
        True for the first two.

    >>> is_reference("train.py:problem"), is_reference("first-last-information")
    (True, False)
    """
    return name.endswith(".py") or ".py:" in name


def value_in(reference: str, kind: type[T], noun: str, error: type[LevinthalError]) -> T:
    """The value of a type in a user's file, which is executed.

    Args:
        reference: `path.py:value`, or `path.py` for the only value of that type, or the one named `noun`.
        kind: the type.
        noun: what such a value is called in messages: "study".
        error: the class of the errors.

    Returns:
        The value.

    Raises:
        LevinthalError: as `error`: the file is missing, holds no such value, or has a bug (the message has
            file and line).
    """
    stem, _, wanted = reference.rpartition(".py:") if ".py:" in reference else (reference[:-3], "", "")
    path = Path(f"{stem}.py").expanduser()
    if not path.is_file():
        raise error(f"no {noun} file at {path}: give the path of a Python file that holds a `{noun}`")
    held = vars(_executed(path.resolve(), error))
    found = {name: value for name, value in held.items() if isinstance(value, kind)}
    if not found:
        named = f" named '{wanted}', nor any other" if wanted else ""
        way_out = f"end it with `{wanted or noun} = {kind.__name__}(...)`"
        raise error(f"{path} holds no levinthal.{kind.__name__}{named}: {way_out}")
    if not wanted and len(found) == 1:
        return next(iter(found.values()))
    try:
        return found[require_one_of(f"{noun} in {path}", wanted or noun, found)]
    except InputError as unknown:
        raise error(str(unknown)) from None


def _executed(path: Path, error: type[LevinthalError]) -> ModuleType:
    """Run a user's file as the module of its own name, so that worker processes can import it too."""
    name = path.stem
    before = sys.modules.get(name) or importlib.util.find_spec(name)
    taken = getattr(before, "__file__", None) or getattr(before, "origin", None)
    ours = getattr(before, "levinthal_user_file", False) or taken == str(path)
    if before is not None and not ours:
        raise error(f"{path} has the name of another module ({taken or name}): rename the file")
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise error(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    module.__dict__["levinthal_user_file"] = True
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as bug:
        del sys.modules[name]
        raise bug_in_a_line(str(path), bug, error) from bug
    return module


def bug_in_a_line(source: str, bug: Exception, error: type[LevinthalError]) -> LevinthalError:
    """File, line and message of what went wrong, the deepest frame of the user's own file first."""
    if isinstance(bug, SyntaxError) and bug.filename:
        return error(f"{shortened(bug.filename)}:{bug.lineno}: {type(bug).__name__}: {bug.msg}")
    frames = [f for f in traceback.extract_tb(bug.__traceback__) if not f.filename.startswith("<frozen")]
    own = [f for f in frames if _is_of(source, f.filename)] or frames
    place = f"{shortened(own[-1].filename)}:{own[-1].lineno}" if own else source
    message = str(bug).splitlines()[0] if str(bug) else "no message"
    kind = "" if isinstance(bug, LevinthalError) else f"{type(bug).__name__}: "
    return error(f"{place}: {kind}{message}")


def _is_of(source: str, filename: str) -> bool:
    """Whether a frame's file is the module (dotted name) or the path that was asked for."""
    place = Path(filename)
    dotted = place.parent if place.name == "__init__.py" else place.with_suffix("")
    return filename == source or dotted.as_posix().endswith(source.replace(".", "/"))


def shortened(filename: str) -> str:
    """The path as seen from here, where that is shorter."""
    path = Path(filename)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else filename
