"""What the contract feeds an adapter on a vendor's bad day: the answers of a good one, garbled."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypeVar

from httpx import Request, Response

from dramagen.adapters.base import PAID, TERMINAL, Flow, Status, Ticket, Usage
from dramagen.errors import DramagenError
from dramagen.testing.driver import Respond, drive
from dramagen.testing.garble import garbled, tries

T = TypeVar("T")

STATUSES = (
    200, 201, 202, 204, 301, 400, 401, 402, 403, 404, 408, 409, 410, 413, 422, 429, 499, 500, 502, 503, 504, 520,
)  # fmt: skip


def attempted(flow: Flow[T], respond: Respond) -> tuple[T | None, DramagenError | None]:
    """The result or the typed error; whatever else is raised fails the test."""
    try:
        return drive(flow, respond), None
    except DramagenError as error:
        f"{error}".encode()  # it can be written down
        return None, error


def only_typed_errors(operation: Callable[[], Flow[Any]], answers: Sequence[Respond]) -> None:
    """Under any status, whatever an operation is answered, it ends or raises a typed error."""
    for seed in range(tries()):
        with _naming(seed):
            attempted(operation(), _garbler(answers[seed % len(answers)], seed, STATUSES))


def a_ticket_or_a_question(submit: Callable[[], Flow[Ticket]], accept: Respond) -> None:
    """What was accepted may be told badly. It must not be taken for a refusal, and sent again, for that."""
    for seed in range(tries()):

        def badly(request: Request, seed: int = seed) -> Response:
            answer = accept(request)
            return garbled(answer, seed) if request.extensions.get(PAID) else answer

        with _naming(seed):
            ticket, error = attempted(submit(), badly)
            assert error is None or not error.refused, str(error)
            if ticket is not None:
                assert ticket.id.strip()
                _kept(ticket)


def of_the_job_asked_about(
    poll: Callable[[], Flow[Mapping[str, Status]]], ticket: Ticket, answers: Mapping[str, Respond]
) -> None:
    """A garbled report is of this job or of none, can be written down, and its figures are figures."""
    named = list(answers.items())
    for seed in range(tries()):
        name, answer = named[seed % len(named)]
        with _naming(f"{name}, {seed}"):
            told, _ = attempted(poll(), _garbler(answer, seed))
            assert set(told or {}) <= {ticket.id}
            for status in (told or {}).values():
                assert (status.ticket.id, status.ticket.route) == (ticket.id, ticket.route)
                _kept(status.ticket)
                f"{status.error} {status.note}".encode()
                _figures(status.usage)


def never_ended(poll: Callable[[], Flow[Mapping[str, Status]]], running: Respond) -> None:
    """No nonsense about a running job is a verdict."""
    for seed in range(tries()):
        with _naming(seed):
            told, _ = attempted(poll(), _garbler(running, seed))
            for status in (told or {}).values():
                assert status.state not in TERMINAL


def _garbler(respond: Respond, seed: int, statuses: Sequence[int] = ()) -> Respond:
    """Every answer garbled; with ``statuses`` one in four of them under another status too."""

    def answer(request: Request) -> Response:
        broken = garbled(respond(request), seed)
        if statuses and seed % 4 == 0:
            broken.status_code = statuses[seed // 4 % len(statuses)]
        return broken

    return answer


@contextmanager
def _naming(seed: object) -> Iterator[None]:
    """Say which broken answer it was, whatever is raised."""
    try:
        yield
    except BaseException as problem:
        problem.add_note(f"broken answer: {seed}")
        raise


def _kept(ticket: Ticket) -> None:
    """It is the same after a restart."""
    assert Ticket.model_validate_json(ticket.model_dump_json()) == ticket


def _figures(usage: Usage | None) -> None:
    """Nothing that is not a number, and nothing below nothing, gets into the books."""
    if usage is None:
        return
    charged = usage.charged.amount if usage.charged is not None else None
    for amount in (usage.tokens, usage.units, usage.seconds, charged):
        assert amount is None or (Decimal(amount).is_finite() and amount >= 0), usage
