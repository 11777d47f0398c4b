"""Vidu's protocol as its pages have it, over a real socket."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image

from dramagen.emulator import Handle, ManualClock
from dramagen.emulator.vidu.webhook import signature

if TYPE_CHECKING:
    from tests.emulator.conftest import Receiver

Create = Callable[..., httpx.Response]


def data_uri(width: int, height: int, form: str = "png") -> str:
    kept = BytesIO()
    Image.new("RGB", (width, height), (9, 9, 9)).save(kept, form)
    return f"data:image/{form};base64,{base64.b64encode(kept.getvalue()).decode()}"


FRAME = data_uri(720, 1280)
TEXT = {
    "model": "viduq3-turbo",
    "prompt": "雨夜",
    "duration": 5,
    "resolution": "720p",
    "aspect_ratio": "9:16",
}
SUBJECTS = [
    {"name": "林晚", "images": [FRAME, FRAME]},
    {"name": "沈舟", "images": ["https://cdn.example.com/sz.png"]},
]


@pytest.fixture
def caller(client: httpx.Client) -> httpx.Client:
    client.headers["authorization"] = "Token vda_test"
    return client


@pytest.fixture
def vidu(caller: httpx.Client) -> Create:
    """Create a job: a short one from text unless told otherwise; None takes a field away."""

    def create(kind: str = "text2video", *, at: str = "/vidu", **fields: Any) -> httpx.Response:
        body = {k: v for k, v in (TEXT | fields).items() if v is not None}
        return caller.post(f"{at}/ent/v2/{kind}", json=body)

    return create


def framed(*images: str, **fields: Any) -> dict[str, Any]:
    return {"images": list(images), "aspect_ratio": None} | fields


def get(caller: httpx.Client, job: str, at: str = "/vidu") -> dict[str, Any]:
    answer = caller.get(f"{at}/ent/v2/tasks/{job}/creations")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def reason(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["reason"]


def test_from_create_to_file(vidu: Create, caller: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    made = vidu(payload="shot-1#a", seed=18427, audio=False).json()
    assert (made["state"], made["credits"], made["payload"], made["seed"]) == (
        "created",
        55,
        "shot-1#a",
        18427,
    )
    assert datetime.fromisoformat(made["created_at"][:26] + "Z")
    job = made["task_id"]
    assert get(caller, job)["state"] == "queueing"
    clock.advance(10)
    running_ = get(caller, job)
    assert (running_["state"], running_["creations"], running_["err_code"]) == ("processing", [], "")
    clock.advance(200)
    done = get(caller, job)
    assert (done["id"], done["state"], done["credits"], done["payload"]) == (job, "success", 55, "shot-1#a")
    (creation,) = done["creations"]
    assert creation["video"] == {"duration": 5.04, "fps": 24, "resolution": {"width": 720, "height": 1280}}
    del caller.headers["authorization"]  # the link is all it takes
    assert caller.get(creation["url"]).headers["content-type"] == "video/mp4"
    clock.advance(86_400)
    assert caller.get(creation["url"]).status_code == 403
    (row,) = vendors.bill()
    assert (row["amount"], row["currency"], row["tag"]) == ("1.71875", "CNY", "shot-1#a")


def test_abroad_a_credit_is_half_a_cent(vidu: Create, vendors: Handle) -> None:
    assert vidu(at="/vidu@intl").json()["credits"] == 55
    assert [(row["amount"], row["currency"]) for row in vendors.bill()] == [("0.275", "USD")]


@pytest.mark.parametrize(
    ("kind", "fields", "taken"),
    [
        ("text2video", {"model": "viduq3-pro", "resolution": "1080p"}, 120),
        ("text2video", {"model": "viduq2", "duration": 5}, 35),
        ("text2video", {"model": "viduq2", "duration": 5, "audio": True}, 50),
        ("text2video", {"model": "viduq1", "resolution": "1080p"}, 80),
        ("text2video", {"off_peak": True}, 30),
        ("text2video", {"model": "viduq2", "off_peak": True}, 18),
        ("img2video", framed(FRAME, model="viduq4-preview", resolution="4K", audio=True), 390),
        ("img2video", framed(FRAME, model="viduq2-turbo", duration=1), 8),
        ("img2video", framed(FRAME, model="viduq2-turbo", duration=2), 10),
        ("img2video", framed(FRAME, is_rec=True), 65),
        ("start-end2video", framed(FRAME, FRAME, model="viduq3-pro"), 100),
        ("reference2video", {"subjects": SUBJECTS, "duration": 6}, 60),
        ("reference2video", {"images": [FRAME] * 7, "model": "viduq3-mix"}, 120),
        ("reference2video", {"images": [FRAME] * 15, "model": "viduq4-preview", "resolution": "1080p"}, 120),
    ],
)
def test_what_each_call_takes_in_credits(vidu: Create, kind: str, fields: dict[str, Any], taken: int) -> None:
    answer = vidu(kind, **fields)
    assert answer.status_code == 200, answer.text
    assert answer.json()["credits"] == taken


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("text2video", {"duration": 17}, "FieldInvalid"),
        ("text2video", {"duration": "5"}, "FieldInvalid"),
        ("text2video", {"resolution": "4K"}, "FieldInvalid"),
        ("text2video", {"aspect_ratio": "21:9"}, "FieldInvalid"),
        ("text2video", {"seed": 2**31}, "FieldInvalid"),
        ("text2video", {"prompt": None}, "FieldLacking"),
        ("text2video", {"prompt": "x" * 5001}, "FieldInvalid"),
        ("text2video", {"negative_prompt": "x"}, "FieldUnwanted"),
        ("text2video", {"images": [FRAME]}, "FieldUnwanted"),
        ("text2video", {"model": "viduq4-preview"}, "ModelUnavailable"),
        ("text2video", {"model": "viduq4"}, "ModelUnavailable"),
        ("text2video", {"model": "viduq2", "off_peak": True, "audio": True}, "FieldInvalid"),
        ("text2video", {"model": "viduq1", "resolution": "1080p", "audio": True}, "FieldInvalid"),
        ("img2video", framed(FRAME, aspect_ratio="9:16"), "FieldUnwanted"),
        ("img2video", framed(FRAME, FRAME), "FieldItemCountOutOfRange"),
        ("img2video", framed(), "FieldItemCountOutOfRange"),
        ("img2video", {"aspect_ratio": None}, "FieldLacking"),
        ("img2video", framed("data:image/gif;base64,AAAA"), "ImageFormatInvalid"),
        ("img2video", framed(data_uri(200, 1000)), "ImageSizeInvalid"),
        ("img2video", framed("https://cdn.example.com/unreachable/1.png"), "ImageDownloadFailure"),
        ("img2video", framed(FRAME, model="viduq4-preview", off_peak=True), "FieldInvalid"),
        ("start-end2video", framed(FRAME, data_uri(1280, 720)), "ImageSizeInvalid"),
        ("reference2video", {}, "FieldLacking"),
        ("reference2video", {"subjects": SUBJECTS, "images": [FRAME]}, "FieldUnwanted"),
        ("reference2video", {"subjects": SUBJECTS, "model": "viduq3-mix"}, "FieldUnwanted"),
        ("reference2video", {"subjects": SUBJECTS, "duration": 2}, "FieldInvalid"),
        ("reference2video", {"subjects": [{"name": "a", "images": [FRAME] * 4}]}, "FieldItemCountOutOfRange"),
        ("reference2video", {"subjects": [{"name": "a", "images": [data_uri(100, 128)]}]}, "ImageSizeInvalid"),
        ("reference2video", {"images": [FRAME] * 8}, "FieldItemCountOutOfRange"),
    ],
)  # fmt: skip
def test_what_is_refused(
    vidu: Create, vendors: Handle, kind: str, fields: dict[str, Any], expected: str
) -> None:
    answer = vidu(kind, **fields)
    assert reason(answer) == (400, expected)
    assert answer.json()["code"] == 400
    assert answer.headers["x-md-trace-id"] == answer.json()["metadata"]["trace_id"]
    assert vendors.bill() == []


def test_a_subject_may_still_have_an_id_for_a_name(vidu: Create, vendors: Handle) -> None:
    subjects = [{"id": "林晚", "images": [FRAME]}]
    assert vidu("reference2video", subjects=subjects).status_code == 200
    vendors.settings(vidu={"subject_name": "name"})
    assert reason(vidu("reference2video", subjects=subjects)) == (400, "FieldUnwanted")


def test_the_key_comes_as_a_token(vidu: Create, caller: httpx.Client, vendors: Handle) -> None:
    for wrong in ("Bearer vda_test", "Token bad", "Token", ""):
        caller.headers["authorization"] = wrong
        assert reason(vidu()) == (401, "Unauthorized")
    vendors.settings(vidu={"schemes": "both"})
    caller.headers["authorization"] = "Bearer vda_test"
    assert vidu().status_code == 200


def test_a_job_that_is_not_there(caller: httpx.Client) -> None:
    """0 is how keys are tried out; an id that is no number is refused before the key is read."""
    assert reason(caller.get("/vidu/ent/v2/tasks/0/creations")) == (404, "TaskNotFound")
    caller.headers["authorization"] = "Token bad"
    assert reason(caller.get("/vidu/ent/v2/tasks/0/creations")) == (401, "Unauthorized")
    assert caller.get("/vidu/ent/v2/tasks/x/creations").status_code == 400


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("[[moderate-input]]", "TaskPromptPolicyViolation"),
        ("[[moderate-face]]", "PhotoAuditNotPass"),
    ],
)
def test_moderation_of_what_goes_in(vidu: Create, words: str, expected: str) -> None:
    assert reason(vidu(prompt=words)) == (400, expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [("[[moderate-output]]", "CreationPolicyViolation"), ("[[fail]]", "InternalServiceFailure")],
)
def test_a_failed_job_is_free(
    vidu: Create, caller: httpx.Client, clock: ManualClock, vendors: Handle, words: str, expected: str
) -> None:
    job = vidu(prompt=words).json()["task_id"]
    clock.advance(300)
    told = get(caller, job)
    assert (told["state"], told["err_code"], told["credits"]) == ("failed", expected, 0)
    assert vendors.bill()[0]["amount"] == "0"
    vendors.settings(vidu={"failed_credits": "kept", "credits_spelling": "string"})
    assert get(caller, job)["credits"] == "55"


def test_five_run_and_the_others_wait_or_are_refused(
    vidu: Create, caller: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    jobs = [vidu().json()["task_id"] for _ in range(6)]
    clock.advance(10)
    assert [get(caller, job)["state"] for job in jobs].count("queueing") == 1
    vendors.settings(vidu={"over_limit": "refuse"})
    assert reason(vidu()) == (429, "QuotaExceeded")
    clock.advance(400)
    assert {get(caller, job)["state"] for job in jobs} == {"success"}


def test_credits_run_out(vidu: Create, caller: httpx.Client, vendors: Handle) -> None:
    vendors.settings(vidu={"balance": "60"})
    assert vidu().status_code == 200
    (pack,) = caller.get("/vidu/ent/v2/credits").json()["remains"]
    assert pack == {"type": "metered", "credit_remain": 5, "concurrency_limit": 5, "current_concurrency": 1}
    assert reason(vidu()) == (402, "CreditInsufficient")
    vendors.settings(vidu={"balance_status": 400})
    assert reason(vidu()) == (400, "CreditInsufficient")


def test_a_waiting_job_can_be_cancelled(
    vidu: Create, caller: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    job, other = vidu().json()["task_id"], vidu().json()["task_id"]
    assert caller.post(f"/vidu/ent/v2/tasks/{job}/cancel", json={}).status_code == 400
    answer = caller.post(f"/vidu/ent/v2/tasks/{job}/cancel", json={"id": job})
    assert (answer.status_code, answer.json()) == (200, {})
    assert (get(caller, job)["state"], get(caller, job)["err_code"]) == ("failed", "UserCancelled")
    clock.advance(20)
    late = caller.post(f"/vidu/ent/v2/tasks/{other}/cancel", json={"id": other})
    assert reason(late) == (409, "Conflict")
    assert [row["amount"] for row in vendors.bill()] == ["0", "1.71875"]


def test_off_peak_waits_and_is_given_up_after_two_days(
    vidu: Create, caller: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    job = vidu(off_peak=True).json()["task_id"]
    clock.advance(3000)
    assert get(caller, job)["state"] == "queueing"
    clock.advance(800)
    assert get(caller, job)["state"] == "success"
    vendors.settings(vidu={"off_peak_wait": 200_000})
    late = vidu(off_peak=True).json()["task_id"]
    clock.advance(172_801)
    told = get(caller, late)
    assert (told["state"], told["err_code"], told["credits"]) == ("failed", "Canceled", 0)
    assert [Decimal(row["amount"]) for row in vendors.bill()] == [30 * Decimal("0.03125"), 0]


def listing(caller: httpx.Client, **query: Any) -> dict[str, Any]:
    named = {name.replace("__", "."): value for name, value in query.items()}
    answer = caller.get("/vidu/ent/v2/tasks", params=named)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_the_list_by_pages_times_and_words(
    vidu: Create, caller: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(vidu={"concurrency": 100})
    old = vidu(model="viduq3-pro", payload="t").json()["task_id"]
    clock.advance(1000)
    jobs = [vidu().json()["task_id"] for _ in range(12)]
    first = listing(caller)
    assert ([t["id"] for t in first["tasks"]], first["next_page_token"]) == (jobs[:1:-1], "10")
    again = listing(caller, pager__page_token="10")
    assert ([t["id"] for t in again["tasks"]], again["next_page_token"]) == ([jobs[1], jobs[0], old], "")
    assert listing(caller, pager__page=1)["tasks"] == again["tasks"]
    assert [t["id"] for t in listing(caller, model_versions="viduq3-pro")["tasks"]] == [old]
    assert [t["id"] for t in listing(caller, states="success")["tasks"]] == [old]
    assert [t["id"] for t in listing(caller, task_ids=jobs[0])["tasks"]] == [jobs[0]]
    moment = datetime.fromisoformat(again["tasks"][-1]["created_at"][:19] + "+00:00").timestamp()
    until = datetime.fromtimestamp(moment + 60).astimezone().isoformat()
    assert [t["id"] for t in listing(caller, created_at__to=until)["tasks"]] == [old]
    assert "payload" not in again["tasks"][-1]
    vendors.settings(vidu={"list_payload": True})
    assert listing(caller, task_ids=old)["tasks"][0]["payload"] == "t"
    assert caller.get("/vidu/ent/v2/tasks?created_at.from=yesterday").status_code == 400
    assert caller.get("/vidu/ent/v2/tasks?pager.pagesz=101").status_code == 400


def test_a_new_job_may_be_late_on_the_list(
    vidu: Create, caller: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(vidu={"list_delay": 30})
    vidu()
    assert listing(caller)["tasks"] == []
    clock.advance(31)
    assert len(listing(caller)["tasks"]) == 1


def test_the_name_of_an_error_may_stand_in_the_code(vidu: Create, vendors: Handle) -> None:
    vendors.settings(vidu={"error_name_in": "code"})
    assert vidu(duration=99).json()["code"] == "FieldInvalid"


def test_the_requests_of_vidus_own_client_are_taken(caller: httpx.Client) -> None:
    """Every field it sends, as seen from vidu-mcp 0.1.2."""
    usual = {
        "prompt": "x",
        "duration": 5,
        "seed": 0,
        "resolution": "1080p",
        "movement_amplitude": "auto",
        "bgm": False,
    }
    url = "https://cdn.example.com/1.png"
    for kind, more in (
        ("text2video", {"model": "viduq1", "style": "general", "aspect_ratio": "16:9"}),
        ("img2video", {"model": "viduq1", "images": [url]}),
        ("start-end2video", {"model": "viduq1", "images": [url, url]}),
        ("reference2video", {"model": "viduq1", "images": [url], "aspect_ratio": "16:9"}),
    ):
        answer = caller.post(f"/vidu/ent/v2/{kind}", json=usual | more)
        assert answer.status_code == 200, answer.text
        assert "code" not in answer.json()


# -- callbacks ------------------------------------------------------------------------------------------------


def test_the_signature_of_a_made_up_callback() -> None:
    nonce = ("x-request-nonce", "3f0f3b1e-5c0a-4d3e-9f52-0c3a6a1f7c11")
    date = "Sun, 22 Nov 2026 12:00:00 GMT"
    signed = signature("vda_test_0000", "https://studio.example/hooks/vidu", date, [nonce])
    assert signed == "WXNxFO7UdZrYzFz1PBsZTJSx1gbZnRz1JEjmLtkEZMo="


@pytest.fixture
def teller(calling: Callable[[str], httpx.Client]) -> httpx.Client:
    """A caller whose callbacks reach the receiver."""
    return calling("Token vda_test")


def test_callbacks_tell_every_change_and_are_signed(
    teller: httpx.Client, receiver: "Receiver", time_: ManualClock
) -> None:
    teller.post("/vidu/ent/v2/text2video", json=TEXT | {"callback_url": "http://cb/vidu/a1", "payload": "p"})
    time_.advance(10)
    receiver.wait(1)
    time_.advance(300)
    told = receiver.wait(2)
    assert [body["state"] for body in told] == ["processing", "success"]
    assert told[1]["payload"] == "p"
    url, headers, _ = receiver.sent[1]
    text = f"POST\n/vidu/a1\n\nvidu\n{headers['Date']}\nx-request-nonce:{headers['x-request-nonce']}\n"
    digest = hmac.new(b"vda_test", text.encode(), hashlib.sha256).digest()
    assert url == "http://cb/vidu/a1"
    assert headers["X-HMAC-SIGNATURE"] == base64.b64encode(digest).decode()


def test_a_verdict_is_told_three_times_where_nobody_answers(
    teller: httpx.Client, receiver: "Receiver", time_: ManualClock
) -> None:
    receiver.status = 500
    teller.post("/vidu/ent/v2/text2video", json=TEXT | {"prompt": "[[fail]]", "callback_url": "http://cb/"})
    time_.advance(10)
    receiver.wait(1)
    time_.advance(300)
    for count in (2, 3, 4):
        receiver.wait(count)
        time_.advance(10)
    assert [body["state"] for body in receiver.wait(4)] == ["processing", *["failed"] * 3]
