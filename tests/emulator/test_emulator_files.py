"""Result files: ranges, validators, signatures and the end of their lives."""

import io
from collections.abc import Callable

import av
import httpx
import pytest

from dramagen.emulator import Handle, ManualClock

ARK = "/api/v3/contents/generations/tasks"
Create = Callable[..., httpx.Response]


@pytest.fixture
def ark_url(ark: Create, client: httpx.Client, clock: ManualClock) -> str:
    task_id = ark(model="doubao-seedance-2-5-260628", resolution="480p").json()["id"]
    clock.advance(300)
    return str(client.get(f"/seedance{ARK}/{task_id}").json()["content"]["video_url"])


@pytest.fixture
def kling_url(kling: Create, client: httpx.Client, clock: ManualClock) -> str:
    task_id = kling().json()["data"]["id"]
    clock.advance(200)
    [task] = client.get("/kling/tasks", params={"task_ids": task_id}).json()["data"]
    return str(task["outputs"][0]["url"])


def test_whole_file_and_head(ark_url: str, stranger: httpx.Client) -> None:
    whole = stranger.get(ark_url)
    assert whole.status_code == 200, "no key is needed"
    assert whole.headers["content-type"] == "video/mp4"
    head = stranger.head(ark_url)
    assert head.content == b""
    assert head.headers["content-length"] == whole.headers["content-length"] == str(len(whole.content))
    assert head.headers["etag"] == whole.headers["etag"]


@pytest.mark.parametrize(
    ("wanted", "start", "stop"), [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-50", -50, None)]
)
def test_ranges(ark_url: str, client: httpx.Client, wanted: str, start: int, stop: int | None) -> None:
    whole = client.get(ark_url).content
    part = client.get(ark_url, headers={"range": wanted})
    assert part.status_code == 206
    assert part.content == whole[start:stop]
    first = start % len(whole)
    assert part.headers["content-range"] == f"bytes {first}-{first + len(part.content) - 1}/{len(whole)}"


def test_a_range_beyond_the_end(ark_url: str, client: httpx.Client) -> None:
    answer = client.get(ark_url, headers={"range": "bytes=999999999-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"].startswith("bytes */")


def test_ark_urls_die_after_a_day(ark_url: str, client: httpx.Client, clock: ManualClock) -> None:
    clock.advance(86_400 - 300)
    assert client.get(ark_url).status_code == 200
    clock.advance(300)
    assert client.get(ark_url).status_code == 403


def test_ark_2_5_serves_a_hundred_downloads(ark_url: str, client: httpx.Client) -> None:
    client.head(ark_url)
    assert {client.get(ark_url).status_code for _ in range(100)} == {200}
    assert client.get(ark_url).status_code == 403


def test_kling_urls_die_after_thirty_days(
    kling_url: str, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    clock.advance(29 * 86_400)
    assert client.get(kling_url).status_code == 200
    clock.advance(86_400)
    assert client.get(kling_url).status_code == 404
    vendors.settings(kling={"expired_status": 403})
    assert client.get(kling_url).status_code == 403


def test_signatures(ark_url: str, client: httpx.Client) -> None:
    assert client.get(ark_url[:-1] + ("0" if ark_url[-1] != "0" else "1")).status_code == 403
    assert client.get(ark_url.partition("?")[0]).status_code == 403
    assert client.get(ark_url.replace("expires=1", "expires=2")).status_code == 403
    assert client.get(ark_url.replace("/seedance/", "/seedance@intl/")).status_code == 403


def test_files_of_equal_jobs_differ(ark: Create, client: httpx.Client, clock: ManualClock) -> None:
    ids = [ark().json()["id"] for _ in range(2)]
    clock.advance(300)
    files = []
    for task_id in ids:
        url = client.get(f"/seedance{ARK}/{task_id}").json()["content"]["video_url"]
        files.append(client.get(url).content)
    assert files[0] != files[1]
    assert client.get(url).content == files[1], "one job's file never changes"


@pytest.mark.parametrize("defect", ["short", "small", "mute", "corrupt"])
def test_defects(ark: Create, client: httpx.Client, clock: ManualClock, vendors: Handle, defect: str) -> None:
    task_id = ark(f"a cat [[defect:{defect}]]").json()["id"]
    clock.advance(300)
    data = client.get(client.get(f"/seedance{ARK}/{task_id}").json()["content"]["video_url"]).content
    assert vendors.bill()[0]["amount"] == "5.0094", "a defective clip is paid all the same"
    if defect == "corrupt":
        with pytest.raises(av.error.FFmpegError), av.open(io.BytesIO(data), "r") as container:
            list(container.decode(video=0))
        return
    with av.open(io.BytesIO(data), "r") as container:
        video = container.streams.video[0]
        assert (video.frames, video.width, bool(container.streams.audio)) == {
            "short": (60, 720, True),
            "small": (121, 360, True),
            "mute": (121, 720, False),
        }[defect]


def test_mov(ark: Create, client: httpx.Client, clock: ManualClock) -> None:
    task_id = ark(model="doubao-seedance-2-5-260628", resolution="480p", output_format="mov").json()["id"]
    clock.advance(300)
    url = client.get(f"/seedance{ARK}/{task_id}").json()["content"]["video_url"]
    answer = client.get(url)
    assert answer.headers["content-type"] == "video/quicktime"
    with av.open(io.BytesIO(answer.content)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv444p"
        assert container.streams.audio[0].codec_context.name == "pcm_s16le"


def test_the_url_is_that_of_the_request(ark: Create, client: httpx.Client, clock: ManualClock) -> None:
    task_id = ark().json()["id"]
    clock.advance(300)
    answer = client.get(f"/seedance{ARK}/{task_id}", headers={"host": "vendor.test:81"})
    assert answer.json()["content"]["video_url"].startswith("http://vendor.test:81/seedance/_files/")
