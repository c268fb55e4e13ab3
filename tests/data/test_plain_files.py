from __future__ import annotations

import os
from pathlib import Path

import pytest

from levinthal.data.plain_files import open_to_read, open_to_write


def test_files_are_opened(tmp_path: Path) -> None:
    with open_to_write(tmp_path / "a") as file:
        file.write(b"abc")
    (tmp_path / "link").symlink_to("a")
    with open_to_read(tmp_path / "link") as file:
        assert file.read() == b"abc"
    with open_to_write(tmp_path / "a") as file:
        assert file.read() == b"abc"


@pytest.mark.parametrize("open_it", [open_to_read, open_to_write])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, open_it) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/null")):
        with pytest.raises(OSError, match=r"a pipe or a device|Is a directory"):
            open_it(path)


def test_what_is_written_goes_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / "link").symlink_to("mine")
    os.link(tmp_path / "mine", tmp_path / "second")
    for name in ("link", "second"):
        with pytest.raises(OSError, match=r"it is a (link|second name)"):
            open_to_write(tmp_path / name)
