"""What Vidu is told in words: mentions, the camera and dialogue.

Sources: Vidu's page "Reference to video" (subjects, spoken of as ``@name``), read 2026-07; ComfyUI's pages of the
Vidu Q4 nodes (a plain list of images, spoken of by number; dialogue in quotes), read 2026-11-22. Vidu has no field
for the camera and documents no wording for it, nor for cuts or what must not be seen: the camera goes into the
prompt in plain words, the others are not asked for.
"""

import re
from collections.abc import Iterator, Mapping

from dramagen.adapters.prompt import is_chinese, mentioned, mentions, sentences
from dramagen.catalog.order import Order
from dramagen.errors import InvalidShot
from dramagen.shot import Camera, Line, ReferenceKind

_MOVES: Mapping[str, tuple[str, str]] = {
    "static": ("固定镜头", "Static camera"),
    "push_in": ("镜头{}推近", "The camera {}pushes in"),
    "pull_out": ("镜头{}拉远", "The camera {}pulls out"),
    "pan_left": ("镜头{}向左摇", "The camera {}pans left"),
    "pan_right": ("镜头{}向右摇", "The camera {}pans right"),
    "tilt_up": ("镜头{}向上摇", "The camera {}tilts up"),
    "tilt_down": ("镜头{}向下摇", "The camera {}tilts down"),
    "truck_left": ("镜头{}向左平移", "The camera {}trucks left"),
    "truck_right": ("镜头{}向右平移", "The camera {}trucks right"),
    "pedestal_up": ("镜头{}升高", "The camera {}rises"),
    "pedestal_down": ("镜头{}降低", "The camera {}sinks"),
    "orbit_left": ("镜头{}向左环绕主体", "The camera {}orbits the subject to the left"),
    "orbit_right": ("镜头{}向右环绕主体", "The camera {}orbits the subject to the right"),
    "zoom_in": ("镜头{}变焦放大", "The camera {}zooms in"),
    "zoom_out": ("镜头{}变焦缩小", "The camera {}zooms out"),
    "roll": ("镜头{}旋转", "The camera {}rolls"),
    "handheld": ("手持镜头，轻微晃动", "Handheld camera with a slight shake"),
    "follow": ("镜头{}跟随主体", "The camera {}follows the subject"),
}
_SPEEDS = {"slow": ("缓慢", "slowly "), "normal": ("", ""), "fast": ("快速", "quickly ")}
_SHOWN: Mapping[ReferenceKind, tuple[str, str]] = {
    "character": ("画面中有{}", "In the picture: {}"),
    "scene": ("场景是{}", "The scene is {}"),
    "prop": ("画面中有{}", "In the picture: {}"),
    "style": ("画面风格参照{}", "The style follows {}"),
}
_LANGUAGES = {
    "zh": ("中文", "Chinese"),
    "en": ("英语", "English"),
    "ja": ("日语", "Japanese"),
    "ko": ("韩语", "Korean"),
    "es": ("西班牙语", "Spanish"),
}


def numbered(order: Order) -> bool:
    """Whether the model takes a plain list of images, called by number, and no named subjects."""
    return order.wire.get("form") == "images"


def wording(order: Order) -> str:
    """The prompt as it is sent. Raises ``InvalidShot`` for cuts, which Vidu is not told."""
    if order.cuts:
        raise InvalidShot("Vidu documents no way to ask for cuts inside a clip")
    chinese = is_chinese(order.prompt, [reference.name for reference in order.references])
    names = dict(_names(order, chinese))
    return sentences(
        _named(order.prompt, names),
        _camera(order.camera, chinese) if order.camera else "",
        *(_line(line, names, chinese) for line in order.dialogue),
        *_unmentioned(order, names, chinese),
        chinese=chinese,
    )


def _names(order: Order, chinese: bool) -> Iterator[tuple[str, str]]:
    """What Vidu calls each reference: its own name as a subject, else the numbers of its images."""
    image, also = ("参考图", "、") if chinese else ("image ", " and ")
    first = 1
    for reference in order.references:
        numbers = range(first, first := first + len(reference.images))
        yield (
            reference.name,
            also.join(f"{image}{n}" for n in numbers) if numbered(order) else f"@{reference.name}",
        )


def _named(text: str, names: Mapping[str, str]) -> str:
    """The text with every mention as Vidu has it, parted from a word that follows at once."""
    found = mentions(names)

    def spaced(match: "re.Match[str]") -> str:
        return names[match[1]] + (" " if match.string[match.end() :][:1].isalnum() else "")

    return text if found is None else found.sub(spaced, text)


def _camera(camera: Camera, chinese: bool) -> str:
    which = 0 if chinese else 1
    return _MOVES[camera.move][which].format(_SPEEDS[camera.speed][which])


def _unmentioned(order: Order, names: Mapping[str, str], chinese: bool) -> Iterator[str]:
    """What the other references are: one the prompt does not speak of may be left out of the picture."""
    said = mentioned(order.prompt, names) | {line.speaker.removeprefix("@") for line in order.dialogue}
    for reference in order.references:
        if reference.name not in said:
            yield _SHOWN[reference.kind][0 if chinese else 1].format(names[reference.name])


def _line(line: Line, names: Mapping[str, str], chinese: bool) -> str:
    who = line.speaker.removeprefix("@")
    speaker = names.get(who, who)
    text = re.sub('["“”]', "'", line.text)  # the quotes around it must stay the only ones
    language = _LANGUAGES.get((line.language or "").split("-")[0].lower())
    if chinese:
        gap = " " if speaker.startswith("@") else ""
        return f'{speaker}{gap}{f"用{language[0]}" if language else ""}说："{text}"'
    return f'{speaker[:1].upper() + speaker[1:]} says{f" in {language[1]}" if language else ""}: "{text}"'
