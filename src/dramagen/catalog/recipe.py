"""What has to be done to a picture before a vendor takes it: decided here, done where pictures can be read."""

from decimal import Decimal

from dramagen.catalog.modes import MediaLimit
from dramagen.catalog.order import Input
from dramagen.record import Record

_LOSSLESS = frozenset({"png", "bmp", "tiff", "gif"})

_SPELLED = {
    "jpg": "jpeg", "mpo": "jpeg", "quicktime": "mov", "mpeg": "mp3", "x-wav": "wav", "wave": "wav",
    "vnd.wave": "wav", "x-ms-bmp": "bmp",
}  # fmt: skip
"""What cards call the formats whose media type is spelled otherwise."""


class Recipe(Record):
    """How a picture is changed. The same picture and recipe give the same picture.

    Attributes:
        ratio: the middle is cut to it (``9:16``).
        formats: those it may have afterwards, the best first.
        flatten: what is transparent becomes white.
        max_side, max_area, max_bytes: it is made smaller until it keeps these; pixels, pixels, bytes.
        min_side, min_area: it is not made smaller than this for the sake of its bytes.
    """

    ratio: str | None = None
    formats: tuple[str, ...]
    flatten: bool = False
    max_side: int | None = None
    max_area: int | None = None
    max_bytes: int | None = None
    min_side: int = 1
    min_area: int = 1


class Seen(Input):
    """A medium as it was handed in, with what only matters until it is known what is sent.

    ``alpha``: a part may be transparent. ``flaw``: why it cannot be sent as it is, whatever the vendor takes, such as
    ``it lies on its side``.
    """

    alpha: bool = False
    flaw: str | None = None

    def plain(self) -> Input:
        """What an order keeps of it."""
        return Input(**{name: getattr(self, name) for name in Input.model_fields})


def form(found: Input) -> str:
    """The format in the cards' spelling: ``jpeg``, ``mov``."""
    kind = found.media_type.partition("/")[2].lower()
    return _SPELLED.get(kind, kind)


def curable(found: Input, limit: MediaLimit) -> list[str]:
    """Everything about a picture that a change can put right, in words."""
    flaw = found.flaw if isinstance(found, Seen) else None
    wrong = [flaw] if flaw else []
    if limit.formats and form(found) not in limit.formats:
        wrong.append(f"{form(found)} is not taken; {', '.join(limit.formats)} are")
    if not limit.alpha and isinstance(found, Seen) and found.alpha:
        wrong.append("no transparency is taken")
    if limit.max_bytes is not None and found.size > limit.max_bytes:
        wrong.append(f"at most {limit.max_bytes:,} bytes")
    if found.width is not None and found.height is not None:
        if limit.max_side is not None and max(found.width, found.height) > limit.max_side:
            wrong.append(f"at most {limit.max_side:,} pixels a side")
        if limit.max_area is not None and found.width * found.height > limit.max_area:
            wrong.append(f"at most {limit.max_area:,} pixels in all")
    return wrong


def recipe(found: Input, limit: MediaLimit, ratio: str | None) -> Recipe | None:
    """How to change a picture so that it keeps a limit; None where no format is taken that is written here."""
    alpha = isinstance(found, Seen) and found.alpha
    keeps = alpha and limit.alpha and "png" in (limit.formats or ("png",))
    wanted = ("png", "jpeg") if form(found) in _LOSSLESS else ("jpeg", "png")
    formats = ("png",) if keeps else tuple(kind for kind in wanted if kind in (limit.formats or wanted))
    if not formats:
        return None
    # What it keeps anyway is left out, so that vendors who differ in nothing else are sent the same picture.
    wide, high = found.width or 0, found.height or 0
    side = limit.max_side if limit.max_side is not None and max(wide, high) > limit.max_side else None
    area = limit.max_area if limit.max_area is not None and wide * high > limit.max_area else None
    return Recipe(
        ratio=ratio, formats=formats, flatten=alpha and not keeps, max_side=side, max_area=area,
        max_bytes=limit.max_bytes, min_side=limit.min_side or 1, min_area=limit.min_area or 1,
    )  # fmt: skip


def breach(found: Input, limit: MediaLimit) -> str | None:
    """What is wrong with a file, or None. What was not measured is not held against it."""
    if limit.formats and form(found) not in limit.formats:
        return f"{form(found)} is not taken; {', '.join(limit.formats)} are"
    if limit.max_bytes is not None and found.size > limit.max_bytes:
        return f"{found.size:,} bytes; at most {limit.max_bytes:,}"
    return small(found, limit) or _large(found, limit) or shape(found, limit) or _length_breach(found, limit)


def small(found: Input, limit: MediaLimit) -> str | None:
    """Whether it is too small, in words. Nothing here is ever enlarged."""
    if found.width is None or found.height is None:
        return None
    size = f"{found.width}x{found.height}"
    if limit.min_side is not None and min(found.width, found.height) < limit.min_side:
        return f"{size}; no side under {limit.min_side} pixels"
    if limit.min_area is not None and found.width * found.height < limit.min_area:
        return f"{size}; at least {limit.min_area:,} pixels in all"
    return None


def _large(found: Input, limit: MediaLimit) -> str | None:
    if found.width is None or found.height is None:
        return None
    size = f"{found.width}x{found.height}"
    if limit.max_side is not None and max(found.width, found.height) > limit.max_side:
        return f"{size}; no side over {limit.max_side} pixels"
    if limit.max_area is not None and found.width * found.height > limit.max_area:
        return f"{size}; at most {limit.max_area:,} pixels in all"
    return None


def shape(found: Input, limit: MediaLimit) -> str | None:
    """Whether its ratio is out of the limits, in words."""
    if found.width is None or found.height is None:
        return None
    size, ratio = f"{found.width}x{found.height}", Decimal(found.width) / found.height
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
