"""What MiniMax's models are told in words: camera commands in brackets (2.3, 02, 01), and H3's written language.

Sources, read 2026-11-22: platform.minimax.io and platform.minimax.cn "Text to video" (the fifteen commands, in
English and in Chinese); "MiniMax-H3 video prompt writing guide" (huggingface.co/MiniMaxAI/MiniMax-H3: moves with
their speed as a sentence, numbered shots with the time of each cut, speakers with an id, lines in ``<d>``); and the
vendor's own sample requests for how an input is named (github.com/MiniMax-AI/MiniMax-H3: "reference audio 1").
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from dramagen.adapters.prompt import is_chinese, mentioned, replace_mentions, sentences
from dramagen.catalog.order import Order
from dramagen.errors import InvalidShot
from dramagen.shot import Camera, Line, Move, Speed

COMMANDS: Mapping[Move, tuple[str, str]] = {
    "static": ("固定", "Static shot"),
    "push_in": ("推进", "Push in"),
    "pull_out": ("拉远", "Pull out"),
    "pan_left": ("左摇", "Pan left"),
    "pan_right": ("右摇", "Pan right"),
    "tilt_up": ("上摇", "Tilt up"),
    "tilt_down": ("下摇", "Tilt down"),
    "truck_left": ("左移", "Truck left"),
    "truck_right": ("右移", "Truck right"),
    "pedestal_up": ("上升", "Pedestal up"),
    "pedestal_down": ("下降", "Pedestal down"),
    "zoom_in": ("变焦推近", "Zoom in"),
    "zoom_out": ("变焦拉远", "Zoom out"),
    "handheld": ("晃动", "Shake"),
    "follow": ("跟随", "Tracking shot"),
}
"""The commands of the first generation, as the Chinese and the international pages list them."""

_WORDS = "|".join(re.escape(word) for pair in COMMANDS.values() for word in pair)
_COMMANDED = re.compile(rf"\[\s*(?:{_WORDS})\s*(?:[,，]\s*(?:{_WORDS})\s*)*\]", re.IGNORECASE)

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
    "pedestal_up": "镜头{}整体上升",
    "pedestal_down": "镜头{}整体下降",
    "orbit_left": "镜头{}向左环绕主体",
    "orbit_right": "镜头{}向右环绕主体",
    "zoom_in": "镜头{}变焦推近",
    "zoom_out": "镜头{}变焦拉远",
    "roll": "镜头{}顺时针旋转",
    "handheld": "手持镜头{}轻微晃动",
    "follow": "镜头{}跟随主体移动",
}
_ENGLISH_MOVES: Mapping[Move, str] = {
    "static": "The camera holds a static shot",
    "push_in": "The camera pushes in{}",
    "pull_out": "The camera pulls out{}",
    "pan_left": "The camera pans left{}",
    "pan_right": "The camera pans right{}",
    "tilt_up": "The camera tilts up{}",
    "tilt_down": "The camera tilts down{}",
    "truck_left": "The camera trucks left{}",
    "truck_right": "The camera trucks right{}",
    "pedestal_up": "The camera pedestals up{}",
    "pedestal_down": "The camera pedestals down{}",
    "orbit_left": "The camera moves in an arc shot to the left around the subject{}",
    "orbit_right": "The camera moves in an arc shot to the right around the subject{}",
    "zoom_in": "The camera zooms in{}",
    "zoom_out": "The camera zooms out{}",
    "roll": "The camera rolls clockwise{}",
    "handheld": "The handheld camera shakes slightly{}",
    "follow": "The camera follows the subject in a tracking shot{}",
}
_CHINESE_SPEED: Mapping[Speed, str] = {"slow": "缓慢", "normal": "", "fast": "快速"}
_ENGLISH_SPEED: Mapping[Speed, str] = {"slow": " at slow speed", "normal": "", "fast": " at fast speed"}

_LANGUAGES: Mapping[str, str] = {
    "zh": "Chinese",
    "en": "English",
    "ja": "Japanese",
    "ko": "Korean",
    "es": "Spanish",
    "fr": "French",
    "de": "German",
    "pt": "Portuguese",
    "it": "Italian",
    "ru": "Russian",
    "ar": "Arabic",
}


# The first generation: 2.3, 02 and the 01 series


def commanded(order: Order) -> bool:
    """Whether a camera command must be obeyed: the shot's own, or one written into its prompt."""
    return order.camera is not None or bool(_COMMANDED.search(order.prompt))


def with_commands(order: Order) -> str:
    """The prompt with its camera move as a command in brackets, in the language of the region's pages.

    Raises ``InvalidShot`` for a move there is no command for.
    """
    said = replace_mentions(order.prompt, {r.name: r.name for r in order.references})
    if order.camera is None:
        return said
    if order.camera.move not in COMMANDS:
        raise InvalidShot(f"MiniMax has no command for the move {order.camera.move}")
    chinese = is_chinese(said)
    speed = {"slow": ("缓慢", "Slowly "), "normal": ("", ""), "fast": ("快速", "Quickly ")}[
        order.camera.speed
    ]
    word = COMMANDS[order.camera.move][order.wire.get("commands") != "zh"]
    gap = "" if chinese else " "
    return f"{sentences(said, chinese=chinese)}{gap}{speed[not chinese]}[{word}]"


# The H3 family


def wording(order: Order) -> str:
    """The one text item of an H3 order: inputs, scene, camera, numbered shots, and who says what."""
    written = " ".join([order.prompt, *(cut.prompt for cut in order.cuts)])
    names = {reference.name: reference.name for reference in order.references}
    chinese = is_chinese(written, names)
    speakers = list(dict.fromkeys(line.speaker.removeprefix("@") for line in order.dialogue))
    return sentences(
        *_legend(order, written, chinese),
        replace_mentions(order.prompt, names),
        _camera(order.camera, chinese) if order.camera else "",
        *_shots(order, names),
        *(_line(line, speakers, chinese) for line in order.dialogue),
        chinese=chinese,
    )


def _legend(order: Order, written: str, chinese: bool) -> Iterator[str]:
    """Which inputs belong to which name. Inputs are numbered by type, in the order they are sent."""
    spoken = mentioned(written, (r.name for r in order.references)) | {
        line.speaker.removeprefix("@") for line in order.dialogue
    }
    numbers = {"image": 0, "video": 0, "audio": 0}

    def label(kind: str) -> str:
        numbers[kind] += 1
        words = {"image": "图片", "video": "视频", "audio": "音频"}
        return f"参考{words[kind]}{numbers[kind]}" if chinese else f"reference {kind} {numbers[kind]}"

    for reference in order.references:
        seen = [label("image") for _ in reference.images]
        seen += [label("video")] if reference.video is not None else []
        if seen:
            listed = "、".join(seen) if chinese else " and ".join(seen)
            shows = "是" if chinese else (" shows " if len(seen) == 1 else " show ")
            told = f"{listed}{shows}{reference.name}"
            if reference.kind == "style":
                told = f"画面风格参考{listed}" if chinese else f"the style follows {listed}"
            elif reference.name not in spoken:
                told += "，要出现在画面里" if chinese else ", who or which is in the picture"
            yield told[:1].upper() + told[1:]
        if reference.voice is not None:
            heard = label("audio")
            yield (
                f"{reference.name}的音色参照{heard}"
                if chinese
                else f"{reference.name}'s voice timbre follows {heard}"
            )


def _camera(camera: Camera, chinese: bool) -> str:
    if chinese:
        return _CHINESE_MOVES[camera.move].format(_CHINESE_SPEED[camera.speed])
    return _ENGLISH_MOVES[camera.move].format(_ENGLISH_SPEED[camera.speed])


def _shots(order: Order, names: Mapping[str, str]) -> Iterator[str]:
    """``[Shot 2] At 00:03.500, the camera cuts to ...``: every shot but the first begins with its time."""
    start = Decimal(0)
    for number, cut in enumerate(order.cuts, 1):
        minutes, seconds = divmod(start, 60)
        at = f" At {int(minutes):02d}:{seconds:06.3f}, the camera cuts to:" if number > 1 else ""
        yield f"[Shot {number}]{at} {replace_mentions(cut.prompt, names)}"
        start += Decimal(str(cut.duration))


def _line(line: Line, speakers: list[str], chinese: bool) -> str:
    who = line.speaker.removeprefix("@")
    language = _LANGUAGES.get((line.language or "").split("-")[0].lower())
    if language is None and line.language is None and is_chinese(line.text):
        language = "Chinese"
    tag = f"[{language}] " if language else ""
    text = line.text.replace("<", "〈").replace(">", "〉")  # the tags around it must stay the only ones
    says = "说：" if chinese else " says: "
    return f"{who} (S{speakers.index(who) + 1}){says}<d>{tag}{text}</d>"
