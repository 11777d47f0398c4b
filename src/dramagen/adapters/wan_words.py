"""The prompt as Wan and HappyHorse read it: numbered inputs, camera terms, shots with seconds, quoted lines.

Sources, read 2026-11-22: Alibaba Cloud Model Studio "Wan 3.0 video generation", "Wan 2.7 text-to-video" and
"reference-to-video" (图1 or Image 1, counted by type; ``Shot 1 [0-3s]``), the references of Wan 2.6 (``character1``)
and of HappyHorse (``[Image 1]``), and "Text-to-video" (camera terms, several shots).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from dramagen.adapters.prompt import is_chinese, mentioned, mentions, sentences
from dramagen.catalog.order import Order
from dramagen.shot import Camera, Line, Move, Speed

_MOVES: Mapping[Move, tuple[str, str]] = {
    "static": ("固定镜头", "Static camera"),
    "push_in": ("镜头{}推进", "The camera {}pushes in"),
    "pull_out": ("镜头{}拉远", "The camera {}pulls out"),
    "pan_left": ("镜头{}向左摇", "The camera {}pans left"),
    "pan_right": ("镜头{}向右摇", "The camera {}pans right"),
    "tilt_up": ("镜头{}向上摇", "The camera {}tilts up"),
    "tilt_down": ("镜头{}向下摇", "The camera {}tilts down"),
    "truck_left": ("镜头{}向左平移", "The camera {}trucks left"),
    "truck_right": ("镜头{}向右平移", "The camera {}trucks right"),
    "pedestal_up": ("镜头{}上升", "The camera {}rises"),
    "pedestal_down": ("镜头{}下降", "The camera {}descends"),
    "orbit_left": ("镜头{}向左环绕主体", "The camera {}orbits left around the subject"),
    "orbit_right": ("镜头{}向右环绕主体", "The camera {}orbits right around the subject"),
    "zoom_in": ("镜头{}变焦放大", "The camera {}zooms in"),
    "zoom_out": ("镜头{}变焦缩小", "The camera {}zooms out"),
    "roll": ("镜头{}旋转", "The camera {}rolls"),
    "handheld": ("手持镜头，{}晃动", "Handheld camera, {}swaying"),
    "follow": ("镜头{}跟随主体", "The camera {}follows the subject"),
}
_SPEEDS: Mapping[Speed, tuple[str, str]] = {
    "slow": ("缓慢", "slowly "),
    "normal": ("", ""),
    "fast": ("快速", "quickly "),
}
_LANGUAGES = {
    "zh": ("中文", "Chinese"),
    "en": ("英语", "English"),
    "ja": ("日语", "Japanese"),
    "ko": ("韩语", "Korean"),
    "es": ("西班牙语", "Spanish"),
    "fr": ("法语", "French"),
    "de": ("德语", "German"),
    "pt": ("葡萄牙语", "Portuguese"),
    "id": ("印尼语", "Indonesian"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the vendor calls each reference: ``images``, a video last; ``sounds`` where they are numbered."""

    images: Mapping[str, tuple[str, ...]]
    sounds: Mapping[str, str]

    @property
    def first(self) -> Mapping[str, str]:
        """The one name a mention becomes."""
        return {name: labels[0] for name, labels in self.images.items() if labels}


def wording(order: Order) -> str:
    """The ``prompt`` of the order's create."""
    written = "\n".join([order.prompt, *(cut.prompt for cut in order.cuts)])
    chinese = is_chinese(written, [reference.name for reference in order.references])
    names = _names(order, chinese)
    around = [
        _camera(order.camera, chinese) if order.camera else "",
        _legend(order, written, names, chinese),
    ]
    prompt = _named(order.prompt, names)
    if not order.cuts:
        spoken = [_line(line, names, chinese) for line in order.dialogue]
        return sentences(prompt, *around[:1], *spoken, *around[1:], chinese=chinese)
    return "\n".join([sentences(prompt, *around, chinese=chinese), *_shots(order, names, chinese)])


def _names(order: Order, chinese: bool) -> Names:
    """The numbers follow the order of the inputs, each type on its own."""
    legacy = order.wire.get("protocol") == "legacy"
    usual = "character{}" if legacy else "图{}" if chinese else "Image {}"
    image, sound = str(order.wire.get("image", usual)), "音频{}" if chinese else "Audio {}"
    film = "视频{}" if chinese else "Video {}"
    images: dict[str, tuple[str, ...]] = {}
    sounds: dict[str, str] = {}
    count = films = 0
    for reference in order.references:
        labels = [image.format(count + n + 1) for n in range(len(reference.images))]
        count += len(reference.images)
        if reference.video is not None and legacy:  # one list, numbered through
            count += 1
            labels.append(image.format(count))
        elif reference.video is not None:
            films += 1
            labels.append(film.format(films))
        images[reference.name] = tuple(labels)
        if reference.voice is not None and order.wire.get("protocol") == "wan3":
            sounds[reference.name] = sound.format(len(sounds) + 1)
    return Names(images, sounds)


def _named(text: str, names: Names) -> str:
    """The text with each ``@name`` as its first picture, parted from a digit or Latin word that follows at once."""
    first = names.first
    found = mentions(first)

    def spaced(match: "re.Match[str]") -> str:
        label, after = first[match[1]], match.string[match.end() :][:1]
        apart = after.isalnum() and (after.isascii() or label[0].isascii())
        return label + (" " if apart else "")

    return text if found is None else found.sub(spaced, text)


def _legend(order: Order, written: str, names: Names, chinese: bool) -> str:
    """What the prompt does not say of the inputs: whom a picture shows, who has several, whose a voice is."""
    said_of = mentioned(written, names.images) | {line.speaker.removeprefix("@") for line in order.dialogue}
    parts = []
    for name, labels in names.images.items():
        if labels and name not in said_of:
            parts.append(f"{labels[0]}是{name}" if chinese else f"{labels[0]} is {name}")
        parts += [
            f"{other}与{labels[0]}是同一个" if chinese else f"{other} shows the same as {labels[0]}"
            for other in labels[1:]
        ]
    for name, sound in names.sounds.items():
        who = names.first.get(name, name)
        parts.append(f"{who}的音色参考{sound}" if chinese else f"{who} has the voice of {sound}")
    return ("，" if chinese else ", ").join(parts)


def _camera(camera: Camera, chinese: bool) -> str:
    which = 0 if chinese else 1
    return _MOVES[camera.move][which].format(_SPEEDS[camera.speed][which])


def _shots(order: Order, names: Names, chinese: bool) -> Iterator[str]:
    """``Shot 1 [0-3s]`` and so on; a line is spoken in the first shot that names its speaker, else in the first."""
    spoken: list[list[str]] = [[] for _ in order.cuts]
    for line in order.dialogue:
        at = next((n for n, cut in enumerate(order.cuts) if line.speaker in cut.prompt), 0)
        spoken[at].append(_line(line, names, chinese))
    start = Decimal(0)
    for number, (cut, lines) in enumerate(zip(order.cuts, spoken, strict=True), 1):
        end = start + Decimal(str(cut.duration))
        span = f"{float(start):g}-{float(end):g}"
        head = f"镜头{number} [{span}秒] " if chinese else f"Shot {number} [{span}s] "
        yield head + sentences(_named(cut.prompt, names), *lines, chinese=chinese)
        start = end


def _line(line: Line, names: Names, chinese: bool) -> str:
    who = line.speaker.removeprefix("@")
    speaker = names.first.get(who, who)
    text = re.sub('["“”]', "'", line.text)  # the quotes around it must stay the only ones
    known = _LANGUAGES.get((line.language or "").split("-")[0].lower())
    if chinese:
        return f'{speaker}{f"用{known[0]}" if known else ""}说："{text}"'
    return f'{speaker} says{f" in {known[1]}" if known else ""}: "{text}"'
