"""The technical checks of a take: what a machine may refuse, and what a person should look at.

A clip is refused only for what no taste can forgive: it is not what was ordered, it does not decode, it is black for
long, sound that was ordered is missing, it cuts where one take was ordered, or it has writing where none may be.
Everything else is a warning.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dramagen.media.check import parse_ratio
from dramagen.media.checks_likeness import likeness
from dramagen.media.checks_picture import Pictures, Stretch, look
from dramagen.media.checks_signs import ANIME, LIVE, PROFILES, Mark, Profile
from dramagen.media.checks_sound import Loudness, listen
from dramagen.media.checks_text import Reader, burned_in, installed_reader
from dramagen.media.decode import UndecodableMedia
from dramagen.media.probe import MediaFacts, probe

__all__ = [
    "ANIME", "LIVE", "PROFILES", "VERSION", "Asked", "Examination", "Mark", "Profile", "Reader", "examine",
    "installed_reader",
]  # fmt: skip

VERSION = 1
"""Grows when the same clip may be judged otherwise."""

LENGTH_OFF = 0.3
"""Seconds, or one frame and three per cent where that is more."""
RATIO_OFF = 0.02
SHORT_SIDE = 0.90
BLACK_TOLD = 0.1
BLACK_LONG = 1.0
BLACK_MOST = 0.2
"""Seconds of black that are told, and that are too long; so is a fifth of a clip."""
QUIET = -40.0
CLIPPED = -0.1
MOSTLY = 0.8
UNLIKE = 0.6
HARDLY_MOVES = 0.3


@dataclass(frozen=True, slots=True)
class Asked:
    """What a clip should be. None means anything goes.

    Attributes:
        duration: seconds; with ``longer_ok`` a longer clip is fine.
        aspect_ratio: width to height, ``"9:16"``.
        short_side: pixels, at least.
        audio: True for sound, False for none.
        single_take: whether the camera never cuts.
        moves: whether much should move.
        text_ok: False where writing in the picture makes a clip useless.
        first_frame: the picture it should begin on.
    """

    duration: float | None = None
    longer_ok: bool = False
    aspect_ratio: str | None = None
    short_side: int | None = None
    audio: bool | None = None
    single_take: bool = True
    moves: bool = False
    text_ok: bool = True
    first_frame: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Examination:
    """What the checks found, and the figures they found it by (``motion``, ``duplicates``, ``likeness``, ...)."""

    marks: tuple[Mark, ...] = ()
    signs: dict[str, float] = field(default_factory=dict)

    @property
    def rejects(self) -> tuple[Mark, ...]:
        """Why the clip cannot be used; empty where it may be."""
        return tuple(mark for mark in self.marks if mark.verdict == "reject")

    @property
    def warnings(self) -> tuple[Mark, ...]:
        """What a person should look at."""
        return tuple(mark for mark in self.marks if mark.verdict == "warn")

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"marks": [mark.to_json() for mark in self.marks], "signs": self.signs}


def examine(
    path: str | Path, asked: Asked, profile: Profile = LIVE, reader: Reader | None = None
) -> Examination:
    """Check one clip. A clip of five seconds at 720p takes about a second, more with a ``reader`` of writing.

    Raises:
        FileNotFoundError: there is no such file.
        MissingExtra: the ``media`` extra is not installed.
        OSError: the first frame is no picture.
    """
    path = Path(path)
    try:
        facts = probe(path)
        pictures = look(path, facts.fps)
        sound = listen(path, facts.duration) if facts.has_audio else None
        likely = likeness(path, asked.first_frame) if asked.first_frame is not None else None
        words = burned_in(path, facts, reader) if reader is not None else None
    except UndecodableMedia as error:
        return Examination((Mark("decode", "reject", f"it cannot be decoded: {error.reason}"),))
    marks = (
        *_spec(facts, asked),
        *_black(pictures),
        *_picture(pictures, asked, profile),
        *_sound(facts, sound, asked),
        *_likeness(likely),
        *_words(words, asked),
    )
    return Examination(marks, _signs(facts, pictures, sound, likely))


def _spec(facts: MediaFacts, asked: Asked) -> Iterator[Mark]:
    if asked.duration is not None:
        off = facts.duration - asked.duration
        if abs(off) > max(LENGTH_OFF, 1 / facts.fps + 0.03 * asked.duration) + 1e-9:
            told = f"{facts.duration:.2f} s, {asked.duration:g} s ordered"
            yield Mark("spec", "warn" if off > 0 and asked.longer_ok else "reject", told)
    if asked.aspect_ratio is not None:
        off = float(abs(facts.width / facts.height / parse_ratio(asked.aspect_ratio) - 1))
        if off > RATIO_OFF + 1e-9:
            told = f"{facts.width}x{facts.height} is {off:.1%} off {asked.aspect_ratio}"
            yield Mark("spec", "reject", told)
    short = min(facts.width, facts.height)
    if asked.short_side is not None and short < SHORT_SIDE * asked.short_side:
        yield Mark("spec", "reject", f"its short side is {short} px, {asked.short_side} px ordered")
    if asked.audio is False and facts.has_audio:
        yield Mark("sound", "warn", "silence was ordered, the file has a sound track")


def _black(pictures: Pictures) -> Iterator[Mark]:
    for stretch in pictures.black:
        if stretch.seconds < BLACK_TOLD:
            continue
        long = stretch.seconds >= BLACK_LONG or stretch.seconds >= BLACK_MOST * pictures.seconds
        told = f"black for {stretch.seconds:.2f} s"
        yield Mark("black", "reject" if long else "warn", told, stretch.start)


def _picture(pictures: Pictures, asked: Asked, profile: Profile) -> Iterator[Mark]:
    if asked.single_take:
        for at in pictures.cuts:
            yield Mark("cut", "reject", "it cuts, though one take was ordered", at)
    frozen = [
        stretch
        for stretch in pictures.still
        if stretch.seconds >= profile.freeze and not any(_within(stretch, black) for black in pictures.black)
    ]
    if frozen:
        longest = max(frozen, key=lambda stretch: stretch.seconds)
        more = f", the longest of {len(frozen)} times" if len(frozen) > 1 else ""
        yield Mark("freeze", "warn", f"nothing moves for {longest.seconds:.2f} s{more}", longest.start)
    if pictures.duplicates > profile.duplicates:
        yield Mark("duplicates", "warn", f"{pictures.duplicates:.0%} of its frames equal the one before")
    if pictures.flashes:
        more = f", and {len(pictures.flashes) - 1} more" if len(pictures.flashes) > 1 else ""
        yield Mark("flash", "warn", f"one bright or dark frame{more}", pictures.flashes[0])
    if pictures.strobe is not None:
        yield Mark("flash", "warn", "more than three flashes within a second", pictures.strobe)
    if asked.moves and pictures.motion < HARDLY_MOVES:
        yield Mark("motion", "warn", f"hardly anything moves ({pictures.motion:.2f} levels a frame)")


def _within(inner: Stretch, outer: Stretch) -> bool:
    return outer.start <= inner.start and inner.start + inner.seconds <= outer.start + outer.seconds + 1e-6


def _sound(facts: MediaFacts, sound: Loudness | None, asked: Asked) -> Iterator[Mark]:
    if sound is None:
        if asked.audio is True:
            yield Mark("sound", "reject", "sound was ordered, the file has none")
        return
    if sound.silent == 1.0:
        # A track that holds nothing is no sound.
        yield Mark("sound", "reject" if asked.audio is True else "warn", "its sound track is silent")
    elif asked.audio is not False:
        if sound.silent > MOSTLY:
            yield Mark("sound", "warn", f"silent for {sound.silent:.0%} of its time")
        if sound.level < QUIET:
            yield Mark("sound", "warn", f"very quiet: {sound.level:.0f} dBFS")
        if sound.peak > CLIPPED:
            yield Mark("sound", "warn", "its sound reaches full scale and may be distorted")


def _likeness(value: float | None) -> Iterator[Mark]:
    if value is not None and value < UNLIKE:
        told = f"it does not begin on the picture given (similarity {value:.2f} of 1)"
        yield Mark("first_frame", "warn", told)


def _words(words: str | None, asked: Asked) -> Iterator[Mark]:
    if words is not None:
        told = f"writing stands in the picture: {words[:40]}"
        yield Mark("text", "warn" if asked.text_ok else "reject", told)


def _signs(
    facts: MediaFacts, pictures: Pictures, sound: Loudness | None, likely: float | None
) -> dict[str, float]:
    signs = {
        "seconds": facts.duration,
        "width": float(facts.width),
        "height": float(facts.height),
        "motion": pictures.motion,
        "duplicates": pictures.duplicates,
        "still_seconds": max((s.seconds for s in pictures.still), default=0.0),
        "black_seconds": sum(s.seconds for s in pictures.black),
        "cuts": float(len(pictures.cuts)),
    }
    if sound is not None:
        signs |= {"loudness_dbfs": sound.level, "silent": sound.silent}
    if likely is not None:
        signs["likeness"] = likely
    return {name: round(value, 4) for name, value in signs.items()}
