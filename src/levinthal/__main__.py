"""`python -m levinthal` is `levinthal`."""

from __future__ import annotations

import sys

from levinthal.cli import main

if __name__ == "__main__":
    sys.exit(main())
