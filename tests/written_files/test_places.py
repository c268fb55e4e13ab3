"""Where a path leads: devices, links, folders of the system, stores, and two options for one file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from levinthal.errors import InputError, StoreError
from levinthal.written_files import make_folder, require_apart, store_path
from levinthal.written_files.places import real_file


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("fifo")
    Path("folder").mkdir()
    Path("file").touch()
    for name, end in (
        ("a", "b"),
        ("b", "a"),
        ("null", "/dev/null"),
        ("out", "/dev/stdout"),
        ("link", "file"),
    ):
        Path(name).symlink_to(end)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("fifo", "is a device or a pipe"),
        ("null", "is a device or a pipe"),
        ("/dev/full", "is a device or a pipe"),
        ("/dev/x", "is in a folder of the system"),
        ("/proc/x", "is in a folder of the system"),
        ("/proc/self/fd/../x", "is in a folder of the system"),
        ("/sys/x", "is in a folder of the system"),
        ("folder", "is a folder: name the file to write"),
        ("a", "is a link that leads back to itself"),
    ],
)
@pytest.mark.usefixtures("here")
def test_what_is_no_file_is_one_line(path: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        real_file(Path(path), InputError)
    assert says in str(caught.value)


@pytest.mark.usefixtures("here")
def test_stdout_is_refused_also_where_it_is_a_file() -> None:
    saved, file = os.dup(1), os.open("file", os.O_WRONLY)
    os.dup2(file, 1)
    try:
        for path in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "out"):
            with pytest.raises(InputError, match="is in a folder of the system"):
                real_file(Path(path), InputError)
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(file)


def test_the_end_of_links_is_found(here: Path) -> None:
    assert real_file(Path("link"), InputError) == here.resolve() / "file"
    assert real_file(Path("new/x"), InputError) == here.resolve() / "new" / "x"
    assert real_file(Path("/dev/shm/x"), InputError) == Path("/dev/shm/x")


@pytest.mark.parametrize(
    "path", [":memory:", "file:x?mode=memory", "file://host/x", "", "x/", "fifo", "null"]
)
@pytest.mark.usefixtures("here")
def test_a_store_is_a_file(path: str) -> None:
    with pytest.raises(StoreError):
        store_path(path)


@pytest.mark.usefixtures("here")
def test_a_store_may_be_a_link() -> None:
    assert store_path("link") == Path("link")


@pytest.mark.usefixtures("here")
def test_a_folder_below_a_file_is_one_line() -> None:
    with pytest.raises(InputError, match=r"cannot make the folder file/x \(Not a directory\): name another"):
        make_folder(Path("file/x"))


@pytest.mark.usefixtures("here")
def test_two_options_that_name_one_file_are_refused() -> None:
    require_apart({"--output": Path("x"), "--csv": None, "--store": Path("y")})
    for other in ("file", "./file", "folder/../file", "link"):
        with pytest.raises(InputError, match=r"--output and --csv both name .*: give each its own file"):
            require_apart({"--output": Path("file"), "--csv": Path(other)})
