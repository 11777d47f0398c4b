"""Hailuo, second generation (H3): the life of a task, list and cancel, prices, refusals and switches."""

import base64
import io
from collections.abc import Callable
from typing import Any

import av
import httpx
import pytest

from dramagen.emulator import Handle, ManualClock

TASKS, QUERY = "/v2/video_generation", "/v2/query/video_generation"
Create = Callable[..., httpx.Response]


def png(width: int, height: int) -> str:
    """A data URI with the header of a picture, which is all the emulator reads."""
    head = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + b"IHDR" + width.to_bytes(4) + height.to_bytes(4)
    return "data:image/png;base64," + base64.b64encode(head).decode()


def picture(
    url: str = "https://cdn.example.com/a.png", role: str | None = "reference_image"
) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}} | ({"role": role} if role else {})


def film(seconds: float) -> dict[str, Any]:
    url = f"https://cdn.example.com/v.mp4?seconds={seconds}"
    return {"type": "video_url", "video_url": {"url": url}, "role": "reference_video"}


@pytest.fixture
def create(client: httpx.Client) -> Create:
    def make(
        prompt: str = "雨夜", *media: dict[str, Any], at: str = "/hailuo", **fields: Any
    ) -> httpx.Response:
        body = {
            "model": "MiniMax-H3",
            "content": [{"type": "text", "text": prompt}, *media],
            "resolution": "768P",
            "duration": 5,
            "ratio": "9:16",
        } | fields
        return client.post(at + TASKS, json={k: v for k, v in body.items() if v is not None})

    return make


def task_id(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["task_id"]
    return str(answer.json()["task_id"])


def shown(client: httpx.Client, id_: str, at: str = "/hailuo") -> dict[str, Any]:
    answer = client.get(f"{at}{QUERY}/{id_}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["task"])


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert body["type"] == "error"
    assert body["error"]["http_code"] == str(answer.status_code)
    assert body["request_id"]
    return answer.status_code, body["error"]["type"], body["error"]["message"]


def test_the_published_example(client: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    vendors.settings(hailuo={"handshake": "skip", "callbacks": "never"})
    body = {
        "model": "MiniMax-H3",
        "content": [
            {"type": "text", "text": "雨夜，女主推开门，抬头。(S1) 你终于来了。"},
            picture("https://cdn.example.com/s01_first.png", "first_frame"),
            picture("https://cdn.example.com/s01_last.png", "last_frame"),
        ],
        "resolution": "768P",
        "duration": 6,
        "ratio": "adaptive",
        "callback_url": "https://app.example.com/cb/9f2c",
    }
    id_ = task_id(client.post("/hailuo" + TASKS, json=body))
    assert shown(client, id_)["status"] == "queued"
    clock.advance(10)
    task = shown(client, id_)
    assert (task["status"], task["usage"], task["task_type"], task["modality"]) == (
        "running", {}, "generation", "video",
    )  # fmt: skip
    assert "content" not in task
    clock.advance(200)
    task = shown(client, id_)
    assert task["status"] == "succeeded"
    assert task["usage"]["output_seconds"] == 6
    assert task["usage"]["input_image_count"] == 2
    assert task["updated_at"] > task["created_at"]
    assert client.get(task["content"]["url"], headers={"authorization": ""}).status_code == 200
    assert [(row["amount"], row["currency"]) for row in vendors.bill()] == [("3", "CNY")]


@pytest.mark.parametrize(
    ("rounding", "seconds", "frames"),
    [
        ("nearest", 5, 124),
        ("nearest", 6, 141),
        ("up", 6, 158),
        ("nearest", 8, 192),
        ("nearest", 10, 243),
        ("up", 4, 107),
        ("nearest", 15, 362),
        ("exact", 6, 144),
    ],
)
def test_a_clip_has_sound_and_lies_on_the_grid(
    client: httpx.Client,
    clock: ManualClock,
    vendors: Handle,
    create: Create,
    rounding: str,
    seconds: int,
    frames: int,
) -> None:
    vendors.settings(hailuo={"grid_rounding": rounding})
    id_ = task_id(create(duration=seconds))
    clock.advance(300)
    clip = client.get(shown(client, id_)["content"]["url"]).content
    with av.open(io.BytesIO(clip)) as container:
        video = container.streams.video[0]
        assert (video.width, video.height, video.frames) == (768, 1344, frames)
        assert container.streams.audio


@pytest.mark.parametrize(
    ("at", "fields", "media", "amount"),
    [
        ("/hailuo", {}, [], "2.5"),
        ("/hailuo@intl", {}, [], "0.4"),
        ("/hailuo@intl", {"resolution": "2K"}, [], "0.65"),
        ("/hailuo", {"resolution": "2K", "duration": 15}, [], "12"),
        ("/hailuo@intl", {"model": "MiniMax-H3-Max", "resolution": "480P"}, [], "0.25"),
        ("/hailuo", {"model": "MiniMax-H3-Max", "resolution": "480P"}, [], "1.65"),
        ("/hailuo@intl", {}, [picture()] * 7, "0.48"),
        ("/hailuo@intl", {"model": "MiniMax-H3-Max"}, [picture()] * 3, "0.474"),
        ("/hailuo@intl", {}, [film(4.2)], "0.8"),
        ("/hailuo@intl", {"resolution": "2K"}, [film(2), film(2.1)], "1.3"),
    ],
)
def test_what_a_job_costs(
    create: Create, vendors: Handle, at: str, fields: dict[str, Any], media: list[Any], amount: str
) -> None:
    task_id(create("a cat", *media, at=at, **fields))
    assert [row["amount"] for row in vendors.bill()] == [amount]


@pytest.mark.parametrize(
    ("fields", "media"),
    [
        ({"model": "MiniMax-H4"}, []),
        ({"model": None}, []),
        ({"resolution": "768p"}, []),
        ({"resolution": "1080P"}, []),
        ({"resolution": None}, []),
        ({"duration": 3}, []),
        ({"duration": 16}, []),
        ({"duration": "5"}, []),
        ({"duration": 4, "model": "MiniMax-H3-Max"}, []),
        ({"ratio": "adaptive"}, []),
        ({"ratio": None}, []),
        ({"ratio": "2:1"}, []),
        ({"ratio": "adaptive", "model": "MiniMax-H3-Lite"}, [picture()]),
        ({"seed": 7}, []),
        ({"prompt_optimizer": True}, []),
        ({"extra": {"prompt_expansion_mode": "quality"}}, []),
        ({"extra": {"other": 1}, "model": "MiniMax-H3-Max"}, []),
        ({"callback_url": "nonsense"}, []),
        ({}, [picture(role="first_frame"), picture()]),
        ({}, [picture(role="first_frame")] * 2),
        ({}, [picture(role="nobody")]),
        ({}, [picture()] * 10),
        ({}, [film(1)]),
        ({}, [film(8), film(8)]),
        ({}, [film(2)] * 4),
        ({}, [{"type": "audio_url", "audio_url": {"url": "https://x.example/a.mp3"}, "role": "reference_audio"}]),
        ({}, [{"type": "text", "text": "more"}]),
        ({}, [{"type": "image_url", "image_url": "https://x.example/a.png"}]),
        ({}, [picture("data:image/tiff;base64,AAAA")]),
        ({}, [picture("data:image/jpeg;base64," + png(720, 1280).partition(",")[2])]),
        ({}, [picture(png(255, 600))]),
        ({}, [picture(png(3000, 1000))]),
        ({}, [picture("ftp://x.example/a.png")]),
    ],
)  # fmt: skip
def test_what_is_refused_is_not_billed(
    create: Create, vendors: Handle, fields: dict[str, Any], media: list[Any]
) -> None:
    status, kind, message = refusal(create("a cat", *media, **fields))
    assert (status, kind) == (400, "bad_request_error")
    assert message.endswith("(2013)")
    assert vendors.bill() == []


def test_the_same_is_taken_where_it_is_right(create: Create, vendors: Handle) -> None:
    for fields, media in (
        ({"ratio": "adaptive"}, [picture()]),
        ({"ratio": "1:1"}, [picture(png(720, 1280), "first_frame"), picture(role="last_frame")]),
        ({"ratio": None}, [picture(role=None)]),
        ({"extra": {"prompt_expansion_mode": "quality"}, "model": "MiniMax-H3-Max"}, []),
        ({"aigc_watermark": False}, []),
    ):
        task_id(create("a cat", *media, **fields))
    assert len(vendors.bill()) == 5
    assert refusal(create(at="/hailuo@intl", aigc_watermark=False))[0] == 400


def test_a_clip_follows_its_first_frame(client: httpx.Client, clock: ManualClock, create: Create) -> None:
    id_ = task_id(create("x", picture(png(1200, 900), "first_frame"), ratio="9:16"))
    clock.advance(300)
    task = shown(client, id_)
    assert task["ratio"] == "4:3"
    with av.open(io.BytesIO(client.get(task["content"]["url"]).content)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (1024, 768)


@pytest.mark.parametrize(
    ("marker", "code"),
    [("[[moderate-output]]", "1027"), ("[[moderate-late]]", "1026"), ("[[fail]]", "1000")],
)
def test_failed_jobs_say_why_and_are_free(
    client: httpx.Client, clock: ManualClock, create: Create, vendors: Handle, marker: str, code: str
) -> None:
    id_ = task_id(create(marker))
    clock.advance(300)
    task = shown(client, id_)
    assert (task["status"], task["error"]["code"], task["usage"]) == ("failed", code, {})
    assert vendors.bill()[0]["amount"] == "0"


def test_errors_by_status(client: httpx.Client, create: Create, vendors: Handle) -> None:
    assert refusal(create("[[moderate-input]]"))[:2] == (422, "unprocessable_entity_error")
    vendors.settings(hailuo={"balance": 2})
    assert refusal(create()) == (402, "insufficient_balance_error", "insufficient balance (1008)")
    vendors.settings(hailuo={"balance": 100, "concurrency": 1})
    task_id(create())
    assert refusal(create())[2].endswith("(1041)")
    vendors.settings(hailuo={"concurrency": 9, "creates_per_minute": 1})
    assert refusal(create())[1:] == ("rate_limit_error", "rate limit, please retry later (1002)")
    client.headers["authorization"] = "Bearer bad"
    assert refusal(create())[2].endswith("(2049)")
    client.headers.pop("authorization")
    assert refusal(client.get(f"/hailuo{QUERY}/1"))[:2] == (401, "authorized_error")


def test_a_queued_task_is_cancelled_and_free(client: httpx.Client, create: Create, vendors: Handle) -> None:
    id_ = task_id(create())
    answer = client.delete(f"/hailuo{TASKS}/{id_}").json()
    assert answer == {"task_id": id_, "action": "cancelled", "status": "cancelled"}
    assert shown(client, id_)["status"] == "cancelled"
    assert vendors.bill()[0]["amount"] == "0"
    assert refusal(client.delete(f"/hailuo{TASKS}/{id_}"))[0] == 400


def test_deleting_a_finished_task_throws_its_record_away(
    client: httpx.Client, clock: ManualClock, create: Create, vendors: Handle
) -> None:
    id_ = task_id(create())
    clock.advance(10)
    assert refusal(client.delete(f"/hailuo{TASKS}/{id_}"))[0] == 400
    clock.advance(300)
    assert client.delete(f"/hailuo{TASKS}/{id_}").json()["action"] == "deleted"
    assert refusal(client.get(f"/hailuo{QUERY}/{id_}"))[2] == "invalid task_id (2013)"
    assert vendors.bill()[0]["amount"] == "2.5"


def test_tasks_are_known_for_seven_days_and_links_for_an_hour(
    client: httpx.Client, clock: ManualClock, create: Create
) -> None:
    id_ = task_id(create())
    clock.advance(300)
    link = shown(client, id_)["content"]["url"]
    clock.advance(3601)
    assert client.get(link).status_code == 403
    assert client.get(shown(client, id_)["content"]["url"]).status_code == 200
    clock.advance(7 * 86_400)
    assert refusal(client.get(f"/hailuo{QUERY}/{id_}"))[0] == 400


def test_the_list_is_filtered_and_paged(client: httpx.Client, clock: ManualClock, create: Create) -> None:
    ids = []
    for model in ("MiniMax-H3", "MiniMax-H3", "MiniMax-H3-Max"):
        ids.append(task_id(create(model=model)))
        clock.advance(1)

    def listed(**query: Any) -> list[str]:
        answer = client.get(f"/hailuo{QUERY}", params=query).json()
        assert answer["total"] >= len(answer["items"])
        return [task["id"] for task in answer["items"]]

    assert listed() == ids[::-1]
    assert listed(**{"filter.model": "MiniMax-H3"}) == ids[1::-1]
    assert listed(page_num=2, page_size=2) == ids[:1]
    assert listed(**{"filter.task_ids": f"{ids[0]},{ids[2]}"}) == [ids[2], ids[0]]
    assert listed(**{"filter.status": "succeeded"}) == []
    assert refusal(client.get(f"/hailuo{QUERY}", params={"page_size": "0"}))[0] == 400


def test_what_is_open_can_be_switched(
    client: httpx.Client, clock: ManualClock, create: Create, vendors: Handle
) -> None:
    vendors.settings(
        hailuo={
            "list_delay": 30, "list_order": "oldest", "unknown_fields": "ignore", "running_word": "rendering",
            "adaptive_shown": "adaptive", "picture_types": "lenient",
        }
    )  # fmt: skip
    framed = picture("data:image/jpeg;base64," + png(720, 1280).partition(",")[2], "first_frame")
    ids = [task_id(create("x", framed, seed=7)), task_id(create("x"))]
    assert client.get(f"/hailuo{QUERY}").json() == {"items": [], "total": 0}
    clock.advance(31)
    assert [task["id"] for task in client.get(f"/hailuo{QUERY}").json()["items"]] == ids
    assert (shown(client, ids[0])["ratio"], shown(client, ids[0])["status"]) == ("adaptive", "rendering")


def test_the_balance(client: httpx.Client, create: Create, vendors: Handle) -> None:
    vendors.settings(hailuo={"balance": 10})
    task_id(create())
    page = client.get("/hailuo/account/query_balance").json()
    assert (page["available_amount"], page["base_resp"]["status_code"]) == ("7.5", 0)


def test_unknown_paths_are_plain(client: httpx.Client) -> None:
    assert client.get("/hailuo/v3/video_generation").status_code == 404
    assert client.put("/hailuo" + TASKS).status_code == 405


def test_regions_are_apart(client: httpx.Client, create: Create) -> None:
    id_ = task_id(create(at="/hailuo@intl"))
    assert refusal(client.get(f"/hailuo{QUERY}/{id_}"))[0] == 400
    assert shown(client, id_, "/hailuo@intl")["id"] == id_


def test_a_reference_film_sent_inline_is_measured(create: Create, vendors: Handle) -> None:
    body = b"\x00" * 4 + b"mvhd" + bytes(12) + (1000).to_bytes(4) + (3200).to_bytes(4) + bytes(4)
    url = "data:video/mp4;base64," + base64.b64encode(body).decode()
    task_id(create("x", film(0) | {"video_url": {"url": url}}, at="/hailuo@intl"))
    assert vendors.bill()[0]["amount"] == "0.72", "5 s of clip and 4 begun seconds of film"
