"""How loud a clip is, and where it is silent."""

import math
from array import array
from dataclasses import dataclass
from operator import mul
from pathlib import Path

from dramagen.media.sound import SAMPLE_RATE, read_sound

WINDOW = SAMPLE_RATE // 10
SILENT = -50.0
"""dB below full scale; quieter is silence."""
FULL = 32_768.0
FLOOR = -120.0


@dataclass(frozen=True, slots=True)
class Loudness:
    """The sound of one clip, in decibels of full scale (dBFS): 0 is the loudest a file can hold.

    Attributes:
        level: of what is not silence; ``FLOOR`` where everything is.
        peak: the loudest sample.
        silent: the share of time that is silence, 0 to 1.
    """

    level: float
    peak: float
    silent: float


def listen(path: Path, seconds: float) -> Loudness | None:
    """Measure the sound that goes with ``seconds`` of picture; None where the file has no sound.

    Raises:
        UndecodableMedia: the sound cannot be decoded.
    """
    raw = read_sound(path, 0.0, round(seconds * SAMPLE_RATE))
    if raw is None:
        return None
    samples = array("h", raw)
    sides = (samples[::2], samples[1::2])
    powers = [
        max(_power(side[at : at + WINDOW]) for side in sides)
        for at in range(0, max(1, len(sides[0]) - WINDOW // 2), WINDOW)
    ]
    heard = [power for power in powers if _decibels(power) > SILENT]
    level = _decibels(sum(heard) / len(heard)) if heard else FLOOR
    loudest = max(-min(samples), max(samples)) if samples else 0
    return Loudness(level, _decibels((loudest / FULL) ** 2), 1 - len(heard) / len(powers))


def _power(samples: "array[int]") -> float:
    energy: int = sum(map(mul, samples, samples))
    return energy / (max(1, len(samples)) * FULL * FULL)


def _decibels(power: float) -> float:
    return max(FLOOR, 10 * math.log10(power)) if power > 0 else FLOOR
