"""The body of a create: one of four calls, each with the fields it knows and no other.

Sources: Vidu's pages "Text to video", "Image to video", "Start and end to video" and "Reference to video"
(platform.vidu.com and platform.vidu.cn docs), read 2026-03 and 2026-07; Vidu Q4 by ComfyUI's pages of its nodes,
read 2026-11-22.

The model's ``[wire]`` values: ``model``; ``form``: ``images`` for a model that takes a plain list of references
instead of named subjects; ``sound`` (default true): whether it has the ``audio`` field; ``off_peak``: ``any``,
``silent`` or ``never`` (the default).
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from dramagen.adapters.base import Attempt
from dramagen.adapters.faults import who
from dramagen.adapters.vidu_words import numbered, wording
from dramagen.catalog.order import Input, Order
from dramagen.errors import InvalidShot

CREATES: Mapping[str, str] = {
    "text": "/ent/v2/text2video",
    "first_frame": "/ent/v2/img2video",
    "first_last_frame": "/ent/v2/start-end2video",
    "references": "/ent/v2/reference2video",
}
"""The call that films each mode."""

SUBJECT_IMAGES = 3
"""The most images of one named subject."""

_TIERS = {"2k": "2K", "4k": "4K"}  # the others are spelled as everywhere
_PICTURES = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/webp": "webp"}
_OURS = frozenset({
    "model", "prompt", "images", "subjects", "videos", "sounds", "duration", "resolution", "aspect_ratio", "audio",
    "voice_id", "seed", "is_rec", "watermark", "wm_position", "wm_url", "payload", "callback_url",
})  # fmt: skip
"""Fields the order or the attempt decides, or that would change what is bought behind their back."""


def body_of(order: Order, attempt: Attempt | None = None) -> dict[str, Any]:
    """What the paid POST says. Raises ``InvalidShot`` for what this model cannot be told.

    Without an attempt it lacks its tag and pictures: so that a plan refuses what could not be sent. Only what
    applies is sent: Vidu answers 400 to a field the call does not know.
    """
    where = who(order.route)
    if order.duration != int(order.duration):
        raise InvalidShot(f"Vidu films whole seconds, not {order.duration}", **where)
    body: dict[str, Any] = {
        "model": str(order.wire.get("model") or order.route.model),
        "prompt": wording(order),
        "duration": int(order.duration),
        "resolution": _TIERS.get(order.resolution, order.resolution),
        "payload": attempt.tag if attempt else "",
    } | _pictures(order, attempt)
    if order.mode in ("text", "references"):  # elsewhere the clip has the frame's shape
        if order.aspect_ratio is None:
            raise InvalidShot("Vidu needs a ratio where no frame gives one", **where)
        body["aspect_ratio"] = order.aspect_ratio
    if order.wire.get("sound", True):
        body["audio"] = order.audio  # the vendor's own default is true on newer models
    elif order.audio:
        raise InvalidShot(f"{order.route.model} films without sound", **where)
    if order.seed is not None:
        body["seed"] = order.seed
    voices = _voices(order)
    if voices and not order.references:
        body["voice_id"] = next(iter(voices.values()))
    if attempt and attempt.callback_url:
        body["callback_url"] = attempt.callback_url
    _check_options(order)
    return body | dict(order.options)


def _pictures(order: Order, attempt: Attempt | None) -> dict[str, Any]:
    where = who(order.route)
    frames = [frame for frame in (order.first_frame, order.last_frame) if frame is not None]
    wanted = {"first_frame": 1, "first_last_frame": 2}.get(order.mode, 0)
    if len(frames) != wanted or (order.last_frame and not order.first_frame):
        raise InvalidShot(f"Vidu takes {wanted} frames in mode {order.mode}, not {len(frames)}", **where)
    if bool(order.references) is not (order.mode == "references"):
        raise InvalidShot("Vidu takes references in reference to video, and only there", **where)
    if frames:
        return {"images": [picture(frame, attempt) for frame in frames]}
    if not order.references:
        return {}
    for reference in order.references:
        if reference.video or reference.voice:
            raise InvalidShot(f"Vidu takes no file of a video or voice: {reference.name}", **where)
        if not reference.images:
            raise InvalidShot(f"Vidu needs a picture of {reference.name}", **where)
        if len(reference.images) > SUBJECT_IMAGES and not numbered(order):
            raise InvalidShot(f"Vidu takes {SUBJECT_IMAGES} images of one subject: {reference.name}", **where)
    if numbered(order):
        return {"images": [picture(image, attempt) for r in order.references for image in r.images]}
    voices = _voices(order)
    return {
        "subjects": [
            {"name": reference.name, "images": [picture(image, attempt) for image in reference.images]}
            | ({"voice_id": voices[reference.name]} if reference.name in voices else {})
            for reference in order.references
        ]
    }


def _voices(order: Order) -> Mapping[str, str]:
    """The chosen voice of each speaker. Raises ``InvalidShot`` for voices this call has no field for."""
    voices: dict[str, str] = {}
    for line in order.dialogue:
        speaker = line.speaker.removeprefix("@")
        if line.voice and voices.setdefault(speaker, line.voice) != line.voice:
            raise InvalidShot(f"one voice for {speaker}, not two", **who(order.route))
    if voices and not order.audio:
        raise InvalidShot("a chosen voice needs sound", **who(order.route))
    if not order.references and len(voices) > 1:
        raise InvalidShot("Vidu takes one chosen voice where there are no subjects", **who(order.route))
    if order.references:
        named = set() if numbered(order) else {reference.name for reference in order.references}
        if strangers := sorted(voices.keys() - named):
            raise InvalidShot(
                f"a voice belongs to a named subject: {', '.join(strangers)}", **who(order.route)
            )
    return voices


def _check_options(order: Order) -> None:
    where = who(order.route)
    clash = sorted(_OURS & order.options.keys())
    if clash:
        raise InvalidShot(f"options cannot set {', '.join(clash)}: the shot does", **where)
    off_peak = order.options.get("off_peak", False)
    if not isinstance(off_peak, bool):
        raise InvalidShot(f"off_peak is true or false, not {off_peak!r}", **where)
    takes = order.wire.get("off_peak", "never")
    if off_peak and (takes == "never" or (takes == "silent" and order.audio)):
        how = "is not filmed off-peak" if takes == "never" else "is filmed off-peak without sound only"
        raise InvalidShot(f"{order.route.model} {how}", **where)


def picture(item: Input, attempt: Attempt | None) -> str:
    """A picture inline. Raises ``InvalidShot`` for a format Vidu does not take."""
    form = _PICTURES.get(item.media_type.lower())
    if form is None:
        raise InvalidShot(f"Vidu takes png, jpeg and webp pictures, not {item.media_type}")
    if attempt is None:
        return ""
    content = attempt.inputs.get(item.sha256)
    if content is None:
        raise InvalidShot(f"the picture {item.sha256[:12]}… is not at hand")
    return f"data:image/{form};base64,{b64encode(content).decode('ascii')}"
