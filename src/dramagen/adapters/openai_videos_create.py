"""The create: always a form, as OpenAI's own packages send it and every server of the protocol takes it.

The model's ``[wire]`` values: ``profile`` (see :mod:`dramagen.adapters.openai_videos_profiles`); ``model``, what the
server calls it; ``extra_frames``, frames of a clip beyond length times rate (Wan makes 4n + 1); ``parameters``,
further fields sent with every create, such as ``{ num_inference_steps = 40 }``.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from httpx import Request

from dramagen.adapters.base import PAID, Attempt
from dramagen.adapters.openai_videos_profiles import Profile, profile_named
from dramagen.adapters.openai_videos_words import wording
from dramagen.catalog.order import Input, Order
from dramagen.errors import InvalidShot

VIDEOS = "/v1/videos"

Part = tuple[str, tuple[str | None, str | bytes] | tuple[str, bytes, str]]
"""A part of the form: its name, then (None, text) or (file name, content, media type)."""

_OURS = frozenset({
    "model", "prompt", "negative_prompt", "seconds", "size", "width", "height", "fps", "num_frames", "seed", "n",
    "num_outputs_per_prompt", "input_reference", "input_references", "image_reference", "reference_url",
    "generate_sound", "extra_body",
})  # fmt: skip
"""Fields the order decides, or that would change what is bought behind its back."""

_FORMATS = {"image/jpeg": "jpg", "image/jpg": "jpg", "image/png": "png", "image/webp": "webp"}


def create(order: Order, attempt: Attempt) -> Request:
    """The one paid request. The same attempt makes the same bytes. Raises ``InvalidShot``."""
    parts: list[Part] = [(name, (None, text)) for name, text in fields(order).items()]
    if order.first_frame is not None:
        parts.append(("input_reference", _picture(order.first_frame, attempt)))
    form = f"multipart/form-data; boundary=dramagen-{attempt.tag}"
    request = Request("POST", VIDEOS, files=parts, headers={"Content-Type": form}, extensions={PAID: True})
    request.read()
    return request


def fields(order: Order) -> dict[str, str]:
    """The form's texts. Only what is set: an empty field is a wrong one to some servers."""
    profile = profile_named(order.wire.get("profile"))
    if order.last_frame is not None or order.references:
        raise InvalidShot("the Videos protocol takes one first frame, and neither a last one nor references")
    if order.duration != int(order.duration) or order.duration < 1:
        raise InvalidShot(f"the Videos protocol counts whole seconds, not {order.duration}")
    if order.width is None or order.height is None:
        raise InvalidShot(
            f"the card gives no size in pixels for {order.resolution} {order.aspect_ratio or ''}"
        )
    told = {
        "prompt": worded(order),
        "model": str(order.wire.get("model") or order.route.model),
        "seconds": str(int(order.duration)),
        "size": f"{order.width}x{order.height}",
    } | dict(_diffusion(order, profile))
    return told | dict(_extras(order, told))


def worded(order: Order) -> str:
    """The prompt as it is sent."""
    profile = profile_named(order.wire.get("profile"))
    return wording(order, negative_field=profile.diffusion or profile.seeded)


def _diffusion(order: Order, profile: Profile) -> Iterator[tuple[str, str]]:
    if profile.diffusion and order.fps is not None:
        # Left alone, servers film 24 frames a second, whatever rate the model was trained for.
        frames = order.fps * order.duration + int(order.wire.get("extra_frames", 0))
        yield "fps", f"{int(order.fps)}"
        yield "num_frames", f"{int(frames)}"
    if profile.diffusion or profile.seeded:
        if order.seed is not None:
            yield "seed", str(order.seed)
        if order.negative_prompt:
            yield "negative_prompt", order.negative_prompt
    if profile.sound_field and order.audio:
        yield profile.sound_field, "true"


def _extras(order: Order, told: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The card's parameters, then the caller's options over them."""
    parameters = order.wire.get("parameters")
    further = {**(parameters if isinstance(parameters, Mapping) else {}), **order.options}
    clash = sorted((_OURS | told.keys()) & further.keys())
    if clash:
        raise InvalidShot(
            f"options may not set {', '.join(clash)}: use the shot's own fields",
            problems=[("options", name, "decided by the shot") for name in clash],
        )
    for name, value in further.items():
        if value is not None:
            yield name, _text(value)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | list | tuple | bool):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    return str(value)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _picture(item: Input, attempt: Attempt) -> tuple[str, bytes, str]:
    suffix = _FORMATS.get(item.media_type.lower())
    if suffix is None:
        raise InvalidShot(f"a first frame is jpeg, png or webp, not {item.media_type}")
    content = attempt.inputs.get(item.sha256)
    if content is None:
        raise InvalidShot(f"the picture {item.sha256[:12]}… is not at hand")
    return f"first_frame.{suffix}", content, item.media_type.lower()
