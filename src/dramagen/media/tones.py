"""A stand-in for voices: one quiet hum per speaker, in the rhythm of speech, while the line is shown."""

import hashlib
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from dramagen.media.sound import SAMPLE_RATE

LOUDNESS = 0.09
SYLLABLES_PER_SECOND = 4.6
FADE = 0.04
# A pentatonic scale over A2: any two speakers sound well together.
PITCHES = tuple(110.0 * 2 ** (step / 12) for step in (0, 3, 5, 7, 10, 12, 15, 17))


@dataclass(frozen=True, slots=True)
class Spoken:
    """Who speaks, and from which sample to which, at 48 kHz."""

    speaker: str
    start: int
    end: int


def pitch_of(speaker: str) -> float:
    """Hertz of a speaker's hum; the same in every shot."""
    return PITCHES[hashlib.sha256(speaker.encode()).digest()[0] % len(PITCHES)]


def tone_track(lines: Sequence[Spoken], samples: int) -> bytes:
    """16 bit stereo samples at 48 kHz: a hum in each line's time, silence elsewhere."""
    track = array("h", bytes(samples * 4))
    for line in lines:
        end = min(line.end, samples)
        hum = _hum(pitch_of(line.speaker), end - line.start)
        track[2 * line.start : 2 * end : 2] = hum
        track[2 * line.start + 1 : 2 * end : 2] = hum
    return track.tobytes()


def _hum(pitch: float, samples: int) -> "array[int]":
    """One syllable, repeated; only its edges are worked out for each line, since most samples are alike."""
    syllable = _syllable(pitch)
    hum = (syllable * (samples // len(syllable) + 1))[:samples]
    fade = min(round(FADE * SAMPLE_RATE), samples // 2)
    for n in range(fade):
        hum[n] = round(hum[n] * n / fade)
        hum[-1 - n] = round(hum[-1 - n] * n / fade)
    return hum


def _syllable(pitch: float) -> "array[int]":
    """A swell of whole waves, so that one joins the next without a click."""
    waves = round(pitch / SYLLABLES_PER_SECOND)
    length = round(waves * SAMPLE_RATE / pitch)
    turn, beat, peak = math.tau * waves / length, math.pi / length, LOUDNESS * 32767
    return array(
        "h",
        (
            round(
                peak
                * (0.25 + 0.75 * math.sin(beat * n) ** 2)
                * (0.8 * math.sin(turn * n) + 0.2 * math.sin(2 * turn * n))
            )
            for n in range(length)
        ),
    )
