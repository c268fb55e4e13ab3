from __future__ import annotations

import gzip
import re

import numpy as np
import pytest

from levinthal.data.idx import read_content
from levinthal.data.places import present
from levinthal.data.sources import MNIST, SOURCES, Checksum, Source, SourceFile


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_source_is_well_formed(source: Source) -> None:
    digits = {"md5": 32, "sha256": 64}
    for file in source.files():
        assert re.fullmatch(rf"[0-9a-f]{{{digits[file.checksum.algorithm]}}}", file.checksum.digest)
    assert len({file.checksum.digest for file in source.files()}) == 4
    assert source.mirrors
    assert all(re.fullmatch(r"https://.+/", mirror) for mirror in source.mirrors)
    assert source.folders[0] == source.name


def test_no_checksum_is_of_two_sets() -> None:
    digests = [file.checksum.digest for source in SOURCES.values() for file in source.files()]
    assert len(set(digests)) == len(digests) == 12


def test_mnists_checksums_and_sizes_are_those_of_the_real_files(real_data) -> None:
    paths = present(MNIST, real_data / "mnist")
    for file in MNIST.files():
        content = read_content(paths[file], axes=3 if "images" in file.name else 1)
        assert len(content) == file.size
        assert file.checksum.disagreement(content) == ""


def test_the_bound_leaves_room_for_gzip_that_packs_nothing() -> None:
    noise = np.random.default_rng(0).bytes(100_000)
    file = SourceFile("noise", len(noise), Checksum("md5", "content", ""))
    assert len(gzip.compress(noise)) <= file.bound
    assert len(gzip.compress(noise, 0)) <= file.bound
    assert file.bound < 1.03 * file.size
