"""One way of filming with a model, as its card states it: lengths, tiers, sizes, sound, words, inputs."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from dramagen.catalog.order import Mode as ModeName
from dramagen.catalog.sourced import Part, Sourced
from dramagen.shot import Move

Wire = dict[str, Any]
Way = Literal["native", "prompt"]
"""``native``: the vendor has a field for it; ``prompt``: the vendor documents wording for it."""

Positive = Annotated[int, Field(gt=0)]


class Durations(Part):
    """The lengths a mode films, in seconds: a list, or every ``step`` from ``min`` to ``max``."""

    choices: tuple[Decimal, ...] = ()
    min: Decimal | None = None
    max: Decimal | None = None
    step: Decimal = Decimal(1)

    @model_validator(mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return {"choices": value} if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _one_form(self) -> "Durations":
        if bool(self.choices) == (self.min is not None and self.max is not None):
            raise ValueError("give a list of seconds, or min and max")
        if self.step <= 0 or (self.min is not None and self.max is not None and self.min > self.max):
            raise ValueError("min is not above max, and step is above 0")
        return self

    @property
    def longest(self) -> Decimal:
        """Seconds."""
        return max(self.choices) if self.max is None else self.max

    def at_least(self, seconds: Decimal) -> Decimal | None:
        """The shortest length that is not shorter than ``seconds``, or None where all are."""
        if self.min is None or self.max is None:
            return min((c for c in self.choices if c >= seconds), default=None)
        whole, rest = divmod(max(seconds, self.min) - self.min, self.step)
        length = self.min + (whole + bool(rest)) * self.step
        return length if length <= self.max else None

    def __str__(self) -> str:
        if self.choices:
            return ", ".join(f"{c}" for c in self.choices) + " s"
        return f"{self.min} to {self.max} s"


class Cuts(Part):
    """Cuts inside one clip: how they are asked for, and what each part may be."""

    way: Way
    max: Positive | None = None
    min_seconds: Decimal | None = None
    whole_seconds: bool = False
    max_chars: Positive | None = None


class PromptLimit(Part):
    """The longest prompt in characters, as it is sent.

    ``max_chars_other`` is for prompts that are not all ASCII, where the vendor counts those differently;
    ``advised_chars`` only warns. ``forbidden`` are words the vendor takes for commands.
    """

    max_chars: Positive | None = None
    max_chars_other: Positive | None = None
    advised_chars: Positive | None = None
    forbidden: tuple[str, ...] = ()


class References(Part):
    """What a references mode takes, counted over the whole order.

    Attributes:
        images, videos, voices, total: the most of each, and of all together.
        images_with_video: the most images beside a video, where that is fewer.
        video_total, voice_total: seconds of all together.
        video_and_clip: seconds of all videos and of the clip together.
        clip_with_video: the longest clip beside a video, in seconds, where that is shorter.
        frames: how many of first and last frame may stand beside references.
        voice_alone: a voice may be the only input.
        silent_with_video: no sound is made beside a reference video.
    """

    images: Annotated[int, Field(ge=0)] = 0
    videos: Annotated[int, Field(ge=0)] = 0
    voices: Annotated[int, Field(ge=0)] = 0
    total: Positive | None = None
    images_with_video: Annotated[int, Field(ge=0)] | None = None
    video_total: Decimal | None = None
    voice_total: Decimal | None = None
    video_and_clip: Decimal | None = None
    clip_with_video: Decimal | None = None
    frames: Literal[0, 1, 2] = 0
    voice_alone: bool = False
    silent_with_video: bool = False


class MediaLimit(Part):
    """What one file may be. Bytes, pixels, width / height, seconds.

    ``alpha``: pictures may have transparent parts. ``by_url``: the vendor fetches it from a public URL and takes no
    bytes.
    """

    formats: tuple[str, ...] = ()
    max_bytes: Positive | None = None
    min_side: Positive | None = None
    max_side: Positive | None = None
    min_area: Positive | None = None
    max_area: Positive | None = None
    min_ratio: Decimal | None = None
    max_ratio: Decimal | None = None
    min_seconds: Decimal | None = None
    max_seconds: Decimal | None = None
    alpha: bool = True
    by_url: bool = False


class MediaLimits(Sourced):
    """The limits on each file that is sent, and on the bytes of all together."""

    max_total_bytes: Positive | None = None
    image: MediaLimit = Field(default_factory=MediaLimit)
    video: MediaLimit = Field(default_factory=MediaLimit)
    voice: MediaLimit = Field(default_factory=MediaLimit)


class Mode(Sourced):
    """One way of filming with a model.

    Attributes:
        wire: added to the region's wire values in an order of this mode.
        durations: see :class:`Durations`.
        longest_at: the longest clip of a tier, in seconds, where that is shorter than the mode's.
        runs_over: clips come some frames longer than ordered, so each is cut to the length asked.
        resolutions: tiers, lowest first.
        sizes: exact (width, height) in pixels by tier and ratio, where known.
        ratios: what may be asked for.
        follows_frame: with a first frame the output has that frame's ratio, whatever is asked.
        exact_frames: a frame has exactly the pixels of the clip, or is refused.
        fps: of the output.
        audio: ``switch``, ``always`` or ``never``.
        audio_resolutions: the tiers with sound, where not all have it.
        seed: ``native``: documented; ``accepted``: taken, with no documented effect.
        seed_min, seed_max: the smallest and the largest seed that means itself.
        negative_prompt, camera, dialogue: how it is asked for; absent where it is not possible.
        moves: the camera moves there are commands or words for, where not for all.
        voice_ids: how many of the vendor's own voices dialogue may choose.
    """

    name: ModeName
    wire: Wire = Field(default_factory=dict)
    durations: Durations
    longest_at: dict[str, Decimal] = Field(default_factory=dict)
    runs_over: bool = False
    resolutions: Annotated[tuple[str, ...], Field(min_length=1)]
    sizes: dict[str, dict[str, tuple[Positive, Positive]]] = Field(default_factory=dict)
    ratios: tuple[str, ...] = ()
    follows_frame: bool = False
    exact_frames: bool = False
    fps: Decimal | None = None
    audio: Literal["switch", "always", "never"]
    audio_resolutions: tuple[str, ...] = ()
    seed: Literal["native", "accepted"] | None = None
    seed_min: int = 0
    seed_max: int = 2**31 - 1
    negative_prompt: Way | None = None
    camera: Way | None = None
    moves: tuple[Move, ...] = ()
    cuts: Cuts | None = None
    dialogue: Way | None = None
    voice_ids: Annotated[int, Field(ge=0)] = 0
    prompt: PromptLimit = Field(default_factory=PromptLimit)
    references: References = Field(default_factory=References)
