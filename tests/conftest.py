"""For every test: shapes checked at run time, one thread, the same examples each time."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from types import ModuleType

os.environ.setdefault("OMP_NUM_THREADS", "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a job in the background of a shell
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest
from beartype import BeartypeConf, beartype
from hypothesis import settings
from jaxtyping import install_import_hook

SOURCE = Path(__file__).parent.parent / "src"
# numba compiles its kernels itself; the long table has one shape, and is asked some hundred thousand times
UNCHECKED = ("_kernels", "kernels", "storage", "__init__.py")


def checked_modules() -> list[str]:
    """Every module that names shapes: what they annotate is enforced while the tests run.

    The others have types alone, which mypy checks without a run.
    """
    files = [path.relative_to(SOURCE) for path in sorted((SOURCE / "levinthal").rglob("*.py"))]
    checked = (path for path in files if not any(part.startswith(UNCHECKED) for part in path.parts))
    shaped = (path for path in checked if "jaxtyping" in (SOURCE / path).read_text())
    return [".".join(path.with_suffix("").parts) for path in shaped]


# where Python's typing says float, an int will do
checker = ModuleType("checker_of_the_tests")
checker.__dict__["check"] = beartype(conf=BeartypeConf(is_pep484_tower=True))
sys.modules[checker.__name__] = checker
install_import_hook(checked_modules(), "checker_of_the_tests.check")
settings.register_profile("same", deadline=None, max_examples=50, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a chromium, for `--headless --dump-dom`; the test is skipped where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("needs chromium: apt install chromium")
    return path
