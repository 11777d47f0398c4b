"""Marks of a technical check, and how much of each sign a kind of film allows."""

from dataclasses import dataclass
from typing import Any, Literal

Check = Literal[
    "spec", "decode", "black", "freeze", "cut", "duplicates", "flash", "motion", "sound", "first_frame", "text",
]  # fmt: skip
Verdict = Literal["reject", "warn"]


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing found: which check, what it means for the clip, in words, and where (seconds), if anywhere."""

    check: Check
    verdict: Verdict
    message: str
    at: float | None = None

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        record: dict[str, Any] = {"check": self.check, "verdict": self.verdict, "message": self.message}
        return record if self.at is None else record | {"at": round(self.at, 3)}

    @classmethod
    def parse(cls, record: dict[str, Any]) -> "Mark":
        """The mark of such a record."""
        return cls(record["check"], record["verdict"], record["message"], record.get("at"))


@dataclass(frozen=True, slots=True)
class Profile:
    """What is ordinary in one kind of film. Only warnings depend on it: what rejects a clip is the same for all.

    Attributes:
        freeze: seconds a picture may stand still. Drawn films hold a drawing longer than a camera holds still.
        duplicates: share of frames that may equal the one before. Drawn films are made on twos, so half is ordinary.
    """

    name: str
    freeze: float
    duplicates: float


LIVE = Profile("live", freeze=0.5, duplicates=0.25)
ANIME = Profile("anime", freeze=1.0, duplicates=0.80)
PROFILES = {profile.name: profile for profile in (LIVE, ANIME)}
