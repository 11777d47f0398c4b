"""Replicate's predictions as its pages have them, over a real socket."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from dramagen.emulator import Handle, ManualClock
from dramagen.emulator.replicate.models import MODELS

Create = Callable[..., httpx.Response]

KLING = "kwaivgi/kling-v3-video"
SEEDANCE = "bytedance/seedance-2.0"
INPUT: dict[str, dict[str, Any]] = {
    KLING: {"prompt": "雨夜", "mode": "pro", "duration": 5, "aspect_ratio": "9:16", "generate_audio": True}
}


def data_uri(width: int, height: int) -> str:
    kept = BytesIO()
    Image.new("RGB", (width, height), (9, 9, 9)).save(kept, "png")
    return f"data:image/png;base64,{base64.b64encode(kept.getvalue()).decode()}"


FRAME = data_uri(720, 1280)


@pytest.fixture
def replicate(client: httpx.Client) -> Create:
    """Create a prediction: a short one of Kling from text unless told otherwise; None takes a field away."""

    def create(model: str = KLING, *, headers: Any = None, body: Any = None, **given: Any) -> httpx.Response:
        fields = {k: v for k, v in (INPUT.get(model, {"prompt": "雨夜"}) | given).items() if v is not None}
        return client.post(
            f"/replicate/v1/models/{model}/predictions",
            json={"input": fields, **(body or {})},
            headers=headers,
        )

    return create


def get(client: httpx.Client, made: Mapping[str, Any]) -> dict[str, Any]:
    answer = client.get(made["urls"]["get"])
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def at_fault(answer: httpx.Response) -> tuple[int, list[str]]:
    told = answer.json()
    assert (told["title"], told["status"]) == ("Input validation failed", 422)
    return answer.status_code, [each["field"] for each in told["invalid_fields"]]


def test_from_create_to_file(
    replicate: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    answer = replicate()
    made = answer.json()
    assert (answer.status_code, made["status"], made["output"], made["error"]) == (
        201,
        "starting",
        None,
        None,
    )
    assert (made["model"], made["input"]["mode"], made["source"]) == (KLING, "pro", "api")
    assert made["urls"]["get"] == f"{vendors.url}/replicate/v1/predictions/{made['id']}"
    assert made["urls"]["cancel"] == made["urls"]["get"] + "/cancel"
    assert datetime.fromisoformat(made["created_at"])
    assert (made["started_at"], made["completed_at"], made["data_removed"]) == (None, None, False)
    clock.advance(10)
    assert (get(client, made)["status"], get(client, made)["output"]) == ("processing", None)
    clock.advance(200)
    done = get(client, made)
    assert (done["status"], done["data_removed"]) == ("succeeded", False)
    assert done["metrics"]["predict_time"] < done["metrics"]["total_time"] < 210
    assert done["output"].startswith(vendors.url)
    del client.headers["authorization"]  # the link is all it takes
    assert client.get(done["output"]).headers["content-type"] == "video/mp4"
    client.headers["authorization"] = "Bearer key-one"
    clock.advance(3600)
    gone = get(client, made)
    assert (gone["status"], gone["data_removed"]) == ("succeeded", True)
    assert (gone["input"], gone["output"], gone["logs"]) == ({}, None, "")
    assert client.get(done["output"]).status_code == 404
    (row,) = vendors.bill()
    assert (row["model"], row["amount"], row["currency"]) == (KLING, "1.68", "USD")


@pytest.mark.parametrize(
    ("model", "given", "amount"),
    [
        (KLING, {"generate_audio": None}, "1.12"),
        (KLING, {"mode": "standard", "duration": 3}, "0.756"),
        ("kwaivgi/kling-v3-omni-video", {"generate_audio": True}, "1.4"),
        ("bytedance/seedance-2.5", {"duration": 4, "resolution": "480p"}, "0.4112"),
        ("bytedance/seedance-2.5", {"duration": -1}, "1.156"),
        ("alibaba/wan-3", {"duration": 2, "resolution": "1080p"}, "0.4"),
        ("vidu/q3-pro", {"duration": 4}, "0.6"),
        # Nobody published a price: the emulator's own.
        ("vidu/q3-pro", {"duration": 4, "resolution": "1080p"}, "0.4"),
        (SEEDANCE, {"duration": 5}, "0.5"),
        ("minimax/hailuo-2.3", {"duration": 6, "resolution": "1080p"}, "0.6"),
    ],
)
def test_what_a_clip_costs(
    replicate: Create, vendors: Handle, model: str, given: dict[str, Any], amount: str
) -> None:
    assert replicate(model, **given).status_code == 201
    assert [row["amount"] for row in vendors.bill()] == [amount]


@pytest.mark.parametrize(
    ("model", "given", "fields"),
    [
        (KLING, {"duration": "5"}, ["input.duration"]),
        (KLING, {"duration": 16}, ["input.duration"]),
        (KLING, {"mode": "best"}, ["input.mode"]),
        (KLING, {"prompt": None}, ["input.prompt"]),
        (KLING, {"prompt": ""}, ["input.prompt"]),
        (KLING, {"image": FRAME}, ["input.image"]),
        (KLING, {"generate_audio": 1}, ["input.generate_audio"]),
        (KLING, {"start_image": "a.png"}, ["input.start_image"]),
        (KLING, {"start_image": "https://x.io/unreachable/a.png"}, ["input.start_image"]),
        (KLING, {"start_image": "data:image/png;base64,@@"}, ["input.start_image"]),
        (SEEDANCE, {"start_image": FRAME}, ["input.start_image"]),
        (SEEDANCE, {"reference_images": [FRAME] * 10}, ["input.reference_images"]),
        (SEEDANCE, {"resolution": "4k"}, ["input.resolution"]),
        (SEEDANCE, {"duration": 16, "seed": "1"}, ["input.duration", "input.seed"]),
        ("kwaivgi/kling-v2.6", {"duration": 6}, ["input.duration"]),
        ("minimax/hailuo-2.3", {"duration": 10, "resolution": "1080p"}, ["input.duration"]),
        ("wan-video/wan-2.7-i2v", {}, ["input.image"]),
        ("alibaba/wan-3", {"last_frame": FRAME}, ["input.last_frame"]),
    ],
)
def test_wrong_inputs_are_refused_at_once(
    replicate: Create, vendors: Handle, model: str, given: dict[str, Any], fields: list[str]
) -> None:
    assert at_fault(replicate(model, **given)) == (422, fields)
    assert vendors.bill() == []


def test_unknown_fields_may_pass(replicate: Create, vendors: Handle) -> None:
    vendors.settings(replicate={"unknown_fields": "ignored"})
    assert replicate(image=FRAME).status_code == 201


def test_frames_and_references_exclude_each_other(replicate: Create) -> None:
    answer = replicate(SEEDANCE, image=FRAME, reference_images=[FRAME])
    assert answer.status_code == 422
    assert "exclude" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"input": None}, "input"),
        ({"webhook": "me"}, "webhook"),
        ({"webhook_events_filter": ["done"]}, "webhook_events_filter"),
        ({"inputs": {}}, "inputs"),
    ],
)
def test_wrong_bodies(replicate: Create, vendors: Handle, body: dict[str, Any], detail: str) -> None:
    answer = replicate(body=body)
    assert (answer.status_code, detail in answer.json()["detail"]) == (422, True)
    assert vendors.bill() == []


@pytest.mark.parametrize("words", ["", "Content flagged (E005)"])
def test_a_failed_prediction_says_why_in_free_text(
    replicate: Create, client: httpx.Client, clock: ManualClock, vendors: Handle, words: str
) -> None:
    if words:
        vendors.settings(replicate={"moderation_words": words})
    moderated, failed = replicate(prompt="[[moderate-output]]").json(), replicate(prompt="[[fail]]").json()
    clock.advance(300)
    assert (get(client, moderated)["status"], get(client, failed)["status"]) == ("failed", "failed")
    assert (words or "E005") in get(client, moderated)["error"]
    assert "went wrong" in get(client, failed)["error"]
    assert [row["amount"] for row in vendors.bill()] == ["0", "0"]


def test_tokens_and_paths(replicate: Create, client: httpx.Client, vendors: Handle) -> None:
    made = replicate().json()
    missing = client.get(made["urls"]["get"] + "x")
    assert (missing.status_code, missing.json()["status"]) == (404, 404)
    assert client.get(made["urls"]["get"], headers={"authorization": "Bearer other"}).status_code == 404
    for wrong in ("Token key-one", "Bearer bad", ""):
        answer = client.get("/replicate/v1/account", headers={"authorization": wrong})
        assert (answer.status_code, answer.json()["title"]) == (401, "Unauthenticated")
    assert replicate("nobody/nothing").status_code == 404
    assert client.post("/replicate/v1/deployments/a/b/predictions", json={"input": {}}).status_code == 404
    assert client.put("/replicate/v1/predictions").status_code == 405
    path = f"/replicate/v1/models/{KLING}/predictions"
    assert client.post(path, content=b"[]").status_code == 400
    assert client.get("/replicate/v1/account").json()["username"] == "emulated"


def test_a_prediction_by_version(client: httpx.Client, vendors: Handle) -> None:
    version = client.get(f"/replicate/v1/models/{KLING}").json()["latest_version"]["id"]
    made = client.post("/replicate/v1/predictions", json={"version": version, "input": {"prompt": "x"}})
    assert (made.status_code, made.json()["model"], made.json()["version"]) == (201, KLING, version)
    wrong: list[dict[str, Any]] = [{"version": "abc", "input": {}}, {"input": {}}]
    for body in wrong:
        assert client.post("/replicate/v1/predictions", json=body).status_code == 422
    assert len(vendors.bill()) == 1


def test_a_model_tells_its_schema(client: httpx.Client) -> None:
    told = client.get(f"/replicate/v1/models/{SEEDANCE}").json()
    assert (told["owner"], told["name"], told["visibility"]) == ("bytedance", "seedance-2.0", "public")
    inputs = told["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"]
    assert inputs["required"] == ["prompt"]
    assert inputs["properties"]["duration"] == {
        "type": "integer",
        "default": 5,
        "minimum": -1,
        "maximum": 15,
    }
    assert inputs["properties"]["resolution"]["enum"] == ["480p", "720p", "1080p"]
    assert inputs["properties"]["reference_images"]["maxItems"] == 9
    assert client.get("/replicate/v1/models/a/b").status_code == 404


def test_credit_and_rate(replicate: Create, clock: ManualClock, vendors: Handle) -> None:
    vendors.settings(replicate={"creates_per_minute": 2, "balance": 1.7})
    assert replicate().status_code == 201
    empty = replicate()
    assert (empty.status_code, empty.json()["title"]) == (402, "Insufficient credit")
    throttled = replicate()
    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "30")
    assert throttled.json()["detail"] == "Request was throttled. Your rate limit resets in ~30s."
    clock.advance(61)
    assert replicate().status_code == 402
    assert len(vendors.bill()) == 1


def test_cancel(replicate: Create, client: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    waiting = replicate().json()
    assert client.post(waiting["urls"]["cancel"]).json()["status"] == "aborted"
    running_ = replicate().json()
    clock.advance(10)
    told = client.post(running_["urls"]["cancel"]).json()
    assert (told["status"], told["completed_at"] is None) == ("canceled", False)
    assert client.post(running_["urls"]["cancel"]).json()["status"] == "canceled"
    assert client.post(running_["urls"]["cancel"] + "x").status_code == 404
    assert [row["amount"] for row in vendors.bill()] == ["0", "1.68"]
    vendors.settings(replicate={"cancelled_billed": False})
    free = replicate().json()
    clock.advance(10)
    client.post(free["urls"]["cancel"])
    assert vendors.bill()[-1]["amount"] == "0"


def test_the_deadline_aborts_what_waits_and_cancels_what_runs(
    replicate: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(replicate={"concurrency": 1})
    first, second = (replicate(headers={"Cancel-After": after}).json() for after in ("1m", "50s"))
    clock.advance(55)
    assert (get(client, first)["status"], get(client, second)["status"]) == ("processing", "aborted")
    clock.advance(10)
    assert get(client, first)["status"] == "canceled"
    assert [row["amount"] for row in vendors.bill()] == ["1.68", "0"]
    for wrong in ("4s", "soon"):
        assert replicate(headers={"Cancel-After": wrong}).status_code == 422


def test_the_list_goes_back_in_pages(
    replicate: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(replicate={"list_page": 2, "list_delay": 30})
    ids = [replicate().json()["id"] for _ in range(3)]
    assert client.get("/replicate/v1/predictions").json()["results"] == []
    clock.advance(30)
    page = client.get("/replicate/v1/predictions").json()
    assert ([item["id"] for item in page["results"]], page["previous"]) == (ids[:0:-1], None)
    rest = client.get(page["next"]).json()
    assert ([item["id"] for item in rest["results"]], rest["next"]) == (ids[:1], None)
    assert client.get(rest["previous"]).json()["results"] == page["results"]
    assert client.get("/replicate/v1/predictions?cursor=x").status_code == 400


@pytest.mark.parametrize(("mode", "shown"), [("shown", True), ("empty", {}), ("absent", None)])
def test_the_list_may_hide_inputs(
    replicate: Create, client: httpx.Client, vendors: Handle, mode: str, shown: Any
) -> None:
    vendors.settings(replicate={"list_input": mode})
    made = replicate().json()
    (item,) = client.get("/replicate/v1/predictions").json()["results"]
    assert item.get("input") == (made["input"] if shown is True else shown)


def test_small_switches(replicate: Create, client: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    vendors.settings(replicate={"output": "list", "unknown_status": "warming", "web_url": False})
    made = replicate().json()
    assert "web" not in made["urls"]
    clock.advance(10)
    assert get(client, made)["status"] == "warming"
    clock.advance(200)
    (url,) = get(client, made)["output"]
    assert client.get(url).status_code == 200


@pytest.mark.parametrize(
    ("options", "status", "has_output"),
    [
        ({}, "processing", False),
        ({"wait_output": True}, "processing", True),
        ({"wait_status": "true"}, "succeeded", True),
    ],
)
def test_a_held_create_calls_an_ended_prediction_processing(
    replicate: Create,
    clock: ManualClock,
    vendors: Handle,
    options: dict[str, Any],
    status: str,
    has_output: bool,
) -> None:
    vendors.settings(replicate={"job_seconds": 20, **options})
    told = held(replicate, clock, "wait=60", 40, vendors)
    assert (told["status"], told["output"] is not None) == (status, has_output)


def test_a_held_create_calls_an_unfinished_prediction_starting(
    replicate: Create, clock: ManualClock, vendors: Handle
) -> None:
    assert held(replicate, clock, "wait", 60, vendors)["status"] == "starting"


def held(replicate: Create, clock: ManualClock, prefer: str, seconds: float, vendors: Handle) -> Any:
    """The answer to a create that waits while the clock moves on."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(replicate, headers={"Prefer": prefer})
        while not vendors.bill():
            pass  # it is not accepted yet
        clock.advance(seconds)
        return answer.result(timeout=10).json()


@pytest.mark.parametrize(("prefer", "status"), [("wait=61", 422), ("wait=0", 422), ("respond-async", 201)])
def test_how_long_a_create_may_be_held(replicate: Create, prefer: str, status: int) -> None:
    assert replicate(headers={"Prefer": prefer}).status_code == status


def test_files(replicate: Create, client: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    picture = base64.b64decode(FRAME.partition(",")[2])
    answer = client.post("/replicate/v1/files", files={"content": ("a.png", picture, "image/png")})
    file = answer.json()
    assert (answer.status_code, file["name"], file["content_type"]) == (201, "a.png", "image/png")
    assert (file["size"], file["checksums"]["sha256"]) == (len(picture), hashlib.sha256(picture).hexdigest())
    assert client.get(file["urls"]["get"]).json() == file
    assert [each["id"] for each in client.get("/replicate/v1/files").json()["results"]] == [file["id"]]
    assert replicate(start_image=file["urls"]["get"]).status_code == 201
    assert at_fault(replicate(start_image=file["urls"]["get"] + "x")) == (422, ["input.start_image"])
    clock.advance(86_400)
    assert client.get(file["urls"]["get"]).status_code == 404
    assert client.get("/replicate/v1/files").json()["results"] == []
    again = client.post("/replicate/v1/files", files={"content": ("a.png", picture, "image/png")}).json()
    assert client.delete(again["urls"]["get"]).status_code == 204
    assert client.delete(again["urls"]["get"]).status_code == 404
    assert client.post("/replicate/v1/files", files={"file": ("a.png", picture)}).status_code == 422
    assert client.post("/replicate/v1/files", json={}).status_code == 400


@pytest.mark.parametrize("kind", ["status", "malformed"])
@pytest.mark.parametrize("after", [True, False])
def test_faults_of_a_create(replicate: Create, vendors: Handle, kind: str, after: bool) -> None:
    vendors.faults(provider="replicate", on="create", kind=kind, status=503, after_accept=after)
    answer = replicate()
    assert answer.status_code == (503 if kind == "status" else 201 if after else 200)
    assert len(vendors.bill()) == after


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422, 429, 500, 503])
def test_usual_errors(replicate: Create, vendors: Handle, status: int) -> None:
    vendors.faults(provider="replicate", on="create", kind="status", status=status)
    answer = replicate()
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert set(answer.json()) == {"title", "detail", "status"}


def test_the_gateways_page(replicate: Create, vendors: Handle) -> None:
    vendors.faults(provider="replicate", on="create", kind="status", status=502)
    assert replicate().headers["content-type"].startswith("text/html")


def test_a_job_may_never_end(
    replicate: Create, client: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.faults(provider="replicate", on="create", kind="never")
    made = replicate().json()
    clock.advance(100_000)
    assert get(client, made)["status"] == "processing"


@pytest.mark.matrix
@pytest.mark.parametrize("model", sorted(MODELS))
def test_every_model_films_with_its_own_names(
    replicate: Create, client: httpx.Client, clock: ManualClock, vendors: Handle, model: str
) -> None:
    frames = {
        name: FRAME for name in ("image", "start_image", "first_frame_image") if name in MODELS[model].fields
    }
    answer = replicate(model, **frames)
    assert answer.status_code == 201, answer.text
    clock.advance(300)
    assert client.get(get(client, answer.json())["output"]).content[4:8] == b"ftyp"
    (row,) = vendors.bill()
    assert float(row["amount"]) > 0
