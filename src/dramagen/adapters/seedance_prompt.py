"""The prompt as Seedance reads it: inputs by type and number, standard camera terms, numbered shots, quoted lines.

Sources: Volcengine "Doubao Seedance 2.0 prompt guide" (82379/2222480) and "Seedance 2.5 prompt guide"
(82379/2607689), by their public mirrors, and "Create a video generation task" (82379/1520757), read 2026-11-22:
inputs are named by type and 1-based number among the same type, never by asset id; camera terms are plain words,
one move a shot; shots are numbered in the order of events; spoken words stand in double quotes. There is no
negative prompt, in a field or in words.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from dramagen.adapters.prompt import is_chinese, mentioned, replace_mentions, sentences
from dramagen.catalog.order import Order, OrderReference
from dramagen.errors import InvalidShot
from dramagen.shot import Camera, Cut, Line, Move, Speed

_INLINE_COMMAND = re.compile(
    r"(?<!\S)--(?:rs|resolution|rt|ratio|dur|duration|frames|fps|framespersecond|seed|cf|camerafixed|wm|watermark)\b",
    re.IGNORECASE,
)

_CHINESE_MOVES: Mapping[Move, str] = {
    "static": "固定镜头",
    "push_in": "镜头{}向前推进",
    "pull_out": "镜头{}向后拉远",
    "pan_left": "镜头{}向左摇",
    "pan_right": "镜头{}向右摇",
    "tilt_up": "镜头{}向上摇",
    "tilt_down": "镜头{}向下摇",
    "truck_left": "镜头{}向左平移",
    "truck_right": "镜头{}向右平移",
    "pedestal_up": "镜头{}上升",
    "pedestal_down": "镜头{}下降",
    "orbit_left": "镜头{}向左环绕主体",
    "orbit_right": "镜头{}向右环绕主体",
    "zoom_in": "镜头{}变焦推近",
    "zoom_out": "镜头{}变焦拉远",
    "roll": "镜头{}旋转",
    "handheld": "手持镜头{}晃动",
    "follow": "镜头{}跟随主体",
}
_ENGLISH_MOVES: Mapping[Move, str] = {
    "static": "Fixed camera",
    "push_in": "The camera {}pushes in",
    "pull_out": "The camera {}pulls out",
    "pan_left": "The camera {}pans left",
    "pan_right": "The camera {}pans right",
    "tilt_up": "The camera {}tilts up",
    "tilt_down": "The camera {}tilts down",
    "truck_left": "The camera {}trucks left",
    "truck_right": "The camera {}trucks right",
    "pedestal_up": "The camera {}rises",
    "pedestal_down": "The camera {}lowers",
    "orbit_left": "The camera {}orbits the subject to the left",
    "orbit_right": "The camera {}orbits the subject to the right",
    "zoom_in": "The camera {}zooms in",
    "zoom_out": "The camera {}zooms out",
    "roll": "The camera {}rolls",
    "handheld": "Handheld camera, {}swaying",
    "follow": "The camera {}follows the subject",
}
_CHINESE_SPEED: Mapping[Speed, str] = {"slow": "缓慢", "normal": "", "fast": "快速"}
_ENGLISH_SPEED: Mapping[Speed, str] = {"slow": "slowly ", "normal": "", "fast": "quickly "}

_LANGUAGES: Mapping[str, tuple[str, str]] = {
    "zh": ("中文", "Chinese"),
    "en": ("英语", "English"),
    "es": ("西班牙语", "Spanish"),
    "id": ("印尼语", "Indonesian"),
    "pt": ("葡萄牙语", "Portuguese"),
    "ja": ("日语", "Japanese"),
    "ms": ("马来语", "Malay"),
    "th": ("泰语", "Thai"),
    "ar": ("阿拉伯语", "Arabic"),
    "ko": ("韩语", "Korean"),
    "vi": ("越南语", "Vietnamese"),
}  # fmt: skip
"""The languages the newest model documents, by their ISO 639-1 code."""


def wording(order: Order) -> str:
    """The one text item of the order's ``content``.

    Raises ``InvalidShot`` for a prompt with the vendor's old inline commands (``--dur 10``): they change what is
    billed behind the back of the JSON fields, and misspelt ones are swallowed in silence.
    """
    written = " ".join([order.prompt, *(cut.prompt for cut in order.cuts)])
    command = _INLINE_COMMAND.search(" ".join([written, *(line.text for line in order.dialogue)]))
    if command:
        raise InvalidShot(
            f"the prompt holds {command[0]!r}, which Seedance would read as a command: use the shot's own fields",
            problems=[("prompt", command[0], "no inline commands")],
        )
    chinese = is_chinese(written, [reference.name for reference in order.references])
    names = dict(_input_names(order.references, chinese))
    spoken = [_line(line, names, chinese) for line in order.dialogue]
    return sentences(
        _legend(order, written, names, chinese),
        replace_mentions(order.prompt, names),
        _camera(order.camera, chinese) if order.camera else "",
        *_shots(order, names, chinese),
        *spoken,
        chinese=chinese,
    )


def _input_names(references: tuple[OrderReference, ...], chinese: bool) -> Iterator[tuple[str, str]]:
    """What the vendor calls each reference: its images, else its video; one that is only heard keeps its name.

    The numbers follow the order of the ``content`` items, each type on its own.
    """
    image, video = ("图片", "视频") if chinese else ("Image ", "Video ")
    images = videos = 0
    for reference in references:
        pictures = [f"{image}{images + n}" for n in range(1, len(reference.images) + 1)]
        images += len(pictures)
        videos += reference.video is not None
        if pictures:
            yield reference.name, ("、" if chinese else " and ").join(pictures)
        elif reference.video is not None:
            yield reference.name, f"{video}{videos}"
        else:
            yield reference.name, reference.name


def _legend(order: Order, written: str, names: Mapping[str, str], chinese: bool) -> str:
    """What the inputs are that the text does not speak of by itself: unmentioned ones, and voices."""
    spoken_of = mentioned(written, names) | {line.speaker.removeprefix("@") for line in order.dialogue}
    said, sounds, videos = [], 0, 0
    for reference in order.references:
        label = names[reference.name]
        videos += reference.video is not None
        if reference.video is not None and reference.images:
            said.append(
                f"视频{videos}与{label}是同一个" if chinese else f"Video {videos} shows the same as {label}"
            )
        if reference.name not in spoken_of and label != reference.name:
            said.append(f"{label}为{reference.name}" if chinese else f"{label} is {reference.name}")
        if reference.voice is not None:
            sounds += 1
            said.append(
                f"{label}的音色参考音频{sounds}" if chinese else f"{label} has the voice of Audio {sounds}"
            )
    return ("，" if chinese else ", ").join(said)


def _camera(camera: Camera, chinese: bool) -> str:
    if chinese:
        return _CHINESE_MOVES[camera.move].format(_CHINESE_SPEED[camera.speed])
    return _ENGLISH_MOVES[camera.move].format(_ENGLISH_SPEED[camera.speed])


def _shots(order: Order, names: Mapping[str, str], chinese: bool) -> Iterator[str]:
    """Numbered shots; with whole seconds only where the model's card says it follows them.

    Seedance 2.0 goes by the number alone, and forced times may spoil its output (82379/2222480); 2.5 follows
    time stamps in whole seconds (82379/2607689).
    """
    timed = bool(order.wire.get("timestamps")) and _whole_seconds(order.cuts)
    start = Decimal(0)
    for number, cut in enumerate(order.cuts, 1):
        end = start + Decimal(str(cut.duration))
        label = f"镜头{number}" if chinese else f"Shot {number}"
        if timed:
            label += f"（{int(start)}-{int(end)}秒）" if chinese else f" ({int(start)}-{int(end)}s)"
        said = replace_mentions(cut.prompt, names)
        if number > 1 and not said.lower().startswith(("切", "硬切", "cut ")):
            # A number orders the shots; the cut itself has to be said.
            said = ("切至" if chinese else "cut to ") + said
        yield label + ("：" if chinese else ": ") + said
        start = end


def _whole_seconds(cuts: tuple[Cut, ...]) -> bool:
    return all(Decimal(str(cut.duration)) % 1 == 0 for cut in cuts)


def _line(line: Line, names: Mapping[str, str], chinese: bool) -> str:
    who = line.speaker.removeprefix("@")
    speaker = names.get(who, who)
    text = re.sub('["“”]', "'", line.text)  # the quotes around it must stay the only ones
    known = _LANGUAGES.get((line.language or "").split("-")[0].lower())
    if chinese:
        return f'{speaker}{f"用{known[0]}" if known else ""}说："{text}"'
    return f'{speaker} says{f" in {known[1]}" if known else ""}: "{text}"'
