"""The local renderer behind previz: it answers like a vendor's server, without a socket.

State lives in this process only. A finished file is found again after a restart; a render that was lost with
its process is unknown, and the adapter starts it again.
"""

import base64
import hashlib
import json
import math
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from dramagen.errors import MissingExtra
from dramagen.redact import redact
from dramagen.store.durable import move_into_place, private_folder

Draw = Callable[[Mapping[str, Any], Path, Mapping[str, bytes]], object]
"""Draws a scene document to a file with the pictures it names; what it raises fails the render."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; ``content`` is the body, or the file that is the body."""

    status: int
    headers: Mapping[str, str]
    content: bytes | Path


class Refused(Exception):
    """A request that is wrong: the renderer's word for it, the HTTP status, and what would be right."""

    def __init__(self, word: str, status: int = 400, detail: str = "") -> None:
        super().__init__(word)
        self.word = word
        self.status = status
        self.detail = detail


@dataclass(slots=True)
class _Render:
    state: Literal["queued", "running", "succeeded", "failed", "canceled"]
    scene: Mapping[str, Any] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    error: str = ""
    detail: str = ""


class Renderer:
    """Renders scenes in worker threads, at most ``workers`` at once.

    :meth:`handle` answers a request at once; :meth:`run` does the drawing and must be running for anything
    to finish. Both belong to one event loop.
    """

    def __init__(
        self,
        folder: Path,
        read_input: Callable[[str], bytes | None],
        workers: int = 1,
        draw: Draw | None = None,
    ) -> None:
        """
        Args:
            folder: where finished files are kept, by id.
            read_input: the bytes of a picture by SHA-256, or None; called in a worker thread.
            workers: how many are drawn at the same time.
            draw: draws a scene; the ``media`` extra's animatic by default.
        """
        self._folder = folder
        self._read_input = read_input
        self._workers = workers
        self._draw = draw or _animatic
        self._renders: dict[str, _Render] = {}
        self._queue: MemoryObjectSendStream[str] | None = None

    async def run(self) -> None:
        """Draw what is queued, until cancelled.

        A render that is being drawn when this is cancelled is abandoned to its thread, which touches nothing
        but its own file; it is queued again for the next run.
        """
        send, receive = anyio.create_memory_object_stream[str](math.inf)
        # Threads of one's own: the shared ones are few, and a render holds one for seconds.
        limiter = anyio.CapacityLimiter(self._workers)
        with send, receive:
            self._queue = send
            try:
                for id_, render in self._renders.items():
                    if render.state == "queued":
                        send.send_nowait(id_)
                async with anyio.create_task_group() as group:
                    for _ in range(self._workers):
                        group.start_soon(self._work, receive, limiter)
            finally:
                self._queue = None

    async def handle(self, method: str, path: str, body: bytes = b"") -> Answer:
        """Answer one request; never raises for a wrong one."""
        try:
            match method, [unquote(part) for part in path.strip("/").split("/")]:
                case "GET", ["renders"]:
                    return _json(200, {"workers": self._workers})
                case "POST", ["renders"]:
                    return await self._create(body)
                case "GET", ["renders", id_]:
                    return await self._state(id_)
                case "GET", ["renders", id_, "file"]:
                    return await self._deliver(id_)
                case "DELETE", ["renders", id_]:
                    return await self._cancel(id_)
            raise Refused("no such call", 404, f"{method} {path}")
        except Refused as no:
            return _json(no.status, {"error": no.word, "detail": redact(no.detail)})

    async def _create(self, body: bytes) -> Answer:
        id_, render = await anyio.to_thread.run_sync(self._read, body)
        known = await self._known(id_)
        if known is None or known.state in ("failed", "canceled"):
            self._renders[id_] = render
            if self._queue is not None:
                self._queue.send_nowait(id_)
        return await self._state(id_)

    async def _state(self, id_: str) -> Answer:
        render = await self._expect(id_)
        told = {"id": id_, "state": render.state}
        if render.error:
            told |= {"error": render.error, "detail": render.detail}
        return _json(200, told)

    async def _deliver(self, id_: str) -> Answer:
        render = await self._expect(id_)
        file = self._file(id_)
        if render.state != "succeeded":
            raise Refused("no file", 409, f"the render is {render.state}")
        size = (await anyio.Path(file).stat()).st_size
        return Answer(200, {"content-type": "video/mp4", "content-length": str(size)}, file)

    async def _cancel(self, id_: str) -> Answer:
        render = await self._expect(id_)
        if render.state == "queued":
            render.state, render.pictures = "canceled", {}
        return _json(200, {"canceled": render.state == "canceled"})

    async def _known(self, id_: str) -> _Render | None:
        """What is known of a render, here or by the file another process finished."""
        file = self._file(id_)
        render = self._renders.get(id_)
        if render is not None and render.state != "succeeded":
            return render
        if await anyio.Path(file).is_file():
            return self._renders.setdefault(id_, _Render("succeeded"))
        if render is not None and self._renders.get(id_) is render:
            del self._renders[id_]  # its file was pruned
        return self._renders.get(id_)

    async def _expect(self, id_: str) -> _Render:
        render = await self._known(id_)
        if render is None:
            raise Refused("unknown render", 404)
        return render

    async def _work(self, receive: MemoryObjectReceiveStream[str], limiter: anyio.CapacityLimiter) -> None:
        async for id_ in receive:
            render = self._renders.get(id_)
            if render is None or render.state != "queued":
                continue
            render.state = "running"
            try:
                await anyio.to_thread.run_sync(
                    self._film, id_, render, abandon_on_cancel=True, limiter=limiter
                )
                render.state = "succeeded"
            except anyio.get_cancelled_exc_class():
                render.state = "queued"
                raise
            except MissingExtra as problem:
                render.state, render.error, render.detail = "failed", "missing extra", str(problem)
            except Exception as problem:  # the renderer outlives whatever one scene does to it
                render.state, render.error = "failed", "render failed"
                render.detail = redact(f"{type(problem).__name__}: {problem}", limit=300)
            render.pictures = {}

    # -- in worker threads -----------------------------------------------------------------------------------

    def _read(self, body: bytes) -> tuple[str, _Render]:
        document = _document(body)
        scene, pictures = document.get("scene"), document.get("pictures") or {}
        if not isinstance(scene, dict) or not isinstance(pictures, dict):
            raise Refused("bad scene", detail="scene and pictures are objects")
        id_ = document.get("id")
        self._file(id_ if isinstance(id_, str) else "")
        return str(id_), _Render("queued", scene, self._gathered(scene, pictures))

    def _gathered(self, scene: Mapping[str, Any], posted: Mapping[str, Any]) -> Mapping[str, bytes]:
        """The scene's pictures, from the request or from the inputs kept on this machine."""
        gathered = {}
        for sha256 in (scene.get("picture"), scene.get("last_picture")):
            if sha256 is None:
                continue
            if not isinstance(sha256, str):
                raise Refused("bad scene", detail="a picture is named by its SHA-256")
            data = _decoded(posted[sha256]) if sha256 in posted else self._read_input(sha256)
            if data is None or hashlib.sha256(data).hexdigest() != sha256:
                raise Refused("missing picture", detail=f"no bytes with the SHA-256 {sha256}")
            gathered[sha256] = data
        return gathered

    def _film(self, id_: str, render: _Render) -> None:
        target = self._file(id_)
        if target.is_file():
            return
        staging = private_folder(self._folder / ".staging")
        draft = staging / f"{secrets.token_hex(8)}.mp4"
        try:
            self._draw(render.scene, draft, render.pictures)
            move_into_place(draft, target)
        finally:
            draft.unlink(missing_ok=True)

    def _file(self, id_: str) -> Path:
        if not _ID.fullmatch(id_):
            raise Refused("bad id", detail="letters, digits and ':_.-', at most 128")
        return self._folder / f"{id_.replace(':', '-')}.mp4"


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise Refused("bad request", detail="the body is a JSON object")
    return document


def _decoded(text: object) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except ValueError:
        return None


def _animatic(scene: Mapping[str, Any], target: Path, pictures: Mapping[str, bytes]) -> object:
    from dramagen.media.previz import Scene, render

    return render(Scene.from_json(scene), target, pictures)


def _json(status: int, body: Mapping[str, Any]) -> Answer:
    content = json.dumps(body, ensure_ascii=False).encode()
    headers = {"content-type": "application/json", "content-length": str(len(content))}
    return Answer(status, headers, content)
