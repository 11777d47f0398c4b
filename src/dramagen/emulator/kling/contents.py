"""The body of a create on the path-routed API, checked against the rules of its route."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from dramagen.emulator.kling import media
from dramagen.emulator.kling.errors import Refusal, invalid
from dramagen.emulator.kling.models import Condition, Rules
from dramagen.emulator.kling.shots import check_shots
from dramagen.emulator.kling.tasks import Wish
from dramagen.emulator.pixels import Size
from dramagen.emulator.world import Call

_PICTURES = frozenset({"first_frame", "middle_frame", "last_frame", "refer_image", "image"})
_VIDEOS = frozenset({"feature_video", "base_video", "video"})
_FRAMES = ("first_frame", "middle_frame", "last_frame")


def read_create(call: Call, rules: Rules) -> Wish:
    """What a create asks for; raises ``Refusal`` with the vendor's 1201 naming the field."""
    body = body_of(call)
    settings = _object(body, "settings")
    options = _options(call, rules, _object(body, "options"))
    items = _Items(call, rules, body)
    prompt = items.prompt if rules.contents else _text(body.get("prompt"), "prompt")
    if len(prompt) > rules.prompt:
        raise invalid(f"prompt is invalid: at most {rules.prompt} characters")
    resolution = _choice(settings, "resolution", "720p", rules.resolutions)
    duration = _duration(call, rules, settings, items)
    audio = _audio(rules, settings, items)
    multi_shot = _multi_shot(rules, settings)
    if multi_shot or rules.shot_syntax:
        check_shots(prompt, duration)
    _check_combination(rules, items, resolution, audio, multi_shot=multi_shot)
    ratio = _ratio(rules, settings, items)
    sound = rules.always_sound or audio != "off"
    return Wish(
        model=rules.model,
        product=rules.kind,
        generation="new",
        prompt=prompt,
        resolution=resolution,
        seconds=duration,
        condition=_condition(rules, items, sound=sound),
        sound=sound,
        input_seconds=sum(items.videos),
        ratio=ratio,
        frame=items.frame if rules.kind != "text-to-video" and "aspect_ratio" not in settings else None,
        external_id=options.get("external_task_id") or "",
        callback=options.get("callback_url") or "",
        watermark=bool((options.get("watermark_info") or {}).get("enabled")),
    )


def body_of(call: Call) -> dict[str, Any]:
    """The JSON object sent, without its nulls."""
    try:
        body = call.json()
    except ValueError:
        raise Refusal(1200, "the request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise Refusal(1200, "the request body must be a JSON object")
    return {name: value for name, value in body.items() if value is not None}


class _Items:
    """The ``contents`` of a create, each item checked."""

    def __init__(self, call: Call, rules: Rules, body: Mapping[str, Any]) -> None:
        self.count: Counter[str] = Counter()
        self.prompt = ""
        self.frame: Size | None = None
        self.videos: list[float] = []
        self._ids: list[str] = []
        if not rules.contents:
            return
        items = body.get("contents")
        if not isinstance(items, list) or not items:
            raise invalid("contents is required")
        for at, item in enumerate(items):
            self._read(call, rules, item, f"contents[{at}]")
        self._check(rules)

    def _read(self, call: Call, rules: Rules, item: Any, where: str) -> None:
        kind = item.get("type") if isinstance(item, dict) else None
        if not isinstance(kind, str) or kind not in rules.contents:
            raise invalid(f"{where}.type is invalid: {kind!r} is not supported by {rules.model} here")
        self.count[kind] += 1
        if kind == "prompt":
            self.prompt = _text(item.get("text"), f"{where}.text")
        elif kind in _PICTURES:
            size = media.picture(call, item.get("url"), f"{where}.url")
            if kind in ("first_frame", "image"):
                self.frame = size
        elif kind in _VIDEOS:
            self.videos.append(media.video(call, item.get("url"), f"{where}.url"))
        else:
            _text(item.get(f"{kind}_id"), f"{where}.{kind}_id")
            _text(item.get("id"), f"{where}.id")
        if item.get("id") is not None:
            self._ids.append(_text(item["id"], f"{where}.id"))

    def _check(self, rules: Rules) -> None:
        for kind, count in self.count.items():
            if count > rules.contents[kind]:
                raise invalid(f"contents is invalid: at most {rules.contents[kind]} of type {kind}")
        if not self.count["prompt"]:
            raise invalid("contents is invalid: an item of type prompt is required")
        for at, name in enumerate(self._ids):
            if any(other.startswith(name) for other in self._ids[:at] + self._ids[at + 1 :]):
                raise invalid(f"contents is invalid: id {name!r} is the beginning of another id")
        needed: tuple[str, ...] = ()
        if rules.kind == "image-to-video" and not rules.newest:
            needed = ("first_frame",)
        elif rules.kind == "motion-control":
            needed = ("image", "video")
        for kind in needed:
            if not self.count[kind]:
                raise invalid(f"contents is invalid: an item of type {kind} is required")
        if rules.kind == "image-to-video" and not self.frames:
            raise invalid("contents is invalid: a frame is required")

    @property
    def frames(self) -> int:
        return sum(self.count[kind] for kind in _FRAMES)


def _check_combination(rules: Rules, items: _Items, resolution: str, audio: str, *, multi_shot: bool) -> None:
    count = items.count
    if rules.newest:
        _check_newest(rules, items)
        return
    if count["last_frame"] and not count["first_frame"]:
        raise invalid("contents is invalid: last_frame needs first_frame")
    if rules.model in ("kling-2.6", "kling-2.5-turbo") and count["last_frame"] and resolution != "1080p":
        raise invalid("resolution is invalid: last_frame needs 1080p")
    if rules.model == "kling-2.6":
        if count["last_frame"] and audio == "native":
            raise invalid("audio is invalid: last_frame needs audio off")
        if audio == "native" and resolution != "1080p":
            raise invalid("audio is invalid: native needs 1080p")
        if count["voice"] and audio != "native":
            raise invalid("audio is invalid: a voice needs native")
    if rules.kind == "omni-video":
        _check_omni(rules, items, audio, multi_shot=multi_shot)


def _check_omni(rules: Rules, items: _Items, audio: str, *, multi_shot: bool) -> None:
    count = items.count
    videos = count["feature_video"] + count["base_video"]
    inputs = count["refer_image"] + count["element"] + items.frames
    if videos > 1:
        raise invalid("contents is invalid: at most 1 video")
    if inputs > (4 if videos else 7):
        raise invalid(f"contents is invalid: at most {4 if videos else 7} pictures and elements")
    if items.frames and count["element"] > 3:
        raise invalid("contents is invalid: at most 3 elements beside frames")
    if count["feature_video"] and audio != "off":
        raise invalid("audio is invalid: feature_video needs off")
    if count["base_video"]:
        if items.frames:
            raise invalid("contents is invalid: base_video excludes frames")
        if multi_shot:
            raise invalid("multi_shot is invalid: base_video needs false")
        if audio == "native":
            raise invalid("audio is invalid: base_video excludes native")
    both = count["first_frame"] and count["last_frame"]
    if rules.model == "kling-o1" and both and (count["refer_image"] or count["element"]):
        raise invalid("contents is invalid: first and last frame exclude references")


def _check_newest(rules: Rules, items: _Items) -> None:
    count = items.count
    if items.frames + count["refer_image"] > 10:
        raise invalid("contents is invalid: at most 10 pictures")
    if sum(count.values()) - count["prompt"] > 15:
        raise invalid("contents is invalid: at most 15 inputs")
    longest = 20 if rules.model == "kling-4.0-flash" else 30
    if any(not 3 <= seconds <= longest for seconds in items.videos) or sum(items.videos) > longest:
        raise invalid(f"contents is invalid: videos last 3 to {longest} s, {longest} s together")


def _duration(call: Call, rules: Rules, settings: Mapping[str, Any], items: _Items) -> int:
    if rules.kind == "motion-control":
        return round(items.videos[0])
    value = settings.get("duration", 5)
    if call.options.duration_types == "lenient" and isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value not in rules.durations:
        raise invalid(f"duration is invalid: {value!r}")
    if items.count["base_video"] and rules.newest:
        return round(items.videos[0])  # an edit keeps its input's length
    return value


def _audio(rules: Rules, settings: Mapping[str, Any], items: _Items) -> str:
    if rules.newest and items.count["base_video"]:
        return _choice(settings, "audio", "native", ("native", "original"))
    if "audio" in settings and not rules.audio:
        raise invalid(f"audio is invalid: {rules.model} has no such setting here")
    return _choice(
        settings, "audio", "original" if rules.kind == "motion-control" else "off", (*rules.audio, "off")
    )


def _multi_shot(rules: Rules, settings: Mapping[str, Any]) -> bool:
    if "multi_shot" not in settings:
        return rules.multi_shot
    if not rules.multi_shot or not isinstance(settings["multi_shot"], bool):
        raise invalid("multi_shot is invalid")
    return settings["multi_shot"]


def _ratio(rules: Rules, settings: Mapping[str, Any], items: _Items) -> str:
    if rules.kind == "motion-control" and settings.get("character_orientation") not in ("image", "video"):
        raise invalid("character_orientation is invalid: image or video is required")
    if "aspect_ratio" in settings and not rules.ratios:
        raise invalid(f"aspect_ratio is invalid: {rules.model} has no such setting here")
    free = items.count["first_frame"] or items.videos
    if rules.kind == "omni-video" and not (free or rules.newest or "aspect_ratio" in settings):
        raise invalid("aspect_ratio is required without a first frame or a video")
    return _choice(settings, "aspect_ratio", "16:9", rules.ratios or ("16:9",))


def _condition(rules: Rules, items: _Items, *, sound: bool) -> Condition:
    if rules.kind == "motion-control":
        return "motion"
    if items.videos:
        return "video"
    if items.count["voice"] and not rules.newest:
        return "voice"
    return "audio" if sound else "silent"


def _options(call: Call, rules: Rules, options: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in ("external_task_id", "callback_url"):
        if not isinstance(options.get(name, ""), str):
            raise invalid(f"{name} is invalid: a string is required")
    mark = options.get("watermark_info", {})
    if not isinstance(mark, dict) or not isinstance(mark.get("enabled", False), bool):
        raise invalid("watermark_info is invalid")
    if not rules.newest or call.options.external_id_on_4 == "honour":
        return options
    if call.options.external_id_on_4 == "ignore":
        return {"watermark_info": mark}
    for name in ("external_task_id", "callback_url"):
        if options.get(name):
            raise invalid(f"{name} is invalid: {rules.model} does not support it")
    return options


def _object(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise invalid(f"{name} is invalid: an object is required")
    return {key: each for key, each in value.items() if each is not None}


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise invalid(f"{name} is required")
    return value


def _choice(settings: Mapping[str, Any], name: str, default: str, known: tuple[str, ...]) -> str:
    value = settings.get(name, default)
    if not isinstance(value, str) or value not in known:
        raise invalid(f"{name} is invalid: {value!r}")
    return value
