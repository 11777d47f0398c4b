"""The body of a create on the older API, checked field by field."""

from collections.abc import Mapping
from typing import Any

from dramagen.emulator.kling import media
from dramagen.emulator.kling.errors import Refusal, invalid
from dramagen.emulator.kling.models import Condition
from dramagen.emulator.kling.tasks import Wish
from dramagen.emulator.pixels import Size
from dramagen.emulator.world import Call

_MODELS: Mapping[str, Mapping[str, str]] = {
    "text2video": {"kling-v2-5-turbo": "kling-2.5-turbo", "kling-v2-6": "kling-2.6", "kling-v3": "kling-3.0"},
    "image2video": {
        "kling-v2-5-turbo": "kling-2.5-turbo",
        "kling-v2-6": "kling-2.6",
        "kling-v3": "kling-3.0",
    },
    "omni-video": {"kling-video-o1": "kling-o1", "kling-v3-omni": "kling-3.0-omni"},
    "motion-control": {"kling-v2-6": "kling-2.6", "kling-v3": "kling-3.0"},
    "multi-image2video": {},  # kling-v1-6 alone, which is retired
    "video-extend": {},  # the same
}
_DEFAULT = {"omni-video": "kling-video-o1", "motion-control": "kling-v2-6"}
_RESOLUTION = {"std": "720p", "pro": "1080p", "4k": "4k"}
_RATIOS = ("16:9", "9:16", "1:1")
_CONTROLS = ("static_mask", "dynamic_masks", "camera_control")


def read_create(call: Call, product: str, body: Mapping[str, Any]) -> Wish:
    """What a create asks for; raises ``Refusal``: 1203 for a retired or unknown model, else 1201."""
    name = body.get("model_name", _DEFAULT.get(product, "kling-v1"))
    model = _MODELS[product].get(name) if isinstance(name, str) else None
    if model is None:
        raise Refusal(1203, f"model {name} does not exist")
    create = _Create(call, product, model, body)
    create.check_prompt()
    create.check_passive()
    frame = create.pictures()
    input_seconds = create.videos()
    seconds = create.seconds(input_seconds)
    create.check_shots(seconds)
    create.check_sound(has_video=input_seconds > 0)
    create.check_lists()
    ratio = create.ratio(framed=create.framed, has_video=input_seconds > 0)
    mark = body.get("watermark_info", {})
    return Wish(
        model=model,
        product=product,
        generation="legacy",
        prompt=create.all_words(),
        resolution=create.resolution,
        seconds=seconds,
        condition=create.condition(has_video=input_seconds > 0),
        sound=create.sound,
        input_seconds=input_seconds,
        ratio=ratio,
        frame=frame,
        external_id=create.text("external_task_id"),
        callback=create.text("callback_url"),
        watermark=isinstance(mark, dict) and mark.get("enabled") is True,
    )


class _Create:
    """The body of one create, read field by field; every method raises ``Refusal`` for its own fields."""

    def __init__(self, call: Call, product: str, model: str, body: Mapping[str, Any]) -> None:
        self._call = call
        self._product = product
        self._model = model
        self._body = body
        self.framed = False
        modes = ("std", "pro", "4k") if model in ("kling-3.0", "kling-3.0-omni") else ("std", "pro")
        default = "pro" if product == "omni-video" else "std"
        self.resolution = _RESOLUTION[self._choice("mode", default, modes)]
        if product == "motion-control":
            self.sound = self._choice("keep_original_sound", "yes", ("yes", "no")) == "yes"
        else:
            self.sound = self._choice("sound", "off", ("on", "off")) == "on"

    def text(self, name: str) -> str:
        value = self._body.get(name, "")
        if not isinstance(value, str):
            raise invalid(f"{name} is invalid: a string is required")
        return value

    def _choice(self, name: str, default: str, known: tuple[str, ...]) -> str:
        value = self._body.get(name, default)
        if not isinstance(value, str) or value not in known:
            raise invalid(f"{name} is invalid: {value!r}")
        return value

    def _list(self, name: str, most: int) -> list[Mapping[str, Any]]:
        value = self._body.get(name, [])
        if (
            not isinstance(value, list)
            or len(value) > most
            or not all(isinstance(each, dict) for each in value)
        ):
            raise invalid(f"{name} is invalid: a list of at most {most} objects is required")
        return value

    @property
    def _custom(self) -> bool:
        return self._body.get("multi_shot") is True and self._body.get("shot_type") == "customize"

    def all_words(self) -> str:
        shots = self._list("multi_prompt", 6) if self._custom else []
        return " ".join([self.text("prompt"), *(str(shot.get("prompt", "")) for shot in shots)])

    def check_prompt(self) -> None:
        prompt = self.text("prompt")
        if self._product in ("text2video", "omni-video") and not prompt.strip() and not self._custom:
            raise invalid("prompt is required")
        for name in ("prompt", "negative_prompt"):
            if len(self.text(name)) > 2500:
                raise invalid(f"{name} is invalid: at most 2500 characters")

    def check_passive(self) -> None:
        scale = self._body.get("cfg_scale", 0.5)
        if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 <= scale <= 1:
            raise invalid("cfg_scale is invalid: 0 to 1")
        for name in _CONTROLS:
            if name in self._body:
                raise invalid(f"{name} is invalid: {self._model} does not support it")
        orientation = self._body.get("character_orientation")
        if self._product == "motion-control" and orientation not in ("image", "video"):
            raise invalid("character_orientation is invalid: image or video is required")
        if self._product == "motion-control" and "mode" not in self._body:
            raise invalid("mode is required")

    def pictures(self) -> Size | None:
        """The size of the picture the output follows."""
        match self._product:
            case "image2video":
                return self._frames()
            case "motion-control":
                self.framed = True
                return media.picture(self._call, self._body.get("image_url"), "image_url")
            case "omni-video":
                return self._image_list()
        return None

    def _frames(self) -> Size | None:
        tail = self._body.get("image_tail")
        if "image" not in self._body:
            raise invalid("image is required" if tail is None else "image_tail is invalid: it needs image")
        self.framed = True
        if tail is not None:
            media.picture(self._call, tail, "image_tail")
            if self._model in ("kling-2.6", "kling-2.5-turbo") and self.resolution != "1080p":
                raise invalid("image_tail is invalid: it needs mode pro")
            if self._model == "kling-2.6" and self.sound:
                raise invalid("sound is invalid: image_tail needs off")
        return media.picture(self._call, self._body["image"], "image")

    def _image_list(self) -> Size | None:
        kinds, first = [], None
        for at, each in enumerate(self._list("image_list", 7)):
            size = media.picture(self._call, each.get("image_url"), f"image_list[{at}].image_url")
            kind = each.get("type") or "reference"
            if kind not in ("first_frame", "end_frame", "reference"):
                raise invalid(f"image_list[{at}].type is invalid: {kind!r}")
            kinds.append(kind)
            first = size if kind == "first_frame" else first
        if "end_frame" in kinds and "first_frame" not in kinds:
            raise invalid("image_list is invalid: end_frame needs first_frame")
        self.framed = "first_frame" in kinds
        return first

    def videos(self) -> float:
        """Seconds of video that come in."""
        if self._product == "motion-control":
            return media.video(self._call, self._body.get("video_url"), "video_url")
        if self._product != "omni-video":
            return 0.0
        seconds = 0.0
        for at, each in enumerate(self._list("video_list", 1)):
            seconds += media.video(self._call, each.get("video_url"), f"video_list[{at}].video_url")
            if each.get("refer_type", "base") not in ("feature", "base"):
                raise invalid(f"video_list[{at}].refer_type is invalid")
            if each.get("refer_type", "base") == "base" and self.framed:
                raise invalid("video_list is invalid: a base video excludes frames")
        return seconds

    def seconds(self, input_seconds: float) -> int:
        if self._product == "motion-control":
            return round(input_seconds)
        value = self._body.get("duration", "5")
        if self._call.options.duration_types == "lenient" and isinstance(value, int):
            value = str(value)
        allowed: range | tuple[int, ...] = (5, 10)
        if self._model in ("kling-3.0", "kling-3.0-omni"):
            allowed = range(3, 16)
        elif self._model == "kling-o1" and (self._list("image_list", 7) or input_seconds):
            allowed = range(3, 11)
        if not isinstance(value, str) or not value.isdigit() or int(value) not in allowed:
            raise invalid(f"duration is invalid: {value!r}")
        return int(value)

    def check_shots(self, seconds: int) -> None:
        body = self._body
        if not isinstance(body.get("multi_shot", False), bool):
            raise invalid("multi_shot is invalid")
        if not body.get("multi_shot"):
            return
        if self._model not in ("kling-3.0", "kling-3.0-omni"):
            raise invalid(f"multi_shot is invalid: {self._model} does not support it")
        if self._choice("shot_type", "", ("customize", "intelligence")) == "intelligence":
            return
        shots = self._list("multi_prompt", 6)
        lengths = [shot.get("duration") for shot in shots]
        if not shots or not all(isinstance(each, str) and each.isdigit() for each in lengths):
            raise invalid("multi_prompt is invalid: 1 to 6 shots, each with a duration, are required")
        if any(not isinstance(shot.get("index"), int) for shot in shots):
            raise invalid("multi_prompt is invalid: index must be a whole number")
        if any(not isinstance(shot.get("prompt"), str) or len(shot["prompt"]) > 512 for shot in shots):
            raise invalid("multi_prompt is invalid: a prompt of at most 512 characters a shot")
        if sum(int(str(each)) for each in lengths) != seconds or "0" in lengths:
            raise invalid("multi_prompt is invalid: the durations must add up to duration")

    def check_sound(self, *, has_video: bool) -> None:
        if not self.sound or self._product == "motion-control":
            return
        if self._model not in ("kling-2.6", "kling-3.0", "kling-3.0-omni"):
            raise invalid(f"sound is invalid: {self._model} does not support it")
        if self._model == "kling-2.6" and self.resolution != "1080p":
            raise invalid("sound is invalid: on needs mode pro")
        if has_video:
            raise invalid("sound is invalid: a reference video needs off")

    def check_lists(self) -> None:
        elements, voices = self._list("element_list", 7), self._list("voice_list", 2)
        if any(type(each.get("element_id")) is not int for each in elements):
            raise invalid("element_list is invalid: element_id must be a whole number")
        if self._product == "image2video" and len(elements) > 3:
            raise invalid("element_list is invalid: at most 3")
        if elements and voices:
            raise invalid("element_list is invalid: it excludes voice_list")
        if voices and not self.sound:
            raise invalid("voice_list is invalid: it needs sound on")

    def ratio(self, *, framed: bool, has_video: bool) -> str:
        if (
            self._product == "omni-video"
            and not framed
            and not has_video
            and "aspect_ratio" not in self._body
        ):
            raise invalid("aspect_ratio is required without a first frame or a base video")
        if self._product == "image2video":
            return "16:9"  # not a field here; clients send it all the same
        return self._choice("aspect_ratio", "16:9", _RATIOS)

    def condition(self, *, has_video: bool) -> Condition:
        if self._product == "motion-control":
            return "motion"
        if has_video:
            return "video"
        if self._body.get("voice_list"):
            return "voice"
        return "audio" if self.sound else "silent"
