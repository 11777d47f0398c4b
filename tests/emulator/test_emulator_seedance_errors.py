"""Seedance: every class of refusal, and that a refusal makes no task."""

import base64
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from dramagen.emulator import Handle, ManualClock

ARK = "/api/v3/contents/generations/tasks"
Create = Callable[..., httpx.Response]

M25 = "doubao-seedance-2-5-260628"
FAST = "doubao-seedance-2-0-fast-260128"
PRO1 = "doubao-seedance-1-0-pro-250528"
PRO1_FAST = "doubao-seedance-1-0-pro-fast-251015"


def _text(text: str = "a cat") -> dict[str, Any]:
    return {"type": "text", "text": text}


def _image(role: str | None = None, url: str = "https://example.com/a.png") -> dict[str, Any]:
    item: dict[str, Any] = {"type": "image_url", "image_url": {"url": url}}
    return item if role is None else item | {"role": role}


def _video(url: str = "https://example.com/a.mp4") -> dict[str, Any]:
    return {"type": "video_url", "video_url": {"url": url}, "role": "reference_video"}


def _audio() -> dict[str, Any]:
    return {"type": "audio_url", "audio_url": {"url": "https://example.com/a.mp3"}, "role": "reference_audio"}


def _png(width: int, height: int) -> str:
    head = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + b"IHDR" + width.to_bytes(4) + height.to_bytes(4)
    return "data:image/png;base64," + base64.b64encode(head).decode()


def _refused(answer: httpx.Response, vendors: Handle, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["message"].endswith("Request id: " + answer.headers["x-request-id"])
    assert not vendors.bill(), "a refusal makes no task"
    return dict(error)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"resolution": "2k"}, "resolution"),
        ({"model": FAST, "resolution": "1080p"}, "resolution"),
        ({"resolution": 720}, "resolution"),
        ({"ratio": "5:4"}, "ratio"),
        ({"model": PRO1, "ratio": "adaptive"}, "ratio"),
        ({"duration": 16}, "duration"),
        ({"duration": 3}, "duration"),
        ({"duration": "5"}, "duration"),
        ({"duration": True}, "duration"),
        ({"model": PRO1, "duration": -1}, "duration"),
        ({"frames": 29}, "frames"),
        ({"model": PRO1, "frames": 30}, "frames"),
        ({"camera_fixed": True}, "camera_fixed"),
        ({"draft": True}, "draft"),
        ({"model": M25, "draft": True, "resolution": "720p"}, "resolution"),
        ({"output_format": "mov"}, "output_format"),
        ({"omni_reference_task_type": "auto"}, "omni_reference_task_type"),
        ({"model": M25, "omni_reference_task_type": "edit"}, "omni_reference_task_type"),
        ({"model": PRO1, "tools": [{"type": "web_search"}]}, "tools"),
        ({"tools": [{"type": "shell"}]}, "tools"),
        ({"generate_audio": "yes"}, "generate_audio"),
        ({"seed": -2}, "seed"),
        ({"priority": 10}, "priority"),
        ({"model": PRO1, "priority": 1, "service_tier": "flex"}, "priority"),
        ({"model": PRO1, "execution_expires_after": 60}, "execution_expires_after"),
        ({"execution_expires_after": 259_201}, "execution_expires_after"),
        ({"safety_identifier": "x" * 65}, "safety_identifier"),
        ({"callback_url": "ftp://example.com"}, "callback_url"),
        ({"content": [_text("a cat --dur 99")], "duration": None}, "duration"),
        ({"content": [_text("a cat --dur soon")]}, "contents[0].text.duration"),
        ({"content": [_text("a cat --rs 9k")]}, "resolution"),
    ],
)
def test_fields(ark: Create, vendors: Handle, fields: dict[str, Any], param: str) -> None:
    error = _refused(ark(**fields), vendors, 400, "InvalidParameter")
    assert error["param"] == param
    assert error["type"] == "BadRequest"


@pytest.mark.parametrize(
    ("model", "content", "words"),
    [
        ("doubao-seedance-2-0-260128", [_text(), {"type": "gif_url"}], "content[1].type"),
        (
            "doubao-seedance-2-0-260128",
            [_text(), {"type": "image_url", "image_url": "https://a.b/c"}],
            "object",
        ),
        ("doubao-seedance-2-0-260128", [_text(), _image("middle_frame")], "role"),
        (
            "doubao-seedance-2-0-260128",
            [_text(), _image(), _image()],
            "role must be specified for image contents",
        ),
        ("doubao-seedance-2-0-260128", [_text(), _image("first_frame"), _image("reference_image")], "mixed"),
        ("doubao-seedance-2-0-260128", [_text(), _image("last_frame")], "needs a first frame"),
        ("doubao-seedance-2-0-260128", [_text(), *[_image("reference_image")] * 10], "at most 9"),
        ("doubao-seedance-2-0-260128", [_text(), *[_video()] * 4], "at most 3"),
        ("doubao-seedance-2-0-260128", [_text(), _audio()], "needs a reference image or video"),
        ("doubao-seedance-2-0-260128", [_text(), _video("data:video/mp4;base64,AAAA")], "data URL"),
        (
            "doubao-seedance-2-0-260128",
            [_text(), _video("https://a.b/c?seconds=16")],
            "less than or equal to 15.2",
        ),
        ("doubao-seedance-2-0-260128", [_text(), {**_video(), "role": None}], "role"),
        ("doubao-seedance-2-0-260128", [_text(), _image("first_frame", "asset://missing-1")], "asset"),
        (
            "doubao-seedance-2-0-260128",
            [_text(), _image(None, "https://a.b/unreachable")],
            "resource download failed",
        ),
        ("doubao-seedance-2-0-260128", [_text(), _image("first_frame", _png(200, 200))], "300 to 6000"),
        ("doubao-seedance-2-0-260128", [_text(), _image("first_frame", _png(3000, 400))], "ratio"),
        (
            PRO1,
            [_text(), _image("reference_image")],
            "not supported for model doubao-seedance-1-0-pro in r2v",
        ),
        (PRO1_FAST, [_text(), _image("first_frame"), _image("last_frame")], "last frame is not supported"),
        (M25, [_text(), {"type": "draft_task", "draft_task": {"id": "cgt-1"}}], "draft_task"),
    ],
)
def test_contents(ark: Create, vendors: Handle, model: str, content: list[Any], words: str) -> None:
    answer = ark(model=model, content=content, ratio=None)
    assert words in _refused(answer, vendors, 400, "InvalidParameter")["message"]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "InvalidImageURL.EmptyURL"),
        ("file:///a.png", "InvalidImageURL.InvalidFormat"),
        ("data:image/PNG;base64,AAAA", "InvalidImageURL.InvalidFormat"),
        ("data:image/png;base64,not base64", "InvalidImageURL.InvalidFormat"),
    ],
)
def test_image_urls(ark: Create, vendors: Handle, url: str, code: str) -> None:
    _refused(ark(content=[_text(), _image("first_frame", url)], ratio=None), vendors, 400, code)


def test_example_e_names_model_family_and_mode(client: httpx.Client, vendors: Handle) -> None:
    answer = client.post("/seedance" + ARK, json={"model": FAST, "content": [_text()], "resolution": "1080p"})
    error = _refused(answer, vendors, 400, "InvalidParameter")
    assert (
        "resolution specified in the request is not valid for model doubao-seedance-2-0-fast in t2v"
        in error["message"]
    )


def test_flex_on_2_is_unsupported(ark: Create, vendors: Handle) -> None:
    _refused(ark(service_tier="flex"), vendors, 400, "InvalidParameter.UnsupportedParameter")


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Basic abc", "Bearer bad-key"])
def test_authentication(stranger: httpx.Client, vendors: Handle, authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    answer = stranger.get("/seedance" + ARK, headers=headers)
    assert _refused(answer, vendors, 401, "AuthenticationError")["type"] == "Unauthorized"
    assert answer.headers["x-error-code"] == "AuthenticationError"


def test_health_probe(client: httpx.Client, vendors: Handle) -> None:
    vendors.settings(seedance={"not_activated": [M25]})

    def probe(model: str, at: str = "/seedance") -> tuple[int, str]:
        answer = client.post(at + ARK, json={"model": model})
        return answer.status_code, answer.json()["error"]["code"]

    assert probe(FAST) == (400, "MissingParameter")
    assert probe(M25) == (404, "ModelNotOpen")
    assert probe("dreamina-seedance-2-5-premium-260915", "/seedance@intl") == (404, "ModelNotOpen")
    assert probe("doubao-seedance-9") == (404, "InvalidEndpointOrModel.NotFound")
    assert probe("doubao-seedance-1-5-pro-251215") == (404, "InvalidEndpointOrModel.NotFound")
    assert probe(FAST, "/seedance@intl") == (404, "InvalidEndpointOrModel.NotFound")


def test_bodies_that_are_no_create(client: httpx.Client, vendors: Handle) -> None:
    _refused(client.post("/seedance" + ARK, content=b"{"), vendors, 400, "InvalidParameter")
    _refused(client.post("/seedance" + ARK, json=[]), vendors, 400, "InvalidParameter")
    _refused(client.post("/seedance" + ARK, json={}), vendors, 400, "MissingParameter")
    _refused(
        client.post("/seedance" + ARK, json={"model": FAST, "content": []}), vendors, 400, "MissingParameter"
    )


def test_input_moderation(ark: Create, vendors: Handle) -> None:
    _refused(ark("blood [[moderate-input]]"), vendors, 400, "InputTextSensitiveContentDetected")


def test_example_d_a_real_person(ark: Create, vendors: Handle) -> None:
    content = [_text("her [[moderate-face]]"), _image("first_frame")]
    code = "InputImageSensitiveContentDetected.PrivacyInformation"
    assert "real person" in _refused(ark(content=content, ratio=None), vendors, 400, code)["message"]


def test_overdue(ark: Create, vendors: Handle) -> None:
    vendors.settings(seedance={"balance": "0"})
    assert _refused(ark(), vendors, 403, "AccountOverdueError")["type"] == "Forbidden"


def test_rpm_and_queue(ark: Create, vendors: Handle, clock: ManualClock) -> None:
    vendors.settings(seedance={"rpm": 1})
    assert ark().status_code == 200
    assert ark().json()["error"]["code"] == "ModelAccountRpmRateLimitExceeded"
    clock.advance(60)
    vendors.settings(seedance={"rpm": 0, "concurrency": 1, "queue": 1})
    codes = [ark().status_code for _ in range(3)]
    assert codes == [200, 429, 429], "one runs, one waits"
    assert len(vendors.bill()) == 2


def test_concrete_ratio_on_a_frame_task(
    ark: Create, client: httpx.Client, vendors: Handle, clock: ManualClock
) -> None:
    wrong = {"model": M25, "content": [_text(), _image("first_frame")], "ratio": "16:9"}
    _refused(ark(**wrong), vendors, 400, "InvalidParameter")
    vendors.settings(seedance={"frame_ratio": "async"})
    task_id = ark(**wrong).json()["id"]
    clock.advance(400)
    task = client.get(f"/seedance{ARK}/{task_id}").json()
    assert (task["status"], task["error"]["code"]) == ("failed", "InvalidParameter.TaskTypeConstraint")


@pytest.mark.parametrize(
    ("kind", "text", "fields", "code"),
    [
        ("reference", "replace the hat", {}, "InvalidParameter.TaskTypeMismatch"),
        ("edit", "a quiet street", {"duration": -1}, "InvalidParameter.TaskTypeMismatch"),
        ("auto", "替换帽子", {"ratio": "16:9"}, "InvalidParameter.TaskTypeConstraint"),
        ("reference", "a quiet street", {"ratio": "16:9"}, None),
        ("edit", "replace the hat", {"duration": -1}, None),
        ("extend", "continue the shot", {}, None),
    ],
)
def test_task_types_judged_late(
    ark: Create,
    client: httpx.Client,
    clock: ManualClock,
    kind: str,
    text: str,
    fields: dict[str, Any],
    code: str | None,
) -> None:
    settings = {"ratio": None, **fields}
    answer = ark(model=M25, content=[_text(text), _video()], omni_reference_task_type=kind, **settings)
    assert answer.status_code == 200, answer.text
    clock.advance(500)
    task = client.get(f"/seedance{ARK}/{answer.json()['id']}").json()
    assert task.get("error", {}).get("code") == code


@pytest.mark.parametrize("fields", [{"duration": 5}, {"duration": -1, "ratio": "16:9"}])
def test_edit_constraints_checked_at_once(ark: Create, vendors: Handle, fields: dict[str, Any]) -> None:
    body = {
        "ratio": None,
        "content": [_text("replace the hat"), _video()],
        "omni_reference_task_type": "edit",
    }
    answer = ark(model=M25, **{**body, **fields})
    _refused(answer, vendors, 400, "InvalidParameter.TaskTypeConstraint")


@pytest.mark.parametrize("query", [{"page_num": 0}, {"page_size": 501}, {"filter.status": "lost"}])
def test_list_queries(client: httpx.Client, vendors: Handle, query: dict[str, Any]) -> None:
    _refused(client.get("/seedance" + ARK, params=query), vendors, 400, "InvalidParameter")


def test_unknown_paths(client: httpx.Client) -> None:
    assert client.get("/seedance/api/v3/nothing").json()["error"]["type"] == "NotFound"
    assert "known" in client.get("/nobody/x").json()["error"]
    assert "known" in client.get("/seedance@moon/x").json()["error"]
