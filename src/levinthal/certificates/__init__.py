"""Held-out losses in, an upper limit of the true mean out; one certificate a file.

Each holds with a chance of at least 1 - delta for independent rows with losses in [0, 1]. For several models
that were fixed before the rows were seen, each takes its share of delta.
"""

from __future__ import annotations

from levinthal.certificates.bentkus import bentkus
from levinthal.certificates.betting import betting
from levinthal.certificates.clopper_pearson import clopper_pearson
from levinthal.certificates.empirical_bernstein import empirical_bernstein
from levinthal.certificates.hoeffding import hoeffding
from levinthal.certificates.kawaguchi import kawaguchi
from levinthal.certificates.mixture import mixture
from levinthal.certificates.relative_entropy import relative_entropy

__all__ = [
    "bentkus",
    "betting",
    "clopper_pearson",
    "empirical_bernstein",
    "hoeffding",
    "kawaguchi",
    "mixture",
    "relative_entropy",
]
