"""Names and numbers that no estimate can be made with."""

from __future__ import annotations

from typing import Any

import pytest

from levinthal.errors import InputError
from levinthal.estimators.settings import Settings


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"units": "bit"}, "unknown unit 'bit': did you mean 'bits'"),
        ({"checks": "ful"}, "unknown checks 'ful': did you mean 'full'"),
        ({"checks": "all"}, "unknown checks 'all': did you mean 'full'? (none, null, full)"),
        ({"compat": "npet"}, "unknown compat 'npet': did you mean 'npeet'"),
        ({"k": 0}, "k=0 is less than 1"),
        ({"components": -1}, "components=-1 is less than 1"),
        ({"threads": 0}, "threads=0 is less than 1"),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as caught:
        Settings(**wrong)
    assert says in str(caught.value)
