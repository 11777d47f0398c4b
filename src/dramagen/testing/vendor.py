"""What the contract suite asks about a vendor, and the talks with its adapter that several tests need."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from httpx import Request, Response

from dramagen.adapters.base import Adapter, Attempt, Delivery, Flow, Secret, Ticket
from dramagen.catalog.order import Order
from dramagen.testing.driver import Heard, Respond, always, drive
from dramagen.testing.examples import Golden, Refusal, Report
from dramagen.testing.lives import Place, places

SECRET = Secret(key="never-show-key-4f21", access="never-show-access-8c07", secret="never-show-secret-3b9d")  # noqa: S106 - dummies
NOW = 1_795_000_000.0
"""Unix seconds at which the suite signs."""


class Vendor:
    """Override what raises ``NotImplementedError``. The rest has defaults for a vendor that cannot do it."""

    keyed = True
    """Whether requests carry a credential; False for a provider that needs none."""

    def adapter(self) -> Adapter:
        """A fresh adapter: every call, as a new process would have it."""
        raise NotImplementedError

    def goldens(self) -> Mapping[str, Golden]:
        """Every mode of the vendor, by a name for the test's id."""
        raise NotImplementedError

    def refusals(self) -> Mapping[str, Refusal]:
        """Every error answer the vendor documents, and those seen, HTTP 200 with an error code included."""
        raise NotImplementedError

    def reports(self) -> Mapping[str, Report]:
        """Every state of a job in the vendor's words; ``"running"`` must be among the names."""
        raise NotImplementedError

    def unknown_status(self) -> Respond:
        """A poll's answer with a status word the vendor has never used."""
        raise NotImplementedError

    def deliveries(self) -> Respond:
        """What leads to the finished file of the first golden order's job."""
        raise NotImplementedError

    def gone(self) -> Respond:
        """The answers when the job, and so its file, is gone."""
        raise NotImplementedError

    def canceled(self) -> Mapping[bool, Respond]:
        """The answers to a cancel that worked (True) and to one that came too late (False)."""
        return {}

    def lost(self) -> Respond | None:
        """What finds the first golden order's job after its create's answer was lost; None: no way to ask."""
        return None

    def not_found(self) -> Respond | None:
        """What shows that the vendor has no such job; None: it cannot be shown."""
        return None

    def unsendable(self) -> Sequence[tuple[Order, Attempt]]:
        """Orders this vendor has no request for, or whose options would change what is bought."""
        return ()

    def callback(self) -> tuple[Delivery, Sequence[str]] | None:
        """A callback of the vendor, and the job ids in it."""
        return None

    def keyring(self) -> Respond:
        """The answers where :meth:`callback` is checked with keys the vendor has to be asked for."""
        return nobody

    def places(self) -> Sequence[Place]:
        """Where a job is followed from its create on: every region the packaged cards know, with orders for it."""
        return places([golden.order for golden in self.goldens().values()], self.adapter())

    def read_body(self, request: Request) -> Any:
        """A create's body as plain values, for a vendor that is not sent JSON."""
        return json.loads(request.content)

    # -- talks ------------------------------------------------------------------------------------------------

    def _first(self) -> Golden:
        return next(iter(self.goldens().values()))

    def _ticket(self) -> Ticket:
        golden = self._first()
        return drive(self.adapter().submit(golden.order, golden.attempt), golden.accept)

    def _every_request(self, *, submit: bool = True) -> list[Request]:
        golden, ticket, heard = self._first(), self._ticket(), Heard(nobody)

        def hear(flow: Flow[Any], respond: Respond) -> None:
            one = Heard(respond)
            drive(flow, one)
            heard.requests += one.requests

        if submit:
            hear(self.adapter().submit(golden.order, golden.attempt), golden.accept)
        hear(self.adapter().poll([ticket]), self.reports()["running"].answer)
        hear(self.adapter().deliver(ticket), self.deliveries())
        hear(self.adapter().find(golden.order, golden.attempt), always(Response(503, json={})))
        hear(self.adapter().cancel(ticket), always(Response(503, json={})))
        hear(self.adapter().probe(), always(Response(503, json={})))
        return heard.requests

    def _received(self, delivery: Delivery) -> Sequence[str]:
        keys = drive(self.adapter().keys(), self.keyring())
        return self.adapter().receive(delivery, keys, SECRET, NOW).jobs


def nobody(request: Request) -> Response:
    """The answer where no request is expected: the test's failure."""
    raise AssertionError(f"nobody expected {request.method} {request.url.path}")
