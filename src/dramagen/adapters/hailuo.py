"""Hailuo by MiniMax: two generations of one vendor's API behind one key.

``order.wire["protocol"]`` says which one serves a model, and a ticket remembers it: ``v1`` for 2.3, 02 and the 01
series (:mod:`dramagen.adapters.hailuo_v1`), ``v2`` for the H3 family (:mod:`dramagen.adapters.hailuo_v2`). They
differ in path, body, states, result and errors; this file only chooses between them.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from httpx import Request, Response

from dramagen.adapters import hailuo_find as lost
from dramagen.adapters import hailuo_v1 as v1
from dramagen.adapters import hailuo_v2 as v2
from dramagen.adapters.base import (
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
from dramagen.adapters.hailuo_errors import fault, identifier, ok
from dramagen.adapters.polling import one_by_one
from dramagen.catalog.order import Order
from dramagen.errors import AuthError, DramagenError

BALANCE = "/account/query_balance"


class MinimaxAdapter:
    """Both generations of MiniMax's video API. The first has no way to look for a lost create, nor to cancel."""

    name = "minimax"
    batch = 1
    """One task a request: the first generation has no other way, and the second documents none."""

    def wording(self, order: Order) -> str:
        """The prompt as it is sent. Raises ``InvalidShot`` for an order that could not be sent."""
        if _of_v1(order):
            return str(v1.body_of(order)["prompt"])
        return str(v2.body_of(order)["content"][0]["text"])

    def submit(self, order: Order, attempt: Attempt) -> Flow[Ticket]:
        """Create the job with one paid POST; media travel inside it."""
        task = yield from (v1.submit if _of_v1(order) else v2.submit)(order, attempt)
        return _ticket(order, task)

    def poll(self, tickets: Sequence[Ticket]) -> Flow[Mapping[str, Status]]:
        """The state of each job, one request each."""
        return one_by_one(tickets, _status)

    def find(self, order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
        """Look through H3's list for the one task like this; the first generation cannot be asked."""
        if _of_v1(order):
            yield from ()
            return Unsure("this generation of MiniMax's API has no list and takes no tag")
        found = yield from lost.find(order, attempt)
        return found if isinstance(found, Unsure) else _ticket(order, found)

    def deliver(self, ticket: Ticket) -> Flow[Download]:
        """The clip's public link, asked for anew. Raises ``JobExpired`` when MiniMax no longer has the job."""
        return (yield from (v1.deliver if _by_v1(ticket) else v2.deliver)(ticket))

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """A queued H3 task can be cancelled, and is free then; nothing of the first generation can."""
        if _by_v1(ticket):
            yield from ()
            return False
        return (yield from v2.cancel(ticket))

    def keys(self) -> Flow[Mapping[str, str]]:
        """None have to be fetched."""
        yield from ()
        return {}

    def receive(self, delivery: Delivery, keys: Mapping[str, str], secret: Secret, now: float) -> Notice:
        """The task a callback speaks of. Callbacks carry no signature: a hint to ask again, and no more.

        The first call to a new address only holds a ``challenge``, to be echoed within 3 s; it speaks of no task.
        """
        shown = json_body(Response(200, content=delivery.body))
        if not isinstance(shown, Mapping):
            return Notice()
        task = shown.get("task")
        named = identifier(task.get("id") if isinstance(task, Mapping) else shown.get("task_id"))
        if named:
            return Notice([named])
        challenge = shown.get("challenge")
        return Notice(answer={"challenge": challenge} if isinstance(challenge, str) else {})

    def probe(self) -> Flow[Account]:
        """Ask for the balance: free. The path is that of the vendor's own client (mmx-cli 1.0.27)."""
        response = yield Request("GET", BALANCE)
        page = json_body(response)
        if response.is_success and ok(page):
            return Account(valid=True, left=_amount(page.get("available_amount")))
        return Account(valid=False, error=fault(response))

    def fault(self, response: Response) -> DramagenError:
        """See :func:`dramagen.adapters.hailuo_errors.fault`."""
        return fault(response)

    def sign(self, request: Request, secret: Secret, now: float) -> None:
        """``Authorization: Bearer``. Raises ``AuthError`` without a key."""
        if not secret.key:
            raise AuthError("no MiniMax key: set MINIMAX_API_KEY")
        request.headers["Authorization"] = f"Bearer {secret.key}"


def _amount(text: object) -> Decimal | None:
    """An amount as MiniMax writes it, a decimal string; below zero where something is owed."""
    try:
        amount = Decimal(text) if isinstance(text, str) and len(text) <= 20 else None
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() else None


def _of_v1(order: Order) -> bool:
    return order.wire.get("protocol") == "v1"


def _ticket(order: Order, task: str) -> Ticket:
    return Ticket(id=task, route=order.route, data={"protocol": "v1" if _of_v1(order) else "v2"})


def _by_v1(ticket: Ticket) -> bool:
    return ticket.data.get("protocol") == "v1"


def _status(ticket: Ticket) -> Flow[Status]:
    return (yield from (v1.poll if _by_v1(ticket) else v2.poll)(ticket))
