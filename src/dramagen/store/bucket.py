"""A bucket of any S3-compatible store, or a shared folder, through obstore (extra ``objects``).

Synchronous: obstore's async calls know asyncio alone, and whoever calls a store is in a worker thread anyway. Keys
come from where S3's own tools look for them, such as ``AWS_ACCESS_KEY_ID``; they are never part of the address.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from dramagen.errors import ConfigError, MissingExtra
from dramagen.redact import redact
from dramagen.store.durable import PRIVATE_FOLDER, room_for
from dramagen.store.remote import StoreUnavailable, WrongContent

if TYPE_CHECKING:
    from obstore.store import ObjectStore

RETRIES = 5
PATIENCE = timedelta(seconds=60)
"""How long a request is tried again before the store counts as unavailable."""

TRANSFER = "600s"
"""How long one file may take."""


def check_address(url: str) -> None:
    """Raises ``ConfigError`` for what is no address of a bucket or folder, or holds a key."""
    try:
        parts = urlsplit(url)
        plain = not (parts.query or parts.fragment or parts.username or parts.password)
        right = (parts.scheme == "s3" and bool(parts.hostname)) or (
            parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
        )
    except ValueError:
        plain = right = False
    if not (plain and right):
        raise ConfigError(
            "store is no s3://bucket/prefix or file:///folder without user, query or fragment; keys come from the "
            "environment, such as AWS_ACCESS_KEY_ID"
        )


class Bucket:
    """Implements :class:`dramagen.store.remote.Remote`. Nothing is opened before it is used.

    Args:
        url: ``s3://bucket/prefix`` or ``file:///folder``.

    Raises:
        ConfigError: the address cannot be used.
        MissingExtra: obstore is not installed.
    """

    def __init__(self, url: str, store: "ObjectStore | None" = None) -> None:
        check_address(url)
        if find_spec("obstore") is None:
            raise MissingExtra("objects", f"keeping files in {url}")
        self.url = url
        self._given = store

    @cached_property
    def _store(self) -> "ObjectStore":
        from obstore.store import LocalStore, S3Store

        if self._given is not None:
            return self._given
        if self.url.startswith("file:"):
            folder = Path(url2pathname(urlsplit(self.url).path))
            folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
            return LocalStore(folder)
        return S3Store.from_url(
            self.url,
            client_options={
                "timeout": TRANSFER,
                "connect_timeout": "10s",
                # Given options are all there are: what the environment says of plain http must be said again.
                "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("true", "1"),
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": PATIENCE},
        )

    def keep(self, name: str, source: Path) -> None:
        import obstore
        from obstore.exceptions import AlreadyExistsError, NotSupportedError

        with self._typed(f"keep {name}"):
            try:
                obstore.put(self._store, name, source, mode="create", use_multipart=False)
                return
            except AlreadyExistsError:
                pass
            except NotSupportedError:
                # A store without conditional writes. The name is the content's hash: at worst it is written twice.
                if self._size(name) is None:
                    obstore.put(self._store, name, source)
                    return
            if not self._equal(name, source):
                raise WrongContent(
                    f"{self.url} holds something else under {name}; it was not overwritten. Move it away, run again"
                )

    def note(self, name: str, data: bytes) -> None:
        import obstore
        from obstore.exceptions import AlreadyExistsError, NotSupportedError

        with self._typed(f"keep {name}"), suppress(AlreadyExistsError):
            try:
                obstore.put(self._store, name, data, mode="create", use_multipart=False)
            except NotSupportedError:
                if self._size(name) is None:
                    obstore.put(self._store, name, data)

    def find(self, folder: str) -> str | None:
        import obstore

        with self._typed(f"look for {folder}"):
            found = obstore.list_with_delimiter(self._store, f"{folder}/")["objects"]
        return min((entry["path"] for entry in found), default=None)

    def fetch(self, name: str, target: Path) -> bool:
        import obstore

        with self._typed(f"fetch {name}"), room_for(target.parent):
            try:
                stream = obstore.get(self._store, name).stream()
            except FileNotFoundError:
                return False
            with target.open("wb") as file:
                for chunk in stream:
                    file.write(chunk)
        return True

    def read(self, name: str) -> bytes | None:
        import obstore

        with self._typed(f"fetch {name}"):
            try:
                return bytes(obstore.get(self._store, name).bytes())
            except FileNotFoundError:
                return None

    def _size(self, name: str) -> int | None:
        import obstore

        try:
            return int(obstore.head(self._store, name)["size"])
        except FileNotFoundError:
            return None

    def _equal(self, name: str, source: Path) -> bool:
        import obstore

        known = obstore.head(self._store, name)
        if known["size"] != source.stat().st_size:
            return False
        with source.open("rb") as file:
            # Amazon S3, object overview: the ETag of an object put in one part is its MD5.
            if (known["e_tag"] or "").strip('"') == hashlib.file_digest(file, _md5).hexdigest():
                return True
            file.seek(0)
            here = hashlib.file_digest(file, "sha256").digest()
        there = hashlib.sha256()
        for chunk in obstore.get(self._store, name).stream():
            there.update(chunk)
        return there.digest() == here

    @contextmanager
    def _typed(self, what: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError, ValueError) as problem:
            why = redact(
                str(problem).partition("\n")[0], limit=300
            )  # then come XML, and obstore's own insides
            raise StoreUnavailable(
                f"{self.url} could not {what}: {why}. What was bought stays bought; run again to go on"
            ) from None


def _md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)
