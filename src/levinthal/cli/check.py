"""`levinthal check FILE:problem`: why does it not train, and with `--treat` which remedy helps."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from levinthal.cli.terminal import Advance, progress, stdout
from levinthal.cli.whole_numbers import whole_number
from levinthal.cli.written_files import writable
from levinthal.errors import InputError

if TYPE_CHECKING:
    from levinthal.clinic import Examination, Treatment
    from levinthal.vocabulary import Problem

ProblemName = Annotated[
    str, Parameter(help="A Python file, and the name of the `levinthal.Problem` in it: `train.py:problem`.")
]
SECONDS = 300.0


def check(
    name: ProblemName,
    /,
    *,
    treat: Annotated[
        bool, Parameter(help="Train with and without each remedy, and report which help.")
    ] = False,
    steps: Annotated[
        int | None,
        Parameter(
            help="Number of steps of each training. Without it: the problem's own number.",
            converter=whole_number,
        ),
    ] = None,
    seeds: Annotated[
        int,
        Parameter(
            help="Number of seeds for each remedy; all remedies have the same seeds.", converter=whole_number
        ),
    ] = 5,
    seconds: Annotated[float, Parameter(help="Seconds after which no new training begins.")] = SECONDS,
    keep: Annotated[
        Path | None,
        Parameter(help="A file that stores the finished trainings. The same call continues from it."),
    ] = None,
    output: Annotated[
        Path | None, Parameter(help="The HTML file to write, with findings and figures.")
    ] = None,
    json: Annotated[bool, Parameter(help="Print the findings as JSON, not as text.")] = False,
    sarif: Annotated[bool, Parameter(help="Print the findings as SARIF 2.1.0, not as text.")] = False,
) -> int:
    """Find out why a network does not train: check it before training, then watch one training.

    The exit code is 0 where no cause was found and the run did as well as it should; 1 where a cause was
    found; 3 where no cause was found, but the run did badly or is unfinished; 4 where not enough was seen; 2
    for an error in the command.
    """
    if json and sarif:
        raise InputError("--json and --sarif both print to stdout: give one of them")
    if keep and not treat:
        raise InputError(f"--keep {keep} stores the trainings of --treat: add --treat")
    page = writable(output) if output else None
    problem = _problem(name, steps)
    try:
        with progress(name.rpartition("/")[2]) as advance:
            count = Counter(advance, problem.steps)
            found = _treated(problem, seeds, seconds, keep, count) if treat else _examined(problem, count)
    except KeyboardInterrupt:
        left = f"the same command continues from {keep}" if keep else "nothing is stored (--keep FILE would)"
        print(f"levinthal: interrupted before there was a result; {left}", file=sys.stderr)
        return 130
    if json or sarif:
        _print_data(found, name, sarif=sarif)
    else:
        stdout().print(str(found), soft_wrap=True, markup=False)
    if page:
        _write_page(found, name, page, announce=not (json or sarif))
    return found.answer.exit_code


def _problem(name: str, steps: int | None) -> Problem:
    from levinthal.user_files import is_reference, value_in
    from levinthal.vocabulary import Problem

    if not is_reference(name):
        raise InputError(f"'{name}' is not a Python file: name a file and its Problem, train.py:problem")
    problem = value_in(name, Problem, "problem", InputError)
    return problem if steps is None else replace(problem, steps=steps)


def _examined(problem: Problem, count: Callable[[], None]) -> Examination:
    from levinthal.clinic import examine

    return examine(problem, on_step=count)


def _treated(
    problem: Problem, seeds: int, seconds: float, keep: Path | None, count: Callable[[str], None]
) -> Treatment:
    from levinthal.clinic import treat

    return treat(problem, seeds=seeds, seconds=seconds, keep=keep, on_step=count)


def _examination(found: Examination | Treatment) -> Examination:
    from levinthal.clinic import Treatment

    return found.examination if isinstance(found, Treatment) else found


def _print_data(found: Examination | Treatment, name: str, *, sarif: bool) -> None:
    from levinthal.clinic.export import to_json, to_sarif

    seen = _examination(found)
    data: dict[str, Any] = (
        to_sarif(found.findings, artifact=name.partition(".py")[0] + ".py", answer=found.answer)
        if sarif
        else to_json(
            found.findings,
            answer=found.answer,
            checkup=seen.checkup,
            history=seen.watch.history,
            names=seen.watch.setup.names,
        )
    )
    print(json.dumps(data, indent=2, allow_nan=False))


def _write_page(found: Examination | Treatment, name: str, page: Path, *, announce: bool) -> None:
    found.report(page, title=name)
    if announce:
        stdout().print(f"Page: {page}", soft_wrap=True, markup=False)


class Counter:
    """Shows the progress of the current training."""

    def __init__(self, advance: Advance, steps: int) -> None:
        self.advance, self.steps, self.note, self.done = advance, max(steps, 1), "", 0
        self.shown = 0.0

    def __call__(self, note: str = "training") -> None:
        """One more step of that training is done; without a terminal, one line for each remedy."""
        remedy, before = note.partition(", seed")[0], self.note.partition(", seed")[0]
        self.done, self.note = (self.done + 1 if note == self.note else 1), note
        if not sys.stderr.isatty():
            if remedy != before:
                print(f"{remedy}: {self.steps} steps", file=sys.stderr, flush=True)
        elif time.monotonic() - self.shown > 0.1 or self.done == self.steps:
            self.shown = time.monotonic()
            self.advance(min(self.done, self.steps), self.steps, note)
