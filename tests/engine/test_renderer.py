"""The local renderer: answers at once, draws in threads, forgets nothing that is finished."""

import base64
import hashlib
import json
import stat
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import pytest

from dramagen.engine.renderer import Answer, Draw, Renderer
from dramagen.errors import MissingExtra

pytestmark = pytest.mark.anyio

SCENE: dict[str, Any] = {"id": "s01", "prompt": "雨夜", "width": 64, "height": 96, "frames": 3, "fps": 24}
PICTURE = b"a picture"
SHA256 = hashlib.sha256(PICTURE).hexdigest()


def no_input(sha256: str) -> bytes | None:
    return None


def draw_words(scene: Mapping[str, Any], target: Path, pictures: Mapping[str, bytes]) -> None:
    target.write_bytes(f"film of {scene['prompt']}".encode() + b"".join(pictures.values()))


def broken(scene: Mapping[str, Any], target: Path, pictures: Mapping[str, bytes]) -> None:
    target.write_bytes(b"half a fi")
    raise RuntimeError("no ink, see https://host/x?sign=0123456789abcdef")


def body(id_: str = "o1:ab", pictures: Mapping[str, bytes] | None = None, **scene: Any) -> bytes:
    sent = {key: base64.b64encode(data).decode() for key, data in (pictures or {}).items()}
    return json.dumps({"id": id_, "scene": SCENE | scene, "pictures": sent}).encode()


def told(answer: Answer) -> dict[str, Any]:
    assert isinstance(answer.content, bytes)
    assert answer.headers["content-length"] == str(len(answer.content))
    said: dict[str, Any] = json.loads(answer.content)
    return said


async def settled(renderer: Renderer, id_: str = "o1:ab") -> dict[str, Any]:
    with anyio.fail_after(120):
        while (said := told(await renderer.handle("GET", f"/renders/{id_}")))["state"] in (
            "queued",
            "running",
        ):
            await anyio.lowlevel.checkpoint()
    return said


async def filmed(renderer: Renderer, document: bytes) -> dict[str, Any]:
    async with anyio.create_task_group() as group:
        group.start_soon(renderer.run)
        assert (await renderer.handle("POST", "/renders", document)).status == 200
        said = await settled(renderer, json.loads(document)["id"])
        group.cancel_scope.cancel()
    return said


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Renderer]:
    def renderer(draw: Draw = draw_words, **settings: Any) -> Renderer:
        settings.setdefault("read_input", no_input)
        return Renderer(tmp_path / "renders", draw=draw, **settings)

    return renderer


async def test_a_scene_becomes_a_file(make: Callable[..., Renderer], tmp_path: Path) -> None:
    renderer = make()
    assert await filmed(renderer, body()) == {"id": "o1:ab", "state": "succeeded"}
    answer = await renderer.handle("GET", "/renders/o1%3Aab/file")
    assert isinstance(answer.content, Path)
    assert answer.content.read_bytes() == "film of 雨夜".encode()
    assert answer.headers["content-length"] == str(answer.content.stat().st_size)
    assert answer.headers["content-type"] == "video/mp4"
    assert stat.S_IMODE(answer.content.stat().st_mode) == 0o600
    assert list((tmp_path / "renders" / ".staging").iterdir()) == []


async def test_a_post_answers_before_anything_is_drawn(make: Callable[..., Renderer]) -> None:
    renderer = make()
    answer = await renderer.handle("POST", "/renders", body())
    assert told(answer) == {"id": "o1:ab", "state": "queued"}
    assert (await renderer.handle("GET", "/renders/o1:ab/file")).status == 409


async def test_what_was_queued_before_the_run_is_drawn(make: Callable[..., Renderer]) -> None:
    renderer = make()
    await renderer.handle("POST", "/renders", body())
    async with anyio.create_task_group() as group:
        group.start_soon(renderer.run)
        assert (await settled(renderer))["state"] == "succeeded"
        group.cancel_scope.cancel()


async def test_an_unknown_render_is_404_in_the_renderers_words(make: Callable[..., Renderer]) -> None:
    for method, path in [("GET", "/renders/o1:ab"), ("GET", "/renders/o1:ab/file"), ("DELETE", "/renders/x")]:
        answer = await make().handle(method, path)
        assert answer.status == 404
        assert told(answer)["error"] == "unknown render"


async def test_a_finished_file_is_found_after_a_restart(make: Callable[..., Renderer]) -> None:
    await filmed(make(), body())

    def never(*_: object) -> None:
        raise AssertionError("drawn again")

    later = make(draw=never)
    assert told(await later.handle("GET", "/renders/o1:ab"))["state"] == "succeeded"
    assert told(await later.handle("POST", "/renders", body()))["state"] == "succeeded"


async def test_a_render_whose_file_was_pruned_is_unknown_again(make: Callable[..., Renderer]) -> None:
    renderer = make()
    await filmed(renderer, body())
    answer = await renderer.handle("GET", "/renders/o1:ab/file")
    assert isinstance(answer.content, Path)
    answer.content.unlink()
    assert (await renderer.handle("GET", "/renders/o1:ab")).status == 404
    assert (await filmed(renderer, body()))["state"] == "succeeded"


async def test_a_failed_render_leaves_no_file_and_may_be_tried_again(
    make: Callable[..., Renderer], tmp_path: Path
) -> None:
    attempts: list[Draw] = [broken, draw_words]

    def draw(scene: Mapping[str, Any], target: Path, pictures: Mapping[str, bytes]) -> object:
        return attempts.pop(0)(scene, target, pictures)

    renderer = make(draw)
    said = await filmed(renderer, body())
    assert (said["state"], said["error"]) == ("failed", "render failed")
    assert "no ink" in said["detail"]
    assert "0123456789abcdef" not in said["detail"]
    assert [place for place in (tmp_path / "renders").rglob("*") if place.is_file()] == []
    assert (await filmed(renderer, body()))["state"] == "succeeded"


async def test_a_missing_extra_is_said_in_its_own_word(make: Callable[..., Renderer]) -> None:
    def bare(*_: object) -> None:
        raise MissingExtra("media", "previz")

    said = await filmed(make(bare), body())
    assert (said["state"], said["error"]) == ("failed", "missing extra")
    assert "pip install" in said["detail"]


async def test_one_failure_does_not_stop_the_next(make: Callable[..., Renderer]) -> None:
    def draw(scene: Mapping[str, Any], target: Path, pictures: Mapping[str, bytes]) -> object:
        return (broken if scene["prompt"] == "bad" else draw_words)(scene, target, pictures)

    renderer = make(draw)
    async with anyio.create_task_group() as group:
        group.start_soon(renderer.run)
        await renderer.handle("POST", "/renders", body("o1:bad", prompt="bad"))
        await renderer.handle("POST", "/renders", body("o1:good"))
        assert (await settled(renderer, "o1:good"))["state"] == "succeeded"
        assert (await settled(renderer, "o1:bad"))["state"] == "failed"
        group.cancel_scope.cancel()


class Gate:
    """A drawing that waits to be let through, and counts how many are drawing."""

    def __init__(self) -> None:
        self.started = anyio.Event()
        self.open = threading.Event()
        self.finished = threading.Event()
        self.now = 0
        self.most = 0
        self.total = 0
        self._lock = threading.Lock()

    def __call__(self, scene: Mapping[str, Any], target: Path, pictures: Mapping[str, bytes]) -> None:
        with self._lock:
            self.now += 1
            self.total += 1
            self.most = max(self.most, self.now)
        anyio.from_thread.run_sync(self.started.set)
        assert self.open.wait(30)
        draw_words(scene, target, pictures)
        with self._lock:
            self.now -= 1
        self.finished.set()


async def test_posts_of_one_order_are_one_render(make: Callable[..., Renderer]) -> None:
    gate = Gate()
    renderer = make(gate, workers=3)
    async with anyio.create_task_group() as group:
        group.start_soon(renderer.run)
        async with anyio.create_task_group() as posts:
            for _ in range(5):
                posts.start_soon(renderer.handle, "POST", "/renders", body())
        await gate.started.wait()
        assert told(await renderer.handle("POST", "/renders", body()))["state"] == "running"
        gate.open.set()
        await settled(renderer)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    assert gate.total == 1


@pytest.mark.parametrize("workers", [1, 2])
async def test_no_more_are_drawn_at_once_than_there_are_workers(
    make: Callable[..., Renderer], workers: int
) -> None:
    gate = Gate()
    renderer = make(gate, workers=workers)
    ids = [f"o1:{n}" for n in range(5)]
    async with anyio.create_task_group() as group:
        group.start_soon(renderer.run)
        for id_ in ids:
            await renderer.handle("POST", "/renders", body(id_))
        await gate.started.wait()
        gate.open.set()
        for id_ in ids:
            assert (await settled(renderer, id_))["state"] == "succeeded"
        group.cancel_scope.cancel()
    assert gate.total == len(ids)
    assert gate.most <= workers


async def test_cancelling_abandons_the_drawing_and_the_next_run_draws_it(
    make: Callable[..., Renderer],
) -> None:
    gate = Gate()
    renderer = make(gate)
    async with anyio.create_task_group() as group:
        group.start_soon(renderer.run)
        await renderer.handle("POST", "/renders", body())
        await gate.started.wait()
        group.cancel_scope.cancel()
    assert told(await renderer.handle("GET", "/renders/o1:ab"))["state"] == "queued"
    gate.open.set()
    assert await anyio.to_thread.run_sync(gate.finished.wait, 30)
    async with anyio.create_task_group() as group:
        group.start_soon(renderer.run)
        assert (await settled(renderer))["state"] == "succeeded"
        group.cancel_scope.cancel()


async def test_only_what_has_not_begun_is_cancelled(make: Callable[..., Renderer]) -> None:
    gate = Gate()
    renderer = make(gate)
    async with anyio.create_task_group() as group:
        group.start_soon(renderer.run)
        await renderer.handle("POST", "/renders", body("o1:first"))
        await gate.started.wait()
        await renderer.handle("POST", "/renders", body("o1:second"))
        assert told(await renderer.handle("DELETE", "/renders/o1:first")) == {"canceled": False}
        assert told(await renderer.handle("DELETE", "/renders/o1:second")) == {"canceled": True}
        gate.open.set()
        assert (await settled(renderer, "o1:first"))["state"] == "succeeded"
        assert (await settled(renderer, "o1:second"))["state"] == "canceled"
        assert gate.total == 1
        await renderer.handle("POST", "/renders", body("o1:second"))
        assert (await settled(renderer, "o1:second"))["state"] == "succeeded"
        group.cancel_scope.cancel()


async def test_pictures_come_from_the_request_or_from_the_inputs(make: Callable[..., Renderer]) -> None:
    def kept(sha256: str) -> bytes | None:
        return PICTURE if sha256 == SHA256 else None

    posted, read = make(), make(read_input=kept)
    await filmed(posted, body("o1:posted", {SHA256: PICTURE}, picture=SHA256))
    await filmed(read, body("o1:read", picture=SHA256))
    for renderer, id_ in ((posted, "o1:posted"), (read, "o1:read")):
        answer = await renderer.handle("GET", f"/renders/{id_}/file")
        assert isinstance(answer.content, Path)
        assert answer.content.read_bytes().endswith(PICTURE)


@pytest.mark.parametrize("pictures", [{}, {SHA256: b"another"}], ids=["absent", "other bytes"])
async def test_a_picture_that_is_not_there_is_refused_at_once(
    make: Callable[..., Renderer], pictures: Mapping[str, bytes]
) -> None:
    renderer = make()
    answer = await renderer.handle("POST", "/renders", body("o1:ab", pictures, last_picture=SHA256))
    assert answer.status == 400
    assert told(answer)["error"] == "missing picture"
    assert (await renderer.handle("GET", "/renders/o1:ab")).status == 404


@pytest.mark.parametrize(
    ("document", "word"),
    [
        (b"", "bad request"),
        (b"[]", "bad request"),
        (b"\xff", "bad request"),
        (b"{}", "bad scene"),
        (b'{"id": "o1:ab", "scene": {}, "pictures": [1]}', "bad scene"),
        (b'{"scene": {}}', "bad id"),
        (body("../../out"), "bad id"),
        (body(".hidden"), "bad id"),
        (body("a" * 129), "bad id"),
        (json.dumps({"id": "a", "scene": {"picture": ["x"]}}).encode(), "bad scene"),
        (json.dumps({"id": "a", "scene": {"picture": "x"}, "pictures": {"x": "*"}}).encode(), "missing picture"),
        (json.dumps({"id": "a", "scene": {"picture": "x"}, "pictures": {"x": "é"}}).encode(), "missing picture"),
    ],
)  # fmt: skip
async def test_a_wrong_request_is_refused_in_words(
    make: Callable[..., Renderer], document: bytes, word: str
) -> None:
    answer = await make().handle("POST", "/renders", document)
    assert answer.status == 400
    assert told(answer)["error"] == word


@pytest.mark.parametrize("path", ["/renders/..%2f..%2fetc", "/renders/%2e%2e", "/renders/a%2fb"])
async def test_an_id_cannot_lead_out_of_the_folder(make: Callable[..., Renderer], path: str) -> None:
    for call in (path, f"{path}/file"):
        assert (await make().handle("GET", call)).status in (400, 404)


async def test_other_calls_are_404_and_the_probe_tells_the_workers(make: Callable[..., Renderer]) -> None:
    renderer = make(workers=2)
    assert told(await renderer.handle("PUT", "/renders"))["error"] == "no such call"
    assert (await renderer.handle("GET", "/")).status == 404
    assert told(await renderer.handle("GET", "/renders")) == {"workers": 2}


async def test_the_real_animatic_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="the media extra draws")
    from dramagen.media.probe import probe

    renderer = Renderer(tmp_path, no_input)
    assert await filmed(renderer, body()) == {"id": "o1:ab", "state": "succeeded"}
    answer = await renderer.handle("GET", "/renders/o1:ab/file")
    assert isinstance(answer.content, Path)
    facts = probe(answer.content)
    assert (facts.width, facts.height, facts.frames) == (64, 96, 3)


async def test_a_scene_the_animatic_cannot_read_fails_in_words(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="the media extra draws")
    said = await filmed(Renderer(tmp_path, no_input), body(move="moonwalk"))
    assert (said["state"], said["error"]) == ("failed", "render failed")
    assert "moonwalk" in said["detail"]
