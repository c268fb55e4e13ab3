"""IDX files that are none, and folders of them, for `data list`, `data get` and `study run`."""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from benchmarks.abuse.attack import Attack
from benchmarks.abuse.getting import GET, SMALL, said, settle
from benchmarks.abuse.loopback import FOLDER, good, served, zipped
from benchmarks.abuse.servers import bomb

RUN = "study run init-and-momentum --preset standard --data-dir sets --workers 1 --seeds 1 --output p.html"
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
Odd = Callable[[Path], object]


def _put(folder: Path, odd: str, make: Odd, *, suffix: str = ".gz") -> None:
    """The four right files, but one that is made odd."""
    (folder / FOLDER).mkdir(parents=True)
    (folder / "mine.txt").write_bytes(b"the user's own work\n")
    for name, content in SMALL.items():
        path = folder / FOLDER / (name + suffix)
        if name == odd:
            make(path)
        else:
            path.write_bytes(gzip.compress(content, 1) if suffix else content)


def _loading(kind: str, name: str, make: Odd, *says: str, odd: str = IMAGES, suffix: str = ".gz") -> Attack:
    def act(folder: Path) -> int:
        del folder
        settle()
        return said(RUN)

    def prepare(folder: Path) -> None:
        _put(folder, odd, make, suffix=suffix)

    kept = (str(FOLDER / (odd + suffix)), "mine.txt")
    return Attack(kind, name, act, ("train", *says), kept=kept, prepare=prepare)


def _bytes(content: bytes) -> Odd:
    return lambda path: path.write_bytes(content)


def _header(magic: bytes, *lengths: int) -> bytes:
    return magic + b"".join(struct.pack(">I", length) for length in lengths)


def _headers() -> list[Attack]:
    right, body = bytes([0, 0, 8, 3]), SMALL[IMAGES][16:]
    magics = {f"magic 0x{wrong.hex()}": wrong for wrong in _magics()}
    found = {name: magic + SMALL[IMAGES][4:] for name, magic in magics.items()}
    sizes = (0, 1, 299, 301, 2**16, 2**31 - 1, 2**31, 2**32 - 1)
    for axis in range(3):
        for size in sizes:
            lengths = [300, 28, 28]
            lengths[axis] = size
            found[f"axis {axis} of length {size}"] = _header(right, *lengths) + body
    found |= {
        "all lengths huge": _header(right, *[2**32 - 1] * 3) + body,
        "two huge lengths and a 0": _header(right, 2**32 - 1, 2**32 - 1, 0),
        "all lengths 0": _header(right, 0, 0, 0),
        "no images": _header(right, 0, 28, 28),
        "little-endian": right + struct.pack("<3I", 300, 28, 28) + body,
    }
    return [
        _loading("header", f"{name}{', plain' * (not suffix)}", _bytes(pack(content)), suffix=suffix)
        for name, content in found.items()
        for suffix, pack in ((".gz", gzip.compress), ("", bytes))
    ]


def _magics() -> list[bytes]:
    wrong = [bytes([0, 0, kind, 3]) for kind in (0, 7, 9, 0xB, 0xC, 0xD, 0xE, 255)]
    wrong += [bytes([0, 0, 8, axes]) for axes in (0, 1, 2, 4, 255)]
    return [*wrong, b"\x00\x01\x08\x03", b"\x01\x00\x08\x03", b"\xff\xff\xff\xff", b"PK\x03\x04", b"\x89PNG"]


def _lengths() -> list[Attack]:
    content, packed = SMALL[IMAGES], gzip.compress(SMALL[IMAGES], 1)
    found: dict[str, bytes] = {
        **{f"the first {size} bytes": content[:size] for size in (0, 1, 2, 3, 4, 15, 16, 17, 1000)},
        **{f"the first {size} bytes of gzip": packed[:size] for size in (2, 9, 10, 11, 1000, 200_000)},
        "one byte too long": content + b"!",
        "one byte too long, packed": gzip.compress(content + b"!"),
        "one byte changed": gzip.compress(content[:-1] + b"?"),
        "other data after the gzip": packed + b"other",
        "a bit of the gzip is wrong": packed[:5000] + bytes([packed[5000] ^ 1]) + packed[5001:],
        "the wrong sum after the gzip": packed[:-8] + bytes(8),
        "gzip within gzip": gzip.compress(packed),
        "a bomb of 300 MB of zeros": bomb(300 << 20),
        "a bomb of 300 MB with a right header": _bomb(_header(bytes([0, 0, 8, 3]), 300, 28, 28), 300),
        "a bomb of 2 GB that keeps its promise": _bomb(_header(bytes([0, 0, 8, 3]), 2**20, 32, 64), 2048),
        "a method of packing that is unknown": packed[:2] + b"\x63" + packed[3:],
        "100,000 empty members": gzip.compress(b"", mtime=0) * 100_000,
        "an HTML page": b"<!doctype html><html></html>",
        "a pointer of LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
        "a pickle": b"\x80\x04\x95cos\nsystem\n(S'touch hurt'\ntR.",
        "an array of numpy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O'}",
        "labels in its place": SMALL[LABELS],
        "the test images in its place": SMALL["t10k-images-idx3-ubyte"],
    }
    return [_loading("length and content", name, _bytes(content)) for name, content in found.items()]


def _bomb(head: bytes, megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(1 << 20)
    return b"".join(
        [packer.compress(head), *(packer.compress(block) for _ in range(megabytes)), packer.flush()]
    )


def _labels() -> list[Attack]:
    head = _header(bytes([0, 0, 8, 1]), 300)
    found = {
        "10 among 10 classes": head + bytes(299) + b"\x0a",
        "255 everywhere": head + b"\xff" * 300,
        "one less than images": _header(bytes([0, 0, 8, 1]), 299) + bytes(299),
        "one more than images": _header(bytes([0, 0, 8, 1]), 301) + bytes(301),
        "none": _header(bytes([0, 0, 8, 1]), 0),
        "images in their place": SMALL[IMAGES],
    }

    def attack(name: str, content: bytes) -> Attack:
        made = _loading("labels", name, _bytes(gzip.compress(content)), odd=LABELS)
        return Attack(made.kind, made.name, made.act, ("train",), kept=made.kept, prepare=made.prepare)

    return [attack(name, content) for name, content in found.items()]


def _kinds() -> dict[str, Odd]:
    return {
        "a FIFO": lambda path: os.mkfifo(path),
        "a folder": lambda path: path.mkdir(),
        "a link to nothing": lambda path: path.symlink_to("gone"),
        "a link to itself": lambda path: path.symlink_to(path.name),
        "a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
        "a link to /dev/tty": lambda path: path.symlink_to("/dev/tty"),
        "a link to the user's file": lambda path: path.symlink_to("../../mine.txt"),
        "a sparse file of 1 TB": lambda path: _sparse(path, 1 << 40),
        "a sparse file of 1 TB with a header": lambda path: _sparse(path, 1 << 40, SMALL[IMAGES][:16]),
        "missing": _nothing,
        "that nobody may read": _unreadable,
    }


def _nothing(path: Path) -> None:
    del path


def _sparse(path: Path, size: int, head: bytes = b"") -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    path.write_bytes(head)
    os.truncate(path, min(size, 1 << 43))


def _unreadable(path: Path) -> None:
    path.write_bytes(b"")
    path.chmod(0)


def _files() -> list[Attack]:
    lines = (RUN, "data list --data-dir sets", GET)
    return [_kind_attack(name, make, line) for name, make in _kinds().items() for line in lines]


def _kind_attack(name: str, make: Odd, line: str) -> Attack:
    """`data list` shows the state and ends well; `data get` may repair what is missing alone."""

    def act(folder: Path) -> int:
        del folder
        settle()
        words = f"{line} {served(good, zipped(SMALL))}" if line == GET else line
        return said(words)

    # Sparse files are not compared: they would be read.
    odd = () if "sparse" in name or (line == GET and name == "missing") else (f"{FOLDER / IMAGES}.gz",)
    codes = {0} if "list" in line or (line == GET and name == "missing") else {2}
    says = ("mnist",) if "list" in line else (IMAGES,) if codes == {2} else ()
    return Attack(
        "file", f"{name}: {line[:9]}", act, says, frozenset(codes), ("mine.txt", *odd),
        lambda folder: _put(folder, IMAGES, make),
    )  # fmt: skip


def _saying(line: str, folder: Path) -> int:
    del folder
    return said(line)


def _making(make: Callable[[Path], object], folder: Path) -> object:
    return make(folder / "sets")


def _folders() -> list[Attack]:
    def of(make: Odd, *says: str) -> tuple[Odd, tuple[str, ...]]:
        return make, says

    makers = {
        "is a file": of(lambda path: path.write_bytes(b""), "is a file"),
        "is a FIFO": of(lambda path: os.mkfifo(path), "pipe"),
        "is a device": of(lambda path: path.symlink_to("/dev/null"), "device"),
        "is a link to nothing": of(lambda path: path.symlink_to("gone"), "nothing"),
        "is a link to itself": of(lambda path: path.symlink_to("sets")),
        "is not there": of(_nothing, "does not exist"),
    }
    lines = (RUN, "data list --data-dir sets", f"{GET} http://127.0.0.1:9")
    return [
        Attack(
            "folder",
            f"{name}: {line[:9]}",
            partial(_saying, line),
            ("sets", *says),
            prepare=partial(_making, make),
        )
        for name, (make, says) in makers.items()
        for line in lines
        if not (name == "is not there" and line.startswith(GET))
    ]  # fmt: skip


def attacks() -> Sequence[Attack]:
    """Every malformed file and folder."""
    return [*_headers(), *_lengths(), *_labels(), *_files(), *_folders()]
