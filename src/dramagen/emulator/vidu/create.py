"""The body of a create, checked field by field; a field the call does not know is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from dramagen.emulator.pixels import Size
from dramagen.emulator.vidu import models
from dramagen.emulator.vidu.errors import Refusal, invalid
from dramagen.emulator.vidu.media import picture
from dramagen.emulator.vidu.models import MODELS, Rules
from dramagen.emulator.world import Call

_COMMON = frozenset({
    "model", "prompt", "duration", "seed", "resolution", "movement_amplitude", "bgm", "audio", "audio_type",
    "voice_id", "payload", "off_peak", "watermark", "wm_position", "wm_url", "meta_data", "callback_url",
})  # fmt: skip
_OWN: Mapping[str, frozenset[str]] = {
    "text2video": frozenset({"aspect_ratio", "style"}),
    "img2video": frozenset({"images", "is_rec"}),
    "start-end2video": frozenset({"images", "is_rec"}),
    "reference2video": frozenset({"images", "subjects", "aspect_ratio", "auto_subjects", "videos", "sounds"}),
}
_MOST_BODY = 20_000_000


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a create asks for."""

    kind: models.Call
    model: str
    prompt: str
    seconds: int
    resolution: str
    ratio: str
    size: tuple[int, int]
    seed: int
    audio: bool
    off_peak: bool
    payload: str
    callback: str
    images: tuple[str, ...]
    credits: int
    subjects: tuple[str, ...] = ()


def read_create(call: Call, kind: str) -> Wish:
    """Check a create as the vendor does; raises ``Refusal``."""
    if len(call.body) > _MOST_BODY:
        raise Refusal(400, "BadRequest", "the body is larger than 20 MB")
    try:
        body = call.json()
    except ValueError:
        raise Refusal(400, "BadRequest", "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "BadRequest", "the body is not an object")
    if unwanted := sorted(body.keys() - _COMMON - _OWN[kind]):
        raise Refusal(400, "FieldUnwanted", f"unwanted: {', '.join(unwanted)}", *unwanted)
    name = _text(body, "model")
    rules = MODELS.get((cast("models.Call", kind), name))
    if rules is None:
        raise Refusal(400, "ModelUnavailable", f"{name} is not available on {kind}", "model")
    return _checked(call, kind, name, rules, body)


def _checked(call: Call, kind: str, name: str, rules: Rules, body: Mapping[str, Any]) -> Wish:
    prompt = _prompt(body, needed=kind in ("text2video", "reference2video"))
    resolution = body.get("resolution", rules.default_resolution)
    if resolution not in rules.prices:
        raise invalid("resolution")
    seconds = body.get("duration", rules.default_seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds not in rules.seconds:
        raise invalid("duration")
    frame: Size | None = None
    subjects: tuple[str, ...] = ()
    ratio = "16:9"
    if kind in ("text2video", "reference2video"):
        ratio = body.get("aspect_ratio", "16:9")
        if ratio not in rules.ratios:
            raise invalid("aspect_ratio")
    if kind == "reference2video":
        subjects = _references(call, body, rules)
    elif kind != "text2video":
        frame = _frames(body, 1 if kind == "img2video" else 2)
    audio = _audio(body, rules)
    off_peak = _flag(body, "off_peak", False)
    if off_peak and (rules.off_peak == "never" or (rules.off_peak == "silent" and audio)):
        raise invalid("off_peak")
    shape = frame.ratio if frame else _value(ratio)
    return Wish(
        kind=cast("models.Call", kind),
        model=name,
        prompt=prompt,
        seconds=seconds,
        resolution=resolution,
        ratio=ratio,
        size=models.size(resolution, shape),
        seed=_seed(body),
        audio=audio,
        off_peak=off_peak,
        payload=_payload(body),
        callback=_text(body, "callback_url", ""),
        images=tuple(image[:200] for image in body.get("images", ())),
        credits=rules.prices[resolution].credits(seconds, audio, off_peak)
        + 10 * _flag(body, "is_rec", False),
        subjects=subjects,
    )


def _text(body: Mapping[str, Any], field: str, default: str | None = None) -> str:
    value = body.get(field, default)
    if value is None:
        raise invalid(field, "FieldLacking")
    if not isinstance(value, str):
        raise invalid(field)
    return value


def _flag(body: Mapping[str, Any], field: str, default: bool) -> bool:
    value = body.get(field, default)
    if not isinstance(value, bool):
        raise invalid(field)
    return value


def _prompt(body: Mapping[str, Any], *, needed: bool) -> str:
    prompt = _text(body, "prompt", None if needed else "")
    if (needed and not prompt.strip()) or len(prompt) > 5000:
        raise invalid("prompt")
    return prompt


def _payload(body: Mapping[str, Any]) -> str:
    payload = _text(body, "payload", "")
    if len(payload) > 1_048_576:
        raise invalid("payload")
    return payload


def _seed(body: Mapping[str, Any]) -> int:
    seed = body.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= 2**31 - 1:
        raise invalid("seed")
    return seed


def _audio(body: Mapping[str, Any], rules: Rules) -> bool:
    if rules.audio is None:
        if _flag(body, "audio", False):
            raise invalid("audio")
        return False
    if body.get("audio_type", "all") not in ("all", "speech_only", "sound_effect_only"):
        raise invalid("audio_type")
    return _flag(body, "audio", rules.audio)


def _frames(body: Mapping[str, Any], wanted: int) -> Size | None:
    images = body.get("images")
    if not isinstance(images, list):
        raise invalid("images", "FieldLacking")
    if len(images) != wanted:
        raise invalid("images", "FieldItemCountOutOfRange")
    sizes = [picture(image, "images") for image in images]
    first, last = sizes[0], sizes[-1]
    if first and last and not 0.8 <= first.ratio / last.ratio <= 1.25:
        raise invalid("images", "ImageSizeInvalid")
    return first


def _references(call: Call, body: Mapping[str, Any], rules: Rules) -> tuple[str, ...]:
    """The subjects' names; none where the references are a plain list."""
    forms = [form for form in ("subjects", "images") if form in body]
    if len(forms) != 1:
        raise invalid("subjects", "FieldLacking" if not forms else "FieldUnwanted")
    if forms[0] not in rules.form:
        raise invalid(forms[0], "FieldUnwanted")
    if not rules.sounds and body.get("sounds"):
        raise invalid("sounds", "FieldUnwanted")
    if forms[0] == "images":
        _pictures(body["images"], "images", rules.images)
        return ()
    subjects = body["subjects"]
    if not isinstance(subjects, list) or not 1 <= len(subjects) <= 7:
        raise invalid("subjects", "FieldItemCountOutOfRange")
    names = tuple(_subject(call, subject) for subject in subjects)
    if len(set(names)) != len(names):
        raise invalid("subjects.name")
    if sum(len(subject["images"]) for subject in subjects) > rules.images:
        raise invalid("subjects", "FieldItemCountOutOfRange")
    return names


def _subject(call: Call, subject: Any) -> str:
    if not isinstance(subject, dict):
        raise invalid("subjects")
    keys = {"name", "images", "voice_id"} | ({"id"} if call.options.subject_name == "both" else set())
    if unwanted := sorted(subject.keys() - keys):
        raise Refusal(400, "FieldUnwanted", f"unwanted: {', '.join(unwanted)}", *unwanted)
    name = subject.get("name", subject.get("id"))
    if not isinstance(name, str) or not name:
        raise invalid("subjects.name", "FieldLacking")
    _pictures(subject.get("images"), "subjects.images", 3)
    return name


def _pictures(images: Any, field: str, most: int) -> None:
    if not isinstance(images, list) or not 1 <= len(images) <= most:
        raise invalid(field, "FieldItemCountOutOfRange")
    for image in images:
        picture(image, field, smallest=128)


def _value(ratio: str) -> float:
    width, height = ratio.split(":")
    return int(width) / int(height)
