"""`python -m levinthal` is `levinthal`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

if __name__ == "__main__":
    # `-m` puts the current folder first: a user's random.py or torch.py there would stand for the library.
    with suppress(FileNotFoundError):  # the folder may be deleted, which `main` reports
        if not sys.flags.safe_path and sys.path[:1] == [os.getcwd()]:
            del sys.path[0]
    from levinthal.cli import main

    sys.exit(main())
