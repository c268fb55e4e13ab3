"""The repository root on `sys.path`, so that a script run by its path imports `benchmarks.faults`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
