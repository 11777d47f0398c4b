"""Cut the clips of an episode together, and lay them out on a contact sheet. Spends nothing."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dramagen.episode.reel import Filmed, Reel
from dramagen.media.concat import concat
from dramagen.media.frames import extract_frame
from dramagen.media.sheet import SheetRow, contact_sheet

RECIPE = "cut1"
FILM = "episode.mp4"
SHEET = "contact-sheet.png"


@dataclass(frozen=True, slots=True)
class CutShot:
    """One shot of the cut: the take that is in it."""

    id: str
    take: int
    filmed: Filmed

    @property
    def labels(self) -> tuple[str, ...]:
        """What the contact sheet says of it."""
        return (f"take {self.take} · {self.filmed.duration:g} s", self.filmed.route, str(self.filmed.cost))


def cut(
    reel: Reel, title: str, shots: Sequence[CutShot], progress: Callable[[int, int], None] | None = None
) -> bool:
    """Make ``episode.mp4`` and ``contact-sheet.png`` in the reel's folder; blocks. Whether they had to be made.

    The film has the size and the rate that most of it was filmed in; other clips get black bars.
    Raises ``UndecodableMedia`` for a broken clip and ``MissingExtra`` without the ``media`` extra.
    """
    digest = _digest(title, shots)
    reel.refresh()
    film, sheet = reel.folder / FILM, reel.folder / SHEET
    if reel.cut == digest and film.is_file() and sheet.is_file():
        return False
    width, height, fps = _format([shot.filmed for shot in shots])
    clips = [reel.folder / shot.filmed.clip for shot in shots]
    concat(clips, film, width=width, height=height, fps=fps, progress=progress)
    rows = [SheetRow(s.id, s.labels, _three(clip)) for s, clip in zip(shots, clips, strict=True)]
    contact_sheet(rows, sheet, title)
    reel.note_cut(digest)
    return True


def _three(clip: Path) -> tuple[bytes, bytes, bytes]:
    return extract_frame(clip, "first"), extract_frame(clip, "middle"), extract_frame(clip, "last")


def _format(takes: Sequence[Filmed]) -> tuple[int, int, float]:
    """The size and the rate that most seconds were filmed in; the larger of two equals."""
    sizes: Counter[tuple[int, int]] = Counter()
    rates: Counter[float] = Counter()
    for take in takes:
        # H.264 with 4:2:0 colour needs even sides.
        sizes[take.width // 2 * 2, take.height // 2 * 2] += round(take.duration * 1000)
        rates[take.fps] += round(take.duration * 1000)
    width, height = max(sizes, key=lambda size: (sizes[size], size[0] * size[1]))
    return width, height, max(rates, key=lambda rate: (rates[rate], rate))


def _digest(title: str, shots: Sequence[CutShot]) -> str:
    recipe = [RECIPE, title, [[shot.id, shot.filmed.sha256, *shot.labels] for shot in shots]]
    return hashlib.sha256(json.dumps(recipe, ensure_ascii=False).encode()).hexdigest()
