"""An honest animatic of a shot: a still picture under the camera move asked for, with everything written on it."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dramagen.media.captions import Caption, split_line
from dramagen.media.encode import samples_until, written
from dramagen.media.extra import require
from dramagen.media.fonts import cjk_font
from dramagen.media.moves import camera as camera_of
from dramagen.media.moves import covered, overscan
from dramagen.media.overlay import Dust, Overlay, Plates, bar
from dramagen.media.probe import MediaFacts, probe
from dramagen.media.rate import exact_rate
from dramagen.media.stage import Stage, moving
from dramagen.media.tones import Spoken, tone_track

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

CRF = 20
# A still in motion is easily predicted: less searching saves a third of the time and 1 % of the size is lost.
ENCODER_TUNING = "rc-lookahead=10:me=dia:subme=1:ref=1:bframes=2"


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything an animatic shows.

    Attributes:
        id: of the shot, burned in.
        prompt: what is filmed.
        captions: dialogue lines in order, ``"女主: 你终于来了"``.
        picture: key of the first frame or reference in the pictures handed to :func:`render`; None for a backdrop.
        last_picture: key of the picture the shot ends on.
        move: one of the camera moves of :class:`dramagen.Camera`.
        speed: ``slow``, ``normal`` or ``fast``.
        cuts: (prompt, seconds) of each part of a shot that cuts inside itself; empty if it does not.
        width, height: pixels, even.
        fps: frames per second.
        frames: how many; the length is ``frames / fps``.
        audio: whether there is a sound track: one quiet hum per speaker.
        seed: another seed, other colours.
    """

    id: str
    prompt: str
    captions: tuple[str, ...] = ()
    picture: str | None = None
    last_picture: str | None = None
    move: str = "static"
    speed: str = "normal"
    cuts: tuple[tuple[str, float], ...] = ()
    width: int = 720
    height: int = 1280
    fps: float = 24.0
    frames: int = 120
    audio: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.width % 2 or self.height % 2 or min(self.width, self.height) < 16:
            raise ValueError(f"a frame is even and at least 16 px a side, not {self.width}x{self.height}")
        if self.frames < 1 or self.fps <= 0:
            raise ValueError(f"a shot has frames and a rate, not {self.frames} at {self.fps} fps")
        camera_of(self.move, self.speed)

    def to_json(self) -> dict[str, Any]:
        """The scene as plain JSON data; pictures stay keys."""
        return asdict(self) | {"captions": list(self.captions), "cuts": [list(cut) for cut in self.cuts]}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Scene":
        """The scene that :meth:`to_json` wrote down."""
        cuts = tuple((str(prompt), float(seconds)) for prompt, seconds in record.get("cuts", ()))
        return cls(**{**record, "captions": tuple(record.get("captions", ())), "cuts": cuts})


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of frames with one background: the whole shot, or one of its cuts."""

    prompt: str
    start: int
    end: int
    label: str


def parts_of(scene: Scene) -> list[Part]:
    """The stretches between cuts; they fill the shot exactly."""
    if not scene.cuts:
        return [Part(scene.prompt, 0, scene.frames, "")]
    ends = list(accumulate(seconds for _, seconds in scene.cuts))
    stops = [0, *(round(end / ends[-1] * scene.frames) for end in ends)]
    count = len(scene.cuts)
    return [
        Part(prompt or scene.prompt, stops[n], stops[n + 1], f"{n + 1}/{count}")
        for n, (prompt, _) in enumerate(scene.cuts)
        if stops[n + 1] > stops[n]
    ]


def lines_of(scene: Scene) -> list[tuple[str, int, int]]:
    """(line, first frame, frame after the last) of each dialogue line, as long as its words are many."""
    weights = [len(line) + 4 for line in scene.captions]
    stops = [0, *(round(w / sum(weights) * scene.frames) for w in accumulate(weights))]
    return [(line, stops[n], stops[n + 1]) for n, line in enumerate(scene.captions)]


def render(
    scene: Scene,
    dst: str | Path,
    pictures: Mapping[str, bytes] | None = None,
    *,
    font: str | Path | None = None,
) -> MediaFacts:
    """Film the scene to an MP4 (H.264 and AAC). Equal scenes and pictures give equal bytes.

    Args:
        scene: what to show.
        dst: the file, replaced if there.
        pictures: encoded pictures by the keys the scene uses.
        font: a font file with Chinese letters; found if not given. Without one Chinese is written as codes.

    Returns:
        The facts of the file.

    Raises:
        MissingExtra: the ``media`` extra is not installed.
        KeyError: a picture of the scene is not among ``pictures``.
        ValueError: a picture is not one.
    """
    require("av", "previz")
    require("PIL", "previz")
    dst, fps = Path(dst), exact_rate(scene.fps)
    with written(
        dst,
        width=scene.width,
        height=scene.height,
        fps=fps,
        audio=scene.audio,
        crf=CRF,
        tuning=ENCODER_TUNING,
    ) as film:
        for frame in _pictures(scene, fps, pictures or {}, cjk_font(font)):
            film.picture(frame)
        if scene.audio:
            film.sound(_sound(scene, fps))
    # Just written by ourselves, and decoded by whoever takes it into a store: the header is enough here.
    return probe(dst, decode=False)


def _sound(scene: Scene, fps: Fraction) -> bytes:
    spoken = [
        Spoken(split_line(line)[0], samples_until(start, fps), samples_until(end, fps))
        for line, start, end in lines_of(scene)
    ]
    return tone_track(spoken, samples_until(scene.frames, fps))


def _pictures(
    scene: Scene, fps: Fraction, pictures: Mapping[str, bytes], font: Path | None
) -> Iterator["VideoFrame"]:
    rate = float(fps)
    cam = camera_of(scene.move, scene.speed)
    room = overscan(cam, scene.frames, rate, scene.height / scene.width)
    cam = covered(cam, scene.frames, rate, room)
    stage = Stage(scene.width, scene.height, rate, scene.frames, cam, room)
    dust = Dust(random.Random(scene.seed), stage)  # noqa: S311  # specks of dust, not secrets
    overlays = _Overlays(scene, font)
    parts = parts_of(scene)
    for part in parts:
        first, last = part is parts[0], part is parts[-1]
        key = scene.picture if first else None
        ending = scene.last_picture if last else None
        still = stage.still(part.prompt, scene.seed, pictures[key] if key else None)
        end_still = stage.still(part.prompt, scene.seed, pictures[ending]) if ending else None
        for number, frame in enumerate(
            moving(stage, still, end_still, part.start, part.end), start=part.start
        ):
            plates = Plates(frame)
            dust.settle(plates, number)
            overlays.at(number, part, bool(key or ending)).lay(plates)
            bar(plates, (number + 1) / scene.frames)
            yield plates.frame()


class _Overlays:
    """The writing of each moment, drawn when it changes."""

    def __init__(self, scene: Scene, font: Path | None) -> None:
        self.scene = scene
        self.font = font
        self.lines = lines_of(scene)
        self.note = f"{scene.frames / scene.fps:.1f} s · {scene.fps:g} fps · {scene.width}×{scene.height}"
        self.caption: Caption | None = None
        self.overlay: Overlay | None = None

    def at(self, number: int, part: Part, over_picture: bool) -> Overlay:
        line = next((text for text, start, end in self.lines if start <= number < end), "")
        caption = Caption(
            self.scene.id, self.scene.move, part.prompt, over_picture, part.label, line, self.note
        )
        if self.overlay is None or caption != self.caption:
            self.caption = caption
            self.overlay = Overlay.of(caption, self.scene.width, self.scene.height, self.font)
        return self.overlay
