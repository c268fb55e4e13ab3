"""`levinthal check train.py`: run a script as it is, observe what it trains, and report at its end."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from levinthal.after_import import after_import
from levinthal.cli.terminal import notice, stdout
from levinthal.errors import InputError, said_by
from levinthal.user_files import user_path
from levinthal.user_scripts import ChildEnded, Ending, holds_problem, run_as_main, stdout_on_stderr

if TYPE_CHECKING:
    from levinthal.clinic.observing.observer import Observer
    from levinthal.clinic.observing.training import Observed

WORST_FIRST = (1, 3, 4, 0)
"""Exit codes of answers: a cause, no cause although the run did badly, not judged, healthy."""


@dataclass(slots=True)
class ScriptRun:
    """A script that was run, and what was observed of it.

    Attributes:
        path: The script.
        arguments: Its arguments.
        ending: How it ended.
        trainings: What it trained, in the order in which the trainings ended.
        observer: What observed it; None where it never imported torch.
        trouble: Why it could not be observed at all; the script is run nevertheless.
    """

    path: Path
    arguments: tuple[str, ...]
    ending: Ending = field(default_factory=lambda: Ending(0))
    trainings: list[Observed] = field(default_factory=list)
    observer: Observer | None = None
    trouble: str = ""

    @property
    def exit_code(self) -> int:
        """That of the script where it is not 0, else that of the worst answer."""
        codes = {training.answer.exit_code for training in self.trainings}
        return self.ending.code or next(code for code in WORST_FIRST if code in codes)

    @property
    def notes(self) -> list[str]:
        """What else there is to say, a line each."""
        ended = f"{self.path} {self.ending.words}" if self.ending.words else ""
        if self.observer is None:
            return [ended] if ended else []
        seen = self.observer
        missed = f"{seen.missed} more trainings were not observed: {len(self.trainings)} are the most"
        unowned = f"{seen.unowned} optimisers were not observed: their tensors belong to no module"
        trouble = f"the observation ended early: {seen.trouble}"
        known = ((ended, ended), (seen.missed, missed), (seen.unowned, unowned), (seen.trouble, trouble))
        return [line for is_so, line in known if is_so]

    def to_json(self) -> dict[str, Any]:
        """The report of the one training with the script beside it; of several, a list of them."""
        arguments, ended = list(self.arguments), self.ending.words
        script = {"file": str(self.path), "arguments": arguments, "ended": ended, "code": self.ending.code}
        each = [{"name": t.name, "trained_steps": t.steps, **t.data} for t in self.trainings]
        if len(each) == 1:
            return each[0] | {"script": script}
        return {"schema": "levinthal.trainings/1", "script": script, "trainings": each}

    def to_sarif(self) -> dict[str, Any]:
        """The findings of all trainings as one run of a SARIF log."""
        from levinthal.clinic.export import to_sarif

        found = [finding for training in self.trainings for finding in training.findings]
        answer = self.trainings[0].answer if len(self.trainings) == 1 else None
        return to_sarif(found, artifact=self.path, answer=answer)


def is_script(name: str) -> bool:
    """Whether a name is that of a Python file which makes no Problem.

    >>> is_script("train.py:problem")
    False
    """
    return name.endswith(".py") and not holds_problem(user_path(name, InputError))


def observed(name: str, arguments: Sequence[str], *, every: int, page: Path | None, apart: bool) -> ScriptRun:
    """Run a script, and observe it.

    Args:
        name: The path of the script.
        arguments: Its arguments.
        every: One step in so many is sampled.
        page: The page to write.
        apart: Whether what it prints goes to stderr.

    Returns:
        What was observed: one training, or several.

    Raises:
        InputError: The file is no script, or nothing was trained.
    """
    path = user_path(name, InputError)
    run, process = ScriptRun(path, tuple(arguments)), os.getpid()

    def begin() -> None:  # within the `import torch` of the script, which must not fail for our sake
        try:
            from levinthal.clinic.observing.observer import Observer

            run.observer = Observer(every)
            run.observer.begin()
        except Exception as error:
            run.trouble = said_by(error)

    with ExitStack() as around:
        if apart:
            around.enter_context(stdout_on_stderr())
        around.enter_context(after_import("torch", begin))
        run.ending = run_as_main(path, arguments)
    if os.getpid() != process:  # a child that the script forked: it ends here as the script does
        raise ChildEnded(run.ending.code)
    if run.observer is not None:
        run.trainings = run.observer.end(run.ending.error, page)
    if not run.trainings:
        raise InputError(_nothing(run))
    return run


def reported(run: ScriptRun, *, as_json: bool, as_sarif: bool) -> int:
    """Print what was observed, and return the exit code."""
    for line in run.notes:
        notice(line)
    if as_json or as_sarif:
        print(json.dumps(run.to_sarif() if as_sarif else run.to_json(), indent=2, allow_nan=False))
        return run.exit_code
    for training in run.trainings:
        stdout().print(str(training), "", sep="\n", soft_wrap=True)
    pages = [training.page for training in run.trainings if training.page]
    for page in pages:
        stdout().print(f"Page: {page}", soft_wrap=True)
    return run.exit_code


def _nothing(run: ScriptRun) -> str:
    """Why there is nothing to report."""
    seen, ended = run.observer, f"{run.path} {run.ending.words}, and " if run.ending.words else ""
    way_out = "Processes that it starts are not observed"
    if run.trouble:
        why, way_out = f"the observation failed ({run.trouble})", "please report it"
    elif seen is None:
        why, way_out = "torch was not imported", "name a script that trains, or a Problem (train.py:problem)"
    elif seen.trouble:
        why, way_out = f"the observation ended early ({seen.trouble})", "please report it"
    elif seen.unowned:
        why, way_out = (
            "the tensors that were optimised belong to no module",
            "put them into a torch.nn.Module",
        )
    else:
        why = f"of {seen.built} optimisers none stepped" if seen.built else "no optimiser was made"
    return f"{ended or f'{run.path} '}trained nothing that can be observed: {why}. {way_out}"
