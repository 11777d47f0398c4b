"""What the pictures of a clip show: one pass over small grey copies of its frames."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dramagen.media.decode import UndecodableMedia, opened, video_of
from dramagen.media.extra import require

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from PIL.Image import Image

LONG_SIDE = 160
"""Pixels of the grey copies: enough for motion and cuts, too few for the noise of an encoder."""
DARK = 25
"""Levels of 255 up to which a pixel is black: a tenth, as FFmpeg's blackdetect has it."""
BLACK_SHARE = 0.98
STILL = 0.255
"""Mean difference in levels of 255 below which nothing moves: FFmpeg's freezedetect at -60 dB."""
SAME = 0.15
"""Mean difference below which a frame equals the one before."""
MOVED, FEW = 6, 0.001
"""Where more than this share of the pixels changes by more than so many levels, something small moves."""
CUT = 10.0
"""Per cent of change, beyond that of the frame before, that makes a cut: FFmpeg's scdet."""
FLASH = 12.0
"""Second difference of the mean level, in levels of 255. Good clips stay below 2."""
STROBE_STEP = 25.5
STROBE_TIMES = 3
"""Opposing changes of a tenth of full brightness, in pairs within a second: more may harm (ITU-R BT.1702)."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a clip, in seconds from its start."""

    start: float
    seconds: float


@dataclass(frozen=True)
class Pictures:
    """The measurements of one clip.

    Attributes:
        fps: frames per second.
        changes: mean difference of each frame to the one before, levels of 255; one fewer than there are frames.
        same: of each frame but the first, whether it equals the one before.
        levels: mean brightness of each frame, levels of 255.
        black: stretches in which nearly every pixel is black.
        still: stretches in which nothing moves, black or not.
        cuts: seconds at which another picture begins.
    """

    fps: float
    changes: tuple[float, ...]
    same: tuple[bool, ...]
    levels: tuple[float, ...]
    black: tuple[Stretch, ...]
    still: tuple[Stretch, ...]
    cuts: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """How long the clip is."""
        return len(self.levels) / self.fps

    @property
    def motion(self) -> float:
        """How much moves: the mean difference between frames, levels of 255."""
        return sum(self.changes) / len(self.changes) if self.changes else 0.0

    @property
    def duplicates(self) -> float:
        """The share of frames that equal the one before."""
        return sum(self.same) / len(self.same) if self.same else 0.0

    @cached_property
    def flashes(self) -> tuple[float, ...]:
        """Seconds at which the brightness jumps and comes back at once. A cut or a light switched on does not."""
        found: list[float] = []
        for at in range(1, len(self.levels) - 1):
            before, here, after = self.levels[at - 1 : at + 2]
            rise, fall = here - before, here - after
            if rise * fall > 0 and abs(rise) > FLASH and abs(fall) > FLASH:
                found.append(at / self.fps)
        return tuple(found)

    @cached_property
    def strobe(self) -> float | None:
        """Where more than three flashes come within one second, in seconds; else None."""
        turns = _turns(self.levels)
        for first, last in zip(turns, turns[2 * STROBE_TIMES :], strict=False):
            if (last - first) / self.fps <= 1.0:
                return first / self.fps
        return None


def look(path: Path, fps: float) -> Pictures:
    """Measure the pictures of a clip of ``fps`` frames a second; a clip of five seconds takes about half of one.

    Raises:
        UndecodableMedia: the clip cannot be read to its end.
        MissingExtra: the ``media`` extra is not installed.
    """
    require("PIL", "checking a clip")
    changes: list[Change] = []
    levels: list[float] = []
    dark: list[bool] = []
    still: list[Stretch] = []
    small: list[Image] = []
    held = 0
    with opened(path) as container:
        for frame in container.decode(video_of(container, path)):
            grey = _grey(frame)
            histogram = grey.histogram()
            total = sum(histogram)
            levels.append(sum(level * count for level, count in enumerate(histogram)) / total)
            dark.append(sum(histogram[: DARK + 1]) >= BLACK_SHARE * total)
            if small:
                changes.append(change(small[-1], grey))
                # Compared with where it began to stand: a slow push-in never stands still.
                if not change(small[held], grey).below(STILL):
                    still.append(Stretch(held / fps, (len(small) - held) / fps))
                    held = len(small)
            small.append(grey)
    if not small:
        raise UndecodableMedia(path, "no frame decodes")
    still.append(Stretch(held / fps, (len(small) - held) / fps))
    means = tuple(each.mean for each in changes)
    return Pictures(
        fps=fps,
        changes=means,
        same=tuple(each.below(SAME) for each in changes),
        levels=tuple(levels),
        black=_stretches(dark, fps),
        still=tuple(stretch for stretch in still if stretch.seconds > 1.5 / fps),
        cuts=tuple(at / fps for at in _cuts(small, means)),
    )


@dataclass(frozen=True, slots=True)
class Change:
    """From one grey picture to another: the mean difference in levels of 255, and the share of pixels that moved."""

    mean: float
    moved: float

    def below(self, noise: float) -> bool:
        """Whether that is no more than an encoder's noise."""
        return self.mean < noise and self.moved < FEW


def change(one: "Image", other: "Image") -> Change:
    """How much two grey pictures of one size differ."""
    from PIL import ImageChops

    histogram = ImageChops.difference(one, other).histogram()
    total = sum(histogram)
    mean = sum(level * count for level, count in enumerate(histogram)) / total
    return Change(mean, sum(histogram[MOVED + 1 :]) / total)


def _grey(frame: "VideoFrame") -> "Image":
    from PIL import Image

    scale = LONG_SIDE / max(frame.width, frame.height)
    width, height = max(2, round(frame.width * scale)), max(2, round(frame.height * scale))
    grey = frame.reformat(width=width, height=height, format="gray", interpolation="AREA")
    plane = grey.planes[0]
    return Image.frombytes("L", (width, height), bytes(plane), "raw", "L", plane.line_size, 1)


def _cuts(small: "list[Image]", changes: tuple[float, ...]) -> list[int]:
    """Frames with which another picture begins."""
    found: list[int] = []
    for at in range(1, len(small)):
        here = changes[at - 1] / 2.55
        before = changes[at - 2] / 2.55 if at > 1 else 0.0
        if min(here, abs(here - before)) < CUT:
            continue
        # A flash changes as much as a cut, but what was there before comes back.
        comes_back = min(change(small[at - 1], later).mean for later in small[at + 1 : at + 4] or [small[at]])
        if comes_back / 2.55 >= CUT:
            found.append(at)
    # The way back from a flash of several frames is no cut either.
    return [at for n, at in enumerate(found) if n == 0 or at - found[n - 1] > 1]


def _turns(levels: tuple[float, ...]) -> list[int]:
    """Frames at which the brightness has gone a strobe's step the other way than before."""
    if not levels:
        return []
    turns: list[int] = []
    low = high = levels[0]
    direction = 0
    for at, level in enumerate(levels):
        low, high = min(low, level), max(high, level)
        if direction <= 0 and level - low >= STROBE_STEP:
            turns.append(at)
            direction, high = 1, level
        elif direction >= 0 and high - level >= STROBE_STEP:
            turns.append(at)
            direction, low = -1, level
    return turns


def _stretches(marked: list[bool], fps: float) -> tuple[Stretch, ...]:
    found: list[Stretch] = []
    start: int | None = None
    for at, here in enumerate([*marked, False]):
        if here and start is None:
            start = at
        elif not here and start is not None:
            found.append(Stretch(start / fps, (at - start) / fps))
            start = None
    return tuple(found)
