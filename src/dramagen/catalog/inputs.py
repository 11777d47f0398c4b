"""Frames and references: whether what is sent is what the vendor takes."""

from decimal import Decimal
from fractions import Fraction

from dramagen.catalog.fitting import UNMEASURED, Crop, Measure, Notes, NotMeasured, Unfit, fraction
from dramagen.catalog.modes import MediaLimit, MediaLimits, Mode
from dramagen.catalog.order import Input, OrderReference
from dramagen.shot import Image, Media, Reference, Shot

OFF_RATIO = Fraction(26, 1000)
"""How far a frame may be from the shot's ratio uncropped. Vendors' own pixel grids stray up to 2.57 % from the
ratio they name (480x832 for 9:16), and the last frame of such a clip must go in again untouched."""


class Desk:
    """Measures each medium of one fit, and holds it against the vendor's limits."""

    def __init__(
        self, measure: Measure, crop: Crop | None, limits: MediaLimits, notes: Notes, planning: bool
    ) -> None:
        self._measure = measure
        self._crop = crop
        self._limits = limits
        self._notes = notes
        self._planning = planning

    def frame(self, field: str, image: Image, shot: Shot, follows: bool) -> Input:
        """A first or last frame, cropped where the output would follow it to another ratio."""
        found = self._measured(field, image)
        if follows and found.width and found.height and self._off(found, shot.aspect_ratio):
            size = f"{found.width}x{found.height}"
            if self._crop is None:
                raise Unfit(
                    field, f"{field} is {size}, the shot {shot.aspect_ratio}, and nothing here can crop"
                )
            found = self._crop(image, shot.aspect_ratio)
            given = f"{found.width}x{found.height}, cropped in the middle"
            self._notes.adjust(field, size, given, f"the output follows it, and {shot.aspect_ratio} is asked")
        self._check(field, field, found, self._limits.image)
        return found

    def image(self, reference: Reference, image: Image) -> Input:
        """A picture of a reference."""
        return self._reference(f"@{reference.name}'s image", image, self._limits.image)

    @property
    def sends_videos(self) -> bool:
        """An order carries content; a vendor that fetches videos itself cannot be given that."""
        return not self._limits.video.by_url

    def video(self, reference: Reference, video: Media) -> Input:
        """A reference video."""
        return self._reference(f"@{reference.name}'s video", video, self._limits.video)

    def voice(self, reference: Reference, voice: Media) -> Input:
        """A sample of a voice."""
        return self._reference(f"@{reference.name}'s voice", voice, self._limits.voice)

    def _reference(self, what: str, media: Media, limit: MediaLimit) -> Input:
        found = self._measured(what, media)
        self._check("references", what, found, limit)
        return found

    def _measured(self, what: str, media: Media) -> Input:
        try:
            return self._measure(media)
        except NotMeasured:
            if not self._planning:
                raise
            self._notes.warn(f"{what} is not yet measured")
            return Input(sha256=UNMEASURED, media_type="application/octet-stream", size=0)

    def _off(self, found: Input, ratio: str) -> bool:
        wanted = fraction(ratio)
        return abs(Fraction(found.width or 1, found.height or 1) - wanted) > OFF_RATIO * wanted

    def _check(self, rule: str, what: str, found: Input, limit: MediaLimit) -> None:
        if found.sha256 != UNMEASURED and (problem := breach(found, limit)):
            raise Unfit(rule, f"{what}: {problem}")


def fit_exactly(field: str, frame: Input | None, width: int | None, height: int | None) -> None:
    """A frame the vendor takes only in the clip's own size. Raises ``Unfit`` for another; nothing is enlarged."""
    if frame is None or frame.width is None or (frame.width, frame.height) == (width, height):
        return
    raise Unfit(field, f"{field} is {frame.width}x{frame.height}; only exactly {width}x{height} is taken")


FORMATS = {
    "jpg": "jpeg", "quicktime": "mov", "mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav",
    "x-ms-bmp": "bmp",
}  # fmt: skip
"""What cards call the formats whose media type is spelled otherwise."""


def breach(found: Input, limit: MediaLimit) -> str | None:
    """What is wrong with a file, or None. What was not measured is not held against it."""
    kind = found.media_type.partition("/")[2].lower()
    kind = FORMATS.get(kind, kind)
    if limit.formats and kind not in limit.formats:
        return f"{kind} is not taken; {', '.join(limit.formats)} are"
    if limit.max_bytes is not None and found.size > limit.max_bytes:
        return f"{found.size:,} bytes; at most {limit.max_bytes:,}"
    return _size_breach(found, limit) or _length_breach(found, limit)


def _size_breach(found: Input, limit: MediaLimit) -> str | None:
    if found.width is None or found.height is None:
        return None
    size = f"{found.width}x{found.height}"
    if limit.min_side is not None and min(found.width, found.height) < limit.min_side:
        return f"{size}; no side under {limit.min_side} pixels"
    if limit.max_side is not None and max(found.width, found.height) > limit.max_side:
        return f"{size}; no side over {limit.max_side} pixels"
    area = found.width * found.height
    if limit.min_area is not None and area < limit.min_area:
        return f"{size}; at least {limit.min_area:,} pixels in all"
    if limit.max_area is not None and area > limit.max_area:
        return f"{size}; at most {limit.max_area:,} pixels in all"
    ratio = Decimal(found.width) / found.height
    if limit.min_ratio is not None and ratio < limit.min_ratio:
        return f"{size}; width / height at least {limit.min_ratio}"
    if limit.max_ratio is not None and ratio > limit.max_ratio:
        return f"{size}; width / height at most {limit.max_ratio}"
    return None


def _length_breach(found: Input, limit: MediaLimit) -> str | None:
    if found.duration is None:
        return None
    seconds = Decimal(str(found.duration))
    if limit.min_seconds is not None and seconds < limit.min_seconds:
        return f"{seconds:f} s; at least {limit.min_seconds} s"
    if limit.max_seconds is not None and seconds > limit.max_seconds:
        return f"{seconds:f} s; at most {limit.max_seconds} s"
    return None


def fit_references(
    shot: Shot, mode: Mode, desk: Desk, notes: Notes, sound: bool
) -> tuple[OrderReference, ...]:
    """Every reference, with as much of it as the model takes.

    Pictures must all fit. A video or a voice beside pictures is left out, and listed, where the model takes
    none; a reference that would have nothing left is refused.
    """
    takes = mode.references
    videos = takes.videos and desk.sends_videos
    fitted = []
    for reference in shot.references:
        images = tuple(desk.image(reference, image) for image in reference.images) if takes.images else ()
        video = desk.video(reference, reference.video) if reference.video and videos else None
        voice = desk.voice(reference, reference.voice) if reference.voice and takes.voices and sound else None
        if not (images or video or voice) or (reference.images and not images):
            raise Unfit("references", f"@{reference.name}: nothing of it is taken in mode {mode.name}")
        if reference.video is not None and video is None:
            why = "takes a video only by its public URL" if takes.videos else "takes no reference video"
            notes.adjust("references", f"@{reference.name}'s video", "left out", why)
        if reference.voice is not None and voice is None:
            why = "films without sound here" if takes.voices else "takes no sample of a voice"
            notes.adjust("references", f"@{reference.name}'s voice", "left out", why)
        fitted.append(
            OrderReference(name=reference.name, kind=reference.kind, images=images, video=video, voice=voice)
        )
    _count(fitted, mode)
    return tuple(fitted)


def _count(references: list[OrderReference], mode: Mode) -> None:
    takes = mode.references
    images = sum(len(r.images) for r in references)
    videos = [r.video for r in references if r.video is not None]
    voices = [r.voice for r in references if r.voice is not None]
    most_images = takes.images
    if videos and takes.images_with_video is not None:
        most_images = takes.images_with_video
    for what, number, most in (
        ("images", images, most_images),
        ("videos", len(videos), takes.videos),
        ("voices", len(voices), takes.voices),
        ("inputs", images + len(videos) + len(voices), takes.total),
    ):
        if most is not None and number > most:
            raise Unfit("references", f"{number} {what}; at most {most}")
    for what, listed, limit in (
        ("videos", videos, takes.video_total),
        ("voices", voices, takes.voice_total),
    ):
        seconds = sum((Decimal(str(item.duration or 0)) for item in listed), Decimal(0))
        if limit is not None and seconds > limit:
            raise Unfit("references", f"{seconds:f} s of {what}; at most {limit} s together")
    if voices and not takes.voice_alone and not images and not videos:
        raise Unfit("references", "a voice needs an image or a video beside it")
