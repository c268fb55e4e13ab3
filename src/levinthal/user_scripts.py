"""Run a user's script as `python script.py` does: as `__main__`, with its arguments, beside its modules."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

from levinthal.errors import InputError, LevinthalError
from levinthal.shown import plain
from levinthal.user_files import bug_in_a_line

INTERRUPTED = 130
NO_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What the parser raises; the last two for brackets that are nested too deep."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a script ended.

    Attributes:
        code: The exit code that `python script.py` would end with; 130 after Ctrl-C.
        error: The exception that ended it; None at the end of the file.
        words: How it ended, as a clause; empty at the end of the file or with the code 0.
    """

    code: int
    error: BaseException | None = None
    words: str = ""


class ChildEnded(SystemExit):
    """A process that the script forked has ended: it leaves with the code of the script."""


def holds_problem(path: Path) -> bool:
    """Whether a file makes a `Problem`, as far as its text shows; it is not run.

    Args:
        path: A Python file.

    Returns:
        True where `Problem(...)` or `<module>.Problem(...)` is called in it.

    Raises:
        InputError: The file is missing or is no Python.
    """
    calls = [node.func for node in ast.walk(ast.parse(_source(path))) if isinstance(node, ast.Call)]
    names = [call.id if isinstance(call, ast.Name) else getattr(call, "attr", "") for call in calls]
    return "Problem" in names


def run_as_main(path: Path, arguments: Sequence[str]) -> Ending:
    """Run a script as `__main__`, and come back however it ends.

    An exception is printed as Python prints it. `sys.argv`, `sys.path[0]`, `sys.modules["__main__"]` and the
    working directory are as before afterwards.

    Args:
        path: The script.
        arguments: Its arguments, `sys.argv[1:]`.

    Returns:
        How it ended.

    Raises:
        InputError: The file is missing or is no Python.
    """
    code = _compiled(path)
    main = ModuleType("__main__")
    main.__dict__.update(__file__=str(path.resolve()), __builtins__=sys.modules["builtins"])
    with _as_main(main, [str(path), *arguments]):
        return _executed(code, main)


def _executed(code: CodeType, main: ModuleType) -> Ending:
    try:
        exec(code, main.__dict__)
    except SystemExit as left:
        return _left(left)
    except KeyboardInterrupt as error:
        return Ending(INTERRUPTED, error, "was interrupted")
    except BaseException as error:
        error.__traceback__ = error.__traceback__.tb_next if error.__traceback__ else None  # not our frame
        sys.excepthook(type(error), error, error.__traceback__)
        return Ending(1, error, f"ended with {type(error).__name__}")
    return Ending(0)


def _left(left: SystemExit) -> Ending:
    """The exit code of `sys.exit(...)`: a number, none, or a text that is printed."""
    code = left.code
    if code is not None and not isinstance(code, int):
        print(plain(str(code)), file=sys.stderr)
        code = 1
    return Ending(code or 0, left, f"ended with the exit code {code}" if code else "")


@contextmanager
def _as_main(main: ModuleType, argv: list[str]) -> Iterator[None]:
    """The module is `__main__`, with these arguments and with its folder first on the path."""
    before, words, path, folder = sys.modules["__main__"], sys.argv, list(sys.path), Path.cwd()
    sys.modules["__main__"], sys.argv = main, argv
    if not sys.flags.safe_path:
        sys.path[:1] = [str(Path(main.__dict__["__file__"]).parent)]
    try:
        yield
    finally:
        sys.modules["__main__"], sys.argv, sys.path[:] = before, words, path
        os.chdir(folder)


@contextmanager
def stdout_on_stderr() -> Iterator[None]:
    """What is printed inside goes to stderr, also what child processes and libraries in C print."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 1)
        os.close(kept)


def _compiled(path: Path) -> CodeType:
    try:
        return compile(_source(path), str(path), "exec", dont_inherit=True)
    except NO_PYTHON as error:
        raise _no_python(path, error) from error


def _source(path: Path) -> bytes:
    """The text of a file, which has to be Python."""
    if path.exists() and not path.is_file():  # to read a pipe would wait for ever
        raise InputError(f"no script at {path} (no ordinary file): give the path of a Python file")
    try:
        source = path.read_bytes()
        ast.parse(source, str(path))
    except OSError as error:
        raise InputError(f"no script at {path} ({error.strerror}): give the path of a Python file") from error
    except NO_PYTHON as error:
        raise _no_python(path, error) from error
    return source


def _no_python(path: Path, error: Exception) -> LevinthalError:
    """A file that cannot be compiled, with its line where that is known."""
    if isinstance(error, SyntaxError) and error.filename:
        return bug_in_a_line(str(path), error, InputError)
    return InputError(f"{path} is no Python file ({error}): give the path of one")
