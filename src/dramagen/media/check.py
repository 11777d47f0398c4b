"""Is this the clip that was ordered? Few things make it defective; everything else is a warning."""

from dataclasses import dataclass
from fractions import Fraction

from dramagen.media.probe import MediaFacts

SHORT_BY_FRAMES = 2
SHORT_BY_SECONDS = 0.1
SMALLEST_SHARE = 0.90
RATIO_OFF = 0.05
# Measured sizes and lengths are floats: a boundary must not fall on the wrong side by rounding.
EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Expected:
    """What was ordered. None means "not ordered, anything goes".

    Attributes:
        duration: seconds.
        width, height: pixels.
        aspect_ratio: width to height, ``"9:16"``.
        audio: True for sound, False for silence.
        fps: frames per second.
    """

    duration: float
    width: int | None = None
    height: int | None = None
    aspect_ratio: str | None = None
    audio: bool | None = None
    fps: float | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found. ``defects`` make a clip unusable; ``warnings`` a person may want to know."""

    defects: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def parse_ratio(text: str) -> Fraction:
    """Width over height of ``"9:16"``.

    Raises:
        ValueError: it is not two positive whole numbers with a colon.
    """
    width, colon, height = text.partition(":")
    if not (colon and width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise ValueError(f"aspect ratio {text!r} is not of the form '9:16'")
    return Fraction(int(width), int(height))


def check(facts: MediaFacts, expected: Expected) -> Findings:
    """Compare what came back with what was ordered.

    Defective only if shorter than ordered by more than two frames and 0.1 s (the larger), the short side
    under 90 % of the ordered one, the ratio off by over 5 %, or ordered sound missing. A file that does not
    decode never gets here: :func:`~dramagen.media.probe.probe` raises.
    """
    defects: list[str] = []
    warnings: list[str] = []
    _length(facts, expected, defects, warnings)
    _size(facts, expected, defects, warnings)
    _ratio(facts, expected, defects, warnings)
    _sound(facts, expected, defects, warnings)
    if expected.fps is not None and abs(facts.fps - expected.fps) > 0.01:
        warnings.append(f"{facts.fps:g} fps, {expected.fps:g} ordered")
    return Findings(tuple(defects), tuple(warnings))


def _length(facts: MediaFacts, expected: Expected, defects: list[str], warnings: list[str]) -> None:
    missing = expected.duration - facts.duration
    frame = 1 / facts.fps
    told = f"{facts.duration:.3f} s, {expected.duration:g} s ordered"
    much = max(SHORT_BY_FRAMES * frame, SHORT_BY_SECONDS) + EPSILON
    if missing > much:
        defects.append(f"shorter than ordered by {missing:.3f} s: {told}")
    elif missing > frame / 2 + EPSILON:
        warnings.append(f"shorter than ordered by {missing:.3f} s: {told}")
    elif -missing > much:  # vendors add a closing frame; that is no news
        warnings.append(f"longer than ordered by {-missing:.3f} s: {told}")


def _size(facts: MediaFacts, expected: Expected, defects: list[str], warnings: list[str]) -> None:
    if expected.width is None or expected.height is None:
        return
    if (facts.width, facts.height) == (expected.width, expected.height):
        return
    short, ordered = min(facts.width, facts.height), min(expected.width, expected.height)
    told = f"{facts.width}x{facts.height}, {expected.width}x{expected.height} ordered"
    if short < SMALLEST_SHARE * ordered - EPSILON:
        defects.append(f"short side {short} px is {short / ordered:.0%} of the ordered {ordered} px: {told}")
    else:
        warnings.append(f"size {told}")


def _ratio(facts: MediaFacts, expected: Expected, defects: list[str], warnings: list[str]) -> None:
    if expected.aspect_ratio is not None:
        ordered, name = parse_ratio(expected.aspect_ratio), expected.aspect_ratio
    elif expected.width is not None and expected.height is not None:
        ordered, name = Fraction(expected.width, expected.height), f"{expected.width}:{expected.height}"
    else:
        return
    off = abs(Fraction(facts.width, facts.height) / ordered - 1)
    told = f"{facts.width}x{facts.height} is {float(off):.1%} off {name}"
    if off > RATIO_OFF + EPSILON:
        defects.append(f"ratio: {told}")
    elif off > Fraction(1, 100):
        warnings.append(f"ratio: {told}")


def _sound(facts: MediaFacts, expected: Expected, defects: list[str], warnings: list[str]) -> None:
    if expected.audio is True and not facts.has_audio:
        defects.append("sound was ordered, the file has none")
    elif expected.audio is False and facts.has_audio:
        warnings.append("silence was ordered, the file has sound")
