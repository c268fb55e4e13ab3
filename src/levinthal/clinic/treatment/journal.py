"""Scores of trials that are over, kept in a file, so that a treatment goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from levinthal.errors import InputError


class Kept:
    """A file of JSON lines: what it is of, then one line a trial. Without a path nothing is kept.

    Scores are kept to the bit. A trial that has been kept once is trained again before any is believed, and
    has to come to the same score: else the problem has changed since.
    """

    def __init__(self, path: str | Path | None, about: Mapping[str, Any]) -> None:
        """Raises InputError for a file of something else, or one that cannot be written."""
        self.path = None if path is None else Path(path).expanduser()
        self._scores: dict[tuple[str, int], float] = {}
        self._is_believed = False
        if self.path is not None:
            head = {"levinthal": version("levinthal"), "torch": str(torch.__version__), **about}
            self._read(self.path, head)

    def _read(self, path: Path, head: Mapping[str, Any]) -> None:
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else json.dumps(head) + "\n"
            whole = text[: text.rfind("\n") + 1]  # a process may have been killed in the middle of a line
            self._scores, other = _scores(whole, head)
            if not other and (whole != text or not path.exists()):
                path.write_text(whole, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path} cannot be written ({error.strerror}): name another file") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"{path} holds no trials: name another file") from None
        if other:
            raise InputError(f"{path} holds trials of something else ({other}): name another file")

    def score(self, arm: str, seed: int, train: Callable[[], float]) -> float:
        """The score of a trial, kept or trained now.

        Raises InputError where a trial that was kept comes to another score now.
        """
        kept = self._scores.get((arm, seed))
        if kept is not None and self._is_believed:
            return kept
        score = train()
        if kept is None:
            self._add(arm, seed, score)
        elif score.hex() != kept.hex():
            raise InputError(
                f"{self.path} holds {kept:.6g} for {arm}, seed {seed}, which now gives {score:.6g}: the "
                "problem has changed; name another file"
            )
        self._is_believed = True
        return score

    def _add(self, arm: str, seed: int, score: float) -> None:
        self._scores[arm, seed] = score
        if self.path is not None:
            line = json.dumps({"arm": arm, "seed": seed, "score": score.hex()})
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())


def _scores(text: str, head: Mapping[str, Any]) -> tuple[dict[tuple[str, int], float], str]:
    """The scores of a file's lines, and in what its head is not this one."""
    found, *rows = [json.loads(line) for line in text.splitlines()]
    unlike = [
        f"{name} {found.get(name)} there, {here} here"
        for name, here in head.items()
        if found.get(name) != here
    ]
    return {(row["arm"], row["seed"]): float.fromhex(row["score"]) for row in rows}, ", ".join(unlike)
