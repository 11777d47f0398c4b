"""What is written over an animatic: shot id, camera move, prompt and dialogue, drawn once per change."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dramagen.media.fonts import load_font
from dramagen.media.text import ascii_only, wrap

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

MOVE_NAMES = {
    "static": "固定 STATIC",
    "push_in": "推 PUSH IN",
    "pull_out": "拉 PULL OUT",
    "pan_left": "左摇 PAN LEFT",
    "pan_right": "右摇 PAN RIGHT",
    "tilt_up": "上摇 TILT UP",
    "tilt_down": "下摇 TILT DOWN",
    "truck_left": "左移 TRUCK LEFT",
    "truck_right": "右移 TRUCK RIGHT",
    "pedestal_up": "升 PEDESTAL UP",
    "pedestal_down": "降 PEDESTAL DOWN",
    "orbit_left": "左环绕 ORBIT LEFT",
    "orbit_right": "右环绕 ORBIT RIGHT",
    "zoom_in": "变焦推 ZOOM IN",
    "zoom_out": "变焦拉 ZOOM OUT",
    "roll": "旋转 ROLL",
    "handheld": "手持 HANDHELD",
    "follow": "跟 FOLLOW",
}
LABEL = "PREVIZ"
WHITE, SOFT, AMBER, INK = (255, 255, 255, 255), (255, 255, 255, 190), (244, 184, 66, 255), (18, 18, 20, 255)
SHADE, BOX = (0, 0, 0, 150), (8, 9, 12, 168)
# Phones put their own buttons over the lowest fifth of a vertical video.
VERTICAL_SAFE_BOTTOM, SAFE_BOTTOM = 0.80, 0.93
SIDE = 0.065


@dataclass(frozen=True, slots=True)
class Caption:
    """What is to be read at one moment of a shot.

    Attributes:
        shot_id: in the top left corner.
        move: a camera move by name, in the top right corner.
        prompt: what is filmed; large in the middle, or small at the foot where there is a picture.
        over_picture: whether there is one.
        part: ``"2/3"`` in a shot with cuts, else empty.
        line: the dialogue being spoken, ``"女主: 你终于来了"``, or empty.
        note: small print at the foot.
    """

    shot_id: str
    move: str
    prompt: str
    over_picture: bool
    part: str
    line: str
    note: str


def split_line(line: str) -> tuple[str, str]:
    """Speaker and words of a dialogue line; a line without a speaker has an empty one."""
    for colon in (":", "："):
        speaker, found, words = line.partition(colon)
        if found and speaker.strip() and len(speaker) <= 24 and words.strip():
            return speaker.strip(), words.strip()
    return "", line.strip()


def draw_caption(caption: Caption, width: int, height: int, font: Path | None) -> "Image":
    """The writing as a transparent RGBA picture of the size of the frame."""
    from PIL import Image, ImageDraw

    page = _Page(Image.new("RGBA", (width, height), (0, 0, 0, 0)), font)
    page.draw = ImageDraw.Draw(page.image)
    page.shade(0.0, 0.17)
    page.header(caption)
    foot = height - page.px(44)
    reach = 0.88 if not caption.over_picture else 0.62 if height > width else 0.55
    page.shade(1.0, reach)
    page.note(caption.note, foot)
    limit = height * (VERTICAL_SAFE_BOTTOM if height > width else SAFE_BOTTOM)
    if caption.over_picture:
        limit = min(limit, page.prompt_at_foot(caption, foot - page.px(30)) - page.px(22))
    else:
        page.prompt_in_middle(caption)
    if caption.line:
        page.dialogue(caption.line, limit)
    return page.image


class _Page:
    """One overlay being drawn. Sizes are pixels of a frame whose short side is 720."""

    draw: "ImageDraw"

    def __init__(self, image: "Image", font: Path | None) -> None:
        self.image = image
        self.file = font
        self.unit = min(image.size) / 720
        self.side = round(image.width * SIDE)

    def px(self, size: float) -> int:
        return max(1, round(size * self.unit))

    def font(self, size: float) -> "FreeTypeFont":
        return load_font(self.file, max(6, self.px(size)))

    def spell(self, text: str) -> str:
        return text if self.file else ascii_only(text)

    def shade(self, edge: float, reach: float) -> None:
        """Darken the frame from the top (0) or the bottom (1) edge towards ``reach``."""
        from PIL import Image

        width, height = self.image.size
        tall = max(1, round(abs(edge - reach) * height))
        ramp = Image.linear_gradient("L").resize((width, tall)).point(lambda v: v * SHADE[3] // 255)
        if edge < reach:
            ramp = ramp.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        shade = Image.new("RGBA", (width, tall), SHADE[:3])
        shade.putalpha(ramp)
        self.image.alpha_composite(shade, (0, 0 if edge < reach else height - tall))

    def text(
        self, at: tuple[float, float], text: str, font: "FreeTypeFont", fill: tuple[int, ...], *,
        anchor: str = "ls", bold: bool = False, shadow: bool = False,
    ) -> None:  # fmt: skip
        weight = max(1, round(font.size / 34)) if bold and font.size >= 16 else 0
        if shadow:
            drop = max(1, round(font.size / 16))
            self.draw.text(at, text, (0, 0, 0, 130), font, anchor=anchor, stroke_width=weight + drop)
        self.draw.text(at, text, fill, font, anchor=anchor, stroke_width=weight)

    def header(self, caption: Caption) -> None:
        width, height = self.image.size
        middle = round(height * (0.05 if height > width else 0.075))
        chip = self.font(20)
        pad = self.px(11)
        right = self.side + chip.getlength(LABEL) + 2 * pad
        half = self.px(18)
        self.draw.rounded_rectangle((self.side, middle - half, right, middle + half), self.px(7), AMBER)
        self.text((self.side + pad, middle), LABEL, chip, INK, anchor="lm", bold=True)
        small = self.font(22)
        move = self.spell(MOVE_NAMES.get(caption.move, caption.move.upper()))
        room = width - 2 * self.side
        self.text((width - self.side, middle), move, small, WHITE, anchor="rm", shadow=True)
        left = right + self.px(16)
        big = self.font(32)
        free = width - self.side - small.getlength(move) - self.px(16) - left
        if free > big.size * 2:
            self.text(
                (left, middle), wrap(self.spell(caption.shot_id), big, free, 1)[0], big, WHITE,
                anchor="lm", bold=True, shadow=True,
            )  # fmt: skip
        else:
            below = wrap(self.spell(caption.shot_id), big, room, 1)[0]
            self.text(
                (self.side, middle + self.px(48)), below, big, WHITE, anchor="lm", bold=True, shadow=True
            )

    def note(self, note: str, foot: int) -> None:
        small = self.font(17)
        line = wrap(self.spell(note), small, self.image.width - 2 * self.side, 1)[0]
        self.text((self.side, foot), line, small, SOFT, shadow=True)

    def prompt_in_middle(self, caption: Caption) -> None:
        width, height = self.image.size
        room = width - 2 * self.side
        size = 46 if len(caption.prompt) <= 40 else 38 if len(caption.prompt) <= 120 else 30
        font = self.font(size)
        step = round(font.size * 1.5)
        lines = wrap(self.spell(caption.prompt), font, room, max(1, int(height * 0.42 / step)))
        top = round(height * 0.42 - step * len(lines) / 2)
        if caption.part:
            small = self.font(24)
            self.text(
                (width / 2, top - step * 0.5), caption.part, small, AMBER, anchor="ms", bold=True, shadow=True
            )
        for number, line in enumerate(lines):
            at = (width / 2, top + step * (number + 0.7))
            self.text(at, line, font, WHITE, anchor="ms", bold=True, shadow=True)

    def prompt_at_foot(self, caption: Caption, bottom: int) -> int:
        """Returns where the block begins, in pixels from the top."""
        font = self.font(23)
        step = round(font.size * 1.45)
        text = f"{caption.part}  {caption.prompt}" if caption.part else caption.prompt
        lines = wrap(self.spell(text), font, self.image.width - 2 * self.side, 3)
        first = bottom - step * len(lines)
        for number, line in enumerate(lines):
            self.text((self.side, first + step * (number + 0.7)), line, font, WHITE, shadow=True)
        return first

    def dialogue(self, line: str, bottom: float) -> None:
        speaker, words = split_line(self.spell(line))
        width = self.image.width
        big, small = self.font(37), self.font(24)
        pad = self.px(24)
        lines = wrap(words, big, width - 2 * self.side - 2 * pad, 4)
        step = round(big.size * 1.42)
        name = round(small.size * 1.6) if speaker else 0
        inner = max([big.getlength(text) for text in lines] + [small.getlength(speaker)])
        half = inner / 2 + pad
        top = bottom - name - step * len(lines) - 1.4 * pad
        box = (width / 2 - half, top, width / 2 + half, bottom)
        self.draw.rounded_rectangle(box, self.px(16), BOX)
        if speaker:
            at = (width / 2, top + pad * 0.6 + small.size)
            self.text(at, speaker, small, AMBER, anchor="ms", bold=True)
        for number, text in enumerate(lines):
            at = (width / 2, top + pad * 0.6 + name + step * number + big.size)
            self.text(at, text, big, WHITE, anchor="ms", bold=True)
