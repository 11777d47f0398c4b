"""What to film: a Shot and its parts. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from sys import intern
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, PlainSerializer, field_validator, model_validator

from dramagen.errors import InvalidShot
from dramagen.medium import Image, ImageLike, Video, VideoLike, Voice, VoiceLike
from dramagen.mentions import strangers
from dramagen.record import Record
from dramagen.sealed import Sealed, seal

Move = Literal[
    "static", "push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down", "truck_left",
    "truck_right", "pedestal_up", "pedestal_down", "orbit_left", "orbit_right", "zoom_in", "zoom_out",
    "roll", "handheld", "follow",
]  # fmt: skip
Speed = Literal["slow", "normal", "fast"]
ReferenceKind = Literal["character", "scene", "prop", "style"]

MOVES: tuple[str, ...] = get_args(Move)
RESOLUTIONS = ("360p", "480p", "512p", "540p", "720p", "768p", "1080p", "2k", "4k")
"""Tiers by the short side in pixels, lowest first; 2k is 1440 and 4k is 2160."""

LONGEST = 600.0
"""Seconds; no model films longer than 30 s, but a route that extends might."""


def _name(value: str) -> str:
    if not value or value != value.strip() or any(c.isspace() or c in "@,;:，；：" for c in value):
        raise ValueError("a name has no spaces, '@' or punctuation, such as '林夏' or 'lin_xia'")
    return value


class Reference(Record):
    """A named thing to keep the same across shots; mention it in the prompt as ``@name``.

    Attributes:
        name: without spaces or punctuation, such as ``林夏``.
        images: pictures of it, best first.
        video: a clip of it, where a model takes one.
        voice: a sample of the character's voice, where a model takes one.
        kind: ``character``, ``scene``, ``prop`` or ``style``.
    """

    name: Annotated[str, AfterValidator(_name)]
    images: tuple[ImageLike, ...] = ()
    video: VideoLike | None = None
    voice: VoiceLike | None = None
    kind: ReferenceKind = "character"

    def __init__(
        self,
        name: str,
        images: "Image | str | Path | bytes | Sequence[Image | str | Path | bytes]" = (),
        video: "Video | str | Path | bytes | None" = None,
        voice: "Voice | str | Path | bytes | None" = None,
        kind: ReferenceKind = "character",
    ) -> None:
        super().__init__(name=name, images=images, video=video, voice=voice, kind=kind)

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # see Record

    @field_validator("images", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return (value,) if isinstance(value, str | Path | bytes | Image) else value

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.images and self.video is None and self.voice is None:
            raise ValueError("a reference has at least one image, a video or a voice")
        return self


class Camera(Record):
    """One camera move (运镜): ``Camera("push_in", speed="slow")``."""

    move: Move
    speed: Speed = "normal"

    def __init__(self, move: Move, speed: Speed = "normal") -> None:
        super().__init__(move=move, speed=speed)

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # see Record


Seconds = Annotated[float, Field(gt=0, le=LONGEST, allow_inf_nan=False)]


def _words(value: str) -> str:
    if not value.strip():
        raise ValueError("there is nothing to read in it")
    return value


Text = Annotated[str, Field(min_length=1), AfterValidator(_words)]


class Cut(Record):
    """One part of a shot that cuts inside itself (切镜): what it shows, and for how many seconds."""

    prompt: Text
    duration: Seconds

    def __init__(self, prompt: str, duration: float) -> None:
        super().__init__(prompt=prompt, duration=duration)

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # see Record


class Line(Record):
    """One line of dialogue (配音).

    Attributes:
        speaker: who says it, usually the name of a reference.
        text: what is said.
        voice: a vendor's voice id, where a model takes one.
        language: such as ``zh`` or ``en``; None leaves it to the text.
    """

    speaker: Text
    text: Text
    voice: str | None = None
    language: str | None = None

    def __init__(
        self, speaker: str, text: str, voice: str | None = None, language: str | None = None
    ) -> None:
        super().__init__(speaker=speaker, text=text, voice=voice, language=language)

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # see Record


def _ratio(value: str) -> str:
    width, _, height = value.partition(":")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise ValueError("a ratio is width:height in whole numbers, such as '9:16'")
    if not 0.1 <= int(width) / int(height) <= 10:
        raise ValueError("a ratio lies between 1:10 and 10:1")
    return intern(f"{int(width)}:{int(height)}")  # '９:１６', as a Chinese keyboard has it, is 9:16


def _resolution(value: str) -> str:
    value = value.lower()
    if value not in RESOLUTIONS:
        raise ValueError(f"one of {', '.join(RESOLUTIONS)}")
    return intern(value)


def _pin(value: str | None) -> str | None:
    if value is None:
        return None
    provider, _, model = value.rpartition("/")
    if (
        value.count("/") > 1
        or not model
        or ("/" in value and not provider)
        or "" in value.split("/")[0].split(":")
        or any(c.isspace() for c in value)
    ):
        raise ValueError(
            "a pin is a provider, a model, or provider[:region]/model, such as 'kling:intl/kling-3.0'"
        )
    return value


def _shared(value: frozenset[str]) -> frozenset[str]:
    return value or NO_WORDS


NO_WORDS: frozenset[str] = frozenset()
NO_OPTIONS = Sealed()
"""One for all shots: most say nothing there, and thousands of them wait. An empty set is as large as a prompt."""

Words = Annotated[frozenset[str], AfterValidator(_shared)]

_Options = Annotated[Mapping[str, Mapping[str, Any]], PlainSerializer(dict)]


_WRITTEN = frozenset({"prompt", "references", "cuts"})
"""The fields of a shot that its mentions are in, or of."""


class Shot(Record):
    """What to film. Frozen; make variants with :meth:`pinned` or :meth:`changed`.

    Attributes:
        prompt: what happens, in any language; mention references as ``@name``.
        negative_prompt: what must not be seen; goes into the prompt where that is the vendor's way.
        duration: seconds of the finished clip.
        aspect_ratio: ``width:height``.
        resolution: a tier by the short side, such as ``720p``.
        first_frame, last_frame: pictures the clip starts and ends on: a path, a URL, bytes or an ``Image``.
        references: named characters, scenes, props and styles to keep the same.
        camera: the camera move.
        cuts: cuts inside the shot; their durations add up to ``duration``.
        dialogue: who says what.
        audio: True must have sound, False must be silent, None either (dialogue means True).
        seed: asked of models that take one.
        pin: a provider, a model, or ``provider[:region]/model``; never overridden.
        options: vendor extras by provider, passed through: ``{"kling": {...}}``.
        tags: free words for routing and reports.
        id: a name for people; it changes nothing that is filmed.
        strict: soft fields to refuse rather than adjust, such as ``{"seed"}``.
        allow_longer: accept a clip longer than asked where it cannot be trimmed here.
    """

    prompt: Annotated[str, Field(min_length=1, max_length=100_000), AfterValidator(_words)]
    negative_prompt: str = ""
    duration: Seconds = 5.0
    aspect_ratio: Annotated[str, AfterValidator(_ratio)] = "9:16"
    resolution: Annotated[str, AfterValidator(_resolution)] = "720p"
    first_frame: ImageLike | None = None
    last_frame: ImageLike | None = None
    references: tuple[Reference, ...] = ()
    camera: Camera | None = None
    cuts: tuple[Cut, ...] = ()
    dialogue: tuple[Line, ...] = ()
    audio: bool | None = None
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] | None = None
    pin: Annotated[str | None, AfterValidator(_pin)] = None
    options: _Options = Field(default_factory=Sealed)
    tags: Words = NO_WORDS
    id: str | None = None
    strict: Words = NO_WORDS
    allow_longer: bool = False

    def __init__(
        self,
        prompt: str,
        negative_prompt: str = "",
        duration: float = 5.0,
        aspect_ratio: str = "9:16",
        resolution: str = "720p",
        first_frame: "Image | str | Path | bytes | None" = None,
        last_frame: "Image | str | Path | bytes | None" = None,
        references: Iterable[Reference] = (),
        camera: "Camera | Move | Mapping[str, Any] | None" = None,
        cuts: Iterable[Cut] = (),
        dialogue: Iterable[Line] = (),
        audio: bool | None = None,
        seed: int | None = None,
        pin: str | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        tags: Iterable[str] = NO_WORDS,
        id: str | None = None,  # noqa: A002 - the field's public name
        strict: Iterable[str] = NO_WORDS,
        allow_longer: bool = False,
    ) -> None:
        super().__init__(
            prompt=prompt, negative_prompt=negative_prompt, duration=duration, aspect_ratio=aspect_ratio,
            resolution=resolution, first_frame=first_frame, last_frame=last_frame, references=references,
            camera=camera, cuts=cuts, dialogue=dialogue, audio=audio, seed=seed, pin=pin,
            options={} if options is None else options, tags=tags, id=id, strict=strict,
            allow_longer=allow_longer,
        )  # fmt: skip
        self._mentions_nobody_else()

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # see Record

    @field_validator("camera", mode="before")
    @classmethod
    def _named_move(cls, value: object) -> object:
        return {"move": value} if isinstance(value, str) else value

    @field_validator("tags", "strict", mode="before")
    @classmethod
    def _not_a_word(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError("several words in a set, such as {'night'}")
        return value

    @field_validator("options", mode="after")
    @classmethod
    def _sealed(cls, value: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
        from dramagen.identity import canonical  # late: identity describes shots

        if not value:
            return NO_OPTIONS
        try:
            canonical(value)
        except TypeError as problem:
            raise ValueError(f"options hold only what JSON holds: {problem}") from None
        sealed: Sealed = seal(value)
        return sealed

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        names = [r.name for r in self.references]
        if len(set(names)) != len(names):
            raise ValueError("references have different names")
        if self.last_frame is not None and self.first_frame is None:
            raise ValueError("last_frame needs first_frame: no model films towards a frame from nowhere")
        if self.cuts:
            total = sum(Decimal(str(cut.duration)) for cut in self.cuts)
            if abs(total - Decimal(str(self.duration))) > Decimal("0.001"):
                raise ValueError(f"cuts add up to {total} s, the shot has {self.duration:g} s")
        if self.dialogue and self.audio is None:
            object.__setattr__(self, "audio", True)
        unknown = self.strict - set(type(self).model_fields)
        if unknown:
            raise ValueError(f"strict names fields of a shot; {', '.join(sorted(unknown))} is none")
        return self

    def _mentions_nobody_else(self) -> None:
        """Refuse ``@name`` of no reference, in a shot that has some.

        Only where somebody writes a shot, and so in no validator: one that was recorded when it was taken as text
        is read as it was, and its take is not lost.
        """
        names = [r.name for r in self.references]
        for text in (self.prompt, *(cut.prompt for cut in self.cuts)) if names else ():
            for written in strangers(text, names):
                rule = (
                    f"prompt mentions @{written}, and no reference is called so: there are {', '.join(names)}. "
                    f"Text that is to be seen stands in quotes: “@{written}”"
                )
                raise InvalidShot(f"Shot: {rule}", problems=[(type(self).__name__, "", rule)])

    def __hash__(self) -> int:
        # Options may hold anything JSON holds, so they are left to equality.
        return hash((self.prompt, self.duration, self.pin, self.id))

    def pinned(self, pin: str | None) -> Self:
        """The same shot on that provider, model or route (None takes the pin off)."""
        return self.changed(pin=pin)

    def changed(self, **update: Any) -> Self:
        """A copy with some fields changed, validated like a new shot."""
        fields = {name: getattr(self, name) for name in type(self).model_fields} | update
        if _WRITTEN.isdisjoint(update) and fields.keys() == type(self).model_fields.keys():
            recorded: Self = type(self).parse(fields)  # its words are as they were
            return recorded
        return type(self)(**fields)

    @property
    def name(self) -> str:
        """The id, or the beginning of the prompt: how messages call this shot."""
        return self.id or (self.prompt if len(self.prompt) <= 24 else self.prompt[:23] + "…")
