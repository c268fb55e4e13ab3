"""What a user's own code raises, in each place in which it is called."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.abuse.attack import Attack
from benchmarks.abuse.problem_text import checked, line_of, problem_text

RAISED = {
    "ValueError('own words')": ("ValueError", "own words"),
    "SystemExit(0)": ("SystemExit",),
    "SystemExit(1)": ("SystemExit",),
    "SystemExit('own words')": ("SystemExit", "own words"),
    "GeneratorExit()": ("GeneratorExit",),
    "asyncio.CancelledError()": ("CancelledError",),
    "Stopped('own words')": ("Stopped", "own words"),
    "MemoryError()": ("MemoryError",),
    "StopIteration()": ("StopIteration",),
    "KeyboardInterrupt()": ("KeyboardInterrupt",),
    "OSError(2, 'own words', '/no/file')": ("own words", "/no/file"),
    "BrokenPipeError()": ("BrokenPipeError",),
    "ExceptionGroup('own words', [ValueError('a')])": ("ExceptionGroup", "own words"),
    "levinthal.LevinthalError('own words')": ("own words",),
    "ValueError('one\\ntwo \\x1b[31mred\\x1b[0m \\u202eback \\x07')": ("ValueError", "one"),
    "ValueError('long ' * 100_000)": ("ValueError", "long"),
    "Unprintable()": ("Unprintable",),
}
"""What is raised -> words of the answer."""
MADE = """\
class Stopped(BaseException):
    pass


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class Batches:
    def __init__(self, after):
        self.after = after

    def __iter__(self):
        yield from [(x, y)] * self.after
        raise RAISED


class Rows(Dataset):
    def __len__(self):
        return 64

    def __getitem__(self, row):
        raise RAISED


class Net(nn.Linear):
    def forward(self, inputs):
        raise RAISED


class Later(nn.Linear):
    passes = 0

    def forward(self, inputs):
        Later.passes += 1
        if Later.passes > 40:
            raise RAISED
        return super().forward(inputs)


class Scheduler:
    def __init__(self, optimizer):
        pass

    def step(self):
        raise RAISED


class Stepping(torch.optim.SGD):
    def step(self, closure=None):
        raise RAISED


def raises(*given):
    raise RAISED


"""
RECURSE = "def recurse():\n    recurse()\n\n\n"
PLACES = {
    "model": {"model": "raises"},
    "forward": {"model": "lambda: Net(8, 4)"},
    "forward later": {"model": "lambda: Later(8, 4)", "steps": "60"},
    "loss": {"loss": "raises"},
    "optimizer": {"optimizer": "raises"},
    "the optimiser's step": {"optimizer": "lambda model: Stepping(model.parameters(), 0.1)"},
    "schedule": {"schedule": "raises"},
    "the scheduler's step": {"schedule": "Scheduler"},
    "step": {"step": "raises"},
    "metric": {"metric": "raises"},
    "prepare": {"prepare": "raises"},
    "clip": {"clip": "raises"},
    "train": {"train": "Batches(3)"},
    "train at once": {"train": "Batches(0)"},
    "validation": {"validation": "Batches(3)"},
    "rows": {"train": "DataLoader(Rows(), batch_size=8)"},
}
FEW = ("model", "forward", "loss", "metric", "train")
"""The places for every exception; those of THOROUGH are raised in all places."""
THOROUGH = ("ValueError('own words')", "SystemExit(0)", "Stopped('own words')")
CALLS = {
    "sys.exit()": "SystemExit",
    "sys.exit(0)": "SystemExit",
    "sys.exit('bye')": "SystemExit",
    "quit()": "SystemExit",
    "exit(3)": "SystemExit",
    "recurse()": "RecursionError",
    "os._exit(0)": "os._exit(0) ended the command",
    "os._exit(3)": "os._exit(3) ended the command",
}
"""What ends a program -> words of the answer."""
STREAMS = (
    "sys.stdout.close()",
    "sys.stderr.close()",
    "sys.stdout = sys.stderr = None",
    "sys.stdout = open('mine.txt', 'w')",
)
"""What is done with the streams: the verdict is said all the same."""


SOME = frozenset({0, 1, 3, 4})
"""The exit codes of a verdict."""


def raising() -> Iterator[Attack]:
    """Each exception in each place, and in the file itself."""
    for raised, words in RAISED.items():
        text = f"{problem_text(MADE.replace('raise RAISED', 'pass'))}raise {raised}\n"
        yield checked("raised", f"{raised} in the file", text, line_of(text, f"raise {raised}\n"), *words)
        for place in PLACES if raised in THOROUGH else FEW:
            yield _in_place(place, f"raise {raised}", *words)
    for call, word in CALLS.items():
        text = f"{problem_text(RECURSE)}{call}\n"
        yield checked("leaves", f"{call} in the file", text, "train.py:", word)
        yield from (_in_place(place, call, word, kind="leaves") for place in FEW[:3])
    for call in STREAMS:
        text = f"import sys\n\n{call}\n{problem_text()}"
        yield checked("streams", f"{call} in the file", text, "The loss went", codes=SOME)
        text = problem_text(
            f"def loss(*both):\n    {call}\n    return nn.functional.cross_entropy(*both)\n\n\n", loss="loss"
        )
        yield checked("streams", f"{call} in loss", text, "The loss went", codes=SOME)
    for options in (
        "--treat --seeds 3",
        "--json",
        "--sarif",
        "--output page.html",
        "--against train.py:problem",
    ):
        for place in ("metric", "step"):
            yield _in_place(place, "raise SystemExit(0)", "SystemExit", kind="leaves", options=options)


def _in_place(place: str, call: str, *words: str, kind: str = "raised", options: str = "") -> Attack:
    """A call that stands in one place of the training; the answer has its line of the file."""
    text = problem_text(RECURSE + MADE.replace("raise RAISED", call), **PLACES[place])
    return checked(kind, f"{call} in {place} {options}".strip(), text, "train.py:", *words, options=options)
