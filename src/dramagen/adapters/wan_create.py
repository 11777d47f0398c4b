"""The body of a create, in DashScope's three request protocols.

``wan3``: one model for every way of filming, tiers and ratio, all inputs in ``media``. ``wan2.7``: a model for each
way, tiers and ratio, ``media``; HappyHorse speaks it too. ``legacy`` (2.6 and older): exact sizes for text and
references, tiers for pictures, each input in a field of its own; first and last frame have their own route.

Sources, read 2026-11-22: Alibaba Cloud Model Studio "Wan 3.0 video generation"; Wan 2.7 text-, image- and
reference-to-video; "Text-to-video", "Image-to-video" and "First and last frame" (2.1 to 2.6); HappyHorse.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dramagen.adapters.base import Attempt
from dramagen.adapters.wan_words import wording
from dramagen.catalog.order import Input, Order, OrderReference
from dramagen.errors import InvalidShot

VIDEO = "/api/v1/services/aigc/video-generation/video-synthesis"
FRAMES = "/api/v1/services/aigc/image2video/video-synthesis"

MOST_SEED = 2_147_483_647
MOST_NEGATIVE = 500
"""Characters; the vendor cuts a longer negative prompt without a word."""

Links = Mapping[str, str]
"""What stands for each input in the body, by SHA-256: a data URI, or an ``oss://`` address."""

_INPUT_OPTIONS = frozenset({"audio_url"})
"""Extras of the caller that belong beside the prompt; all others are parameters."""

_OURS = frozenset({
    "model", "input", "parameters", "prompt", "negative_prompt", "media", "img_url", "first_frame_url",
    "last_frame_url", "reference_urls", "reference_video_urls", "function", "template", "resolution", "size",
    "ratio", "duration", "audio", "seed", "shot_type", "n",
})  # fmt: skip
"""Fields the order decides, or that would change what is bought behind its back."""


def model_of(order: Order) -> str:
    """The vendor's model id: one for all, or one for each way of filming."""
    model = order.wire.get("model") or order.wire["models"][order.mode]
    return str(model)


def path_of(order: Order) -> str:
    """The create's route."""
    return FRAMES if order.wire.get("path") == "image2video" else VIDEO


def inlined(order: Order, medium: Input) -> bool:
    """Whether an input travels in the body. Only pictures do: for them alone data URIs are documented."""
    return order.wire.get("media", "inline") == "inline" and medium.media_type.lower().startswith("image/")


def data_uri(medium: Input, attempt: Attempt) -> str:
    """The input's content as ``data:image/png;base64,...``."""
    return f"data:{media_type(medium)};base64,{b64encode(content(medium, attempt)).decode()}"


def media_type(medium: Input) -> str:
    """The registered spelling."""
    kind = medium.media_type.lower()
    return {"image/jpg": "image/jpeg", "audio/mp3": "audio/mpeg"}.get(kind, kind)


def content(medium: Input, attempt: Attempt) -> bytes:
    """The input's bytes. Raises ``InvalidShot`` where they are not at hand."""
    try:
        return attempt.inputs[medium.sha256]
    except KeyError:
        raise InvalidShot(f"the content of an input is not at hand ({medium.sha256[:12]}…)") from None


def check(order: Order) -> str:
    """The prompt of an order that can be sent. Raises ``InvalidShot`` for one that cannot, before anything is."""
    return str(body_of(order, {item.sha256: "" for item in order.inputs()})["input"]["prompt"])


def body_of(order: Order, links: Links) -> dict[str, Any]:
    """What the paid POST says. Tier or size and length are always said: left out they cost the most."""
    _checked(order)
    build = _PROTOCOLS.get(str(order.wire.get("protocol")))
    if build is None:
        raise InvalidShot(f"the card names no request protocol of DashScope: {order.wire.get('protocol')!r}")
    input_, parameters = build(order, links)
    if order.seed is not None:
        parameters["seed"] = order.seed
    for name, value in order.options.items():
        if value is not None:
            (input_ if name in _INPUT_OPTIONS else parameters)[name] = value
    return {"model": model_of(order), "input": input_, "parameters": parameters}


def _checked(order: Order) -> None:
    if order.duration != int(order.duration) or order.duration < 1:
        raise InvalidShot(f"Wan films whole seconds, not {order.duration}")
    if order.seed is not None and order.seed > MOST_SEED:
        raise InvalidShot(f"Wan takes seeds up to {MOST_SEED}, not {order.seed}")
    if len(order.negative_prompt) > MOST_NEGATIVE:
        raise InvalidShot(
            f"Wan reads {MOST_NEGATIVE} characters of negative prompt, not {len(order.negative_prompt)}"
        )
    clash = sorted(_OURS & order.options.keys())
    if clash:
        raise InvalidShot(
            f"options may not set {', '.join(clash)}: use the shot's own fields",
            problems=[("options", name, "decided by the shot") for name in clash],
        )


def _parameters(order: Order, **more: Any) -> dict[str, Any]:
    # Some of the models put a watermark on by default.
    return {
        "resolution": order.resolution.upper(),
        "duration": int(order.duration),
        "watermark": False,
    } | more


def _wan3(order: Order, links: Links) -> tuple[dict[str, Any], dict[str, Any]]:
    frames = [*_frames(order, links)]
    if frames and order.references:
        raise InvalidShot("Wan 3.0 takes frames or references, not both in one shot")
    media = [*frames, *_pictures(order, links)]
    media += [
        {"type": "reference_audio", "url": links[reference.voice.sha256]}
        for reference in order.references
        if reference.voice is not None
    ]
    input_: dict[str, Any] = {"prompt": wording(order)}
    if media:
        input_["media"] = media
    return input_, _parameters(order, ratio=order.aspect_ratio or "adaptive", audio=order.audio)


def _wan27(order: Order, links: Links) -> tuple[dict[str, Any], dict[str, Any]]:
    frames = [*_frames(order, links)]
    if order.references and order.last_frame:
        raise InvalidShot("this model takes a first frame beside references, and no last one")
    # The pictures stand before the frame, so that the frame takes no number of theirs.
    media = [*_pictures(order, links, voices=True), *frames]
    input_: dict[str, Any] = {"prompt": wording(order)}
    if order.negative_prompt:
        input_["negative_prompt"] = order.negative_prompt
    if media:
        input_["media"] = media
    ratio = {"ratio": order.aspect_ratio} if order.aspect_ratio is not None else {}
    return input_, _parameters(order, **ratio)


def _legacy(order: Order, links: Links) -> tuple[dict[str, Any], dict[str, Any]]:
    input_: dict[str, Any] = {"prompt": wording(order)}
    if order.negative_prompt:
        input_["negative_prompt"] = order.negative_prompt
    parameters = _parameters(order)
    if order.mode in ("text", "references"):
        if order.width is None or order.height is None:
            raise InvalidShot(f"this model is told an exact size, and none is known for {order.resolution}")
        del parameters["resolution"]
        parameters["size"] = f"{order.width}*{order.height}"
    first, last = order.first_frame, order.last_frame
    if last is not None and first is not None:
        input_ |= {"first_frame_url": links[first.sha256], "last_frame_url": links[last.sha256]}
        del parameters["duration"]  # always 5 s
    elif first is not None:
        input_["img_url"] = links[first.sha256]
    elif last is not None:
        raise InvalidShot("Wan takes a last frame only beside a first frame")
    if order.references:
        if first is not None or any(reference.voice is not None for reference in order.references):
            raise InvalidShot(
                "this model takes pictures and videos of references, and no frame or voice beside them"
            )
        input_["reference_urls"] = [links[item.sha256] for r in order.references for item in _shown(r)]
    if order.wire.get("audio_switch"):
        parameters["audio"] = order.audio
    if order.cuts:
        if order.options.get("prompt_extend") is False:
            raise InvalidShot("this model films several cuts only with prompt_extend")
        parameters |= {"shot_type": "multi", "prompt_extend": True}
    return input_, parameters


_PROTOCOLS: Mapping[str, Callable[[Order, Links], tuple[dict[str, Any], dict[str, Any]]]] = {
    "wan3": _wan3,
    "wan2.7": _wan27,
    "legacy": _legacy,
}


def _frames(order: Order, links: Links) -> Iterator[dict[str, Any]]:
    if order.last_frame and not order.first_frame:
        raise InvalidShot("Wan takes a last frame only beside a first frame")
    for medium, role in ((order.first_frame, "first_frame"), (order.last_frame, "last_frame")):
        if medium is not None:
            yield {"type": role, "url": links[medium.sha256]}


def _pictures(order: Order, links: Links, *, voices: bool = False) -> Iterator[dict[str, Any]]:
    """The references' pictures and videos; with ``voices``, a voice goes with the first one of whom it belongs to."""
    for reference in order.references:
        items = [
            {
                "type": "reference_video" if item is reference.video else "reference_image",
                "url": links[item.sha256],
            }
            for item in _shown(reference)
        ]
        if voices and reference.voice is not None:
            _voiced(reference, items)["reference_voice"] = links[reference.voice.sha256]
        yield from items


def _shown(reference: OrderReference) -> tuple[Input, ...]:
    """What is seen of a reference, in the order it is sent and numbered: pictures, then the video."""
    return reference.images if reference.video is None else (*reference.images, reference.video)


def _voiced(reference: OrderReference, items: list[dict[str, Any]]) -> dict[str, Any]:
    if not items:
        raise InvalidShot(
            f"the voice of @{reference.name} needs a picture or video of @{reference.name} beside it"
        )
    return items[0]
