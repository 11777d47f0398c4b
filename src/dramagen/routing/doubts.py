"""What verdicts foretell: those on one take of that take, and those heard in this run of the shots still to come.

The latter are forgotten when the studio is closed.
"""

from collections import Counter
from collections.abc import Iterable

from dramagen.config import Cause
from dramagen.errors import DramagenError
from dramagen.routing.causes import cause_of, shows_faces
from dramagen.shot import Shot

HALVED = 0.5
"""What is left of a route's chance each time it refused a real face (on shots with pictures) or a sound it had
generated (on shots that may have sound), and of a model's chance on a take each time moderation held back what it
had made of that very take."""
LEAST = 0.125
"""It is halved three times at most: in a long run every route refuses something, and still one is better."""
CREDIT = 4
"""Clips a route is believed to have given before this run, where what it made was held back: the first refusal
leaves 4/5 of its chance, and one refusal in ten clips nine tenths in the long run. The four is a choice."""


def halved(times: int) -> float:
    """What so many refusals leave of a chance."""
    return max(LEAST, HALVED**times)


def held_back(verdicts: Iterable[tuple[str, DramagenError | None]], *, sound: bool = True) -> dict[str, int]:
    """How often moderation held back what each model had made of a take: another route shows much the same picture.

    Args:
        verdicts: the model and the verdict of every job of that take that gave no clip.
        sound: the take may have sound still, so that a refusal of the sound counts too.
    """
    counted = {"output_moderation", "audio_moderation"} if sound else {"output_moderation"}
    return dict(Counter(model for model, said in verdicts if said is not None and cause_of(said) in counted))


class Doubts:
    """What is left of each route's chance after what it refused in this run. Routes go by their ids."""

    def __init__(self) -> None:
        self._faces: Counter[str] = Counter()
        self._sounds: Counter[str] = Counter()
        self._held_back: Counter[str] = Counter()
        self._given: Counter[str] = Counter()

    def refused(self, cause: Cause, route: str) -> None:
        """A verdict was heard."""
        told = {
            "real_face": self._faces, "audio_moderation": self._sounds, "output_moderation": self._held_back
        }  # fmt: skip
        if cause in told:
            told[cause][route] += 1

    def gave(self, route: str) -> None:
        """A clip came, newly made."""
        self._given[route] += 1

    def about(self, shot: Shot) -> dict[str, float]:
        """The factor of each route's chance on this shot; routes without a doubt are left out."""
        factors: dict[str, float] = {}
        for route, refusals in dict(self._held_back).items():
            passed = CREDIT + self._given[route]
            factors[route] = passed / (passed + refusals)
        for told, matters in ((self._faces, shows_faces(shot)), (self._sounds, shot.audio is not False)):
            for route, refusals in dict(told).items() if matters else ():
                factors[route] = factors.get(route, 1.0) * halved(refusals)
        return factors
