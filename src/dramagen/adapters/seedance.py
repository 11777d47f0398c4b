"""Seedance by ByteDance: Volcengine Ark (China) and BytePlus ModelArk (international), one protocol.

Sources, read 2026-11-22: Volcengine "Create a video generation task" (82379/1520757) with the pages on getting,
listing and cancelling tasks beside it; BytePlus ModelArk "Video generation API"; and answers seen live where the
pages are silent. Keys, models and tasks of the two hosts are separate.

The model's ``[wire]`` values: ``model``, the id or endpoint id; ``omni_reference_task_type``, what reference jobs say
there, for a model that takes it; ``seed_echo`` (default true), whether the model takes a seed and shows it on the
task; ``timestamps`` (default false), whether it follows whole seconds in the prompt.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from httpx import Request, Response

from dramagen.adapters import seedance_errors as errors
from dramagen.adapters import seedance_find as lost
from dramagen.adapters import seedance_prompt as prompt
from dramagen.adapters import seedance_task as task
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
from dramagen.adapters.seedance_task import TASKS
from dramagen.catalog.order import Input, Order
from dramagen.catalog.route import Route
from dramagen.errors import AuthError, DramagenError, InvalidShot, ProviderUnavailable

MOST_SEED = 2_147_483_647

_AUDIO_FORMATS: Mapping[str, str] = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/vnd.wave": "wav",
}
_OURS = frozenset({
    "model", "content", "resolution", "ratio", "duration", "frames", "framespersecond", "generate_audio",
    "seed", "omni_reference_task_type", "draft", "execution_expires_after", "callback_url", "tools",
})  # fmt: skip
"""Fields the order or the attempt decides, or that would change what is bought behind their back."""


class SeedanceAdapter:
    """Ark's video tasks. Failed, moderated, expired and cancelled tasks are free; a running one cannot be stopped."""

    name = "ark"
    batch = 100
    """Tasks per list request: their ids must fit into one URL."""

    def wording(self, order: Order) -> str:
        """See :func:`dramagen.adapters.seedance_prompt.wording`."""
        return prompt.wording(order)

    def submit(self, order: Order, attempt: Attempt) -> Flow[Ticket]:
        """One POST, pictures and sounds inline, videos by URL. The vendor has no idempotency key.

        Never POST to a path below a task: it falls through to this create.
        """
        body = self._body(order, attempt)
        response = yield Request("POST", TASKS, json=body, extensions={PAID: True})
        made = json_body(response)
        id_ = made.get("id") if response.is_success and isinstance(made, Mapping) else None
        if not isinstance(id_, str) or not id_.strip():
            raise self._fault(response, order.route)
        return lost.ticket(id_, order)

    def _body(self, order: Order, attempt: Attempt) -> dict[str, Any]:
        """Only what is set and applies: the vendor answers 400 to a field the model does not know."""
        if order.duration != int(order.duration) or order.duration < 1:
            raise InvalidShot(f"Seedance films whole seconds, not {order.duration}")
        if order.seed is not None and order.seed > MOST_SEED:
            raise InvalidShot(f"Seedance takes seeds up to {MOST_SEED}, not {order.seed}")
        body: dict[str, Any] = {
            "model": order.wire["model"],
            "content": list(self._content(order, attempt)),
            "resolution": order.resolution,
            "duration": int(order.duration),
            "generate_audio": order.audio,  # the vendor's own default is true
            "watermark": False,
        } | lost.marks(order, attempt)
        if order.aspect_ratio is not None:
            # It is None where the clip follows its first frame: 2.5 refuses a ratio there.
            body["ratio"] = order.aspect_ratio
        task_type = order.wire.get("omni_reference_task_type")
        if order.mode == "references" and task_type:
            # Left to itself the model may take the job for an edit or an extension, and fail it later.
            body["omni_reference_task_type"] = task_type
        if attempt.callback_url:
            body["callback_url"] = attempt.callback_url
        clash = sorted(_OURS & order.options.keys())
        if clash:
            raise InvalidShot(
                f"options may not set {', '.join(clash)}: use the shot's own fields",
                problems=[("options", name, "decided by the shot") for name in clash],
            )
        return body | {name: value for name, value in order.options.items() if value is not None}

    def _content(self, order: Order, attempt: Attempt) -> Iterator[dict[str, Any]]:
        if order.references and (order.first_frame or order.last_frame):
            raise InvalidShot("Seedance takes frames or references, not both in one shot")
        if order.last_frame and not order.first_frame:
            raise InvalidShot("Seedance takes a last frame only beside a first frame")
        yield {"type": "text", "text": self.wording(order)}
        for medium, role in ((order.first_frame, "first_frame"), (order.last_frame, "last_frame")):
            if medium is not None:
                yield _image(medium, role, attempt)
        for reference in order.references:
            for medium in reference.images:
                yield _image(medium, "reference_image", attempt)
            if reference.video is not None:
                yield _video(reference.video, attempt)
            if reference.voice is not None:
                yield _audio(reference.voice, attempt)

    def poll(self, tickets: Sequence[Ticket]) -> Flow[Mapping[str, Status]]:
        """One ticket is asked for by itself; several through the list (1 request a second, but 20 for single ones).

        The list hides tasks of the ``flex`` tier and those a restricted key may not see, so a ticket it does not
        show is asked for by itself: only that answer says a task is gone.
        """
        told: dict[str, Status] = {}
        if len(tickets) > 1:
            wanted = {ticket.id: ticket for ticket in tickets}
            response = yield Request("GET", lost.listing(page_size=self.batch, ids=list(wanted)))
            for item in lost.items(response) or ():
                listed = wanted.get(str(item.get("id")))
                if listed is not None:
                    told[listed.id] = task.status(listed, item)
            if response.status_code in (401, 429) or response.status_code >= 500:
                raise self._fault(response, tickets[0].route)
        problem: DramagenError | None = None
        for ticket in tickets:
            if ticket.id in told:
                continue
            response = yield Request("GET", _path(ticket))
            status = task.read(ticket, response)
            if status is not None:
                told[ticket.id] = status
                continue
            problem = self._fault(response, ticket.route)
            if response.status_code in (401, 429) or response.status_code >= 500:
                break
        if problem is not None and not told:
            raise problem
        return told

    def find(self, order: Order, attempt: Attempt) -> Flow[Ticket | Absent | Unsure]:
        """Read the account's list for the task that shows this attempt's marks."""
        return lost.find(order, attempt)

    def deliver(self, ticket: Ticket) -> Flow[Download]:
        """A fresh reading of the task's link: public, signed, and to be fetched without the key."""
        response = yield Request("GET", _path(ticket))
        status = task.read(ticket, response)
        if status is None:
            raise self._fault(response, ticket.route)
        if status.error is not None:
            raise status.error
        link = task.link(json_body(response))
        if status.state != "succeeded" or link is None:
            raise ProviderUnavailable(
                "the job shows no link to its clip yet",
                provider=ticket.route.provider,
                model=ticket.route.model,
                billed=None,
            )
        return Download(Request("GET", link), expires=task.link_expires(json_body(response)))

    def cancel(self, ticket: Ticket) -> Flow[bool]:
        """Only a queued task can be cancelled.

        The state is read first, because the same DELETE throws away the record of a finished task, and with it
        the way to a clip that was paid for.
        """
        status = task.read(ticket, (yield Request("GET", _path(ticket))))
        if status is not None and status.state == "canceled":
            return True
        if status is None or status.state != "queued":
            return False
        response = yield Request("DELETE", _path(ticket))
        return response.is_success and json_body(response) == {}

    def keys(self) -> Flow[Mapping[str, str]]:
        """None have to be fetched."""
        yield from ()
        return {}

    def receive(self, delivery: Delivery, keys: Mapping[str, str], secret: Secret, now: float) -> Notice:
        """The task a callback shows. Callbacks carry no signature: a hint to ask again, and no more."""
        shown = json_body(Response(200, content=delivery.body))
        id_ = shown.get("id") if isinstance(shown, Mapping) else None
        return Notice([id_] if isinstance(id_, str) and id_ else [])

    def probe(self) -> Flow[Account]:
        """Read one line of the list: it needs the same permission as filming.

        The catalogue of models would not do, as it shows models the key cannot call; and a create without
        content, though refused today, is a request that may cost money tomorrow.
        """
        response = yield Request("GET", lost.listing(page_size=1))
        if response.is_success and isinstance(json_body(response), Mapping):
            return Account(valid=True, detail="the key may read video tasks")
        return Account(valid=False, error=self.fault(response))

    def fault(self, response: Response) -> DramagenError:
        """See :func:`dramagen.adapters.seedance_errors.fault`."""
        return errors.fault(response)

    def _fault(self, response: Response, route: Route) -> DramagenError:
        error = self.fault(response)
        error.provider, error.model = route.provider, route.model
        return error

    def sign(self, request: Request, secret: Secret, now: float) -> None:
        """``Authorization: Bearer``; access-key pairs are not accepted here. Raises ``AuthError`` without a key."""
        if not secret.key:
            raise AuthError("Ark needs an API key")
        request.headers["Authorization"] = f"Bearer {secret.key}"


def _path(ticket: Ticket) -> str:
    return f"{TASKS}/{quote(ticket.id, safe='')}"


def _inline(medium: Input, kind: str, form: str, attempt: Attempt) -> str:
    try:
        data = attempt.inputs[medium.sha256]
    except KeyError:
        raise InvalidShot(f"the content of an input is not at hand ({medium.sha256[:12]}…)") from None
    return f"data:{kind}/{form};base64,{b64encode(data).decode()}"


def _image(medium: Input, role: str, attempt: Attempt) -> dict[str, Any]:
    kind, _, form = medium.media_type.lower().partition("/")
    if kind != "image" or not form:
        raise InvalidShot(f"an image was expected, not {medium.media_type}")
    form = "jpeg" if form == "jpg" else form
    return {
        "type": "image_url",
        "image_url": {"url": _inline(medium, "image", form, attempt)},
        "role": role,
    }


def _video(medium: Input, attempt: Attempt) -> dict[str, Any]:
    """By its URL alone: base64 is refused for videos."""
    if not medium.media_type.lower().startswith("video/"):
        raise InvalidShot(f"a video was expected, not {medium.media_type}")
    return {"type": "video_url", "video_url": {"url": attempt.url(medium)}, "role": "reference_video"}


def _audio(medium: Input, attempt: Attempt) -> dict[str, Any]:
    form = _AUDIO_FORMATS.get(medium.media_type.lower())
    if form is None:
        raise InvalidShot(f"Seedance takes wav and mp3 sound, not {medium.media_type}")
    return {
        "type": "audio_url",
        "audio_url": {"url": _inline(medium, "audio", form, attempt)},
        "role": "reference_audio",
    }
