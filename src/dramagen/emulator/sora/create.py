"""A create becomes a wish: what each kind of server takes, and what it says of the rest.

Sources: OpenAI's API reference and video generation guide; sglang 0.5.23 and vllm-omni 0.30.0, their ``/v1/videos``.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from dramagen.emulator.pixels import Size, picture_size
from dramagen.emulator.sora.errors import FormRefusal, Refusal, invalid
from dramagen.emulator.sora.form import Form, whole
from dramagen.emulator.world import Call

SECONDS = ("4", "8", "12", "16", "20")
PRO = ("720x1280", "1280x720", "1024x1792", "1792x1024", "1080x1920", "1920x1080")
SIZES = {
    "sora-2": PRO[:2],
    "sora-2-2025-10-06": PRO[:2],
    "sora-2-2025-12-08": PRO[:2],
    "sora-2-pro": PRO,
    "sora-2-pro-2025-10-06": PRO,
}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be filmed. ``seconds`` is the clip's length, ``shown_seconds`` what the job shows of it."""

    model: str
    prompt: str
    size: Size
    seconds: float
    shown_seconds: str
    sound: bool
    frame: Size | None = None


def read_wish(call: Call, form: Form) -> Wish:
    """The wish of a create; raises the server's refusal."""
    match call.options.profile:
        case "sglang" | "vllm-omni":
            return _diffusion(call, form)
        case _:
            return _openai(call, form)


def _openai(call: Call, form: Form) -> Wish:
    strict = call.options.profile == "openai"
    prompt = form.values.get("prompt")
    if not isinstance(prompt, str) or not 1 <= len(prompt) <= 32_000:
        raise invalid("Invalid 'prompt': string of 1 to 32000 characters expected.", "prompt")
    model = str(form.values.get("model", "sora-2"))
    if strict and model not in SIZES:
        raise invalid(f"Invalid value: '{model}'.", "model", "invalid_value")
    seconds = form.values.get("seconds", "4")
    if (strict and seconds not in SECONDS) or not re.fullmatch(r"[1-9]\d*", str(seconds)):
        raise invalid(
            f"Invalid value: {seconds!r}. Supported values are {SECONDS}.", "seconds", "invalid_value"
        )
    text = str(form.values.get("size", "720x1280"))
    if strict and text not in SIZES[model]:
        raise invalid(f"Invalid value: '{text}'.", "size", "invalid_value")
    size = _size(text)
    frame = _frame(form)
    if strict and frame is not None and frame != size:
        raise invalid("Inpaint image must match the requested width and height")
    return Wish(
        model=model, prompt=prompt, size=size, seconds=float(seconds), shown_seconds=str(seconds), sound=strict,
        frame=frame,
    )  # fmt: skip


def _diffusion(call: Call, form: Form) -> Wish:
    prompt = form.values.get("prompt")
    if not isinstance(prompt, str) or not prompt:
        if call.options.profile == "vllm-omni":
            raise FormRefusal("prompt", "Field required")
        raise invalid("prompt is required")
    model = str(form.values.get("model", "")) or (call.options.served or ["served-model"])[0]
    if call.options.served and model not in call.options.served and call.options.profile == "vllm-omni":
        raise invalid(
            f"Model mismatch: request specifies '{model}' but server is running {call.options.served}."
        )
    if call.options.profile == "vllm-omni" and not re.fullmatch(
        r"[1-9]\d*", str(form.values.get("seconds", "4"))
    ):
        raise FormRefusal("seconds", "String should match pattern '^[1-9]\\d*$'")
    seconds, fps = whole(form, "seconds") or 4, whole(form, "fps") or 24
    frames = whole(form, "num_frames") or fps * seconds
    whole(form, "seed")
    size = _size(str(form.values.get("size", "832x480")))
    shown = (
        str(form.values.get("seconds", "4"))
        if call.options.profile == "vllm-omni"
        else str(round(frames / fps))
    )
    return Wish(
        model=model, prompt=prompt, size=size, seconds=frames / fps, shown_seconds=shown,
        sound=str(form.values.get("generate_sound", "")).lower() == "true", frame=_frame(form),
    )  # fmt: skip


def _size(text: str) -> Size:
    found = re.fullmatch(r"([1-9]\d{1,4})x([1-9]\d{1,4})", text)
    if found is None:
        raise invalid(f"Invalid size {text!r}: WIDTHxHEIGHT expected.", "size")
    return Size(int(found[1]), int(found[2]))


def _frame(form: Form) -> Size | None:
    """The pixels of the first frame, however it was sent; a picture that cannot be read is refused."""
    if "input_reference" in form.files:
        return _pixels(form.files["input_reference"].data)
    reference: Any = form.values.get("input_reference", form.values.get("reference_url"))
    if isinstance(reference, dict):
        given = [name for name in ("image_url", "file_id") if reference.get(name)]
        if len(given) != 1:
            raise invalid("Provide exactly one of image_url and file_id.", "input_reference")
        reference = reference.get("image_url")
    if not isinstance(reference, str) or not reference.startswith("data:"):
        return None
    try:
        return _pixels(base64.b64decode(reference.partition(",")[2], validate=True))
    except binascii.Error:
        raise invalid("The image is not valid base64.", "input_reference") from None


def _pixels(data: bytes) -> Size | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return None
    size = picture_size(data)
    if size is None:
        raise Refusal(400, None, "Invalid image file or format.", "input_reference")
    return size
