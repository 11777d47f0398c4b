"""What the benchmarks reckon, and that every table of theirs has its place on the page."""

import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HOUSE = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import a script of the folder, which sees its neighbours as it does when it is run, and forget it again."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(HOUSE / "benchmarks"))

    def imported(name: str) -> ModuleType:
        return import_module(name)

    yield imported
    for name in set(sys.modules) - before:
        if str(HOUSE / "benchmarks") in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_at_once_counts_the_jobs_that_overlap(script: Any) -> None:
    at_once = script("inflight").at_once
    assert at_once([]) == 0
    assert at_once([(0, 10), (1, 10), (9, 12)]) == 3
    assert at_once([(0, 10), (10, 20), (20, 30)]) == 1, "one that ends as the next begins is not beside it"


def test_a_wave_is_judged_by_what_the_vendor_saw(script: Any) -> None:
    inflight = script("inflight")
    vendor = {
        "jobs": {"a": (0, 20), "b": (5, 25), "c": (30, 50)},
        "requests": {"poll": 5, "find": 1, "create": 3},
    }
    row = inflight.seen(inflight.Load(jobs=3, over=60, warm_up=0), vendor, {"a": 20.5, "b": 26.5, "x": 1.0})
    assert (row["submit_s"], row["at_once"], row["polls_per_job"]) == (30, 2, 2)
    assert (row["lag_mean_s"], row["lag_max_s"]) == (1.0, 1.5)
    assert row["no_verdict"] == 1
    assert "jobs_made" not in row


def test_a_lost_create_sent_twice_shows(script: Any) -> None:
    inflight = script("inflight")
    vendor = {"jobs": {"a": (0, 20), "b": (0, 20)}, "requests": {}}
    row = inflight.seen(inflight.Load(jobs=1, over=0, warm_up=0), vendor, {"a": 21})
    assert row["jobs_made"] == 2


def test_every_table_has_one_place_on_the_page(script: Any) -> None:
    page = (HOUSE / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"<!-- (?!end of )(\S+) -->", page)) == sorted(script("run").ALL)


def test_every_other_library_has_a_way_to_wait_and_an_order_of_ours_beside_it(script: Any) -> None:
    peers = script("peers").PEERS
    assert {peer.name for peer in peers} == set(script("waiting").WAITERS)
    assert {peer.vendor for peer in peers} == set(script("watching_peers").ORDERS)
