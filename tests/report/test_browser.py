"""What a real browser makes of the page: every figure drawn, and nothing asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from levinthal.errors import StoreError
from levinthal.figures import DARK, LIGHT
from levinthal.report.browser import find_browser, settled_page

FIGURES = ("4a", "5b", "steps", "4b", "grid", "estimators", "speed", "scatter")


def attributes(html: str, name: str) -> dict[str, str]:
    """The data attributes of the root, or of a figure's plot."""
    pattern = r"<html[^>]*>" if name == "root" else rf'<div[^>]*data-figure="{name}"[^>]*>'
    tag = re.search(pattern, html)
    assert tag is not None
    return dict(re.findall(r'data-([a-z-]+)="([^"]*)"', tag[0]))


@pytest.mark.browser
@pytest.mark.parametrize(("theme", "size"), [("light", (1440, 900)), ("dark", (600, 900))])
def test_every_figure_is_drawn_and_nothing_is_requested(
    page: Path, chromium: str, theme: str, size: tuple[int, int]
) -> None:
    html = settled_page(page, chromium, query=f"?theme={theme}", size=size)
    root = attributes(html, "root")
    assert (root["errors"], root["blocked"], root["resources"]) == ("", "0", "0")
    assert root["painted"] == theme
    for figure in FIGURES:
        plot = attributes(html, figure)
        assert int(plot["drawn"]) == int(plot["expected"]) > 0, figure
        assert int(plot["width"]) <= size[0]
    assert {"light": LIGHT, "dark": DARK}[theme]["mlp"] not in ("", "token:mlp")
    assert "token:" not in re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)


@pytest.mark.browser
def test_a_page_that_asks_for_something_is_caught(page: Path, chromium: str, tmp_path: Path) -> None:
    asking = tmp_path / "asking.html"
    tag = '<img src="http://127.0.0.1:9/spy.png"></main>'
    asking.write_text(page.read_text("utf-8").replace("</main>", tag, 1), "utf-8")
    root = attributes(settled_page(asking, chromium), "root")
    assert root["blocked"] == "1"
    assert root["blocked-uri"].startswith("http://127.0.0.1:9")


@pytest.mark.browser
def test_a_figure_that_is_not_drawn_is_caught(page: Path, chromium: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    broken.write_text(page.read_text("utf-8").replace('"mlp":', '"nonesuch":'), "utf-8")
    html = settled_page(broken, chromium)
    assert "no colour" in attributes(html, "root")["errors"]
    assert "drawn" not in attributes(html, "4a")


def test_no_browser_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreError, match=r"found none of chromium, .*: install chromium"):
        find_browser()
    with pytest.raises(StoreError, match="'netscape' is not a program"):
        find_browser("netscape")


def test_a_browser_that_fails_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"false did not draw page\.html: exit code 1") as caught:
        settled_page(tmp_path / "page.html", "/bin/false")
    assert "\n" not in str(caught.value)


def test_a_browser_that_hangs_is_one_line(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec cat /dev/zero > /dev/null\n")
    slow.chmod(0o755)
    with pytest.raises(StoreError, match="timed out"):
        settled_page(tmp_path / "page.html", str(slow), patience=0.2)
