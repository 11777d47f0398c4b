"""Faults on demand, over a real socket: what the client sees and what the bill says."""

import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from dramagen.emulator import Handle, ManualClock, running

ARK = "/api/v3/contents/generations/tasks"
Create = Callable[..., httpx.Response]


@pytest.fixture(params=["seedance", "kling"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def create(provider: str, ark: Create, kling: Create) -> Create:
    return ark if provider == "seedance" else kling


def _id(answer: httpx.Response) -> str:
    body = answer.json()
    return str(body["id"] if "id" in body else body["data"]["id"])


def _poll(client: httpx.Client, provider: str, task_id: str) -> httpx.Response:
    path = f"{ARK}/{task_id}" if provider == "seedance" else f"/tasks?task_ids={task_id}"
    return client.get(f"/{provider}{path}")


def _status(answer: httpx.Response) -> str:
    body = answer.json()
    return str(body["status"] if "status" in body else body["data"][0]["status"])


def _read(answer: httpx.Response) -> tuple[bytes, bool]:
    """What arrives of a body, and whether it ended as announced."""
    received = b""
    try:
        for chunk in answer.iter_raw():
            received += chunk
    except httpx.RemoteProtocolError:
        return received, False
    return received, True


@pytest.mark.parametrize("accepted", [True, False])
def test_drop(provider: str, create: Create, vendors: Handle, accepted: bool) -> None:
    vendors.faults(provider=provider, on="create", kind="drop", after_accept=accepted)
    with pytest.raises(httpx.RemoteProtocolError):
        create()
    assert len(vendors.bill()) == accepted
    assert create().status_code == 200, "the fault was played once"


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("status", [429, 500, 502, 504])
def test_status(provider: str, create: Create, vendors: Handle, status: int, accepted: bool) -> None:
    vendors.faults(provider=provider, on="create", kind="status", status=status, after_accept=accepted)
    answer = create()
    assert answer.status_code == status
    assert len(vendors.bill()) == accepted
    html = answer.headers["content-type"].startswith("text/html")
    assert html is (status == 502 or (provider == "seedance" and status == 504))


def test_status_bodies(ark: Create, kling: Create, vendors: Handle) -> None:
    vendors.faults(provider="*", on="create", kind="status", status=429, times=2)
    assert ark().json()["error"]["code"] == "ModelAccountRpmRateLimitExceeded"
    assert kling().json()["code"] == 1302
    vendors.faults(provider="seedance", on="create", kind="status", status=500)
    assert ark().json()["error"]["code"] == "InternalServiceError"
    vendors.faults(provider="kling", on="create", kind="status", status=500)
    assert kling().json()["code"] == 5000
    vendors.faults(provider="kling", on="create", kind="status", status=429, code=1303)
    assert kling().json()["code"] == 1303


@pytest.mark.parametrize("accepted", [True, False])
def test_malformed(provider: str, create: Create, vendors: Handle, accepted: bool) -> None:
    vendors.faults(provider=provider, on="create", kind="malformed", after_accept=accepted)
    answer = create()
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    assert len(vendors.bill()) == accepted


@pytest.mark.parametrize("accepted", [True, False])
def test_slow_until_the_client_goes(provider: str, vendors: Handle, accepted: bool) -> None:
    vendors.faults(provider=provider, on="create", kind="slow", seconds=3600, after_accept=accepted)
    model = "doubao-seedance-2-0-260128"
    requests: dict[str, tuple[str, dict[str, Any]]] = {
        "seedance": (ARK, {"model": model, "content": [{"type": "text", "text": "x"}]}),
        "kling": ("/text-to-video/kling-3.0", {"prompt": "x"}),
    }
    path, body = requests[provider]
    headers = {"authorization": "Bearer key-one"}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{vendors.url}/{provider}{path}",
            json=body,
            headers=headers,
            timeout=httpx.Timeout(60, read=0.2),
            trust_env=False,
            verify=False,
        )
    give_up = time.monotonic() + 60
    while len(vendors.bill()) < accepted:  # an emulator without a turn may read it after the client has gone
        assert time.monotonic() < give_up
        time.sleep(0.01)
    assert len(vendors.bill()) == accepted


def test_slow_is_virtual_time() -> None:
    with (
        running(speed=10_000) as vendors,
        httpx.Client(base_url=vendors.url, trust_env=False, verify=False) as client,
    ):
        vendors.faults(provider="kling", on="create", kind="slow", seconds=600)
        body = {"prompt": "x"}
        started = time.monotonic()
        answer = client.post(
            "/kling/text-to-video/kling-3.0", json=body, headers={"authorization": "Bearer k"}
        )
        assert answer.status_code == 200
        assert time.monotonic() - started >= 0.06


def test_an_emulator_stops_in_the_middle_of_a_slow_answer() -> None:
    outcome: list[str] = []

    def ask(url: str) -> None:
        try:
            httpx.post(
                url,
                json={"prompt": "x"},
                headers={"authorization": "Bearer k"},
                trust_env=False,
                verify=False,
            )
        except httpx.HTTPError as error:
            outcome.append(type(error).__name__)

    with running() as vendors:
        vendors.faults(provider="kling", on="create", kind="slow", seconds=3600)
        caller = threading.Thread(target=ask, args=[vendors.url + "/kling/text-to-video/kling-3.0"])
        caller.start()
        while not vendors.requests():
            pass
    caller.join()
    assert outcome == ["RemoteProtocolError"]


@pytest.mark.parametrize("on", ["create", "poll"])
def test_never(
    provider: str, create: Create, client: httpx.Client, clock: ManualClock, vendors: Handle, on: str
) -> None:
    vendors.faults(provider=provider, on=on, kind="never")
    task_id = _id(create())
    _poll(client, provider, task_id)
    clock.advance(3 * 86_400)
    assert _status(_poll(client, provider, task_id)) in ("running", "processing")


def test_poll_faults(provider: str, create: Create, client: httpx.Client, vendors: Handle) -> None:
    task_id = _id(create())
    vendors.faults(provider=provider, on="poll", kind="drop")
    with pytest.raises(httpx.RemoteProtocolError):
        _poll(client, provider, task_id)
    vendors.faults(provider=provider, on="poll", kind="status", status=500, times=2)
    assert [_poll(client, provider, task_id).status_code for _ in range(3)] == [500, 500, 200]
    vendors.faults(provider=provider, on="find", kind="drop")
    assert _poll(client, provider, task_id).status_code == 200, "a look-up is no poll"


def test_find_faults(client: httpx.Client, vendors: Handle) -> None:
    vendors.faults(provider="*", on="find", kind="status", status=500, times=3)
    assert client.get("/seedance" + ARK).status_code == 500
    assert client.get("/kling/tasks?external_task_ids=a").status_code == 500
    assert client.post("/kling/tasks", json={}).status_code == 500
    assert client.get("/kling/tasks?external_task_ids=a").status_code == 200


@pytest.mark.parametrize("accepted", [True, False])
def test_cancel_faults(ark: Create, client: httpx.Client, vendors: Handle, accepted: bool) -> None:
    task_id = _id(ark())
    vendors.faults(provider="seedance", on="cancel", kind="drop", after_accept=accepted)
    with pytest.raises(httpx.RemoteProtocolError):
        client.delete(f"/seedance{ARK}/{task_id}")
    expected = "cancelled" if accepted else "queued"
    assert _status(_poll(client, "seedance", task_id)) == expected


def test_content_faults(kling: Create, client: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    task_id = _id(kling())
    clock.advance(150)
    url = _poll(client, "kling", task_id).json()["data"][0]["outputs"][0]["url"]
    whole = client.get(url).content
    vendors.faults(provider="kling", on="content", kind="drop")
    with client.stream("GET", url) as answer:
        assert int(answer.headers["content-length"]) == len(whole)
        received, ended = _read(answer)
    assert (received, ended) == (whole[: len(whole) // 2], False)
    vendors.faults(provider="kling", on="content", kind="malformed")
    assert client.get(url).content == whole[: len(whole) // 2]
    vendors.faults(provider="kling", on="content", kind="status", status=403)
    assert client.get(url).status_code == 403
    assert client.get(url).content == whole


def test_a_refusal_does_not_use_the_fault_up(kling: Create, vendors: Handle) -> None:
    vendors.faults(provider="kling", on="create", kind="drop", after_accept=True)
    assert kling("").status_code == 400
    with pytest.raises(httpx.RemoteProtocolError):
        kling()


def test_one_fault_meets_one_of_many_requests(vendors: Handle) -> None:
    vendors.faults(provider="kling", on="create", kind="status", status=500, after_accept=True)
    codes: list[int] = []
    headers = {"authorization": "Bearer key-one"}

    def create() -> None:
        url = vendors.url + "/kling/text-to-video/kling-3.0"
        codes.append(
            httpx.post(url, json={"prompt": "x"}, headers=headers, trust_env=False, verify=False).status_code
        )

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200] * 7 + [500]
    assert len(vendors.bill()) == 8


@pytest.mark.parametrize(
    "wrong",
    [
        {"provider": "nobody", "on": "create", "kind": "drop"},
        {"provider": "kling", "on": "upload", "kind": "drop"},
        {"provider": "kling", "on": "create", "kind": "explode"},
        {"provider": "kling", "on": "create", "kind": "drop", "times": 0},
        {"provider": "kling", "on": "create", "kind": "status", "status": 200},
        {"provider": "kling", "on": "create", "kind": "drop", "after": True},
    ],
)
def test_wrong_faults_are_refused(vendors: Handle, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        vendors.faults(**wrong)
