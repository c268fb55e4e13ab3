"""The command line: `levinthal check`, `levinthal bound`, and the commands of `study`, `data` and `store`.

Heavy modules are imported inside the commands, so that `levinthal --help` answers at once.
Exit codes: 0 done; 1 findings, some task failed, or a bug of ours; 2 misuse, in one line; 130 Ctrl-C;
141 nobody reads what is printed.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from cyclopts import App, CycloptsError

from levinthal.cli import versions
from levinthal.cli.bound import bound
from levinthal.cli.check import check
from levinthal.cli.data import get_data, list_data
from levinthal.cli.new_study import new
from levinthal.cli.own_process import keep_hold, leave_threads
from levinthal.cli.register import register
from levinthal.cli.running import report, run
from levinthal.cli.store import check as check_store
from levinthal.cli.store import export, merge
from levinthal.cli.study import list_studies, show
from levinthal.cli.terminal import notice, stdout
from levinthal.errors import InputError, LevinthalError, said_by
from levinthal.interrupts import is_ctrl_c
from levinthal.shown import one_line, show_warnings_in_one_line
from levinthal.user_scripts import ChildEnded

__all__ = ["app", "main"]

app = App(
    name="levinthal",
    help="Why a neural network can be trained: every claim measured, every number with its trust.",
    help_epilogue="Start here: `levinthal study run first-last-information`",
    help_format="markdown",
    version=lambda: version("levinthal"),
    suppress_keyboard_interrupt=False,
)
app.command(check)
app.command(bound)

study_app = App(name="study", help="Run published claims as studies, and judge them.", help_epilogue="")
study_app.command(list_studies, name="list")
study_app.command(show)
study_app.command(new)
study_app.command(register)
study_app.command(run)
study_app.command(report)
app.command(study_app)

data_app = App(name="data", help="List the data sets, and download one.", help_epilogue="")
data_app.command(list_data, name="list")
data_app.command(get_data, name="get")
app.command(data_app)

store_app = App(name="store", help="Check, export and merge the files of finished runs.", help_epilogue="")
store_app.command(check_store, name="check")
store_app.command(export)
store_app.command(merge)
app.command(store_app)


UNREAD = 141
"""The exit code where nobody reads what is printed, as of other programs in a pipe (128 + SIGPIPE)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. Every error is one line on stderr.

    Args:
        argv: the arguments without the program's name; those of the process where not given.

    Returns:
        The exit code: 0, or 1 (failed tasks, findings), 2 (misuse), 130 (interrupted).
    """
    if argv is None:
        keep_hold()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    show_warnings_in_one_line()
    tokens = list(sys.argv[1:] if argv is None else argv)
    code = _guarded(lambda: _called(tokens))
    if argv is None:
        leave_threads(code)
    return code


def _called(tokens: list[str]) -> int:
    _require_folder()
    if versions.is_asked_for(tokens):
        print(versions.report())
        return 0
    code = app(tokens, exit_on_error=False, print_error=False, result_action="return_value", console=stdout())
    sys.stdout.flush()
    return code if isinstance(code, int) else 0


def _require_folder() -> None:
    """Refuse to work in a folder that was deleted."""
    try:
        os.getcwd()
    except FileNotFoundError as error:
        raise InputError("the current folder was deleted: change into another one (cd)") from error


def _guarded(command: Callable[[], int]) -> int:
    """The exit code of a command, with every exception turned into its line and its code."""
    try:
        return command()
    except (LevinthalError, CycloptsError) as error:
        return _complain(_one_line(error), 2)
    except KeyboardInterrupt as error:
        if not is_ctrl_c(error):
            return _left_from_within(error)
        return _complain("interrupted: finished runs are stored, and the same command continues", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except OSError as error:
        return _complain(_of_system(error), 2)
    except ChildEnded:
        raise
    except Exception as error:
        return _complain(
            f"unexpected {type(error).__name__}: {_one_line(error)}{_place(error)}{_stored_traceback()}", 1
        )
    except BaseException as error:  # SystemExit of a user's code must not give our command its exit code
        return _left_from_within(error)


def _left_from_within(error: BaseException) -> int:
    return _complain(f"the command was ended from within{_place(error)}: {said_by(error)}", 2)


def _of_system(error: OSError) -> str:
    """What the system refused, of which file, and the way out where one is known."""
    said = error.strerror or str(error)
    if error.filename:
        return f"{said}: {error.filename}"
    ways = {
        errno.ENOSPC: "what is printed or stored found no room: free some, and run the same command again",
        errno.EDQUOT: "what is printed or stored found no room: free some, and run the same command again",
        errno.EBADF: "a file or a stream was closed: leave the streams of the command open",
        errno.EMFILE: "too many files are open: raise the limit (ulimit -n)",
    }
    return ": ".join(filter(None, (said, ways.get(error.errno or 0, ""))))


def _one_line(error: Exception) -> str:
    return one_line(str(error)) or type(error).__name__


def _place(error: BaseException) -> str:
    """The file and line that raised the error."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""


def _stored_traceback() -> str:
    """Write the traceback to a file that can be sent, and name the file."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="levinthal-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(traceback.format_exc())
    except OSError:
        return ""
    return f" (a bug of ours; its traceback is in {file.name})"


def _complain(line: str, code: int) -> int:
    notice(line)
    return code
