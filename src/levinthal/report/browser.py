"""A headless chromium, driven by its command line alone: no package, no port, no request."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from levinthal.errors import StoreError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
)  # fmt: skip


def find_browser(browser: str | None = None) -> str:
    """The path of `browser`, or of the first chromium found. Raises StoreError where there is none."""
    for name in (browser,) if browser else NAMES:
        path = shutil.which(name)
        if path:
            return path
    missing = f"'{browser}' is not a program" if browser else f"found none of {', '.join(NAMES)}"
    raise StoreError(f"SVG files need a chromium, and {missing}: install chromium, or pass browser=PATH")


def settled_page(page: Path, browser: str, *, query: str = "", size: tuple[int, int] = (1440, 1000),
                 patience: float = 120.0) -> str:  # fmt: skip
    """The page's HTML once its scripts have run. Raises StoreError where the browser fails or hangs."""
    with tempfile.TemporaryDirectory(prefix="levinthal-browser-", ignore_cleanup_errors=True) as profile:
        command = [
            browser, *_FLAGS, f"--user-data-dir={profile}", f"--window-size={size[0]},{size[1]}",
            "--virtual-time-budget=60000", "--dump-dom", page.resolve().as_uri() + query,
        ]  # fmt: skip
        try:
            run = subprocess.run(command, capture_output=True, timeout=patience, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StoreError(f"{browser} did not draw {page.name}: {error}") from error
    if run.returncode or not run.stdout:
        last = run.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no output"]
        raise StoreError(f"{browser} did not draw {page.name}: exit code {run.returncode}: {last[0]}")
    return run.stdout.decode()
