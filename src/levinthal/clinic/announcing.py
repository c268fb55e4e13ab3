"""Call a user's function with each finding while the training goes on."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from levinthal.clinic.recording.apart import apart
from levinthal.errors import InputError
from levinthal.probes.untouched import random_states_restored
from levinthal.vocabulary import Finding, Severity

OnFinding = Callable[[Finding], Any]
JUDGED_AT_END = frozenset({"LABELS_UNRELATED", "LR_TOO_LOW", "UNDERFIT"})
"""Codes that say that the loss has not come far enough, which the rest of a training can refute."""
SEVERITIES = tuple(Severity)


class Announcer:
    """Calls a function once with each finding, and again where the finding becomes more severe.

    While the training goes on, warnings and critical findings are announced, without those that judge how
    far the training came; at its end, all that are left. The random states are restored after each call. An
    exception of the function is told once, as a warning, and does not reach the training.

    Args:
        function: The user's function of one finding.
        findings: Computes the findings so far.

    Raises:
        InputError: `function` is no function.
    """

    def __init__(self, function: OnFinding, findings: Callable[[], Iterable[Finding]]) -> None:
        if not callable(function):
            raise InputError(f"on_finding is {function!r}: pass a function of one Finding, such as print")
        self._function, self._findings = function, findings
        self._announced = dict[tuple[str, str], int]()
        self._has_failed = False

    def during(self) -> None:
        """The training goes on: announce the findings that the rest of it is not expected to refute."""
        self._announce(
            lambda f: f.severity is not Severity.INFO and not {f.code, f.follows} & JUDGED_AT_END
        )

    def at_end(self) -> None:
        """The training is over: announce what was not announced."""
        self._announce(lambda _: True)

    def _announce(self, is_certain: Callable[[Finding], bool]) -> None:
        found = list[Finding]()
        with random_states_restored():
            with suppress(Exception):  # a failure of the rules is told by `Watch.failed_rules`
                apart(lambda: found.extend(filter(is_certain, self._findings())))
            for finding in filter(self._is_new, found):
                self._call(finding)

    def _is_new(self, finding: Finding) -> bool:
        """Whether it was not announced at this severity or a worse one; from now on it counts as announced."""
        key, rank = (finding.code, finding.where), SEVERITIES.index(finding.severity)
        is_new = rank < self._announced.get(key, len(SEVERITIES))
        if is_new:
            self._announced[key] = rank
        return is_new

    def _call(self, finding: Finding) -> None:
        try:
            self._function(finding)
        except Exception as error:
            is_first, self._has_failed = not self._has_failed, True
            if is_first:
                line = f"on_finding raised {type(error).__name__}: {error}; the training goes on"
                with suppress(Warning):  # where warnings are errors, this one is not the training's
                    warnings.warn(line, stacklevel=2)
