"""Why a route gave no clip, as far as the next step depends on it: vendors say it in codes and words of their own."""

from collections.abc import Mapping, Sequence

from dramagen.config import Cause, Remedy
from dramagen.errors import (
    AuthError,
    ConcurrencyLimited,
    ContentRejected,
    DefectiveClip,
    DramagenError,
    InsufficientBalance,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
)
from dramagen.shot import Shot

USUAL: tuple[Remedy, ...] = ("other_route",)
"""What may be tried where a project says nothing: what changes nothing about the shot."""

_FACES = ("privacyinformation", "real person", "real face", "human face", "真人", "人脸")
_SOUNDS = ("audio", "sound", "voice", "声音", "音频")


def cause_of(error: DramagenError) -> Cause:
    """The cause of a verdict."""
    match error:
        case ContentRejected():
            said = " ".join(str(each) for each in (error.code, error.message, error.vendor_message)).lower()
            if any(word in said for word in _FACES):
                return "real_face"
            if error.stage == "input":
                return "input_moderation"
            return "audio_moderation" if any(word in said for word in _SOUNDS) else "output_moderation"
        case DefectiveClip():
            return "defective"
        case RateLimited() | ConcurrencyLimited() | QuotaExhausted():
            return "capacity"
        case ProviderUnavailable() | AuthError() | InsufficientBalance():
            return "outage"
        case _:
            return "failed"


def allowed(remedies: Mapping[Cause, Sequence[Remedy]], cause: Cause) -> Sequence[Remedy]:
    """What a project allows then. A defective clip was paid for: unless the project names a remedy, there is none."""
    return remedies.get(cause, () if cause == "defective" else USUAL)


def shows_faces(shot: Shot) -> bool:
    """Whether a picture goes in that a vendor may take for a real person's."""
    return (
        shot.first_frame is not None or shot.last_frame is not None or any(r.images for r in shot.references)
    )
