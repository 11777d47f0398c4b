"""Kling, the older API: requests as clients were seen to send them, its spellings and its refusals."""

from typing import Any

import httpx
import pytest

from dramagen.emulator import Handle, ManualClock

V1 = "/kling/v1/videos"

OBSERVED = [
    (
        "text2video",
        {
            "model_name": "kling-v3",
            "prompt": "A girl turns to camera",
            "sound": "on",
            "mode": "std",
            "aspect_ratio": "9:16",
            "duration": "5",
            "multi_shot": True,
            "shot_type": "customize",
            "multi_prompt": [
                {"index": 1, "prompt": "a", "duration": "2"},
                {"index": 2, "prompt": "b", "duration": "3"},
            ],
            "watermark_info": {"enabled": False},
            "external_task_id": "ext-1",
        },
        "4.5",
    ),
    (
        "image2video",
        {
            "model_name": "kling-v2-5-turbo",
            "prompt": "A girl turns to camera",
            "image": "iVBORwECAwQ=",
            "image_tail": "https://example.com/end.png",
            "mode": "pro",
            "duration": "10",
            "callback_url": "http://127.0.0.1:9/cb",
        },
        "5",
    ),
    (
        "text2video",
        {
            "model_name": "kling-v2-6",
            "prompt": "A girl turns",
            "mode": "pro",
            "aspect_ratio": "16:9",
            "duration": "5",
            "external_task_id": "ext-2",
        },
        "2.5",
    ),
    (
        "image2video",
        {
            "model_name": "kling-v2-5-turbo",
            "image": "aGVsbG8=",
            "mode": "pro",
            "aspect_ratio": "16:9",
            "duration": "10",
            "image_tail": "https://example.com/e.png",
            "prompt": "move",
        },
        "5",
    ),
    (
        "text2video",
        {
            "model_name": "kling-v2-6",
            "prompt": "A girl turns",
            "sound": "on",
            "mode": "pro",
            "aspect_ratio": "9:16",
            "duration": "5",
            "external_task_id": "ext-3",
        },
        "5",
    ),
]


@pytest.mark.parametrize(("product", "body", "amount"), OBSERVED)
def test_requests_seen_from_clients(
    client: httpx.Client, vendors: Handle, clock: ManualClock, product: str, body: dict[str, Any], amount: str
) -> None:
    answer = client.post(f"{V1}/{product}", json=body)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert data["task_status"] == "submitted"
    assert data["task_info"] == (
        {"external_task_id": body["external_task_id"]} if "external_task_id" in body else {}
    )
    clock.advance(150)
    task = client.get(f"{V1}/{product}/{data['task_id']}").json()["data"]
    assert task["task_status"] == "succeed", "the older API spells it without -ed"
    assert task["task_result"]["videos"][0]["duration"] in ("5.04", "10.04")
    assert task["final_unit_deduction"] == vendors.bill()[0]["amount"] == amount
    assert [
        each["task_id"] for each in client.get(f"{V1}/{product}?pageNum=1&pageSize=30").json()["data"]
    ] == [data["task_id"]]


def test_lookup_by_external_id_and_product(client: httpx.Client) -> None:
    body = {"model_name": "kling-v3", "prompt": "x", "external_task_id": "shot-1"}
    task_id = client.post(f"{V1}/text2video", json=body).json()["data"]["task_id"]
    assert client.get(f"{V1}/text2video/shot-1").json()["data"]["task_id"] == task_id
    for path in ("text2video/nobody", f"image2video/{task_id}"):
        miss = client.get(f"{V1}/{path}")
        assert (miss.status_code, miss.json()["code"], miss.json()["message"]) == (
            400,
            1201,
            "Task not found",
        )
    assert client.get("/kling/tasks", params={"task_ids": task_id}).json()["data"] == [], (
        "generations are apart"
    )


def test_late_failure(client: httpx.Client, clock: ManualClock) -> None:
    body = {"model_name": "kling-v3", "prompt": "x [[moderate-output]]"}
    task_id = client.post(f"{V1}/text2video", json=body).json()["data"]["task_id"]
    clock.advance(150)
    task = client.get(f"{V1}/text2video/{task_id}").json()["data"]
    assert task["task_status"] == "failed"
    assert "risk" in task["task_status_msg"]
    assert "final_unit_deduction" not in task


def test_omni_and_motion(client: httpx.Client, vendors: Handle) -> None:
    omni = {
        "model_name": "kling-v3-omni",
        "prompt": "<<<image_1>>> walks",
        "image_list": [{"image_url": "https://example.com/a.png", "type": "first_frame"}],
    }
    assert client.post(f"{V1}/omni-video", json=omni).status_code == 200
    motion = {
        "image_url": "https://example.com/a.png",
        "video_url": "https://example.com/v.mp4",
        "character_orientation": "image",
        "mode": "std",
    }
    assert client.post(f"{V1}/motion-control", json=motion).status_code == 200
    assert [row["amount"] for row in vendors.bill()] == ["4", "2.5"]


@pytest.mark.parametrize(
    ("product", "body", "field"),
    [
        ("text2video", {"model_name": "kling-v3"}, "prompt"),
        ("text2video", {"model_name": "kling-v3", "prompt": "x" * 2501}, "prompt"),
        ("text2video", {"model_name": "kling-v3", "prompt": "x", "mode": "standard"}, "mode"),
        ("text2video", {"model_name": "kling-v2-6", "prompt": "x", "mode": "4k"}, "mode"),
        ("text2video", {"model_name": "kling-v3", "prompt": "x", "duration": 5}, "duration"),
        ("text2video", {"model_name": "kling-v2-6", "prompt": "x", "duration": "6"}, "duration"),
        ("text2video", {"model_name": "kling-v2-6", "prompt": "x", "sound": "on"}, "sound"),
        (
            "text2video",
            {"model_name": "kling-v2-5-turbo", "prompt": "x", "mode": "pro", "sound": "on"},
            "sound",
        ),
        ("text2video", {"model_name": "kling-v3", "prompt": "x", "aspect_ratio": "4:3"}, "aspect_ratio"),
        ("text2video", {"model_name": "kling-v3", "prompt": "x", "cfg_scale": 2}, "cfg_scale"),
        (
            "text2video",
            {"model_name": "kling-v3", "prompt": "x", "camera_control": {"type": "simple"}},
            "camera_control",
        ),
        ("text2video", {"model_name": "kling-v2-6", "prompt": "x", "multi_shot": True}, "multi_shot"),
        (
            "text2video",
            {"model_name": "kling-v3", "multi_shot": True, "shot_type": "customize"},
            "multi_prompt",
        ),
        (
            "text2video",
            {"model_name": "kling-v3", "prompt": "x", "voice_list": [{"voice_id": "1"}]},
            "voice_list",
        ),
        ("text2video", {"model_name": "kling-v3", "prompt": "x", "external_task_id": 5}, "external_task_id"),
        ("image2video", {"model_name": "kling-v3", "prompt": "x"}, "image"),
        ("image2video", {"model_name": "kling-v3", "image_tail": "https://a.b/c.png"}, "image_tail"),
        ("image2video", {"model_name": "kling-v3", "image": "data:image/png;base64,AAAA"}, "data:"),
        ("image2video", {"model_name": "kling-v2-6", "image": "AAAA", "image_tail": "AAAA"}, "image_tail"),
        (
            "image2video",
            {"model_name": "kling-v3", "image": "AAAA", "element_list": [{"element_id": "1"}]},
            "element",
        ),
        ("omni-video", {"prompt": "x"}, "aspect_ratio"),
        ("omni-video", {"prompt": "x", "aspect_ratio": "1:1", "duration": "7"}, "duration"),
        (
            "omni-video",
            {"prompt": "x", "image_list": [{"image_url": "AAAA", "type": "end_frame"}]},
            "end_frame",
        ),
        ("omni-video", {"prompt": "x", "video_list": [{"video_url": "AAAA"}]}, "video_url"),
        (
            "motion-control",
            {"image_url": "AAAA", "video_url": "https://a.b/c", "mode": "std"},
            "character_orientation",
        ),
    ],
)
def test_refusals(
    client: httpx.Client, vendors: Handle, product: str, body: dict[str, Any], field: str
) -> None:
    answer = client.post(f"{V1}/{product}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, 1201), answer.text
    assert field in answer.json()["message"]
    assert not vendors.bill()


@pytest.mark.parametrize(
    "body", [{"prompt": "x"}, {"model_name": "kling-v1-6", "prompt": "x"}, {"model_name": 3}]
)
def test_retired_models_are_gone(client: httpx.Client, body: dict[str, Any]) -> None:
    answer = client.post(f"{V1}/text2video", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, 1203)


def test_unknown_product(client: httpx.Client) -> None:
    assert client.post(f"{V1}/text2song", json={}).json()["code"] == 1203
