"""The other fields of a create: types, ranges and what each model supports. ``null`` means absent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dramagen.emulator.seedance.content import Content
from dramagen.emulator.seedance.errors import Refusal, invalid
from dramagen.emulator.seedance.models import RATIOS, Model

_FLAG = re.compile(r"--(rs|resolution|dur|duration)\s+(\S+)")
_EDIT = re.compile(r"增加|删除|修改|替换|\b(add|delete|modify|replace)\b", re.IGNORECASE)
_EXTEND = re.compile(r"延长|续写|\b(extend|continue)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Fields:
    """A checked create. ``duration`` -1 leaves the length to the model; ``seed`` -1 is a random one."""

    resolution: str
    ratio: str
    duration: int
    frames: int | None
    seed: int
    audio: bool
    tier: str
    expires_after: int
    priority: int
    draft: bool
    container: str
    last_frame: bool
    callback: str
    late_error: tuple[str, str] | None
    """Code and message of a failure the vendor only finds while the task runs."""


@dataclass(frozen=True)
class _Checker:
    body: Mapping[str, Any]
    model: Model
    family: str
    mode: str

    def wrong(self, name: str) -> Refusal:
        return invalid(
            name,
            f"the parameter {name} specified in the request is not valid for model {self.family} in {self.mode}",
        )

    def unsupported(self, name: str, code: str = "InvalidParameter") -> Refusal:
        where = f"for model {self.family} in {self.mode}"
        text = f"the parameter {name} specified in the request is not supported {where}, must be empty"
        return invalid(name, text, code)

    def only(self, name: str, supported: bool) -> None:
        if name in self.body and not supported:
            raise self.unsupported(name)

    def flag(self, name: str, default: bool) -> bool:
        value = self.body.get(name, default)
        if not isinstance(value, bool):
            raise self.wrong(name)
        return value

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.body.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(name)
        return value

    def choice(self, name: str, default: str, known: tuple[str, ...]) -> str:
        value = self.body.get(name, default)
        if not isinstance(value, str) or value not in known:
            raise self.wrong(name)
        return value


def read_fields(
    body: Mapping[str, Any], model: Model, family: str, content: Content, *, late_ratio: bool
) -> Fields:
    """Check a create without its nulls; raises ``Refusal``.

    ``late_ratio``: a concrete ratio on a 2.5 frame task fails the task later instead of refusing it at once.
    """
    check = _Checker(_with_flags(body, content.text), model, family, content.mode)
    body = check.body
    one, newest = model.generation == "1.0", model.generation == "2.5"
    check.only("camera_fixed", one)
    check.only("frames", one)
    check.only("output_format", newest)
    check.only("omni_reference_task_type", newest)
    check.only("draft", newest)
    check.only("tools", not one)
    tier = check.choice("service_tier", "default", ("default", "flex"))
    if tier == "flex" and not one:
        raise check.unsupported("service_tier", "InvalidParameter.UnsupportedParameter")
    if tier == "flex" and "priority" in body:
        raise check.unsupported("priority")
    _check_passive(check)
    resolution = str(check.body.get("resolution", model.default_resolution)).lower()
    if resolution not in model.resolutions:
        raise check.wrong("resolution")
    draft = check.flag("draft", False)
    if draft and body.get("resolution") != "480p":
        raise check.wrong("resolution")
    late = _task_type(check, content)
    ratio, late_ratio_error = _ratio(check, content, late_ratio=late_ratio)
    return Fields(
        resolution=resolution,
        ratio=ratio,
        duration=_duration(check),
        frames=_frames(check),
        seed=check.number("seed", -1, -1, 2**32 - 1),
        audio=check.flag("generate_audio", True) and not one,
        tier=tier,
        expires_after=check.number("execution_expires_after", 172_800, 3600 if one else 1, 259_200),
        priority=check.number("priority", 0, 0, 9),
        draft=draft,
        container=check.choice("output_format", "mp4", ("mp4", "mov")),
        last_frame=check.flag("return_last_frame", False),
        callback=_callback(check),
        late_error=late or late_ratio_error,
    )


def _with_flags(body: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Old inline commands count where the JSON field is absent; only resolution and duration are looked at."""
    merged = dict(body)
    for name, value in _FLAG.findall(text):
        field = "resolution" if name in ("rs", "resolution") else "duration"
        if field == "duration":
            if not re.fullmatch(r"-?\d+", value):
                raise invalid("contents[0].text.duration", "the duration in the text is not valid")
            merged.setdefault(field, int(value))
        else:
            merged.setdefault(field, value)
    return merged


def _check_passive(check: _Checker) -> None:
    """Fields that change nothing in what this emulator makes."""
    check.flag("watermark", False)
    check.flag("camera_fixed", False)
    identifier = check.body.get("safety_identifier", "")
    if not isinstance(identifier, str) or len(identifier) > 64:
        raise check.wrong("safety_identifier")
    tools = check.body.get("tools", [])
    if not isinstance(tools, list) or any(tool != {"type": "web_search"} for tool in tools):
        raise check.wrong("tools")


def _callback(check: _Checker) -> str:
    url = check.body.get("callback_url", "")
    if not isinstance(url, str) or (url and not url.startswith(("http://", "https://"))):
        raise check.wrong("callback_url")
    return url


def _duration(check: _Checker) -> int:
    model = check.model
    value = check.body.get("duration", model.default_duration)
    if isinstance(value, bool) or not isinstance(value, int):
        raise check.wrong("duration")
    if value == -1 and model.generation != "1.0":
        return -1
    where = f"for model {check.family} in {check.mode}"
    if value > model.longest:
        raise invalid(
            "duration", f"the parameter duration must be less than or equal to {model.longest} {where}"
        )
    if value < model.shortest:
        raise invalid(
            "duration", f"the parameter duration must be greater than or equal to {model.shortest} {where}"
        )
    return value


def _frames(check: _Checker) -> int | None:
    value = check.body.get("frames")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 29 <= value <= 289 or (value - 25) % 4:
        raise check.wrong("frames")
    return value


def _ratio(check: _Checker, content: Content, *, late_ratio: bool) -> tuple[str, tuple[str, str] | None]:
    first_generation = check.model.generation == "1.0"
    default = "16:9" if first_generation and content.mode == "t2v" else "adaptive"
    ratio = check.choice("ratio", default, (*RATIOS, "adaptive"))
    if ratio == "adaptive" and first_generation and content.mode == "t2v":
        raise check.wrong("ratio")
    if ratio != "adaptive" and check.model.generation == "2.5" and content.mode in ("i2v", "flf2v"):
        if not late_ratio:
            raise check.wrong("ratio")
        return ratio, (
            "InvalidParameter.TaskTypeConstraint",
            f"the ratio of a {content.mode} task must be adaptive",
        )
    return ratio, None


def _task_type(check: _Checker, content: Content) -> tuple[str, str] | None:
    """The explicit task type is checked at once, what the model judges from the prompt only later."""
    kind = check.choice("omni_reference_task_type", "auto", ("auto", "reference", "edit", "extend"))
    if check.model.generation != "2.5" or content.mode != "r2v":
        if kind in ("edit", "extend"):
            raise check.wrong("omni_reference_task_type")
        return None
    judged = "reference"
    if content.videos:
        judged = (
            "edit" if _EDIT.search(content.text) else "extend" if _EXTEND.search(content.text) else judged
        )
    broken = _constraint(check, content, kind if kind != "auto" else judged)
    if kind == "auto":
        return ("InvalidParameter.TaskTypeConstraint", broken) if broken else None
    if broken:
        raise invalid("omni_reference_task_type", broken, "InvalidParameter.TaskTypeConstraint")
    if judged != kind:
        return ("InvalidParameter.TaskTypeMismatch", f"the task was judged to be {judged}, not {kind}")
    return None


def _constraint(check: _Checker, content: Content, kind: str) -> str:
    """What a task of this kind breaks, empty where nothing."""
    if kind == "reference":
        return ""
    if not content.videos:
        return f"a task of type {kind} needs a reference video"
    if check.body.get("ratio", "adaptive") != "adaptive":
        return f"the ratio of a task of type {kind} must be adaptive"
    if kind == "edit":
        if check.body.get("duration", -1) != -1:
            return "the duration of a task of type edit must be -1"
        if min(content.videos) < 4:
            return "the source video of a task of type edit must last 4 s or more"
    return ""
