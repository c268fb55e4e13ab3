"""Study files that are malformed: each field with what it cannot be, and code that raises, exits or dies."""

# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.abuse.attack import Attack, command

FILE = "coins.py"
RUN = f"study run {FILE} --device cpu --output page.html --store store.sqlite"
STUDY = '''
import asyncio, ctypes, datetime, math, os, signal, sys, threading, time
from dataclasses import replace
from levinthal import (Axis, Claim, Dataset, Estimate, Evidence, Figure, Interval, Measurement, Panel, Preset,
                       Series, Study, Task, Trust)
from levinthal.lab import analysis as an

class Own(BaseException):
    """No Exception."""

def heads(seed):
    return Measurement("heads", Estimate.exact(0.8 + seed / 100, "share"), seed=seed)

def measure(task, *, data=None, device="cpu"):
    for seed in task.seeds:
        yield heads(seed)

def excess(rows):
    return Evidence({"all": rows.where(name="heads").by_seed()})

def draw(rows):
    found = rows.where(name="heads")
    series = Series("coins", tuple(found.values("seed").tolist()), tuple(found.values().tolist()), "point")
    return series, Panel(Axis("toss"), Axis("heads"), (series,))

def figures(rows):
    yield Figure("coins", "Bent coins", "6 seeds", (draw(rows)[1],))

def answer(verdicts):
    return f"It {verdicts['T1'].outcome}."

task = Task({"coin": "bent"}, tuple(range(6)))
preset = Preset("one coin", None, (task,))
claim = Claim(id="T1", says="it does", source="nobody", effect="heads", unit="share", smallest_effect=0.1,
              control="", evidence=excess, why_no_control="a test", null=0.0)
study = Study(name="toy-coins", chapter="toys", question="Does it?", source="nobody", version=1,
              presets={"quick": preset}, measure=measure, claims=(claim,), figures=figures, answer=answer)
'''
WRONG = {
    "text": ("5", "None", "['a']", "b'a'", "object()", "'\\ud800'"),
    "sentence": ("''", "5", "None", "('a', 'b')", "'\\ud800'"),
    "function": ("None", "5", "'measure'", "[]", "lambda: 0", "lambda a, b, c: 0"),
    "number": ("None", "'0.5'", "math.nan", "math.inf", "[0.5]", "1j", "True", "10**400"),
    "truth": ("None", "'no'", "0.5", "[]"),
}
"""What a field cannot be, by what it is."""
OF_STUDY = {
    "name": ("''", "None", "5", "'Toy Coins'", "'../../x'", "'a' * 5000", "'toy\\n'", "'töy'"),
    "chapter": WRONG["text"],
    "question": WRONG["sentence"],
    "source": WRONG["text"],
    "version": ("0", "-1", "1.5", "'1'", "None", "True", "10**30", "math.nan"),
    "presets": ("None", "[]", "(preset,)", "preset", "{1: preset}", "{'quick': None}", "{'../x': preset}",
                "{'': preset}", "{'quick': 'digits'}"),
    "measure": ("None", "5", "'measure'", "lambda: ()", "lambda task: ()", "Study"),
    "claims": ("None", "5", "claim", "'T1'", "(None,)", "(claim, claim)", "{'T1': claim}", "(c for c in [claim])",
               "(claim, 'T2')"),
    "figures": WRONG["function"],
    "answer": WRONG["function"],
    "terms": ("None", "5", "['share']", "{1: 'x'}", "{'x': None}", "'share'"),
    "seed_by_seed": WRONG["truth"],
    "protocol": ("None", "5", "'coin'", "('bach',)", "(1,)", "('coin', None)"),
}  # fmt: skip
OF_CLAIM = {
    "id": ("''", "None", "5", "' '", "['T1']", "'T1\\n'"),
    "says": WRONG["sentence"],
    "source": WRONG["sentence"],
    "effect": WRONG["text"],
    "unit": WRONG["text"],
    "smallest_effect": ("'0.5'", "math.nan", "math.inf", "-1.0", "0.0", "[0.5]", "1j", "True", "10**400"),
    "control": (*WRONG["text"], "'fair'"),
    "evidence": WRONG["function"],
    "why_smallest": WRONG["text"],
    "basis": ("None", "'chosen'", "5", "'seen'"),
    "null": WRONG["number"],
    "rival": WRONG["text"],
    "why_no_control": ("5", "None", "''", "['a']"),
    "deterministic": WRONG["truth"],
    "binary": WRONG["truth"],
    "quote": WRONG["text"],
}
OF_PRESET = {
    "about": WRONG["text"],
    "data": ("5", "['digits']", "True"),
    "tasks": ("None", "5", "task", "('bent',)", "(None,)", "{'bent': task}", "(t for t in [task])", "()"),
}
OF_TASK = {
    "cell": ("None", "5", "'bent'", "['coin']", "{'coin': [1]}", "{'coin': None}", "{'coin': math.nan}",
             "{'coin': math.inf}", "{1: 'bent'}", "{'seed': 3}", "{'': 1}", "{'coin': 'x' * 10**6}",
             "{'coin': {'a': 1}}", "{'coin': object()}", "{'coin': 10**400}", "{'coin': '\\ud800'}"),
    "seeds": ("()", "None", "5", "'012'", "(0.5,)", "(-1,)", "(True,)", "('a',)", "(None,)", "(math.nan,)",
              "(2**31,)", "range(10**12)", "range(-3, 0)", "(s for s in [0, 1])", "{0: 1}", "(10**400,)"),
    "cost": ("None", "'1'", "math.nan", "math.inf", "-1.0", "[1]", "True"),
}  # fmt: skip
FIELDS = {"Study": OF_STUDY, "Claim": OF_CLAIM, "Preset": OF_PRESET, "Task": OF_TASK}
CHANGED = {
    "Study": "study = replace(study, {})",
    "Claim": "claim = replace(claim, {})\nstudy = replace(study, claims=(claim,))",
    "Preset": "preset = replace(preset, {})\nstudy = replace(study, presets={{'quick': preset}})",
    "Task": "task = replace(task, {})\npreset = replace(preset, tasks=(task,))\n"
    "study = replace(study, presets={{'quick': preset}})",
}
OK = ("range(8)", "[0, 1, 2]", "(0, 0, 1)", "(7, 3)")
"""Seeds that can be meant."""

MEASUREMENTS = {
    "name": ("5", "None", "''", "['a']", "'\\ud800'", "'n' * 10**6"),
    "estimate": ("None", "0.5", "'0.5'", "Estimate", "[0.5]"),
    "seed": ("None", "'0'", "99", "-1", "[0]", "math.nan", "0.5"),
    "step": ("None", "'1'", "-1", "0.5", "math.nan", "10**30", "[1]"),
    "layer": ("None", "5", "['a']", "'\\ud800'"),
    "condition": ("None", "5", "{'rate': 1}", "'\\ud800'"),
}
ESTIMATES = {
    "value": ("None", "'0.5'", "[0.5]", "1j", "10**400", "object()"),
    "unit": ("None", "5", "['share']", "'\\ud800'"),
    "interval": ("(0, 1)", "5", "'0 to 1'", "Interval(1.0, 0.0)", "Interval(None, 1)", "Interval(0, 1, 95)",
                 "Interval(0, 1, 0.95, None)"),
    "trust": ("None", "'good'", "5", "True"),
    "reasons": ("None", "'because'", "5", "(5,)", "[None]"),
    "details": ("None", "5", "'x'", "[1]", "{'f': lambda: 0}", "{(1, 2): 3}", "{'s': {1}}"),
}  # fmt: skip
ENDS = {
    "raises": ("raise ValueError('the coin fell')", "the coin fell"),
    "raises without a word": ("raise ValueError", "ValueError"),
    "raises a text of many lines": ("raise ValueError('one\\ntwo\\nthree')", "one"),
    "raises a huge text": ("raise ValueError('x' * 10**7)", "ValueError"),
    "raises control characters": ("raise ValueError('\\x1b[31mred\\u202e')", "ValueError"),
    "raises a lone surrogate": ("raise ValueError('\\ud800')", "ValueError"),
    "raises what has no text": (
        "raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()", "Odd",
    ),
    "exits 0": ("sys.exit(0)", "SystemExit"),
    "exits without code": ("sys.exit()", "SystemExit"),
    "quits": ("quit()", "SystemExit"),
    "exits 1": ("sys.exit(1)", "SystemExit"),
    "exits with a text": ("sys.exit('good bye')", "good bye"),
    "raises its own BaseException": ("raise Own('no exception')", "Own"),
    "is cancelled": ("raise asyncio.CancelledError", "CancelledError"),
    "raises GeneratorExit": ("raise GeneratorExit", "GeneratorExit"),
    "runs out of memory": ("raise MemoryError", "MemoryError"),
    "allocates too much": ("bytearray(1 << 60)", "MemoryError"),
    "recurses": ("f = lambda: f()\n    f()", "RecursionError"),
    "divides by zero": ("1 / 0", "division by zero"),
    "asserts": ("assert False", "AssertionError"),
    "stops an iteration": ("next(iter(()))", "StopIteration"),
    "misses a module": ("import no_such_module", "no_such_module"),
    "misses a name": ("no_such_name", "no_such_name"),
    "raises BrokenPipeError": ("raise BrokenPipeError", "BrokenPipeError"),
    "raises OSError": ("open('/nowhere/at/all')", "FileNotFoundError"),
    "raises ours": ("from levinthal.errors import InputError\n    raise InputError('k=5: no')", "k=5: no"),
}  # fmt: skip
"""How code ends -> the code and what has to be said."""
HARMLESS = {
    "prints 10 MB": "print('x' * 10**7)",
    "changes the random state": "import random, numpy\n    random.seed(1); numpy.random.seed(1)",
    "opens files": "globals()['held'] = [open('/dev/null') for _ in range(500)]",
    "leaves the folder": "os.chdir('..')",
    "takes stdout away": "sys.stdout = None",
    "takes stderr away": "sys.stderr = None",
    "empties the environment": "os.environ.clear()",
    "turns warnings into errors": "import warnings\n    warnings.simplefilter('error')",
    "leaves a thread": "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "ignores Ctrl-C": "signal.signal(signal.SIGINT, signal.SIG_IGN) if "
    "threading.current_thread() is threading.main_thread() else None",
    "sleeps": "time.sleep(0.5)",
    "forks": "os.fork()",
    "forks, and the child raises": "if os.fork() == 0:\n        raise SystemExit(0)",
    "lowers the recursion limit": "sys.setrecursionlimit(120)",
}
DEATHS = {
    "os._exit(0)": ("os._exit(0)", "exit code 0"),
    "os._exit(3)": ("os._exit(3)", "exit code 3"),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", "signal 9"),
    "SIGTERM": ("os.kill(os.getpid(), signal.SIGTERM)", "signal 15"),
    "SIGSEGV": ("ctypes.string_at(0)", "signal 11"),
    "SIGABRT": ("os.abort()", "signal 6"),
}
RESULTS = {
    "measure": ("return None", "return 5", "return 'heads'", "return [None]", "return [1.0]", "return []",
                "return iter(())", "return {'heads': 0.5}", "return Measurement", "return heads(0)",
                "return [heads(0)]", "return [heads(s) for s in task.seeds] * 2", "return (heads(s) for s in (0, 99))",
                "return lambda: 0"),
    "evidence": ("return None", "return 5", "return {}", "return {'all': {0: 1.0}}", "return Evidence",
                 "return Evidence(None)", "return Evidence([])", "return Evidence({'all': None})",
                 "return Evidence({'all': [0.5, 0.6]})", "return Evidence({'all': {0: None}})",
                 "return Evidence({'all': {0: 'x'}})", "return Evidence({'all': {'a': 1.0}})",
                 "return Evidence({5: {0: 1.0}})", "return Evidence({'all': {0: 1.0}}, control=None)",
                 "return Evidence({'all': {0: 1.0}}, notes='note')", "return Evidence({'all': {0: 1.0}}, notes=None)",
                 "return Evidence({'all': {0: 1.0}}, grid_edge='no')", "return Evidence({'all': {0: 1.0}}, rival=5)",
                 "return Evidence({'all': {0: 10**400}})", "return Evidence({'all': {0: 1j}})",
                 "yield Evidence({'all': {0: 1.0}})", "return rows",
                 "return Evidence({'all': rows.where(name='haeds').by_seed()})",
                 "return Evidence({'all': rows.where(cion='bent').by_seed()})"),
    "figures": ("return None", "return 5", "return 'coins'", "return [None]", "return Figure",
                "return [Figure(None, 't', 'c', (draw(rows)[1],))]", "return [Figure('a', None, 'c', (draw(rows)[1],))]",
                "return [Figure('a', 't', 5, (draw(rows)[1],))]", "return [Figure('a', 't', 'c', None)]",
                "return [Figure('a', 't', 'c', ('panel',))]", "return [Figure('a', 't', 'c', draw(rows)[1])]",
                "return [Figure('../../x', 't', 'c', (draw(rows)[1],))]",
                "return [Figure('a', 't', 'c', (Panel(None, Axis('y'), (draw(rows)[0],)),))]",
                "return [Figure('a', 't', 'c', (Panel(Axis('x'), Axis('y'), None),))]",
                "return [Figure('a', 't', 'c', (Panel(Axis(5), Axis('y'), (draw(rows)[0],)),))]",
                "return [Figure('a', 't', 'c', (Panel(Axis('x'), Axis('y'), (Series('s', (1, 2), (1.0,)),)),))]",
                "return [Figure('a', 't', 'c', (Panel(Axis('x'), Axis('y'), (Series('s', (1,), (None,)),)),))]",
                "return [Figure('a', 't', 'c', (Panel(Axis('x'), Axis('y'), (Series('s', (1,), ('y',)),)),))]",
                "return [Figure('a', 't', 'c', (Panel(Axis('x'), Axis('y'), (Series('s', (1,), (1.0,), 'line'),)),))]",
                "return [Figure('a', 't', 'c', (Panel(Axis('x'), Axis('y'), (Series(5, (1,), (1.0,)),)),))]",
                "return [Figure('a', 't', 'c', (draw(rows)[1],))] * 2"),
    "answer": ("return None", "return 5", "return ['yes']", "return b'yes'", "return ''", "return verdicts",
               "yield 'yes'", "return verdicts['T9'].outcome", "return '\\ud800'"),
}  # fmt: skip
ARGUMENTS = {"measure": "task, *, data=None, device='cpu'", "evidence": "rows", "figures": "rows", "answer": "verdicts"}  # fmt: skip


def attacks() -> Sequence[Attack]:
    """Fields, results and ends of every part of a study."""
    return [
        *_fields(), *_seeds(), *_measurements(), *_results(), *_ends(), *_harmless(), *_deaths(), *_whole(),
    ]  # fmt: skip


def _attack(
    kind: str, name: str, end: str, *says: str, codes: set[int] | None = None, run: str = ""
) -> Attack:
    line = run or f"{RUN} --workers 1"
    return command(kind, line, *says, files={FILE: f"{STUDY}\n{end}\n"}, codes=codes, name=name)


def _fields() -> Iterator[Attack]:
    """Each field of a study, a claim, a preset and a task: named, with the file and its line."""
    for noun, fields in FIELDS.items():
        for field, values in fields.items():
            for value in values:
                name = f"{noun}.{field}={value}"
                yield _attack("fields", name, CHANGED[noun].format(f"{field}={value}"), field, f"{FILE}:")


def _seeds() -> Iterator[Attack]:
    for value in OK:
        yield _attack("seeds", value, CHANGED["Task"].format(f"seeds={value}"), "runs measured", codes={0})


def _measurements() -> Iterator[Attack]:
    """Each field of a measurement and of its estimate: the task fails, and field and task are named."""
    for field, values in MEASUREMENTS.items():
        for value in values:
            made = f"replace(heads(s), {field}={value})"
            yield _one_measured(f"Measurement.{field}={value}", field, made)
    for field, values in ESTIMATES.items():
        for value in values:
            made = f"replace(heads(s), estimate=replace(heads(s).estimate, {field}={value}))"
            yield _one_measured(f"Estimate.{field}={value}", field, made)


def _one_measured(name: str, field: str, made: str) -> Attack:
    end = _function("measure", f"return [{made} for s in task.seeds]")
    return _attack("measurements", name, end, field, "failed: coin=bent", codes={1})


def _function(part: str, body: str) -> str:
    """Another body for a function of the study."""
    change = "study = replace(study, {0}={0})" if part != "evidence" else (
        "study = replace(study, claims=(replace(claim, evidence=evidence), replace(claim, id='T2')))"
    )  # fmt: skip
    return f"def {part}({ARGUMENTS[part]}):\n    {body}\n{change.format(part)}"


def _words(part: str) -> tuple[str, ...]:
    return {"measure": ("failed: coin=bent",), "evidence": ("claim T1",), "figures": ("figure",), "answer": ("answer",)}[part]  # fmt: skip


def _results() -> Iterator[Attack]:
    """What a function of the study returns."""
    for part, bodies in RESULTS.items():
        for body in bodies:
            misspelt = "haeds" in body or "cion" in body
            yield _attack(
                f"{part} returns", body, _function(part, body), *_words(part), codes={2} if misspelt else {1}
            )


def _ends() -> Iterator[Attack]:
    """How a function of the study ends: never with an exit code of its own, and with the line of the file."""
    for part in ARGUMENTS:
        for name, (body, said) in ENDS.items():
            codes = {2} if "InputError" in body and part == "evidence" else {1}
            says = (*_words(part), said, f"{FILE}:")
            yield _attack(f"{part} ends", name, _function(part, body), *says, codes=codes)
        by_hand = _function(part, "raise KeyboardInterrupt")
        yield _attack(
            f"{part} ends",
            "KeyboardInterrupt by hand",
            by_hand,
            *_words(part),
            "KeyboardInterrupt",
            codes={1},
        )
        leaves = _function(part, "os._exit(0)")
        yield _attack(f"{part} ends", "os._exit(0)", leaves, "os._exit(0) ended the command at coins.py")
    for name, (body, said) in ENDS.items():
        if name in WORKERS:
            says = ("failed: coin=bent", said, f"{FILE}:")
            yield _attack(
                "worker ends", name, _function("measure", body), *says, codes={1}, run=f"{RUN} --workers 2"
            )
    by_hand = _function("measure", "raise KeyboardInterrupt")
    says = ("failed: coin=bent", "KeyboardInterrupt")
    yield _attack(
        "worker ends", "KeyboardInterrupt by hand", by_hand, *says, codes={1}, run=f"{RUN} --workers 2"
    )


WORKERS = ("raises", "exits 0", "exits with a text", "raises its own BaseException", "is cancelled",
           "raises GeneratorExit", "raises what has no text", "raises a lone surrogate")  # fmt: skip


def _harmless() -> Iterator[Attack]:
    """What a function does beside its work leaves verdicts, page and store where they belong."""
    for part in ARGUMENTS:
        for name, body in HARMLESS.items():
            work = {
                "measure": "return [heads(seed) for seed in task.seeds]",
                "evidence": "return excess(rows)",
                "figures": "return [Figure('coins', 'Bent coins', '6 seeds', (draw(rows)[1],))]",
                "answer": "return f\"It {verdicts['T1'].outcome}.\"",
            }[part]
            yield _attack(
                f"{part} also", name, _function(part, f"{body}\n    {work}"), "Report: page.html", codes={0}
            )


def _deaths() -> Iterator[Attack]:
    """A worker process that dies in the middle of its task: the task and the way it died are named."""
    for name, (body, said) in DEATHS.items():
        says = ("failed: coin=bent", said)
        yield _attack(
            "worker dies", name, _function("measure", body), *says, codes={1}, run=f"{RUN} --workers 2"
        )


def _whole() -> Iterator[Attack]:
    """Whole files, and the other commands on a malformed one."""
    many = "study = replace(study, claims=tuple(replace(claim, id=f'T{i}') for i in range(300)))"
    yield _attack("whole", "300 claims", many, "Report", codes={0})
    for noun in ("show", "register", "report", "run"):
        line = f"study {noun} {FILE}"
        yield _attack(
            "whole", f"{noun}: answer=None", "study = replace(study, answer=None)", "answer", run=line
        )
        yield _attack("whole", f"{noun}: id=5", CHANGED["Claim"].format("id=5"), "id", f"{FILE}:", run=line)
    yield _attack("whole", "no presets", "study = replace(study, presets={})", "presets")
    for data in ("dgits", "../digits"):
        yield _attack("whole", f"data={data}", CHANGED["Preset"].format(f"data='{data}'"), "data", data)
    yield _attack("whole", "binary", CHANGED["Claim"].format("binary=True"), "binary", "claim T1")
    yield _attack("whole", "two studies", "other = replace(study, name='other-coins')", "Report", codes={0})
    yield _attack("whole", "a class for the study", "study = Study", "Study")
    yield _attack("whole", "no study", "del study", "study")
    yield _attack("whole", "async measure", "async def measure(task, *, data, device):\n    return []\n"
                  "study = replace(study, measure=measure)", "measure", f"{FILE}:")  # fmt: skip
    yield _attack("whole", "a tuple of one claim, the comma forgotten",
                  "study = replace(study, claims=(claim))", "claims", f"{FILE}:")  # fmt: skip
