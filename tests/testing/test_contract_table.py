"""The table a run ends with: what the contract suite tried, by adapter and operation."""

import pytest

from dramagen.testing import AdapterContract
from dramagen.testing.covers import OPERATIONS, covered, covers, table

BOTH = {"submit": 4, "poll": 4}


def test_every_contract_test_says_what_it_is_about() -> None:
    tests = {
        name: getattr(AdapterContract, name) for name in dir(AdapterContract) if name.startswith("test_")
    }
    silent = {name for name, test in tests.items() if not covered(test)}
    assert silent == {"test_a_name_and_a_batch"}
    assert set().union(*map(covered, tests.values())) == set(OPERATIONS)


def test_an_operation_nobody_has_cannot_be_covered() -> None:
    with pytest.raises(ValueError, match="no operation is called dance"):
        covers("submit", "dance")


def test_cases_are_added_up_and_failures_stand_out() -> None:
    heads, ark, kling = table([
        (True, {"adapter": "kling", "operations": {"submit": 1}}),
        (True, {"adapter": "kling", "operations": BOTH, "place": "kling:intl", "backend": "trio"}),
        (True, {"adapter": "kling", "operations": {"submit": 4}, "place": "kling:cn", "backend": "asyncio"}),
        (False, {"adapter": "kling", "operations": {"poll": 1}, "place": "kling:moon", "backend": "trio"}),
        (True, {"adapter": "ark", "operations": {"sign": 2}}),
    ])  # fmt: skip
    assert heads == ["adapter", *OPERATIONS, "regions", "backends"]
    row = dict(zip(heads, kling, strict=True))
    assert (row["submit"], row["poll"], row["find"]) == ("9", "4, 1 FAILED", "0")
    assert (row["regions"], row["backends"]) == ("kling cn intl", "asyncio trio")
    assert dict(zip(heads, ark, strict=True))["sign"] == "2"
