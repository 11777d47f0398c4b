"""Wan: looking for a create whose answer was lost, in a list without prompts and on clocks without zones."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from email.utils import formatdate
from typing import Any

import pytest
from httpx import Request, Response
from hypothesis import given
from hypothesis import strategies as st

from dramagen.adapters.base import Absent, Attempt, Ticket, Unsure
from dramagen.adapters.wan import DashScopeAdapter
from dramagen.catalog.order import Order
from dramagen.catalog.route import Route
from dramagen.testing import Heard, drive

CREATED = 1_795_312_800.0
ATTEMPT = Attempt(tag="a" * 24, created=CREATED, sent_until=CREATED + 30)
ORDER = Order(
    route=Route(provider="wan", region="cn", model="wan-3.0"),
    wire={"protocol": "wan3", "model": "wan3.0-video"},
    mode="text",
    prompt="a cat",
    duration=Decimal(5),
    resolution="480p",
    aspect_ratio="9:16",
    audio=False,
)
PROMPT = "a cat."


def entry(id_: str, seconds: Any = 1.0) -> dict[str, Any]:
    made = int((CREATED + seconds) * 1000) if isinstance(seconds, int | float) else seconds
    return {"task_id": id_, "status": "RUNNING", "model_name": "wan3.0-video", "gmt_create": made}


def shown(prompt: str | None = PROMPT, status: str = "SUCCEEDED") -> dict[str, Any]:
    return {"task_status": status} | ({} if prompt is None else {"orig_prompt": prompt})


class Vendor:
    """A list of tasks, and what each says of itself."""

    def __init__(self, tasks: Mapping[str, tuple[dict[str, Any], dict[str, Any]]], **changes: Any) -> None:
        self.tasks = dict(tasks)
        self.most = changes.pop("most", 100)
        self.refuses = changes.pop("refuses", False)
        self.changes = changes

    def __call__(self, request: Request) -> Response:
        path = request.url.path
        if path != "/api/v1/tasks/":
            id_ = path.rpartition("/")[2]
            told = {"task_id": id_} | self.tasks[id_][1]
            usage = told.pop("usage", None)
            return Response(200, json={"request_id": "g", "output": told, "usage": usage})
        query = request.url.params
        size, page = int(query["page_size"]), int(query["page_no"])
        if size > self.most and self.refuses:
            return Response(400, json={"code": "InvalidParameter", "message": "no", "request_id": "l"})
        size = min(size, self.most)
        rows = [listed for listed, _ in self.tasks.values()]
        body = {
            "request_id": "l",
            "total": len(rows),
            "page_no": page,
            "page_size": size,
            "data": rows[(page - 1) * size : page * size],
        }
        return Response(
            200, json=body | self.changes, headers={"date": formatdate(CREATED + 60, usegmt=True)}
        )


def look(vendor: Callable[[Request], Response], attempt: Attempt = ATTEMPT) -> Ticket | Absent | Unsure:
    return drive(DashScopeAdapter().find(ORDER, attempt), vendor)


def tasks(
    *given_: tuple[str, dict[str, Any], dict[str, Any]],
) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    return {id_: (listed, told) for id_, listed, told in given_}


def test_the_one_task_that_shows_the_prompt_is_ours() -> None:
    vendor = Vendor(tasks(("x", entry("x"), shown("a dog.")), ("y", entry("y"), shown())))
    assert look(vendor) == Ticket(id="y", route=ORDER.route)


def test_blanks_lost_on_the_way_do_not_hide_it() -> None:
    assert isinstance(look(Vendor(tasks(("y", entry("y"), shown("a cat. \n"))))), Ticket)


@pytest.mark.parametrize(
    ("usage", "ours"),
    [
        ({"duration": 5, "SR": 480}, True),
        ({"duration": 5.0, "output_video_duration": 5.0, "SR": "480"}, True),
        ({"duration": 9, "output_video_duration": 5}, True),
        ({"SR": None, "duration": "?"}, True),
        ({"duration": 5, "SR": 1080}, False),
        ({"duration": 10, "SR": 480}, False),
        (None, True),
    ],
)
def test_a_draft_of_the_same_words_is_another_job(usage: Any, ours: bool) -> None:
    found = look(Vendor(tasks(("y", entry("y"), shown() | {"usage": usage}))))
    assert isinstance(found, Ticket if ours else Absent)


def test_nothing_listed_is_absent() -> None:
    assert look(Vendor({})) == Absent()


def test_only_other_prompts_are_absent() -> None:
    assert look(Vendor(tasks(("x", entry("x"), shown("a dog."))))) == Absent()


def test_equal_prompts_in_flight_cannot_be_told_apart() -> None:
    found = look(Vendor(tasks(("x", entry("x"), shown()), ("y", entry("y"), shown()))))
    assert isinstance(found, Unsure)
    assert "2 tasks" in found.why


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "SUCCEEDED", "SUSPENDED", "THINKING", "UNKNOWN"])
def test_a_task_that_hides_its_prompt_settles_nothing_yet(status: str) -> None:
    hidden = ("x", entry("x"), shown(None, status))
    assert isinstance(look(Vendor(tasks(hidden))), Unsure)
    assert isinstance(look(Vendor(tasks(hidden, ("y", entry("y"), shown())))), Unsure)


@pytest.mark.parametrize("status", ["FAILED", "CANCELED"])
def test_one_that_failed_without_showing_it_is_not_absence(status: str) -> None:
    """It may be ours. But it does not keep a task that does show our prompt from being found."""
    mute = ("x", entry("x"), shown(None, status))
    assert isinstance(look(Vendor(tasks(mute))), Unsure)
    assert isinstance(look(Vendor(tasks(mute, ("y", entry("y"), shown())))), Ticket)


@pytest.mark.parametrize(
    ("made", "ours"), [(-119, True), (-121, False), (149, True), (151, False), ("soon", True)]
)
def test_only_what_was_made_while_it_was_under_way(made: Any, ours: bool) -> None:
    found = look(Vendor(tasks(("y", entry("y", made), shown()))))
    assert isinstance(found, Ticket if ours else Absent)


def test_the_window_holds_whether_times_are_chinas_or_utc() -> None:
    heard = Heard(Vendor({}))
    look(heard)
    query = heard.requests[0].url.params
    assert query["model_name"] == "wan3.0-video"
    for zone in (UTC, timezone(timedelta(hours=8))):
        start, end = (
            datetime.strptime(query[name], "%Y%m%d%H%M%S").replace(tzinfo=zone).timestamp()
            for name in ("start_time", "end_time")
        )
        assert start <= CREATED - 119
        assert end >= CREATED + 149
        assert end - start < 24 * 3600


@pytest.mark.parametrize(("most", "refuses"), [(100, False), (10, False), (10, True)])
def test_every_page_is_read_whatever_the_vendor_makes_of_its_size(most: int, refuses: bool) -> None:
    many = {f"t{n}": (entry(f"t{n}", 3600), shown("a dog.")) for n in range(25)}
    many["last"] = (entry("last"), shown())
    heard = Heard(Vendor(many, most=most, refuses=refuses))
    assert look(heard) == Ticket(id="last", route=ORDER.route)
    asked = [r for r in heard.requests if r.url.path != "/api/v1/tasks/"]
    assert [r.url.path for r in asked] == ["/api/v1/tasks/last"]


@pytest.mark.parametrize(
    "changes",
    [
        {"total": 3},
        {"total": None},
        {"total": True},
        {"total": 0},
        {"data": None},
        {"data": [], "total": 9},
        {"total": 10_000, "data": [{"task_id": "z"}]},
    ],
)
def test_a_list_that_is_not_whole_settles_nothing(changes: dict[str, Any]) -> None:
    assert isinstance(look(Vendor(tasks(("x", entry("x"), shown("a dog."))), **changes)), Unsure)


def test_an_endless_list_is_given_up() -> None:
    count = iter(range(1_000_000))

    def endless(_: Request) -> Response:
        return Response(200, json={"total": 10_000, "data": [{"task_id": str(next(count))}]})

    assert isinstance(look(endless), Unsure)
    assert next(count) < 100


def test_too_many_candidates_are_not_looked_at() -> None:
    many = {f"t{n}": (entry(f"t{n}"), shown()) for n in range(41)}
    heard = Heard(Vendor(many))
    assert isinstance(look(heard), Unsure)
    assert len(heard.requests) == 1


def test_beyond_a_day_the_list_proves_nothing() -> None:
    old = Attempt(tag="a" * 24, created=CREATED - 86_400, sent_until=CREATED - 86_370)
    assert isinstance(look(Vendor({}), old), Unsure)


def test_a_candidate_that_cannot_be_read_settles_nothing() -> None:
    vendor = Vendor(tasks(("y", entry("y"), shown())))

    def throttled(request: Request) -> Response:
        if request.url.path != "/api/v1/tasks/":
            return Response(429, json={"code": "Throttling", "message": "no", "request_id": "g"})
        return vendor(request)

    found = look(throttled)
    assert isinstance(found, Unsure)
    assert "too many requests" in found.why


@given(
    others=st.lists(
        st.tuples(
            st.sampled_from(["a dog.", PROMPT, None]),
            st.sampled_from(["SUCCEEDED", "FAILED", "RUNNING"]),
            st.sampled_from([-4000, 5, 4000]),
        ),
        max_size=6,
    )
)
def test_it_never_takes_what_may_be_anothers_nor_denies_what_may_be_ours(others: list[Any]) -> None:
    listed = {
        f"t{n}": (entry(f"t{n}", made), shown(prompt, status))
        for n, (prompt, status, made) in enumerate(others)
    }
    inside = [(told.get("orig_prompt"), told["task_status"]) for row, told in listed.values()
              if row["gmt_create"] == int((CREATED + 5) * 1000)]  # fmt: skip
    ours = sum(prompt == PROMPT for prompt, _ in inside)
    open_ = any(prompt is None and status != "FAILED" for prompt, status in inside)
    found = look(Vendor(listed))
    if isinstance(found, Ticket):
        assert ours == 1
        assert not open_
    elif isinstance(found, Absent):
        assert all(prompt == "a dog." for prompt, _ in inside)
    else:
        assert open_ or ours > 1 or any(prompt is None for prompt, _ in inside)


# -- after a refusal: the vendor said that it made nothing --------------------------------------------------------


REFUSED = replace(ATTEMPT, refused=True, ahead=3600.0)


def test_a_task_that_does_not_show_its_prompt_yet_may_be_ours() -> None:
    vendor = Vendor(tasks(("x", entry("x"), shown("a dog.")), ("y", entry("y"), shown(None, "RUNNING"))))
    told = look(vendor)
    assert isinstance(told, Unsure)
    assert told.maybe == ["y"]


def test_tasks_of_other_orders_are_not_asked_about() -> None:
    vendor = Vendor(tasks(("x", entry("x"), shown(None, "RUNNING")), ("y", entry("y"), shown())))
    assert look(vendor, replace(ATTEMPT, others=frozenset({"x"}))) == Ticket(id="y", route=ORDER.route)
    assert look(vendor, replace(ATTEMPT, others=frozenset({"x", "y"}))) == Absent()


@pytest.mark.parametrize(
    ("seconds", "ours"), [(3590.0, False), (3600.0, True), (3630.0, True), (3640.0, False)]
)
def test_where_the_vendors_clock_is_known_only_those_seconds_count(seconds: float, ours: bool) -> None:
    """Within two minutes of a refusal others make tasks too, with the same key; within its seconds hardly ever."""
    vendor = Vendor(tasks(("y", entry("y", seconds), shown(None, "PENDING"))))
    told = look(vendor, REFUSED)
    assert (told.maybe if isinstance(told, Unsure) else told) == (["y"] if ours else Absent())


def test_a_task_that_failed_is_waited_for_by_nobody() -> None:
    """It costs nothing and never shows its prompt."""
    told = look(Vendor(tasks(("y", entry("y", 3601.0), shown(None, "FAILED")))), REFUSED)
    assert isinstance(told, Unsure)
    assert not told.maybe
