"""The multi-shot text syntax ``shot n, m, words;`` (``镜头 n, m, words;`` on the Chinese page)."""

import re

from dramagen.emulator.kling.errors import invalid

_SHOT = re.compile(r"\s*(?:shot|镜头)\s*(\d+)\s*,\s*(\d+)\s*,([^;]*);?", re.IGNORECASE)


def check_shots(prompt: str, duration: int) -> None:
    """Raise ``Refusal`` where a prompt starts in this syntax and breaks its rules."""
    shots, at = [], 0
    while match := _SHOT.match(prompt, at):
        shots.append((int(match[2]), match[3]))
        at = match.end()
    if not shots:
        return
    if len(shots) > 6:
        raise invalid("prompt is invalid: at most 6 shots")
    if any(seconds < 1 for seconds, _ in shots) or sum(seconds for seconds, _ in shots) != duration:
        raise invalid("prompt is invalid: each shot lasts 1 s or more and their sum must equal duration")
    if any(len(words.strip()) > 512 for _, words in shots):
        raise invalid("prompt is invalid: at most 512 characters a shot")
