"""Vidu (生数科技 Shengshu): the Open Platform, ``/ent/v2``, in China and abroad.

Sources: Vidu's pages on the four ways of filming, on tasks, errors, credits and callbacks (platform.vidu.com and
platform.vidu.cn docs), read 2026-03 and 2026-07; what they leave open follows public clients, read 2026-11-22.
Keys, credits and jobs of the two hosts are separate.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from httpx import Request, Response

from dramagen.adapters import vidu_find as lost
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
from dramagen.adapters.vidu_answers import (
    download,
    fault,
    identifier,
    not_found,
    status,
    task_of,
    ticket_of,
)
from dramagen.adapters.vidu_callback import verify
from dramagen.adapters.vidu_create import CREATES, body_of
from dramagen.catalog.order import Order
from dramagen.errors import AuthError, DramagenError, JobExpired, ProviderUnavailable


class ViduAdapter:
    """Vidu's video jobs. What a job takes in credits is told when it is made, and again on the job."""

    name = "vidu"
    batch = 1
    """The list takes several ids, but how they are spelled is not documented."""

    def wording(self, order: Order) -> str:
        """The prompt as it is sent. Raises ``InvalidShot`` for an order that could not be sent."""
        return str(body_of(order)["prompt"])

    def submit(self, order: Order, attempt: Attempt) -> Flow[Ticket]:
        """Create the job with one paid POST; pictures travel inside it. Nothing deduplicates it."""
        body = body_of(order, attempt)
        response = yield Request("POST", CREATES[order.mode], json=body, extensions={PAID: True})
        made = json_body(response)
        job = identifier(made.get("task_id")) if response.is_success and isinstance(made, Mapping) else None
        if job is None:
            raise fault(response, order.route)
        return ticket_of(order.route, job, made)

    def poll(self, tickets: Sequence[Ticket]) -> Flow[Mapping[str, Status]]:
        """The state of each job, one request each."""
        return one_by_one(tickets, _status)

    def find(self, order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
        """Read the list for the job that carries this attempt's tag."""
        return lost.find(order, attempt)

    def deliver(self, ticket: Ticket) -> Flow[Download]:
        """The clip's public link, asked for anew. Raises ``JobExpired`` when Vidu no longer has the job."""
        response = yield lost.creations(ticket.id)
        if not_found(response):
            raise _gone(ticket)
        task = task_of(response, ticket.id)
        if task is None:
            raise fault(response, ticket.route)
        now = status(ticket, task)
        if now.error is not None:
            raise now.error
        found = download(task) if now.state == "succeeded" else None
        if found is None:
            raise ProviderUnavailable("Vidu names no file for this job yet", billed=None, **who(ticket.route))
        return found

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """Ask to stop a job that waits. Only the job's own word that it was cancelled is believed."""
        path = lost.path_of(ticket.id, "cancel")
        response = yield Request("POST", path, json={"id": ticket.id})
        if not response.is_success:
            return False
        task = task_of((yield lost.creations(ticket.id)), ticket.id)
        return task is not None and status(ticket, task).state == "canceled"

    def keys(self) -> Flow[Mapping[str, str]]:
        """None have to be fetched."""
        yield from ()
        return {}

    def receive(self, delivery: Delivery, keys: Mapping[str, str], secret: Secret, now: float) -> Notice:
        """The job a callback speaks of. The signature leaves the body out: a hint to ask again, and no more."""
        verify(delivery, [key for key in (*secret.webhook, secret.key) if key], now)
        try:
            task = json.loads(delivery.body)
        except (ValueError, RecursionError):
            return Notice(signed=True)
        job = (
            identifier(task.get("id")) or identifier(task.get("task_id"))
            if isinstance(task, Mapping)
            else None
        )
        return Notice([job] if job else [], signed=True)

    def probe(self) -> Flow[Account]:
        """Read the account's credits; where that cannot be read, ask for a job that does not exist."""
        response = yield Request("GET", "/ent/v2/credits")
        if response.is_success and (left := _left(json_body(response))) is not None:
            return left
        error = fault(response)
        if isinstance(error, AuthError) and error.refused:
            return Account(valid=False, error=error)
        response = yield lost.creations("0")
        if not_found(response):
            return Account(valid=True, detail="the key may read tasks; its credits could not be read")
        return Account(valid=False, error=fault(response))

    def fault(self, response: Response) -> DramagenError:
        """See :func:`dramagen.adapters.vidu_answers.fault`."""
        return fault(response)

    def sign(self, request: Request, secret: Secret, now: float) -> None:
        """``Authorization: Token``. Raises ``AuthError`` without a key."""
        if not secret.key:
            raise AuthError("no Vidu key: set VIDU_API_KEY")
        request.headers["Authorization"] = f"Token {secret.key}"


def _left(body: object) -> Account | None:
    """Credits and jobs at once, over all packs of the account; None where the answer names none."""
    remains = body.get("remains") if isinstance(body, Mapping) else None
    packs = [pack for pack in (remains if isinstance(remains, list) else ()) if isinstance(pack, Mapping)]
    if not packs:
        return None
    left = sum(_whole(pack.get("credit_remain")) for pack in packs)
    limit = max(_whole(pack.get("concurrency_limit")) for pack in packs)
    running = max(_whole(pack.get("current_concurrency")) for pack in packs)
    detail = f"{left:,} credits left" + (f", {running} of {limit} jobs running" if limit else "")
    return Account(valid=True, concurrency=limit or None, left=Decimal(left), detail=detail)


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _status(ticket: Ticket) -> Flow[Status]:
    response = yield lost.creations(ticket.id)
    task = task_of(response, ticket.id)
    if task is not None:
        return status(ticket, task)
    if not_found(response):
        return Status(ticket, "missing", error=_gone(ticket))
    raise fault(response, ticket.route)


def _gone(ticket: Ticket) -> JobExpired:
    return JobExpired("Vidu does not know this job, or no longer", **who(ticket.route))
