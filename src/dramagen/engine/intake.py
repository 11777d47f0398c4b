"""What the caller hands in: read, measured, fetched once where it is a URL, and kept by content."""

from pathlib import Path

import anyio
import anyio.to_thread
import httpx

from dramagen.catalog.fit import NotMeasured
from dramagen.catalog.order import Input
from dramagen.engine.guard import Guard
from dramagen.engine.http import Http
from dramagen.errors import DramagenError, InvalidShot, ProviderUnavailable
from dramagen.media.crop import crop_to_ratio
from dramagen.media.frames import picture_facts
from dramagen.media.probe import probe
from dramagen.shot import Image, Media, Shot
from dramagen.store import Store

FETCH_LIMIT = 200 * 1024 * 1024
"""Bytes a reference may have; no vendor takes a larger one."""

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftyp", "video/mp4"),
    (0, b"RIFF", "audio/wav"),
    (0, b"ID3", "audio/mp3"),
    (0, b"\xff\xfb", "audio/mp3"),
)


class Intake:
    """The media of shots. What was seen once is known by its content for as long as the studio lives."""

    def __init__(self, store: Store, http: Http | None = None) -> None:
        self._store = store
        self._http = http
        self._known: dict[str, Input] = {}
        self._cropped: dict[tuple[str, str], Input] = {}
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
        """What a medium is. Raises ``NotMeasured`` for a URL, ``InvalidShot`` for what is no medium."""
        key = self.sha256(media)
        if key not in self._known:
            self._known[key] = self._measured(media, key)
        return self._known[key]

    def crop(self, media: Media, ratio: str) -> Input:
        """The picture cut to a ratio, kept, and what that is."""
        key = (self.sha256(media), ratio)
        if key not in self._cropped:
            data, _ = crop_to_ratio(self._content(media, key[0]), ratio)
            self._cropped[key] = self.measure(Image.from_bytes(data))
            self._store.inputs.put_bytes(data, "png")
        return self._cropped[key]

    def keep(self, shot: Shot) -> None:
        """Keep the content of everything a shot names: a job may need it again in another process."""
        for media in media_of(shot):
            found = self.measure(media)
            if self._store.inputs.path(found.sha256) is None:
                self._store.inputs.put_bytes(self._content(media, found.sha256), _extension(found.media_type))

    def contents(self, inputs: tuple[Input, ...]) -> dict[str, bytes]:
        """The bytes of an order's media, by hash. Raises ``InvalidShot`` where one was lost."""
        found = {}
        for item in inputs:
            data = self._store.inputs.read(item.sha256)
            if data is None:
                raise InvalidShot(f"the {item.media_type} {item.sha256[:12]} of this order is no longer kept")
            found[item.sha256] = data
        return found

    def _content(self, media: Media, sha256: str) -> bytes:
        if media.url is None:
            return media.read()
        data = self._store.inputs.read(sha256)
        if data is None:
            raise NotMeasured("a fetched URL is no longer kept: await studio.prepare(shots) fetches it again")
        return data

    def _measured(self, media: Media, sha256: str) -> Input:
        data = self._content(media, sha256)
        if isinstance(media, Image):
            try:
                facts = picture_facts(data)
            except (ValueError, OSError) as problem:
                raise InvalidShot(f"{media!r} is no picture that can be read: {problem}") from None
            return Input(
                sha256=sha256, media_type=f"image/{facts.format}", size=len(data),
                width=facts.width, height=facts.height,
            )  # fmt: skip
        kind = next((m for at, magic, m in _MAGIC if data[at : at + len(magic)] == magic), None)
        if kind is None:
            raise InvalidShot(f"{media!r} is neither mp4, mov, wav nor mp3")
        if not kind.startswith("video/"):
            return Input(sha256=sha256, media_type=kind, size=len(data))
        kept = self._store.inputs.put_bytes(data, "mp4")
        film = probe(kept.path, decode=False)
        return Input(
            sha256=sha256, media_type=kind, size=len(data),
            width=film.width, height=film.height, duration=film.duration,
        )  # fmt: skip

    # --- fetching --------------------------------------------------------------------------------------

    async def fetch(self, shot: Shot, guard: Guard) -> None:
        """Fetch every URL of a shot that is not known yet, once, with the same guards as results.

        Raises ``InvalidShot`` for a private address or a file too large, ``ProviderUnavailable`` for a dead link.
        """
        for media in media_of(shot):
            if media.url is not None and media.url not in self._fetched:
                data = await self._download(media.url, guard)
                stored = await anyio.to_thread.run_sync(self._store.inputs.put_bytes, data, "bin")
                self._fetched[media.url] = stored.sha256

    async def _download(self, url: str, guard: Guard) -> bytes:
        if self._http is None:
            raise NotMeasured("a URL can only be fetched inside 'async with Studio()'")
        chunks, size = [], 0
        try:
            async with self._http.stream(httpx.Request("GET", url), guard) as response:
                if not response.is_success:
                    raise InvalidShot(f"a picture's URL answers HTTP {response.status_code}: {url}")
                async for chunk in response.aiter_bytes():
                    size += len(chunk)
                    if size > FETCH_LIMIT:
                        raise InvalidShot(f"a reference is larger than {FETCH_LIMIT:,} bytes: {url}")
                    chunks.append(chunk)
        except DramagenError:
            raise
        except httpx.HTTPError as problem:
            raise ProviderUnavailable(f"cannot fetch {url}: {type(problem).__name__}") from None
        return b"".join(chunks)


def media_of(shot: Shot) -> list[Media]:
    """Every medium a shot names."""
    found: list[Media | None] = [shot.first_frame, shot.last_frame]
    for reference in shot.references:
        found += [*reference.images, reference.video, reference.voice]
    return [media for media in found if media is not None]


def _extension(media_type: str) -> str:
    return {"jpeg": "jpg"}.get(media_type.partition("/")[2], media_type.partition("/")[2])


def shot_record(shot: Shot, intake: Intake) -> dict[str, object]:
    """The shot as the journal keeps it: JSON, with media by content hash."""

    def plain(value: object) -> object:
        if isinstance(value, Media):
            return {"sha256": intake.sha256(value)}
        if isinstance(value, Shot) or hasattr(type(value), "model_fields"):
            return {name: plain(getattr(value, name)) for name in type(value).model_fields}  # type: ignore[attr-defined]
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
