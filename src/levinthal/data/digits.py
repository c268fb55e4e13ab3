"""Scikit-learn's digits: 1,797 real handwritten digits of 8 x 8 pixels, embedded in that package."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64, UInt8

from levinthal.errors import DataError
from levinthal.vocabulary import Dataset

ABOUT = "1,797 handwritten digits, 8 x 8, 10 classes (Alpaydin, Kaynak 1998); embedded in scikit-learn"
TEST_SIZE = 600
FILE = "datasets/data/digits.csv.gz"


def load_digits() -> Dataset:
    """The embedded digits: 1,197 for training and 600 for testing, 64 pixels in [0, 1] (counts / 16).

    The split is deterministic (see `rows_for_testing`). Both parts keep the order of scikit-learn's file.
    The checksum is the SHA-256 of the pixel counts and labels as bytes: train, then test.
    """
    table = _table()
    pixels = np.ascontiguousarray(table[:, :-1])
    labels = table[:, -1].astype(np.int64)
    test = rows_for_testing(labels, TEST_SIZE)
    digest = hashlib.sha256()
    for rows in (~test, test):
        digest.update(pixels[rows].tobytes())
        digest.update(labels[rows].astype(np.uint8).tobytes())
    inputs = pixels.astype(np.float32) / np.float32(16)
    return Dataset(
        name="digits",
        train_inputs=inputs[~test],
        train_labels=labels[~test],
        test_inputs=inputs[test],
        test_labels=labels[test],
        classes=10,
        checksum=digest.hexdigest(),
    )


def _table() -> UInt8[np.ndarray, "n 65"]:
    """Pixel counts and label of every digit, from scikit-learn's file.

    Importing scikit-learn takes as long as training some of our networks, and only its file is needed.
    """
    package = find_spec("sklearn")
    folders = (package.submodule_search_locations or []) if package else []
    files = [file for folder in folders if (file := Path(folder, FILE)).is_file()]
    if not files:
        raise DataError(f"scikit-learn's {FILE} is not here: install it with `pip install scikit-learn`")
    return np.loadtxt(files[0], delimiter=",", dtype=np.uint8)


def rows_for_testing(labels: Int64[np.ndarray, " n"], size: int) -> Bool[np.ndarray, " n"]:
    """A mask of the `size` rows of the test split: stratified and deterministic.

    Class c with n_c rows gives q_c = size * n_c / n of them, rounded down. The classes with the largest
    remainders give one more row each until `size` is reached (of equal remainders, the smaller label first).
    Within a class, in file order, the j-th test row has rank floor((j + 1/2) n_c / q_c): evenly spaced.

    >>> rows_for_testing(np.array([0, 0, 0, 1, 1, 1, 1, 1, 1]), 3).astype(int)
    array([0, 1, 0, 0, 1, 0, 0, 1, 0])
    """
    classes, counts = np.unique(labels, return_counts=True)
    quotas, remainders = np.divmod(size * counts, len(labels))
    neediest = np.argsort(-remainders, kind="stable")
    quotas[neediest[: size - quotas.sum()]] += 1
    chosen = np.zeros(len(labels), dtype=np.bool_)
    for label, count, quota in zip(classes, counts, quotas, strict=True):
        ranks = (2 * np.arange(quota) + 1) * count // (2 * quota)
        chosen[np.flatnonzero(labels == label)[ranks]] = True
    return chosen
