"""For tests: a fake provider, the suite every adapter passes, and the small driver it is written with.

An adapter kept outside this repository proves itself by inheriting :class:`AdapterContract` in its own tests; a
pipeline built on this library is tested against :class:`FakeProvider`, which needs no network and no key.
"""

from typing import TYPE_CHECKING, Any

from dramagen.testing.driver import Heard, Respond, always, drive, in_turn
from dramagen.testing.fake import FakeJob, FakeProvider

if TYPE_CHECKING:
    from dramagen.testing.contract import AdapterContract, Golden, Refusal, Report

__all__ = [
    "AdapterContract",
    "FakeJob",
    "FakeProvider",
    "Golden",
    "Heard",
    "Refusal",
    "Report",
    "Respond",
    "always",
    "drive",
    "in_turn",
]

_NEED_PYTEST = frozenset({"AdapterContract", "Golden", "Refusal", "Report"})


def __getattr__(name: str) -> Any:
    """The contract suite, on first use: it alone needs pytest."""
    if name not in _NEED_PYTEST:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pytest

    pytest.register_assert_rewrite("dramagen.testing.contract", "dramagen.testing.lives")
    from dramagen.testing import contract

    return getattr(contract, name)
