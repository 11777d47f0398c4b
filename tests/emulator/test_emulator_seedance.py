"""Seedance: the life of a task, its price, lists, deletion and the notes' worked examples."""

import base64
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import av
import httpx
import pytest

from dramagen.emulator import Handle, ManualClock

ARK = "/api/v3/contents/generations/tasks"
Create = Callable[..., httpx.Response]


def _task(client: httpx.Client, task_id: str, at: str = "/seedance") -> dict[str, Any]:
    answer = client.get(f"{at}{ARK}/{task_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_example_a_text_to_video_succeeds(client: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    body = {
        "model": "doubao-seedance-2-0-260128",
        "content": [{"type": "text", "text": '雨夜，女主推门而入，镜头缓慢推近。她说："你终于来了。"'}],
        "resolution": "720p",
        "ratio": "9:16",
        "duration": 5,
        "generate_audio": True,
        "watermark": False,
        "seed": 417203,
        "execution_expires_after": 7200,
    }
    task_id = client.post("/seedance" + ARK, json=body).json()["id"]
    assert task_id.startswith("cgt-")
    assert _task(client, task_id)["status"] == "queued"
    clock.advance(5)
    running = _task(client, task_id)
    assert running["status"] == "running"
    assert set(running) == {
        "id",
        "model",
        "status",
        "created_at",
        "updated_at",
        "service_tier",
        "execution_expires_after",
    }
    clock.advance(200)
    done = _task(client, task_id)
    assert done["status"] == "succeeded"
    assert done["usage"] == {"completion_tokens": 108900, "total_tokens": 108900}
    wanted = {"seed": 417203, "resolution": "720p", "ratio": "9:16", "duration": 5, "framespersecond": 24}
    assert wanted.items() <= done.items()
    assert vendors.bill()[0] | {"created": 0} == {
        "provider": "seedance",
        "region": "cn",
        "model": "doubao-seedance-2-0-260128",
        "id": task_id,
        "tag": "417203:7200",
        "state": "succeeded",
        "amount": "5.0094",
        "currency": "CNY",
        "created": 0,
    }
    with av.open(io.BytesIO(client.get(done["content"]["video_url"]).content)) as container:
        video = container.streams.video[0]
        assert (video.width, video.height, video.frames) == (720, 1280, 121)
        assert container.streams.audio


def test_example_b_first_and_last_frame_with_last_frame_returned(
    client: httpx.Client, clock: ManualClock
) -> None:
    frames = [
        {"type": "image_url", "image_url": {"url": f"https://example.invalid/{name}.png"}, "role": role}
        for name, role in (("a", "first_frame"), ("b", "last_frame"))
    ]
    body = {
        "model": "dreamina-seedance-2-5-260628",
        "content": [{"type": "text", "text": "She turns and walks to the window."}, *frames],
        "resolution": "720p",
        "duration": 6,
        "generate_audio": False,
        "return_last_frame": True,
    }
    task_id = client.post("/seedance@intl" + ARK, json=body).json()["id"]
    clock.advance(400)
    done = _task(client, task_id, "/seedance@intl")
    assert done["usage"]["completion_tokens"] == 130500
    assert done["output_format"] == "mp4"
    picture = client.get(done["content"]["last_frame_url"])
    assert picture.headers["content-type"] == "image/jpeg"
    with av.open(io.BytesIO(picture.content), format="mjpeg") as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (1280, 720)


def test_example_c_output_moderated_is_free(
    ark: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    task_id = ark("rain [[moderate-output]]").json()["id"]
    assert Decimal(vendors.bill()[0]["amount"]) > 0
    clock.advance(400)
    failed = _task(client, task_id)
    assert failed["status"] == "failed"
    assert failed["error"]["code"] == "OutputVideoSensitiveContentDetected"
    assert vendors.bill()[0]["amount"] == "0"


@pytest.mark.parametrize(
    ("at", "model", "fields", "tokens", "amount"),
    [
        # Worked bills of the vendors' price pages and of reported runs, 2026.
        ("/seedance", "doubao-seedance-2-5-260628", {"resolution": "480p"}, 48437, "3.39059"),
        ("/seedance", "doubao-seedance-2-5-260628", {"resolution": "480p", "duration": 4}, 38830, "2.7181"),
        ("/seedance", "doubao-seedance-2-5-260628", {"resolution": "1080p"}, 245025, "18.866925"),
        ("/seedance@intl", "dreamina-seedance-2-5-260628", {"resolution": "720p"}, 108900, "1.16523"),
        ("/seedance", "doubao-seedance-2-0-260128", {"resolution": "4K"}, 980100, "25.4826"),
        (
            "/seedance",
            "doubao-seedance-2-0-260128",
            {"resolution": "1080p", "ratio": "3:4", "duration": 15},
            732108,
            "37.337508",
        ),
        ("/seedance", "doubao-seedance-2-0-fast-260128", {"resolution": "480p"}, 50638, "1.873606"),
        ("/seedance", "doubao-seedance-2-0-mini-260615", {}, 108900, "2.5047"),
        ("/seedance", "doubao-seedance-1-0-pro-250528", {"resolution": "480p"}, 49005, "0.735075"),
        (
            "/seedance",
            "doubao-seedance-1-0-pro-250528",
            {"resolution": "480p", "service_tier": "flex"},
            49005,
            "0.3675375",
        ),
        ("/seedance@intl", "seedance-1-0-pro-fast-251015", {"resolution": "1080p"}, 246840, "0.24684"),
    ],
)
def test_prices(
    ark: Create,
    client: httpx.Client,
    clock: ManualClock,
    vendors: Handle,
    at: str,
    model: str,
    fields: dict[str, Any],
    tokens: int,
    amount: str,
) -> None:
    answer = ark(at=at, model=model, **fields)
    assert answer.status_code == 200, answer.text
    assert vendors.bill()[0]["amount"] == amount
    clock.advance(400)
    assert _task(client, answer.json()["id"], at)["usage"]["completion_tokens"] == tokens


def test_video_input_is_counted_at_its_own_price(ark: Create, vendors: Handle) -> None:
    video = {
        "type": "video_url",
        "video_url": {"url": "https://example.com/a.mp4?seconds=30"},
        "role": "reference_video",
    }
    content = [{"type": "text", "text": "like this"}, video]
    answer = ark(model="doubao-seedance-2-5-260628", content=content, duration=30, ratio="16:9")
    assert answer.status_code == 200, answer.text
    assert vendors.bill()[0]["amount"] == "54.4698"  # 1,296,900 tokens at 42


def test_null_is_absent(ark: Create) -> None:
    assert ark(camera_fixed=None, frames=None, service_tier=None, draft=None).status_code == 200


def test_frames_replace_duration(ark: Create, client: httpx.Client, clock: ManualClock) -> None:
    task_id = ark(model="doubao-seedance-1-0-pro-250528", frames=29).json()["id"]
    clock.advance(400)
    task = _task(client, task_id)
    assert task["frames"] == 29
    assert "duration" not in task


def test_tasks_queue_over_the_limit_and_start_by_priority(
    ark: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(seedance={"concurrency": 1})
    first = ark().json()["id"]
    clock.advance(5)
    second, third = (ark(priority=priority).json()["id"] for priority in (0, 9))
    clock.advance(10)
    assert [_task(client, each)["status"] for each in (first, second, third)] == [
        "running",
        "queued",
        "queued",
    ]
    clock.advance(181)
    assert [_task(client, each)["status"] for each in (first, second, third)] == [
        "succeeded",
        "queued",
        "running",
    ]


def test_a_task_expires(ark: Create, client: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    vendors.settings(seedance={"concurrency": 0})
    task_id = ark(execution_expires_after=3600).json()["id"]
    clock.advance(3601)
    assert _task(client, task_id)["status"] == "expired"
    assert vendors.bill()[0]["amount"] == "0"


def test_delete_by_state(ark: Create, client: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    queued, other = ark().json()["id"], ark().json()["id"]
    answer = client.delete(f"/seedance{ARK}/{queued}")
    assert (answer.status_code, answer.json()) == (200, {})
    assert _task(client, queued)["status"] == "cancelled"
    assert client.delete(f"/seedance{ARK}/{queued}").status_code == 409
    clock.advance(10)
    refused = client.delete(f"/seedance{ARK}/{other}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (
        409,
        "InvalidAction.RunningTaskDeletion",
    )
    clock.advance(400)
    assert client.delete(f"/seedance{ARK}/{other}").status_code == 200
    gone = client.get(f"/seedance{ARK}/{other}")
    assert gone.status_code == 404
    assert gone.json()["error"]["code"].startswith("NotFound")
    assert len(vendors.bill()) == 2, "a deleted task stays on the bill"
    clock.advance(86_400)
    assert client.get(f"/seedance{ARK}/{queued}").status_code == 404, "a cancelled record lives for a day"


def test_a_record_lives_for_seven_days(ark: Create, client: httpx.Client, clock: ManualClock) -> None:
    task_id = ark().json()["id"]
    clock.advance(7 * 86_400 - 1)
    assert _task(client, task_id)["status"] == "succeeded"
    clock.advance(1)
    assert client.get(f"/seedance{ARK}/{task_id}").status_code == 404


def test_list_filters(ark: Create, client: httpx.Client, clock: ManualClock) -> None:
    plain = ark().json()["id"]
    fast = ark(model="doubao-seedance-2-0-fast-260128").json()["id"]
    flex = ark(model="doubao-seedance-1-0-pro-250528", service_tier="flex").json()["id"]
    assert flex.startswith("cgt-batch-")

    def listed(**query: Any) -> list[str]:
        clock.advance(1)
        answer = client.get("/seedance" + ARK, params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert listed() == [fast, plain], "flex tasks are hidden unless asked for"
    assert listed(**{"filter.service_tier": "flex"}) == [flex]
    assert listed(**{"filter.model": "doubao-seedance-2-0-fast-260128"}) == [fast]
    assert listed(**{"filter.task_ids": [plain, "cgt-none"]}) == [plain]
    assert listed(**{"filter.status": "succeeded"}) == []
    assert listed(page_num=2, page_size=1) == [plain]


def test_list_is_limited_to_one_call_a_second(client: httpx.Client, clock: ManualClock) -> None:
    assert client.get("/seedance" + ARK).status_code == 200
    second = client.get("/seedance" + ARK)
    assert (second.status_code, second.json()["error"]["code"]) == (429, "APIAccountRpmRateLimitExceeded")
    clock.advance(1)
    assert client.get("/seedance" + ARK).status_code == 200


def test_accounts_do_not_see_each_other(ark: Create, client: httpx.Client) -> None:
    task_id = ark().json()["id"]
    other = {"authorization": "Bearer key-two"}
    assert client.get(f"/seedance{ARK}/{task_id}", headers=other).status_code == 404
    assert client.get("/seedance" + ARK, headers=other).json() == {"total": 0, "items": []}
    assert client.get(f"/seedance@intl{ARK}/{task_id}").status_code == 404


def test_a_post_below_a_task_is_a_create(client: httpx.Client, ark: Create, vendors: Handle) -> None:
    task_id = ark().json()["id"]
    body = {"model": "doubao-seedance-2-0-260128", "content": [{"type": "text", "text": "x"}]}
    assert client.post(f"/seedance{ARK}/{task_id}/cancel", json=body).status_code == 200
    assert len(vendors.bill()) == 2


def test_draft_then_final(ark: Create, client: httpx.Client, clock: ManualClock) -> None:
    model = "doubao-seedance-2-5-260628"
    draft = ark(model=model, draft=True, resolution="480p").json()["id"]
    content = [{"type": "draft_task", "draft_task": {"id": draft}}]
    early = client.post("/seedance" + ARK, json={"model": model, "content": content})
    assert early.status_code == 400
    clock.advance(400)
    again = client.post("/seedance" + ARK, json={"model": model, "content": content, "duration": 5})
    assert again.json()["error"]["param"] == "duration"
    final = client.post("/seedance" + ARK, json={"model": model, "content": content}).json()["id"]
    clock.advance(400)
    task = _task(client, final)
    assert (task["resolution"], task["ratio"], task["draft_task_id"]) == ("1080p", "9:16", draft)


def test_endpoint_ids_and_full_model_id(ark: Create, client: httpx.Client, vendors: Handle) -> None:
    vendors.settings(seedance={"endpoints": {"ep-1": "doubao-seedance-2-0-260128"}})
    task_id = ark(model="ep-1").json()["id"]
    assert _task(client, task_id)["model"] == "doubao-seedance-2-0-260128"


def test_modes_of_echo(ark: Create, client: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    vendors.settings(seedance={"echo_early": True})
    task_id = ark(seed=7).json()["id"]
    assert _task(client, task_id)["seed"] == 7
    vendors.settings(seedance={"seed_echo": False})
    assert "seed" not in _task(client, task_id)


def test_odd_shapes_of_a_task(ark: Create, client: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    vendors.settings(seedance={"failed_error": False, "numbers": "string", "running_word": "pondering"})
    good, bad = ark().json()["id"], ark("x [[fail]]").json()["id"]
    clock.advance(10)
    assert _task(client, good)["status"] == "pondering"
    clock.advance(300)
    done = _task(client, good)
    assert (done["duration"], done["usage"]["completion_tokens"]) == ("5", "108900")
    failed = _task(client, bad)
    assert failed["status"] == "failed"
    assert "error" not in failed


@pytest.mark.parametrize(
    ("marker", "code"),
    [
        ("[[moderate-output]]", "OutputVideoSensitiveContentDetected"),
        ("[[moderate-copyright]]", "OutputVideoSensitiveContentDetected.PolicyViolation"),
        ("[[moderate-audio]]", "OutputAudioSensitiveContentDetected"),
        ("[[fail]]", "InternalServiceError"),
    ],
)
def test_verdicts(ark: Create, client: httpx.Client, clock: ManualClock, marker: str, code: str) -> None:
    task_id = ark(f"x {marker}").json()["id"]
    clock.advance(300)
    task = _task(client, task_id)
    assert (task["status"], task["error"]["code"]) == ("failed", code)
    assert "Request id: 02" in task["error"]["message"]


def test_a_clip_without_sound_has_none_to_refuse(
    ark: Create, client: httpx.Client, clock: ManualClock
) -> None:
    task_id = ark("x [[moderate-audio]]", generate_audio=False).json()["id"]
    clock.advance(300)
    assert _task(client, task_id)["status"] == "succeeded"


def test_output_follows_the_first_frame(ark: Create, client: httpx.Client, clock: ManualClock) -> None:
    def made(model: str, width: int, height: int) -> tuple[str, int]:
        head = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + b"IHDR" + width.to_bytes(4) + height.to_bytes(4)
        url = "data:image/png;base64," + base64.b64encode(head).decode()
        frame = {"type": "image_url", "image_url": {"url": url}, "role": "first_frame"}
        task_id = ark(model=model, content=[frame], ratio=None).json()["id"]
        clock.advance(300)
        task = _task(client, task_id)
        return task["ratio"], task["usage"]["completion_tokens"]

    assert made("doubao-seedance-2-0-260128", 720, 1280) == ("9:16", 108900)
    assert made("doubao-seedance-2-0-260128", 1000, 800) == ("4:3", 1112 * 834 * 121 // 1024)
    assert made("doubao-seedance-2-5-260628", 720, 1280)[0] == "9:16"
    ratio, tokens = made("doubao-seedance-2-5-260628", 1000, 800)
    assert ratio == "5:4", "2.5 keeps the frame's own ratio"
    assert abs(tokens / 108900 - 1) < 0.01


def test_2_5_chooses_the_length_itself(ark: Create, client: httpx.Client, clock: ManualClock) -> None:
    task_id = ark(model="doubao-seedance-2-5-260628", duration=None).json()["id"]
    clock.advance(300)
    assert _task(client, task_id)["duration"] == 10


def test_models_are_listed(client: httpx.Client) -> None:
    ids = {each["id"] for each in client.get("/seedance/api/v3/models").json()["data"]}
    assert "doubao-seedance-2-5-260628" in ids
