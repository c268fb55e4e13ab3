"""The text of a problem file: a good one, with some of its fields replaced."""

from __future__ import annotations

from benchmarks.abuse.attack import Attack, command

HEAD = """\
import argparse
import asyncio
import os
import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import levinthal

x = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
y = x[:, :4].argmax(1)
nan_x = x.clone()
nan_x[3, 2] = torch.nan


"""
GOOD = {
    "model": "lambda: nn.Linear(8, 4)",
    "loss": "nn.functional.cross_entropy",
    "train": "(x, y)",
    "optimizer": "lambda model: torch.optim.SGD(model.parameters(), 0.1)",
    "steps": "6",
}
BAD = frozenset({2})


def problem_text(before: str = "", **fields: str) -> str:
    """A problem file: what stands before the Problem, and its fields as code; a field of "" is left out."""
    given = {name: value for name, value in {**GOOD, **fields}.items() if value}
    lines = "".join(f"    {name}={value},\n" for name, value in given.items())
    return f"{HEAD}{before}problem = levinthal.Problem(\n{lines})\n"


def line_of(text: str, words: str) -> str:
    """`train.py:LINE` of the first line that holds these words."""
    return f"train.py:{text[: text.index(words)].count(chr(10)) + 1}"


def field(name: str, value: str, *says: str, before: str = "", **more: str) -> Attack:
    """A field with a wrong value: the answer names the field, its line, and these words."""
    text = problem_text(before, **{**more, name: value})
    place = line_of(text, f"    {name}={value},")
    title = f"{name}={value}" + (f" after {before.strip().splitlines()[-1].strip()}" if before else "")
    return checked(f"{name}", title, text, name, place, *says)


def checked(
    kind: str, name: str, text: str, *says: str, codes: frozenset[int] = BAD, options: str = ""
) -> Attack:
    """`levinthal check train.py:problem` of a file with this text."""
    line = f"check train.py:problem {options}"
    return command(kind, line, *says, name=name, files={"train.py": text}, codes=set(codes))
