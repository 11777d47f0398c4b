"""Where files are kept for good beside this disk, if anywhere: what a store needs of such a place."""

from pathlib import Path
from typing import Protocol

from dramagen.errors import DramagenError


class StoreUnavailable(DramagenError):
    """Where files are kept cannot be reached or written just now. What was bought stays bought: run again."""

    retryable = True
    billed = None


class WrongContent(DramagenError):
    """Under a content's name other content was found; nothing was overwritten, and the file here is kept."""

    billed = None


class Remote(Protocol):
    """A place several homes keep their files in. Every call blocks and may raise :class:`StoreUnavailable`.

    Names are paths with ``/``; what stands under one never changes.
    """

    def keep(self, name: str, source: Path) -> None:
        """Put a file there. Equal content under that name is as good; raises :class:`WrongContent` for other."""

    def note(self, name: str, data: bytes) -> None:
        """Put a small record there; one that has the name already stays."""

    def find(self, folder: str) -> str | None:
        """The name of what stands directly in that folder, if anything does."""

    def fetch(self, name: str, target: Path) -> bool:
        """Write what stands under that name to ``target``; False where there is nothing."""

    def read(self, name: str) -> bytes | None:
        """A small record, or None where there is none."""
