"""An order as the JSON of one endpoint of an aggregator, by the tables in the model's card.

Each endpoint has its own names and types for the same things (``duration`` is a text here and a number there, the
first frame ``image_url`` or ``start_image_url``), so nothing is guessed: what a card does not name is not sent, and
what an order asks without a name for it is refused. What does have a name is always sent, for defaults differ from
route to route, and the price with them.

The ``[wire]`` values of a model, and of a mode over them:

* ``endpoint``: its id, or a table of ids by tier, where each tier has its own.
* ``fields``, and ``also`` in a mode: what a thing is called here. See :data:`THINGS`.
* ``duration``: ``text`` or ``number`` (the default). ``tiers``: tiers that are spelled differently here.
* ``adaptive``: the ratio to ask for where a frame decides it.
* ``cuts``: ``list`` (the default), in place of the prompt; or ``text``, a list written as JSON, beside it.
* ``fixed``: fields that always have one value; ``with_cuts``: those that go with a list of cuts.
* ``extras``: the fields a caller's options may set.
* ``words``, ``mention``: see :mod:`dramagen.adapters.endpoint_words`.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from dramagen.adapters.base import Attempt
from dramagen.adapters.endpoint_words import cut_prompts, elements, prompt
from dramagen.catalog.order import Input, Order
from dramagen.errors import InvalidShot

THINGS = frozenset({
    "prompt", "negative", "duration", "resolution", "ratio", "audio", "seed", "cuts", "first_frame", "last_frame",
    "images", "videos", "voices", "elements",
})  # fmt: skip
"""What ``fields`` may name."""

MEDIA = ("first_frame", "last_frame", "images", "videos", "voices", "elements")
"""Those of them that hold what is sent."""

Place = Callable[[Input], str]
"""Where the endpoint finds a medium: a link, or a data URI."""

ELEMENT_IMAGES = 4
"""The most pictures of one element: its front, and three more."""

_TYPES = {"image/jpg": "image/jpeg", "audio/mp3": "audio/mpeg", "audio/x-wav": "audio/wav"}


def id_of(order: Order) -> str:
    """The endpoint that films the order. Raises ``InvalidShot`` where the card names none."""
    named = order.wire.get("endpoint")
    found = named.get(order.resolution) if isinstance(named, Mapping) else named
    if not isinstance(found, str) or not found:
        raise _no(order, f"no endpoint films {order.mode} at {order.resolution}")
    return found


def wording(order: Order) -> str:
    """The prompt as it is sent; one line for each cut where those are a list."""
    return "\n".join(cut_prompts(order)) if _listed(order) else prompt(order)


def sendable(order: Order) -> str:
    """The same, of an order whose whole body was made. Raises ``InvalidShot`` for one that could not be sent."""
    body = body_of(order)
    return wording(order) if _listed(order) else str(body[names(order)["prompt"]])


def nowhere(item: Input) -> str:
    """No place at all: for a body that is only looked at."""
    return ""


def inline(attempt: Attempt) -> Place:
    """Inside the request, as data URIs. Raises ``InvalidShot`` where a medium's bytes are not at hand.

    Nothing is left on a public host then, nothing expires before a job that waited long reads it, and there is no
    earlier request that can fail.
    """

    def place(item: Input) -> str:
        kind = item.media_type.lower()
        data = b64encode(content_of(item, attempt)).decode("ascii")
        return f"data:{_TYPES.get(kind, kind)};base64,{data}"

    return place


def content_of(item: Input, attempt: Attempt) -> bytes:
    """A medium's bytes. Raises ``InvalidShot`` where they are not at hand."""
    content = attempt.inputs.get(item.sha256)
    if content is None:
        raise InvalidShot(f"an input is not at hand ({item.sha256[:12]}…)")
    return content


def body_of(order: Order, place: Place = nowhere) -> dict[str, Any]:
    """The endpoint's input. Raises ``InvalidShot`` for what it cannot be told."""
    fields = names(order)
    body: dict[str, Any] = dict(order.wire.get("fixed", {}))
    for thing, value in (*_asked(order), *_media(order, place)):
        if thing not in fields:
            raise _no(order, f"this endpoint has no field for {thing}")
        body[fields[thing]] = value
    if _listed(order):
        body |= order.wire.get("with_cuts", {})
    return body | _options(order, fields, body)


def names(order: Order) -> Mapping[str, str]:
    """What this endpoint calls each thing it takes."""
    return {**order.wire.get("fields", {}), **order.wire.get("also", {})}


def is_same(order: Order, told: object) -> bool:
    """Whether an input that the aggregator shows is this order's.

    Media are not compared, for they may come back as addresses: only whether there are any, and how many.
    """
    if not isinstance(told, Mapping):
        return False
    fields, wanted = names(order), body_of(order)
    media = {fields[thing] for thing in MEDIA if thing in fields}
    shown = {key: value for key, value in told.items() if value not in (None, "", [])}
    if media & shown.keys() - wanted.keys():
        return False
    return all(
        _size(shown.get(k)) == _size(v) if k in media else shown.get(k) == v for k, v in wanted.items()
    )


def _size(value: object) -> int:
    """How many media a field holds."""
    return len(value) if isinstance(value, list) else int(isinstance(value, str))


def _listed(order: Order) -> bool:
    """Whether cuts are a list of their own, in place of the prompt."""
    return bool(order.cuts) and "cuts" in names(order)


def _asked(order: Order) -> Iterator[tuple[str, Any]]:
    fields = names(order)
    if _listed(order):
        yield "cuts", _cuts(order)
    if not _listed(order) or order.wire.get("cuts") == "text":
        # Where the list is a text beside the prompt, whether the prompt may be left out is not documented.
        yield "prompt", prompt(order.model_copy(update={"cuts": ()}) if _listed(order) else order)
    if order.negative_prompt:
        yield "negative", order.negative_prompt
    if "duration" in fields:
        yield "duration", _seconds(order, order.duration)
    if "resolution" in fields:
        yield "resolution", order.wire.get("tiers", {}).get(order.resolution, order.resolution)
    if "ratio" in fields and (ratio := order.aspect_ratio or order.wire.get("adaptive")):
        yield "ratio", ratio
    if "audio" in fields:
        yield "audio", order.audio
    if order.seed is not None:
        yield "seed", order.seed
    if any(line.voice for line in order.dialogue):
        raise _no(order, "this endpoint has no voices to choose from")


def _cuts(order: Order) -> Any:
    lengths = [Decimal(str(cut.duration)) for cut in order.cuts]
    if sum(lengths) != order.duration:
        raise _no(order, f"the cuts add up to {sum(lengths)} s, not {order.duration} s")
    listed = [
        {"prompt": words, "duration": _seconds(order, length)}
        for words, length in zip(cut_prompts(order), lengths, strict=True)
    ]
    return json.dumps(listed, ensure_ascii=False) if order.wire.get("cuts") == "text" else listed


def _seconds(order: Order, seconds: Decimal) -> int | str:
    if seconds != int(seconds):
        raise _no(order, f"whole seconds only, not {seconds}")
    return str(int(seconds)) if order.wire.get("duration") == "text" else int(seconds)


def _media(order: Order, place: Place) -> Iterator[tuple[str, Any]]:
    if order.last_frame is not None and order.first_frame is None:
        raise _no(order, "a last frame needs a first one")
    if order.first_frame is not None:
        yield "first_frame", place(order.first_frame)
    if order.last_frame is not None:
        yield "last_frame", place(order.last_frame)
    grouped = elements(order)
    alone = [image for r in order.references if r.name not in grouped for image in r.images]
    together = [[place(image) for image in r.images] for r in order.references if r.name in grouped]
    if any(len(images) > ELEMENT_IMAGES for images in together):
        raise _no(order, f"at most {ELEMENT_IMAGES} pictures of one reference")
    for thing, items in (
        ("images", alone),
        ("videos", [r.video for r in order.references if r.video is not None]),
        ("voices", [r.voice for r in order.references if r.voice is not None]),
    ):
        if items:
            yield thing, [place(item) for item in items]
    if together:
        yield (
            "elements",
            [{"frontal_image_url": front, "reference_image_urls": more} for front, *more in together],
        )


def _options(order: Order, fields: Mapping[str, str], body: Mapping[str, Any]) -> dict[str, Any]:
    """The caller's extras: only fields this endpoint has, and none that the shot decides."""
    allowed = set(order.wire.get("extras", ())) - body.keys() - set(fields.values())
    if strangers := sorted(order.options.keys() - allowed):
        may = f"may set {', '.join(sorted(allowed))}" if allowed else "may set nothing here"
        raise _no(order, f"options cannot set {', '.join(strangers)}: they {may}")
    return dict(order.options)


def _no(order: Order, why: str) -> InvalidShot:
    return InvalidShot(f"{why} ({order.route.model})", provider=order.route.provider, model=order.route.model)
