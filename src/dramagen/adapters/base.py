"""What an adapter is: pure translation between an order and one vendor's wire protocol.

An adapter has no client, no sleep, no clock and no secret. An operation is a generator that yields unsigned
requests, with the vendor's full path from ``/`` and no host, and receives the responses; the engine performs
all I/O, signs, retries, redacts and writes things down.
"""

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol, TypeVar

from httpx import Request, Response
from pydantic import Field

from dramagen.catalog.order import JSON, Input, Order
from dramagen.catalog.route import Route
from dramagen.catalog.secret import Secret as Secret  # part of the protocol
from dramagen.errors import DramagenError, InvalidShot
from dramagen.money import Money
from dramagen.record import Record

T = TypeVar("T")
Flow = Generator[Request, Response, T]

PAID = "dramagen.paid"
"""The request extension that marks the one request of ``submit`` that costs money."""

HOST = "dramagen.host"
"""The request extension that names another of the region's ``hosts``, where a path is not the main one's."""


class Ticket(Record):
    """A running job, as the vendor knows it: JSON, and enough alone to ask again in a new process."""

    id: str
    route: Route
    data: JSON = Field(default_factory=dict)
    """What the adapter needs beside the id: protocol, product path. No secret, no signed URL."""


STEP = 5.0
"""Seconds by which two clocks of a vendor may differ: one stamps its answers, the other its jobs."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an order.

    Attributes:
        tag: random, ``[a-z0-9]``, 24 characters; sent in whatever field the vendor echoes or can query.
        created: Unix seconds, when the create is (or was) about to be sent.
        sent_until: Unix seconds, the end of the window in which the create may have arrived.
        callback_url: where the vendor may call, if anywhere.
        inputs: the bytes of the order's media, by SHA-256.
        urls: where some of them can be fetched, by SHA-256: those the caller gave by URL, in this process. A URL may
            hold a key: it goes into a request, and is written down nowhere.
        refused: the vendor said in its own words that it made no job, which is hardly ever untrue. Then likeness by
            shape and time proves nothing, since other people's jobs are alike too: only a name or the words do.
        others: jobs of the vendor that are known to be other orders'.
        ahead: seconds by which the vendor's clock is ahead of ours, as its answer to the create told.
    """

    tag: str
    created: float
    sent_until: float | None = None
    callback_url: str | None = None
    inputs: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    urls: Mapping[str, str] = field(default_factory=dict, repr=False)
    refused: bool = False
    others: frozenset[str] = field(default_factory=frozenset, repr=False)
    ahead: float | None = None

    def window(self, slack: float) -> tuple[float, float]:
        """When the create may have made its job, by the vendor's clock: Unix seconds, from and to.

        ``slack``: seconds by which that clock may differ from ours, where the vendor did not show it.
        """
        until = self.created if self.sent_until is None else self.sent_until
        if self.ahead is None:
            return self.created - slack, until + slack
        return self.created + self.ahead - STEP, until + self.ahead + STEP

    def url(self, item: Input) -> str:
        """Where the vendor may fetch a medium it takes in no other way.

        Raises ``InvalidShot`` where nobody gave one to this process: a URL outlives it nowhere.
        """
        found = self.urls.get(item.sha256)
        if found is None:
            raise InvalidShot(
                f"the vendor fetches the {item.media_type} {item.sha256[:12]} from a public URL, which is not known "
                "any more: ask for the shot again with that URL"
            )
        return found


State = Literal["queued", "running", "succeeded", "failed", "canceled", "expired", "missing"]
"""``missing``: the vendor no longer knows the job. Every other state is the vendor's own word, translated."""

TERMINAL: frozenset[State] = frozenset({"succeeded", "failed", "canceled", "expired", "missing"})


@dataclass(frozen=True, slots=True)
class Usage:
    """What the vendor says a job used; the catalogue turns it into money.

    ``tokens``, ``units`` and ``seconds`` are the vendor's own measures; ``seconds`` are those it bills, of reference
    videos and clip together. ``charged`` is money the vendor names itself.
    """

    tokens: int | None = None
    units: Decimal | None = None
    charged: Money | None = None
    seconds: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """Where one job stands.

    Attributes:
        ticket: the job, possibly with more known about it than before.
        state: see :data:`State`.
        progress: 0 to 1, where the vendor says.
        error: why it failed, for ``failed``, ``canceled``, ``expired`` and ``missing``.
        usage: what it used, where the vendor says.
        seed: the seed used, where the vendor says.
        note: an unknown vendor status, kept for the log; such a job is still running.
    """

    ticket: Ticket
    state: State
    progress: float | None = None
    error: DramagenError | None = None
    usage: Usage | None = None
    seed: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Absent:
    """The vendor says it has no job with this tag (yet)."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """The vendor cannot be asked, or its answer does not settle whether the job exists.

    ``maybe``: jobs of the vendor, among those it shows, that may be the one looked for. None, and not empty, where it
    could not be read what it shows: that proves nothing, not even of a job that was seen before.
    """

    why: str
    maybe: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Download:
    """Where a finished file is now.

    ``request`` has an absolute URL for a public (signed) link, or a vendor path from ``/`` when
    ``authenticated``: then the engine signs it like any other call. ``expires``: Unix seconds, if known.
    """

    request: Request = field(repr=False)
    authenticated: bool = False
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook as it arrived: headers with lower-case names, the raw body, and where it was posted.

    ``target`` is the path and query the vendor called, as it spelled them: some vendors sign that.
    """

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    target: str = field(default="/", repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """What a callback says.

    Attributes:
        jobs: the vendor's ids of the jobs it speaks of. Only these are believed: the engine asks again.
        signed: whether a signature was there and is the vendor's; without one, anybody may have sent it.
        answer: the JSON object the vendor wants back, where it looks at the answer.
    """

    jobs: Sequence[str] = ()
    signed: bool = False
    answer: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Account:
    """What a free probe told: whether the key works; balance and concurrency where there is an endpoint.

    Attributes:
        valid: the vendor took the key. A valid key has no ``error`` but ``InsufficientBalance``.
        balance: what is left, where the vendor names the money.
        left: what is left in the region's own accounting unit, or in its currency where it has no unit.
        concurrency: jobs at once.
        models: the vendor's ids of the models the key may call, where the vendor lists them.
        detail: anything more, for people.
    """

    valid: bool
    balance: Money | None = None
    concurrency: int | None = None
    detail: str = ""
    error: DramagenError | None = None
    left: Decimal | None = None
    models: frozenset[str] | None = None


class Adapter(Protocol):
    """One wire protocol; every adapter passes ``dramagen.testing.AdapterContract``."""

    name: str

    batch: int
    """The most tickets one status request may carry."""

    def wording(self, order: Order) -> str:
        """The prompt exactly as it will be sent: mentions, camera, cuts and dialogue in the vendor's way."""
        ...

    def submit(self, order: Order, attempt: Attempt) -> Flow[Ticket]:
        """Create the job. Exactly one request carries ``extensions={PAID: True}``.

        Raises the typed error of :meth:`fault` for a non-success answer; its ``refused`` says whether the
        vendor declared that no job was made. Anything else raised means nobody knows.
        """
        ...

    def poll(self, tickets: Sequence[Ticket]) -> Flow[Mapping[str, Status]]:
        """The state of at most :attr:`batch` jobs of one route's region, by ticket id.

        A ticket left out of the answer was not answered for: ask again later.
        """
        ...

    def find(self, order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
        """Look for the job of a create whose answer was lost."""
        ...

    def deliver(self, ticket: Ticket) -> Flow[Download]:
        """Where the finished file is now. Raises ``JobExpired`` when it is gone."""
        ...

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """Ask to stop the job; True if the vendor says it will not run (and so not bill)."""
        ...

    def keys(self) -> Flow[Mapping[str, str]]:
        """What callbacks are checked with, where the vendor has to be asked for it, by name; else nothing.

        A request with an absolute URL is sent unsigned (a public key set), a path from ``/`` is signed. The engine
        keeps the answer for a day at most, and asks again sooner where a signature does not match. Nothing, or
        a typed error, where the vendor does not give them.
        """
        ...

    def receive(self, delivery: Delivery, keys: Mapping[str, str], secret: Secret, now: float) -> Notice:
        """What a callback says, after checking its signature where there is one.

        Args:
            keys: what :meth:`keys` gave.
            now: Unix seconds; a signature from much earlier or later is refused.

        Raises ``AuthError`` for a bad or stale signature. A body that cannot be understood speaks of no job.
        """
        ...

    def probe(self) -> Flow[Account]:
        """Ask something free that tells whether the key works."""
        ...

    def fault(self, response: Response) -> DramagenError:
        """The typed error of any non-success answer: by the body's code first, by HTTP status second."""
        ...

    def sign(self, request: Request, secret: Secret, now: float) -> None:
        """Put the credential on a request, in place."""
        ...


def json_body(response: Response) -> Any:
    """The answer's JSON, or None where it is not JSON (a proxy's page, a cut answer)."""
    try:
        body = response.json()
        # Half a character can be written in JSON, but in no file, database or URL.
        return _whole(body) if _HALF.search(response.content) else body
    except (ValueError, RecursionError):
        return None


_HALF = re.compile(rb"\\u[dD][89a-fA-F]")


def _whole(value: Any) -> Any:
    """The same value with a question mark for every half of a character."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case list():
            return [_whole(item) for item in value]
        case dict():
            return {_whole(key): _whole(item) for key, item in value.items()}
        case _:
            return value
