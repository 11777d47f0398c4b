"""What Kling is told in words: mentions, the camera, cuts, dialogue and what must not be seen.

Sources: Kling's pages "3.0 Omni: text to video, omni video" (references, multi-shot format) and the Kling
video 3.0 guide (camera and dialogue in plain language), read 2026-09.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from dramagen.adapters.prompt import is_chinese, mentioned, mentions, sentences
from dramagen.catalog.order import Order
from dramagen.errors import InvalidShot
from dramagen.shot import Camera, Line

MOST_CUTS = 6
CUT_WORDS = 512
"""Characters the words of one cut may have."""

_MOVES: Mapping[str, tuple[str, str]] = {
    "static": ("固定镜头，画面不晃动", "Static camera, no camera movement"),
    "push_in": ("镜头{}向前推近", "The camera {}pushes in"),
    "pull_out": ("镜头{}向后拉远", "The camera {}pulls out"),
    "pan_left": ("镜头{}向左摇", "The camera {}pans left"),
    "pan_right": ("镜头{}向右摇", "The camera {}pans right"),
    "tilt_up": ("镜头{}向上摇", "The camera {}tilts up"),
    "tilt_down": ("镜头{}向下摇", "The camera {}tilts down"),
    "truck_left": ("镜头{}向左平移", "The camera {}trucks left"),
    "truck_right": ("镜头{}向右平移", "The camera {}trucks right"),
    "pedestal_up": ("镜头{}垂直上升", "The camera {}rises straight up"),
    "pedestal_down": ("镜头{}垂直下降", "The camera {}sinks straight down"),
    "orbit_left": ("镜头{}向左环绕主体", "The camera {}orbits the subject to the left"),
    "orbit_right": ("镜头{}向右环绕主体", "The camera {}orbits the subject to the right"),
    "zoom_in": ("镜头{}变焦放大", "The camera {}zooms in"),
    "zoom_out": ("镜头{}变焦缩小", "The camera {}zooms out"),
    "roll": ("镜头{}顺时针旋转", "The camera {}rolls clockwise"),
    "handheld": ("手持镜头，轻微晃动", "Handheld camera with a slight natural shake"),
    "follow": ("镜头{}跟随主体移动", "The camera {}follows the subject"),
}
_SPEEDS = {"slow": ("缓慢", "slowly "), "normal": ("", ""), "fast": ("快速", "quickly ")}
_LANGUAGES = {
    "zh": ("中文", "Chinese"),
    "en": ("英语", "English"),
    "ja": ("日语", "Japanese"),
    "ko": ("韩语", "Korean"),
    "es": ("西班牙语", "Spanish"),
}


def camera_words(camera: Camera, chinese: bool) -> str:
    """One camera move as a sentence."""
    which = 0 if chinese else 1
    return _MOVES[camera.move][which].format(_SPEEDS[camera.speed][which])


def reference_ids(order: Order) -> Mapping[str, tuple[str, ...]]:
    """The ids the order's references are sent under, by name: of each image, then of the video where there is one.

    Kling finds ``@id`` in the prompt by text, so no id may begin another, nor stand in the prompt already.
    Raises ``InvalidShot`` where no such ids can be made.
    """
    count = sum(len(reference.images) for reference in order.references)
    films = sum(reference.video is not None for reference in order.references)
    said = "\n".join([order.prompt, *(c.prompt for c in order.cuts), *(line.text for line in order.dialogue)])
    taken = caller_ids(order)
    for stem, moving in (("image", "video"), ("picture", "footage"), ("look", "motion")):
        used = (stem, moving) if films else (stem,)
        if not any(f"{s}_" in said or any(i.startswith(s) or s.startswith(i) for i in taken) for s in used):
            break
    else:
        raise InvalidShot("the prompt, or options, already use the names image_, picture_ and look_")
    numbers, digits = (
        iter(range(1, count + 1)),
        len(str(count)),
    )  # image_01, so that image_1 begins no image_10
    film_numbers, film_digits = iter(range(1, films + 1)), len(str(films))
    ids: dict[str, tuple[str, ...]] = {}
    for reference in order.references:
        images = tuple(f"{stem}_{next(numbers):0{digits}}" for _ in reference.images)
        film = (f"{moving}_{next(film_numbers):0{film_digits}}",) if reference.video is not None else ()
        ids[reference.name] = images + film
    return ids


def caller_ids(order: Order) -> tuple[str, ...]:
    """The ids of the elements and images that the caller's options add."""
    contents = order.options.get("contents")
    items = contents if isinstance(contents, Sequence) and not isinstance(contents, str) else ()
    return tuple(str(item["id"]) for item in items if isinstance(item, Mapping) and item.get("id"))


def voice_ids(order: Order) -> Mapping[str, str]:
    """The id each of the dialogue's voices is sent under, by the vendor's voice id."""
    voices = dict.fromkeys(line.voice for line in order.dialogue if line.voice)
    return {voice: f"voice_{number}" for number, voice in enumerate(voices, 1)}


def wording(
    order: Order, *, cut_format: bool = True, negative_field: bool = False, camera_field: bool = False
) -> str:
    """The prompt as it is sent. What has a field of its own is left out of it.

    ``cut_format``: the model reads Kling's multi-shot format; cuts are told in free words otherwise. Raises
    ``InvalidShot`` where they cannot be said in that format.
    """
    ids = reference_ids(order)
    first = {name: f"@{images[0]}" for name, images in ids.items() if images}
    chinese = is_chinese("\n".join([order.prompt, *(cut.prompt for cut in order.cuts)]), first)
    around = [
        camera_words(order.camera, chinese) if order.camera and not camera_field else "",
        _pictures(order, ids, chinese),
        _negative(order, chinese) if not negative_field else "",
    ]
    spoken = [_line(order, line, first, chinese) for line in order.dialogue]
    if order.cuts:
        return (_cuts if cut_format else _free_cuts)(order, around, spoken, first, chinese)
    return sentences(_named(order.prompt, first), *around[:1], *spoken, *around[1:], chinese=chinese)


def _cuts(order: Order, around: list[str], spoken: list[str], first: Mapping[str, str], chinese: bool) -> str:
    """``shot n, m, words;`` for each cut. What belongs to the whole shot is told in the first one."""
    if len(order.cuts) > MOST_CUTS:
        raise InvalidShot(f"Kling films at most {MOST_CUTS} cuts in one clip, not {len(order.cuts)}")
    lengths = [Decimal(str(cut.duration)) for cut in order.cuts]
    if any(length != int(length) or length < 1 for length in lengths):
        raise InvalidShot("Kling takes cuts of whole seconds, at least one each")
    if sum(lengths) != order.duration:
        raise InvalidShot(f"the cuts add up to {sum(lengths)} s, Kling films {order.duration} s")
    lines, told = _by_cut(order, spoken), []
    for number, (cut, length) in enumerate(zip(order.cuts, lengths, strict=True)):
        scene = [_named(order.prompt, first), *around] if number == 0 else []
        words = sentences(*scene[:1], _named(cut.prompt, first), *scene[1:], *lines[number], chinese=chinese)
        words = words.replace(";", ",").replace("；", "，")  # a semicolon would end the cut
        if len(words) > CUT_WORDS:
            raise InvalidShot(f"cut {number + 1} takes {len(words)} characters; Kling reads {CUT_WORDS}")
        told.append(f"{'镜头' if chinese else 'shot'} {number + 1}, {int(length)}, {words};")
    return " ".join(told)


def _free_cuts(
    order: Order, around: list[str], spoken: list[str], first: Mapping[str, str], chinese: bool
) -> str:
    """The whole shot, then each cut with its seconds: Kling 4.0 has no format, shots are written in the prompt."""
    told = [sentences(_named(order.prompt, first), *around, chinese=chinese)]
    for number, (cut, lines) in enumerate(zip(order.cuts, _by_cut(order, spoken), strict=True), 1):
        words = sentences(_named(cut.prompt, first), *lines, chinese=chinese)
        head = f"镜头{number}（{cut.duration:g}秒）：" if chinese else f"Shot {number} ({cut.duration:g} s): "
        told.append(head + words)
    return "\n".join(told)


def _by_cut(order: Order, spoken: list[str]) -> list[list[str]]:
    """Each line in the first cut that names its speaker; in the first of all where none does."""
    lines: list[list[str]] = [[] for _ in order.cuts]
    for line, words in zip(order.dialogue, spoken, strict=True):
        lines[next((n for n, cut in enumerate(order.cuts) if line.speaker in cut.prompt), 0)].append(words)
    return lines


def _named(text: str, first: Mapping[str, str]) -> str:
    """The text with each ``@name`` as its first image's id, parted from a word that follows at once."""
    found = mentions(first)

    def spaced(match: "re.Match[str]") -> str:
        return first[match[1]] + (" " if match.string[match.end() :][:1].isalnum() else "")

    return text if found is None else found.sub(spaced, text)


def _pictures(order: Order, ids: Mapping[str, tuple[str, ...]], chinese: bool) -> str:
    """What the prompt does not say of the pictures: whom an unmentioned one shows, and who has several."""
    said = mentioned("\n".join([order.prompt, *(cut.prompt for cut in order.cuts)]), ids)
    parts = []
    for name, images in ids.items():
        if images and name not in said:
            parts.append(f"{name}见 @{images[0]}" if chinese else f"See @{images[0]} for {name}")
        parts += [
            f"@{other} 与 @{images[0]} 是同一个" if chinese else f"@{other} shows the same as @{images[0]}"
            for other in images[1:]
        ]
    return sentences(*parts, chinese=chinese)


def _negative(order: Order, chinese: bool) -> str:
    unwanted = order.negative_prompt.strip()
    return (f"不要出现：{unwanted}" if chinese else f"Avoid: {unwanted}") if unwanted else ""


def _line(order: Order, line: Line, first: Mapping[str, str], chinese: bool) -> str:
    speaker = first.get(line.speaker, line.speaker)
    if line.voice:
        speaker += f" @{voice_ids(order)[line.voice]}"
    gap = " " if "@" in speaker else ""
    language = _LANGUAGES.get((line.language or "").split("-")[0].lower())
    if chinese:
        return f'{speaker}{gap}{f"用{language[0]}" if language else ""}说："{line.text}"'
    return f'{speaker} says{f" in {language[1]}" if language else ""}: "{line.text}"'
