"""`levinthal check FILE:problem`: why does it not train, and with `--treat` which remedy helps.

A script without a Problem is run under observation (`cli/script.py`), and `--against` compares two runs
(`cli/against.py`).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from levinthal.cli import against as comparison
from levinthal.cli import script as scripts
from levinthal.cli.own_process import streams_restored
from levinthal.cli.terminal import Advance, notice, progress, stdout
from levinthal.cli.whole_numbers import MOST_STEPS, bounded, whole_number
from levinthal.cli.whole_numbers import seconds as seconds_option
from levinthal.cli.written_files import file_option
from levinthal.errors import InputError
from levinthal.user_scripts import ChildEnded, stdout_on_stderr
from levinthal.written_files import require_apart, writable
from levinthal.written_files.kinds import JOURNAL, PAGE

if TYPE_CHECKING:
    from levinthal.clinic import Examination, Treatment
    from levinthal.clinic.changes.record import Record
    from levinthal.vocabulary import Problem

Name = Annotated[
    str,
    Parameter(
        help="A Python file, and the name of the `levinthal.Problem` in it: `train.py:problem`. Or a script "
        "without one, `train.py`, which is run as it is and observed."
    ),
]
Arguments = Annotated[str, Parameter(help="The arguments of the script, after `--`.")]
SECONDS, EVERY = 300.0, 10
FEWEST_SEEDS, MOST_SEEDS = 3, 1000


def check(
    name: Name,
    /,
    *arguments: Arguments,
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
    seconds: Annotated[
        float,
        Parameter(help="Seconds after which no new training begins.", converter=seconds_option),
    ] = SECONDS,
    keep: Annotated[
        Path | None,
        Parameter(
            help="A file that stores the finished trainings. The same call continues from it.",
            converter=file_option,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        Parameter(help="The HTML file to write, with findings and figures.", converter=file_option),
    ] = None,
    json: Annotated[bool, Parameter(help="Print the findings as JSON, not as text.")] = False,
    sarif: Annotated[bool, Parameter(help="Print the findings as SARIF 2.1.0, not as text.")] = False,
    against: Annotated[
        str | None,
        Parameter(
            help="A Problem, or a report saved from `--json`: print what changed from it to `NAME`, which "
            "may be a report too."
        ),
    ] = None,
    script: Annotated[
        bool, Parameter(help="Run the file as a script, although it makes a Problem.", negative="")
    ] = False,
    every: Annotated[
        int, Parameter(help="Of a script: one step in so many is sampled.", converter=whole_number)
    ] = EVERY,
) -> int:
    """Find out why a network does not train: check it before training, then watch one training.

    The exit code is 0 where no cause was found and the run did as well as it should; 1 where a cause was
    found; 3 where no cause was found, but the run did badly or is unfinished; 4 where not enough was seen; 2
    for an error in the command. With `--against` it is 0 where the run is no worse than the other one. A
    script that ends with another code than 0 keeps it.
    """
    if json and sarif:
        raise InputError("--json and --sarif both print to stdout: give one of them")
    _require_numbers(steps, every, seeds if treat else None)
    if keep and not treat:
        raise InputError(f"--keep {keep} stores the trainings of --treat: add --treat")
    if against is not None:
        _require_alone("--against compares two single runs", treat=treat, sarif=sarif, output=output)
    apart = stdout_on_stderr if json or sarif else streams_restored
    with apart():
        before = None if against is None else _before(against, steps)
    if comparison.is_report(name):
        if before is None:
            raise InputError(f"{name} is a report: compare it with --against, or name a file and its Problem")
        return comparison.compared(comparison.saved(name), before, as_json=json)
    page = writable(output, PAGE) if output else None
    if keep:
        require_apart({"--output": page, "--keep": writable(keep, JOURNAL)})
    if script or scripts.is_script(name):
        _require_alone(f"{name} is run as a script", treat=treat, steps=steps)
        return _observed(name, arguments, every, page, before, json=json, sarif=sarif)
    if arguments:
        raise InputError(f"'{arguments[0]}' is an argument of a script, and {name} names a Problem: --script")
    process = os.getpid()
    try:
        with apart():
            problem = _problem(name, steps)
        with apart(), progress(name.rpartition("/")[2]) as advance:
            count = Counter(advance, problem.steps)
            found = _treated(problem, seeds, seconds, keep, count) if treat else _examined(problem, count)
        if os.getpid() != process:  # of a fork in the user's code, the parent alone goes on
            raise ChildEnded(0)
    except KeyboardInterrupt:
        left = f"the same command continues from {keep}" if keep else "nothing is stored (--keep FILE would)"
        notice(f"interrupted before there was a result; {left}")
        return 130
    if before is not None:
        return comparison.compared(comparison.record(_data(found), name), before, as_json=json)
    if json or sarif:
        _print_data(found, name, sarif=sarif)
    else:
        stdout().print(str(found), soft_wrap=True)
    if page:
        _write_page(found, name, page, announce=not (json or sarif))
    return found.answer.exit_code


def _problem(name: str, steps: int | None) -> Problem:
    from levinthal.clinic.problem.validity import require_valid
    from levinthal.user_files import is_reference, value_in
    from levinthal.vocabulary import Problem

    if not is_reference(name):
        raise InputError(f"'{name}' is not a Python file: name a file and its Problem, train.py:problem")
    problem = value_in(name, Problem, "problem", InputError)
    require_valid(problem)
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


def _data(found: Examination | Treatment) -> dict[str, Any]:
    from levinthal.clinic.export import to_json

    seen = _examination(found)
    return to_json(
        found.findings,
        answer=found.answer,
        checkup=seen.checkup,
        history=seen.watch.history,
        names=seen.watch.setup.names,
        score=(seen.score_name, seen.score),
    )


def _print_data(found: Examination | Treatment, name: str, *, sarif: bool) -> None:
    from levinthal.clinic.export import to_sarif

    file = name.partition(".py")[0] + ".py"
    data = to_sarif(found.findings, artifact=file, answer=found.answer) if sarif else _data(found)
    print(json.dumps(data, indent=2, allow_nan=False))


def _require_alone(why: str, **options: object) -> None:
    """Refuse options that do not go with what is asked for."""
    for name, value in options.items():
        if value not in (None, False):
            raise InputError(f"{why}: leave out --{name}")


def _require_numbers(steps: int | None, every: int, seeds: int | None) -> None:
    """Refuse numbers that no training can have."""
    if steps is not None:
        bounded("--steps", steps, 1, MOST_STEPS)
    if seeds is not None:
        bounded("--seeds", seeds, FEWEST_SEEDS, MOST_SEEDS, "fewer give no interval for a gain")
    bounded("--every", every, 1, MOST_STEPS, "one step in so many is sampled")


def _before(against: str, steps: int | None) -> Record:
    """The earlier run of a comparison: read from a report, or trained now."""
    if comparison.is_report(against):
        return comparison.saved(against)
    if scripts.is_script(against):
        raise InputError(f"{against} is a script: save its report with --json, and name that: --against FILE")
    problem = _problem(against, steps)
    with progress(against.rpartition("/")[2]) as advance:
        return comparison.record(_data(_examined(problem, Counter(advance, problem.steps))), against)


def _observed(
    name: str,
    arguments: tuple[str, ...],
    every: int,
    page: Path | None,
    before: Record | None,
    *,
    json: bool,
    sarif: bool,
) -> int:
    """Run a script under observation, and report or compare what it trained."""
    run = scripts.observed(name, arguments, every=every, page=page, apart=json or sarif)
    if before is None:
        return scripts.reported(run, as_json=json, as_sarif=sarif)
    return comparison.compared(comparison.record(run.to_json(), name), before, as_json=json)


def _write_page(found: Examination | Treatment, name: str, page: Path, *, announce: bool) -> None:
    found.report(page, title=name)
    if announce:
        stdout().print(f"Page: {page}", soft_wrap=True)


class Counter:
    """Shows the progress of the current training."""

    def __init__(self, advance: Advance, steps: int) -> None:
        self.advance, self.steps, self.note, self.done = advance, max(steps, 1), "", 0
        self.shown, self.stderr = 0.0, sys.stderr

    def __call__(self, note: str = "training") -> None:
        """One more step of that training is done; without a terminal, one line for each remedy."""
        remedy, before = note.partition(", seed")[0], self.note.partition(", seed")[0]
        self.done, self.note = (self.done + 1 if note == self.note else 1), note
        if not self.stderr.isatty():
            if remedy != before:
                with suppress(OSError):
                    print(f"{remedy}: {self.steps} steps", file=self.stderr, flush=True)
        elif time.monotonic() - self.shown > 0.1 or self.done == self.steps:
            self.shown = time.monotonic()
            self.advance(min(self.done, self.steps), self.steps, note)
