"""Cut a clip to the frame. The original is never touched; the trim is a file of its own with its own key."""

import hashlib
from pathlib import Path

from dramagen.media.decode import frames_of
from dramagen.media.encode import samples_until, written
from dramagen.media.probe import MediaFacts, probe
from dramagen.media.rate import exact_rate
from dramagen.media.sound import read_sound

RECIPE = 1
"""Version of how a trim is made; a change here makes new files instead of reusing old ones."""


def trim_key(original_sha256: str, first_frame: int, frames: int, recipe: int = RECIPE) -> str:
    """The identity of a trim: sha256, in hexadecimal, of what it is made from and how."""
    text = f"trim:{original_sha256}:{first_frame}:{frames}:{recipe}"
    return hashlib.sha256(text.encode()).hexdigest()


def trim(src: str | Path, dst: str | Path, first_frame: int, frames: int) -> MediaFacts:
    """Write frames ``first_frame`` to ``first_frame + frames`` of ``src`` to ``dst``, sound cut to match.

    Args:
        src: the clip; untouched.
        dst: the new MP4, replaced if there.
        first_frame: counted from 0.
        frames: how many.

    Returns:
        The facts of the new file, measured.

    Raises:
        UndecodableMedia: the source is broken, or too short for the stretch.
        ValueError: the stretch is empty or starts before 0.
        MissingExtra: the ``media`` extra is not installed.
    """
    if first_frame < 0 or frames < 1:
        raise ValueError(f"cannot cut {frames} frames from frame {first_frame}")
    src, dst = Path(src), Path(dst)
    source = probe(src, decode=False)
    fps = exact_rate(source.fps)
    begin = samples_until(first_frame, fps)
    samples = samples_until(first_frame + frames, fps) - begin
    sound = read_sound(src, float(first_frame / fps), samples)
    width, height = source.width // 2 * 2, source.height // 2 * 2
    with written(dst, width=width, height=height, fps=fps, audio=sound is not None) as film:
        for frame in frames_of(src, first_frame, frames):
            film.picture(frame.reformat(width=width, height=height, format="yuv420p"))
        if sound is not None:
            film.sound(sound)
    return probe(dst)
