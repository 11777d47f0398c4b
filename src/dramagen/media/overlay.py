"""Lay writing and dust on decoded frames, plane by plane: a paste is cheaper than a filter."""

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dramagen.media.captions import Caption, draw_caption
from dramagen.media.convert import video_frame
from dramagen.media.moves import project
from dramagen.media.stage import Stage

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from PIL.Image import Image

SPECKS = 26
LUMA_WHITE = 235
BAR = 0.0036


class Plates:
    """The three planes of a yuv420p frame as grey pictures to paste on, their line padding included."""

    def __init__(self, frame: "VideoFrame") -> None:
        from PIL import Image

        self.width, self.height = frame.width, frame.height
        self._frame = frame
        self.planes: list[Image.Image] = []
        for plane in frame.planes:
            size = (plane.line_size, plane.height)
            self.planes.append(Image.frombytes("L", size, bytes(plane)[: size[0] * size[1]]))

    def frame(self) -> "VideoFrame":
        """The frame, as pasted on."""
        for plane, picture in zip(self._frame.planes, self.planes, strict=True):
            data = picture.tobytes()
            plane.update(data + bytes(plane.buffer_size - len(data)))
        return self._frame


@dataclass(frozen=True, slots=True)
class Overlay:
    """A transparent picture, cut to what is drawn on it, as (place, picture, mask) for each plane."""

    layers: tuple[tuple[tuple[int, int], "Image", "Image"], ...]

    @classmethod
    def of(cls, caption: Caption, width: int, height: int, font: Path | None) -> "Overlay":
        """The overlay of a caption."""
        return cls.cut(draw_caption(caption, width, height, font))

    @classmethod
    def cut(cls, image: "Image") -> "Overlay":
        """The overlay of an RGBA picture of even size."""
        from PIL import Image

        frame = video_frame(image.convert("RGB"), "yuv420p")
        alpha = image.getchannel("A")
        half = alpha.resize((image.width // 2, image.height // 2), Image.Resampling.BOX)
        layers = []
        for picture, mask in zip(Plates(frame).planes, (alpha, half, half), strict=True):
            box = mask.getbbox()
            if box is not None:
                layers.append((box[:2], picture.crop(box), mask.crop(box)))
            else:
                layers.append(((0, 0), picture.crop((0, 0, 1, 1)), mask.crop((0, 0, 1, 1))))
        return cls(tuple(layers))

    def lay(self, plates: Plates) -> None:
        """Paste onto a frame."""
        for plane, (at, picture, mask) in zip(plates.planes, self.layers, strict=True):
            plane.paste(picture, at, mask)


class Dust:
    """Specks in the air between camera and picture, which show whether a camera turns or travels."""

    def __init__(self, dice: random.Random, stage: Stage) -> None:
        self.stage = stage
        self.specks = [
            (dice.uniform(-0.8, 0.8), dice.uniform(-0.7, 0.7), dice.uniform(0.32, 0.8)) for _ in range(SPECKS)
        ]
        self.sprites: dict[int, Image] = {}

    def settle(self, plates: Plates, number: int) -> None:
        """Paste the specks of a frame."""
        stage = self.stage
        lean = stage.camera.roll.at(number, stage.frames, stage.fps)
        cos, sin = math.cos(lean), math.sin(lean)
        for u, v, depth in self.specks:
            x, y, scale = project(stage.camera, u, v, depth, number, stage.frames, stage.fps)
            radius = round(min(stage.width, stage.height) * 0.0042 * scale / depth)
            if not 1 <= radius <= stage.width // 12:
                continue
            across, down = x * stage.width, y * stage.height
            left = round(stage.width / 2 + across * cos + down * sin) - radius
            top = round(stage.height / 2 + down * cos - across * sin) - radius
            if -2 * radius < left < stage.width and -2 * radius < top < stage.height:
                plates.planes[0].paste(LUMA_WHITE, (left, top), self._sprite(radius))

    def _sprite(self, radius: int) -> "Image":
        if radius not in self.sprites:
            from PIL import Image, ImageDraw, ImageFilter

            big = Image.new("L", (8 * radius, 8 * radius), 0)
            ImageDraw.Draw(big).ellipse((radius, radius, 7 * radius, 7 * radius), 78)
            big = big.filter(ImageFilter.GaussianBlur(radius * 0.6))
            self.sprites[radius] = big.resize((2 * radius, 2 * radius), Image.Resampling.BOX)
        return self.sprites[radius]


def bar(plates: Plates, share: float) -> None:
    """A thin line along the lower edge that grows with time."""
    tall = max(2, round(plates.height * BAR))
    plates.planes[0].paste(LUMA_WHITE, (0, plates.height - tall, round(plates.width * share), plates.height))
