"""The OpenAI Videos protocol: the life of a job, lists and files, and what each kind of server does its own way."""

import base64
import hashlib
import hmac
import io
import json
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import av
import httpx
import pytest

from dramagen.emulator import Handle, ManualClock, running

V = "/v1/videos"
Create = Callable[..., httpx.Response]


def png(width: int, height: int) -> bytes:
    """A grey picture of that size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x7f" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def sora(client: httpx.Client) -> Create:
    """Create a video as OpenAI's own package does, a form of plain texts; ``frame`` is a file."""

    def create(
        prompt: str = "a cat", *, at: str = "/sora", frame: bytes = b"", **fields: str
    ) -> httpx.Response:
        parts: list[Any] = [(name, (None, text)) for name, text in ({"prompt": prompt} | fields).items()]
        if frame:
            parts.append(("input_reference", ("f.png", frame, "image/png")))
        return client.post(at + V, files=parts)

    return create


def made(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def error(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"]["code"]


# -- OpenAI's own -------------------------------------------------------------------------------------------


def test_a_job_is_queued_runs_and_is_fetched_with_the_key(
    sora: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    created = sora("雨夜,女主推门而入", model="sora-2", seconds="8", size="720x1280").json()
    assert (created["object"], created["status"], created["progress"]) == ("video", "queued", 0)
    assert (created["seconds"], created["size"], created["model"]) == ("8", "720x1280", "sora-2")
    assert created["id"].startswith("video_")
    where = f"/sora{V}/{created['id']}"
    assert client.get(f"{where}/content").status_code == 404
    clock.advance(30)
    half = client.get(where).json()
    assert half["status"] == "in_progress"
    assert 0 < half["progress"] < 100
    clock.advance(90)
    done = client.get(where).json()
    assert (done["status"], done["progress"], done["error"]) == ("completed", 100, None)
    assert done["expires_at"] == done["created_at"] + 86_400
    content = client.get(f"{where}/content")
    assert content.headers["content-type"] == "video/mp4"
    with av.open(io.BytesIO(content.content)) as container:
        video = container.streams.video[0]
        assert (video.width, video.height, video.frames) == (720, 1280, 192)
        assert container.streams.audio
    assert client.get(f"{where}/content", headers={"authorization": ""}).status_code == 401
    assert (
        client.get(f"{where}/content", params={"variant": "thumbnail"}).headers["content-type"]
        == "image/jpeg"
    )
    [row] = vendors.bill()
    assert (row["amount"], row["currency"], row["state"]) == ("0.8", "USD", "succeeded")


def test_what_is_left_out_has_the_documented_default(sora: Create, client: httpx.Client) -> None:
    created = client.post(f"/sora{V}", json={"prompt": "a cat"}).json()
    assert (created["model"], created["seconds"], created["size"]) == ("sora-2", "4", "720x1280")


@pytest.mark.parametrize(
    ("model", "size", "seconds", "amount"),
    [
        ("sora-2", "1280x720", "4", "0.4"),
        ("sora-2", "720x1280", "20", "2"),
        ("sora-2-pro", "720x1280", "12", "3.6"),
        ("sora-2-pro", "1024x1792", "4", "2"),
        ("sora-2-pro", "1920x1080", "16", "11.2"),
    ],
)
def test_a_second_costs_what_was_last_published(
    sora: Create, vendors: Handle, model: str, size: str, seconds: str, amount: str
) -> None:
    made(sora(model=model, size=size, seconds=seconds))
    assert [row["amount"] for row in vendors.bill()] == [amount]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"model": "sora-3"}, "invalid_value"),
        ({"seconds": "5"}, "invalid_value"),
        ({"size": "1920x1080"}, "invalid_value"),
        ({"size": "large"}, "invalid_value"),
        ({"prompt": ""}, None),
        ({"prompt": "x" * 32_001}, None),
        ({"prompt": "[[moderate-input]]"}, "sentinel_block"),
    ],
)
def test_a_wrong_create_is_refused_and_not_billed(
    sora: Create, vendors: Handle, fields: dict[str, str], code: str | None
) -> None:
    assert error(sora(**({"prompt": "x"} | fields))) == (400, code)
    assert vendors.bill() == []


def test_a_first_frame_has_exactly_the_clips_size(sora: Create, client: httpx.Client) -> None:
    assert sora(frame=png(720, 1280)).status_code == 200
    wrong = sora(frame=png(721, 1280))
    assert wrong.json()["error"]["message"] == "Inpaint image must match the requested width and height"
    assert sora(frame=b"no picture").status_code == 400
    url = "data:image/png;base64," + base64.b64encode(png(720, 1280)).decode()
    for reference, status in (
        ({"image_url": url}, 200),
        ({"image_url": url, "file_id": "f"}, 400),
        ({}, 400),
        ({"image_url": "data:image/png;base64,%"}, 400),
    ):
        body = {"prompt": "x", "input_reference": reference}
        assert client.post(f"/sora{V}", json=body).status_code == status


@pytest.mark.parametrize(
    ("word", "code"), [("[[moderate-output]]", "moderation_blocked"), ("[[fail]]", "internal_error")]
)
def test_a_failed_job_says_why_and_is_free(
    sora: Create, client: httpx.Client, clock: ManualClock, vendors: Handle, word: str, code: str
) -> None:
    job = made(sora(word))
    clock.advance(200)
    shown = client.get(f"/sora{V}/{job}")
    assert (shown.status_code, shown.json()["status"], shown.json()["error"]["code"]) == (200, "failed", code)
    assert [row["amount"] for row in vendors.bill()] == ["0"]


def test_keys_and_unknown_jobs(sora: Create, client: httpx.Client, stranger: httpx.Client) -> None:
    assert error(stranger.get(f"/sora{V}/video_x")) == (401, "invalid_api_key")
    stranger.headers["authorization"] = "Bearer bad-key"
    assert error(stranger.get(f"/sora{V}")) == (401, "invalid_api_key")
    client.headers["authorization"] = "Bearer key-one"
    assert error(client.get(f"/sora{V}/video_x")) == (404, None)
    assert client.get("/sora/v1/nothing").status_code == 404
    assert client.post(f"/sora{V}", content=b"{").status_code == 400
    assert (
        client.post(f"/sora{V}", content=b"x", headers={"content-type": "multipart/form-data"}).status_code
        == 400
    )
    broken = {"content-type": "multipart/form-data; boundary=b"}
    assert client.post(f"/sora{V}", content=b"--b\r\nno end", headers=broken).status_code == 400


def test_the_list_goes_both_ways_and_on(sora: Create, client: httpx.Client, clock: ManualClock) -> None:
    ids = []
    for _ in range(5):
        ids.append(made(sora()))
        clock.advance(1)
    first = client.get(f"/sora{V}", params={"limit": 2}).json()
    assert [item["id"] for item in first["data"]] == ids[:2:-1]
    assert (first["first_id"], first["last_id"], first["has_more"]) == (ids[4], ids[3], True)
    rest = client.get(f"/sora{V}", params={"limit": 3, "order": "desc", "after": first["last_id"]}).json()
    assert [item["id"] for item in rest["data"]] == ids[2::-1]
    assert rest["has_more"] is False
    oldest = client.get(f"/sora{V}", params={"order": "asc"}).json()
    assert [item["id"] for item in oldest["data"]] == ids
    for wrong in ({"limit": "101"}, {"limit": "x"}, {"order": "up"}):
        assert client.get(f"/sora{V}", params=wrong).status_code == 400


def test_a_file_lives_an_hour_and_a_job_a_day(sora: Create, client: httpx.Client, clock: ManualClock) -> None:
    job = made(sora())
    clock.advance(120)
    assert client.get(f"/sora{V}/{job}/content").status_code == 200
    clock.advance(3600)
    assert client.get(f"/sora{V}/{job}/content").status_code == 404
    assert client.get(f"/sora{V}/{job}").status_code == 200
    clock.advance(86_400)
    assert client.get(f"/sora{V}/{job}").status_code == 404
    assert client.get(f"/sora{V}").json()["data"] == []


def test_only_a_finished_job_can_be_deleted(sora: Create, client: httpx.Client, clock: ManualClock) -> None:
    job = made(sora())
    assert client.delete(f"/sora{V}/{job}").status_code == 400
    clock.advance(120)
    assert client.delete(f"/sora{V}/{job}").json() == {"id": job, "object": "video.deleted", "deleted": True}
    assert client.get(f"/sora{V}/{job}").status_code == 404


# -- the switches -------------------------------------------------------------------------------------------


def test_a_full_account_waits_or_is_refused(
    sora: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(sora={"concurrency": 1})
    first, second = made(sora()), made(sora())
    clock.advance(30)
    states = [client.get(f"/sora{V}/{job}").json()["status"] for job in (first, second)]
    assert states == ["in_progress", "queued"]
    vendors.settings(sora={"when_full": "refuse"})
    assert "Too many running tasks" in sora().json()["error"]["message"]
    vendors.settings(sora={"balance": "0.5", "concurrency": 9})
    assert error(sora()) == (429, "insufficient_quota")


@pytest.mark.parametrize(("how", "code"), [("404", "model_not_found"), ("410", "model_retired")])
def test_the_service_can_have_ended(sora: Create, vendors: Handle, how: str, code: str) -> None:
    vendors.settings(sora={"retired": how})
    assert error(sora()) == (int(how), code)


def test_answers_can_be_lean_odd_and_long(
    sora: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(
        sora={"nulls": "left out", "running_word": "remastering", "long_ids": True, "poll_after_ms": 900,
              "list_prompts": False, "lookup_delay": 60}
    )  # fmt: skip
    answer = sora()
    assert answer.headers["openai-poll-after-ms"] == "900"
    assert "error" not in answer.json()
    job = made(answer)
    assert len(job) > 150
    assert client.get(f"/sora{V}").json()["data"] == []
    clock.advance(30)
    assert client.get(f"/sora{V}/{job}").json()["status"] == "remastering"
    clock.advance(30)
    assert "prompt" not in client.get(f"/sora{V}").json()["data"][0]


def test_a_file_may_be_elsewhere(
    sora: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(sora={"content": "redirect"})
    job = made(sora())
    clock.advance(120)
    moved = client.get(f"/sora{V}/{job}/content", follow_redirects=False)
    assert moved.status_code == 302
    assert client.get(moved.headers["location"], headers={"authorization": ""}).content[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        (429, None, "rate_limit_exceeded"),
        (429, "insufficient_quota", "insufficient_quota"),
        (503, None, "server_error"),
    ],
)
def test_faults_speak_the_vendors_words(
    sora: Create, vendors: Handle, status: int, code: str | None, told: str
) -> None:
    vendors.faults(provider="sora", on="create", kind="status", status=status, code=code)
    assert error(sora()) == (status, told)
    assert vendors.bill() == []


# -- events -------------------------------------------------------------------------------------------------


@pytest.fixture
def inbox() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """An address that keeps what is posted to it."""
    kept: list[tuple[dict[str, str], bytes]] = []

    class Keeper(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kept.append(({k.lower(): v for k, v in self.headers.items()}, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Keeper) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook", kept
        server.shutdown()
        thread.join()


def test_a_finished_job_is_announced_signed_by_id_alone(inbox: tuple[str, list[Any]]) -> None:
    url, kept = inbox
    secret = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
    options = {"webhook_url": url, "webhook_secrets": [secret], "callbacks": "duplicate"}
    with running(speed=2000, settings={"sora": options}) as vendors:
        answer = httpx.post(
            f"{vendors.url}/sora{V}",
            json={"prompt": "x"},
            headers={"authorization": "Bearer k"},
            trust_env=False,
        )
        job = answer.json()["id"]
        ends = time.monotonic() + 60
        while len(kept) < 2 and time.monotonic() < ends:
            time.sleep(0.02)
    (headers, body), (_, again) = kept[:2]
    event = json.loads(body)
    assert body == again
    assert (event["type"], event["object"], event["data"]) == ("video.completed", "event", {"id": job})
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()


# -- one's own server ---------------------------------------------------------------------------------------

OWN = "/selfhosted"
WAN = {
    "model": "Wan-AI/Wan2.2-T2V-A14B-Diffusers",
    "seconds": "5",
    "size": "480x832",
    "fps": "16",
    "num_frames": "81",
}


def test_sglang_needs_no_key_and_says_how_long_it_computed(
    sora: Create, stranger: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    created = sora(at=OWN, **WAN, seed="7").json()
    assert created["prompt"] is None
    assert (created["seconds"], created["size"], created["quality"]) == ("5", "480x832", "standard")
    clock.advance(120)
    done = stranger.get(f"{OWN}{V}/{created['id']}").json()
    assert 50 < done["inference_time_s"] < 90
    content = stranger.get(f"{OWN}{V}/{created['id']}/content")
    with av.open(io.BytesIO(content.content)) as container:
        assert container.streams.video[0].frames == round(81 / 16 * 24)
        assert not container.streams.audio
    assert stranger.get(f"{OWN}{V}/{created['id']}/content", params={"variant": "video"}).status_code == 404
    [row] = vendors.bill()
    assert (float(row["amount"]), row["currency"]) == (round(done["inference_time_s"] / 1000, 4), "CNY")


def test_sglang_films_24_frames_a_second_when_it_is_not_told(sora: Create) -> None:
    assert sora(at=OWN, seconds="5", num_frames="81").json()["seconds"] == "3"


def test_sglang_answers_in_details(sora: Create, client: httpx.Client, clock: ManualClock) -> None:
    assert client.post(f"{OWN}{V}", json={"size": "1x"}).json() == {"detail": "prompt is required"}
    unread = sora(at=OWN, seconds="five")
    assert (unread.status_code, unread.json()["detail"][0]["loc"]) == (422, ["body", "seconds"])
    assert client.get(f"{OWN}{V}/x").json() == {"detail": "Video not found"}
    assert client.get(f"{OWN}/v1/x").json() == {"detail": "Not Found"}
    job = made(sora("[[fail]]", at=OWN, **WAN))
    clock.advance(120)
    failed = client.get(f"{OWN}{V}/{job}")
    assert (failed.status_code, failed.json()["error"]) == (200, {"message": "Video generation failed."})


def test_sglang_forgets_a_job_and_films_on(
    sora: Create, client: httpx.Client, vendors: Handle, clock: ManualClock
) -> None:
    job = made(sora(at=OWN, **WAN))
    assert client.delete(f"{OWN}{V}/{job}").json()["status"] == "deleted"
    assert client.get(f"{OWN}{V}/{job}").status_code == 404
    clock.advance(200)
    assert [row["state"] for row in vendors.bill()] == ["succeeded"]


def test_sglang_may_put_the_file_into_a_bucket(
    sora: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(selfhosted={"content": "cloud"})
    job = made(sora(at=OWN, **WAN))
    clock.advance(120)
    told = client.get(f"{OWN}{V}/{job}/content")
    assert (told.status_code, "cloud URL" in told.json()["detail"]) == (400, True)
    link = client.get(f"{OWN}{V}/{job}").json()["url"]
    assert client.get(link, headers={"authorization": ""}).content[4:8] == b"ftyp"


def test_a_first_frame_gives_the_clip_its_shape(
    sora: Create, client: httpx.Client, clock: ManualClock
) -> None:
    job = made(sora(at=OWN, **WAN, frame=png(300, 300)))
    clock.advance(120)
    with av.open(io.BytesIO(client.get(f"{OWN}{V}/{job}/content").content)) as container:
        video = container.streams.video[0]
        assert video.width == video.height
        assert abs(video.width * video.height - 480 * 832) < 2000


def test_one_machine_films_one_clip_at_a_time(sora: Create, client: httpx.Client, clock: ManualClock) -> None:
    first, second = made(sora(at=OWN, **WAN)), made(sora(at=OWN, **WAN))
    clock.advance(30)
    assert [client.get(f"{OWN}{V}/{j}").json()["status"] for j in (first, second)] == [
        "in_progress",
        "queued",
    ]


@pytest.fixture
def omni(vendors: Handle, sora: Create) -> Create:
    vendors.settings(selfhosted={"profile": "vllm-omni", "served": [WAN["model"]]})
    return lambda *words, **fields: sora(*words, at=OWN, **fields)


def test_vllm_omni_reads_forms_of_its_own_model_only(omni: Create, client: httpx.Client) -> None:
    assert made(omni(**WAN)).startswith("video_gen_")
    assert client.post(f"{OWN}{V}", json={"prompt": "x"}).status_code == 422
    assert omni(**(WAN | {"model": "other"})).status_code == 400
    assert omni(**(WAN | {"seconds": "0"})).status_code == 422
    assert omni("", **WAN).status_code == 422
    assert client.get(f"{OWN}/v1/models").json()["data"][0]["id"] == WAN["model"]


@pytest.mark.parametrize(("word", "status"), [("[[fail]]", 500), ("[[moderate-output]]", 400)])
def test_vllm_omni_shows_a_failed_job_with_the_failures_own_status(
    omni: Create, client: httpx.Client, clock: ManualClock, word: str, status: int
) -> None:
    job = made(omni(word, **WAN))
    clock.advance(120)
    shown = client.get(f"{OWN}{V}/{job}")
    assert (shown.status_code, shown.json()["status"]) == (status, "failed")
    assert shown.json()["error"]["code"] == status
    assert client.get(f"{OWN}{V}/{job}/content").status_code == 422


def test_vllm_omni_stops_a_running_job(
    omni: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    job = made(omni(**WAN))
    clock.advance(30)
    assert client.delete(f"{OWN}{V}/{job}").json() == {"id": job, "object": "video.deleted", "deleted": True}
    assert client.get(f"{OWN}{V}/{job}").status_code == 404
    assert [(row["state"], row["amount"]) for row in vendors.bill()] == [("cancelled", "0")]


def test_vllm_omni_may_ask_for_a_key_and_makes_sound(
    omni: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(selfhosted={"api_key": "key-two"})
    assert omni(**WAN).status_code == 401
    vendors.settings(selfhosted={"api_key": "key-one"})
    job = made(omni(**WAN, generate_sound="true"))
    clock.advance(120)
    with av.open(io.BytesIO(client.get(f"{OWN}{V}/{job}/content").content)) as container:
        assert container.streams.audio


def test_a_gateway_has_words_of_its_own(
    sora: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(sora={"profile": "generic", "nulls": "left out", "content": "cloud"})
    created = sora(model="veo-9", seconds="5", size="1344x768", seed="3").json()
    assert created["status"] == "Pending"
    assert not {"object", "progress"} & created.keys()
    clock.advance(120)
    done = client.get(f"/sora{V}/{created['id']}").json()
    assert done["status"] == "SUCCESS"
    assert client.get(done["video_url"], headers={"authorization": ""}).status_code == 200
