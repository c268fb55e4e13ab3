"""The journal of a treatment: scores of finished trainings in a file, so that a treatment can resume."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from levinthal.errors import InputError
from levinthal.written_files import writable, write_whole
from levinthal.written_files.kinds import JOURNAL


class Journal:
    """A file of JSON lines: a header, then one line for each finished training. Without a path: no file.

    Scores are stored to the bit. Before a stored score is used, one stored training is run again and has to
    give the same score; otherwise the problem has changed since the file was written.
    """

    def __init__(self, path: str | Path | None, about: Mapping[str, Any]) -> None:
        """Raises InputError for a journal of another problem, another kind of file, or an unwritable path."""
        self.path = None if path is None else writable(path, JOURNAL)
        self._scores: dict[tuple[str, int], float] = {}
        self._is_verified = False
        if self.path is not None:
            header = {"levinthal": version("levinthal"), "torch": str(torch.__version__), **about}
            self._read(self.path, header)

    def _read(self, path: Path, header: Mapping[str, Any]) -> None:
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else json.dumps(header) + "\n"
            whole = text[: text.rfind("\n") + 1]  # a process may have been killed in the middle of a line
            self._scores, other = _scores(whole, header)
            if not other and (whole != text or not path.exists()):
                write_whole(path, whole, JOURNAL)
        except OSError as error:
            raise InputError(f"{path} cannot be written ({error.strerror}): name another file") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"{path} is not the journal of a treatment: name another file") from None
        if other:
            raise InputError(f"{path} is the journal of another treatment ({other}): name another file")

    def score(self, name: str, seed: int, train: Callable[[], float]) -> float:
        """The score of a training, stored or computed now.

        Raises InputError where a stored training gives another score now.
        """
        stored = self._scores.get((name, seed))
        if stored is not None and self._is_verified:
            return stored
        score = train()
        if stored is None:
            self._add(name, seed, score)
        elif score.hex() != stored.hex():
            raise InputError(
                f"{self.path} holds {stored:.6g} for {name}, seed {seed}, which now gives {score:.6g}: the "
                "problem has changed; name another file"
            )
        self._is_verified = True
        return score

    def _add(self, name: str, seed: int, score: float) -> None:
        self._scores[name, seed] = score
        if self.path is not None:
            line = json.dumps({"arm": name, "seed": seed, "score": score.hex()})
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())


def _scores(text: str, header: Mapping[str, Any]) -> tuple[dict[tuple[str, int], float], str]:
    """The scores of a file's lines, and where its header differs from this one."""
    found, *rows = [json.loads(line) for line in text.splitlines()]
    different = [
        f"{name} {found.get(name)} there, {here} here"
        for name, here in header.items()
        if found.get(name) != here
    ]
    return {(row["arm"], row["seed"]): float.fromhex(row["score"]) for row in rows}, ", ".join(different)
