"""fal's queue as its pages have it, over a real socket."""

import base64
from collections.abc import Callable
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from dramagen.emulator import Handle, ManualClock
from dramagen.emulator.fal.endpoints import APPS, ENDPOINTS

Submit = Callable[..., httpx.Response]

KLING = "fal-ai/kling-video/v3/pro/text-to-video"
SEEDANCE = "bytedance/seedance-2.0/text-to-video"
TEXT: dict[str, dict[str, Any]] = {
    KLING: {"prompt": "雨夜", "duration": "5", "aspect_ratio": "9:16", "generate_audio": True},
    SEEDANCE: {"prompt": "雨夜", "duration": "5", "resolution": "720p", "aspect_ratio": "9:16"},
}


def data_uri(width: int, height: int) -> str:
    kept = BytesIO()
    Image.new("RGB", (width, height), (9, 9, 9)).save(kept, "png")
    return f"data:image/png;base64,{base64.b64encode(kept.getvalue()).decode()}"


FRAME = data_uri(720, 1280)


@pytest.fixture
def caller(client: httpx.Client) -> httpx.Client:
    client.headers["authorization"] = "Key id:secret"
    return client


@pytest.fixture
def fal(caller: httpx.Client) -> Submit:
    """Submit a job: a short one of Kling from text unless told otherwise; None takes a field away."""

    def submit(
        endpoint: str = KLING, *, headers: Any = None, query: Any = None, **fields: Any
    ) -> httpx.Response:
        body = {k: v for k, v in (TEXT.get(endpoint, {"prompt": "雨夜"}) | fields).items() if v is not None}
        return caller.post(f"/fal/{endpoint}", json=body, headers=headers, params=query)

    return submit


def ended(caller: httpx.Client, clock: ManualClock, made: dict[str, Any], seconds: float = 500) -> Any:
    """The answer to the result of a job once it has ended."""
    clock.advance(seconds)
    status = caller.get(made["status_url"])
    assert (status.status_code, status.json()["status"]) == (200, "COMPLETED"), status.text
    return caller.get(made["response_url"])


def kinds(answer: httpx.Response) -> tuple[int, list[tuple[str, str]]]:
    """The status and, of each detail, the field and the type."""
    return answer.status_code, [
        (".".join(map(str, d["loc"][1:])), d["type"]) for d in answer.json()["detail"]
    ]


def test_from_submit_to_file(fal: Submit, caller: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    answer = fal()
    made = answer.json()
    assert (answer.status_code, made["status"], made["queue_position"]) == (200, "IN_QUEUE", 0)
    base = f"{vendors.url}/fal/fal-ai/kling-video/requests/{made['request_id']}"
    assert (made["status_url"], made["response_url"], made["cancel_url"]) == (
        f"{base}/status",
        base,
        f"{base}/cancel",
    )
    waiting = caller.get(made["status_url"])
    assert (waiting.status_code, waiting.json()["status"]) == (202, "IN_QUEUE")
    early = caller.get(made["response_url"])
    assert (early.status_code, early.json()) == (400, {"detail": "Request is still in progress"})
    clock.advance(10)
    running = caller.get(made["status_url"])
    assert (running.status_code, running.json()["status"], running.json()["logs"]) == (
        202,
        "IN_PROGRESS",
        None,
    )
    (line,) = caller.get(made["status_url"], params={"logs": "1"}).json()["logs"]
    assert set(line) == {"message", "timestamp"}
    result = ended(caller, clock, made)
    assert result.status_code == 200
    assert result.headers["x-fal-request-id"] == made["request_id"]
    assert result.headers["x-fal-billable-units"] == "5"
    video = result.json()["video"]
    assert (video["content_type"], video["file_name"]) == ("video/mp4", "video.mp4")
    del caller.headers["authorization"]  # outputs are public
    file = caller.get(video["url"])
    assert (file.headers["content-type"], len(file.content)) == ("video/mp4", video["file_size"])
    (row,) = vendors.bill()
    assert (row["model"], row["amount"], row["currency"], row["state"]) == (KLING, "0.84", "USD", "succeeded")


@pytest.mark.parametrize(
    ("endpoint", "fields", "amount"),
    [
        (KLING, {"generate_audio": False}, "0.56"),
        (KLING, {"generate_audio": None}, "0.84"),
        ("fal-ai/kling-video/v3/standard/text-to-video", {"duration": "3", "generate_audio": True}, "0.378"),
        ("fal-ai/kling-video/v3/turbo/pro/text-to-video", {"duration": "5"}, "0.7"),
        ("fal-ai/kling-video/v4/text-to-video", {"duration": "6", "resolution": "1080p"}, "1.41"),
        ("fal-ai/kling-video/v2.5-turbo/pro/text-to-video", {"duration": "10"}, "0.7"),
        (SEEDANCE, {}, "1.517"),
        (SEEDANCE, {"resolution": "4k"}, "7.775"),
        ("bytedance/seedance-2.5/text-to-video", {"duration": "4", "resolution": "1080p"}, "4.656"),
        ("bytedance/seedance-2.5/flash/text-to-video", {"duration": 4, "resolution": "480p"}, "0.5768"),
        ("bytedance/seedance-2.0/mini/text-to-video", {"duration": "5", "resolution": "480p"}, "0.3605"),
        ("alibaba/wan-3.0/text-to-video", {"duration": 5, "resolution": "480p"}, "0.25"),
        ("alibaba/wan-3.0/text-to-video", {"duration": "5"}, "1"),
        ("minimax/h3/text-to-video", {"duration": 6, "resolution": "2K"}, "0.78"),
        ("minimax/h3-max-turbo/text-to-video", {"duration": 5, "resolution": "1080p"}, "0.4"),
        ("fal-ai/minimax/hailuo-2.3/standard/text-to-video", {"duration": "6"}, "0.28"),
        ("fal-ai/vidu/q3/text-to-video", {"duration": 4, "resolution": "540p"}, "0.28"),
        # Nobody published a price: the emulator's own.
        ("fal-ai/wan/v2.7/text-to-video", {"duration": "5"}, "0.5"),
        ("fal-ai/minimax/hailuo-2.3/standard/text-to-video", {"duration": "10"}, "1"),
    ],
)
def test_what_a_clip_costs(
    fal: Submit, vendors: Handle, endpoint: str, fields: dict[str, Any], amount: str
) -> None:
    assert fal(endpoint, **fields).status_code == 200
    assert [row["amount"] for row in vendors.bill()] == [amount]


KLING_4 = "fal-ai/kling-video/v4/text-to-video"
IMAGE = "fal-ai/kling-video/v3/pro/image-to-video"
OLD_IMAGE = "fal-ai/kling-video/v2.5-turbo/pro/image-to-video"


@pytest.mark.parametrize(
    ("endpoint", "fields", "expected"),
    [
        # Lengths are texts at Kling, Wan 2.7 and Seedance, numbers at MiniMax and Vidu.
        (KLING, {"duration": 5}, [("duration", "one_of")]),
        (KLING, {"duration": "16"}, [("duration", "one_of")]),
        (SEEDANCE, {"duration": 5}, [("duration", "one_of")]),
        ("fal-ai/wan/v2.7/text-to-video", {"duration": 5}, [("duration", "one_of")]),
        ("minimax/h3/text-to-video", {"duration": "5"}, [("duration", "int_type")]),
        ("fal-ai/vidu/q3/text-to-video", {"duration": "5"}, [("duration", "int_type")]),
        ("minimax/h3/text-to-video", {"duration": 4}, [("duration", "greater_than_equal")]),
        ("fal-ai/vidu/q3/text-to-video", {"duration": 17}, [("duration", "less_than_equal")]),
        ("fal-ai/vidu/q3/text-to-video", {"prompt": "x" * 2001}, [("prompt", "string_too_long")]),
        (KLING, {"prompt": None}, [("prompt", "missing")]),
        (SEEDANCE, {"prompt": ""}, [("prompt", "missing")]),
        (SEEDANCE, {"resolution": "2k"}, [("resolution", "one_of")]),
        ("bytedance/seedance-2.0/fast/text-to-video", {"resolution": "4k"}, [("resolution", "one_of")]),
        (SEEDANCE, {"generate_audio": "yes"}, [("generate_audio", "bool_type")]),
        (SEEDANCE, {"seed": 1.5}, [("seed", "int_type")]),
        (KLING, {"cfg_scale": 2}, [("cfg_scale", "less_than_equal")]),
        (KLING, {"cfg_scale": "1"}, [("cfg_scale", "float_type")]),
        (KLING, {"image_url": FRAME}, [("image_url", "extra_forbidden")]),
        # The first frame's name is another with each family and version.
        (IMAGE, {"image_url": FRAME}, [("start_image_url", "missing"), ("image_url", "extra_forbidden")]),
        (OLD_IMAGE, {"start_image_url": FRAME}, [("image_url", "missing"), ("start_image_url", "extra_forbidden")]),
        (IMAGE, {"start_image_url": FRAME, "aspect_ratio": "9:16"}, [("aspect_ratio", "extra_forbidden")]),
        (IMAGE, {"start_image_url": "data:image/png;base64,@@"}, [("start_image_url", "image_load_error")]),
        (IMAGE, {"start_image_url": "https://x.io/unreachable/a.png"}, [("start_image_url", "file_download_error")]),
        (IMAGE, {"start_image_url": "a.png"}, [("start_image_url", "value_error")]),
        (
            "bytedance/seedance-2.0/reference-to-video",
            {"image_urls": [FRAME] * 10},
            [("image_urls", "sequence_too_long")],
        ),
        (
            "fal-ai/vidu/q2/reference-to-video/pro",
            {"reference_image_urls": FRAME},
            [("reference_image_urls", "list_type")],
        ),
        (KLING_4, {"multi_prompt": [{"prompt": "x"}]}, [("multi_prompt", "value_error")]),
        (KLING, {"prompt": None, "multi_prompt": ["x"]}, [("multi_prompt.0", "dict_type")]),
    ],
)  # fmt: skip
def test_wrong_inputs_end_as_422_at_the_result_and_cost_nothing(
    fal: Submit,
    caller: httpx.Client,
    clock: ManualClock,
    vendors: Handle,
    endpoint: str,
    fields: dict[str, Any],
    expected: list[tuple[str, str]],
) -> None:
    result = ended(caller, clock, fal(endpoint, **fields).json())
    assert kinds(result) == (422, expected)
    assert (result.headers["x-fal-error-type"], result.headers["x-fal-retryable"]) == (
        expected[0][1],
        "false",
    )
    assert [row["amount"] for row in vendors.bill()] == ["0"]


def test_wrong_inputs_may_be_answered_at_once(fal: Submit, vendors: Handle) -> None:
    vendors.settings(fal={"input_checked": "submit"})
    assert kinds(fal(duration=5)) == (422, [("duration", "one_of")])
    assert kinds(fal(prompt="[[moderate-input]]")) == (422, [("prompt", "content_policy_violation")])
    assert vendors.bill() == []


def test_unknown_fields_may_pass(
    fal: Submit, caller: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(fal={"unknown_fields": "ignored"})
    assert ended(caller, clock, fal(image_url=FRAME).json()).status_code == 200


@pytest.mark.parametrize(
    ("word", "status", "kind", "retryable"),
    [
        ("[[moderate-input]]", 422, "content_policy_violation", "false"),
        ("[[moderate-face]]", 422, "content_policy_violation", "false"),
        ("[[moderate-output]]", 422, "content_policy_violation", "false"),
        ("[[no-media]]", 422, "no_media_generated", "false"),
        ("[[fail]]", 500, "internal_server_error", "true"),
        ("[[downstream]]", 400, "downstream_service_error", "true"),
        ("[[timeout]]", 504, "generation_timeout", "true"),
    ],
)
@pytest.mark.parametrize("told", [True, False])
def test_completed_that_is_no_success(
    fal: Submit,
    caller: httpx.Client,
    clock: ManualClock,
    vendors: Handle,
    word: str,
    status: int,
    kind: str,
    retryable: str,
    told: bool,
) -> None:
    vendors.settings(fal={"status_errors": told})
    made = fal(prompt=f"雨夜 {word}").json()
    result = ended(caller, clock, made)
    assert (result.status_code, result.json()["detail"][0]["type"]) == (status, kind)
    assert (result.headers["x-fal-error-type"], result.headers["x-fal-retryable"]) == (kind, retryable)
    assert "x-fal-billable-units" not in result.headers
    assert caller.get(made["status_url"]).json().get("error_type") == (kind if told else None)
    assert [(row["state"], row["amount"]) for row in vendors.bill()] == [("failed", "0")]


@pytest.mark.parametrize("defect", ["short", "small", "mute", "corrupt"])
def test_defects_change_the_file(fal: Submit, caller: httpx.Client, clock: ManualClock, defect: str) -> None:
    good, bad = fal().json(), fal(prompt=f"雨夜 [[defect:{defect}]]").json()
    sizes = [ended(caller, clock, made).json()["video"]["file_size"] for made in (good, bad)]
    assert (sizes[0] == sizes[1]) == (defect == "corrupt")


def test_keys_and_paths(fal: Submit, caller: httpx.Client, vendors: Handle) -> None:
    assert fal("nobody/nothing").json() == {"detail": "Application 'nobody/nothing' not found"}
    made = fal().json()
    other = caller.get(made["status_url"], headers={"authorization": "Key other"})
    assert (other.status_code, other.json()) == (404, {"detail": "Request not found"})
    full = f"/fal/{KLING}/requests/{made['request_id']}/status"
    assert caller.get(full).status_code == 405  # status lives under owner and app alone
    assert caller.get(made["status_url"].replace("kling-video", "vidu")).status_code == 404
    for wrong in ("Bearer id:secret", "Key bad", ""):
        assert caller.post(f"/fal/{KLING}", json={}, headers={"authorization": wrong}).status_code == 401
    assert caller.post(f"/fal/{KLING}", content=b"[]").json()["detail"][0]["type"] == "dict_type"
    assert len(vendors.bill()) == 1


def test_an_unknown_path_of_a_known_app_fails_as_a_job(
    fal: Submit, caller: httpx.Client, clock: ManualClock
) -> None:
    result = ended(caller, clock, fal("fal-ai/kling-video/v9/text-to-video").json())
    assert (result.status_code, result.json()["detail"]) == (404, "Path /v9/text-to-video not found")


def test_an_account_runs_two_jobs_at_once(
    fal: Submit, caller: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    jobs = [fal().json() for _ in range(4)]
    low = fal(query={"priority": "low"}).json()
    late = fal().json()
    clock.advance(10)
    states = [caller.get(job["status_url"]).json() for job in [*jobs, low, late]]
    assert [state["status"] for state in states] == ["IN_PROGRESS"] * 2 + ["IN_QUEUE"] * 4
    assert [state.get("queue_position") for state in states] == [None, None, 0, 1, 3, 2]
    refused = fal(query={"fal_max_queue_length": "4"})
    assert (refused.status_code, refused.json()["error_type"]) == (429, "concurrent_requests_limit")
    vendors.settings(fal={"balance": 5.1})
    broke = fal()
    assert (broke.status_code, broke.json()["detail"]) == (403, "User is locked. Reason: Exhausted balance.")


def test_cancel(fal: Submit, caller: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    made = fal().json()
    answer = caller.put(made["cancel_url"])
    assert (answer.status_code, answer.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    result = ended(caller, clock, made, 1)
    assert (result.status_code, result.json()["error_type"]) == (499, "client_cancelled")
    late = caller.put(made["cancel_url"])
    assert (late.status_code, late.json()) == (400, {"status": "ALREADY_COMPLETED"})
    none = caller.put(made["cancel_url"].replace(made["request_id"], "none"))
    assert (none.status_code, none.json()) == (404, {"status": "NOT_FOUND"})
    vendors.settings(fal={"cancelled_shown": "not found", "cancel_queued": 200})
    assert caller.get(made["status_url"]).status_code == 404
    again = caller.put(fal().json()["cancel_url"])
    assert (again.status_code, again.json()) == (200, {"status": "OK"})
    assert [row["amount"] for row in vendors.bill()] == ["0", "0"]


@pytest.mark.parametrize(
    ("stops", "billed", "amount", "status"),
    [("finishes", False, "0.84", 200), ("stops", False, "0", 499), ("stops", True, "0.84", 499)],
)
def test_cancel_of_a_running_job(
    fal: Submit,
    caller: httpx.Client,
    clock: ManualClock,
    vendors: Handle,
    stops: str,
    billed: bool,
    amount: str,
    status: int,
) -> None:
    vendors.settings(fal={"cancel_running": stops, "cancelled_billed": billed})
    made = fal().json()
    clock.advance(10)
    assert caller.put(made["cancel_url"]).status_code == 202
    assert ended(caller, clock, made).status_code == status
    assert [row["amount"] for row in vendors.bill()] == [amount]


@pytest.mark.parametrize("header", ["X-Fal-Request-Timeout", "X-Fal-Request-Start-Timeout"])
def test_the_deadline_is_for_the_start_alone(
    fal: Submit, caller: httpx.Client, clock: ManualClock, vendors: Handle, header: str
) -> None:
    vendors.settings(fal={"concurrency": 1})
    first, second = (fal(headers={header: "20"}).json() for _ in range(2))
    assert ended(caller, clock, first).status_code == 200
    late = caller.get(second["response_url"])
    assert (late.status_code, late.json()["error_type"]) == (504, "request_timeout")
    assert late.headers["x-fal-request-timeout-type"] == "user"
    assert [row["amount"] for row in vendors.bill()] == ["0.84", "0"]
    assert fal(headers={header: "0.1"}).status_code == 400
    assert fal(headers={header: "soon"}).status_code == 400


def test_a_failing_runner_is_run_again_unless_told_not_to(
    fal: Submit, caller: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(fal={"runner_failures": 2, "reruns_billed": True})
    assert ended(caller, clock, fal().json()).status_code == 200
    assert [row["amount"] for row in vendors.bill()] == ["0.84"] * 3
    once = ended(caller, clock, fal(headers={"X-Fal-No-Retry": "1"}).json())
    assert (once.status_code, once.json()["error_type"]) == (503, "runner_disconnected")
    assert once.headers["x-fal-retryable"] == "true"
    assert [row["amount"] for row in vendors.bill()] == ["0.84"] * 3 + ["0"]
    vendors.settings(fal={"runner_failures": 11, "reruns_billed": False})
    assert ended(caller, clock, fal().json(), 2000).status_code == 503  # ten more runs are the most
    assert len(vendors.bill()) == 5


def test_another_endpoint_steps_in_unless_declined(
    fal: Submit, caller: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(fal={"troubled": [KLING]})
    assert ended(caller, clock, fal().json()).status_code == 200
    declined = ended(caller, clock, fal(headers={"x-app-fal-disable-fallback": "true"}).json())
    assert (declined.status_code, declined.json()["error_type"]) == (503, "runner_scheduling_failure")
    other = "fal-ai/kling-video/v2.5-turbo/pro/text-to-video"
    assert [(row["model"], row["amount"]) for row in vendors.bill()] == [(other, "0.35"), (KLING, "0")]
    vendors.settings(fal={"fallback_header": "x-fal-disable-fallback"})
    assert ended(caller, clock, fal(headers={"x-app-fal-disable-fallback": "true"}).json()).status_code == 200


def test_results_and_files_expire(
    fal: Submit, caller: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(fal={"content_life": 3600})
    kept, unstored = fal().json(), fal(headers={"X-Fal-Store-IO": "0"}).json()
    longer = fal(
        headers={"X-Fal-Object-Lifecycle-Preference": '{"expiration_duration_seconds": 86400}'}
    ).json()
    files = [ended(caller, clock, made).json()["video"]["url"] for made in (kept, longer)]
    assert caller.get(unstored["response_url"]).status_code == 200
    clock.advance(3600)
    assert [caller.get(url).status_code for url in files] == [404, 200]
    assert caller.get(kept["response_url"]).status_code == 200
    assert caller.get(unstored["response_url"]).status_code == 404
    assert fal(headers={"X-Fal-Object-Lifecycle-Preference": "a day"}).status_code == 400


@pytest.mark.parametrize(("units", "told"), [("seconds", "5"), ("price", "6"), ("absent", None)])
def test_billable_units(
    fal: Submit, caller: httpx.Client, clock: ManualClock, vendors: Handle, units: str, told: str | None
) -> None:
    vendors.settings(fal={"units": units})
    result = ended(caller, clock, fal().json())
    assert result.headers.get("x-fal-billable-units") == told


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_an_early_result_may_have_any_status(
    fal: Submit, caller: httpx.Client, vendors: Handle, status: int
) -> None:
    vendors.settings(fal={"early_status": status, "unknown_status": "THINKING"})
    assert caller.get(fal().json()["response_url"]).status_code == status


def test_a_status_no_page_names(
    fal: Submit, caller: httpx.Client, clock: ManualClock, vendors: Handle
) -> None:
    vendors.settings(fal={"unknown_status": "THINKING"})
    made = fal().json()
    clock.advance(10)
    assert caller.get(made["status_url"]).json()["status"] == "THINKING"


@pytest.mark.parametrize("kind", ["status", "malformed"])
@pytest.mark.parametrize("after", [True, False])
def test_faults_of_a_submit(fal: Submit, vendors: Handle, kind: str, after: bool) -> None:
    vendors.faults(provider="fal", on="create", kind=kind, status=503, after_accept=after)
    answer = fal()
    assert answer.status_code == (503 if kind == "status" else 200)
    assert len(vendors.bill()) == after


def test_a_dropped_submit_was_accepted(fal: Submit, vendors: Handle) -> None:
    vendors.faults(provider="fal", on="create", kind="drop", after_accept=True)
    with pytest.raises(httpx.RemoteProtocolError):
        fal()
    assert len(vendors.bill()) == 1


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (429, None, "concurrent_requests_limit"),
        (500, None, "internal_error"),
        (503, None, "runner_scheduling_failure"),
        (504, "startup_timeout", "startup_timeout"),
        (401, None, None),
    ],
)
def test_usual_errors(fal: Submit, vendors: Handle, status: int, code: str | None, kind: str | None) -> None:
    vendors.faults(provider="fal", on="create", kind="status", status=status, code=code)
    answer = fal()
    assert (answer.status_code, answer.json().get("error_type")) == (status, kind)
    assert answer.headers.get("x-fal-error-type") == kind


@pytest.mark.parametrize(("status", "code"), [(502, None), (503, "nginx"), (418, None)])
def test_the_gateways_page(fal: Submit, vendors: Handle, status: int, code: str | None) -> None:
    vendors.faults(provider="fal", on="create", kind="status", status=status, code=code)
    answer = fal()
    assert (answer.status_code, "nginx" in answer.text, "x-fal-request-id" in answer.headers) == (
        status,
        True,
        False,
    )


def test_a_job_may_never_end(fal: Submit, caller: httpx.Client, clock: ManualClock, vendors: Handle) -> None:
    vendors.faults(provider="fal", on="create", kind="never")
    made = fal().json()
    clock.advance(100_000)
    assert caller.get(made["status_url"]).json()["status"] == "IN_PROGRESS"


@pytest.mark.matrix
@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS))
def test_every_endpoint_films_with_its_own_names(
    fal: Submit, caller: httpx.Client, clock: ManualClock, vendors: Handle, endpoint: str
) -> None:
    fields = ENDPOINTS[endpoint].fields
    given = {
        name: [FRAME] if field.kind == "urls" else FRAME for name, field in fields.items() if "image" in name
    }
    result = ended(caller, clock, fal(endpoint, **given).json())
    assert result.status_code == 200, result.text
    assert caller.get(result.json()["video"]["url"]).content[4:8] == b"ftyp"
    (row,) = vendors.bill()
    assert float(row["amount"]) > 0
    assert "/".join(endpoint.split("/")[:2]) in APPS
