"""Data made by code or found in the libraries: the text of Python's manual, digits, and small languages."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pydoc_data.topics import topics

import numpy as np
import torch
from benchmarks.faults.programs.transformers_idioms.common import Rows
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from torch.nn import functional
from transformers import PreTrainedTokenizerFast

LETTERS = "\n abcdefghijklmnopqrstuvwxyz.,'\"()-_"


@cache
def manual() -> str:
    """Python's own manual in lower case, with one space between words."""
    text = " ".join("\n".join(topics[name] for name in sorted(topics)).lower().split())
    return "".join(letter for letter in text if letter in LETTERS)


def characters(length: int, train: int, valid: int) -> tuple[Rows, Rows]:
    """Windows of the manual by character; the second set is from its end."""
    ids = torch.tensor([LETTERS.index(letter) for letter in manual()])
    return windows(ids, length, train, valid)


def windows(ids: Tensor, length: int, train: int, valid: int) -> tuple[Rows, Rows]:
    rows = ids[: len(ids) // length * length].view(-1, length)
    first, last = rows[:train], rows[-valid:]
    return Rows(input_ids=first, labels=first), Rows(input_ids=last, labels=last)


def word_tokenizer(sentences: list[str]) -> PreTrainedTokenizerFast:
    """One token a word, with the special tokens of a masked language model."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    counts = Counter(word for sentence in sentences for word in sentence.split())
    words = special + sorted(counts)
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


SUBJECTS = {
    "farm": (("farmer", "cow", "hen"), ("eats", "grows", "picks"), ("corn", "hay", "wheat"), ("field", "barn")),
    "sea": (("sailor", "whale", "crab"), ("catches", "hunts", "sees"), ("fish", "shells", "pearls"), ("bay", "reef")),
    "city": (("driver", "clerk", "guard"), ("parks", "sells", "repairs"), ("cars", "bikes", "trams"), ("street", "square")),
    "lab": (("chemist", "student", "robot"), ("mixes", "heats", "weighs"), ("acids", "salts", "metals"), ("hall", "cellar")),
}  # fmt: skip
ADJECTIVES = ("old", "quiet", "young", "busy")


def sentences(count: int, seed: int) -> tuple[list[str], list[int]]:
    """Sentences on four subjects and the number of the subject of each."""
    rng = np.random.default_rng(seed)
    texts, subjects = [], []
    for _ in range(count):
        subject = int(rng.integers(4))
        who, does, what, where = (str(rng.choice(words)) for words in list(SUBJECTS.values())[subject])
        adjective = f"{rng.choice(ADJECTIVES)} " if rng.random() < 0.5 else ""
        texts.append(f"the {adjective}{who} {does} {what} in the {where} .")
        subjects.append(subject)
    return texts, subjects


def digits(size: int = 8, seed: int = 0) -> tuple[Rows, Rows]:
    """The images of scikit-learn's digits, from -1 to 1, for training and for a test."""
    data = load_digits()
    images = torch.tensor(data.images, dtype=torch.float32)[:, None] / 8 - 1
    if size != 8:
        images = functional.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
    labels = torch.tensor(data.target)
    train, test = train_test_split(
        np.arange(len(labels)), test_size=0.25, stratify=data.target, random_state=seed
    )
    return (
        Rows(pixel_values=images[train], labels=labels[train]),
        Rows(pixel_values=images[test], labels=labels[test]),
    )


def sorting(count: int, length: int, symbols: int, seed: int) -> Rows:
    """Numbers, a bar, and the same numbers in order; only the second half has labels."""
    numbers = torch.randint(symbols, (count, length), generator=torch.Generator().manual_seed(seed))
    bar = torch.full((count, 1), symbols)
    ids = torch.cat([numbers, bar, numbers.sort(-1).values], dim=1)
    labels = ids.clone()
    labels[:, : length + 1] = -100
    return Rows(input_ids=ids, labels=labels)


def walks(start: Tensor, length: int, up: Tensor, random: torch.Generator) -> Tensor:
    """Walks on a ring of 16 numbers from a start; each goes on by 1 or 2 a step, up or down."""
    steps = torch.randint(1, 3, (len(start), length), generator=random)
    return (start[:, None] + torch.where(up[:, None], steps, -steps).cumsum(1)) % 16
