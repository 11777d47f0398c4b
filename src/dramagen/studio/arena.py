"""What arena.ai calls the models there are cards of. Its names are its own: a maker's, a tier's, a size's.

arena.ai, "Text-to-Video Leaderboard" and "Image-to-Video Leaderboard" (boards of 2026-08-17, read 2026-11-22). A name
that comes to no model's id or title is nobody's here: it is counted, not guessed.
"""

import re

from dramagen.routing.priors import Board

_BEYOND = re.compile(r"^dreamina-|-[ti]2v\b|-\d{3,4}p$|(?<=-)v(?=\d)")
"""What does not tell which model it is: the shop, the way of filming, which the board says already, the size, a v."""

_TIERS = {
    "kling-v3-pro": "kling-3.0",
    "kling-2.6-pro": "kling-2.6",
    "kling-v2.1-standard": "kling-2.1",
    "hailuo-02-standard": "hailuo-02",
    "seedance-v1-pro": "seedance-1.0-pro",
}
"""The tier that the rating on the model's card is of."""

_BY_BOARD = {
    "seedance-v1-lite": {"text": "seedance-1.0-lite-t2v", "image": "seedance-1.0-lite-i2v"},
    "wan-v2.2-a14b": {"text": "wan-2.2-t2v-a14b", "image": "wan-2.2-i2v-a14b"},
}
"""One name there of what are two models here."""


def own_name(name: str, board: Board) -> str:
    """A name of arena.ai's as our cards would have it."""
    plain = name.strip().lower()
    if plain in _BY_BOARD:
        return _BY_BOARD[plain][board]
    return _TIERS.get(plain) or _BEYOND.sub("", plain)
