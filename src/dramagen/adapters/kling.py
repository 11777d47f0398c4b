"""Kling (可灵), Kuaishou: the current API, with the model in the path.

Sources: Kling's pages "Authentication", "Error codes", "Callbacks", "Concurrency", and those of the video models
3.0, 3.0 Omni, 3.0 Turbo, O1, 2.6 and 2.5 Turbo (klingai.com/document-api), read 2026-09. Kling 4.0 follows its
resellers' account of the same protocol, read 2026-11. Older models are in :mod:`dramagen.adapters.kling_legacy`.
"""

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from httpx import Request, Response

from dramagen.adapters import kling_legacy as legacy
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
    Usage,
    json_body,
)
from dramagen.adapters.faults import who
from dramagen.adapters.kling_answers import (
    STATES,
    code_of,
    decimal,
    download,
    failure,
    fault,
    identifier,
)
from dramagen.adapters.kling_create import body_of, model_of, product_of, tagged
from dramagen.adapters.kling_token import token
from dramagen.adapters.standard_webhooks import verify
from dramagen.catalog.order import Order
from dramagen.catalog.route import Route
from dramagen.errors import (
    AuthError,
    DramagenError,
    InsufficientBalance,
    InvalidShot,
    JobExpired,
    ProviderUnavailable,
)
from dramagen.money import Money

JSON_TYPE = {"Content-Type": "application/json"}  # listed as required on every request, GET included


class KlingAdapter:
    """Both generations of Kling's API; ``order.wire["protocol"]`` says which one serves the model."""

    name = "kling"
    batch = 200
    """Ids in one status request: a URL of 4 kB. Kling names no limit; the watcher asks for fewer where refused."""

    def wording(self, order: Order) -> str:
        """The prompt as it is sent. Raises ``InvalidShot`` for an order that could not be sent."""
        body = legacy.body_of(order) if legacy.serves(order) else body_of(order)
        return str(body["prompt"] if "prompt" in body else body["contents"][0]["text"])

    def submit(self, order: Order, attempt: Attempt) -> Flow[Ticket]:
        """Create the job with one paid POST; pictures travel inside it."""
        if legacy.serves(order):
            return (yield from legacy.submit(order, attempt))
        path = f"/{product_of(order)}/{quote(model_of(order))}"
        response = yield Request("POST", path, json=body_of(order, attempt), extensions={PAID: True})
        task = _data(response)
        # An id is believed whatever else the answer says: asking about it tells the truth for nothing.
        job = identifier(task.get("id")) if isinstance(task, Mapping) else None
        if job is None:
            raise fault(response, order.route)
        return _ticket(order.route, job)

    def poll(self, tickets: Sequence[Ticket]) -> Flow[Mapping[str, Status]]:
        """The state of current jobs in one request, and of legacy jobs in one each.

        A job Kling's list leaves out is left out here as well, even when it was asked for alone: an empty list
        is how Kling answers for an unknown id (seen live in 2026-07), and also how a job that has not reached
        the list yet would look. Money is not let go on that.
        """
        told: dict[str, Status] = {}
        current = {ticket.id: ticket for ticket in tickets if not legacy.owns(ticket)}
        if current:
            route = next(iter(current.values())).route
            for task in _tasks((yield _get_tasks("task_ids", *current)), route):
                ticket = current.get(identifier(task.get("id")) or "")
                if ticket is not None:
                    told[ticket.id] = _status(ticket, task)
        told.update((yield from legacy.poll([t for t in tickets if legacy.owns(t)], answered=bool(told))))
        return told

    def find(self, order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
        """Look for a lost create by its tag, or by the time it was sent where the model takes no tag."""
        if legacy.serves(order):
            return (yield from legacy.find(order, attempt))
        if not tagged(order):
            return (yield from _find_by_time(order, attempt))
        response = yield _get_tasks("external_task_ids", attempt.tag)
        try:
            tasks = _tasks(response, order.route)
        except DramagenError as error:
            return Unsure(str(error))
        for task in tasks:
            job = identifier(task.get("id"))
            if job and (task.get("external_id") or attempt.tag) == attempt.tag:
                return _ticket(order.route, job)
        return Unsure("Kling lists jobs, but none with this tag") if tasks else Absent()

    def deliver(self, ticket: Ticket) -> Flow[Download]:
        """The clip's public link, asked for anew. Raises ``JobExpired`` when Kling no longer has the job."""
        if legacy.owns(ticket):
            return (yield from legacy.deliver(ticket))
        tasks = _tasks((yield _get_tasks("task_ids", ticket.id)), ticket.route)
        task = next((t for t in tasks if identifier(t.get("id")) == ticket.id), None)
        if task is None:
            raise JobExpired("Kling no longer has this job", **who(ticket.route))
        status = _status(ticket, task)
        if status.error is not None:
            raise status.error
        outputs = task.get("outputs")
        for output in outputs if isinstance(outputs, list) else ():  # a picture or a sound may come first
            if isinstance(output, Mapping) and output.get("type") == "video":
                found = download(output.get("url"), task.get("update_time"))
                if found is not None:
                    return found
        raise ProviderUnavailable("Kling names no file for this job yet", billed=None, **who(ticket.route))

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """False, without a request: Kling documents no way to stop a job."""
        yield from ()
        return False

    def keys(self) -> Flow[Mapping[str, str]]:
        """None have to be fetched."""
        yield from ()
        return {}

    def receive(self, delivery: Delivery, keys: Mapping[str, str], secret: Secret, now: float) -> Notice:
        """The job a callback speaks of. Callbacks are signed only if a webhook secret was made in the console."""
        signed = bool(secret.webhook)
        if signed:
            verify(delivery, secret.webhook, now)
        try:
            task = json.loads(delivery.body)  # the bare task: no {code, data} around it
        except (ValueError, RecursionError):
            return Notice(signed=signed)
        if not isinstance(task, Mapping):
            return Notice(signed=signed)
        job = identifier(task.get("id")) or identifier(task.get("task_id"))
        return Notice([job] if job else [], signed=signed)

    def probe(self) -> Flow[Account]:
        """Ask for the account's resource packs: free, at most once a second, up to 12 hours behind."""
        # An adapter has no clock, and the window only chooses packs: from before the API to far ahead.
        response = yield Request(
            "GET", "/account/costs?start_time=1704067200000&end_time=2051222400000", headers=JSON_TYPE
        )
        data = _data(response)
        if code_of(json_body(response)) == 0 and isinstance(data, Mapping):
            return Account(valid=True, detail=_packs(data))
        error = fault(response)
        if isinstance(error, InsufficientBalance) and error.refused:
            return Account(valid=True, error=error)
        if isinstance(error, InvalidShot) and error.refused:
            return Account(valid=True, detail=str(error))
        return Account(valid=False, error=error)

    def fault(self, response: Response) -> DramagenError:
        """The typed error of any answer that is not a success, of either generation."""
        return fault(response)

    def sign(self, request: Request, secret: Secret, now: float) -> None:
        """The API key as it is, or a token of 30 minutes made from an access and secret key pair."""
        if secret.key:
            bearer = secret.key
        elif secret.access and secret.secret:
            bearer = token(secret.access, secret.secret, int(now))
        else:
            raise AuthError("no Kling key: set KLING_API_KEY, or KLING_ACCESS_KEY and KLING_SECRET_KEY")
        request.headers["Authorization"] = f"Bearer {bearer}"


def _status(ticket: Ticket, task: Mapping[str, Any]) -> Status:
    word = task.get("status")
    state = STATES.get(word) if isinstance(word, str) else None
    if state is None:
        return Status(ticket, "running", note=f"unknown status {word!r}"[:80])
    usage = _usage(task.get("billing")) if state in ("succeeded", "failed") else None
    if state != "failed":
        return Status(ticket, state, usage=usage)
    charged = usage is not None and bool(usage.units or usage.charged)
    return Status(ticket, state, usage=usage, error=failure(task.get("message"), ticket.route, charged))


def _usage(billing: object) -> Usage | None:
    """What ``billing[]`` names: units of a resource pack, money of a cash quota; None where it names nothing."""
    units: Decimal | None = None
    money: dict[str, Decimal] = {}
    for row in billing if isinstance(billing, list) else ():
        amount = decimal(row.get("amount")) if isinstance(row, Mapping) else None
        if amount is None:
            continue
        if row.get("charge_type") == "unit":
            units = (units or Decimal(0)) + amount
        elif row.get("charge_type") == "cash" and row.get("currency") in ("CNY", "USD"):
            money[row["currency"]] = money.get(row["currency"], Decimal(0)) + amount
    charged = [Money(amount, currency) for currency, amount in money.items()]
    if units is None and not charged:
        return None
    return Usage(units=units, charged=charged[0] if len(charged) == 1 else None)


def _find_by_time(order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
    """The one untagged video job made while the create was under way, if there is exactly one.

    The list names neither model nor prompt, so none proves nothing and two cannot be told apart. Whoever adopts
    the one must still know that no other order has its id; the ticket's ``found`` says so.
    """
    if attempt.sent_until is None:
        return Unsure("Kling is not told tags by this model, and when the create ended is not known")
    first, last = attempt.window(0.0) if attempt.refused else (attempt.created, attempt.sent_until)
    start, end = math.floor(first * 1000), math.ceil(last * 1000)
    query = {
        "start_time": str(start),  # text here, a number on the Turbo pages: text is accepted by both
        "end_time": str(end),
        "limit": 500,
        "filters": [{"key": "product_type", "values": ["video"]}],
    }
    response = yield Request("POST", "/tasks", json=query)
    data = _data(response)
    if code_of(json_body(response)) != 0 or not isinstance(data, Mapping) or data.get("has_more"):
        return Unsure(str(fault(response, order.route)))
    result = data.get("result")
    jobs = [
        task["id"]
        for task in (result if isinstance(result, list) else ())
        if isinstance(task, Mapping) and identifier(task.get("id")) and not task.get("external_id")
        and isinstance(task.get("create_time"), int) and start <= task["create_time"] <= end
    ]  # fmt: skip
    jobs = [job for job in map(str, jobs) if job not in attempt.others]
    if len(jobs) != 1 or attempt.refused:
        return Unsure(f"{len(jobs)} untagged jobs were made at that time: {', '.join(jobs[:5])}", jobs)
    return _ticket(order.route, jobs[0], found="by time")


def _get_tasks(key: str, *ids: str) -> Request:
    return Request("GET", f"/tasks?{key}={','.join(quote(i, safe='') for i in ids)}", headers=JSON_TYPE)


def _data(response: Response) -> Any:
    body = json_body(response)
    return body.get("data") if isinstance(body, Mapping) else None


def _tasks(response: Response, route: Route) -> list[Mapping[str, Any]]:
    """The jobs of an answer. A refusal inside HTTP 200 is a refusal: the code is always tested."""
    data = _data(response)
    if response.status_code >= 300 or code_of(json_body(response)) != 0 or not isinstance(data, list):
        raise fault(response, route)
    tasks = [task for task in data if isinstance(task, Mapping)]
    if data and not tasks:  # not the empty list that says there is no such job
        raise fault(response, route)
    return tasks


def _ticket(route: Route, job: str, **more: str) -> Ticket:
    return Ticket(id=job, route=route, data={"protocol": "new"} | more)


def _packs(costs: Mapping[str, Any]) -> str:
    listed = costs.get("resource_pack_subscribe_infos")
    packs = [p for p in (listed if isinstance(listed, list) else ()) if isinstance(p, Mapping)]
    left = [decimal(p.get("remaining_quantity")) or Decimal(0) for p in packs if p.get("status") == "online"]
    return f"{sum(left):f} units left in {len(left)} resource packs" if left else "no resource pack online"
