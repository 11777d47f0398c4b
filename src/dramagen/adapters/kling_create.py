"""The body of a create in Kling's current API: prompt or contents, settings, options.

Sources: Kling's pages of the video models 3.0, 3.0 Omni, 3.0 Turbo, O1, 2.6 and 2.5 Turbo, read 2026-09. Kling 4.0
follows its resellers' account of the same protocol, read 2026-11.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dramagen.adapters.base import Attempt
from dramagen.adapters.faults import who
from dramagen.adapters.kling_words import caller_ids, reference_ids, voice_ids, wording
from dramagen.catalog.order import Input, Order
from dramagen.errors import InvalidShot

PRODUCTS: Mapping[str, str] = {
    "text": "text-to-video",
    "first_frame": "image-to-video",
    "first_last_frame": "image-to-video",
    "references": "omni-video",
}
"""The route that films each mode, where the model's card does not say."""


@dataclass(frozen=True, slots=True)
class Takes:
    """What a model's routes take beside prompt, resolution and duration: settings, cuts, chosen voices."""

    multi_shot: bool = False
    audio: tuple[str, ...] = ()
    cuts: Literal["format", "words", "none"] = "none"
    voices: int = 0


MODELS: Mapping[str, Takes] = {
    "kling-3.0-turbo": Takes(cuts="format"),
    "kling-3.0": Takes(multi_shot=True, audio=("native", "off"), cuts="format"),
    "kling-3.0-omni": Takes(multi_shot=True, audio=("native", "off"), cuts="format"),
    "kling-o1": Takes(audio=("off",)),
    "kling-2.6": Takes(audio=("native", "off"), voices=2),
    "kling-2.5-turbo": Takes(),
    "kling-4.0": Takes(cuts="words", voices=3),
    "kling-4.0-flash": Takes(cuts="words"),
}

UNKNOWN_MODEL = MODELS["kling-3.0"]
"""A field too many is refused free of charge; one too few (multi_shot defaults to true) is paid for."""


def body_of(order: Order, attempt: Attempt | None = None) -> dict[str, Any]:
    """What the paid POST says. Raises ``InvalidShot`` for what this model's route cannot be told.

    Without an attempt it lacks its tag and pictures: so that a plan refuses what could not be sent.
    """
    takes, product = MODELS.get(model_of(order), UNKNOWN_MODEL), product_of(order)
    if order.cuts and takes.cuts == "none":
        raise InvalidShot(f"{order.route.model} does not cut inside a clip", **who(order.route))
    if order.duration != int(order.duration):
        raise InvalidShot(f"Kling films whole seconds, not {order.duration}", **who(order.route))
    settings: dict[str, Any] = {"resolution": order.resolution, "duration": int(order.duration)}
    if takes.multi_shot:
        settings["multi_shot"] = bool(order.cuts)
    if takes.audio:
        settings["audio"] = "native" if order.audio else "off"
        if settings["audio"] not in takes.audio:
            raise InvalidShot(f"{order.route.model} films without sound", **who(order.route))
    if order.aspect_ratio and product != "image-to-video":  # there the clip has the frame's shape
        settings["aspect_ratio"] = order.aspect_ratio
    elif product == "omni-video" and not order.first_frame:
        raise InvalidShot("Kling's omni route needs a ratio where no frame gives one", **who(order.route))
    options: dict[str, Any] = {"watermark_info": {"enabled": False}}
    if tagged(order):
        options["external_task_id"] = attempt.tag if attempt else ""
        if attempt and attempt.callback_url:
            options["callback_url"] = attempt.callback_url
    body: dict[str, Any] = {"settings": settings, "options": options}
    contents = _contents(order, attempt, takes, product)
    if product == "text-to-video":
        if len(contents) > 1:
            raise InvalidShot("text to video takes no pictures, references or voices", **who(order.route))
        body["prompt"] = contents[0]["text"]
    else:
        body["contents"] = contents
    return _with_extras(body, order)


def _contents(order: Order, attempt: Attempt | None, takes: Takes, product: str) -> list[dict[str, Any]]:
    contents: list[dict[str, Any]] = [
        {"type": "prompt", "text": wording(order, cut_format=takes.cuts != "words")}
    ]
    for kind, frame in (("first_frame", order.first_frame), ("last_frame", order.last_frame)):
        if frame is not None:
            contents.append({"type": kind, "url": picture(frame, attempt)})
    if order.last_frame and not order.first_frame:
        raise InvalidShot("Kling films towards a last frame only from a first one", **who(order.route))
    if order.references and product != "omni-video":
        raise InvalidShot("only Kling's omni route takes references", **who(order.route))
    ids = reference_ids(order)
    for reference in order.references:
        if reference.voice:
            raise InvalidShot(f"Kling takes no file of a voice: {reference.name}", **who(order.route))
        named = iter(ids[reference.name])
        contents += [
            {"type": "refer_image", "url": picture(image, attempt), "id": next(named)}
            for image in reference.images
        ]
        if reference.video is not None:
            # By its URL alone; feature_video is one to take after, base_video one to edit.
            url = attempt.url(reference.video) if attempt else ""
            contents.append({"type": "feature_video", "url": url, "id": next(named)})
    voices = voice_ids(order)
    if voices and (len(voices) > takes.voices or product == "text-to-video" or not order.audio):
        raise InvalidShot(f"{order.route.model} takes no such voices here", **who(order.route))
    contents += [{"type": "voice", "voice_id": voice, "id": id_} for voice, id_ in voices.items()]
    return contents


def _with_extras(body: dict[str, Any], order: Order) -> dict[str, Any]:
    """The body with the caller's options, in the body's own shape: contents are added, the rest is merged.

    Raises ``InvalidShot`` where one would change what the order says or what it costs.
    """

    def clash(what: str) -> InvalidShot:
        return InvalidShot(f"options cannot set {what} here: the shot does", **who(order.route))

    for key, value in order.options.items():
        if key == "contents" and isinstance(value, Sequence) and "contents" in body:
            for item in value:
                # Video input and chosen voices have a price of their own, which this order did not reserve.
                if not (isinstance(item, Mapping) and item.get("type") in ("element", "refer_image")):
                    raise clash("contents other than element and refer_image")
            ids = [*caller_ids(order), *(item["id"] for item in body["contents"] if "id" in item)]
            if any(a.startswith(b) for n, a in enumerate(ids) for m, b in enumerate(ids) if n != m):
                raise InvalidShot(f"no id may begin another: {', '.join(ids)}", **who(order.route))
            body["contents"] = [*body["contents"], *map(dict, value)]
        elif key in ("settings", "options") and isinstance(value, Mapping):
            for name in value:
                if name in body[key]:
                    raise clash(f"{key}.{name}")
            body[key] = body[key] | dict(value)
        elif key in body or key in ("contents", "settings", "options"):
            raise clash(key)
        else:
            body[key] = value
    return body


def product_of(order: Order) -> str:
    """The route that films the order."""
    products = order.wire.get("products")
    named = products.get(order.mode) if isinstance(products, Mapping) else None
    return str(named or PRODUCTS[order.mode])


def model_of(order: Order) -> str:
    """Kling's id of the model."""
    return str(order.wire.get("model") or order.route.model)


def tagged(order: Order) -> bool:
    """Whether the model takes an external id and a callback. Kling 4.0 is said to take neither."""
    return bool(order.wire.get("external_id", "honoured") == "honoured")


def picture(item: Input, attempt: Attempt | None) -> str:
    """A picture as Kling takes it: base64 alone, without a ``data:`` prefix."""
    if attempt is None:
        return ""
    content = attempt.inputs.get(item.sha256)
    if content is None:
        raise InvalidShot(f"the picture {item.sha256[:12]}… is not at hand")
    return base64.b64encode(content).decode("ascii")
