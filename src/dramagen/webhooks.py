"""Callbacks of vendors, as an ASGI application to mount beside a studio.

    application = dramagen.webhooks.app(studio)

A job is looked at as soon as its vendor says that it changed, and not only when its turn to be asked about comes.
What a callback says is never believed: it names a job, and the vendor is asked. So a lost, repeated, late or forged
one does no harm, and a studio without a public address lacks nothing but speed.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, NamedTuple
from urllib.parse import quote

from dramagen.adapters.base import Delivery
from dramagen.engine.callback_address import PREFIX, CallbackAddress
from dramagen.engine.callbacks import UnknownPlace
from dramagen.errors import AuthError, ConfigError, DramagenError
from dramagen.studio import Studio

log = logging.getLogger("dramagen.webhooks")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
"""An ASGI 3 application."""

BODY_LIMIT = 1024 * 1024
"""Bytes; a callback names a job and perhaps where its file is, and is a few kilobytes long."""


def app(studio: Studio) -> Application:
    """The application that hears callbacks for ``studio``.

    It serves ``/{word}/{provider}/{region}`` under whatever prefix it is mounted at; the word is this home's own
    (:func:`address` gives the whole address). Callbacks that are signed are also taken without it, and without a
    region. It must run in the event loop the studio is open in; while the studio is closed it answers 503.

    Statuses: 200 heard, also for a job nobody here waits for; 401 not shown to be the vendor's; 404 no such place;
    405 not a POST; 413 too long; 503 cannot be checked now, so that the vendor calls again.
    """

    async def application(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            answer = await _answer(studio, scope, receive)
            if answer is not None:
                await _reply(send, answer)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})

    return application


def address(studio: Studio, provider: str, region: str | None = None) -> str:
    """Where that vendor should call, for those told by hand in a console (Alibaba Cloud EventBridge, OpenAI).

    Keep it like a key: it holds this home's word. Raises ``ConfigError`` where no ``callback_url`` is set or the
    provider or region does not exist.
    """
    card = studio.catalog.provider(provider)
    region = region or card.default_region
    if region not in card.regions:
        raise ConfigError(f"{provider} has no region {region!r}; it has {', '.join(card.regions)}")
    url = CallbackAddress(studio.settings.home, studio.settings.callback_url).url(provider, region)
    if url is None:
        raise ConfigError("no address is configured: set callback_url, or DRAMAGEN_CALLBACK_URL")
    return url


class _Answer(NamedTuple):
    status: int
    body: Mapping[str, str] = {}
    headers: tuple[tuple[bytes, bytes], ...] = ()


class _Place(NamedTuple):
    word: str | None
    provider: str
    region: str | None


async def _answer(studio: Studio, scope: Mapping[str, Any], receive: Receive) -> _Answer | None:
    """None where the caller went away."""
    if scope["method"] != "POST":
        return _Answer(405, headers=((b"allow", b"POST"),))
    place = _place(scope)
    if place is None:
        return _Answer(404)
    try:
        body = await _body(scope, receive)
    except OverflowError:
        return _Answer(413)
    if body is None:
        return None
    callbacks = studio.callbacks
    if callbacks is None:
        return _Answer(503)
    delivery = Delivery(_headers(scope), body, _target(scope))
    try:
        return _Answer(200, await callbacks.hear(place.provider, place.region, delivery, place.word))
    except UnknownPlace:
        return _Answer(404)
    except AuthError:
        return _Answer(401)
    except DramagenError as trouble:
        log.warning("a callback for %s cannot be checked now: %s", place.provider, trouble.message)
        return _Answer(503)


def _place(scope: Mapping[str, Any]) -> _Place | None:
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    # Some servers and frameworks leave the prefix they are mounted at in the path, some take it out.
    if root and (path == root or path.startswith(f"{root}/")):
        path = path[len(root) :]
    parts = path.strip("/").split("/")
    word = parts.pop(0) if parts[0].startswith(PREFIX) else None
    if len(parts) not in (1, 2) or not all(parts):
        return None
    return _Place(word, parts[0], parts[1] if len(parts) == 2 else None)


def _target(scope: Mapping[str, Any]) -> str:
    """Path and query as the vendor spelled them, for the signatures that cover them."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    query: bytes = scope.get("query_string", b"")
    return (raw.partition(b"?")[0] + (b"?" + query if query else b"")).decode("latin-1")


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def _body(scope: Mapping[str, Any], receive: Receive) -> bytes | None:
    """The whole body, or None where the caller went away. Raises ``OverflowError`` for one that is too long."""
    said = _headers(scope).get("content-length", "")
    if said.isdecimal() and (len(said) > 15 or int(said) > BODY_LIMIT):
        raise OverflowError
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            raise OverflowError
        if not message.get("more_body", False):
            return bytes(body)


async def _reply(send: Send, answer: _Answer) -> None:
    body = json.dumps(dict(answer.body)).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _live(receive: Receive, send: Send) -> None:
    """The studio is opened and closed by whoever owns it: nothing to do but to say so."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
