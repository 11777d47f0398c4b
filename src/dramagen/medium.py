"""What a caller hands in to be seen or heard: pictures, videos, voices. Read when it is asked for, and not before."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from dramagen.errors import InvalidShot
from dramagen.record import Record


class Media(Record):
    """Something the caller hands in: a file, a URL or bytes. Its identity is its content, never its place.

    Exactly one of ``path``, ``url`` and ``data`` is set. A URL's content is unknown until
    ``await studio.prepare(shots)``, or filming, has fetched it.
    """

    path: Path | None = None
    url: str | None = Field(default=None, repr=False)  # a signed URL is a secret
    data: bytes | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(source is not None for source in (self.path, self.url, self.data)) != 1:
            raise ValueError("give exactly one of path, url and data")
        if self.url is not None and not self.url.lower().startswith(("http://", "https://")):
            raise ValueError("a URL starts with http:// or https://")
        if self.data is not None and not self.data:
            raise ValueError("the bytes are empty")
        return self

    @classmethod
    def from_path(cls, path: str | Path) -> Self:
        """A local file; it is read when the shot is planned or filmed."""
        return cls(path=Path(path))

    @classmethod
    def from_url(cls, url: str) -> Self:
        """A public http(s) URL; it is fetched once, before anything is paid for."""
        return cls(url=url)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The content itself."""
        return cls(data=bytes(data))

    @classmethod
    def of(cls, value: object) -> object:
        """A path, a URL or bytes as this kind's fields; anything else is left to validation.

        Fields, not an instance, so that a bad value is reported under the name it has in the whole shot.
        """
        if isinstance(value, bytes | bytearray):
            return {"data": bytes(value)}
        if isinstance(value, Path):
            return {"path": value}
        if isinstance(value, str):
            if value.lower().startswith("data:"):
                raise ValueError("a data: URI is not read; give the bytes")
            return {"url" if value.lower().startswith(("http://", "https://")) else "path": value}
        return value

    def read(self) -> bytes:
        """The content. Raises ``InvalidShot`` where a file cannot be read or a URL was not fetched yet."""
        if self.data is not None:
            return self.data
        if self.path is None:
            raise InvalidShot("a URL is not measured yet: await studio.prepare(shots) fetches it")
        try:
            return self.path.read_bytes()
        except OSError as problem:
            raise InvalidShot(f"cannot read {self.path}: {problem.strerror or problem}") from None

    @cached_property
    def sha256(self) -> str:
        """The content's SHA-256, in hex. Read once per object: a file changed later needs a new object."""
        return hashlib.sha256(self.read()).hexdigest()

    def __repr__(self) -> str:
        kind = type(self).__name__
        if self.path is not None:
            return f"{kind}({str(self.path)!r})"
        if self.url is not None:
            return f"{kind}({self.url.split('?')[0]!r})"
        return f"{kind}({len(self.data or b'')} bytes)"


class Image(Media):
    """A still picture: a first or last frame, or what a character, scene, prop or style looks like."""


class Video(Media):
    """A reference video."""


class Voice(Media):
    """A sample of a voice (``path``, ``url`` or ``data``)."""


ImageLike = Annotated[Image, BeforeValidator(Image.of)]
VideoLike = Annotated[Video, BeforeValidator(Video.of)]
VoiceLike = Annotated[Voice, BeforeValidator(Voice.of)]
