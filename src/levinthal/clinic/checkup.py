"""The result of `check`, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from levinthal.clinic.answer.decision import answer_of_checkup
from levinthal.clinic.answer.states import Answer
from levinthal.clinic.presentation.notebook import checkup_html
from levinthal.clinic.presentation.page import write_page
from levinthal.clinic.presentation.terminal import answered
from levinthal.probes.signal import Layer
from levinthal.vocabulary import Estimate, Finding, Severity


@dataclass(frozen=True, slots=True)
class Checkup:
    """The result of `check`. `print(checkup)` shows it in the terminal; a notebook shows it as HTML.

    Attributes:
        findings: The findings, causes before their symptoms; empty for a healthy network.
        numbers: Name of a measurement of the whole network -> Estimate with its interval and trust.
        layers: Statistics of signal and gradient of every layer, in the order of the forward pass.
    """

    findings: tuple[Finding, ...]
    numbers: Mapping[str, Estimate]
    layers: tuple[Layer, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether no finding is a warning or critical. Whether the network learns, only a training shows."""
        return all(finding.severity is Severity.INFO for finding in self.findings)

    @property
    def answer(self) -> Answer:
        """The cause, or that no fault was found before training."""
        return answer_of_checkup(self.findings, self.numbers)

    def __str__(self) -> str:
        head = answered(self.answer, self.findings)
        lines = [f"  {name}: {estimate}" for name, estimate in self.numbers.items()]
        return "\n".join([head, "", "Measured before training:", *lines])

    def report(self, path: str | Path, *, title: str = "the network") -> Path:
        """Write findings, numbers and figures as one self-contained page.

        Args:
            path: The HTML file to write; its folder is made where it does not exist.
            title: What the page calls the network.

        Returns:
            The path of the page.

        Raises:
            InputError: `path` is a folder.
            StoreError: `path` cannot be written.
        """
        return write_page(path, title=title, answer=self.answer, findings=self.findings, checkup=self)

    def _repr_html_(self) -> str:
        """The checkup for a notebook."""
        return checkup_html(self.answer, self.findings, self.numbers)
