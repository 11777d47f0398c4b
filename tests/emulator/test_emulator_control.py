"""The control endpoints, the handle, the command's server and the application without a server."""

import base64
import subprocess
import sys
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from dramagen import emulator
from dramagen.emulator import Handle, ManualClock, ScaledClock, app, running

ARK = "/api/v3/contents/generations/tasks"
Create = Callable[..., httpx.Response]


def test_the_bill_has_every_accepted_job_once(ark: Create, kling: Create, client: httpx.Client) -> None:
    ark()
    ark(duration=99)
    kling(at="/kling@intl", options={"external_task_id": "shot-1"})
    jobs = client.get("/_emulator/bill").json()["jobs"]
    assert [(row["provider"], row["region"], row["state"], row["currency"]) for row in jobs] == [
        ("seedance", "cn", "queued", "CNY"),
        ("kling", "intl", "queued", "USD"),
    ]
    assert set(jobs[0]) == {
        "provider",
        "region",
        "model",
        "id",
        "tag",
        "state",
        "amount",
        "currency",
        "created",
    }
    assert jobs[1]["tag"] == "shot-1"


def test_requests_are_logged_without_secrets(ark: Create, client: httpx.Client, vendors: Handle) -> None:
    inlined = "data:image/png;base64," + base64.b64encode(bytes(3000)).decode()
    image = {"type": "image_url", "image_url": {"url": inlined}, "role": "first_frame"}
    task_id = ark(content=[{"type": "text", "text": "a cat"}, image], ratio=None).json()["id"]
    client.get(f"/seedance{ARK}/{task_id}")
    first, second = vendors.requests()
    assert (first["method"], first["path"]) == ("POST", "/seedance" + ARK)
    assert first["headers"]["authorization"] == "<redacted>"
    assert "key-one" not in str(first)
    assert first["body"]["content"][0]["text"] == "a cat"
    assert first["body"]["content"][1]["image_url"]["url"].endswith(f"({len(inlined)} characters)")
    assert (second["method"], second["body"]) == ("GET", None)


def test_signatures_are_not_logged(
    kling: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    task_id = kling().json()["data"]["id"]
    clock.advance(200)
    url = client.get(f"/kling/tasks?task_ids={task_id}").json()["data"][0]["outputs"][0]["url"]
    client.get(url)
    assert url.rpartition("=")[2] not in str(vendors.requests())


def test_reset(ark: Create, client: httpx.Client, vendors: Handle) -> None:
    task_id = ark().json()["id"]
    vendors.settings(seedance={"concurrency": 0})
    vendors.faults(provider="seedance", on="create", kind="drop")
    vendors.reset()
    assert vendors.bill() == vendors.requests() == []
    assert client.get("/_emulator/faults").json() == {"faults": []}
    assert vendors.settings()["seedance"]["concurrency"] == 10
    assert client.get(f"/seedance{ARK}/{task_id}").status_code == 404


def test_faults_can_be_listed_and_taken_back(client: httpx.Client) -> None:
    faults = [{"provider": "kling", "on": "poll", "kind": "drop", "times": 2}] * 2
    assert len(client.post("/_emulator/faults", json=faults).json()["faults"]) == 2
    assert client.get("/_emulator/faults").json()["faults"][0]["times"] == 2
    assert client.delete("/_emulator/faults").json() == {"faults": []}


@pytest.mark.parametrize(
    "wrong", [{"nobody": {}}, {"kling": {"concurrencey": 1}}, {"kling": {"duplicate_external_id": "perhaps"}}]
)
def test_wrong_settings_are_refused(vendors: Handle, wrong: dict[str, Any]) -> None:
    before = vendors.settings()
    with pytest.raises(ValueError, match=r"."):
        vendors.settings(**wrong)
    assert vendors.settings() == before
    with pytest.raises(ValueError, match=r"."):
        app(settings=wrong)


def test_settings_given_at_the_start() -> None:
    with running(settings={"kling": {"concurrency": 3}}) as vendors:
        assert vendors.settings()["kling"]["concurrency"] == 3
        vendors.settings(kling={"concurrency": 4})
        vendors.reset()
        assert vendors.settings()["kling"]["concurrency"] == 3


def test_clients_read_wall_time_whatever_the_speed() -> None:
    clock = ScaledClock(1_000_000)
    with (
        running(clock=clock) as vendors,
        httpx.Client(base_url=vendors.url, trust_env=False, verify=False) as client,
    ):
        client.headers["authorization"] = "Bearer k"
        answer = client.post("/kling/text-to-video/kling-3.0", json={"prompt": "x"}).json()
        [row] = vendors.bill()
        assert abs(row["created"] - clock.stamp(clock.now())) < 60
        assert abs(answer["data"]["create_time"] / 1000 - row["created"]) < 1


def test_the_date_is_the_emulators(client: httpx.Client, clock: ManualClock) -> None:
    answer = client.get("/kling/tasks")
    assert answer.headers.get_list("date") == [formatdate(clock.now(), usegmt=True)]


def test_the_command_serves_on_a_free_port() -> None:
    code = "from dramagen.emulator import serve; serve(port=0, speed=60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = line.rpartition("=")[2].strip()
        assert httpx.get(url + "/_emulator/bill", trust_env=False, verify=False).json() == {"jobs": []}
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.anyio
async def test_the_application_needs_no_server(clock: ManualClock) -> None:
    transport = httpx.ASGITransport(app(clock=clock))
    async with httpx.AsyncClient(transport=transport, base_url="http://emulator") as client:
        client.headers["authorization"] = "Bearer k"
        created = (await client.post("/kling/text-to-video/kling-3.0", json={"prompt": "x"})).json()
        clock.advance(200)
        query = {"task_ids": created["data"]["id"]}
        [task] = (await client.get("/kling/tasks", params=query)).json()["data"]
        assert task["status"] == "succeeded"
        assert (await client.get(task["outputs"][0]["url"])).content[4:8] == b"ftyp"
        fault = {"provider": "kling", "on": "create", "kind": "drop"}
        await client.post("/_emulator/faults", json=fault)
        with pytest.raises(ConnectionResetError):
            await client.post("/kling/text-to-video/kling-3.0", json={"prompt": "x"})


@pytest.mark.anyio
async def test_who_goes_before_saying_it_all_makes_no_job_and_no_noise(clock: ManualClock) -> None:
    transport = httpx.ASGITransport(application := app(clock=clock))

    async def half_a_body() -> Any:
        return said.pop(0)

    async def nobody_reads(message: Any) -> None:
        pass

    said = [{"type": "http.request", "body": b'{"prom', "more_body": True}, {"type": "http.disconnect"}]
    scope = {
        "type": "http", "method": "POST", "path": "/kling/text-to-video/kling-3.0", "query_string": b"",
        "headers": [(b"authorization", b"Bearer k")],
    }  # fmt: skip
    await application(scope, half_a_body, nobody_reads)
    async with httpx.AsyncClient(transport=transport, base_url="http://emulator") as client:
        assert (await client.get("/_emulator/bill")).json() == {"jobs": []}


def test_public_names() -> None:
    assert {name for name in emulator.__all__ if getattr(emulator, name)} == set(emulator.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        _ = emulator.nothing


def test_nothing_else_of_the_library_is_imported() -> None:
    code = (
        "import sys; from dramagen.emulator import app; app();"
        "print(*sorted({n.split('.')[1] for n in sys.modules if n.startswith('dramagen.')} - {'emulator'}))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert (
        set(output.split()) & {"adapters", "engine", "catalog", "media", "store", "routing", "shot"} == set()
    )
