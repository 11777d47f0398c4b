"""The OpenAI Videos protocol in its four dialects: what is sent, and what every answer is read as."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args

import pytest
from httpx import Request, Response
from hypothesis import given
from hypothesis import strategies as st

from dramagen.adapters.base import (
    TERMINAL,
    Absent,
    Attempt,
    Delivery,
    Secret,
    Status,
    Ticket,
    Unsure,
    Usage,
)
from dramagen.adapters.openai_videos import OpenAIVideosAdapter
from dramagen.adapters.openai_videos_answers import envelope
from dramagen.adapters.openai_videos_profiles import PROFILES
from dramagen.catalog.order import Input, Mode, Order, OrderReference
from dramagen.catalog.route import Route
from dramagen.errors import (
    AuthError,
    ConcurrencyLimited,
    ContentRejected,
    DramagenError,
    InsufficientBalance,
    InvalidShot,
    JobExpired,
    JobFailed,
    ProviderUnavailable,
    RateLimited,
    RetiredModel,
)
from dramagen.shot import MOVES, Camera, Cut, Line, Move
from dramagen.testing import AdapterContract, Golden, Heard, Refusal, Report, Respond, drive, in_turn

TAG = "k3v9x0q2m8c5t7w1z4b6n0ab"
FRAME = b"\x89PNG first frame\r\n--not a boundary\r\n"
SHA = hashlib.sha256(FRAME).hexdigest()
MADE = 1_795_000_000
ATTEMPT = Attempt(tag=TAG, created=MADE + 0.25, sent_until=MADE + 3.5, inputs={SHA: FRAME})
JOB = "video_68d7512d07848190b3e45da0ecbebcde004da08e1e0678d5"
PROMPT = "雨夜,女主推门而入"
WAN = "Wan-AI/Wan2.2-T2V-A14B-Diffusers"


def picture() -> Input:
    return Input(sha256=SHA, media_type="image/png", size=len(FRAME), width=720, height=1280)


def order(
    profile: str = "openai", mode: Mode = "text", wire: Mapping[str, Any] | None = None, **given: Any
) -> Order:
    sora = profile in ("openai", "generic")
    fields: dict[str, Any] = {
        "prompt": PROMPT,
        "duration": Decimal(8 if sora else 5),
        "resolution": "720p" if sora else "480p",
        "aspect_ratio": "9:16",
        "width": 720 if sora else 480,
        "height": 1280 if sora else 832,
        "fps": None if sora else Decimal(16),
        "audio": sora,
    }
    values: dict[str, Any] = {"profile": profile, "model": "sora-2" if sora else WAN}
    return Order(
        route=Route(provider="sora" if sora else "rig", region="intl", model="sora-2" if sora else "wan-2.2"),
        mode=mode,
        wire=values | ({} if sora else {"extra_frames": 1}) | dict(wire or {}),
        **(fields | given),
    )


def video(status: str = "queued", **more: Any) -> dict[str, Any]:
    return {
        "id": JOB, "object": "video", "model": "sora-2", "status": status, "progress": 0, "created_at": MADE,
        "completed_at": None, "expires_at": None, "seconds": "8", "size": "720x1280", "prompt": PROMPT,
        "remixed_from_video_id": None, "error": None,
    } | more  # fmt: skip


def answer(body: Any = None, http: int = 200, /, **more: Any) -> Respond:
    shown = video(**more) if body is None else body
    return lambda _: Response(http, json=shown)


def form(request: Request) -> dict[str, Any]:
    """The texts of a form by name; a file as its name, type and content."""
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    parts = request.content.split(b"--" + boundary)
    assert parts[-1] == b"--\r\n"
    found: dict[str, Any] = {}
    for part in parts[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb' name="([^"]*)"', head)
        file = re.search(rb'filename="([^"]*)"', head)
        kind = re.search(rb"Content-Type: (.*)", head)
        assert name
        assert name[1].decode() not in found
        text = content.removesuffix(b"\r\n")
        found[name[1].decode()] = (
            (file[1].decode(), kind[1].decode(), text) if file and kind else text.decode()
        )
        assert bool(file) == bool(kind)  # plain texts carry no type, as OpenAI's own packages send them
    return found


def sent(asked: Order, attempt: Attempt = ATTEMPT) -> dict[str, Any]:
    heard = Heard(answer())
    drive(OpenAIVideosAdapter().submit(asked, attempt), heard)
    return form(heard.requests[-1])


def golden(asked: Order, body: Mapping[str, Any], id_: str = JOB) -> Golden:
    return Golden(order=asked, attempt=ATTEMPT, path="/v1/videos", body=body, accept=answer(id=id_), id=id_)


def ticket(profile: str = "openai", id_: str = JOB) -> Ticket:
    return Ticket(id=id_, route=order(profile).route, data={"profile": profile})


def polled(respond: Respond, profile: str = "openai") -> Status:
    return drive(OpenAIVideosAdapter().poll([ticket(profile)]), respond)[JOB]


def error(code: str | None, message: str = "words", kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


NOT_FOUND = {"detail": "Video not found"}

REFUSED: Mapping[str, tuple[int, Any, type[DramagenError], bool]] = {
    "wrong size of the picture": (
        400, error(None, "Inpaint image must match the requested width and height"), InvalidShot, False,
    ),
    "wrong enum": (400, error("invalid_value"), InvalidShot, False),
    "wrong key": (401, error("invalid_api_key"), AuthError, False),
    "unverified organisation": (403, error(None), AuthError, False),
    "no quota": (429, error("insufficient_quota"), InsufficientBalance, False),
    "hard limit": (400, error("billing_hard_limit_reached"), InsufficientBalance, False),
    "a gateway's 402": (402, error(None), InsufficientBalance, False),
    "moderated": (400, error("sentinel_block"), ContentRejected, False),
    "moderated in words": (400, error(None, "Blocked by our moderation system."), ContentRejected, False),
    "too fast": (429, error("rate_limit_exceeded"), RateLimited, True),
    "too many at once": (
        429, error(None, "Too many running tasks", "video_generation_user_error"), ConcurrencyLimited, True,
    ),
    "a model that is gone": (404, error("model_not_found"), RetiredModel, False),
    "a deployment that is gone": (410, error(None), RetiredModel, False),
    "FastAPI's detail": (400, {"detail": "prompt is required"}, InvalidShot, False),
    "FastAPI's details": (
        422, {"detail": [{"loc": ["body", "prompt"], "msg": "Field required"}]}, InvalidShot, False,
    ),
    "a number for a code": (429, error("429"), RateLimited, True),
    "vLLM's plain word": (401, {"error": "Unauthorized"}, AuthError, False),
}  # fmt: skip

UNKNOWN: Mapping[str, tuple[Response, type[DramagenError]]] = {
    "server fault": (Response(500, json=error("server_error")), ProviderUnavailable),
    "overloaded": (Response(503, json=error("server_error")), ProviderUnavailable),
    "timed out": (Response(408, json=error(None)), ProviderUnavailable),
    "conflict": (Response(409, json=error(None)), ProviderUnavailable),
    "an error inside HTTP 200": (
        Response(200, json=error("server_error") | {"id": "req_1"}),
        ProviderUnavailable,
    ),
}


class _Contract(AdapterContract):
    """What all four dialects share."""

    def adapter(self) -> OpenAIVideosAdapter:
        return OpenAIVideosAdapter()

    def read_body(self, request: Request) -> Any:
        return {
            name: value if isinstance(value, str) else [value[0], value[1], value[2].decode("latin-1")]
            for name, value in form(request).items()
        }

    def refusals(self) -> Mapping[str, Refusal]:
        refused = {
            name: Refusal(
                answer=Response(status, json=body),
                error=kind,
                retryable=retryable,
                refused=True,
                also={"stage": "input"} if kind is ContentRejected else None,
            )
            for name, (status, body, kind, retryable) in REFUSED.items()
        }
        return refused | {
            name: Refusal(
                answer=response, error=kind, retryable=kind is not AuthError, refused=False, billed=None
            )
            for name, (response, kind) in UNKNOWN.items()
        }

    def reports(self) -> Mapping[str, Report]:
        return {
            "queued": Report(answer=answer(), state="queued"),
            "running": Report(answer=answer(status="in_progress", progress=40), state="running"),
            "completed": Report(answer=answer(status="completed", progress=100), state="succeeded"),
            "failed": Report(
                answer=answer(
                    status="failed", error={"code": "internal_error", "message": "Video generation failed."}
                ),
                state="failed",
                error=JobFailed,
                billed=None,
            ),
            "moderated": Report(
                answer=answer(
                    status="failed",
                    error={
                        "code": "moderation_blocked",
                        "message": "Your request was blocked by our moderation system.",
                    },
                ),
                state="failed",
                error=ContentRejected,
                billed=None,
            ),
            "expired": Report(
                answer=answer(status="expired"), state="expired", error=JobExpired, billed=None
            ),
            "gone": Report(
                answer=answer(error(None, f"Video {JOB} not found"), 404),
                state="missing",
                error=JobExpired,
                billed=None,
            ),
            "gone from one's own server": Report(
                answer=answer(NOT_FOUND, 404), state="missing", error=JobExpired, billed=None
            ),
        }

    def unknown_status(self) -> Respond:
        return answer(status="remastering")

    def deliveries(self) -> Respond:
        return answer(status="completed", expires_at=MADE + 86_400)

    def gone(self) -> Respond:
        return answer(NOT_FOUND, 404)

    def not_found(self) -> Respond | None:
        return answer({"object": "list", "data": [], "has_more": False})

    def callback(self) -> tuple[Delivery, Sequence[str]] | None:
        body = BODY.replace(b"video_abc", JOB.encode())
        return Delivery(headers={}, body=body), [JOB]

    def unsendable(self) -> Sequence[tuple[Order, Attempt]]:
        frame: dict[str, Any] = {"first_frame": picture()}
        return [
            (asked, ATTEMPT)
            for asked in (
                order(duration=Decimal("4.5")),
                order(width=None, height=None),
                order(mode="first_last_frame", **frame, last_frame=picture()),
                order(mode="references", references=(OrderReference(name="林夏", images=(picture(),)),)),
                order(options={"seconds": "20"}),
                order(options={"n": 4}),
                order(wire={"parameters": {"size": "1x1"}}),
                order(wire={"profile": "mystery"}),
            )
        ] + [(order(mode="first_frame", **frame), Attempt(tag=TAG, created=1.0))]


def listing(*videos: Any, more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": list(videos), "first_id": None, "last_id": None, "has_more": more}


class TestSoraContract(_Contract):
    def goldens(self) -> Mapping[str, Golden]:
        text = {"prompt": PROMPT, "model": "sora-2", "seconds": "8", "size": "720x1280"}
        upload = ["first_frame.png", "image/png", FRAME.decode("latin-1")]
        return {
            "text": golden(order(), text),
            "first frame": golden(
                order(mode="first_frame", first_frame=picture(), camera=Camera("push_in", speed="slow")),
                text | {"prompt": f"{PROMPT}。镜头缓慢推进。", "input_reference": upload},
            ),
            "cuts and dialogue": golden(
                order(
                    prompt="A rainy street",
                    negative_prompt="text",
                    cuts=(Cut("She opens the door", 4), Cut("Her eyes", 4)),
                    dialogue=(Line("Lin", "It is you."),),
                ),
                text
                | {
                    "prompt": "A rainy street. Avoid: text.\nShot 1 (4 s): She opens the door\n"
                    'Shot 2 (4 s): Her eyes\nDialogue:\n- Lin: "It is you."'
                },
            ),
            "an extra of the caller": golden(order(options={"user": "u1", "x": None}), text | {"user": "u1"}),
        }

    def lost(self) -> Respond | None:
        return None  # the ticket of a job that was found says how; see the tests below


class TestSGLangContract(_Contract):
    def goldens(self) -> Mapping[str, Golden]:
        text = {
            "prompt": PROMPT, "model": WAN, "seconds": "5", "size": "480x832", "fps": "16", "num_frames": "81",
        }  # fmt: skip
        upload = ["first_frame.png", "image/png", FRAME.decode("latin-1")]
        return {
            "text": golden(order("sglang"), text),
            "everything": golden(
                order(
                    "sglang",
                    "first_frame",
                    {"parameters": {"num_inference_steps": 40, "enable_teacache": True}},
                    first_frame=picture(),
                    seed=7,
                    negative_prompt="模糊",
                    options={"guidance_scale": 5.5, "diffusers_kwargs": {"flow_shift": 3}},
                ),
                text
                | {
                    "seed": "7",
                    "negative_prompt": "模糊",
                    "num_inference_steps": "40",
                    "enable_teacache": "true",
                    "guidance_scale": "5.5",
                    "diffusers_kwargs": '{"flow_shift": 3}',
                    "input_reference": upload,
                },
            ),
        }

    def reports(self) -> Mapping[str, Report]:
        return dict(super().reports()) | {
            "completed, with the time it took": Report(
                answer=answer(status="completed", inference_time_s=207.4),
                state="succeeded",
                usage=Usage(units=Decimal("207.4")),
            ),
            "failed, without a code": Report(
                answer=answer(status="failed", error={"message": "CUDA out of memory"}),
                state="failed",
                error=JobFailed,
                billed=None,
            ),
        }


class TestVLLMOmniContract(_Contract):
    def goldens(self) -> Mapping[str, Golden]:
        text = {
            "prompt": PROMPT, "model": WAN, "seconds": "5", "size": "480x832", "fps": "16", "num_frames": "81",
        }  # fmt: skip
        return {
            "text": golden(order("vllm-omni", seed=0), text | {"seed": "0"}),
            "with sound": golden(order("vllm-omni", audio=True), text | {"generate_sound": "true"}),
        }

    def reports(self) -> Mapping[str, Report]:
        failed = video("failed", error={"code": 500, "message": "engine died"})
        return dict(super().reports()) | {
            "failed, with the failure's own HTTP status": Report(
                answer=answer(failed, 500), state="failed", error=JobFailed, billed=None
            ),
            "refused late": Report(
                answer=answer(failed | {"error": {"code": 400, "message": "size"}}, 400),
                state="failed",
                error=JobFailed,
                billed=None,
            ),
        }

    def canceled(self) -> Mapping[bool, Respond]:
        running = Response(200, json=video("in_progress"))
        gone = Response(200, json={"id": JOB, "object": "video.deleted", "deleted": True})
        busy = Response(409, json={"detail": "Cancellation in progress. Please try again later."})
        return {True: in_turn(running, gone, running, gone), False: in_turn(running, busy)}


class TestGatewayContract(_Contract):
    def goldens(self) -> Mapping[str, Golden]:
        text = {"prompt": PROMPT, "model": "sora-2", "seconds": "8", "size": "720x1280"}
        return {
            "text": golden(order("generic"), text),
            "seed": golden(
                order("generic", seed=3, negative_prompt="text"),
                text | {"seed": "3", "negative_prompt": "text"},
            ),
        }

    def reports(self) -> Mapping[str, Report]:
        words = {
            "Pending": "queued", "SUBMITTED": "queued", "processing": "running", "IN-PROGRESS": "running",
            "SUCCESS": "succeeded", "finished": "succeeded",
        }  # fmt: skip
        return dict(super().reports()) | {
            word: Report(answer=answer({"id": JOB, "status": word}), state=state)  # type: ignore[arg-type]  # a State
            for word, state in words.items()
        } | {
            "wrapped": Report(answer=answer({"data": {"task_id": JOB, "status": "done"}}), state="succeeded"),
            "canceled": Report(answer=answer(status="cancelled"), state="canceled", error=JobFailed, billed=None),
            "failed with a word of its own": Report(
                answer=answer({"id": JOB, "status": "FAILURE", "fail_reason": "no GPU"}),
                state="failed",
                error=JobFailed,
                billed=None,
            ),
        }  # fmt: skip


# -- what is sent -------------------------------------------------------------------------------------------


def test_the_same_attempt_makes_the_same_bytes_and_another_a_boundary_of_its_own() -> None:
    def boundary(tag: str) -> str:
        heard = Heard(answer())
        drive(OpenAIVideosAdapter().submit(order(), Attempt(tag=tag, created=1.0)), heard)
        return heard.requests[0].headers["content-type"]

    assert boundary("a" * 24) == boundary("a" * 24) != boundary("b" * 24)


def test_frames_are_asked_for_at_the_models_own_rate() -> None:
    twenty_four = order("sglang", fps=Decimal(24), wire={"extra_frames": 1})
    assert sent(twenty_four)["num_frames"] == "121"
    assert "num_frames" not in sent(order("sglang", fps=None))
    assert "num_frames" not in sent(order("generic", fps=Decimal(24)))


def test_what_must_not_be_seen_is_in_the_prompt_only_where_there_is_no_field() -> None:
    assert sent(order(negative_prompt="文字"))["prompt"].endswith("不要出现：文字。")
    assert sent(order("sglang", negative_prompt="文字"))["prompt"] == PROMPT


@pytest.mark.parametrize("move", get_args(Move))
@pytest.mark.parametrize("prompt", [PROMPT, "A rainy street"])
def test_every_camera_move_has_words(move: Move, prompt: str) -> None:
    words = {
        speed: sent(order(prompt=prompt, camera=Camera(move, speed=speed)))["prompt"]
        for speed in ("slow", "normal")
    }
    assert all(prompt in said and len(said) > len(prompt) + 3 for said in words.values())
    assert move in MOVES
    assert "{" not in words["slow"]


@given(st.text(min_size=1, max_size=200).filter(str.strip))
def test_any_prompt_arrives_as_it_is(prompt: str) -> None:
    try:
        prompt.encode()
    except UnicodeEncodeError:
        return
    assert sent(order(prompt=prompt))["prompt"] == prompt


# -- what is read -------------------------------------------------------------------------------------------


def test_an_id_is_believed_whatever_else_the_create_answers() -> None:
    for status, body in (
        (200, {"id": JOB}),
        (200, video("failed", error={"code": "x", "message": "y"})),
        (500, video()),
    ):
        assert drive(OpenAIVideosAdapter().submit(order(), ATTEMPT), answer(body, status)).id == JOB


def test_a_gateways_id_may_be_anything_and_is_quoted_in_paths() -> None:
    id_ = "video_bGl0ZWxsbTo=/x y"
    heard = Heard(answer(id=id_))
    drive(OpenAIVideosAdapter().poll([ticket(id_=id_)]), heard)
    assert heard.requests[0].url.raw_path == b"/v1/videos/video_bGl0ZWxsbTo%3D%2Fx%20y"


def test_another_jobs_object_is_no_answer() -> None:
    with pytest.raises(ProviderUnavailable):
        polled(answer(id="video_other", status="failed"))
    with pytest.raises(ProviderUnavailable):
        polled(answer({"status": "completed"}))  # openai always names the job


@pytest.mark.parametrize("body", [{"detail": "Not Found"}, error(None, "Invalid URL (GET /v1/videos/x)")])
def test_a_path_that_does_not_exist_is_no_lost_job(body: Any) -> None:
    with pytest.raises(InvalidShot):
        polled(answer(body, 404), "sglang")


def test_a_gateway_may_leave_out_which_job_it_speaks_of() -> None:
    assert polled(answer({"status": "done"}), "generic").state == "succeeded"
    assert polled(answer({"code": 0, "data": {"status": "processing"}}), "generic").state == "running"


def test_progress_is_a_share() -> None:
    assert polled(answer(status="in_progress", progress=40)).progress == 0.4
    assert polled(answer(status="in_progress", progress="40")).progress is None


def test_synonyms_are_only_for_gateways() -> None:
    for profile in ("openai", "sglang", "vllm-omni"):
        assert polled(answer(status="succeeded"), profile).state == "running"
    assert polled(answer(status="succeeded"), "generic").state == "succeeded"


def test_seconds_of_compute_are_only_read_from_ones_own_server() -> None:
    told = answer(status="completed", inference_time_s=12.5)
    assert polled(told).usage is None
    assert polled(told, "generic").usage is None
    assert polled(told, "vllm-omni").usage == Usage(units=Decimal("12.5"))
    assert polled(answer(status="completed", inference_time_s="12"), "sglang").usage is None


def test_a_wait_the_server_asks_for_is_read_in_either_unit() -> None:
    for headers, seconds in (
        ({"retry-after": "12"}, 12.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
    ):
        told = OpenAIVideosAdapter().fault(Response(429, json=error("rate_limit_exceeded"), headers=headers))
        assert told.retry_after == seconds


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda i: (
            st.lists(i)
            | st.dictionaries(st.sampled_from(["error", "detail", "message", "code", "loc", "msg"]), i)
        ),
    )
)
def test_no_body_trips_the_envelope(body: Any) -> None:
    found = envelope(body)
    assert found is None or (isinstance(found.code, str) and isinstance(found.message, str))


# -- the file -----------------------------------------------------------------------------------------------


def test_the_file_is_fetched_with_the_key_and_no_variant() -> None:
    download = drive(
        OpenAIVideosAdapter().deliver(ticket()), answer(status="completed", expires_at=MADE + 86_400)
    )
    assert download.authenticated
    assert str(download.request.url) == f"/v1/videos/{JOB}/content"
    assert download.expires == MADE + 86_400


@pytest.mark.parametrize(
    ("profile", "shown"),
    [
        ("sglang", {"url": "https://bucket.example/v.mp4?sig=1"}),
        ("sglang", {"urls": ["https://bucket.example/v.mp4?sig=1"]}),
        ("generic", {"video_url": "https://bucket.example/v.mp4?sig=1"}),
        ("generic", {"output": {"url": "https://bucket.example/v.mp4?sig=1"}}),
    ],
)
def test_a_public_link_is_fetched_without_the_key(profile: str, shown: dict[str, Any]) -> None:
    download = drive(OpenAIVideosAdapter().deliver(ticket(profile)), answer(status="completed", **shown))
    assert not download.authenticated
    assert str(download.request.url) == "https://bucket.example/v.mp4?sig=1"


@pytest.mark.parametrize(
    "url",
    [f"https://gw.example/v1/videos/{JOB}/content", "/outputs/v.mp4", "file:///v.mp4", "https://", "", 7],
)
def test_what_is_no_public_link_is_fetched_with_the_key(url: Any) -> None:
    for profile in ("sglang", "generic"):
        download = drive(OpenAIVideosAdapter().deliver(ticket(profile)), answer(status="completed", url=url))
        assert download.authenticated


def test_openai_and_vllm_name_no_links() -> None:
    for profile in ("openai", "vllm-omni"):
        found = answer(status="completed", url="https://bucket.example/v.mp4")
        assert drive(OpenAIVideosAdapter().deliver(ticket(profile)), found).authenticated


def test_an_unfinished_job_has_no_file_yet() -> None:
    with pytest.raises(ProviderUnavailable):
        drive(OpenAIVideosAdapter().deliver(ticket()), answer(status="in_progress"))


# -- cancelling ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [name for name, each in PROFILES.items() if not each.cancels])
def test_nothing_is_deleted_where_that_only_forgets_the_job(profile: str) -> None:
    heard = Heard(answer(status="in_progress"))
    assert drive(OpenAIVideosAdapter().cancel(ticket(profile)), heard) is False
    assert heard.requests == []


def test_a_finished_clip_is_not_deleted() -> None:
    heard = Heard(answer(status="completed"))
    assert drive(OpenAIVideosAdapter().cancel(ticket("vllm-omni")), heard) is False
    assert [request.method for request in heard.requests] == ["GET"]


# -- a lost create ------------------------------------------------------------------------------------------


def found(*videos: Any, profile: str = "openai", attempt: Attempt = ATTEMPT) -> Ticket | Absent | Unsure:
    return drive(OpenAIVideosAdapter().find(order(profile), attempt), answer(listing(*videos)))


def test_the_one_job_that_is_as_sent_is_ours() -> None:
    told = found(
        video(id="a", created_at=MADE + 2), video(id="b", prompt="another"), video(id="c", seconds="4")
    )
    assert told == Ticket(id="a", route=order().route, data={"profile": "openai", "found": "by prompt"})


def test_where_the_list_shows_no_prompt_its_shape_and_time_must_do() -> None:
    own = video(model=WAN, seconds="5", size="480x832", prompt=None)
    told = found(own, profile="sglang")
    assert isinstance(told, Ticket)
    assert told.data["found"] == "by time"


def test_two_that_are_alike_settle_nothing() -> None:
    told = found(video(id="a"), video(id="b", created_at=MADE + 3))
    assert isinstance(told, Unsure)
    assert "2 jobs" in told.why


@pytest.mark.parametrize("at", [MADE - 30, MADE + 60])
def test_one_made_a_little_outside_the_window_settles_nothing(at: int) -> None:
    """The server's clock may be off; or it is the take before."""
    assert isinstance(found(video(created_at=at)), Unsure)


def test_the_same_words_under_another_name_of_the_model_settle_nothing() -> None:
    assert isinstance(found(video(model="openai/sora-2")), Unsure)


def test_one_made_long_before_is_another() -> None:
    assert found(video(created_at=MADE - 3600)) == Absent()


def test_a_job_that_shows_nothing_of_itself_is_not_ours() -> None:
    assert found({"id": "a", "created_at": MADE}) == Absent()


def test_a_list_that_does_not_say_when_settles_nothing() -> None:
    assert isinstance(found(video(created_at=None)), Unsure)
    assert isinstance(found("junk"), Unsure)


def test_the_list_is_read_back_to_the_time_of_the_create_and_no_further() -> None:
    pages = [
        listing(*(video(id=f"v{n}", prompt="another", created_at=MADE + 90) for n in range(100)), more=True),
        listing(video(id="ours"), video(id="old", prompt="x", created_at=MADE - 5000), more=True),
    ]
    waiting = iter(pages)
    heard = Heard(lambda _: Response(200, json=next(waiting)))
    told = drive(OpenAIVideosAdapter().find(order(), ATTEMPT), heard)
    assert isinstance(told, Ticket)
    assert [request.url.query for request in heard.requests] == [
        b"limit=100&order=desc",
        b"limit=100&order=desc&after=v99",
    ]


def test_a_list_without_an_end_settles_nothing() -> None:
    page = listing(video(id="x", prompt="another"), more=True)
    assert isinstance(drive(OpenAIVideosAdapter().find(order(), ATTEMPT), answer(page)), Unsure)


@given(
    st.sampled_from(["openai", "sglang", "vllm-omni", "generic"]),
    st.lists(st.sampled_from(["id", "created_at", "model", "size", "seconds", "prompt"]), max_size=4),
)
def test_a_job_of_another_size_is_never_ours(profile: str, without: list[str]) -> None:
    other = {k: v for k, v in video(size="1x1", prompt="another").items() if k not in without}
    assert not isinstance(found(other, profile=profile), Ticket) or "size" in without


# -- callbacks ----------------------------------------------------------------------------------------------

WEBHOOK = Secret(key="k", webhook=("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",))
BODY = b'{"id":"evt_1","object":"event","created_at":1700000000,"type":"video.completed","data":{"id":"video_abc"}}'
SIGNATURE = "v1,PcZ4DlvmXqgOX/XfVfiyMraDWqWOVW88K9s+EFI3Q8Q="


def received(signature: str, now: float = 1_700_000_000.0) -> Sequence[str]:
    headers = {"webhook-id": "wh_1", "webhook-timestamp": "1700000000", "webhook-signature": signature}
    told = OpenAIVideosAdapter().receive(Delivery(headers, BODY), {}, WEBHOOK, now)
    assert told.signed
    return told.jobs


def test_a_signature_of_the_vendors_own_package_is_good() -> None:
    assert received(SIGNATURE) == ["video_abc"]
    assert received(f"v1,AAAA {SIGNATURE}") == ["video_abc"]


@pytest.mark.parametrize(
    ("signature", "now"), [("v1,AAAA", 1_700_000_000.0), (SIGNATURE, 1_700_000_301.0), ("", 1.0)]
)
def test_a_bad_or_stale_signature_is_not(signature: str, now: float) -> None:
    with pytest.raises(AuthError):
        received(signature, now)


# -- the key ------------------------------------------------------------------------------------------------


def test_a_server_without_a_key_is_asked_without_one() -> None:
    request = Request("GET", "/v1/models")
    OpenAIVideosAdapter().sign(request, Secret(), 0.0)
    assert "authorization" not in request.headers


def test_a_probe_names_the_models() -> None:
    told = drive(OpenAIVideosAdapter().probe(), answer({"data": [{"id": n} for n in "abcd"]}))
    assert (told.valid, told.detail) == (True, "serves a, b, c and 1 more")
    refused = drive(OpenAIVideosAdapter().probe(), answer(error("invalid_api_key"), 401))
    assert isinstance(refused.error, AuthError)


def test_every_state_is_reached() -> None:
    reached = {
        PROFILES["generic"].state(word)
        for word in ("queued", "running", "done", "error", "cancelled", "expired")
    }
    assert reached == {"queued", "running", *TERMINAL} - {"missing"}


def test_after_a_refusal_only_the_words_prove_anything() -> None:
    refused = replace(ATTEMPT, refused=True, ahead=0.0)
    assert isinstance(found(video(), attempt=refused), Ticket)
    mute = video(model=WAN, seconds="5", size="480x832", prompt=None)
    told = found(mute, profile="sglang", attempt=refused)
    assert isinstance(told, Unsure)
    assert told.maybe == [JOB]
    assert found(video(), attempt=replace(refused, others=frozenset({JOB}))) == Absent()
    # A minute off by a clock that is known is another's.
    told = found(video(created_at=MADE + 60), attempt=refused)
    assert isinstance(told, Unsure)
    assert not told.maybe
