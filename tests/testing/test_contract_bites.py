"""The contract suite fails for an adapter that breaks a rule: one broken adapter per rule."""

import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from httpx import Request, Response

from dramagen.adapters.base import PAID, Absent, Adapter, Attempt, Download, Flow, Secret, Status, Ticket
from dramagen.adapters.seedance import SeedanceAdapter
from dramagen.catalog.order import Order
from dramagen.catalog.route import Route
from dramagen.errors import DramagenError, InvalidShot, JobFailed, ProviderUnavailable, RateLimited
from dramagen.testing import AdapterContract, Golden, Heard, Refusal, Report, Respond, drive, in_turn
from dramagen.testing.garble import garbled

TASKS = "/api/v3/contents/generations/tasks"
ATTEMPT = Attempt(tag="abcdefghijklmnopqrstuvwx", created=1_795_000_000.0)
ORDER = Order(
    route=Route(provider="seedance", region="cn", model="seedance-2.0"),
    wire={"model": "m"},
    mode="text",
    prompt="雨夜",
    duration=Decimal(5),
    resolution="720p",
    audio=True,
)
RUNNING = {"id": "cgt-1", "status": "running", "created_at": 1_795_000_000}
DONE = RUNNING | {"status": "succeeded", "content": {"video_url": "https://example.invalid/v?s=1"}}


def body() -> Mapping[str, Any]:
    request = next(SeedanceAdapter().submit(ORDER, ATTEMPT))
    body: Mapping[str, Any] = json.loads(request.content)
    return body


def suite(adapter: Callable[[], Adapter]) -> AdapterContract:
    class Suite(AdapterContract):
        def adapter(self) -> Adapter:
            return adapter()

        def goldens(self) -> Mapping[str, Golden]:
            accept = in_turn_forever({"id": "cgt-1"})
            return {
                "text": Golden(
                    order=ORDER, attempt=ATTEMPT, path=TASKS, body=body(), accept=accept, id="cgt-1"
                )
            }

        def reports(self) -> Mapping[str, Report]:
            return {"running": Report(answer=in_turn_forever(RUNNING), state="running")}

        def unknown_status(self) -> Respond:
            return in_turn_forever(RUNNING | {"status": "dreaming"})

        def deliveries(self) -> Respond:
            return in_turn_forever(DONE)

        def gone(self) -> Respond:
            return in_turn_forever({"error": {"code": "NotFound.Task"}}, 404)

        def not_found(self) -> Respond:
            return in_turn_forever({"total": 0, "items": []})

        def unsendable(self) -> Sequence[tuple[Order, Attempt]]:
            return [(ORDER.model_copy(update={"options": {"duration": 9}}), ATTEMPT)]

    return Suite()


def in_turn_forever(body: Any, status: int = 200) -> Respond:
    return lambda _: Response(status, json=body)


class Free(SeedanceAdapter):
    """Does not mark its create as paid."""

    def submit(self, order: Order, attempt: Attempt) -> Flow[Ticket]:
        request = next(super().submit(order, attempt))
        yield Request(request.method, request.url, content=request.content)
        return Ticket(id="cgt-1", route=order.route)


class Chatty(SeedanceAdapter):
    """Goes on after the create."""

    def submit(self, order: Order, attempt: Attempt) -> Flow[Ticket]:
        ticket = yield from super().submit(order, attempt)
        yield Request("GET", TASKS)
        return ticket


class Restless(SeedanceAdapter):
    """Never sends the same thing twice."""

    sent = 0

    def submit(self, order: Order, attempt: Attempt) -> Flow[Ticket]:
        Restless.sent += 1
        return super().submit(order, Attempt(tag=str(Restless.sent), created=attempt.created))


class Hosted(SeedanceAdapter):
    """Knows its host."""

    def poll(self, tickets: Sequence[Ticket]) -> Flow[Mapping[str, Status]]:
        yield Request("GET", "https://ark.invalid/x")
        return {}


class Pricey(SeedanceAdapter):
    """Pays to look."""

    def find(self, order: Order, attempt: Attempt) -> Any:
        yield Request("POST", TASKS, extensions={PAID: True})
        return Absent()


class Leaky(SeedanceAdapter):
    """Signs in the URL."""

    def sign(self, request: Request, secret: Secret, now: float) -> None:
        super().sign(request, secret, now)
        request.url = request.url.copy_with(query=f"key={secret.key}".encode())


class Eager(SeedanceAdapter):
    """Takes what it does not know for a failure."""

    def poll(self, tickets: Sequence[Ticket]) -> Flow[Mapping[str, Status]]:
        yield Request("GET", TASKS)
        return {t.id: Status(t, "failed", error=JobFailed("?")) for t in tickets}


class Sure(SeedanceAdapter):
    """Takes any silence for absence."""

    def find(self, order: Order, attempt: Attempt) -> Any:
        yield Request("GET", TASKS)
        return Absent()


class Careless(SeedanceAdapter):
    """Sends the key to the file's host, and answers nothing typed."""

    def deliver(self, ticket: Ticket) -> Flow[Download]:
        response = yield Request("GET", TASKS)
        url = response.json()["content"]["video_url"]
        return Download(Request("GET", url, headers={"Authorization": "Bearer x"}))


class Boastful(SeedanceAdapter):
    """Believes every cancel worked."""

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        yield Request("DELETE", TASKS)
        return True


class Certain(SeedanceAdapter):
    """Calls everything a refusal."""

    def fault(self, response: Response) -> DramagenError:
        return ProviderUnavailable(response.text, refused=True)


class Quoting(SeedanceAdapter):
    """Repeats the vendor's words as they are."""

    def fault(self, response: Response) -> DramagenError:
        error = ProviderUnavailable("?")
        error.args = (response.text,)
        return error


class Obliging(SeedanceAdapter):
    """Lets options change what is bought."""

    def submit(self, order: Order, attempt: Attempt) -> Flow[Ticket]:
        return super().submit(order.model_copy(update={"options": {}}), attempt)


BROKEN: Sequence[tuple[type[SeedanceAdapter], str]] = (
    (Free, "test_the_paid_request_is_the_recorded_one"),
    (Chatty, "test_nothing_follows_the_paid_request"),
    (Restless, "test_the_same_attempt_makes_the_same_requests"),
    (Hosted, "test_requests_have_the_vendors_full_path_and_no_host"),
    (Pricey, "test_only_submit_costs_money"),
    (Leaky, "test_signing_puts_the_secret_in_the_headers_alone"),
    (Eager, "test_an_unknown_status_is_still_running_and_noted"),
    (Eager, "test_an_outage_while_polling_is_no_verdict"),
    (Eager, "test_a_running_job_is_never_ended_by_a_garbled_answer"),
    (Sure, "test_an_error_while_looking_settles_nothing"),
    (Careless, "test_the_file_is_fetched_without_the_key_unless_it_must_be"),
    (Careless, "test_a_file_that_is_gone_is_said_to_be"),
    (Careless, "test_garbled_answers_raise_only_typed_errors"),
    (Boastful, "test_cancelled_only_on_the_vendors_word"),
    (Certain, "test_success_without_an_id_is_not_a_refusal"),
    (Quoting, "test_no_secret_or_signed_link_in_an_error"),
    (Obliging, "test_an_order_that_cannot_be_said_is_refused_before_any_request"),
)


def _run(contract: AdapterContract, test: str) -> None:
    takes_golden = test in {
        "test_the_paid_request_is_the_recorded_one",
        "test_nothing_follows_the_paid_request",
        "test_the_same_attempt_makes_the_same_requests",
    }
    getattr(contract, test)(*contract.goldens().values() if takes_golden else ())


@pytest.mark.parametrize(("broken", "test"), BROKEN, ids=[f"{b.__name__}: {t}" for b, t in BROKEN])
def test_a_broken_rule_fails_its_test(broken: type[SeedanceAdapter], test: str) -> None:
    _run(suite(SeedanceAdapter), test)
    with pytest.raises((AssertionError, ValueError, KeyError, TypeError, pytest.fail.Exception)):
        _run(suite(broken), test)


def test_a_refusal_read_wrongly_fails() -> None:
    answer = Response(429, json={"error": {"code": "QuotaExceeded"}})
    wrong = Refusal(answer=answer, error=RateLimited, retryable=True, refused=True)
    with pytest.raises(AssertionError):
        suite(SeedanceAdapter).test_every_refusal_is_its_typed_error(wrong)


def test_drive_closes_the_flow_when_the_connection_breaks() -> None:
    closed = []

    def flow() -> Flow[None]:
        try:
            yield Request("GET", "/x")
        finally:
            closed.append(True)

    def broken(request: Request) -> Response:
        raise InvalidShot("broken")

    with pytest.raises(InvalidShot):
        drive(flow(), broken)
    assert closed == [True]


def test_answers_are_given_in_turn_and_no_more() -> None:
    def flow() -> Flow[list[int]]:
        first = yield Request("GET", "/1")
        second = yield Request("GET", "/2")
        return [first.status_code, second.status_code]

    heard = Heard(in_turn(Response(200), Response(404)))
    assert drive(flow(), heard) == [200, 404]
    assert [request.url.path for request in heard.requests] == ["/1", "/2"]
    with pytest.raises(AssertionError, match="nobody expected GET /2"):
        drive(flow(), in_turn(Response(200)))


def test_a_flow_may_end_without_asking() -> None:
    def flow() -> Flow[int]:
        yield from ()
        return 7

    assert drive(flow(), in_turn()) == 7


def test_garbling_is_repeatable_and_never_the_answer_itself() -> None:
    answer = Response(200, json=DONE)
    copies = [garbled(answer, seed) for seed in range(200)]
    assert [c.content for c in copies] == [garbled(answer, seed).content for seed in range(200)]
    assert len({c.content for c in copies}) > 100
    assert answer.json() == DONE
