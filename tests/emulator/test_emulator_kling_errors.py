"""Kling, path-routed API: every refusal of a create, the two kinds of credentials, routes and methods."""

import base64
import hashlib
import hmac
import io
import json
from collections.abc import Callable
from typing import Any

import av
import httpx
import pytest

from dramagen.emulator import Handle, ManualClock

Create = Callable[..., httpx.Response]

PROMPT = {"type": "prompt", "text": "a cat"}
FIRST = {"type": "first_frame", "url": "https://example.com/a.png"}
LAST = {"type": "last_frame", "url": "https://example.com/b.png"}
MIDDLE = {"type": "middle_frame", "url": "https://example.com/c.png"}
REFER = {"type": "refer_image", "url": "https://example.com/r.png"}
FEATURE = {"type": "feature_video", "url": "https://example.com/v.mp4"}
BASE = {"type": "base_video", "url": "https://example.com/v.mp4"}


def _element(name: str) -> dict[str, str]:
    return {"type": "element", "element_id": "172", "id": name}


def _voice(name: str) -> dict[str, str]:
    return {"type": "voice", "voice_id": "9", "id": name}


def _refused(answer: httpx.Response, vendors: Handle, status: int, code: int) -> str:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert "data" not in body
    assert not vendors.bill(), "a refusal makes no task"
    return str(body["message"])


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"duration": 2}, "duration"),
        ({"duration": 16}, "duration"),
        ({"duration": "5"}, "duration"),
        ({"duration": 5.0}, "duration"),
        ({"resolution": "480p"}, "resolution"),
        ({"aspect_ratio": "21:9"}, "aspect_ratio"),
        ({"audio": "original"}, "audio"),
        ({"audio": True}, "audio"),
        ({"multi_shot": "no"}, "multi_shot"),
    ],
)
def test_settings_of_text_to_video(
    kling: Create, vendors: Handle, settings: dict[str, Any], field: str
) -> None:
    assert field in _refused(kling(**settings), vendors, 400, 1201)


@pytest.mark.parametrize(
    ("route", "settings", "contents", "field"),
    [
        ("image-to-video/kling-3.0", {}, [PROMPT], "first_frame"),
        ("image-to-video/kling-3.0", {}, [FIRST], "prompt"),
        ("image-to-video/kling-3.0", {}, [PROMPT, LAST], "first_frame"),
        ("image-to-video/kling-3.0", {"aspect_ratio": "16:9"}, [PROMPT, FIRST], "aspect_ratio"),
        ("image-to-video/kling-3.0", {}, [PROMPT, FIRST, FIRST], "first_frame"),
        ("image-to-video/kling-3.0", {}, [PROMPT, FIRST, REFER], "refer_image"),
        ("image-to-video/kling-3.0", {}, [PROMPT, FIRST, *map(_element, "abcd")], "element"),
        ("image-to-video/kling-3.0", {}, [PROMPT, FIRST, _element("li"), _element("lin")], "li"),
        ("image-to-video/kling-3.0", {}, [PROMPT, FIRST, {**_element("a"), "element_id": 172}], "element_id"),
        ("image-to-video/kling-3.0", {}, [PROMPT, {**FIRST, "url": "data:image/png;base64,AAAA"}], "data:"),
        ("image-to-video/kling-3.0", {}, [PROMPT, {**FIRST, "url": "not base64"}], "base64"),
        ("image-to-video/kling-3.0", {}, [PROMPT, {**FIRST, "url": ""}], "url"),
        ("image-to-video/kling-3.0-turbo", {}, [PROMPT, FIRST, LAST], "last_frame"),
        ("image-to-video/kling-3.0-turbo", {"multi_shot": False}, [PROMPT, FIRST], "multi_shot"),
        ("image-to-video/kling-3.0-turbo", {"audio": "off"}, [PROMPT, FIRST], "audio"),
        ("image-to-video/kling-2.6", {"duration": 6}, [PROMPT, FIRST], "duration"),
        ("image-to-video/kling-2.6", {"audio": "native"}, [PROMPT, FIRST], "1080p"),
        ("image-to-video/kling-2.6", {}, [PROMPT, FIRST, LAST], "1080p"),
        (
            "image-to-video/kling-2.6",
            {"resolution": "1080p", "audio": "native"},
            [PROMPT, FIRST, LAST],
            "audio",
        ),
        ("image-to-video/kling-2.6", {"resolution": "1080p"}, [PROMPT, FIRST, _voice("v")], "voice"),
        ("image-to-video/kling-2.5-turbo", {}, [PROMPT, FIRST, LAST], "1080p"),
        ("image-to-video/kling-2.5-turbo", {"resolution": "4k"}, [PROMPT, FIRST], "resolution"),
        ("omni-video/kling-3.0-omni", {"multi_shot": False}, [PROMPT, REFER], "aspect_ratio"),
        ("omni-video/kling-3.0-omni", {}, [PROMPT, FEATURE, BASE], "at most 1 video"),
        ("omni-video/kling-3.0-omni", {}, [PROMPT, FEATURE, *[REFER] * 5], "at most 4"),
        (
            "omni-video/kling-3.0-omni",
            {"aspect_ratio": "1:1"},
            [PROMPT, *[REFER] * 4, *map(_element, "abcd")],
            "at most 7",
        ),
        ("omni-video/kling-3.0-omni", {}, [PROMPT, FIRST, *map(_element, "abcd")], "at most 3 elements"),
        ("omni-video/kling-3.0-omni", {"audio": "native"}, [PROMPT, FEATURE], "feature_video"),
        ("omni-video/kling-3.0-omni", {"multi_shot": False}, [PROMPT, BASE, FIRST], "base_video"),
        ("omni-video/kling-3.0-omni", {}, [PROMPT, BASE], "multi_shot"),
        ("omni-video/kling-3.0-omni", {"multi_shot": False, "audio": "native"}, [PROMPT, BASE], "audio"),
        ("omni-video/kling-3.0-omni", {}, [PROMPT, {**BASE, "url": "AAAA"}], "URL"),
        ("omni-video/kling-o1", {"duration": 11}, [PROMPT, FIRST], "duration"),
        ("omni-video/kling-o1", {"audio": "native"}, [PROMPT, FIRST], "audio"),
        ("omni-video/kling-o1", {}, [PROMPT, FIRST, LAST, REFER], "references"),
        ("image-to-video/kling-4.0-flash", {}, [PROMPT, FIRST, LAST], "last_frame"),
        ("image-to-video/kling-4.0-flash", {"resolution": "1080p"}, [PROMPT, FIRST], "resolution"),
        ("image-to-video/kling-4.0", {"duration": 31}, [PROMPT, FIRST], "duration"),
        ("image-to-video/kling-4.0", {}, [PROMPT, FIRST, *[MIDDLE] * 9], "middle_frame"),
        ("omni-video/kling-4.0", {"audio": "off"}, [PROMPT, FIRST], "audio"),
        ("omni-video/kling-4.0", {}, [PROMPT, *[{**FEATURE, "url": "https://a.b/c?seconds=16"}] * 2], "30 s"),
        ("motion-control/kling-2.6", {"character_orientation": "image"}, [PROMPT], "image"),
    ],
)
def test_contents(
    client: httpx.Client,
    vendors: Handle,
    route: str,
    settings: dict[str, Any],
    contents: list[Any],
    field: str,
) -> None:
    answer = client.post(f"/kling/{route}", json={"contents": contents, "settings": settings})
    assert field in _refused(answer, vendors, 400, 1201)


def test_4_takes_frames_without_a_first_one(client: httpx.Client) -> None:
    answer = client.post("/kling/image-to-video/kling-4.0", json={"contents": [PROMPT, MIDDLE, LAST]})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("shot 1, 2, a; shot 2, 2, b;", "sum"),
        ("镜头 1, 5, " + "x" * 513 + ";", "512"),
        (" ".join(f"shot {n}, 1, a;" for n in range(1, 8)), "6 shots"),
        ("x" * 3073, "3072"),
        (" ", "required"),
    ],
)
def test_prompts(kling: Create, vendors: Handle, prompt: str, words: str) -> None:
    assert words in _refused(kling(prompt, multi_shot=True), vendors, 400, 1201)


def test_shots_that_add_up(kling: Create) -> None:
    assert kling("shot 1, 2, a; shot 2, 3, b;", multi_shot=True).status_code == 200
    assert kling("shot 1, 2, a; shot 2, 2, b;", multi_shot=False).status_code == 200, (
        "plain words without multi_shot"
    )


@pytest.mark.parametrize(
    "options", [{"external_task_id": 1}, {"callback_url": []}, {"watermark_info": {"enabled": 1}}]
)
def test_options(kling: Create, vendors: Handle, options: dict[str, Any]) -> None:
    assert next(iter(options)) in _refused(kling(options=options), vendors, 400, 1201)


def test_bodies_that_are_no_create(client: httpx.Client, vendors: Handle) -> None:
    route = "/kling/text-to-video/kling-3.0"
    _refused(client.post(route, content=b"{"), vendors, 400, 1200)
    _refused(client.post(route, json=[]), vendors, 400, 1200)
    assert "prompt" in _refused(client.post(route, json={}), vendors, 400, 1201)
    assert "settings" in _refused(client.post(route, json={"prompt": "x", "settings": 1}), vendors, 400, 1201)


def test_routes_and_methods(client: httpx.Client, vendors: Handle) -> None:
    _refused(client.post("/kling/text-to-video/kling-9", json={"prompt": "x"}), vendors, 404, 1203)
    _refused(client.post("/kling/text-to-video/kling-3.0-omni", json={"prompt": "x"}), vendors, 404, 1203)
    _refused(client.get("/kling/nothing"), vendors, 404, 1203)
    _refused(client.get("/kling/text-to-video/kling-3.0"), vendors, 404, 1202)
    _refused(client.delete("/kling/tasks"), vendors, 404, 1202)


def test_input_moderation(kling: Create, vendors: Handle) -> None:
    _refused(kling("blood [[moderate-input]]"), vendors, 400, 1301)


def test_lenient_switches(kling: Create, client: httpx.Client, vendors: Handle) -> None:
    vendors.settings(kling={"duration_types": "lenient", "data_uris": "accept"})
    assert kling(duration="5").status_code == 200
    inlined = {**FIRST, "url": "data:image/png;base64,AAAA"}
    body = {"contents": [PROMPT, inlined]}
    assert client.post("/kling/image-to-video/kling-3.0", json=body).status_code == 200
    vendors.settings(kling={"image_check": "strict"})
    assert client.post("/kling/image-to-video/kling-3.0", json=body).json()["code"] == 1201


def test_output_follows_the_inlined_frame(client: httpx.Client, clock: ManualClock) -> None:
    head = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + b"IHDR" + (600).to_bytes(4) + (800).to_bytes(4)
    frame = {**FIRST, "url": base64.b64encode(head).decode()}
    created = client.post("/kling/image-to-video/kling-3.0", json={"contents": [PROMPT, frame]}).json()
    clock.advance(120)
    [task] = client.get("/kling/tasks", params={"task_ids": created["data"]["id"]}).json()["data"]
    with av.open(io.BytesIO(client.get(task["outputs"][0]["url"]).content)) as container:
        video = container.streams.video[0]
    assert abs(video.width / video.height - 0.75) < 0.005
    assert abs(video.width * video.height / (1280 * 720) - 1) < 0.01


def _jwt(claims: dict[str, Any], secret: str = "SK-TEST-0123456789abcdef0123456789") -> str:
    def part(value: Any) -> str:
        return (
            base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=").decode()
        )

    signed = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}"
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


VECTOR = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJBSy1URVNUIiwiZXhwIjoxNzk1MDAxODAwLCJuYmYiOjE3OTQ5OTk5OTV9."
    "uvqyKVrobVQ4GVtwlb5lvGo2QoRxvxhPAQ3DUox3uok"
)


def test_jwt_vector() -> None:
    assert _jwt({"iss": "AK-TEST", "exp": 1795001800, "nbf": 1794999995}) == VECTOR


@pytest.mark.parametrize(
    ("claims", "secret", "code"),
    [
        ({"iss": "AK-TEST", "exp": 1800, "nbf": -5}, "SK-TEST-0123456789abcdef0123456789", 0),
        ({"iss": "AK-TEST", "exp": 1800, "nbf": -5, "iat": 0}, "SK-TEST-0123456789abcdef0123456789", 0),
        ({"iss": "AK-TEST", "exp": 1800, "nbf": 60}, "SK-TEST-0123456789abcdef0123456789", 1003),
        ({"iss": "AK-TEST", "exp": 0, "nbf": -5}, "SK-TEST-0123456789abcdef0123456789", 1004),
        ({"iss": "AK-TEST", "exp": 1800, "nbf": -5}, "wrong", 1002),
        ({"iss": "AK-NOBODY", "exp": 1800, "nbf": -5}, "SK-TEST-0123456789abcdef0123456789", 1002),
    ],
)
def test_jwt_on_the_older_routes(
    stranger: httpx.Client, clock: ManualClock, claims: dict[str, Any], secret: str, code: int
) -> None:
    moved = {name: value + int(clock.now()) if name != "iss" else value for name, value in claims.items()}
    headers = {"authorization": f"Bearer {_jwt(moved, secret)}"}
    answer = stranger.get("/kling/v1/videos/text2video", headers=headers)
    assert answer.json()["code"] == code
    assert answer.status_code == (401 if code else 200)


def test_jwt_on_the_new_routes(stranger: httpx.Client, vendors: Handle, clock: ManualClock) -> None:
    token = _jwt({"iss": "AK-TEST", "exp": int(clock.now()) + 1800, "nbf": int(clock.now()) - 5})

    def ask() -> tuple[int, int]:
        headers = {"authorization": f"Bearer {token}"}
        answer = stranger.get("/kling/tasks?task_ids=1", headers=headers)
        return answer.status_code, answer.json()["code"]

    assert ask() == (401, 1002)
    vendors.settings(kling={"jwt_on_new": "accept"})
    assert ask() == (200, 0)


@pytest.mark.parametrize(
    ("authorization", "code"),
    [("", 1001), ("Bearer", 1002), ("Bearer bad-key", 1002), ("Bearer a.b.c", 1002)],
)
def test_authentication(stranger: httpx.Client, authorization: str, code: int) -> None:
    headers = {"authorization": authorization} if authorization else {}
    for path in ("/kling/v1/videos/text2video", "/kling/tasks?task_ids=1"):
        answer = stranger.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
