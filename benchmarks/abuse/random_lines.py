"""Random command lines, made of the words of the command line, of files that are there, and of nonsense."""

from __future__ import annotations

import random
import shlex
from collections.abc import Sequence

from benchmarks.abuse.attack import Attack, command

NUMBER = 300
SEED = 12
COMMANDS = (
    "study list",
    "study show",
    "study new",
    "study run",
    "study report",
    "study register",
    "data list",
    "data get",
    "check",
    "study",
    "data",
    "",
    "chekc",
    "study rnu",
)
NAMES = (
    "one-neuron-chain",
    "good.py",
    "good.py:problem",
    "broken.py",
    "script.py",
    "empty.py",
    "missing.py",
    "digits",
)
OPTIONS = shlex.split("""
    --preset --seeds --first-seed --set --store --data-dir --workers --device --again --registered --output
    --svg --csv --markdown --treat --steps --seconds --keep --json --sarif --against --script --every
    --help --version --verbose --base-url -h -x --no-json --
""")
VALUES = shlex.split("""
    0 1 3 -1 1.5 nan inf 1e9 99999999999999999999 quick standard quik cpu cuda auto page.html rows.csv
    store.sqlite width=20 width= =20 depth=nan . .. / /dev/null ~ ~nobody/x :memory: good.py broken.py
    page.html/x *
""")
NONSENSE = (
    "",
    " ",
    "-",
    "--",
    "\x1b[31m",
    "\u202eabc",
    "a b",
    "'",
    "\\",
    "%s",
    "{0}",
    "\n",
    "é",
    "👩",
    "A" * 300,
)
FILES = {
    "good.py": (
        "import torch\nfrom torch import nn\nfrom levinthal import Problem\n"
        "x = torch.randn(64, 4)\ny = (x[:, 0] > 0).long()\n"
        "problem = Problem(lambda: nn.Linear(4, 2), nn.functional.cross_entropy, (x, y), (x, y), steps=5)\n"
    ),
    "broken.py": "import no_such_module_at_all\nfrom levinthal import Problem\nproblem = Problem(1)\n",
    "script.py": "print('no training here')\n",
    "empty.py": "",
    "rows.csv": "the user's own\n",
}


def attacks() -> Sequence[Attack]:
    """Random lines with a fixed seed: each ends with a code of ours, and in time."""
    chance = random.Random(SEED)
    return [_line(chance, number) for number in range(NUMBER)]


def _line(chance: random.Random, number: int) -> Attack:
    words = chance.choice(COMMANDS).split()
    words += [chance.choice(NAMES) for _ in range(chance.choice((0, 1, 1, 1, 2)))]
    for _ in range(chance.randint(0, 4)):
        words.append(chance.choice(OPTIONS))
        words += [chance.choice((*VALUES, *NONSENSE)) for _ in range(chance.choice((0, 1, 1, 1)))]
    if chance.random() < 0.2:
        words.insert(chance.randint(0, len(words)), chance.choice(NONSENSE))
    name = f"{number}: {' '.join(words)[:100]!r}"
    kept = ("good.py", "broken.py", "script.py", "empty.py")
    line, codes = shlex.join(words), {0, 1, 2, 3, 4}
    return command("random", line, files=FILES, codes=codes, name=name, kept=kept)
