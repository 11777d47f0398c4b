"""Hailuo, first generation: errors inside HTTP 200, three steps to a file, and what its own clients send."""

import io
import threading
from collections.abc import Callable, Mapping
from typing import Any

import av
import httpx
import pytest

from dramagen.emulator import Handle, ManualClock, running

CREATE, QUERY, RETRIEVE = "/v1/video_generation", "/v1/query/video_generation", "/v1/files/retrieve"
Create = Callable[..., httpx.Response]
PICTURE = "https://cdn.example.com/a.jpg"


@pytest.fixture
def create(client: httpx.Client) -> Create:
    def make(prompt: str = "a cat", *, at: str = "/hailuo", **fields: Any) -> httpx.Response:
        body = {"model": "MiniMax-Hailuo-2.3", "prompt": prompt, "duration": 6, "resolution": "768P"} | fields
        return client.post(at + CREATE, json={k: v for k, v in body.items() if v is not None})

    return make


def task_id(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["base_resp"] == {"status_code": 0, "status_msg": "success"}
    return str(body["task_id"])


def code(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["base_resp"]["status_code"]


def asked(client: httpx.Client, id_: str) -> dict[str, Any]:
    return dict(client.get(f"/hailuo{QUERY}", params={"task_id": id_}).json())


def test_the_published_example(client: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    body = {
        "model": "MiniMax-Hailuo-2.3-Fast",
        "prompt": "she turns to camera [Push in], then holds [Static shot]",
        "first_frame_image": PICTURE,
        "duration": 6,
        "resolution": "768P",
        "prompt_optimizer": False,
    }
    id_ = task_id(client.post("/hailuo" + CREATE, json=body))
    assert asked(client, id_)["status"] == "Preparing"
    clock.advance(2)
    assert asked(client, id_)["status"] == "Queueing"
    clock.advance(5)
    assert asked(client, id_)["status"] == "Processing"
    clock.advance(200)
    done = asked(client, id_)
    assert (done["status"], done["video_width"], done["video_height"]) == ("Success", 1366, 768)
    assert isinstance(done["file_id"], str)
    page = client.get(f"/hailuo{RETRIEVE}", params={"file_id": done["file_id"]}).json()
    assert page["file"]["file_id"] == int(done["file_id"])
    clip = client.get(page["file"]["download_url"], headers={"authorization": ""}).content
    with av.open(io.BytesIO(clip)) as container:
        assert container.streams.video[0].frames == 145
        assert not container.streams.audio
    same = client.get("/hailuo/v1/files/retrieve_content", params={"file_id": done["file_id"]})
    assert same.content == clip
    assert [(row["amount"], row["currency"]) for row in vendors.bill()] == [("1.35", "CNY")]


@pytest.mark.parametrize(
    "body",
    [
        {"model": "MiniMax-Hailuo-2.3", "prompt": "x", "duration": 6, "resolution": "768P"},
        {"model": "MiniMax-Hailuo-2.3", "prompt": "x"},
        {"model": "MiniMax-Hailuo-02", "prompt": "x", "first_frame_image": PICTURE, "last_frame_image": PICTURE},
        {
            "model": "S2V-01",
            "prompt": "x",
            "subject_reference": [{"type": "character", "image": [PICTURE]}],
        },
    ],
    ids=["minimax-mcp", "mmx-cli text", "mmx-cli frames", "mmx-cli subject"],
)  # fmt: skip
def test_what_the_vendors_own_clients_send_is_taken(client: httpx.Client, body: dict[str, Any]) -> None:
    task_id(client.post("/hailuo" + CREATE, json=body, headers={"mm-api-source": "Minimax-MCP"}))


@pytest.mark.parametrize(
    ("fields", "cny", "usd"),
    [
        ({}, "2", "0.28"),
        ({"duration": 10}, "4", "0.56"),
        ({"resolution": "1080P"}, "3.5", "0.49"),
        ({"model": "MiniMax-Hailuo-2.3-Fast", "first_frame_image": PICTURE, "duration": 10}, "2.25", "0.32"),
        ({"model": "MiniMax-Hailuo-02", "first_frame_image": PICTURE, "resolution": "512P"}, "0.6", "0.1"),
        (
            {
                "model": "MiniMax-Hailuo-02",
                "first_frame_image": PICTURE,
                "resolution": "512P",
                "duration": 10,
            },
            "1",
            "0.15",
        ),
    ],
)
def test_what_a_clip_costs(
    create: Create, vendors: Handle, fields: dict[str, Any], cny: str, usd: str
) -> None:
    task_id(create(**fields))
    task_id(create(at="/hailuo@intl", **fields))
    assert [row["amount"] for row in vendors.bill()] == [cny, usd]


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "MiniMax-Hailuo-9"},
        {"model": "MiniMax-Hailuo-2.3-Fast"},
        {"model": "I2V-01"},
        {"model": "MiniMax-Hailuo-2.3", "first_frame_image": PICTURE, "last_frame_image": PICTURE},
        {"model": "MiniMax-Hailuo-02", "last_frame_image": PICTURE},
        {"model": "T2V-01", "resolution": "768P"},
        {"duration": 10, "resolution": "1080P"},
        {"duration": 5},
        {"duration": "6"},
        {"resolution": "768p"},
        {"resolution": "512P"},
        {"prompt": ""},
        {"prompt": "x" * 2001},
        {"prompt_optimizer": "false"},
        {"seed": 7},
        {"first_frame_image": "nonsense"},
        {"first_frame_image": "data:image/tiff;base64,AAAA"},
        {"model": "S2V-01", "subject_reference": [{"type": "character", "image": [PICTURE, PICTURE]}]},
        {"model": "S2V-01", "subject_reference": []},
        {"callback_url": "nonsense"},
    ],
)
def test_what_is_refused_is_not_billed(create: Create, vendors: Handle, fields: dict[str, Any]) -> None:
    answer = create(**fields)
    assert code(answer) == (200, 2013)
    assert answer.json()["task_id"] == ""
    assert vendors.bill() == []


def test_errors_come_inside_a_200_or_not(client: httpx.Client, create: Create, vendors: Handle) -> None:
    assert code(create("[[moderate-input]]")) == (200, 1026)
    vendors.settings(hailuo={"balance": 1, "v1_status": "own", "v1_refused_id": "absent"})
    refused = create()
    assert code(refused) == (402, 1008)
    assert "task_id" not in refused.json()
    vendors.settings(hailuo={"balance": 100, "concurrency": 0})
    assert code(create()) == (429, 1041)
    client.headers.pop("authorization")
    assert code(create()) == (401, 1004)
    vendors.settings(hailuo={"v1_status": "200"})
    assert code(create()) == (200, 1004)


@pytest.mark.parametrize(
    ("marker", "reason"), [("[[moderate-output]]", 1027), ("[[moderate-late]]", 1026), ("[[fail]]", 1000)]
)
def test_failed_jobs_say_why_and_are_free(
    client: httpx.Client, clock: ManualClock, create: Create, vendors: Handle, marker: str, reason: int
) -> None:
    vendors.settings(hailuo={"fail_word": "Failed" if reason == 1000 else "Fail"})
    id_ = task_id(create(marker))
    clock.advance(300)
    told = asked(client, id_)
    assert (told["status"], told["base_resp"]["status_code"]) == (
        "Failed" if reason == 1000 else "Fail",
        reason,
    )
    assert vendors.bill()[0]["amount"] == "0"


def test_unknown_tasks_and_files(client: httpx.Client) -> None:
    assert code(client.get(f"/hailuo{QUERY}", params={"task_id": "7"})) == (200, 2013)
    assert code(client.get(f"/hailuo{RETRIEVE}", params={"file_id": "7"})) == (200, 2013)


def test_a_link_lives_for_an_hour_and_is_made_anew(
    client: httpx.Client, clock: ManualClock, create: Create
) -> None:
    id_ = task_id(create())
    clock.advance(300)
    where = f"/hailuo{RETRIEVE}?file_id={asked(client, id_)['file_id']}"
    link = client.get(where).json()["file"]["download_url"]
    clock.advance(3601)
    assert client.get(link).status_code == 403
    assert client.get(client.get(where).json()["file"]["download_url"]).status_code == 200


def test_the_generations_do_not_know_each_others_tasks(client: httpx.Client, create: Create) -> None:
    id_ = task_id(create())
    assert client.get(f"/hailuo/v2/query/video_generation/{id_}").status_code == 400


@pytest.mark.parametrize("takes", [True, False])
def test_a_callback_address_takes_a_challenge_first(takes: bool) -> None:
    heard: list[Any] = []
    all_heard = threading.Event()

    async def send(url: str, headers: Mapping[str, str], body: bytes) -> int:
        heard.append(httpx.Response(200, content=body).json())
        if len(heard) == 3:
            all_heard.set()
        return 200 if takes else 404

    clock = ManualClock()
    with running(clock=clock, send=send) as vendors, httpx.Client(base_url=vendors.url, trust_env=False) as c:
        c.headers["authorization"] = "Bearer k"
        body = {"model": "MiniMax-Hailuo-2.3", "prompt": "x", "callback_url": "https://app.example.com/cb"}
        answer = c.post("/hailuo" + CREATE, json=body)
        assert list(heard[0]) == ["challenge"]
        if not takes:
            assert code(answer) == (200, 2013)
            assert vendors.bill() == []
            return
        clock.advance(300)
        assert all_heard.wait(10)
        assert [told["status"] for told in heard[1:]] == ["processing", "success"]
        assert heard[2]["task_id"] == task_id(answer)
        assert heard[2]["file_id"]
