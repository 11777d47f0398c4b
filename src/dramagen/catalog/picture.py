"""Length, tier, sound, ratio and exact pixels: what the clip will be."""

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from dramagen.catalog.fitting import Notes, Unfit, same_ratio
from dramagen.catalog.modes import Mode
from dramagen.catalog.order import Trim
from dramagen.shot import RESOLUTIONS

if TYPE_CHECKING:
    from dramagen.catalog.shape import Shape


def fit_length(shot: "Shape", mode: Mode, notes: Notes, can_trim: bool) -> tuple[Decimal, Trim | None]:
    """Seconds to order, never fewer than asked, and the part of them to keep."""
    asked = _asked(shot.duration)
    found = mode.durations.at_least(asked)
    if found is None:
        raise Unfit("duration", f"{asked:f} s asked; films {mode.durations} in mode {mode.name}")
    ordered = _plain(found)
    if ordered == asked:
        return ordered, Trim.of_checked(seconds=asked) if mode.runs_over and can_trim else None
    takes = f"films {mode.durations}"
    if can_trim:
        notes.adjust("duration", f"{asked:f} s", f"{ordered:f} s", f"{takes}; trimmed to {asked:f} s")
        return ordered, Trim.of_checked(seconds=asked)
    if shot.allow_longer:
        notes.adjust("duration", f"{asked:f} s", f"{ordered:f} s", f"{takes}; not trimmed")
        return ordered, None
    raise Unfit(
        "duration",
        f"{asked:f} s asked; {takes}, and nothing here can trim: "
        f"install dramagen[media] or say allow_longer=True",
    )


def fit_tier(shot: "Shape", mode: Mode, notes: Notes, silent: str | None = None) -> tuple[str, bool]:
    """The vendor's tier, as asked or the next one up, and whether sound is asked for.

    ``silent`` says why no sound can be made here although the mode has it.
    """
    if shot.audio is True and (mode.audio == "never" or silent):
        raise Unfit("audio", f"sound asked; {silent or f'films without sound in mode {mode.name}'}")
    if shot.audio is False and mode.audio == "always":
        raise Unfit("audio", "silence asked; always films with sound")
    least = _height(shot.resolution)
    tiers = [tier for tier in mode.resolutions if _height(tier) >= least]
    if not tiers:
        raise Unfit("resolution", f"{shot.resolution} asked; films {', '.join(mode.resolutions)} at most")
    why = f"films {', '.join(mode.resolutions)} in mode {mode.name}"
    if shot.audio is True and mode.audio_resolutions:
        tiers = [tier for tier in tiers if tier in mode.audio_resolutions]
        why = f"sound only at {', '.join(mode.audio_resolutions)}"
        if not tiers:
            raise Unfit("audio", f"sound and {shot.resolution} asked; {why}")
    if tiers[0] != shot.resolution:
        notes.adjust("resolution", shot.resolution, tiers[0], why)
    return tiers[0], mode.audio == "always" or shot.audio is True


def check_tier_length(mode: Mode, tier: str, ordered: Decimal) -> None:
    """Whether the tier films that long: some are shorter than the mode's longest."""
    longest = mode.longest_at.get(tier)
    if longest is not None and ordered > longest:
        raise Unfit("duration", f"{ordered:f} s at {tier} would be ordered; at most {longest:f} s there")


def fit_ratio(shot: "Shape", mode: Mode) -> str | None:
    """The ratio to ask for, in the vendor's spelling; None where the output follows the first frame."""
    if shot.framed and mode.follows_frame:
        return None
    for ratio in mode.ratios:
        if same_ratio(ratio, shot.aspect_ratio):
            return ratio
    raise Unfit("ratio", f"{shot.aspect_ratio} asked; films {', '.join(mode.ratios)} in mode {mode.name}")


def pixels(shot: "Shape", mode: Mode, tier: str) -> tuple[int, int] | tuple[None, None]:
    """Exact width and height, where the card knows them for this tier and ratio."""
    for ratio, size in mode.sizes.get(tier, {}).items():
        if same_ratio(ratio, shot.aspect_ratio):
            return size
    return None, None


def _height(tier: str) -> int:
    return RESOLUTIONS.index(tier) if tier in RESOLUTIONS else -1


@lru_cache(maxsize=256)
def _asked(seconds: float) -> Decimal:
    """What a shot asks for, as it is written: every model is asked for the same."""
    return _plain(Decimal(str(seconds)))


def _plain(number: Decimal) -> Decimal:
    """One spelling for one number: an order's hash must not tell 5.0 from 5."""
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()
