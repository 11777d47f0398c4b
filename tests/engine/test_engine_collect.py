"""Fetching what was paid for: over broken connections, changed files, dead links; never a wrong byte."""

import gzip
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from dramagen.engine import collect
from dramagen.errors import DefectiveClip, DramagenError, JobExpired, ProviderUnavailable
from dramagen.store import DiskFull
from dramagen.testing.fake import CLIP_HOST

pytestmark = pytest.mark.anyio

Answer = Callable[[httpx.Request], httpx.Response]


class Cut(httpx.AsyncByteStream):
    """A body that breaks off."""

    def __init__(self, data: bytes, trouble: Exception | None) -> None:
        self._data, self._trouble = data, trouble

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._data), 1000):
            yield self._data[at : at + 1000]
        if self._trouble is not None:
            raise self._trouble


class Files(httpx.AsyncBaseTransport):
    """The fake vendor, with these answers to requests for the file; the last one again and again."""

    def __init__(self, stage: Any, *answers: Answer) -> None:
        self.vendor, self.answers = stage.vendor, list(answers)
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != CLIP_HOST:
            return await self.vendor.handle_async_request(request)  # type: ignore[no-any-return]  # the vendor is Any
        self.asked.append(request)
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])(request)

    @property
    def ranges(self) -> list[str | None]:
        return [request.headers.get("range") for request in self.asked]


def whole(data: bytes, etag: str = '"v1"', ranges: bool = True) -> Answer:
    """A good file server."""

    def answer(request: httpx.Request) -> httpx.Response:
        wanted = re.match(r"bytes=(\d+)-", request.headers.get("range", ""))
        headers = {"etag": etag}
        if ranges and wanted and request.headers.get("if-range") == etag:
            start = int(wanted[1])
            if start >= len(data):
                return httpx.Response(416, headers=headers | {"content-range": f"bytes */{len(data)}"})
            headers |= {"content-range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
            headers |= {"content-length": str(len(data) - start)}
            return httpx.Response(206, headers=headers, stream=Cut(data[start:], None))
        return httpx.Response(
            200, headers=headers | {"content-length": str(len(data))}, stream=Cut(data, None)
        )

    return answer


def cut(data: bytes, size: int, etag: str = '"v1"', silently: bool = False, weak: bool = False) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"content-length": str(len(data)), "etag": ("W/" if weak else "") + etag}
        trouble = None if silently else httpx.RemoteProtocolError("gone")
        return httpx.Response(200, headers=headers, stream=Cut(data[:size], trouble))

    return answer


def status(code: int, **headers: str) -> Answer:
    return lambda request: httpx.Response(code, headers=headers)


async def film(stage: Any, *answers: Answer) -> Files:
    """Film the shot with these answers; the clip must be the vendor's, byte for byte."""
    files = Files(stage, *answers)
    async with stage.studio(transport=files) as studio:
        clip = await studio.shoot(stage.shot)
    assert clip.original.path.read_bytes() == stage.film
    assert not list(stage.home.rglob("*.part"))
    assert stage.creates == 1
    return files


@pytest.mark.parametrize("silently", [True, False])
async def test_a_broken_download_goes_on_where_it_broke_off(stage: Any, silently: bool) -> None:
    files = await film(stage, cut(stage.film, 7000, silently=silently), whole(stage.film))
    assert files.ranges == [None, "bytes=7000-"]
    assert files.asked[1].headers["if-range"] == '"v1"'
    # Each try asks the vendor for a fresh link, and no key goes to the file's host.
    assert not any("authorization" in request.headers for request in files.asked)


async def test_a_restart_goes_on_where_the_last_process_was(stage: Any) -> None:
    files = Files(stage, cut(stage.film, 5000), status(503))
    async with stage.studio(transport=files) as studio:
        with pytest.raises(ProviderUnavailable, match="paid for; resume fetches it"):
            await studio.shoot(stage.shot)
        assert [job.state for job in studio.jobs()] == ["ready"]
        assert studio.ledger().spent
    files = await film(stage, whole(stage.film))
    assert files.ranges == ["bytes=5000-"]


async def test_a_file_that_changed_meanwhile_is_fetched_anew(stage: Any) -> None:
    other = b"something else entirely" * 1000
    files = await film(stage, cut(other, 7000, etag='"old"'), whole(stage.film))
    assert files.ranges == [None, "bytes=7000-"]  # the server saw that it is another version


async def test_a_server_that_ignores_which_version_is_meant_is_caught(stage: Any) -> None:
    def careless(request: httpx.Request) -> httpx.Response:
        request.headers["if-range"] = '"v1"'
        return whole(stage.film)(request)

    files = await film(stage, cut(b"x" * 9000, 7000, etag='"old"'), careless)
    assert files.ranges == [None, "bytes=7000-", None]


@pytest.mark.parametrize(
    "wrong",
    [
        status(206, **{"content-range": "bytes 0-99/100"}),
        status(206, **{"content-range": "bytes 9000-9999/10000"}),
        status(206),
        status(416),
    ],
)
async def test_a_wrong_range_is_not_put_together(stage: Any, wrong: Answer) -> None:
    files = await film(stage, cut(stage.film, 7000), wrong, whole(stage.film))
    assert files.ranges == [None, "bytes=7000-", None]


async def test_without_a_strong_version_nothing_is_put_together(stage: Any) -> None:
    files = await film(stage, cut(stage.film, 7000, weak=True), whole(stage.film))
    assert files.ranges == [None, None]


async def test_a_file_that_comes_compressed_all_the_same_is_unpacked(stage: Any) -> None:
    packed = gzip.compress(stage.film)

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["accept-encoding"] == "identity"
        headers = {"content-encoding": "gzip", "etag": '"v1"', "content-length": str(len(packed))}
        return httpx.Response(200, headers=headers, stream=Cut(packed, None))

    await film(stage, answer)


@pytest.mark.parametrize("code", [403, 404, 410, 500, 503])
async def test_a_dead_link_is_asked_for_anew(stage: Any, code: int) -> None:
    files = await film(stage, status(code), status(code), whole(stage.film))
    links = [r for r in stage.vendor.requests if r.url.path.endswith("/cgt-fake-1")]
    assert len(links) == 1 + len(files.asked)  # one for the verdict, one for each try


async def test_an_empty_file_is_no_file(stage: Any) -> None:
    await film(stage, whole(b""), whole(stage.film))


async def test_a_damaged_file_is_fetched_once_more_before_it_is_called_defective(stage: Any) -> None:
    damaged = stage.film[:2000] + bytes(len(stage.film) - 2000)
    await film(stage, whole(damaged), whole(stage.film))
    files = Files(stage, whole(damaged))
    async with stage.studio(transport=files) as studio:
        with pytest.raises(DefectiveClip) as caught:
            await studio.shoot(stage.shot, take=2)
        assert studio.ledger().wasted[0].amount == stage.COST
    assert len(files.asked) == 2
    assert caught.value.billed is True
    assert caught.value.path is not None
    assert caught.value.path.read_bytes() == damaged


async def test_a_file_without_end_is_broken_off(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "SIZE_LIMIT", 10_000)
    files = Files(stage, lambda request: httpx.Response(200, content=bytes(50_000)))
    async with stage.studio(transport=files) as studio:
        with pytest.raises(DramagenError, match="no clip"):
            await studio.shoot(stage.shot)
    assert not list(stage.home.rglob("*.part"))


async def test_a_full_disk_is_typed_and_the_job_stays_ready(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*args: Any) -> str:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(collect, "_write", full)
        async with stage.studio(transport=Files(stage, whole(stage.film))) as studio:
            with pytest.raises(DiskFull):
                await studio.shoot(stage.shot)
            assert [job.state for job in studio.jobs()] == ["ready"]
    await film(stage, whole(stage.film))


async def test_gone_is_believed_only_when_it_lasts(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from dramagen.adapters.seedance import SeedanceAdapter

    original = SeedanceAdapter.deliver
    said: list[Any] = []

    def deliver(self: Any, ticket: Any) -> Any:
        if len(said) < 3:
            said.append(ticket)
            raise JobExpired("not on the list")
        return (yield from original(self, ticket))

    with monkeypatch.context() as patch:
        patch.setattr(SeedanceAdapter, "deliver", deliver)
        await film(stage, whole(stage.film))

    def gone(self: Any, ticket: Any) -> Any:
        yield from ()
        raise JobExpired("the vendor no longer has it")

    with monkeypatch.context() as patch:
        patch.setattr(SeedanceAdapter, "deliver", gone)
        async with stage.studio() as studio:
            with pytest.raises(JobExpired):
                await studio.shoot(stage.shot, take=2)
            lost = studio.jobs()[-1]
            assert lost.state == "lost"
            assert lost.cost is not None
            assert lost.cost.amount == stage.COST  # paid all the same


async def test_a_trickle_is_broken_off_and_gone_on_with(stage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import anyio

    class Trickle(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield stage.film[:3000]
            await anyio.sleep_forever()

    def slow(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"etag": '"v1"'}, stream=Trickle())

    monkeypatch.setattr(collect, "PATIENCE", 0.05)
    files = Files(stage, slow, slow, whole(stage.film))
    original = collect.Collector._fetch

    async def fetch(self: Any, *args: Any) -> str:
        if len(files.asked) == 2:
            monkeypatch.setattr(collect, "PATIENCE", 100.0)
        return await original(self, *args)

    monkeypatch.setattr(collect.Collector, "_fetch", fetch)
    async with stage.studio(transport=files) as studio:
        clip = await studio.shoot(stage.shot)
    assert clip.original.path.read_bytes() == stage.film
