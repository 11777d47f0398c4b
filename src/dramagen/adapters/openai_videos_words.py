"""What is said in words: the camera, cuts, dialogue, and what must not be seen where there is no field for it.

Sources, read 2026-11: OpenAI's "Sora 2 prompting guide" (camera in plain film language, a distinct block for each
shot, dialogue in a block of its own below the description); Wan's user guide (prompt recipes: camera movement).
"""

from collections.abc import Mapping, Sequence

from dramagen.adapters.prompt import is_chinese, sentences
from dramagen.catalog.order import Order
from dramagen.shot import Camera, Line

_MOVES: Mapping[str, tuple[str, str]] = {
    "static": ("固定镜头", "The camera is locked off"),
    "push_in": ("镜头{}推进", "The camera {}pushes in"),
    "pull_out": ("镜头{}拉远", "The camera {}pulls back"),
    "pan_left": ("镜头{}向左摇", "The camera {}pans left"),
    "pan_right": ("镜头{}向右摇", "The camera {}pans right"),
    "tilt_up": ("镜头{}上摇", "The camera {}tilts up"),
    "tilt_down": ("镜头{}下摇", "The camera {}tilts down"),
    "truck_left": ("镜头{}向左平移", "The camera {}moves to the left"),
    "truck_right": ("镜头{}向右平移", "The camera {}moves to the right"),
    "pedestal_up": ("镜头{}升高", "The camera {}rises"),
    "pedestal_down": ("镜头{}下降", "The camera {}descends"),
    "orbit_left": ("镜头{}向左环绕拍摄", "The camera {}orbits the subject to the left"),
    "orbit_right": ("镜头{}向右环绕拍摄", "The camera {}orbits the subject to the right"),
    "zoom_in": ("镜头{}变焦放大", "The camera {}zooms in"),
    "zoom_out": ("镜头{}变焦缩小", "The camera {}zooms out"),
    "roll": ("镜头{}旋转", "The camera {}rolls"),
    "handheld": ("手持镜头", "Handheld camera"),
    "follow": ("镜头{}跟随主体", "The camera {}tracks the subject"),
}
_SPEEDS = {"slow": ("缓慢", "slowly "), "normal": ("", ""), "fast": ("快速", "quickly ")}


def wording(order: Order, *, negative_field: bool) -> str:
    """The prompt as it is sent. ``negative_field``: what must not be seen has a field and is left out here."""
    chinese = is_chinese("\n".join([order.prompt, *(cut.prompt for cut in order.cuts)]))
    negative = "" if negative_field else order.negative_prompt.strip()
    unwanted = (f"不要出现：{negative}" if chinese else f"Avoid: {negative}") if negative else ""
    camera = _camera(order.camera, chinese) if order.camera else ""
    parts = [
        sentences(order.prompt, camera, unwanted, chinese=chinese) if camera or unwanted else order.prompt
    ]
    for number, cut in enumerate(order.cuts, 1):
        seconds = f"{cut.duration:g}"
        head = f"镜头{number}（{seconds}秒）：" if chinese else f"Shot {number} ({seconds} s): "
        parts.append(head + cut.prompt.strip())
    if order.dialogue:
        parts.append(_dialogue(order.dialogue, chinese))
    return "\n".join(parts)


def _camera(camera: Camera, chinese: bool) -> str:
    which = 0 if chinese else 1
    return _MOVES[camera.move][which].format(_SPEEDS[camera.speed][which])


def _dialogue(lines: Sequence[Line], chinese: bool) -> str:
    head = "对白：" if chinese else "Dialogue:"
    return "\n".join([head, *(f'- {line.speaker}{"：" if chinese else ": "}"{line.text}"' for line in lines)])
