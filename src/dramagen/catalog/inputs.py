"""Frames and references: whether what is sent is what the vendor takes, and what is changed so that it is."""

from contextlib import suppress
from decimal import Decimal
from fractions import Fraction

from dramagen.catalog.fitting import UNMEASURED, Adapt, Measure, Notes, NotMeasured, Unfit, fraction
from dramagen.catalog.modes import MediaLimit, MediaLimits, Mode
from dramagen.catalog.order import Input, OrderReference
from dramagen.catalog.recipe import Seen, breach, curable, form, recipe, shape, small
from dramagen.errors import InvalidShot, MissingExtra
from dramagen.medium import Image, Media
from dramagen.shot import Reference, Shot

OFF_RATIO = Fraction(26, 1000)
"""How far a frame may be from the shot's ratio uncropped. Vendors' own pixel grids stray up to 2.57 % from the
ratio they name (480x832 for 9:16), and the last frame of such a clip must go in again untouched."""


class Desk:
    """Measures each medium of one fit, holds it against the vendor's limits, and has pictures changed to fit."""

    def __init__(
        self, measure: Measure, adapt: Adapt | None, limits: MediaLimits, notes: Notes, planning: bool
    ) -> None:
        self._measure = measure
        self._adapt = adapt
        self._limits = limits
        self._images = limits.image
        self.notes = notes
        self._planning = planning

    def share(self, shot: Shot) -> None:
        """Where the pictures of a shot weigh too much together, each may have its part of what is taken."""
        most = self._limits.max_total_bytes
        if most is None:
            return
        frames = [frame for frame in (shot.first_frame, shot.last_frame) if frame is not None]
        sizes = []
        for picture in (*frames, *(image for reference in shot.references for image in reference.images)):
            with suppress(NotMeasured, MissingExtra):  # whoever sends it will say so
                sizes.append(self._measure(picture).size)
        if sum(sizes) <= most:
            return
        part = most // len(sizes)
        self._images = self._images.model_copy(
            update={"max_bytes": min(self._images.max_bytes or part, part)}
        )

    def frame(self, field: str, image: Image, shot: Shot, follows: bool) -> Input:
        """A first or last frame, cropped where the output would follow it to another ratio."""
        found = self._measured(field, field, image)
        off = follows and found.width and found.height and self._off(found, shot.aspect_ratio)
        return self._taken(field, field, image, found, shot.aspect_ratio if off else None)

    def image(self, reference: Reference, image: Image) -> Input:
        """A picture of a reference. Its ratio is what somebody chose to show: it is never cropped."""
        what = f"@{reference.name}'s image"
        return self._taken("references", what, image, self._measured("references", what, image), None)

    def sends_video(self, video: Media) -> bool:
        """Whether there is a way to hand it over: a vendor that fetches videos itself needs a URL to fetch."""
        return video.url is not None or not self._limits.video.by_url

    def sends_voice(self, voice: Media) -> bool:
        """The same for the sample of a voice."""
        return voice.url is not None or not self._limits.voice.by_url

    def video(self, reference: Reference, video: Media) -> Input:
        """A reference video, as it is or not at all."""
        return self._as_it_is(f"@{reference.name}'s video", video, self._limits.video)

    def voice(self, reference: Reference, voice: Media) -> Input:
        """A sample of a voice, as it is or not at all."""
        return self._as_it_is(f"@{reference.name}'s voice", voice, self._limits.voice)

    def travelling(self, inputs: tuple[Input, ...], references: tuple[OrderReference, ...]) -> int:
        """Bytes of what goes along; what the vendor fetches itself weighs nothing."""
        fetched = [r.video for r in references if self._limits.video.by_url and r.video is not None]
        fetched += [r.voice for r in references if self._limits.voice.by_url and r.voice is not None]
        return sum(item.size for item in inputs) - sum(item.size for item in fetched)

    def _as_it_is(self, what: str, media: Media, limit: MediaLimit) -> Input:
        found = self._measured("references", what, media)
        if found.sha256 != UNMEASURED and (problem := breach(found, limit)):
            raise Unfit("references", f"{what}: {problem}")
        return _plain(found)

    def _taken(self, rule: str, what: str, image: Image, found: Input, ratio: str | None) -> Input:
        """The picture as the vendor takes it, changed if need be; every change is listed."""
        limit = self._images
        if found.sha256 == UNMEASURED:
            return found
        if hopeless := small(found, limit) or (shape(found, limit) if ratio is None else None):
            raise Unfit(rule, f"{what}: {hopeless}")
        why = curable(found, limit)
        if ratio is not None:
            why.insert(0, f"the output follows it, and {ratio} is asked")
        if not why:
            return _plain(found)
        made = self._changed(rule, what, image, found, ratio, "; ".join(why))
        if problem := breach(made, limit):
            raise Unfit(rule, f"{what}: {problem}")
        before, after = _described(found, made, ratio)
        self.notes.adjust(rule, before if what == rule else f"{what} {before}", after, "; ".join(why))
        return made

    def _changed(
        self, rule: str, what: str, image: Image, found: Input, ratio: str | None, why: str
    ) -> Input:
        how = recipe(found, self._images, ratio)
        if how is None:
            raise Unfit(rule, f"{what}: {why}")
        if self._adapt is None:
            missing = MissingExtra("media", "changing a picture").message
            raise Unfit(rule, f"{what} is {found.width}x{found.height}: {why}; {missing}")
        try:
            return self._adapt(image, how)
        except InvalidShot as problem:
            raise Unfit(rule, f"{what}: {why}; {problem.message}") from None

    def _measured(self, rule: str, what: str, media: Media) -> Input:
        try:
            return self._measure(media)
        except MissingExtra as missing:
            raise Unfit(rule, f"{what}: {missing.message}") from None
        except NotMeasured:
            if not self._planning:
                raise
            self.notes.warn(f"{what} is not yet measured")
            return Input(sha256=UNMEASURED, media_type="application/octet-stream", size=0)

    def _off(self, found: Input, ratio: str) -> bool:
        wanted = fraction(ratio)
        return abs(Fraction(found.width or 1, found.height or 1) - wanted) > OFF_RATIO * wanted


def _plain(found: Input) -> Input:
    return found.plain() if isinstance(found, Seen) else found


def _described(found: Input, made: Input, ratio: str | None) -> tuple[str, str]:
    """A picture before and after: ``4000x3000 webp``, ``2000x1500 jpeg, on white``."""
    before, after = f"{found.width}x{found.height}", f"{made.width}x{made.height}"
    if form(found) != form(made):
        before, after = f"{before} {form(found)}", f"{after} {form(made)}"
    if before == after:
        before, after = f"{before}, {found.size:,} bytes", f"{after}, {made.size:,} bytes"
    if ratio is not None:
        after += ", cropped in the middle"
    if isinstance(found, Seen) and found.alpha and form(made) == "jpeg":
        after += ", on white"
    return before, after


def fit_exactly(field: str, frame: Input | None, width: int | None, height: int | None) -> None:
    """A frame the vendor takes only in the clip's own size. Raises ``Unfit`` for another; nothing is enlarged."""
    if frame is None or frame.width is None or (frame.width, frame.height) == (width, height):
        return
    raise Unfit(field, f"{field} is {frame.width}x{frame.height}; only exactly {width}x{height} is taken")


def fit_references(
    shot: Shot, mode: Mode, desk: Desk, notes: Notes, sound: bool, duration: Decimal
) -> tuple[OrderReference, ...]:
    """Every reference, with as much of it as the model takes.

    Pictures must all fit. A video or a voice beside pictures is left out, and listed, where the model takes
    none; a reference that would have nothing left is refused.
    """
    takes = mode.references
    fitted = []
    for reference in shot.references:
        images = tuple(desk.image(reference, image) for image in reference.images) if takes.images else ()
        video = voice = None
        no_video, no_voice = _no_video(reference, mode, desk), _no_voice(reference, mode, desk, sound)
        if reference.video is not None and no_video is None:
            video = desk.video(reference, reference.video)
        if reference.voice is not None and no_voice is None:
            voice = desk.voice(reference, reference.voice)
        if not (images or video or voice) or (reference.images and not images):
            why = "".join(f"; {no}" for no in (no_video, no_voice) if no)
            raise Unfit("references", f"@{reference.name}: nothing of it is taken in mode {mode.name}{why}")
        if no_video is not None:
            notes.adjust("references", f"@{reference.name}'s video", "left out", no_video)
        if no_voice is not None:
            notes.adjust("references", f"@{reference.name}'s voice", "left out", no_voice)
        fitted.append(
            OrderReference(name=reference.name, kind=reference.kind, images=images, video=video, voice=voice)
        )
    _count(fitted, mode)
    _check_lengths(fitted, mode, duration)
    return tuple(fitted)


def _no_video(reference: Reference, mode: Mode, desk: Desk) -> str | None:
    """Why a reference's video is left out; None where it has none, or it is sent."""
    if reference.video is None:
        return None
    if not mode.references.videos:
        return "takes no reference video"
    return None if desk.sends_video(reference.video) else "takes a video only by its public URL"


def _no_voice(reference: Reference, mode: Mode, desk: Desk, sound: bool) -> str | None:
    if reference.voice is None:
        return None
    if not mode.references.voices:
        return "takes no sample of a voice"
    if not sound:
        return "films without sound here"
    return None if desk.sends_voice(reference.voice) else "takes a voice only by its public URL"


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
    if voices and not takes.voice_alone and not images and not videos:
        raise Unfit("references", "a voice needs an image or a video beside it")


def _check_lengths(references: list[OrderReference], mode: Mode, duration: Decimal) -> None:
    takes = mode.references
    videos = _seconds([r.video for r in references])
    voices = _seconds([r.voice for r in references])
    for what, seconds, limit in (
        ("videos", videos, takes.video_total),
        ("voices", voices, takes.voice_total),
    ):
        if limit is not None and seconds > limit:
            raise Unfit("references", f"{seconds:f} s of {what}; at most {limit} s together")
    if not any(r.video for r in references):
        return
    if takes.clip_with_video is not None and duration > takes.clip_with_video:
        raise Unfit("duration", f"{duration:f} s; at most {takes.clip_with_video} s beside a reference video")
    if takes.video_and_clip is not None and videos + duration > takes.video_and_clip:
        most = f"at most {takes.video_and_clip} s together"
        raise Unfit("references", f"{videos:f} s of videos and {duration:f} s of clip; {most}")


def _seconds(media: list[Input | None]) -> Decimal:
    return sum((Decimal(str(item.duration or 0)) for item in media if item is not None), Decimal(0))
