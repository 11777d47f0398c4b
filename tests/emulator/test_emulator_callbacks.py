"""Callbacks: every change of state, signed where a secret is set, sent again where the vendor does."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from dramagen.emulator import Handle, ManualClock, running
from dramagen.emulator.kling.webhook import sign

if TYPE_CHECKING:
    from tests.emulator.conftest import Receiver

ARK = "/seedance/api/v3/contents/generations/tasks"
SECRETS = [
    "whsec_ZHJhbWFnZW4tZW11bGF0b3Itd2ViaG9vay1rZXktMDE=",
    "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=",
]


@pytest.fixture
def caller(calling: Callable[[str], httpx.Client]) -> httpx.Client:
    return calling("Bearer key-one")


def _ark(caller: httpx.Client, prompt: str = "a cat", **fields: Any) -> str:
    content = [{"type": "text", "text": prompt}]
    body = {
        "model": "doubao-seedance-2-0-260128",
        "content": content,
        "callback_url": "http://cb/ark",
        **fields,
    }
    return str(caller.post(ARK, json=body).json()["id"])


def _kling(caller: httpx.Client, prompt: str = "a cat") -> str:
    body = {"prompt": prompt, "options": {"callback_url": "http://cb/kling", "external_task_id": "shot-1"}}
    return str(caller.post("/kling/text-to-video/kling-3.0", json=body).json()["data"]["id"])


def test_seedance_announces_every_state(
    caller: httpx.Client, receiver: "Receiver", time_: ManualClock
) -> None:
    task_id = _ark(caller)
    time_.advance(300)
    bodies = receiver.wait(3)
    assert [body["status"] for body in bodies] == ["queued", "running", "succeeded"]
    assert {body["id"] for body in bodies} == {task_id}
    assert {url for url, _, _ in receiver.sent} == {"http://cb/ark"}
    assert caller.get(bodies[-1]["content"]["video_url"]).status_code == 200


def test_seedance_sends_an_unacknowledged_end_three_times_more(
    caller: httpx.Client, receiver: "Receiver", time_: ManualClock
) -> None:
    receiver.status = 500
    _ark(caller)
    time_.advance(300)
    for sent in range(3, 7):
        receiver.wait(sent)
        time_.advance(5)
    receiver.status = 200
    _ark(caller)
    bodies = receiver.wait(7)
    assert [body["status"] for body in bodies[:6]] == ["queued", "running", *["succeeded"] * 4]
    assert bodies[6]["status"] == "queued", "the next task's"


def test_a_cancelled_task_is_not_announced(
    caller: httpx.Client, receiver: "Receiver", time_: ManualClock
) -> None:
    caller.delete(f"{ARK}/{_ark(caller)}")
    _ark(caller)
    time_.advance(300)
    statuses = [body["status"] for body in receiver.wait(4)]
    assert sorted(statuses) == ["queued", "queued", "running", "succeeded"]


def test_kling_sends_the_bare_task(caller: httpx.Client, receiver: "Receiver", time_: ManualClock) -> None:
    task_id = _kling(caller, "x [[moderate-output]]")
    time_.advance(200)
    last = receiver.wait(3)[-1]
    assert (last["id"], last["status"], last["external_id"]) == (task_id, "failed", "shot-1")
    assert "webhook-signature" not in receiver.sent[-1][1]


def test_kling_legacy_callback(caller: httpx.Client, receiver: "Receiver", time_: ManualClock) -> None:
    body = {"model_name": "kling-v3", "prompt": "x", "callback_url": "http://cb/kling"}
    caller.post("/kling/v1/videos/text2video", json=body)
    time_.advance(200)
    assert [each["task_status"] for each in receiver.wait(3)] == ["submitted", "processing", "succeed"]


def test_kling_signs_with_every_secret(
    own: Handle, caller: httpx.Client, receiver: "Receiver", time_: ManualClock
) -> None:
    own.settings(kling={"webhook_secrets": SECRETS})
    _kling(caller)
    receiver.wait(1)
    _, headers, body = receiver.sent[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = [
        "v1,"
        + base64.b64encode(hmac.new(base64.b64decode(secret[6:]), signed, hashlib.sha256).digest()).decode()
        for secret in SECRETS
    ]
    assert headers["webhook-signature"].split(" ") == expected
    assert int(headers["webhook-timestamp"]) == int(time_.now())


@pytest.mark.parametrize(
    ("secret", "name", "stamp", "body", "signature"),
    [
        (  # the vendor's own vector
            "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=",
            "9876543210",
            1781080794,
            b'{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,'
            b'"update_time":1781080794151}',
            "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
        ),
        (
            "whsec_ZHJhbWFnZW4tZW11bGF0b3Itd2ViaG9vay1rZXktMDE=",
            "wh-1",
            1795000066,
            b'{"id":"920000000000000001","status":"failed","message":"content risk","create_time":1795000000000,'
            b'"update_time":1795000065000,"external_id":"ep01-s03-t1","outputs":[],"billing":[]}',
            "v1,RFKpZSIUBt1SAwc1oXyuXpR5CSlw7oQ3xXkoqaVWNQU=",
        ),
    ],
)
def test_signature_vectors(secret: str, name: str, stamp: int, body: bytes, signature: str) -> None:
    assert sign(secret, name, stamp, body) == signature


@pytest.mark.parametrize(
    ("mode", "statuses"),
    [
        ("duplicate", ["submitted", "submitted", "processing", "processing", "succeeded", "succeeded"]),
        ("reorder", ["succeeded", "submitted", "processing"]),
    ],
)
def test_unruly_delivery(
    own: Handle,
    caller: httpx.Client,
    receiver: "Receiver",
    time_: ManualClock,
    mode: str,
    statuses: list[str],
) -> None:
    own.settings(kling={"callbacks": mode})
    _kling(caller)
    time_.advance(200)
    assert [body["status"] for body in receiver.wait(len(statuses))] == statuses


def test_callbacks_that_never_arrive(
    own: Handle, caller: httpx.Client, receiver: "Receiver", time_: ManualClock
) -> None:
    own.settings(kling={"callbacks": "never"})
    _kling(caller)
    time_.advance(200)
    _ark(caller)
    assert receiver.wait(1)[0]["status"] == "queued"
    assert {url for url, _, _ in receiver.sent} == {"http://cb/ark"}


def test_over_the_network() -> None:
    came = threading.Event()
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204)
            self.end_headers()
            came.set()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class names it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with running() as vendors:
            url = f"http://127.0.0.1:{server.server_port}/hook"
            body = {"prompt": "x", "options": {"callback_url": url}}
            headers = {"authorization": "Bearer k"}
            route = vendors.url + "/kling/text-to-video/kling-3.0"
            assert (
                httpx.post(route, json=body, headers=headers, trust_env=False, verify=False).status_code
                == 200
            )
            assert came.wait(60)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert json.loads(bodies[0])["status"] == "submitted"


def test_a_silent_receiver_does_not_stop_the_emulator() -> None:
    with running() as vendors:
        body = {"prompt": "x", "options": {"callback_url": "http://127.0.0.1:9/hook"}}
        route = vendors.url + "/kling/text-to-video/kling-3.0"
        headers = {"authorization": "Bearer k"}
        assert httpx.post(route, json=body, headers=headers, trust_env=False, verify=False).status_code == 200
        started = time.monotonic()
        assert len(vendors.bill()) == 1
        assert time.monotonic() - started < 5
