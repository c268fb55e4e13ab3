"""Problem and study files with random edits (hypothesis): each ends with a verdict, or with one line."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from benchmarks.abuse import coins
from benchmarks.abuse.attack import Attack, command
from benchmarks.abuse.hostile_files import PROBLEM, STUDY
from benchmarks.abuse.problem_text import HEAD
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

NUMBER = int(os.environ.get("LEVINTHAL_FUZZ", "200"))
"""So many files of each kind."""
SEED = 20261201
FULL = f"""{HEAD}
class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, width), nn.ReLU(), nn.Linear(width, 4))
    def forward(self, inputs):
        return self.body(inputs)

def loss(outputs, labels):
    return nn.functional.cross_entropy(outputs, labels, label_smoothing=0.1)

def metric(outputs, labels):
    return float((outputs.argmax(1) == labels).float().mean())

def augmented(inputs, labels):
    return inputs + 0.01 * torch.randn_like(inputs), labels

problem = levinthal.Problem(
    model=lambda: Net(16),
    loss=loss,
    train=DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True),
    validation=(x, y),
    optimizer=lambda model: torch.optim.AdamW(model.parameters(), lr=0.01),
    schedule=lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 4, 0.5),
    metric=metric,
    clip=1.0,
    prepare=augmented,
    steps=6,
    frozen=("body.0",),
)
"""
BASES = {
    "a problem file": ("check train.py:problem --json", "train.py", FULL),
    "a small problem file": ("check train.py:problem --json", "train.py", PROBLEM.format(text="", place="")),
    "a study file": (coins.RUN, "coins.py", coins.STUDY),
    "another study file": (
        "study run study.py --workers 1 --device cpu --output page.html",
        "study.py",
        STUDY.format(changes={}),
    ),
}
"""The command, and the file that is edited."""
_PIECES = re.compile(r"\w+|\s+|\"[^\"\n]*\"|.", re.DOTALL)
NASTY = [
    *("None", "0", "-1", "1", "2.5", "nan", "float('nan')", "float('inf')", "1e308", "10**40", "True", "''"),
    *("'x'", "b'x'", "[]", "()", "{}", "...", "[None]", "lambda: 0", "lambda *a, **k: None", "print", "type"),
    *("object()", "int", "torch", "x", "y", "-x", "x[:0]", "x.double()", "y.float()", "x.tolist()", "(x,)"),
    *("1/0", "raise", "return", "yield", "del", "exit()", "assert 0", "raise SystemExit(0)", "await", "*"),
    *("(", ")", "[", "]", "{", "}", ":", ",", ".", "=", "\n", "\t", "\\", "\0", "é", "#", '"', "'''", "@"),
]
"""What a piece is replaced by."""


@st.composite
def edited(draw: st.DrawFn, text: str) -> str:
    """A text in which up to three words or marks are left out, doubled, copied, swapped or replaced."""
    pieces = _PIECES.findall(text)
    solid = [place for place, piece in enumerate(pieces) if not piece.isspace()]
    for _ in range(draw(st.integers(1, 3))):
        here, there = draw(st.sampled_from(solid)), draw(st.sampled_from(solid))
        match draw(st.sampled_from(["leave out", "double", "swap", "replace", "replace", "copy"])):
            case "leave out":
                pieces[here] = ""
            case "double":
                pieces[here] *= 2
            case "swap":
                pieces[here], pieces[there] = pieces[there], pieces[here]
            case "copy":
                pieces[here] = pieces[there]
            case _:
                pieces[here] = draw(st.sampled_from(NASTY))
    return "".join(pieces)


def texts(base: str) -> list[str]:
    """Different edits of a text; the same ones each time."""
    found: dict[str, None] = {}

    @seed(SEED)
    @settings(
        max_examples=NUMBER,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(edited(base))
    def gather(text: str) -> None:
        found.setdefault(text)

    gather()
    return list(found)


def attacks() -> Sequence[Attack]:
    """As many edited files of each kind as asked for."""
    return list(_attacks())


def _attacks() -> Iterator[Attack]:
    for kind, (line, file, base) in BASES.items():
        for number, text in enumerate(texts(base)):
            name = f"{number}: {_changed(base, text)}"
            files = {file: text.encode("utf-8", "surrogatepass")}
            codes = {0, 1, 2, 3, 4}
            yield command(kind, line, name=name, files=files, codes=codes, check=partial(_ended, line))


def _changed(base: str, text: str) -> str:
    """The first line that is not as it was."""
    pairs = zip(base.splitlines(), text.splitlines(), strict=False)
    return next((new.strip() for old, new in pairs if old != new), "the end")[:80]


def _ended(line: str, folder: Path) -> list[str]:
    """Without a line of error there is a verdict: whole JSON, or a page."""
    complained = (folder.parent / "stderr").read_text(encoding="utf-8", errors="replace")
    if any(one.startswith("levinthal: ") for one in complained.splitlines()):
        return []
    if not line.startswith("check"):
        return [] if (folder / "page.html").stat().st_size > 10_000 else ["no page"]
    try:
        json.loads((folder.parent / "stdout").read_text(encoding="utf-8"))
    except ValueError:
        return ["no line of error, and no JSON"]
    return []
