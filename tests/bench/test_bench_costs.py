"""What a take of a benchmark cost: of the journal's jobs those that were bought for it, and no others."""

from collections.abc import Callable
from typing import Any

from dramagen.bench.filming import _Books
from dramagen.bench.take import Take
from dramagen.catalog.route import Route
from dramagen.engine.entries import Entry
from dramagen.engine.state import JobState
from dramagen.money import Money

Make = Callable[..., Take]


def entry(name: str, cost: str, **more: Any) -> Entry:
    known: dict[str, Any] = {
        "id": name, "shot_hash": "of the suite", "shot_id": "a", "name": "a", "episode": "bench tiny", "take": 1,
        "generation": 0, "route": Route.from_id("kling:cn/kling-3.0"), "state": JobState.FAILED, "owner": "o",
        "tag": "t", "reserved": Money("9 CNY"), "cost": Money(cost), "cost_source": "reported",
        "vendor_id": None, "error": None, "result": None, "created": 0.0, "updated": 0.0,
    }  # fmt: skip
    return Entry(**(known | more))


def test_a_later_shot_of_the_same_id_is_no_part_of_a_failed_take(make_take: Make) -> None:
    episode = entry("later", "5 CNY", shot_hash="of an episode", episode="雨夜", state=JobState.DONE)
    books = _Books.of([entry("first", "1 CNY"), entry("again", "2 CNY"), episode], "bench tiny")
    assert books.costed(make_take(state="failed", cost=None)).cost == Money("3 CNY")


def test_a_clip_an_episode_paid_for_cost_what_it_cost_there(make_take: Make) -> None:
    books = _Books.of([entry("theirs", "5 CNY", episode="雨夜", state=JobState.DONE)], "bench tiny")
    assert books.costed(make_take(cost=None, job_id="theirs")).cost == Money("5 CNY")
