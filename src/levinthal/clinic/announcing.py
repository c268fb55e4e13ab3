"""Call a user's function with each finding while the training goes on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import torch

from levinthal.arguments import in_short
from levinthal.clinic.recording.apart import apart
from levinthal.errors import InputError, said_by
from levinthal.interrupts import is_ctrl_c
from levinthal.probes.untouched import random_states_restored
from levinthal.vocabulary import Finding, Severity

OnFinding = Callable[[Finding], Any]
PASS_PRINT = "pass a function of one Finding, such as print"
JUDGED_AT_END = frozenset({"LABELS_UNRELATED", "LR_TOO_LOW", "UNDERFIT"})
"""Codes that say that the loss has not come far enough, which the rest of a training can refute."""
SEVERITIES = tuple(Severity)


Place = tuple[str, str]
"""A code and its layer: what is one finding, whatever its severity and its numbers."""


class Announcer:
    """Calls a function once with each finding, and again where the finding becomes more severe.

    While the training goes on, these are announced: critical findings at once, and warnings that two
    successive readings of the rules report; neither, if they judge how far the training came. At its end the
    rest is announced. The random states are restored after each call. An exception of the function is
    reported once, as a warning, and does not reach the training.

    Args:
        function: The user's function of one finding.
        findings: Computes the findings so far.

    Raises:
        InputError: `function` is no function.
    """

    def __init__(self, function: OnFinding, findings: Callable[[], Iterable[Finding]]) -> None:
        if not callable(function):
            raise InputError(
                f"on_finding is {in_short(function)}: pass a function of one Finding, such as print"
            )
        self._function, self._findings = function, findings
        self._announced, self._before = dict[Place, int](), set[Place]()
        self._has_failed = False

    def during(self) -> None:
        """The training goes on: announce the findings that the rest of it is not expected to refute."""
        with random_states_restored():
            found = [f for f in self._read() if _is_early(f)]
            before, self._before = self._before, set(map(_place, found))
            self._announce(f for f in found if f.severity is Severity.CRITICAL or _place(f) in before)

    def at_end(self) -> None:
        """The training is over: announce what was not announced."""
        with random_states_restored():
            self._announce(self._read())

    def _read(self) -> list[Finding]:
        """The findings so far, computed outside of the user's modes; none where this fails."""
        found = list[Finding]()
        with suppress(Exception):  # rules that fail are listed by `Watch.failed_rules`
            apart(lambda: found.extend(self._findings()))
        return found

    def _announce(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            place, rank = _place(finding), SEVERITIES.index(finding.severity)
            if rank < self._announced.get(place, len(SEVERITIES)):
                self._announced[place] = rank
                self._call(finding)

    def _call(self, finding: Finding) -> None:
        grad = torch.is_grad_enabled()
        try:
            self._function(finding)
        except BaseException as error:  # it cannot end the training
            if is_ctrl_c(error):
                raise
            is_first, self._has_failed = not self._has_failed, True
            if is_first:
                warn(f"on_finding raised {said_by(error)}; the training goes on")
        finally:
            torch.set_grad_enabled(grad)


def warn(line: str) -> None:
    """Warn of something that is not the training's; also where warnings are errors, which would end it."""
    with suppress(Warning):
        warnings.warn(line, stacklevel=2)


def _place(finding: Finding) -> Place:
    return finding.code, finding.where


def _is_early(finding: Finding) -> bool:
    """Whether a finding may be announced before the end of a training."""
    return finding.severity is not Severity.INFO and not {finding.code, finding.follows} & JUDGED_AT_END
