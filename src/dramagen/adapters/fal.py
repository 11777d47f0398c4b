"""fal: other vendors' models, each behind an endpoint of its own, through one queue.

Sources: fal's pages on the queue, reliability, common parameters, errors, webhooks and platform APIs (fal.ai/docs),
copies of 2026; fal-client 1.0.3 as observed. Left alone fal may send a job to another endpoint and run it again up to
ten times: both are forbidden here, since they change what was bought.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from httpx import Request, Response

from dramagen.adapters import endpoint
from dramagen.adapters import fal_find as lost
from dramagen.adapters.base import (
    HOST,
    PAID,
    Absent,
    Account,
    Attempt,
    Delivery,
    Download,
    Flow,
    Notice,
    Secret,
    State,
    Status,
    Ticket,
    Unsure,
    json_body,
)
from dramagen.adapters.fal_answers import (
    CANCELED,
    download,
    fault,
    gone,
    is_id,
    not_found,
    seed_of,
    unfinished,
    units_of,
    verdict,
)
from dramagen.adapters.fal_callback import public_keys, verify
from dramagen.adapters.faults import who
from dramagen.adapters.polling import one_by_one
from dramagen.catalog.order import Order
from dramagen.errors import AuthError, DramagenError, ProviderUnavailable

KEY_SET = "/.well-known/jwks.json"

_AS_ORDERED = {"x-app-fal-disable-fallback": "true", "X-Fal-No-Retry": "1"}
_WAITS: Mapping[str, State] = {"IN_QUEUE": "queued", "IN_PROGRESS": "running"}
_LONGER = ("workflows", "comfy")
_PROBED = "fal-ai/kling-video/v3/standard/text-to-video"


class FalAdapter:
    """fal's queue. A create is one POST that nothing deduplicates; what a job was is told by its result alone."""

    name = "fal"
    batch = 1

    def wording(self, order: Order) -> str:
        """The prompt as it is sent. Raises ``InvalidShot`` for an order that could not be sent."""
        return endpoint.sendable(order)

    def submit(self, order: Order, attempt: Attempt) -> Flow[Ticket]:
        """Put the job in the queue with one paid POST; media travel inside it."""
        named = endpoint.id_of(order)
        hook = f"?{urlencode({'fal_webhook': attempt.callback_url})}" if attempt.callback_url else ""
        response = yield Request(
            "POST",
            f"/{quote(named)}{hook}",
            json=endpoint.body_of(order, endpoint.inline(attempt)),
            headers=_AS_ORDERED,
            extensions={PAID: True},
        )
        made = json_body(response)
        id_ = made.get("request_id") if response.is_success and isinstance(made, Mapping) else None
        if not is_id(id_):
            raise fault(response, order.route)
        return _ticket(order, str(id_), made.get("status_url"))

    def poll(self, tickets: Sequence[Ticket]) -> Flow[Mapping[str, Status]]:
        """The state of each job: its status, and once that says completed its result, which alone decides."""
        return one_by_one(tickets, _status)

    def find(self, order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
        """Look through the endpoint's requests for the one with this order's input."""
        found = yield from lost.find(order, attempt)
        return found if isinstance(found, Unsure) else _ticket(order, found)

    def deliver(self, ticket: Ticket) -> Flow[Download]:
        """The clip's public link, asked for anew. Raises ``JobExpired`` when fal no longer has the job."""
        response = yield Request("GET", _path(ticket))
        found = download(response)
        if found is not None:
            return found
        if not_found(response):
            raise gone(ticket.route)
        if unfinished(response):
            raise ProviderUnavailable("the clip is not finished yet", billed=None, **who(ticket.route))
        # The clip was seen here before: a server's own trouble now is an outage, whatever its type says of the job.
        ended = verdict(response, ticket.route, {}) if response.status_code < 500 else None
        raise ended or fault(response, ticket.route)

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """Ask to stop a job. A request to stop is no promise: only the job's own word that it stopped is."""
        response = yield Request("PUT", _path(ticket, "/cancel"))
        if response.status_code != 202:
            return False
        try:
            status = yield from _status(ticket)
        except DramagenError:
            return False
        return status.state == "canceled"

    def keys(self) -> Flow[Mapping[str, str]]:
        """The public keys of callbacks; all of them are tried."""
        response = yield Request("GET", KEY_SET, extensions={HOST: "rest"})
        return public_keys(json_body(response)) if response.is_success else {}

    def receive(self, delivery: Delivery, keys: Mapping[str, str], secret: Secret, now: float) -> Notice:
        """The job a callback speaks of. Its ``gateway_request_id`` changes when fal runs a job again."""
        verify(delivery, keys.values(), now)
        body = json_body(Response(200, content=delivery.body))
        id_ = body.get("request_id") if isinstance(body, Mapping) else None
        return Notice([str(id_)] if is_id(id_) else [], signed=True)

    def probe(self) -> Flow[Account]:
        """Read the price of one endpoint, which is free. The list of requests is not open to every account."""
        response = yield Request(
            "GET", f"/v1/models/pricing?{urlencode({'endpoint_id': _PROBED})}", extensions={HOST: "api"}
        )
        body = json_body(response)
        if response.is_success and isinstance(body, Mapping) and isinstance(body.get("prices"), list):
            return Account(valid=True, detail="the key may read prices")
        return Account(valid=False, error=fault(response))

    def fault(self, response: Response) -> DramagenError:
        """See :func:`dramagen.adapters.fal_answers.fault`."""
        return fault(response)

    def sign(self, request: Request, secret: Secret, now: float) -> None:
        """``Authorization: Key``. Raises ``AuthError`` without a key."""
        key = secret.key or (f"{secret.access}:{secret.secret}" if secret.access and secret.secret else None)
        if not key:
            raise AuthError("no fal key: set FAL_KEY")
        request.headers["Authorization"] = f"Key {key}"


def _ticket(order: Order, id_: str, status_url: object = None) -> Ticket:
    return Ticket(id=id_, route=order.route, data={"app": _app(endpoint.id_of(order), id_, status_url)})


def _app(named: str, id_: str, status_url: object) -> str:
    """The part of an endpoint's id that its jobs are asked about under: the first two segments, mostly.

    fal asks that the URLs it returns be used. Their path is, as far as it names this endpoint; their host never is.
    """
    segments = named.split("/")
    try:
        shown = urlsplit(status_url).path if isinstance(status_url, str) else ""
    except ValueError:
        shown = ""
    for count in range(len(segments), 0, -1):
        app = "/".join(segments[:count])
        if shown.endswith(f"/{app}/requests/{id_}/status"):
            return app
    return "/".join(segments[: 3 if segments[0] in _LONGER else 2])


def _path(ticket: Ticket, what: str = "") -> str:
    return f"/{quote(str(ticket.data.get('app')))}/requests/{quote(ticket.id, safe='')}{what}"


def _status(ticket: Ticket) -> Flow[Status]:
    response = yield Request("GET", _path(ticket, "/status"))
    if not_found(response):
        return Status(ticket, "missing", error=gone(ticket.route))
    told = json_body(response)
    word = told.get("status") if response.is_success and isinstance(told, Mapping) else None
    if word is None:
        raise fault(response, ticket.route)
    if word == "COMPLETED":
        return (yield from _result(ticket, told))
    state = _WAITS.get(word) if isinstance(word, str) else None
    if state is None:
        return Status(ticket, "running", note=f"unknown status {word!r}"[:80])
    return Status(ticket, state)


def _result(ticket: Ticket, told: Mapping[str, Any]) -> Flow[Status]:
    """What a completed job came to. Raises the typed error of an answer that is no verdict."""
    response = yield Request("GET", _path(ticket))
    units = units_of(response)
    known = ticket if units is None else _counted(ticket, str(units), response)
    if download(response) is not None:
        return Status(known, "succeeded", seed=seed_of(response))
    if unfinished(response):
        return Status(ticket, "running")
    if not_found(response):
        return Status(ticket, "missing", error=gone(ticket.route))
    error = verdict(response, ticket.route, told)
    if error is None:
        raise fault(response, ticket.route)
    return Status(known, "canceled" if error.code in CANCELED else "failed", error=error)


def _counted(ticket: Ticket, units: str, response: Response) -> Ticket:
    """The ticket with what fal says the run used, for a person who compares bills."""
    more = {"billable_units": units}
    if request_id := response.headers.get("x-fal-request-id"):
        more["fal_request_id"] = request_id[:100]
    return ticket.model_copy(update={"data": {**ticket.data, **more}})
