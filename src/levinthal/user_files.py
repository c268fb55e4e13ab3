"""A value in a user's Python file: `my_study.py`, `train.py:problem`. What goes wrong there is one line."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import sysconfig
import traceback
from functools import lru_cache
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from levinthal.errors import InputError, LevinthalError, require_one_of, said_by
from levinthal.interrupts import is_ctrl_c
from levinthal.shown import one_line

T = TypeVar("T")
PACKAGE = Path(__file__).parent
LIBRARIES = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib"))


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


@lru_cache(4096)
def is_of_library(filename: str) -> bool:
    """Whether a file is of Python, of an installed package, or of this one.

    Args:
        filename: A path, as code objects and modules have it.

    Returns:
        False for a user's file, and for code of no file (`<stdin>`, a cell of a notebook).

    >>> is_of_library(argparse.__file__), is_of_library("/home/me/train.py"), is_of_library("<stdin>")
    (True, False, False)
    """
    path = Path(filename)
    is_installed = any(part in ("site-packages", "dist-packages") for part in path.parts)
    is_below = is_installed or any(path.is_relative_to(folder) for folder in (PACKAGE, *LIBRARIES))
    return is_below or filename.startswith("<frozen")


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
        LevinthalError: as `error`: the file is missing, holds no such value, has a bug, or ends the program
            (the message has file and line).
    """
    stem, _, wanted = reference.rpartition(".py:") if ".py:" in reference else (reference[:-3], "", "")
    path = user_path(f"{stem}.py", error)
    if not path.is_file():
        way_out = f"give the path of a Python file that holds a `{noun}`"
        raise error(f"no {noun} file at {path}{_instead(path)}: {way_out}")
    held = vars(_executed(path.resolve(), error))
    found = {name: value for name, value in held.items() if isinstance(value, kind)}
    if not found:
        named = f" named '{wanted}', nor any other" if wanted else ""
        named += _other_kind(held, wanted or noun)
        way_out = f"end it with `{wanted or noun} = {kind.__name__}(...)`"
        raise error(f"{path} holds no levinthal.{kind.__name__}{named}: {way_out}")
    if not wanted and len(found) == 1:
        return next(iter(found.values()))
    try:
        return found[require_one_of(f"{noun} in {path}", wanted or noun, found)]
    except InputError as unknown:
        raise error(str(unknown)) from None


def user_path(name: str, error: type[LevinthalError]) -> Path:
    """The path of a file that a user names, `~` and `~name` replaced.

    Args:
        name: the path as it was given.
        error: the class of the error.

    Returns:
        The path; whether there is a file is not looked at.

    Raises:
        LevinthalError: as `error`: there is no user of that name.

    >>> user_path("train.py", InputError).name
    'train.py'
    """
    if not name.startswith("~"):  # not `./~name`, which a Path cannot tell
        return Path(name)
    try:
        return Path(name).expanduser()
    except RuntimeError:
        way_out = f"for a file of that name write ./{name}"
        raise error(f"{name} begins with ~ and the name of a user that is not known: {way_out}") from None


def _instead(path: Path) -> str:
    """What stands at a path that is no file."""
    return " (a folder)" if path.is_dir() else " (no ordinary file)" if path.exists() else ""


def _other_kind(held: dict[str, object], name: str) -> str:
    """What the name stands for in the file."""
    if name not in held:
        return ""
    value = held[name]
    kind = f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"
    return f" ('{name}' is {kind})"


def _executed(path: Path, error: type[LevinthalError]) -> ModuleType:
    """Run a user's file as the module of its own name, so that worker processes can import it too."""
    name = path.stem.replace(".", "_")  # a dot would make it a module of a package
    before = sys.modules.get(name) or _spec(name)
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
    sys.modules[name], words = module, sys.argv
    try:
        sys.argv = [str(path)]  # the arguments are those of our command, not of the file
        spec.loader.exec_module(module)
    except BaseException as bug:  # also SystemExit, which would end our command with the file's own code
        del sys.modules[name]
        if is_ctrl_c(bug):
            raise
        raise bug_in_a_line(str(path), bug, error) from bug
    finally:
        sys.argv = words
    return module


def _spec(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):  # no name that can be imported
        return None


def bug_in_a_line(source: str, bug: BaseException, error: type[LevinthalError]) -> LevinthalError:
    """File, line and message of what went wrong, the deepest frame of the user's own file first."""
    if isinstance(bug, SyntaxError) and bug.filename:
        line = bug.lineno or 1
        return error(f"{shortened(bug.filename)}:{line}: {type(bug).__name__}: {one_line(bug.msg)}")
    frames = [f for f in traceback.extract_tb(bug.__traceback__) if not f.filename.startswith("<frozen")]
    own = [f for f in frames if _is_of(source, f.filename)]
    if not own and Path(source).is_file():  # not one line of it was run
        return error(f"{shortened(source)}: {said_by(bug)}")
    last = (own or frames)[-1:]
    place = f"{shortened(last[0].filename)}:{last[0].lineno}" if last else source
    wanted = _arguments_wanted(bug)
    if wanted:
        way_out = "give each a default, or read them below `if __name__ == '__main__'`"
        return error(f"{place}: {Path(source).name} reads arguments ({wanted}): {way_out}")
    is_relative = isinstance(bug, ImportError) and "attempted relative import" in str(bug)
    way_out = ": the file is read on its own, so import its neighbours by their names" if is_relative else ""
    return error(f"{place}: {said_by(bug)}{way_out}")


def _arguments_wanted(bug: BaseException) -> str:
    """What argparse said before it ended the program; "" for another bug."""
    if isinstance(bug, SystemExit):
        for frame, _ in traceback.walk_tb(bug.__traceback__):
            if frame.f_code.co_filename == argparse.__file__ and frame.f_code.co_name == "error":
                return one_line(str(frame.f_locals.get("message", "")))
    return ""


def _is_of(source: str, filename: str) -> bool:
    """Whether a frame's file is the module (dotted name) or the path that was asked for."""
    place = Path(filename)
    dotted = place.parent if place.name == "__init__.py" else place.with_suffix("")
    return filename == source or dotted.as_posix().endswith(source.replace(".", "/"))


def shortened(filename: str) -> str:
    """The path as seen from here, where that is shorter."""
    path = Path(filename)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else filename
