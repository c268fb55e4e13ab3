"""A file is whole or absent; what is not ours stays; what killed processes left is removed."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from levinthal.errors import InputError, StoreError
from levinthal.written_files import new_file, whole_file, writable, write_whole
from levinthal.written_files.kinds import PAGE, ROWS

OLD, NEW = "<!doctype html>\nMade by levinthal: old", "<!doctype html>\nMade by levinthal: new"
KILLED = """import os, signal, sys
from levinthal.written_files import whole_file
from levinthal.written_files.kinds import PAGE

with whole_file(sys.argv[1], PAGE) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_folders_are_made_and_old_pages_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "page.html"
    write_whole(path, OLD, PAGE)
    assert write_whole(path, NEW, PAGE) == path
    assert path.read_text() == NEW
    assert names(path.parent) == ["page.html"]


def test_a_device_or_a_pipe_is_not_replaced_by_a_page(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "page.html")
    with pytest.raises(StoreError, match=r"page\.html is a device or a pipe: name the file"):
        write_whole(tmp_path / "page.html", NEW, PAGE)
    assert (tmp_path / "page.html").is_fifo()


def test_a_file_of_the_user_is_not_replaced(tmp_path: Path) -> None:
    for text in ("mine", "<!doctype html>\nmine", "Made by levinthal"):
        path = tmp_path / "page.html"
        path.write_text(text)
        with pytest.raises(StoreError, match=r"exists and is not a page of levinthal: name another file"):
            write_whole(path, NEW, PAGE)
        with pytest.raises(InputError, match=r"exists and is not a page of levinthal: name another file"):
            writable(path, PAGE)
        assert path.read_text() == text


def test_an_empty_file_holds_nothing_to_lose(tmp_path: Path) -> None:
    (tmp_path / "page.html").touch()
    assert write_whole(tmp_path / "page.html", NEW, PAGE).read_text() == NEW


def test_a_link_is_written_through_and_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    link = tmp_path / "page.html"
    link.symlink_to("there/new.html")
    for text in (OLD, NEW):
        write_whole(link, text, PAGE)
        assert link.is_symlink()
        assert (tmp_path / "there" / "new.html").read_text() == text
    assert names(tmp_path) == ["page.html", "there"]


def test_a_hard_link_keeps_what_it_had(tmp_path: Path) -> None:
    write_whole(tmp_path / "page.html", OLD, PAGE)
    os.link(tmp_path / "page.html", tmp_path / "copy.html")
    write_whole(tmp_path / "page.html", NEW, PAGE)
    assert (tmp_path / "copy.html").read_text() == OLD


def test_a_failed_write_leaves_the_old_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_whole(tmp_path / "page.html", OLD, PAGE)

    def full(source: object, target: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StoreError, match="No space left on device"):
        write_whole(path, NEW, PAGE)
    assert path.read_text() == OLD
    assert names(tmp_path) == ["page.html"]


def test_what_is_interrupted_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with whole_file(tmp_path / "page.html", PAGE) as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert names(tmp_path) == []


def test_the_half_file_of_a_killed_process_is_removed_by_the_next_write(tmp_path: Path) -> None:
    words = [sys.executable, "-c", KILLED, str(tmp_path / "page.html")]
    assert subprocess.run(words, check=False).returncode == -signal.SIGKILL
    (left,) = names(tmp_path)
    assert left.startswith(".levinthal-")
    write_whole(tmp_path / "page.html", NEW, PAGE)
    assert names(tmp_path) == ["page.html"]


def test_half_files_of_living_processes_and_files_of_the_user_stay(tmp_path: Path) -> None:
    living = tmp_path / ".levinthal-1-0123abcd.part"
    mine = {".levinthal-notes.part", "levinthal-1-0123abcd.part", ".levinthal-1-0123abcd.part.bak"}
    for name in mine:
        (tmp_path / name).touch()
    (tmp_path / ".levinthal-2-0123abcd.part").symlink_to(tmp_path / "levinthal-1-0123abcd.part")
    os.mkfifo(tmp_path / ".levinthal-3-0123abcd.part")
    with living.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = names(tmp_path)
        write_whole(tmp_path / "page.html", NEW, PAGE)
        assert names(tmp_path) == sorted([*before, "page.html"])
    write_whole(tmp_path / "page.html", NEW, PAGE)
    assert not living.exists()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot write .*page\.html: .*: give a folder") as caught:
        write_whole(tmp_path / "file" / "page.html", "x", PAGE)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="Permission denied"):
        write_whole(tmp_path / "page.html", "x", PAGE)


def test_a_read_only_page_is_not_replaced(tmp_path: Path) -> None:
    write_whole(tmp_path / "page.html", OLD, PAGE).chmod(0o444)
    with pytest.raises(StoreError, match="is read-only: name another file"):
        write_whole(tmp_path / "page.html", NEW, PAGE)


def test_a_new_file_has_the_mode_of_the_umask_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        path = write_whole(tmp_path / "page.html", OLD, PAGE)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o600)
        assert stat.S_IMODE(write_whole(path, NEW, PAGE).stat().st_mode) == 0o600
    finally:
        os.umask(mask)


def test_a_name_as_long_as_names_can_be(tmp_path: Path) -> None:
    assert write_whole(tmp_path / ("x" * 255), NEW, PAGE).exists()
    with pytest.raises(StoreError, match="File name too long"):
        write_whole(tmp_path / ("x" * 256), NEW, PAGE)


def test_looking_leaves_nothing_and_gives_the_path(tmp_path: Path) -> None:
    assert writable(tmp_path / "page.html", PAGE) == tmp_path / "page.html"
    assert names(tmp_path) == []


def test_a_new_file_replaces_nothing(tmp_path: Path) -> None:
    assert new_file(tmp_path / "a.py", "one").read_text() == "one"
    (tmp_path / "b.py").symlink_to("nothing")
    for name in ("a.py", "b.py"):
        with pytest.raises(StoreError, match=rf"{name} exists: name another file"):
            new_file(tmp_path / name, "two")
    assert (tmp_path / "a.py").read_text() == "one"
    assert names(tmp_path) == ["a.py", "b.py"]


def test_a_table_of_rows_is_known_by_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("width,seed,step,layer,name,condition,value\n")
    assert ROWS.wrote(path)
    path.write_text("a,b\n1,2\n")
    assert not ROWS.wrote(path)
