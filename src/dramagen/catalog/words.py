"""Everything that is said in words: camera, cuts, dialogue, negative prompt, seed, and the prompt's length."""

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache

from dramagen.catalog.fitting import Notes, Unfit
from dramagen.catalog.modes import Mode, PromptLimit
from dramagen.catalog.order import Order
from dramagen.mentions import strangers
from dramagen.shot import Cut, Line, Shot


def fit_camera(shot: Shot, mode: Mode) -> None:
    """An explicit camera move needs a field or documented wording."""
    if shot.camera is not None and mode.camera is None:
        raise Unfit("camera", f"{shot.camera.move} asked; takes no camera move in mode {mode.name}")
    if shot.camera is not None and mode.moves and shot.camera.move not in mode.moves:
        raise Unfit("camera", f"{shot.camera.move} asked; takes {', '.join(mode.moves)}")


def fit_cuts(shot: Shot, mode: Mode, ordered: Decimal) -> tuple[Cut, ...]:
    """The cuts, adding up to the seconds ordered: what is ordered beyond the shot lengthens the last one."""
    if not shot.cuts:
        return ()
    takes = mode.cuts
    if takes is None:
        raise Unfit("cuts", f"{len(shot.cuts)} cuts asked; takes none in mode {mode.name}")
    if takes.max is not None and len(shot.cuts) > takes.max:
        raise Unfit("cuts", f"{len(shot.cuts)} cuts asked; at most {takes.max}")
    lengths = [Decimal(str(cut.duration)) for cut in shot.cuts]
    lengths[-1] = ordered - sum(lengths[:-1], Decimal(0))
    for cut, length in zip(shot.cuts, lengths, strict=True):
        if takes.whole_seconds and length != length.to_integral_value():
            raise Unfit("cuts", f"a cut of {length} s; whole seconds only")
        if takes.min_seconds is not None and length < takes.min_seconds:
            raise Unfit("cuts", f"a cut of {length} s; at least {takes.min_seconds} s each")
        if takes.max_chars is not None and len(cut.prompt) > takes.max_chars:
            raise Unfit("cuts", f"a cut of {len(cut.prompt)} characters; at most {takes.max_chars}")
    return tuple(Cut(cut.prompt, float(length)) for cut, length in zip(shot.cuts, lengths, strict=True))


def fit_dialogue(shot: Shot, mode: Mode, notes: Notes, sound: bool) -> tuple[Line, ...]:
    """The lines, and those chosen voices the model has a field for."""
    if not shot.dialogue:
        return ()
    if mode.dialogue is None:
        if sound:
            raise Unfit(
                "dialogue", f"{len(shot.dialogue)} lines asked; takes no dialogue in mode {mode.name}"
            )
        notes.adjust("dialogue", f"{len(shot.dialogue)} lines", "left out", "films without sound")
        return ()
    voices = {line.voice for line in shot.dialogue if line.voice is not None}
    if not voices or (sound and mode.voice_ids):
        if len(voices) > mode.voice_ids:
            raise Unfit("dialogue", f"{len(voices)} chosen voices; at most {mode.voice_ids}")
        return shot.dialogue
    why = "takes no chosen voice" if sound else "films without sound"
    notes.adjust("dialogue", f"voice {', '.join(sorted(voices))}", "left out", why)
    return tuple(Line(line.speaker, line.text, None, line.language) for line in shot.dialogue)


def fit_negative(shot: Shot, mode: Mode, notes: Notes) -> str:
    """What must not be seen, or nothing where the vendor has neither a field nor wording for it."""
    if not shot.negative_prompt:
        return ""
    if mode.negative_prompt is None:
        notes.adjust("negative_prompt", _short(shot.negative_prompt), "left out", "takes no negative prompt")
        return ""
    if mode.negative_prompt == "prompt":
        notes.adjust("negative_prompt", _short(shot.negative_prompt), "in the prompt", "the vendor's way")
    return shot.negative_prompt


def fit_seed(shot: Shot, mode: Mode, notes: Notes) -> int | None:
    """The seed, where the model takes it."""
    if shot.seed is None:
        return None
    if mode.seed is None or not mode.seed_min <= shot.seed <= mode.seed_max:
        why = "takes no seed" if mode.seed is None else f"seeds go from {mode.seed_min} to {mode.seed_max}"
        notes.adjust("seed", shot.seed, "left out", why)
        return None
    if mode.seed == "accepted":
        notes.adjust("seed", shot.seed, "sent without a promise", "taken, with no documented effect")
    return shot.seed


def check_prompt(text: str, limit: PromptLimit) -> tuple[str, ...]:
    """Whether the prompt, exactly as it will be sent, is short enough and free of the vendor's commands.

    Says what the vendor advises against it. Raises ``Unfit``.
    """
    other = limit.max_chars_other is not None and not text.isascii()
    most = limit.max_chars_other if other else limit.max_chars
    if most is not None and len(text) > most:
        raise Unfit("prompt", f"{len(text):,} characters as sent; at most {most:,}")
    for word in limit.forbidden:
        if _command(word).search(text):
            raise Unfit("prompt", f"{word!r} in the prompt is a command to this vendor; reword it")
    if limit.advised_chars is not None and len(text) > limit.advised_chars:
        return (f"{len(text):,} characters of prompt; the vendor advises {limit.advised_chars:,}",)
    return ()


def of_nobody(order: Order) -> tuple[str, ...]:
    """What is said of mentions in an order that sends no references: they are filmed as the letters they are."""
    if order.references:
        return ()
    texts = (order.prompt, *(cut.prompt for cut in order.cuts))
    return tuple(f"@{name} is sent as text: the shot has no references" for name in _each_once(texts))


def _each_once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for text in texts for name in strangers(text)))


def shortest(limit: PromptLimit) -> float:
    """The least number of characters a limit speaks of: a prompt that is no longer needs no counting."""
    said = (limit.max_chars, limit.max_chars_other, limit.advised_chars)
    return min((number for number in said if number is not None), default=math.inf)


@lru_cache(maxsize=256)
def _command(word: str) -> re.Pattern[str]:
    """What finds a vendor's command where it stands alone."""
    return re.compile(rf"(?<!\S){re.escape(word)}(?![\w-])", re.IGNORECASE)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
