"""Kling, path-routed API: the life of a task, look-ups, prices and the switches for what its pages leave open."""

import io
from collections.abc import Callable
from typing import Any

import av
import httpx
import pytest

from dramagen.emulator import Handle, ManualClock

Create = Callable[..., httpx.Response]


def _tasks(client: httpx.Client, at: str = "/kling", **query: str) -> list[dict[str, Any]]:
    answer = client.get(f"{at}/tasks", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["code"] == 0
    return list(answer.json()["data"])


def _id(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["data"]["id"])


def _code(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["code"]


def test_examples_a_and_b_create_and_poll(client: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    body = {
        "prompt": "雨夜,女主推门而入,镜头缓慢推近",
        "settings": {
            "multi_shot": False,
            "audio": "off",
            "resolution": "1080p",
            "aspect_ratio": "9:16",
            "duration": 5,
        },
        "options": {"external_task_id": "ep01-s03-t1", "watermark_info": {"enabled": False}},
    }
    created = client.post("/kling/text-to-video/kling-3.0", json=body).json()
    assert (created["code"], created["message"]) == (0, "SUCCEED")
    assert created["data"]["status"] == "submitted"
    assert created["data"]["external_id"] == "ep01-s03-t1"
    task_id = created["data"]["id"]
    clock.advance(5)
    [task] = _tasks(client, task_ids=task_id)
    assert (task["status"], task["outputs"], task["billing"]) == ("processing", [], [])
    clock.advance(120)
    [task] = _tasks(client, external_task_ids="ep01-s03-t1")
    assert (task["id"], task["status"], task["message"]) == (task_id, "succeeded", "")
    assert task["outputs"][0]["duration"] == "5.04"
    assert task["billing"] == [{"charge_type": "unit", "amount": "4", "package_type": "video"}]
    with av.open(io.BytesIO(client.get(task["outputs"][0]["url"]).content)) as container:
        video = container.streams.video[0]
        assert (video.width, video.height, video.frames) == (1080, 1920, 121)
        assert not container.streams.audio
    assert [(row["tag"], row["amount"], row["currency"]) for row in vendors.bill()] == [
        ("ep01-s03-t1", "4", "CNY")
    ]


def test_example_c_frames_and_elements(client: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    body = {
        "contents": [
            {"type": "prompt", "text": "@lin 抬头看向 @gu"},
            {"type": "first_frame", "url": "iVBORw0KGgo="},
            {"type": "last_frame", "url": "https://img.example/last.png"},
            {"type": "element", "element_id": "172", "id": "lin"},
            {"type": "element", "element_id": "173", "id": "gu"},
        ],
        "settings": {"multi_shot": False, "audio": "native", "resolution": "720p", "duration": 8},
        "options": {"external_task_id": "ep01-s04-t2"},
    }
    _id(client.post("/kling/image-to-video/kling-3.0", json=body))
    assert vendors.bill()[0]["amount"] == "7.2"


@pytest.mark.parametrize(
    ("at", "path", "settings", "extra", "amount"),
    [
        ("/kling", "text-to-video/kling-3.0", {"resolution": "1080p"}, [], "4"),
        ("/kling@intl", "text-to-video/kling-3.0", {"resolution": "1080p"}, [], "0.56"),
        ("/kling@intl", "text-to-video/kling-3.0", {"audio": "native"}, [], "0.63"),
        (
            "/kling@intl",
            "text-to-video/kling-2.5-turbo",
            {"resolution": "1080p", "multi_shot": None},
            [],
            "0.35",
        ),
        (
            "/kling@intl",
            "text-to-video/kling-3.0-turbo",
            {"resolution": "1080p", "multi_shot": None},
            [],
            "0.7",
        ),
        ("/kling", "text-to-video/kling-3.0", {"resolution": "4k", "duration": 15}, [], "45"),
        (
            "/kling",
            "text-to-video/kling-2.6",
            {"resolution": "1080p", "audio": "native", "multi_shot": None},
            [],
            "5",
        ),
        ("/kling", "omni-video/kling-3.0-omni", {"aspect_ratio": "1:1", "audio": "native"}, [], "4"),
        ("/kling", "omni-video/kling-3.0-omni", {}, ["base_video"], "4.5"),
        ("/kling", "omni-video/kling-o1", {"multi_shot": None, "duration": 3}, ["feature_video"], "2.7"),
        ("/kling", "text-to-video/kling-4.0", {"multi_shot": None, "aspect_ratio": "21:9"}, [], "5.6"),
        (
            "/kling",
            "omni-video/kling-4.0",
            {"multi_shot": None, "aspect_ratio": "1:1"},
            ["feature_video"],
            "6.7",
        ),
    ],
)
def test_prices(
    client: httpx.Client,
    vendors: Handle,
    at: str,
    path: str,
    settings: dict[str, Any],
    extra: list[str],
    amount: str,
) -> None:
    body: dict[str, Any] = {"settings": {"multi_shot": False, **settings}}
    if path.startswith("text"):
        body["prompt"] = "a cat"
    else:
        videos = [{"type": kind, "url": "https://example.com/v.mp4"} for kind in extra]
        body["contents"] = [{"type": "prompt", "text": "a cat"}, *videos]
    _id(client.post(f"{at}/{path}", json=body))
    assert vendors.bill()[0]["amount"] == amount


def test_motion_control(client: httpx.Client, vendors: Handle) -> None:
    contents = [
        {"type": "prompt", "text": "dance"},
        {"type": "image", "url": "https://example.com/a.png"},
        {"type": "video", "url": "https://example.com/v.mp4?seconds=8"},
    ]
    path = "/kling/motion-control/kling-3.0"
    wrong = client.post(path, json={"contents": contents})
    assert "character_orientation" in wrong.json()["message"]
    _id(client.post(path, json={"contents": contents, "settings": {"character_orientation": "image"}}))
    assert vendors.bill()[0]["amount"] == "7.2"


def test_unknown_ids_are_left_out(kling: Create, client: httpx.Client) -> None:
    task_id = _id(kling())
    assert [task["id"] for task in _tasks(client, task_ids=f"{task_id},1")] == [task_id]
    assert _tasks(client, external_task_ids="nobody") == []
    for query in ({}, {"ids": "1"}, {"task_ids": "1", "external_task_ids": "2"}):
        answer = client.get("/kling/tasks", params=query)
        assert _code(answer) == (400, 1201)
        assert answer.json()["message"] == "task_ids or external_task_ids is required"


def test_listing(kling: Create, client: httpx.Client, clock: ManualClock) -> None:
    def listed(**body: Any) -> dict[str, Any]:
        return dict(client.post("/kling/tasks", json=body).json()["data"])

    assert listed() == {"count": 0, "has_more": False}
    first = _id(kling())
    clock.advance(200)
    second = _id(kling())
    page = listed(limit=1)
    assert ([task["id"] for task in page["result"]], page["has_more"]) == ([second], True)
    rest = listed(limit=1, cursor=page["next_cursor"])
    assert ([task["id"] for task in rest["result"]], rest["has_more"]) == ([first], False)
    done = listed(filters=[{"key": "status", "values": ["succeeded"]}])
    assert [task["id"] for task in done["result"]] == [first]
    since = str(int((clock.now() - 100) * 1000))
    assert [task["id"] for task in listed(start_time=since)["result"]] == [second]
    assert _code(client.post("/kling/tasks", json={"limit": 501})) == (400, 1201)
    assert _code(client.post("/kling/tasks", json={"start_time": "noon"})) == (400, 1201)


@pytest.mark.parametrize(("mode", "rows"), [("reject", 1), ("dedupe", 1), ("allow", 2)])
def test_duplicate_external_id(kling: Create, vendors: Handle, mode: str, rows: int) -> None:
    vendors.settings(kling={"duplicate_external_id": mode})
    options = {"external_task_id": "shot-1"}
    first = _id(kling(options=options))
    second = kling(options=options)
    if mode == "reject":
        assert _code(second) == (400, 1201)
        assert "external_task_id" in second.json()["message"]
    else:
        assert (_id(second) == first) is (mode == "dedupe")
    assert len(vendors.bill()) == rows


def test_a_blank_external_id_is_none(kling: Create, vendors: Handle) -> None:
    for _ in range(2):
        assert "external_id" not in kling(options={"external_task_id": ""}).json()["data"]
    assert len(vendors.bill()) == 2


@pytest.mark.parametrize("mode", ["reject", "ignore", "honour"])
def test_external_id_on_4(client: httpx.Client, vendors: Handle, mode: str) -> None:
    vendors.settings(kling={"external_id_on_4": mode})
    body = {"prompt": "a cat", "options": {"external_task_id": "shot-1"}}
    answer = client.post("/kling/text-to-video/kling-4.0", json=body)
    if mode == "reject":
        assert _code(answer) == (400, 1201)
    else:
        assert len(_tasks(client, external_task_ids="shot-1")) == (mode == "honour")


def test_lookup_delay(kling: Create, client: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    vendors.settings(kling={"lookup_delay": 30})
    task_id = _id(kling(options={"external_task_id": "shot-1"}))
    assert _tasks(client, external_task_ids="shot-1") == []
    assert client.post("/kling/tasks", json={}).json()["data"]["count"] == 0
    assert len(_tasks(client, task_ids=task_id)) == 1
    clock.advance(30)
    assert len(_tasks(client, external_task_ids="shot-1")) == 1


def test_concurrency_is_refused_until_a_slot_frees(
    kling: Create, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(kling={"concurrency": 1})
    _id(kling())
    assert _code(kling()) == (429, 1303)
    clock.advance(120)
    _id(kling())
    assert len(vendors.bill()) == 2


def test_balance(kling: Create, vendors: Handle) -> None:
    vendors.settings(kling={"balance": "5"})
    _id(kling())
    answer = kling()
    assert _code(answer) == (429, 1102)
    assert len(vendors.bill()) == 1


@pytest.mark.parametrize("marker", ["[[moderate-output]]", "[[fail]]"])
def test_late_failure_is_free_text(
    kling: Create, client: httpx.Client, clock: ManualClock, vendors: Handle, marker: str
) -> None:
    task_id = _id(kling(f"a cat {marker}"))
    clock.advance(120)
    [task] = _tasks(client, task_ids=task_id)
    assert (task["status"], task["billing"], task["outputs"]) == ("failed", [], [])
    assert ("risk" in task["message"]) is (marker == "[[moderate-output]]")
    assert vendors.bill()[0]["amount"] == "0"


@pytest.mark.parametrize(
    ("style", "text"), [("exact", "5.04"), ("whole", "5"), ("tenths", "5.0"), ("missing", None)]
)
def test_shapes_of_a_result(
    kling: Create, client: httpx.Client, clock: ManualClock, vendors: Handle, style: str, text: str | None
) -> None:
    vendors.settings(kling={"duration_text": style, "extra_output": True, "billing": "missing"})
    task_id = _id(kling())
    clock.advance(120)
    [task] = _tasks(client, task_ids=task_id)
    assert [output["type"] for output in task["outputs"]] == ["image", "video"]
    assert task["outputs"][1].get("duration") == text
    assert "billing" not in task


def test_watermarked_url(kling: Create, client: httpx.Client, clock: ManualClock) -> None:
    task_id = _id(kling(options={"watermark_info": {"enabled": True}}))
    clock.advance(120)
    [task] = _tasks(client, task_ids=task_id)
    assert client.get(task["outputs"][0]["watermark_url"]).status_code == 200


def test_accounts_and_regions_are_apart(kling: Create, client: httpx.Client) -> None:
    task_id = _id(kling(options={"external_task_id": "shot-1"}))
    other = {"authorization": "Bearer key-two"}
    assert client.get("/kling/tasks", params={"task_ids": task_id}, headers=other).json()["data"] == []
    assert _tasks(client, at="/kling@intl", external_task_ids="shot-1") == []


def test_balance_is_shown(kling: Create, client: httpx.Client) -> None:
    _id(kling())
    answer = client.get("/kling/account/costs", params={"start_time": 0, "end_time": 1})
    [pack] = answer.json()["data"]["resource_pack_subscribe_infos"]
    assert pack["total_quantity"] - pack["remaining_quantity"] == 3
    assert _code(client.get("/kling/account/costs")) == (400, 1201)
