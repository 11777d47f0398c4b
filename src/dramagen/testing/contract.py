"""The suite every adapter passes: inherit :class:`AdapterContract` and tell it what the vendor says.

What needs a card, a journal or a client (refusing in the fit, surviving a crash, checking a file, the price of
a clip) is tested with the catalogue and the engine; here is everything an adapter can get wrong on its own.
"""

import json
from dataclasses import replace

import anyio
import pytest
from httpx import Request, Response

from dramagen.adapters.base import PAID, TERMINAL, Absent, Account, Secret, Ticket, Unsure
from dramagen.errors import (
    AuthError,
    DramagenError,
    InsufficientBalance,
    InvalidShot,
    ProviderUnavailable,
    RateLimited,
)
from dramagen.testing import fuzz
from dramagen.testing.covers import CONTRACT, covered, covers
from dramagen.testing.driver import Heard, always, drive
from dramagen.testing.examples import Golden as Golden  # part of the suite
from dramagen.testing.examples import Refusal as Refusal
from dramagen.testing.examples import Report as Report
from dramagen.testing.garble import garbled, tries
from dramagen.testing.lives import BACKENDS, Place, lives
from dramagen.testing.vendor import NOW, SECRET, Vendor, nobody

PROXY = (
    (401, AuthError, False), (402, InsufficientBalance, False), (403, AuthError, False),
    (404, ProviderUnavailable, True), (429, RateLimited, True), (502, ProviderUnavailable, True),
    (504, ProviderUnavailable, True),
)  # fmt: skip
"""What a page of something between us and the vendor means, by its HTTP status, and whether to try again."""


class AdapterContract(Vendor):
    """Inherit, name the class ``Test…``, and answer what :class:`dramagen.testing.vendor.Vendor` asks."""

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        for argument, cases in (
            ("golden", self.goldens),
            ("refusal", self.refusals),
            ("report", self.reports),
        ):
            if argument in metafunc.fixturenames:
                named = cases()
                metafunc.parametrize(argument, named.values(), ids=named.keys())
        if "place" in metafunc.fixturenames:
            everywhere = self.places()
            metafunc.parametrize("place", everywhere, ids=[place.name for place in everywhere])
            metafunc.parametrize("backend", BACKENDS)

    @pytest.fixture(autouse=True)
    def _tell(self, request: pytest.FixtureRequest) -> None:
        """The test's report says what the test was about; a run may end with a table of it."""
        cell = {"adapter": self.adapter().name, "operations": covered(request.function)}
        request.node.user_properties.append((CONTRACT, cell))

    def test_a_name_and_a_batch(self) -> None:
        adapter = self.adapter()
        assert adapter.name
        assert adapter.batch >= 1

    @covers("submit")
    def test_the_paid_request_is_the_recorded_one(self, golden: Golden) -> None:
        heard = Heard(golden.accept)
        ticket = drive(self.adapter().submit(golden.order, golden.attempt), heard)
        (paid,) = [r for r in heard.requests if r.extensions.get(PAID)]
        assert paid.url.path == golden.path
        assert self.read_body(paid) == golden.body
        assert ticket.id == golden.id
        assert ticket.route == golden.order.route

    @covers("submit")
    def test_nothing_follows_the_paid_request(self, golden: Golden) -> None:
        heard = Heard(golden.accept)
        drive(self.adapter().submit(golden.order, golden.attempt), heard)
        assert heard.requests[-1].extensions.get(PAID) is True

    @covers("submit")
    def test_the_same_attempt_makes_the_same_requests(self, golden: Golden) -> None:
        once, again = Heard(golden.accept), Heard(golden.accept)
        drive(self.adapter().submit(golden.order, golden.attempt), once)
        drive(self.adapter().submit(golden.order, golden.attempt), again)
        assert [_plain(r) for r in once.requests] == [_plain(r) for r in again.requests]

    @covers("wording")
    def test_the_wording_is_part_of_what_is_sent(self, golden: Golden) -> None:
        words = self.adapter().wording(golden.order)
        heard = Heard(golden.accept)
        drive(self.adapter().submit(golden.order, golden.attempt), heard)
        assert json.dumps(words, ensure_ascii=False)[1:-1] in json.dumps(
            self.read_body(heard.requests[-1]), ensure_ascii=False
        )

    @covers("submit", "poll", "find", "deliver", "cancel", "probe")
    def test_requests_have_the_vendors_full_path_and_no_host(self) -> None:
        for request in self._every_request():
            assert request.url.is_relative_url, str(request.url)
            assert request.url.path.startswith("/")
            assert "authorization" not in request.headers

    @covers("poll", "find", "deliver", "cancel", "probe")
    def test_only_submit_costs_money(self) -> None:
        for request in self._every_request(submit=False):
            assert not request.extensions.get(PAID), f"{request.method} {request.url.path}"

    @covers("sign")
    def test_signing_puts_the_secret_in_the_headers_alone(self) -> None:
        for request in self._every_request():
            before = str(request.url), request.content
            self.adapter().sign(request, SECRET, NOW)
            assert (str(request.url), request.content) == before
            assert bool(request.headers.get("authorization")) is self.keyed
            shown = f"{request!r} {request.url} {request.content!r}"
            assert not any(value in shown for value in SECRET.values())

    @covers("submit")
    def test_an_order_that_cannot_be_said_is_refused_before_any_request(self) -> None:
        for order, attempt in self.unsendable():
            heard = Heard(nobody)
            with pytest.raises(InvalidShot):
                drive(self.adapter().submit(order, attempt), heard)
            assert not heard.requests

    @covers("poll")
    def test_a_ticket_is_enough_to_ask_again_in_a_new_process(self) -> None:
        ticket = self._ticket()
        revived = Ticket.model_validate_json(ticket.model_dump_json())
        assert revived == ticket
        answer = self.reports()["running"].answer
        before, after = Heard(answer), Heard(answer)
        drive(self.adapter().poll([ticket]), before)
        drive(self.adapter().poll([revived]), after)
        assert [_plain(r) for r in before.requests] == [_plain(r) for r in after.requests]

    @covers("fault")
    def test_every_refusal_is_its_typed_error(self, refusal: Refusal) -> None:
        golden = self._first()
        with pytest.raises(DramagenError) as caught:
            drive(self.adapter().submit(golden.order, golden.attempt), always(refusal.answer))
        error = caught.value
        assert type(error) is refusal.error, str(error)
        assert error.retryable is refusal.retryable
        assert error.billed is refusal.billed
        assert error.refused is refusal.refused
        for name, value in (refusal.also or {}).items():
            assert getattr(error, name) == value, name

    @covers("fault")
    @pytest.mark.parametrize(("status", "kind", "retryable"), PROXY)
    def test_a_proxys_page_is_read_by_its_number_and_settles_nothing(
        self, status: int, kind: type[DramagenError], retryable: bool
    ) -> None:
        golden = self._first()
        page = Response(status, html="<html>not the vendor</html>")
        with pytest.raises(DramagenError) as caught:
            drive(self.adapter().submit(golden.order, golden.attempt), always(page))
        error = caught.value
        assert (type(error), error.retryable) == (kind, retryable), str(error)
        assert not error.refused, "the vendor may have made the job before"
        assert error.billed is (None if self.keyed else False)

    @covers("submit")
    def test_success_without_an_id_is_not_a_refusal(self) -> None:
        golden = self._first()
        for answer in (Response(200, json={}), Response(200, content=b""), Response(200, html="<html>hi")):
            with pytest.raises(DramagenError) as caught:
                drive(self.adapter().submit(golden.order, golden.attempt), always(answer))
            assert not caught.value.refused, "nobody said that no job was made"

    @covers("poll")
    def test_every_state_is_read(self, report: Report) -> None:
        ticket = self._ticket()
        status = drive(self.adapter().poll([ticket]), report.answer)[ticket.id]
        assert status.state == report.state
        assert (None if status.error is None else type(status.error)) is report.error
        if status.error is not None:
            assert status.error.billed is report.billed
        assert status.usage == report.usage
        assert status.seed == report.seed
        assert status.note is None
        assert status.ticket.id == ticket.id

    @covers("poll")
    def test_an_unknown_status_is_still_running_and_noted(self) -> None:
        ticket = self._ticket()
        status = drive(self.adapter().poll([ticket]), self.unknown_status())[ticket.id]
        assert status.state == "running"
        assert status.note

    @covers("poll")
    def test_an_outage_while_polling_is_no_verdict(self) -> None:
        ticket = self._ticket()
        for answer in (Response(503, json={}), Response(502, html="<html>Bad Gateway</html>")):
            told, error = fuzz.attempted(self.adapter().poll([ticket]), always(answer))
            assert error is None or error.retryable
            assert not any(status.state in TERMINAL for status in (told or {}).values())

    @covers("find")
    def test_a_lost_create_is_found(self) -> None:
        respond = self.lost()
        if respond is None:
            return
        golden = self._first()
        found = drive(self.adapter().find(golden.order, golden.attempt), respond)
        assert isinstance(found, Ticket), found
        assert found == self._ticket()

    @covers("find")
    def test_a_job_the_vendor_does_not_have_is_absent(self) -> None:
        respond = self.not_found()
        if respond is None:
            return
        golden = self._first()
        assert drive(self.adapter().find(golden.order, golden.attempt), respond) == Absent()

    @covers("find")
    def test_an_error_while_looking_settles_nothing(self) -> None:
        golden = self._first()
        for answer in (Response(503, json={}), Response(429, json={}), Response(200, html="<html>")):
            found = drive(self.adapter().find(golden.order, golden.attempt), always(answer))
            assert isinstance(found, Unsure), found

    @covers("deliver")
    def test_the_file_is_fetched_without_the_key_unless_it_must_be(self) -> None:
        download = drive(self.adapter().deliver(self._ticket()), self.deliveries())
        assert download.request.method == "GET"
        assert "authorization" not in download.request.headers
        assert download.request.url.is_relative_url is download.authenticated
        assert download.authenticated or download.request.url.scheme in ("http", "https")
        assert download.request.url.query.decode() not in repr(download) or not download.request.url.query

    @covers("deliver")
    def test_a_file_that_is_gone_is_said_to_be(self) -> None:
        from dramagen.errors import JobExpired

        with pytest.raises(JobExpired):
            drive(self.adapter().deliver(self._ticket()), self.gone())

    @covers("cancel")
    def test_cancelled_only_on_the_vendors_word(self) -> None:
        for worked, respond in self.canceled().items():
            assert drive(self.adapter().cancel(self._ticket()), respond) is worked
        assert drive(self.adapter().cancel(self._ticket()), always(Response(502, html="<html>"))) is False

    @covers("receive")
    def test_a_callback_gives_ids_and_garbage_gives_none(self) -> None:
        told = self.callback()
        if told is None:
            return
        delivery, ids = told
        assert list(self._received(delivery)) == list(ids)
        for seed in range(tries()):
            answer = garbled(Response(200, content=delivery.body), seed)
            try:
                received = self._received(replace(delivery, body=answer.content))
            except DramagenError:
                continue
            assert all(isinstance(item, str) and item for item in received)

    @covers("probe")
    def test_a_probe_never_raises(self) -> None:
        for answer in (Response(200, json={}), Response(401, json={}), Response(502, html="<html>")):
            told = drive(self.adapter().probe(), always(answer))
            assert isinstance(told, Account)
            assert not told.valid or told.error is None or isinstance(told.error, InsufficientBalance)

    @covers("fault")
    def test_no_secret_or_signed_link_in_an_error(self) -> None:
        words = "see https://example.invalid/v.mp4?X-Sign=0123456789abcdef with Bearer never-show-key-4f21"
        for status in (200, 400, 401, 404, 429, 500):
            body = {"error": {"code": "Odd", "message": words}, "code": 1, "message": words}
            told = str(self.adapter().fault(Response(status, json=body)))
            assert "0123456789abcdef" not in told
            assert "never-show-key-4f21" not in told

    @covers("submit", "poll", "find", "deliver", "cancel", "probe")
    def test_garbled_answers_raise_only_typed_errors(self) -> None:
        golden, ticket, adapter = self._first(), self._ticket(), self.adapter()
        reports = [report.answer for report in self.reports().values()]
        fuzz.only_typed_errors(lambda: adapter.submit(golden.order, golden.attempt), [golden.accept])
        fuzz.only_typed_errors(lambda: adapter.poll([ticket]), reports)
        fuzz.only_typed_errors(lambda: adapter.deliver(ticket), [self.deliveries()])
        fuzz.only_typed_errors(lambda: adapter.cancel(ticket), reports)
        fuzz.only_typed_errors(lambda: adapter.probe(), reports)
        if looked := [respond for respond in (self.lost(), self.not_found()) if respond is not None]:
            fuzz.only_typed_errors(lambda: adapter.find(golden.order, golden.attempt), looked)

    @covers("submit")
    def test_garbled_refusals_are_typed_errors(self) -> None:
        golden = self._first()
        answers = [always(each.answer) for each in self.refusals().values()]
        fuzz.only_typed_errors(lambda: self.adapter().submit(golden.order, golden.attempt), answers)

    @covers("submit")
    def test_a_garbled_create_is_a_ticket_or_a_question_and_never_a_refusal(self) -> None:
        golden = self._first()
        fuzz.a_ticket_or_a_question(
            lambda: self.adapter().submit(golden.order, golden.attempt), golden.accept
        )

    @covers("poll")
    def test_a_garbled_report_is_of_the_job_asked_about(self) -> None:
        ticket, answers = self._ticket(), {name: each.answer for name, each in self.reports().items()}
        fuzz.of_the_job_asked_about(lambda: self.adapter().poll([ticket]), ticket, answers)

    @covers("poll")
    def test_a_running_job_is_never_ended_by_a_garbled_answer(self) -> None:
        ticket = self._ticket()
        fuzz.never_ended(lambda: self.adapter().poll([ticket]), self.reports()["running"].answer)

    @covers("submit", "poll", "find", "deliver", "cancel", "probe", "sign")
    def test_a_job_lives_in_every_region(
        self, place: Place, backend: str, request: pytest.FixtureRequest
    ) -> None:
        """The engine's sender, a region's own orders, and what the examples answer; nothing is sent twice."""
        goldens, secret = list(self.goldens().values()), SECRET if self.keyed else Secret()
        counts = anyio.run(lives, place, self.adapter, goldens, secret, NOW, backend=backend)
        ((_, cell),) = [told for told in request.node.user_properties if told[0] == CONTRACT]
        cell.update(operations=counts, place=place.name, backend=backend)


def _plain(request: Request) -> tuple[str, str, bytes]:
    return request.method, str(request.url), request.content
