"""Wan: what DashScope refuses, and how."""

from typing import Any

import httpx
import pytest

from dramagen.emulator import Handle, ManualClock

CREATE = "/wan/api/v1/services/aigc/video-generation/video-synthesis"
TASKS = "/wan/api/v1/tasks"
ASYNC = {"X-DashScope-Async": "enable"}
URL = "https://cdn.example/a.png"
FRAME = {"type": "first_frame", "url": URL}
PICTURE = {"type": "reference_image", "url": URL}


def send(client: httpx.Client, model: str = "wan3.0-video", **changes: Any) -> httpx.Response:
    input_ = {"prompt": "a cat", **changes.pop("input", {})}
    body = {"model": model, "input": input_, "parameters": {"duration": 5, **changes}}
    return client.post(CREATE, json=body, headers=ASYNC)


def settings(client: httpx.Client, **values: Any) -> None:
    assert client.post("/_emulator/settings", json={"wan": values}).status_code == 200


def told(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert set(body) == {"code", "message", "request_id"}
    assert answer.headers["x-request-id"] == body["request_id"]
    return answer.status_code, body["code"]


def test_no_key_or_a_wrong_one(vendors: Handle, stranger: httpx.Client) -> None:
    assert told(send(stranger)) == (401, "InvalidApiKey")
    for key in ("bad-key", "sk-sp-plan"):
        answer = stranger.get(TASKS, headers={"Authorization": f"Bearer {key}"})
        assert told(answer) == (401, "InvalidApiKey")


def test_without_the_async_header_a_create_is_refused(client: httpx.Client) -> None:
    answer = client.post(CREATE, json={"model": "wan3.0-video", "input": {"prompt": "a"}})
    assert told(answer) == (403, "AccessDenied")
    assert answer.json()["message"] == "current user api does not support synchronous calls."


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "BadRequest.IllegalInput"),
        (b"[]", "BadRequest.IllegalInput"),
        (b'{"input": {"prompt": "a"}}', "BadRequest.EmptyModel"),
        (b'{"model": "wan3.0-video"}', "BadRequest.EmptyInput"),
        (b'{"model": "wan2.7-t2v", "input": {"negative_prompt": "a"}}', "BadRequest.EmptyInput"),
        (b'{"model": "wan3.0-video", "input": []}', "InvalidParameter"),
    ],
)
def test_bodies_that_are_none(client: httpx.Client, body: bytes, code: str) -> None:
    assert told(client.post(CREATE, content=body, headers=ASYNC)) == (400, code)


@pytest.mark.parametrize(
    ("model", "changes"),
    [
        ("wan3.0-video", {"resolution": "480p"}),
        ("wan3.0-video", {"resolution": "4K"}),
        ("wan3.0-video", {"duration": 1}),
        ("wan3.0-video", {"duration": 31}),
        ("wan3.0-video", {"duration": "5"}),
        ("wan3.0-video", {"ratio": "21:9"}),
        ("wan3.0-video", {"seed": -1}),
        ("wan3.0-video", {"audio": "yes"}),
        ("wan3.0-video", {"input": {"media": "x"}}),
        ("wan3.0-video", {"input": {"media": [{"type": "last_picture", "url": URL}]}}),
        ("wan3.0-video", {"input": {"media": [FRAME, FRAME]}}),
        ("wan3.0-video", {"input": {"media": [PICTURE] * 11}}),
        ("wan3.0-video", {"input": {"media": [{"type": "first_frame"}]}}),
        ("wan2.7-t2v", {"resolution": "480P"}),
        ("wan2.7-t2v", {"duration": 16}),
        ("wan2.7-t2v", {"ratio": "adaptive"}),
        ("wan2.7-t2v", {"input": {"media": [FRAME]}}),
        ("wan2.7-i2v", {"input": {"media": [PICTURE]}}),
        ("wan2.7-i2v", {}),
        ("wan2.7-r2v", {"input": {"media": [FRAME]}}),
        ("wan2.7-r2v", {"input": {"media": [PICTURE] * 6}}),
        ("happyhorse-1.0-i2v", {"input": {"media": [FRAME, {"type": "last_frame", "url": URL}]}}),
        ("happyhorse-1.0-t2v", {"resolution": "480P"}),
        ("happyhorse-1.0-t2v", {"ratio": "21:9"}),
        ("wan2.6-t2v", {"size": "9:16"}),
        ("wan2.6-t2v", {"size": "832*480"}),
        ("wan2.6-t2v", {"duration": 7}),
        ("wan2.6-t2v", {"shot_type": "many"}),
        ("wan2.6-r2v", {"input": {"reference_urls": [URL] * 6}}),
        ("wan2.6-i2v", {}),
        ("wan2.2-i2v-plus", {"resolution": "720P", "input": {"img_url": URL}}),
    ],
)
def test_parameters_a_model_does_not_take(client: httpx.Client, model: str, changes: dict[str, Any]) -> None:
    assert told(send(client, model, **changes)) == (400, "InvalidParameter")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://cdn.example/a.png", "InvalidURL"),
        ("a.png", "InvalidURL"),
        ("data:image/png,abc", "InvalidURL"),
        ("data:image/png;base64,***", "InvalidURL"),
        ("https://cdn.example/unfetchable.png", "InvalidParameter.DataInspection"),
    ],
)
def test_media_that_cannot_be_had(client: httpx.Client, url: str, code: str) -> None:
    media = [{"type": "first_frame", "url": url}]
    assert told(send(client, input={"media": media})) == (400, code)


def test_models_that_are_not_here(client: httpx.Client) -> None:
    assert told(send(client, "wan9")) == (404, "ModelNotFound")
    assert told(send(client, "wan2.6-t2v-us")) == (404, "ModelNotFound")
    settings(client, retired=["wan2.6-t2v"], not_opened=["wan3.0-video"])
    assert told(send(client, "wan2.6-t2v")) == (403, "Endpoint.AccessDenied")
    assert told(send(client)) == (403, "AccessDenied.Unpurchased")


def test_an_empty_account_is_a_400(client: httpx.Client) -> None:
    settings(client, balance="0")
    assert told(send(client)) == (400, "Arrearage")


def test_over_the_limits(client: httpx.Client, vendors: Handle) -> None:
    settings(client, concurrency=1, over_limit="refuse")
    assert send(client).status_code == 200
    assert told(send(client)) == (429, "Throttling")
    settings(client, over_limit="queue", create_rps=1)
    assert send(client, "wan2.7-t2v").status_code == 200
    assert told(send(client, "wan2.7-t2v")) == (429, "Throttling.RateQuota")
    for _ in range(20):
        assert client.get(TASKS).status_code == 200
    assert told(client.get(TASKS)) == (429, "Throttling.RateQuota")
    assert len(vendors.bill()) == 2


def test_moderation_of_the_input(client: httpx.Client, vendors: Handle) -> None:
    answer = send(client, input={"prompt": "[[moderate-input]]"})
    assert told(answer) == (400, "DataInspectionFailed")
    assert vendors.bill() == []


@pytest.mark.parametrize(
    ("prompt", "media", "code"),
    [
        ("[[fail]]", [], "InternalError.Algo"),
        ("[[timeout]]", [], "InternalError.Timeout"),
        ("[[moderate-output]]", [], "DataInspectionFailed"),
        ("a", [FRAME, PICTURE], "InvalidParameter"),
    ],
)
def test_failures_come_as_200(
    client: httpx.Client,
    clock: ManualClock,
    vendors: Handle,
    prompt: str,
    media: list[dict[str, str]],
    code: str,
) -> None:
    settings(client, moderation_words="either")
    task_id = send(client, input={"prompt": prompt, "media": media}).json()["output"]["task_id"]
    clock.advance(300)
    answer = client.get(f"{TASKS}/{task_id}")
    assert answer.status_code == 200
    assert (answer.json()["output"]["task_status"], answer.json()["output"]["code"]) == ("FAILED", code)
    assert "orig_prompt" not in answer.json()["output"]
    assert vendors.bill()[0]["amount"] == "0"


def test_faults_answer_in_the_vendors_own_words(client: httpx.Client) -> None:
    for status, code in ((500, "InternalError"), (503, "ModelUnavailable"), (429, "Throttling.RateQuota")):
        fault = {"provider": "wan", "on": "create", "kind": "status", "status": status}
        client.post("/_emulator/faults", json=fault)
        assert told(send(client)) == (status, code)
    client.post("/_emulator/faults", json=fault | {"status": 502})
    assert send(client).headers["content-type"].startswith("text/html")


def test_paths_that_do_not_exist(client: httpx.Client) -> None:
    assert told(client.post("/wan/v1/videos", json={})) == (400, "InvalidParameter")
