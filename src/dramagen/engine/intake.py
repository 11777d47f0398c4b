"""What the caller hands in: read, measured, changed where a route needs it, fetched once where it is a URL, kept.

The one place that reads media. A URL lives in memory only: what is written down anywhere is the content's hash.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import httpx

from dramagen.catalog.fit import NotMeasured
from dramagen.catalog.order import Input
from dramagen.catalog.recipe import Recipe, Seen
from dramagen.engine.guard import Guard
from dramagen.engine.http import Http
from dramagen.errors import DramagenError, InvalidShot, ProviderUnavailable
from dramagen.identity import digest
from dramagen.media.adapt import RECIPE, adapt_picture
from dramagen.media.picture import PictureFacts, picture_facts
from dramagen.media.probe import UndecodableMedia, probe, probe_sound
from dramagen.media.sniff import media_type
from dramagen.medium import Image, Media
from dramagen.record import Record
from dramagen.shot import Shot
from dramagen.store import IndexUnavailable, Store

FETCH_LIMIT = 200 * 1024 * 1024
"""Bytes a reference may have, unpacked; few vendors take a larger one."""

FETCH_SECONDS = 600.0
"""How long one URL may take in all: a server may send a byte now and then for ever."""


@dataclass(frozen=True, slots=True)
class Supply:
    """What an order's media are sent from: their bytes, and the URLs they were given by, each by SHA-256.

    ``hidden`` are texts no error may show: some vendors repeat the URL they cannot fetch.
    """

    contents: Mapping[str, bytes] = field(repr=False)
    urls: Mapping[str, str] = field(default_factory=dict, repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)


class Intake:
    """The media of shots. What was seen once is known by its content for as long as the studio lives."""

    def __init__(self, store: Store, http: Http | None = None) -> None:
        self._store = store
        self._http = http
        self._known: dict[tuple[type[Media], str], Input] = {}
        self._adapted: dict[tuple[str, Recipe], Input] = {}
        self._fetched: dict[str, str] = {}

    # --- synchronous: files and bytes ------------------------------------------------------------------

    def sha256(self, media: Media) -> str:
        """The content's hash. Raises ``NotMeasured`` for a URL nobody fetched yet."""
        if media.url is None:
            return media.sha256
        if media.url not in self._fetched:
            raise NotMeasured("a URL is not measured yet: await studio.prepare(shots) fetches it")
        return self._fetched[media.url]

    def measure(self, media: Media) -> Input:
        """What a medium is.

        Raises ``NotMeasured`` for a URL, ``InvalidShot`` for what is no medium or is broken, ``MissingExtra`` for
        what cannot be measured without the ``media`` extra.
        """
        key = (type(media), self.sha256(media))
        if key not in self._known:
            data = self._content(media, key[1])
            measured = self._picture if isinstance(media, Image) else self._film_or_sound
            self._known[key] = measured(media, key[1], data)
        return self._known[key]

    def adapt(self, media: Media, recipe: Recipe) -> Input:
        """The picture changed as the recipe says, kept by its content, and what that is.

        Which bytes came out once is remembered: made again by another version of a library they could differ in one
        pixel, and an order would be another one. Raises ``InvalidShot`` where the recipe cannot be kept.
        """
        sha256 = self.sha256(media)
        if (sha256, recipe) not in self._adapted:
            row = f"adapted:{sha256}/{digest(f'r{RECIPE}', recipe.model_dump(mode='json'))}"
            data = self._made_before(row)
            if data is None:
                try:
                    data = adapt_picture(self._content(media, sha256), **dict(recipe))
                except ValueError as problem:
                    raise InvalidShot(f"{media!r} cannot be changed: {problem}") from None
                stored = self._store.inputs.put_bytes(data, picture_facts(data).format.replace("jpeg", "jpg"))
                with suppress(IndexUnavailable):  # the picture is right all the same
                    self._store.index.set(row, stored.sha256.encode())
            made = self.measure(Image.from_bytes(data))
            self._adapted[sha256, recipe] = made.plain() if isinstance(made, Seen) else made
        return self._adapted[sha256, recipe]

    def keep(self, shot: Shot) -> None:
        """Keep the content of everything a shot names: a job may need it again in another process."""
        for media in media_of(shot):
            sha256 = self.sha256(media)
            if self._store.inputs.path(sha256) is None:
                data = self._content(media, sha256)
                self._store.inputs.put_bytes(data, _extension(media, data))

    def supply(self, inputs: tuple[Input, ...]) -> Supply:
        """What an order's media are sent from. Raises ``InvalidShot`` where one was lost.

        URLs are there only for what was given by URL to this very process.
        """
        found = {}
        for item in inputs:
            data = self._store.inputs.read(item.sha256)
            if data is None:
                raise InvalidShot(f"the {item.media_type} {item.sha256[:12]} of this order is no longer kept")
            found[item.sha256] = data
        urls = {sha256: url for url, sha256 in self._fetched.items() if sha256 in found}
        return Supply(found, urls, self.hidden())

    def hidden(self) -> tuple[str, ...]:
        """Every URL callers gave, whole and without what follows ``?``: nothing that is kept may show one."""
        return tuple(text for url in self._fetched for text in (url, url.partition("?")[0]))

    def _made_before(self, row: str) -> bytes | None:
        try:
            kept = self._store.index.get(row)
            return None if kept is None else self._store.inputs.read(kept.decode())
        except (IndexUnavailable, ValueError, OSError):
            return None  # looked up in vain: it is made again

    def _content(self, media: Media, sha256: str) -> bytes:
        if media.url is None:
            return media.read()
        data = self._store.inputs.read(sha256)
        if data is None:
            raise NotMeasured("a fetched URL is no longer kept: await studio.prepare(shots) fetches it again")
        return data

    def _picture(self, media: Media, sha256: str, data: bytes) -> Input:
        try:
            facts = picture_facts(data)
        except (ValueError, OSError) as problem:
            raise InvalidShot(f"{media!r} is no picture that can be read: {problem}") from None
        return Seen(
            sha256=sha256, media_type=f"image/{facts.format}", size=len(data),
            width=facts.width, height=facts.height, alpha=facts.has_alpha, flaw=_flaw(facts),
        )  # fmt: skip

    def _film_or_sound(self, media: Media, sha256: str, data: bytes) -> Input:
        kind = media_type(data)
        if kind is None:
            raise InvalidShot(f"{media!r} is no video or sound of a known kind, such as mp4, mov, wav or mp3")
        kept = self._store.inputs.put_bytes(data, _extension(media, data))
        try:
            if kind.startswith("audio/"):
                sound = probe_sound(kept.path)
                return Input(sha256=sha256, media_type=kind, size=len(data), duration=sound.duration)
            film = probe(kept.path, decode=False)
        except UndecodableMedia as problem:
            raise InvalidShot(f"{media!r} cannot be measured: {problem.reason}") from None
        return Input(
            sha256=sha256, media_type=kind, size=len(data),
            width=film.width, height=film.height, duration=film.duration,
        )  # fmt: skip

    # --- fetching --------------------------------------------------------------------------------------

    async def fetch(self, shot: Shot, guard: Guard) -> None:
        """Fetch every URL of a shot that is not known yet, once, with the same guards as results.

        Raises ``InvalidShot`` for a private address, a file too large or a URL that has none, ``ProviderUnavailable``
        for a link that is dead just now.
        """
        for media in media_of(shot):
            if media.url is not None and media.url not in self._fetched:
                data = await self._download(media.url, guard)
                extension = _extension(media, data)
                stored = await anyio.to_thread.run_sync(self._store.inputs.put_bytes, data, extension)
                self._fetched[media.url] = stored.sha256

    async def _download(self, url: str, guard: Guard) -> bytes:
        if self._http is None:
            raise NotMeasured("a URL can only be fetched inside 'async with Studio()'")
        try:
            with anyio.fail_after(FETCH_SECONDS):
                return await self._read(self._http, httpx.Request("GET", url), guard)
        except DramagenError:
            raise
        except httpx.InvalidURL:
            raise InvalidShot(f"{_shown(url)} is no address") from None
        except (httpx.HTTPError, TimeoutError) as problem:
            raise ProviderUnavailable(f"cannot fetch {_shown(url)}: {type(problem).__name__}") from None

    async def _read(self, http: Http, request: httpx.Request, guard: Guard) -> bytes:
        where, size = _shown(str(request.url)), 0
        chunks: list[bytes] = []
        request.headers["Accept-Encoding"] = "identity"  # media are packed as they are
        async with http.stream(request, guard) as response:
            status = response.status_code
            if status == 429 or status >= 500:
                raise ProviderUnavailable(f"cannot fetch {where}: HTTP {status}")
            if not response.is_success:
                raise InvalidShot(f"{where} answers HTTP {status}")
            # Counted as it is unpacked, so that a small answer cannot become a large one. Left by cancelling, which
            # ends every generator between here and the socket; breaking out would leave them to the collector.
            with anyio.CancelScope() as enough:
                async for chunk in response.aiter_bytes():
                    size += len(chunk)
                    if size > FETCH_LIMIT:
                        chunks.clear()
                        enough.cancel()
                    else:
                        chunks.append(chunk)
        if size > FETCH_LIMIT:
            raise InvalidShot(f"{where} is larger than {FETCH_LIMIT:,} bytes")
        if not size:
            raise InvalidShot(f"{where} is an empty file")
        return b"".join(chunks)


def _shown(url: str) -> str:
    """A URL for people: what follows ``?`` may be a key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


def _flaw(facts: PictureFacts) -> str | None:
    if facts.frames > 1:
        return f"of its {facts.frames} pictures the first is sent"
    if facts.turned:
        return "it is stored turned, and not every vendor turns it back"
    return "it has the colours of print" if facts.cmyk else None


def media_of(shot: Shot) -> list[Media]:
    """Every medium a shot names."""
    found: list[Media | None] = [shot.first_frame, shot.last_frame]
    for reference in shot.references:
        found += [*reference.images, reference.video, reference.voice]
    return [media for media in found if media is not None]


_EXTENSIONS = {
    "jpeg": "jpg", "quicktime": "mov", "x-msvideo": "avi", "x-matroska": "mkv", "audio/mp4": "m4a",
}  # fmt: skip


def _extension(media: Media, data: bytes) -> str:
    """What the file is to be called; nothing depends on it but people."""
    try:
        kind = f"image/{picture_facts(data).format}" if isinstance(media, Image) else media_type(data)
    except (ValueError, DramagenError):
        kind = None
    if kind is None:
        return "bin"
    form = kind.partition("/")[2]
    return _EXTENSIONS.get(kind) or _EXTENSIONS.get(form, form)


def shot_record(shot: Shot, intake: Intake) -> dict[str, object]:
    """The shot as the journal keeps it: JSON, with media by content hash."""

    def plain(value: object) -> object:
        if isinstance(value, Media):
            return {"sha256": intake.sha256(value)}
        if isinstance(value, Record):
            return {name: plain(getattr(value, name)) for name in type(value).model_fields}
        if isinstance(value, tuple | frozenset):
            return [plain(item) for item in (sorted(value) if isinstance(value, frozenset) else value)]
        return value

    fields = plain(shot)
    assert isinstance(fields, dict)
    return fields | {"options": {k: dict(v) for k, v in shot.options.items()}}


def shot_from_record(record: dict[str, object], store: Store) -> Shot:
    """The shot a journal row speaks of; its media come from the kept inputs."""

    def media(value: object) -> object:
        if isinstance(value, dict) and set(value) == {"sha256"}:
            return store.inputs.path(str(value["sha256"])) or Path(f"{value['sha256']} (no longer kept)")
        if isinstance(value, dict):
            return {k: media(v) for k, v in value.items()}
        if isinstance(value, list):
            return [media(v) for v in value]
        return value

    shot: Shot = Shot.parse(media(record))
    return shot
