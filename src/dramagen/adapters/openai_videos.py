"""The OpenAI Videos protocol (``/v1/videos``): Sora's, and since its end that of gateways and one's own servers.

Sources: OpenAI's API reference and video generation guide, read 2026-08 (the service ended on 2026-09-24); PyPI
packages sglang 0.5.23 and vllm-omni 0.30.0, read 2026-11-22. Where they differ is in
:mod:`dramagen.adapters.openai_videos_profiles`.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from httpx import Request, Response

from dramagen.adapters import openai_videos_find as lost
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
from dramagen.adapters.faults import who
from dramagen.adapters.openai_videos_answers import (
    fault,
    job_id,
    link_of,
    read,
    stamp,
    video_of,
)
from dramagen.adapters.openai_videos_create import VIDEOS, create, fields
from dramagen.adapters.openai_videos_profiles import profile_named
from dramagen.adapters.polling import one_by_one
from dramagen.adapters.standard_webhooks import verify
from dramagen.catalog.order import Order
from dramagen.errors import DramagenError, ProviderUnavailable


class OpenAIVideosAdapter:
    """``order.wire["profile"]`` says which dialect the server speaks."""

    name = "openai-videos"
    batch = 1

    def wording(self, order: Order) -> str:
        """The prompt as it is sent. Raises ``InvalidShot`` for an order that could not be sent."""
        return fields(order)["prompt"]

    def submit(self, order: Order, attempt: Attempt) -> Flow[Ticket]:
        """One POST of a form, the first frame inside it. Nothing deduplicates it: there is no idempotency key."""
        profile = profile_named(order.wire.get("profile"))
        response = yield create(order, attempt)
        video = video_of(response, profile)
        id_ = job_id(video, profile) if video is not None else None
        if video is None or id_ is None or not (response.is_success or video.get("object") == "video"):
            raise fault(response, order.route)
        if video.get("error") and "status" not in video:
            raise fault(response, order.route)  # an error inside HTTP 200; its id is the request's
        return lost.ticket(id_, order)

    def poll(self, tickets: Sequence[Ticket]) -> Flow[Mapping[str, Status]]:
        """The state of each job, asked for by itself."""
        return one_by_one(tickets, _status)

    def find(self, order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
        """Compare the server's list with the order."""
        return lost.find(order, attempt)

    def deliver(self, ticket: Ticket) -> Flow[Download]:
        """The content path, fetched with the key; or the public link of a server that put the file elsewhere."""
        profile = profile_named(ticket.data.get("profile"))
        response = yield Request("GET", _path(ticket))
        status = read(ticket, response)
        if status is None:
            raise fault(response, ticket.route)
        if status.error is not None:
            raise status.error
        if status.state != "succeeded":
            raise ProviderUnavailable("the clip is not finished yet", billed=None, **who(ticket.route))
        video = video_of(response, profile) or {}
        expires = stamp(video.get("expires_at"))
        link = link_of(video, ticket.id) if profile.links else None
        if link is not None:
            return Download(Request("GET", link), expires=expires)
        # No variant: the video is the default, and SGLang takes the word for a number.
        return Download(Request("GET", f"{_path(ticket)}/content"), authenticated=True, expires=expires)

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """DELETE stops a job at vLLM-Omni only; the state is read first, since it also throws away finished files."""
        if not profile_named(ticket.data.get("profile")).cancels:
            return False
        status = read(ticket, (yield Request("GET", _path(ticket))))
        if status is None or status.state not in ("queued", "running"):
            return False
        response = yield Request("DELETE", _path(ticket))
        gone = json_body(response)
        return response.is_success and isinstance(gone, Mapping) and gone.get("deleted") is True

    def keys(self) -> Flow[Mapping[str, str]]:
        """None have to be fetched."""
        yield from ()
        return {}

    def receive(self, delivery: Delivery, keys: Mapping[str, str], secret: Secret, now: float) -> Notice:
        """The job a callback speaks of; it is signed after Standard Webhooks and names no more than an id."""
        signed = bool(secret.webhook)
        if signed:
            verify(delivery, secret.webhook, now)
        event = json_body(Response(200, content=delivery.body))
        data = event.get("data") if isinstance(event, Mapping) else None
        id_ = data.get("id") if isinstance(data, Mapping) else None
        return Notice([id_] if isinstance(id_, str) and id_.strip() else [], signed=signed)

    def probe(self) -> Flow[Account]:
        """Ask which models the key may use."""
        response = yield Request("GET", "/v1/models")
        body = json_body(response)
        listed = body.get("data") if response.is_success and isinstance(body, Mapping) else None
        if not isinstance(listed, list):
            return Account(valid=False, error=self.fault(response))
        names = [str(model["id"]) for model in listed if isinstance(model, Mapping) and model.get("id")]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        return Account(
            valid=True,
            models=frozenset(names),
            detail=f"serves {', '.join(names[:3])}{more}" if names else "serves no model",
        )

    def fault(self, response: Response) -> DramagenError:
        """See :func:`dramagen.adapters.openai_videos_answers.fault`."""
        return fault(response)

    def sign(self, request: Request, secret: Secret, now: float) -> None:
        """``Authorization: Bearer``, where there is a key: one's own server may need none."""
        if secret.key:
            request.headers["Authorization"] = f"Bearer {secret.key}"


def _path(ticket: Ticket) -> str:
    return f"{VIDEOS}/{quote(ticket.id, safe='')}"


def _status(ticket: Ticket) -> Flow[Status]:
    response = yield Request("GET", _path(ticket))
    told = read(ticket, response)
    if told is None:
        raise fault(response, ticket.route)
    return told
