"""Jobs asked about one by one: one bad answer costs no other job its own."""

import pytest
from httpx import Request, Response

from dramagen.adapters.base import Flow, Status, Ticket
from dramagen.adapters.polling import one_by_one
from dramagen.catalog.route import Route
from dramagen.errors import ProviderUnavailable
from dramagen.testing import Respond, drive

ROUTE = Route(provider="wan", region="cn", model="wan-3.0")
A, B, C = (Ticket(id=name, route=ROUTE) for name in "abc")


def ask(ticket: Ticket) -> Flow[Status]:
    response = yield Request("GET", f"/{ticket.id}")
    if not response.is_success:
        raise ProviderUnavailable(ticket.id)
    return Status(ticket, "running")


def only(*known: str) -> Respond:
    return lambda request: Response(200 if request.url.path[1:] in known else 503)


def test_each_is_asked_about_and_a_bad_answer_leaves_out_its_own() -> None:
    told = drive(one_by_one([A, B, C], ask), only("a", "c"))
    assert told == {"a": Status(A, "running"), "c": Status(C, "running")}
    assert drive(one_by_one([], ask), only()) == {}


def test_where_nothing_is_told_the_last_problem_is() -> None:
    with pytest.raises(ProviderUnavailable, match="c"):
        drive(one_by_one([A, B, C], ask), only())
