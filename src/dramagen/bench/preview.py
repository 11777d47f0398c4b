"""Small copies of clips, to be looked at side by side inside one page."""

from fractions import Fraction
from math import ceil
from pathlib import Path

from dramagen.media.decode import frames_of
from dramagen.media.encode import samples_until, written
from dramagen.media.probe import probe
from dramagen.media.rate import exact_rate
from dramagen.media.sound import read_sound

SHORT_SIDE = 216
MOST_FPS = 15
QUALITY = 33
SOUND_BITS = 32_000


def preview(clip: Path, target: Path) -> Path:
    """A small H.264 copy of a clip that every browser plays, some 60 to 120 KB for five seconds.

    One that is there already is kept.

    Raises:
        UndecodableMedia: the clip is broken.
        MissingExtra: the ``media`` extra is not installed.
    """
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    facts = probe(clip, decode=False)
    scale = min(1.0, SHORT_SIDE / min(facts.width, facts.height))
    width, height = (max(2, round(side * scale / 2) * 2) for side in (facts.width, facts.height))
    step = max(1, ceil(facts.fps / MOST_FPS - 0.01))
    fps = exact_rate(facts.fps) / step
    with written(
        target, width=width, height=height, fps=Fraction(fps), audio=facts.has_audio, crf=QUALITY,
        sound_bits=SOUND_BITS,
    ) as film:  # fmt: skip
        for at, frame in enumerate(frames_of(clip)):
            if at % step == 0:
                film.picture(frame.reformat(width=width, height=height, format="yuv420p"))
        if facts.has_audio:
            film.sound(read_sound(clip, 0.0, samples_until(film.frames, fps)) or b"")
    return target
