"""What came back: a verified local media file with its facts, cost and provenance."""

import shutil
from pathlib import Path

from dramagen.medium import Image
from dramagen.money import Money
from dramagen.record import Record
from dramagen.shot import Shot


class Facts(Record):
    """What a media file is, measured. Seconds, pixels, frames per second."""

    duration: float
    width: int
    height: int
    fps: float
    has_audio: bool
    codec: str
    frames: int = 0
    decoded: bool = True


class Original(Record):
    """The file as it was bought, before any trim."""

    path: Path
    sha256: str


class Adjustment(Record):
    """One thing done differently from what the shot asked, and why."""

    field: str
    asked: str
    given: str
    why: str

    def __str__(self) -> str:
        return f"{self.field}: {self.asked} → {self.given} ({self.why})"


class Clip(Record):
    """A finished take.

    Attributes:
        path: the file to use: the original, or its exact trim.
        sha256: of that file.
        original: the file as bought.
        media: what the file is: duration, width, height, fps, has_audio, codec.
        cost: what the job cost, whenever it was paid.
        cost_source: ``reported`` by the vendor, or ``computed`` from what it delivered.
        cached: nothing was paid for it now.
        adjustments: what was done differently from what the shot asked.
        warnings: what a person may want to look at.
    """

    path: Path
    sha256: str
    original: Original
    media: Facts
    cost: Money
    cost_source: str = "computed"
    model: str
    provider: str
    region: str
    route: str
    take: int
    seed: int | None = None
    job_id: str
    cached: bool = False
    adjustments: tuple[Adjustment, ...] = ()
    warnings: tuple[str, ...] = ()
    shot: Shot

    def last_frame(self) -> Image:
        """The last frame as a picture, to start another shot on. Needs the ``media`` extra."""
        from dramagen.media.frames import extract_frame  # the one reach downwards: frames are made on demand

        return Image.from_bytes(extract_frame(self.path, "last"))

    def save(self, path: str | Path) -> Path:
        """Copy the file to ``path``; a folder gets the clip under its own name. Returns where it is."""
        target = Path(path)
        if target.is_dir() or str(path).endswith("/"):
            target = target / self.path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and target.samefile(self.path):
            return target
        return Path(shutil.copyfile(self.path, target))
