"""Replicate's webhooks: which events are told, in what order, and how they are signed."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from dramagen.emulator import Handle, ManualClock

if TYPE_CHECKING:
    from tests.emulator.conftest import Receiver

KLING = "kwaivgi/kling-v3-video"
TEXT = {"prompt": "雨夜", "mode": "pro", "duration": 5, "aspect_ratio": "9:16", "generate_audio": True}


@pytest.fixture
def caller(calling: Callable[[str], httpx.Client]) -> httpx.Client:
    return calling("Bearer r8_x")


def hooked(caller: httpx.Client, **body: Any) -> dict[str, Any]:
    asked = {"input": TEXT, "webhook": "https://me.io/hook", **body}
    made: dict[str, Any] = caller.post(f"/replicate/v1/models/{KLING}/predictions", json=asked).json()
    return made


def test_webhooks_follow_the_prediction(
    caller: httpx.Client, receiver: "Receiver", time_: ManualClock
) -> None:
    made = hooked(caller)
    time_.advance(300)
    bodies = receiver.wait(3)
    assert [body["status"] for body in bodies] == ["starting", "processing", "succeeded"]
    assert bodies[-1] == caller.get(made["urls"]["get"]).json()
    hooked(caller, webhook_events_filter=["completed"])
    time_.advance(300)
    assert receiver.wait(4)[3]["status"] == "succeeded"


def test_a_running_predictions_cancel_is_told(
    caller: httpx.Client, receiver: "Receiver", time_: ManualClock
) -> None:
    made = hooked(caller)
    time_.advance(10)
    receiver.wait(2)
    caller.post(made["urls"]["cancel"])
    assert [body["status"] for body in receiver.wait(3)] == ["starting", "processing", "canceled"]


@pytest.mark.parametrize(
    ("signature", "good", "age"), [("good", True, 0), ("wrong", False, 0), ("stale", True, 600)]
)
def test_webhooks_are_signed_with_the_accounts_secret(
    own: Handle,
    caller: httpx.Client,
    receiver: "Receiver",
    time_: ManualClock,
    signature: str,
    good: bool,
    age: int,
) -> None:
    own.settings(replicate={"callback_signature": signature})
    made = hooked(caller, webhook_events_filter=["completed"])
    time_.advance(300)
    receiver.wait(1)
    (_, headers, body) = receiver.sent[0]
    key = caller.get("/replicate/v1/webhooks/default/secret").json()["key"]
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(base64.b64decode(key.removeprefix("whsec_")), text, hashlib.sha256).digest()
    assert (headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}") is good
    assert made["id"] in headers["webhook-id"]
    assert int(headers["webhook-timestamp"]) == int(time_.now()) - age


def test_webhooks_may_come_unsigned_and_out_of_order(
    own: Handle, caller: httpx.Client, receiver: "Receiver", time_: ManualClock
) -> None:
    own.settings(replicate={"callback_signature": "absent", "callbacks": "reorder"})
    hooked(caller)
    time_.advance(300)
    assert [body["status"] for body in receiver.wait(3)] == ["succeeded", "starting", "processing"]
    assert set(receiver.sent[0][1]) == {"content-type"}
