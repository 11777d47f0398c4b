"""Wan: the life of a task over DashScope, its three protocols, its list, its uploads and its bill."""

import base64
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import av
import httpx
import pytest

from dramagen.emulator import Handle, ManualClock

CREATE = "/api/v1/services/aigc/video-generation/video-synthesis"
FRAMES = "/api/v1/services/aigc/image2video/video-synthesis"
TASKS = "/api/v1/tasks"
ASYNC = {"X-DashScope-Async": "enable"}
Create = Callable[..., httpx.Response]


def png(width: int, height: int) -> str:
    header = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02"
    return "data:image/png;base64," + base64.b64encode(header).decode()


@pytest.fixture
def wan(client: httpx.Client) -> Create:
    """Create a Wan 3.0 task unless told otherwise; keywords are parameters."""

    def create(
        prompt: str = "雨夜", *, model: str = "wan3.0-video", at: str = "/wan", media: Any = None, **more: Any
    ) -> httpx.Response:
        input_ = {"prompt": prompt} | ({} if media is None else {"media": media})
        parameters = {"resolution": "480P", "duration": 5, **more}
        body = {"model": model, "input": input_, "parameters": parameters}
        return client.post(at + CREATE, json=body, headers=ASYNC)

    return create


def made(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"request_id", "output"}
    return str(answer.json()["output"]["task_id"])


def task(client: httpx.Client, task_id: str, at: str = "/wan") -> dict[str, Any]:
    answer = client.get(f"{at}{TASKS}/{task_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture
def settings(client: httpx.Client) -> Callable[..., None]:
    """Change settings of this vendor until the test ends."""

    def change(**values: Any) -> None:
        assert client.post("/_emulator/settings", json={"wan": values}).status_code == 200

    return change


def test_example_1_text_to_video(
    wan: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    body = {
        "model": "wan3.0-video",
        "input": {"prompt": "雨夜街道，少女转身看向镜头，中近景，缓慢推进。"},
        "parameters": {
            "resolution": "480P", "ratio": "9:16", "duration": 5, "audio": True, "prompt_extend": True,
            "watermark": False, "seed": 42,
        },
    }  # fmt: skip
    answer = client.post("/wan" + CREATE, json=body, headers=ASYNC)
    task_id = made(answer)
    assert answer.json()["output"]["task_status"] == "PENDING"
    clock.advance(10)
    running = task(client, task_id)
    assert set(running["output"]) == {"task_id", "task_status", "submit_time", "scheduled_time"}
    assert running["output"]["task_status"] == "RUNNING"
    assert "usage" not in running
    clock.advance(200)
    done = task(client, task_id)
    assert done["output"]["task_status"] == "SUCCEEDED"
    assert done["output"]["orig_prompt"] == body["input"]["prompt"]  # type: ignore[index]  # a dict of dicts here
    assert done["usage"] == {
        "video_count": 1, "duration": 5.0, "input_video_duration": 0.0, "output_video_duration": 5.0, "fps": 30.0,
        "SR": 480.0, "ratio": "9:16",
    }  # fmt: skip
    with av.open(io.BytesIO(client.get(done["output"]["video_url"]).content)) as container:
        video = container.streams.video[0]
        assert (video.width, video.height, video.frames) == (480, 832, 120)
        assert container.streams.audio
    (row,) = vendors.bill()
    assert (row["model"], row["amount"], row["currency"]) == ("wan3.0-video", "1.5", "CNY")


def test_times_are_chinas_without_a_zone(wan: Create, client: httpx.Client, clock: ManualClock) -> None:
    task_id = made(wan())
    told = task(client, task_id)["output"]["submit_time"]
    china = datetime.fromtimestamp(clock.now(), UTC).astimezone(timezone(timedelta(hours=8)))
    assert told == f"{china:%Y-%m-%d %H:%M:%S.%f}"[:-3]


def test_example_2_frames_of_wan_2_7_rejected_late(
    wan: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    media = [
        {"type": "first_frame", "url": "https://cdn.example/a.png"},
        {"type": "last_frame", "url": "https://cdn.example/b.png"},
    ]
    task_id = made(
        wan("她推门而入 [[moderate-output]]", model="wan2.7-i2v", media=media, resolution="720P", duration=8)
    )
    assert Decimal(vendors.bill()[0]["amount"]) == Decimal("4.8")
    clock.advance(300)
    output = task(client, task_id)["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "DataInspectionFailed")
    assert output["message"] == "Output data may contain inappropriate content."
    assert vendors.bill()[0]["amount"] == "0"


def test_the_requests_of_the_dashscope_package_are_taken_as_they_stand(
    client: httpx.Client, vendors: Handle
) -> None:
    body = {
        "model": "wan3.0-video",
        "parameters": {
            "audio": False, "duration": 5, "seed": 7, "prompt_extend": False, "watermark": False,
            "resolution": "480P", "ratio": "9:16",
        },
        "input": {"prompt": "a cat", "extend_prompt": True, "function": "video-synthesis"},
    }  # fmt: skip
    made(client.post("/wan" + CREATE, json=body, headers=ASYNC))
    listed = client.get(f"/wan{TASKS}?page_no=1&page_size=10").json()
    assert listed["total"] == 1
    cancelled = client.post(f"/wan{TASKS}/{listed['data'][0]['task_id']}/cancel/", json={"model": ""})
    assert set(cancelled.json()) == {"request_id"}


def test_left_out_the_tier_is_the_dearest_and_a_size_says_nothing(
    client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    body = {"model": "wan3.0-video", "input": {"prompt": "a cat"}, "parameters": {"size": "480*832"}}
    task_id = made(client.post("/wan" + CREATE, json=body, headers=ASYNC))
    clock.advance(300)
    assert task(client, task_id)["usage"]["SR"] == 1080
    assert vendors.bill()[0]["amount"] == "6"


@pytest.mark.parametrize(
    ("at", "model", "more", "amount"),
    [
        ("/wan", "wan3.0-video", {"resolution": "720P", "duration": 30}, "18"),
        ("/wan@intl", "wan3.0-video", {"resolution": "1080P"}, "1"),
        ("/wan@us", "wan3.0-video", {"resolution": "720P"}, "0.4125"),
        ("/wan", "wan3.0-video-prime", {}, "2.25"),
        ("/wan@intl", "wan3.0-video-prime", {"duration": 10}, "0.68"),
        ("/wan", "wan2.7-t2v", {"resolution": "1080P"}, "5"),
        ("/wan", "wan2.7-t2v-2026-06-12", {"resolution": "720P"}, "3"),
        ("/wan@intl", "wan2.7-t2v", {"resolution": "720P"}, "0.5"),
        ("/wan", "happyhorse-1.0-t2v", {"resolution": "720P"}, "4.5"),
        ("/wan", "wan2.6-t2v", {"size": "1280*720"}, "3"),
        ("/wan", "wan2.5-t2v-preview", {"size": "480*832", "duration": 10}, "3"),
        ("/wan", "wan2.2-t2v-plus", {"size": "832*480"}, "0.7"),
    ],
)
def test_the_bill_is_seconds_times_the_tiers_price(
    wan: Create, vendors: Handle, at: str, model: str, more: dict[str, Any], amount: str
) -> None:
    made(wan("a cat", at=at, model=model, **more))
    assert vendors.bill()[0]["amount"] == amount


def test_silence_is_cheaper_for_flash_alone(client: httpx.Client, vendors: Handle) -> None:
    for audio in (True, False):
        body = {
            "model": "wan2.6-i2v-flash",
            "input": {"prompt": "a cat", "img_url": png(720, 1280)},
            "parameters": {"resolution": "720P", "duration": 5, "audio": audio},
        }
        made(client.post("/wan" + CREATE, json=body, headers=ASYNC))
    assert [row["amount"] for row in vendors.bill()] == ["1.5", "0.75"]


def test_first_and_last_frame_models_have_their_own_route(client: httpx.Client, clock: ManualClock) -> None:
    body = {
        "model": "wan2.2-kf2v-flash",
        "input": {"prompt": "a", "first_frame_url": png(720, 1280), "last_frame_url": png(720, 1280)},
        "parameters": {"resolution": "480P"},
    }
    wrong = client.post("/wan" + CREATE, json=body, headers=ASYNC)
    assert (wrong.status_code, wrong.json()["message"]) == (400, "url error, please check url!")
    task_id = made(client.post("/wan" + FRAMES, json=body, headers=ASYNC))
    clock.advance(300)
    done = task(client, task_id)
    assert done["usage"] == {"duration": 5.0, "SR": 480.0, "video_count": 1}
    with av.open(io.BytesIO(client.get(done["output"]["video_url"]).content)) as container:
        video = container.streams.video[0]
        assert video.width / video.height == pytest.approx(9 / 16, rel=0.01)
        assert not container.streams.audio


def test_a_first_frame_gives_the_clip_its_ratio(
    wan: Create, client: httpx.Client, clock: ManualClock
) -> None:
    task_id = made(wan(media=[{"type": "first_frame", "url": png(1000, 1000)}], resolution="720P"))
    clock.advance(300)
    done = task(client, task_id)
    assert "ratio" not in done["usage"]
    with av.open(io.BytesIO(client.get(done["output"]["video_url"]).content)) as container:
        assert container.streams.video[0].width == container.streams.video[0].height


# --- the list ------------------------------------------------------------------------------------------------


def test_the_list_shows_milliseconds_and_no_prompt(
    wan: Create, client: httpx.Client, clock: ManualClock
) -> None:
    answer = wan()
    task_id = made(answer)
    clock.advance(10)
    listed = client.get(f"/wan{TASKS}/").json()
    assert (listed["total"], listed["total_page"], listed["page_no"], listed["page_size"]) == (1, 1, 1, 10)
    (entry,) = listed["data"]
    assert (entry["task_id"], entry["status"], entry["model_name"]) == (task_id, "RUNNING", "wan3.0-video")
    assert entry["gmt_create"] == int((clock.now() - 10) * 1000)
    assert entry["request_id"] == answer.json()["request_id"]
    key = "apikey:v1:aigc:video-generation:video-synthesis:wan3.0-video"
    assert entry["user_api_unique_key"] == key
    assert not {"prompt", "orig_prompt", "video_url"} & set(entry)


def test_pages_and_filters(wan: Create, client: httpx.Client) -> None:
    ids = [made(wan(f"cat {n}")) for n in range(12)]
    made(wan(model="wan2.7-t2v", resolution="720P"))
    first = client.get(f"/wan{TASKS}/?model_name=wan3.0-video").json()
    second = client.get(f"/wan{TASKS}/?model_name=wan3.0-video&page_no=2").json()
    assert (first["total"], first["total_page"]) == (12, 2)
    assert [e["task_id"] for e in first["data"] + second["data"]] == ids[::-1]
    assert client.get(f"/wan{TASKS}/?status=SUCCEEDED").json()["total"] == 0
    assert client.get(f"/wan{TASKS}/?task_id={ids[3]}").json()["total"] == 1


@pytest.mark.parametrize("zone", ["china", "utc"])
def test_the_windows_zone_is_a_switch(
    wan: Create, client: httpx.Client, clock: ManualClock, settings: Callable[..., None], zone: str
) -> None:
    settings(list_zone=zone)
    made(wan())
    here = datetime.fromtimestamp(clock.now(), UTC if zone == "utc" else timezone(timedelta(hours=8)))
    span = [f"{here + timedelta(minutes=m):%Y%m%d%H%M%S}" for m in (-1, 1)]
    found = client.get(f"/wan{TASKS}/?start_time={span[0]}&end_time={span[1]}").json()
    assert found["total"] == 1
    assert client.get(f"/wan{TASKS}/?end_time={span[0]}").json()["total"] == 0
    assert client.get(f"/wan{TASKS}/?start_time={span[1]}").json()["total"] == 0
    wide = client.get(f"/wan{TASKS}/?start_time=20260101000000&end_time=20260105000000")
    assert wide.status_code == 400


@pytest.mark.parametrize(("over", "status"), [("clamp", 200), ("refuse", 400)])
def test_a_page_too_large(
    client: httpx.Client, settings: Callable[..., None], over: str, status: int
) -> None:
    settings(page_most=10, page_over=over)
    answer = client.get(f"/wan{TASKS}/?page_size=100")
    assert answer.status_code == status
    assert answer.json().get("page_size") == (10 if status == 200 else None)


# --- cancel, lifetimes ----------------------------------------------------------------------------------------


def test_only_a_waiting_task_can_be_cancelled(
    wan: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    task_id = made(wan())
    assert set(client.post(f"/wan{TASKS}/{task_id}/cancel").json()) == {"request_id"}
    assert task(client, task_id)["output"]["task_status"] == "CANCELED"
    assert vendors.bill()[0]["amount"] == "0"
    running = made(wan())
    clock.advance(10)
    late = client.post(f"/wan{TASKS}/{running}/cancel")
    assert (late.status_code, late.json()["code"]) == (400, "UnsupportedOperation")


def test_after_a_day_a_task_is_unknown_and_so_is_one_that_never_was(
    wan: Create, client: httpx.Client, clock: ManualClock
) -> None:
    task_id = made(wan())
    clock.advance(300)
    url = task(client, task_id)["output"]["video_url"]
    clock.advance(86_400)
    assert task(client, task_id)["output"] == {"task_id": task_id, "task_status": "UNKNOWN"}
    assert client.get(url).status_code == 403
    assert task(client, "no-such-task")["output"]["task_status"] == "UNKNOWN"
    assert client.get(f"/wan{TASKS}/").json()["total"] == 0


# --- uploads --------------------------------------------------------------------------------------------------


def put_up(client: httpx.Client, model: str, **changes: str) -> tuple[httpx.Response, str]:
    ticket = client.get(f"/wan/api/v1/uploads?action=getPolicy&model={model}").json()["data"]
    where = f"{ticket['upload_dir']}/a.png"
    form = {
        "OSSAccessKeyId": ticket["oss_access_key_id"],
        "Signature": ticket["signature"],
        "policy": ticket["policy"],
        "key": where,
        "x-oss-object-acl": ticket["x_oss_object_acl"],
        "x-oss-forbid-overwrite": ticket["x_oss_forbid_overwrite"],
        "success_action_status": "200",
    } | changes
    with httpx.Client(trust_env=False, verify=False) as stranger:
        data = base64.b64decode(png(720, 1280).partition(",")[2])
        answer = stranger.post(ticket["upload_host"], data=form, files={"file": ("a.png", data, "image/png")})
    return answer, f"oss://{where}"


def test_a_file_put_up_can_be_named_by_its_model_for_two_days(
    wan: Create, client: httpx.Client, clock: ManualClock
) -> None:
    answer, url = put_up(client, "wan2.7-i2v")
    assert answer.status_code == 200
    body = {
        "model": "wan2.7-i2v",
        "input": {"prompt": "a", "media": [{"type": "first_frame", "url": url}]},
        "parameters": {"resolution": "720P", "duration": 5},
    }
    assert client.post("/wan" + CREATE, json=body, headers=ASYNC).json()["code"] == "InvalidURL"
    resolving = ASYNC | {"X-DashScope-OssResourceResolve": "enable"}
    made(client.post("/wan" + CREATE, json=body, headers=resolving))
    other = client.post("/wan" + CREATE, json=body | {"model": "happyhorse-1.0-i2v"}, headers=resolving)
    assert other.json()["code"] == "InvalidURL"
    clock.advance(48 * 3600)
    assert client.post("/wan" + CREATE, json=body, headers=resolving).json()["code"] == "InvalidURL"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Signature": "no"}, "SignatureDoesNotMatch"),
        ({"policy": "no"}, "InvalidArgument"),
        ({"key": "elsewhere/a.png"}, "AccessDenied"),
    ],
)
def test_the_object_store_checks_the_form(client: httpx.Client, change: dict[str, str], code: str) -> None:
    answer, _ = put_up(client, "wan2.7-i2v", **change)
    assert answer.status_code in (400, 403)
    assert f"<Code>{code}</Code>" in answer.text


def test_the_object_store_wants_no_api_key(client: httpx.Client) -> None:
    ticket = client.get("/wan/api/v1/uploads?action=getPolicy&model=wan2.7-i2v").json()["data"]
    assert client.post(ticket["upload_host"], data={"a": "b"}).status_code == 400


def test_data_uris_are_taken_where_the_page_says_so(
    wan: Create, client: httpx.Client, settings: Callable[..., None]
) -> None:
    media = [{"type": "first_frame", "url": png(720, 1280)}]
    assert wan(model="wan2.7-i2v", media=media, resolution="720P").json()["code"] == "InvalidURL"
    settings(data_uris="all")
    made(wan(model="wan2.7-i2v", media=media, resolution="720P"))
