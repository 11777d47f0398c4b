"""The previz adapter and the local renderer understand each other, end to end."""

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import pytest
from httpx import Response

from dramagen.adapters.base import Absent, Attempt, Flow, State, Ticket
from dramagen.adapters.previz import PrevizAdapter
from dramagen.catalog.order import Input, Order
from dramagen.catalog.route import Route
from dramagen.engine.renderer import Answer, Renderer
from dramagen.errors import JobFailed

pytestmark = pytest.mark.anyio

T = TypeVar("T")

PICTURE = b"a picture"
FRAME = Input(sha256=hashlib.sha256(PICTURE).hexdigest(), media_type="image/png", size=len(PICTURE))
ORDER = Order(
    route=Route(provider="previz", region="local", model="previz-1"), wire={}, mode="first_frame",
    prompt="雨夜", duration=Decimal(1), resolution="360p", width=64, height=96, audio=False, first_frame=FRAME,
)  # fmt: skip
ATTEMPT = Attempt(tag="a" * 24, created=1_795_000_000.0, inputs={FRAME.sha256: PICTURE})


def draw(scene: Any, target: Path, pictures: Any) -> None:
    target.write_bytes(b"".join(pictures.values()))


async def talk(flow: Flow[T], renderer: Renderer) -> T:
    """Run a flow against the renderer, as the engine does."""
    try:
        request = next(flow)
        while True:
            answer = await renderer.handle(
                request.method, request.url.raw_path.decode(), await request.aread()
            )
            content = answer.content if isinstance(answer.content, bytes) else b""
            response = Response(answer.status, headers=answer.headers, content=content, request=request)
            request = flow.send(response)
    except StopIteration as end:
        result: T = end.value
        return result


async def watched(renderer: Renderer, ticket: Ticket) -> State:
    adapter = PrevizAdapter()
    with anyio.fail_after(120):
        while True:
            status = (await talk(adapter.poll([ticket]), renderer))[ticket.id]
            if status.state not in ("queued", "running"):
                return status.state
            await anyio.lowlevel.checkpoint()


async def delivered(renderer: Renderer, ticket: Ticket) -> bytes:
    download = await talk(PrevizAdapter().deliver(ticket), renderer)
    answer: Answer = await renderer.handle("GET", download.request.url.path)
    assert isinstance(answer.content, Path)
    return answer.content.read_bytes()


async def test_an_order_is_submitted_watched_and_delivered(tmp_path: Path) -> None:
    renderer = Renderer(tmp_path, lambda _: None, draw=draw)
    adapter = PrevizAdapter()
    async with anyio.create_task_group() as group:
        group.start_soon(renderer.run)
        assert await talk(adapter.find(ORDER, ATTEMPT), renderer) == Absent()
        ticket = await talk(adapter.submit(ORDER, ATTEMPT), renderer)
        assert await talk(adapter.find(ORDER, ATTEMPT), renderer) == ticket
        assert await watched(renderer, ticket) == "succeeded"
        assert await talk(adapter.cancel(ticket), renderer) is False
        assert await delivered(renderer, ticket) == PICTURE
        assert (await talk(adapter.probe(), renderer)).concurrency == 1
        group.cancel_scope.cancel()


async def test_a_render_lost_with_its_process_is_drawn_from_the_ticket(tmp_path: Path) -> None:
    first = Renderer(tmp_path, lambda _: None, draw=draw)  # never runs: killed before it drew
    ticket = await talk(PrevizAdapter().submit(ORDER, ATTEMPT), first)
    revived = Ticket.model_validate_json(ticket.model_dump_json())
    later = Renderer(tmp_path, {FRAME.sha256: PICTURE}.get, draw=draw)
    async with anyio.create_task_group() as group:
        group.start_soon(later.run)
        assert await watched(later, revived) == "succeeded"
        assert await delivered(later, revived) == PICTURE
        group.cancel_scope.cancel()


async def test_a_lost_render_whose_pictures_are_gone_is_a_verdict(tmp_path: Path) -> None:
    first = Renderer(tmp_path, lambda _: None, draw=draw)
    ticket = await talk(PrevizAdapter().submit(ORDER, ATTEMPT), first)
    later = Renderer(tmp_path, lambda _: None, draw=draw)
    status = (await talk(PrevizAdapter().poll([ticket]), later))[ticket.id]
    assert status.state == "failed"
    assert isinstance(status.error, JobFailed)
    assert status.error.code == "missing picture"


async def test_a_queued_render_can_be_taken_back(tmp_path: Path) -> None:
    renderer = Renderer(tmp_path, lambda _: None, draw=draw)
    adapter = PrevizAdapter()
    ticket = await talk(adapter.submit(ORDER, ATTEMPT), renderer)
    assert await talk(adapter.cancel(ticket), renderer) is True
    assert await watched(renderer, ticket) == "canceled"
