"""Wan (万相) and HappyHorse over DashScope, Alibaba Cloud Model Studio (百炼).

Sources: Model Studio's pages "Wan 3.0 video generation", the references of Wan 2.7 and of 2.1 to 2.6, HappyHorse,
"Asynchronous task management", "Error codes", "Upload a local file for a temporary URL" and "Async task events", and
what the dashscope 2.0.2 package sends; read 2026-11-22. Keys, hosts and models of the regions are separate.

The model's ``[wire]`` values: ``protocol``, ``wan3``, ``wan2.7`` or ``legacy``; ``model``, or ``models`` by way of
filming; ``media``, ``inline`` (default) or ``upload``: whether pictures travel in the body; ``path``, ``image2video``
for the first-and-last-frame models of the legacy protocol; ``audio_switch``, whether a legacy model takes ``audio``;
``image``, how the prompt speaks of a picture, where it is not the protocol's usual way.
"""

from collections.abc import Mapping, Sequence

from httpx import Request, Response

from dramagen.adapters import wan_create as create
from dramagen.adapters import wan_errors as errors
from dramagen.adapters import wan_find as lost
from dramagen.adapters import wan_task as task
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
from dramagen.adapters.wan_upload import upload
from dramagen.catalog.order import Order
from dramagen.errors import AuthError, DramagenError, ProviderUnavailable


class DashScopeAdapter:
    """DashScope's video tasks. Only a waiting task can be cancelled; only a success is billed."""

    name = "dashscope"
    batch = 1
    """Tasks per status request: the list shows states, but neither links nor reasons."""

    def wording(self, order: Order) -> str:
        """See :func:`dramagen.adapters.wan_words.wording`. Raises ``InvalidShot`` for what could not be sent."""
        return create.check(order)

    def submit(self, order: Order, attempt: Attempt) -> Flow[Ticket]:
        """One paid POST, after the uploads where the model takes no data URI. The vendor has no idempotency key."""
        create.check(order)
        contents = {item.sha256: create.content(item, attempt) for item in order.inputs()}
        links: dict[str, str] = {}
        for item in order.inputs():
            if item.sha256 in links:
                continue
            if create.inlined(order, item):
                links[item.sha256] = create.data_uri(item, attempt)
            else:
                model, data = create.model_of(order), contents[item.sha256]
                links[item.sha256] = yield from upload(model, item, data, attempt.tag, order.route)
        headers = {"X-DashScope-Async": "enable"}  # without it, 403
        if any(link.startswith("oss://") for link in links.values()):
            headers["X-DashScope-OssResourceResolve"] = "enable"
        response = yield Request(
            "POST",
            create.path_of(order),
            json=create.body_of(order, links),
            headers=headers,
            extensions={PAID: True},
        )
        id_ = task.task_id(task.output_of(response))
        if id_ is None:
            raise errors.fault(response, order.route)
        return Ticket(id=id_, route=order.route)

    def poll(self, tickets: Sequence[Ticket]) -> Flow[Mapping[str, Status]]:
        """Each job by itself. A job whose answer says nothing is left out."""
        return one_by_one(tickets, _status)

    def find(self, order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
        """Read the account's list for the task that shows this order's prompt."""
        return lost.find(order, attempt, create.model_of(order), create.check(order))

    def deliver(self, ticket: Ticket) -> Flow[Download]:
        """A fresh reading of the task's link: public, signed, and to be fetched without the key."""
        response = yield Request("GET", task.path(ticket.id))
        status, output = task.read(ticket, response), task.output_of(response)
        if status is None or output is None:
            raise errors.fault(response, ticket.route)
        if status.error is not None:
            raise status.error
        link = task.link(output)
        if status.state != "succeeded" or link is None:
            raise ProviderUnavailable(
                "the job shows no link to its clip yet", billed=None, **who(ticket.route)
            )
        return Download(Request("GET", link), expires=task.link_expires(output))

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """True only where the vendor took the cancel: work that runs cannot be stopped, and is refused with 400."""
        response = yield Request("POST", f"{task.path(ticket.id)}/cancel")
        body = json_body(response)
        return (
            response.is_success and isinstance(body, Mapping) and "request_id" in body and "code" not in body
        )

    def keys(self) -> Flow[Mapping[str, str]]:
        """None have to be fetched."""
        yield from ()
        return {}

    def receive(self, delivery: Delivery, keys: Mapping[str, str], secret: Secret, now: float) -> Notice:
        """The task an EventBridge event speaks of (``dashscope:System:AsyncTaskFinish``).

        The vendor takes no callback address; a rule of the account's event bus forwards these. They carry no
        signature of DashScope's: a hint to ask again, and no more.
        """
        event = json_body(Response(200, content=delivery.body))
        data = event.get("data") if isinstance(event, Mapping) else None
        id_ = data.get("task_id") if isinstance(data, Mapping) else None
        return Notice([id_] if isinstance(id_, str) and id_ else [])

    def probe(self) -> Flow[Account]:
        """Read one line of the list: free, and answered 401 for a key of another region."""
        response = yield Request("GET", lost.listing(1, 1))
        body = json_body(response)
        if response.is_success and isinstance(body, Mapping) and isinstance(body.get("data"), list):
            return Account(valid=True, detail="the key may read tasks")
        return Account(valid=False, error=self.fault(response))

    def fault(self, response: Response) -> DramagenError:
        """See :func:`dramagen.adapters.wan_errors.fault`."""
        return errors.fault(response)

    def sign(self, request: Request, secret: Secret, now: float) -> None:
        """``Authorization: Bearer``. Raises ``AuthError`` without a key, or for one of a subscription plan."""
        if not secret.key:
            raise AuthError("DashScope needs an API key")
        if secret.key.startswith("sk-sp-"):
            raise AuthError(
                "this key belongs to a subscription plan, which has hosts of its own and films nothing"
            )
        request.headers["Authorization"] = f"Bearer {secret.key}"


def _status(ticket: Ticket) -> Flow[Status]:
    response = yield Request("GET", task.path(ticket.id))
    status = task.read(ticket, response)
    if status is None:
        raise errors.fault(response, ticket.route)
    return status
