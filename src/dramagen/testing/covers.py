"""Which operations of an adapter a test is about, told with its result, so that a run can end with a table."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

CONTRACT = "dramagen.contract"
"""The name of the property a contract test's report carries: adapter, region, backend, and cases by operation."""

OPERATIONS = (
    "submit", "poll", "find", "deliver", "cancel", "receive", "probe", "fault", "sign", "wording",
)  # fmt: skip

TestT = TypeVar("TestT", bound=Callable[..., Any])


def covers(*operations: str) -> Callable[[TestT], TestT]:
    """Say which operations a test is about."""
    unknown = set(operations) - set(OPERATIONS)
    if unknown:
        raise ValueError(f"no operation is called {min(unknown)}")

    def mark(test: TestT) -> TestT:
        test.dramagen_covers = operations  # type: ignore[attr-defined]  # functions have room for it
        return test

    return mark


def covered(test: Callable[..., Any]) -> dict[str, int]:
    """One case for each operation the test is about."""
    return dict.fromkeys(getattr(test, "dramagen_covers", ()), 1)


def table(told: Iterable[tuple[bool, Mapping[str, Any]]]) -> list[list[str]]:
    """Rows of a table, the heads first, out of whether a test passed and its property.

    Adapters down, operations across: the cases that passed, and how many did not where there are any; then the
    regions a whole job was followed in, and on which async backends.
    """
    lines: dict[str, _Row] = {}
    for passed, cell in told:
        row = lines.setdefault(str(cell["adapter"]), _Row())
        (row.passed if passed else row.failed).update(cell["operations"])
        if passed and "place" in cell:
            row.places.add(cell["place"])
            row.backends.add(cell["backend"])
    return [
        ["adapter", *OPERATIONS, "regions", "backends"],
        *([name, *lines[name].cells()] for name in sorted(lines)),
    ]


@dataclass(slots=True)
class _Row:
    passed: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    places: set[str] = field(default_factory=set)
    backends: set[str] = field(default_factory=set)

    def cells(self) -> list[str]:
        regions: dict[str, list[str]] = {}
        for place in sorted(self.places):
            provider, _, region = place.partition(":")
            regions.setdefault(provider, []).append(region)
        return [
            *(self._cell(operation) for operation in OPERATIONS),
            "; ".join(f"{provider} {' '.join(named)}" for provider, named in regions.items()),
            " ".join(sorted(self.backends)),
        ]

    def _cell(self, operation: str) -> str:
        wrong = self.failed[operation]
        return f"{self.passed[operation]}" + (f", {wrong} FAILED" if wrong else "")
