from __future__ import annotations

import re

import pytest

from levinthal.data.idx import read_content
from levinthal.data.places import present
from levinthal.data.sources import MNIST, SOURCES, Source


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_every_source_is_well_formed(source: Source) -> None:
    digits = {"md5": 32, "sha256": 64}
    for file in source.files():
        assert re.fullmatch(rf"[0-9a-f]{{{digits[file.checksum.algorithm]}}}", file.checksum.digest)
    assert len({file.checksum.digest for file in source.files()}) == 4
    assert len(source.mirrors) >= 2
    assert all(re.fullmatch(r"https?://.+/", mirror) for mirror in source.mirrors)
    assert source.folders[0] == source.name


def test_no_checksum_is_of_two_sets() -> None:
    digests = [file.checksum.digest for source in SOURCES.values() for file in source.files()]
    assert len(set(digests)) == len(digests) == 12


def test_mnists_checksums_and_sizes_are_those_of_the_real_files(real_data) -> None:
    paths = present(MNIST, real_data / "mnist")
    for file in MNIST.files():
        content = read_content(paths[file])
        assert len(content) == file.size
        assert file.checksum.disagreement(content) == ""
