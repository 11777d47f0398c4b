"""DashScope's own Python package, unmodified, against the emulator: ``VideoSynthesis`` and the 2.0 ``Client``.

Where it differs from Model Studio's pages (dashscope 2.0.2):

- ``VideoSynthesis`` always adds ``extend_prompt`` and ``function`` to the input. The pages no longer name them; the
  vendor ignores them, and so does the emulator.
- Its asyncio half puts a slash after ``/tasks/{id}`` and ``/tasks/{id}/cancel``, and sends a body with the latter.
  The pages show neither; the vendor must serve its own package, so the emulator takes both.
- What it shows as ``usage.video_duration`` 0 and ``video_ratio`` "" is made up by the package: usage of Wan 3.0 has
  no such fields on its page.
- The 2.0 client reads a list's items from ``tasks``; the page calls them ``data``. The page is right (the older
  surface reads it too), so this client always sees an empty list.
- Both send a create again when its answer is lost: the older surface once, the newer twice. Nothing makes these one
  job.
"""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from dramagen.emulator import Handle, ManualClock

dashscope = pytest.importorskip("dashscope", reason="make conformance installs it")
synthesis = pytest.importorskip("dashscope.aigc.video_synthesis", reason="make conformance installs it")

pytestmark = [
    pytest.mark.conformance,
    # The package leaves the older surface's pooled connections open.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

KEY = "key-one"
ORDER = {
    "model": "wan3.0-video",
    "prompt": "a cat",
    "duration": 5,
    "seed": 7,
    "resolution": "480P",
    "ratio": "9:16",
    "prompt_extend": False,
    "watermark": False,
}
PICTURE = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
    + (540).to_bytes(4)
    + (960).to_bytes(4)
    + b"\x08\x02\x00\x00\x00"
    + b"\0" * 4
)
"""The head of a picture of 540 x 960; nobody looks further."""


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """Run what needs asyncio; the package knows no other loop, and leaves its session for the caller to close."""

    async def closing() -> Any:
        try:
            return await work
        finally:
            await dashscope.close_shared_aio_session()

    return asyncio.run(closing())


@pytest.fixture(autouse=True)
def _swept() -> Iterator[None]:
    """What the package left open is found here, not in somebody else's test."""
    yield
    gc.collect()


@pytest.fixture
def point(monkeypatch: pytest.MonkeyPatch) -> Callable[[Handle], str]:
    """Point the package at an emulator; gives the base URL."""

    def at(vendors: Handle) -> str:
        url = f"{vendors.url}/wan/api/v1"
        monkeypatch.setattr(dashscope, "base_http_api_url", url)
        return url

    return at


def test_create_wait_fetch_list(
    hurried: Handle, point: Callable[[Handle], str], film: Callable[..., Any]
) -> None:
    point(hurried)
    videos = dashscope.VideoSynthesis
    created = videos.async_call(api_key=KEY, audio=True, **ORDER)
    assert (created.status_code, created.output.task_status) == (200, "PENDING")
    done = videos.wait(created, api_key=KEY)
    assert (done.output.task_status, done.usage.duration, done.usage.SR) == ("SUCCEEDED", 5.0, 480.0)
    got = film(done.output.video_url)
    assert (got.seconds, got.size, got.sound) == (5.0, (480, 832), True)
    assert videos.fetch(created, api_key=KEY).output.task_status == "SUCCEEDED"
    [item] = videos.list(api_key=KEY, model_name="wan3.0-video").output["data"]
    assert item["task_id"] == created.output.task_id
    sent = hurried.requests()[0]["body"]["input"]
    assert sent == {"prompt": "a cat", "extend_prompt": True, "function": "video-synthesis"}
    assert len(hurried.bill()) == 1


def test_call_does_all_of_it(hurried: Handle, point: Callable[[Handle], str]) -> None:
    point(hurried)
    done = dashscope.VideoSynthesis.call(api_key=KEY, audio=False, **ORDER)
    assert done.output.task_status == "SUCCEEDED"
    assert hurried.requests()[0]["body"]["parameters"]["audio"] is False


def test_cancel_only_while_pending(
    vendors: Handle, clock: ManualClock, point: Callable[[Handle], str]
) -> None:
    point(vendors)
    vendors.settings(wan={"concurrency": 1})
    videos = dashscope.VideoSynthesis
    running, waiting = (videos.async_call(api_key=KEY, **ORDER) for _ in range(2))
    clock.advance(10)
    assert videos.cancel(waiting, api_key=KEY).status_code == 200
    assert videos.fetch(waiting, api_key=KEY).output.task_status == "CANCELED"
    late = videos.cancel(running, api_key=KEY)
    assert (late.status_code, late.code) == (400, "UnsupportedOperation")


def test_local_pictures_are_uploaded_first(
    hurried: Handle, point: Callable[[Handle], str], tmp_path: Path
) -> None:
    point(hurried)
    frame = tmp_path / "a.png"
    frame.write_bytes(PICTURE)
    where = str(frame)
    videos = dashscope.VideoSynthesis
    both = videos.async_call(
        api_key=KEY, model="wan2.2-kf2v-flash", prompt="x", resolution="480P",
        first_frame_url=where, last_frame_url=where,
    )  # fmt: skip
    media = [{"type": "first_frame", "url": where}]
    one = videos.async_call(api_key=KEY, model="wan2.7-i2v", prompt="x", resolution="720P", media=media)
    assert (both.status_code, one.status_code) == (200, 200), (both, one)
    paths = [each["path"].removeprefix("/wan/api/v1/services/aigc/") for each in hurried.requests()]
    assert [path for path in paths if path.endswith("synthesis")] == [
        "image2video/video-synthesis",
        "video-generation/video-synthesis",
    ]


def test_the_asyncio_half(hurried: Handle, point: Callable[[Handle], str], film: Callable[..., Any]) -> None:
    point(hurried)
    videos = synthesis.AioVideoSynthesis

    async def shoot() -> Any:
        created = await videos.async_call(api_key=KEY, **ORDER)
        done = await videos.wait(created, api_key=KEY)
        late = await videos.cancel(created, api_key=KEY)
        assert (late.status_code, late.code) == (400, "UnsupportedOperation")
        listed = await videos.list(api_key=KEY)
        assert [item["task_id"] for item in listed.output["data"]] == [created.output.task_id]
        return done

    done = finished(shoot())
    assert done.output.task_status == "SUCCEEDED"
    assert film(done.output.video_url).size == (480, 832)
    asked = [each["path"] for each in hurried.requests() if "/tasks/" in each["path"]]
    assert all(path.endswith("/") for path in asked)


def test_the_2_0_client(hurried: Handle, point: Callable[[Handle], str], film: Callable[..., Any]) -> None:
    with dashscope.Client(api_key=KEY, base_url=point(hurried)) as client:
        jobs = client.videos.jobs
        created = jobs.create(**ORDER, parameters={"audio": False})
        done = jobs.wait(created, poll_interval=0.1)
        assert (done.status, done.usage.duration, done.usage.SR) == ("SUCCEEDED", 5.0, 480.0)
        got = film(done.video_url)
        assert (got.seconds, got.size, got.sound) == (5.0, (480, 832), False)
        assert jobs.fetch(created.task_id).status == "SUCCEEDED"
        listed = jobs.list()
        assert (listed.total, listed.tasks) == (1, []), "it looks under another name than the page's"
        with pytest.raises(dashscope.v2.errors.DashScopeError, match="PENDING"):
            jobs.cancel(created.task_id)
    assert set(hurried.requests()[0]["body"]["input"]) == {"prompt"}
    assert len(hurried.bill()) == 1


def test_the_2_0_asyncio_client(hurried: Handle, point: Callable[[Handle], str]) -> None:
    async def shoot() -> Any:
        async with dashscope.AsyncClient(api_key=KEY, base_url=point(hurried)) as client:
            return await client.videos.generate(**ORDER, poll_interval=0.1)

    assert finished(shoot()).status == "SUCCEEDED"


def test_a_failed_task_is_an_answer_to_one_and_an_error_to_the_other(
    hurried: Handle, point: Callable[[Handle], str]
) -> None:
    order = ORDER | {"prompt": "a cat [[moderate-output]]"}
    base = point(hurried)
    failed = dashscope.VideoSynthesis.call(api_key=KEY, **order)
    assert (failed.status_code, failed.output.task_status) == (200, "FAILED")
    assert failed.output.code == "DataInspectionFailed"
    with (
        dashscope.Client(api_key=KEY, base_url=base) as client,
        pytest.raises(dashscope.v2.errors.ContentFilterError),
    ):
        client.videos.generate(**order, poll_interval=0.1)
    assert {row["amount"] for row in hurried.bill()} == {"0"}


def test_one_lost_answer_is_two_jobs_on_the_older_surface_and_three_on_the_newer(
    hurried: Handle, point: Callable[[Handle], str], creates: Callable[[Handle], list[str]]
) -> None:
    base = point(hurried)

    def lose_all(create: Callable[[], Any]) -> int:
        hurried.reset()
        hurried.faults(provider="wan", on="create", kind="drop", after_accept=True, times=9)
        with pytest.raises(Exception, match=r"(?i)connection|disconnected"):
            create()
        assert len(creates(hurried)) == len(hurried.bill())
        return len(hurried.bill())

    assert lose_all(lambda: dashscope.VideoSynthesis.async_call(api_key=KEY, **ORDER)) == 2
    assert lose_all(lambda: finished(synthesis.AioVideoSynthesis.async_call(api_key=KEY, **ORDER))) == 2
    with dashscope.Client(api_key=KEY, base_url=base) as client:
        assert lose_all(lambda: client.videos.jobs.create(**ORDER)) == 3
