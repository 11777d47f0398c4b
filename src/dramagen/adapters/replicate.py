"""Replicate: other vendors' models, each with an input of its own, as predictions.

Sources: Replicate's pages on creating a prediction, its lifecycle, data retention, rate limits, files and webhooks
(replicate.com/docs), copies of 2026; replicate 1.0.7 as observed. ``Prefer: wait`` is never sent: it holds the
connection of the paid request open, and is documented to misreport what became of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from httpx import Request, Response

from dramagen.adapters import endpoint
from dramagen.adapters import replicate_find as lost
from dramagen.adapters.base import (
    PAID,
    Absent,
    Account,
    Attempt,
    Delivery,
    Download,
    Flow,
    Notice,
    Secret,
    Status,
    Ticket,
    Unsure,
    json_body,
)
from dramagen.adapters.faults import who
from dramagen.adapters.polling import one_by_one
from dramagen.adapters.replicate_answers import download, fault, is_id, not_found, prediction_of, status
from dramagen.adapters.replicate_files import places
from dramagen.adapters.standard_webhooks import verify
from dramagen.catalog.order import Order
from dramagen.errors import AuthError, DramagenError, JobExpired, ProviderUnavailable


class ReplicateAdapter:
    """Predictions of official models. A clip is kept for one hour: whoever is late finds nothing."""

    name = "replicate"
    batch = 1

    def wording(self, order: Order) -> str:
        """The prompt as it is sent. Raises ``InvalidShot`` for an order that could not be sent."""
        return endpoint.sendable(order)

    def submit(self, order: Order, attempt: Attempt) -> Flow[Ticket]:
        """Create the prediction with one paid POST, larger inputs having gone up before. Nothing deduplicates it."""
        endpoint.body_of(order)  # refused before anything is sent
        place = yield from places(order, attempt)
        body: dict[str, Any] = {"input": endpoint.body_of(order, place)}
        if attempt.callback_url:
            body |= {"webhook": attempt.callback_url, "webhook_events_filter": ["completed"]}
        path = f"/v1/models/{quote(endpoint.id_of(order))}/predictions"
        response = yield Request("POST", path, json=body, extensions={PAID: True})
        made = prediction_of(response)
        if made is None:
            raise fault(response, order.route)
        return Ticket(id=made["id"], route=order.route)

    def poll(self, tickets: Sequence[Ticket]) -> Flow[Mapping[str, Status]]:
        """The state of each job, one request each."""
        return one_by_one(tickets, _status)

    def find(self, order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
        """Look through the predictions of that time for the one with this order's model and input."""
        found = yield from lost.find(order, attempt)
        return Ticket(id=found, route=order.route) if isinstance(found, str) else found

    def deliver(self, ticket: Ticket) -> Flow[Download]:
        """The clip's public link. Raises ``JobExpired`` when the hour is over."""
        response = yield Request("GET", lost.path_of(ticket.id))
        shown = prediction_of(response, ticket.id)
        if shown is None:
            raise _gone(ticket) if not_found(response) else fault(response, ticket.route)
        now = status(ticket, shown)
        if now.error is not None:
            raise now.error
        found = download(shown, ticket.route) if now.state == "succeeded" else None
        if found is None:
            raise ProviderUnavailable(
                "Replicate names no file for this job yet", billed=None, **who(ticket.route)
            )
        return found

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """Ask to stop a job. One that has begun is charged all the same, so only one that never did counts."""
        response = yield Request("POST", lost.path_of(ticket.id, "/cancel"))
        shown = prediction_of(response, ticket.id)
        return shown is not None and status(ticket, shown).state == "expired"

    def keys(self) -> Flow[Mapping[str, str]]:
        """The account's one signing secret."""
        response = yield Request("GET", "/v1/webhooks/default/secret")
        body = json_body(response)
        key = body.get("key") if response.is_success and isinstance(body, Mapping) else None
        return {"default": key} if isinstance(key, str) and key else {}

    def receive(self, delivery: Delivery, keys: Mapping[str, str], secret: Secret, now: float) -> Notice:
        """The prediction a callback shows. It is signed after Standard Webhooks; only its id is believed."""
        verify(delivery, (*secret.webhook, *keys.values()), now)
        body = json_body(Response(200, content=delivery.body))
        id_ = body.get("id") if isinstance(body, Mapping) else None
        return Notice([str(id_)] if is_id(id_) else [], signed=True)

    def probe(self) -> Flow[Account]:
        """Read the list of predictions, which is free."""
        response = yield Request("GET", lost.LIST)
        body = json_body(response)
        if response.is_success and isinstance(body, Mapping) and isinstance(body.get("results"), list):
            return Account(valid=True, detail="the token may list its predictions")
        return Account(valid=False, error=fault(response))

    def fault(self, response: Response) -> DramagenError:
        """See :func:`dramagen.adapters.replicate_answers.fault`."""
        return fault(response)

    def sign(self, request: Request, secret: Secret, now: float) -> None:
        """``Authorization: Bearer``. Raises ``AuthError`` without a token."""
        if not secret.key:
            raise AuthError("no Replicate token: set REPLICATE_API_TOKEN")
        request.headers["Authorization"] = f"Bearer {secret.key}"


def _gone(ticket: Ticket) -> JobExpired:
    return JobExpired("Replicate does not know this job, or no longer", **who(ticket.route))


def _status(ticket: Ticket) -> Flow[Status]:
    response = yield Request("GET", lost.path_of(ticket.id))
    shown = prediction_of(response, ticket.id)
    if shown is not None and "status" in shown:
        return status(ticket, shown)
    if not_found(response):
        return Status(ticket, "missing", error=_gone(ticket))
    raise fault(response, ticket.route)
