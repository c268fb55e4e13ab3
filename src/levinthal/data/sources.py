"""The published facts about each data set: files, checksums, mirrors.

Every checksum here is a published one. Those of MNIST and Fashion-MNIST are of the uncompressed content, so
they hold for a plain file and for any compression of it. Those of KMNIST are of the gzip files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "test"]
SPLITS: tuple[Split, Split] = ("train", "test")


@dataclass(frozen=True, slots=True)
class Checksum:
    """A published digest, of the uncompressed `content` or of the `gzip` file as it is served."""

    algorithm: Literal["md5", "sha256"]
    of: Literal["content", "gzip"]
    digest: str

    def compute(self, data: bytes) -> str:
        """The digest of `data` under this algorithm.

        >>> Checksum("md5", "content", "").compute(b"")
        'd41d8cd98f00b204e9800998ecf8427e'
        """
        return self.compute_from((data,))

    def compute_from(self, blocks: Iterable[bytes]) -> str:
        """The same of data that come in blocks."""
        digest = hashlib.new(self.algorithm, usedforsecurity=False)
        for block in blocks:
            digest.update(block)
        return digest.hexdigest()

    def matches(self, data: bytes) -> bool:
        """Whether `data` has the published digest."""
        return self.compute(data) == self.digest

    def disagreement(self, data: bytes) -> str:
        """Both digests in one phrase; empty if `data` has the published one."""
        return self.disagreement_of(self.compute(data))

    def disagreement_of(self, found: str) -> str:
        """The same for a digest that is computed already."""
        return "" if found == self.digest else f"its {self.algorithm} is {found}, published is {self.digest}"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One IDX file: its name without `.gz`, the size of its content in bytes, and its checksum."""

    name: str
    size: int
    checksum: Checksum

    @property
    def bound(self) -> int:
        """The most bytes that it has as it is served: gzip adds less than 1 % where nothing can be packed."""
        return self.size + self.size // 100 + 1024


@dataclass(frozen=True, slots=True)
class SplitFiles:
    """The images and the labels of one split."""

    images: SourceFile
    labels: SourceFile


@dataclass(frozen=True, slots=True)
class Source:
    """A data set of the MNIST family. `folders` are its usual folders under a data folder."""

    name: str
    about: str
    splits: Mapping[Split, SplitFiles]
    mirrors: tuple[str, ...]
    folders: tuple[str, ...]
    classes: int = 10

    def files(self) -> tuple[SourceFile, ...]:
        """Train images, train labels, test images, test labels: the order in which they are hashed."""
        return tuple(
            file for split in SPLITS for file in (self.splits[split].images, self.splits[split].labels)
        )

    def publishes(self, content: bytes) -> bool:
        """Whether `content` is the published content of one of the files."""
        checksums = (file.checksum for file in self.files() if file.size == len(content))
        return any(checksum.of == "content" and checksum.matches(content) for checksum in checksums)


def _splits(
    algorithm: Literal["md5", "sha256"], of: Literal["content", "gzip"], digests: tuple[str, str, str, str]
) -> dict[Split, SplitFiles]:
    train_images, train_labels, test_images, test_labels = (
        Checksum(algorithm, of, digest) for digest in digests
    )
    return {
        "train": SplitFiles(
            SourceFile("train-images-idx3-ubyte", 16 + 60_000 * 28 * 28, train_images),
            SourceFile("train-labels-idx1-ubyte", 8 + 60_000, train_labels),
        ),
        "test": SplitFiles(
            SourceFile("t10k-images-idx3-ubyte", 16 + 10_000 * 28 * 28, test_images),
            SourceFile("t10k-labels-idx1-ubyte", 8 + 10_000, test_labels),
        ),
    }


MNIST = Source(
    name="mnist",
    about="70,000 handwritten digits, 28 x 28, 10 classes (LeCun, Cortes, Burges)",
    splits=_splits(
        "md5",
        "content",
        (
            "6bbc9ace898e44ae57da46a324031adb",
            "a25bea736e30d166cdddb491f175f624",
            "2646ac647ad5339dbf082846283269ea",
            "27ae3e4e09519cfbb04c329615203637",
        ),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    folders=("mnist", "MNIST/raw"),
)

FASHION_MNIST = Source(
    name="fashion-mnist",
    about="70,000 pictures of clothing, 28 x 28, 10 classes (Xiao, Rasul, Vollgraf 2017)",
    splits=_splits(
        "md5",
        "content",
        (
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "9018921c3c673c538a1fc5bad174d6f9",
            "8181f5470baa50b63fa0f6fddb340f0a",
            "15d484375f8d13e6eb1aabb0c3f46965",
        ),
    ),
    mirrors=(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    folders=("fashion-mnist", "FashionMNIST/raw"),
)

KMNIST = Source(
    name="kmnist",
    about="70,000 cursive Japanese characters, 28 x 28, 10 classes (Clanuwat et al. 2018)",
    splits=_splits(
        "sha256",
        "gzip",
        (
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
    ),
    mirrors=("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    folders=("kmnist", "KMNIST/raw"),
)

SOURCES: dict[str, Source] = {source.name: source for source in (MNIST, FASHION_MNIST, KMNIST)}
