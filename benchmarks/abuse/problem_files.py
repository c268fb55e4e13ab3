"""Malformed problem files: each field with each kind of wrong value, and each part that fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.abuse.attack import Attack
from benchmarks.abuse.problem_raises import raising
from benchmarks.abuse.problem_text import checked, field, line_of, problem_text

UNFIT_MODELS = {
    "nn.ReLU": "parameter",
    "lambda: nn.Identity()": "parameter",
    "lambda: nn.Linear(8, 4).requires_grad_(False)": "requires",
    "lambda: nn.Linear(8, 2)": "classes",
    "lambda: nn.LSTM(8, 4)": "tuple",
}
"""Models that can be built: the optimiser, the loss or the targets show the fault, at their own line."""
WRONG_FUNCTIONS = ("None", "3", "'acc'", "object()", "nn.ReLU")
"""No function; for an optional field None is right."""
OPTIONAL = ("metric", "schedule", "prepare", "step")
WRONG_COUNTS = (
    "'8'",
    "8.0",
    "2.5",
    "-1",
    "0",
    "None",
    "True",
    "float('nan')",
    "float('inf')",
    "10**30",
    "(8,)",
)
WRONG_DATA = (
    ("None", "None"),
    ("3", "int"),
    ("'digits'", "str"),
    ("x", "tensor"),
    ("(x, y, y)", "3"),
    ("(x,)", "1"),
    ("()", "0"),
    ("[]", "0"),
    ("(x, y[:10])", "64", "10"),
    ("(x[:0], y[:0])", "0 rows"),
    ("(x, None)", "None"),
    ("(None, y)", "None"),
    ("(x, list(y))", "list"),
    ("(x, 'labels')", "str"),
    ("(object(), y)", "object"),
    ("(x[0, 0], y[0])", "axis"),
    ("(x.to_sparse(), y)", "sparse"),
    ("(x.to('meta'), y)", "meta"),
    ("(x.numpy().astype(object), y)", "object"),
    ("(np.array(['a'] * 64), y)", "numbers"),
    ("(np.zeros(64, 'datetime64[s]'), y)", "datetime64"),
    ("({'a': x, 'b': x[:3]}, y)", "64", "3"),
    ("({}, y)", "dict"),
    ("(x.tolist(), y)", "list"),
    ("([[1.0, 2.0], [3.0]], y)", "row"),
    ("iter([(x, y)])", "once"),
    ("((x, y) for _ in range(3))", "once"),
    ("lambda: (x, y)", "function"),
    ("DataLoader(TensorDataset(x[:0], y[:0]))", "0"),
    ("DataLoader(TensorDataset(x))", "pair"),
    ("DataLoader(TensorDataset(x, y, y))", "pair"),
    ("DataLoader", "class"),
    ("TensorDataset(x, y)", "DataLoader"),
    ("{'inputs': x, 'targets': y}", "dict"),
    ("{1, 2}", "pair"),
    ("range(3)", "pair"),
    ("[1, 2, 3]", "pair"),
)
CALLS = {
    "model": "lambda extra: nn.Linear(8, 4)",
    "loss": "lambda outputs: outputs.sum()",
    "optimizer": "lambda: None",
    "metric": "lambda outputs: 1.0",
    "schedule": "lambda: None",
    "prepare": "lambda inputs: inputs",
    "step": "lambda model: None",
    "clip": "lambda: None",
}
"""A function of another number of arguments than it gets."""
RETURNS = (
    ("model", "lambda: None", "None"),
    ("model", "lambda: 'net'", "str"),
    ("model", "lambda: nn.Linear", "class"),
    ("model", "lambda: (nn.Linear(8, 4),)", "tuple"),
    ("model", "lambda: nn.Linear(8, 4, device='meta')", "meta"),
    ("model", "lambda: nn.Linear(5, 4)", "5", "8"),
    ("model", "lambda: nn.Linear(8, 4).double()", "float64"),
    ("model", "lambda: nn.Linear(8, 4).to('cuda')", "cuda"),
    ("loss", "lambda outputs, targets: 1.0", "float"),
    ("loss", "lambda outputs, targets: None", "None"),
    ("loss", "lambda outputs, targets: outputs", "(32, 4)"),
    ("loss", "lambda outputs, targets: outputs.sum().item()", "float"),
    ("loss", "lambda outputs, targets: outputs.sum().detach()", "gradient"),
    ("loss", "lambda outputs, targets: {'loss': outputs.sum()}", "dict"),
    ("loss", "lambda outputs, targets: (outputs.sum(), 1)", "tuple"),
    ("loss", "nn.functional.mse_loss", "shape"),
    ("loss", "nn.CrossEntropyLoss(reduction='none')", "mean"),
    ("optimizer", "lambda model: None", "None"),
    ("optimizer", "lambda model: []", "0 optimisers"),
    ("optimizer", "lambda model: 'sgd'", "str"),
    ("optimizer", "lambda model: torch.optim.SGD", "class"),
    ("optimizer", "lambda model: torch.optim.SGD([], 0.1)", "empty"),
    ("optimizer", "lambda model: torch.optim.SGD(model.parameters(), -1)", "-1"),
    ("optimizer", "lambda model: torch.optim.SGD(model.parameters(), 'fast')", "str"),
    ("optimizer", "torch.optim.SGD(nn.Linear(8, 4).parameters(), 0.1)", "SGD"),
    ("optimizer", "torch.optim.SGD", "class"),
    ("optimizer", "'sgd'", "str"),
    ("optimizer", "{'lr': 0.1}", "dict"),
    ("metric", "lambda outputs, targets: 'good'", "str"),
    ("metric", "lambda outputs, targets: None", "None"),
    ("metric", "lambda outputs, targets: float('nan')", "nan"),
    ("metric", "lambda outputs, targets: float('inf')", "inf"),
    ("metric", "lambda outputs, targets: outputs", "64"),
    ("metric", "lambda outputs, targets: 1j", "complex"),
    ("metric", "lambda outputs, targets: torch.tensor(torch.nan)", "nan"),
    ("schedule", "lambda optimizer: None", "None"),
    ("schedule", "lambda optimizer: 0.1", "float"),
    ("schedule", "lambda optimizer: torch.optim.lr_scheduler.StepLR", "class"),
    ("prepare", "lambda inputs, targets: None", "None"),
    ("prepare", "lambda inputs, targets: (inputs, targets, 1)", "3"),
    ("prepare", "lambda inputs, targets: inputs", "Tensor"),
    ("clip", "-1.0", "-1"),
    ("clip", "0", "0"),
    ("clip", "float('nan')", "nan"),
    ("clip", "'1.0'", "str"),
    ("clip", "True", "bool"),
    ("clip", "(1.0,)", "tuple"),
    ("frozen", "5", "int"),
    ("frozen", "None", "None"),
    ("frozen", "(5,)", "int"),
    ("frozen", "('nothing.',)", "nothing"),
    ("frozen", "''", "frozen"),
    ("shuffle", "'no'", "str"),
    ("shuffle", "None", "None"),
    ("shuffle", "2", "2"),
)


def attacks() -> Sequence[Attack]:
    """Wrong values, wrong functions, wrong returns, wrong data, and what the user's own code raises."""
    return [*_fields(), *_returns(), *_data(), *_files(), *raising()]


def _fields() -> Iterator[Attack]:
    for name in ("model", "loss", "optimizer"):
        yield from (field(name, value) for value in WRONG_FUNCTIONS if (name, value) != ("model", "nn.ReLU"))
    for name in OPTIONAL:
        yield from (field(name, value) for value in WRONG_FUNCTIONS[1:])
    for name in ("batch_size", "steps"):
        yield from (field(name, value, "whole number") for value in WRONG_COUNTS)
    for name, value in CALLS.items():
        yield field(name, value, "argument")


def _returns() -> Iterator[Attack]:
    yield from (field(name, value, *words) for name, value, *words in RETURNS)
    for value, word in UNFIT_MODELS.items():
        yield checked("model", f"model={value}", problem_text(model=value), "train.py:", word)


def _data() -> Iterator[Attack]:
    for value, *words in WRONG_DATA:
        yield field("train", value, *words)
        if value != "None":
            yield field("validation", value, *words)
    seen = frozenset({1})
    for name, value in (("train", "(nan_x, y)"), ("train", "(x, y.float() * torch.nan)")):
        loss = "lambda outputs, targets: (outputs[:, 0] - targets.float()).square().mean()"
        text = problem_text(**{name: value, "loss": loss})
        yield checked("not finite", f"{name}={value}", text, "nan", codes=seen)
    real = {"model": "lambda: nn.Linear(8, 1)", "loss": "nn.functional.mse_loss", "train": "(x, x[:, :1])"}
    for value in ("(nan_x, x[:, :1])", "(x, nan_x[:, 2:3])", "(x, x[:, :1] * torch.inf)"):
        text = problem_text(**real, validation=value)
        yield checked("not finite", f"validation={value}", text, "validation", "nan", codes=seen)


def _files() -> Iterator[Attack]:
    """Files without a Problem, with several, with other things of that name, with wrong words in it."""
    good = problem_text()
    head, net = good.partition("problem =")[0], "net = nn.Linear(8, 4)\n"
    listed = good.replace("problem = ", "problems = ")
    broken = {
        "no problem": (head, "problem"),
        "a dictionary": (good.replace("levinthal.Problem(", "dict("), "problem", "dict"),
        "the class": (head + "problem = levinthal.Problem\n", "problem", "class"),
        "a function": (head + "def problem(): pass\n", "problem", "function"),
        "a list": (f"{listed}problem = [problems]\n", "problem", "did you mean"),
        "another name": (good.replace("problem = ", "probelm = "), "probelm"),
        "an unknown field": (problem_text(learning_rate="0.1"), "learning_rate", "train.py:"),
        "a misspelt field": (problem_text(optimizer="", optimiser="None"), "optimiser", "train.py:"),
        "no fields": (head + "problem = levinthal.Problem()\n", "model", "train.py:"),
        "by position": (head + "problem = levinthal.Problem(1, 2)\n", "train.py:"),
        "one field missing": (problem_text(loss=""), "loss", "train.py:"),
        "a typing error": (good.replace("(8, 4)", "(8, 4"), "train.py:", "SyntaxError"),
        "an unknown name": (good.replace("(x, y)", "(x, z)"), "train.py:", "'z'"),
        "an unknown module": ("import nothing_like_it\n" + good, "train.py:1", "nothing_like_it"),
        "deep nesting": (f"{good}deep = {'(' * 300}1{')' * 300}\n", "train.py"),
        "indentation": (f"{good}  x = 1\n", "train.py:", "IndentationError"),
        "Python 2": (f"{good}print 'x'\n", "train.py:", "SyntaxError"),
        "asserts": (f"{good}assert problem.steps > 100, 'too few'\n", "train.py:", "too few"),
        "the same network twice": (problem_text(net, model="lambda: net"), "model", "twice"),
    }  # fmt: skip
    for name, (text, *words) in broken.items():
        yield checked("files", name, text, *words)
    reads = problem_text("parser = argparse.ArgumentParser()\nparser.add_argument('--lr', required=True)\n")
    asks = reads.replace("problem =", "options = parser.parse_args()\nproblem =")
    yield checked("files", "arguments that are required", asks, "reads arguments", line_of(asks, "options ="))
    fine = frozenset({0, 1, 3, 4})
    optional = asks.replace("required=True", "default=0.1")
    yield checked("files", "arguments with defaults", optional, codes=fine)
    yield checked("files", "a good file", good, codes=fine)
    main = good.replace("problem = ", "problem = None\nif __name__ == '__main__':\n    problem = ", 1)
    yield checked("files", "a Problem under __main__", main, "problem", "None")
