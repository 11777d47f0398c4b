"""Seedance: what is sent, what is read, and every trap of Ark's protocol."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from email.utils import formatdate
from typing import Any

import pytest
from httpx import Request, Response
from hypothesis import given
from hypothesis import strategies as st

from dramagen.adapters.base import PAID, Absent, Adapter, Attempt, Delivery, Status, Ticket, Unsure, Usage
from dramagen.adapters.seedance import SeedanceAdapter
from dramagen.adapters.seedance_find import marks
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
    QuotaExhausted,
    RateLimited,
)
from dramagen.shot import Camera, Cut, Line
from dramagen.testing import AdapterContract, Golden, Heard, Refusal, Report, Respond, drive, in_turn

TASKS = "/api/v3/contents/generations/tasks"
CN = Route(provider="seedance", region="cn", model="seedance-2.0")
INTL = Route(provider="seedance", region="intl", model="seedance-2.5")
ID = "cgt-20261122153012-k7q2d"
CREATED = 1_795_332_615

PIXELS = b"\x89PNG two pixels"
PICTURE = Input(sha256="a" * 64, media_type="image/png", size=len(PIXELS), width=512, height=512)
OTHER = Input(sha256="b" * 64, media_type="IMAGE/JPG", size=3, width=512, height=512)
SOUND = Input(sha256="c" * 64, media_type="audio/mpeg", size=3, duration=3.0)
MOVIE = Input(sha256="d" * 64, media_type="video/mp4", size=3, duration=3.0)
BYTES = {PICTURE.sha256: PIXELS, OTHER.sha256: b"jpg", SOUND.sha256: b"mp3", MOVIE.sha256: b"mp4"}
PNG_URL = "data:image/png;base64,iVBORyB0d28gcGl4ZWxz"
JPG_URL = "data:image/jpeg;base64,anBn"
MP3_URL = "data:audio/mp3;base64,bXAz"

TAG = "k3v9x2m7q1z8b4n6c5l0d9f8"
ATTEMPT = Attempt(tag=TAG, created=CREATED - 3, sent_until=CREATED + 60, inputs=BYTES)
SEED, WAIT = 706_226_437, 170_616  # drawn from TAG


def order(mode: Mode = "text", **changes: Any) -> Order:
    fields: dict[str, Any] = {
        "route": CN,
        "wire": {"model": "doubao-seedance-2-0-260128"},
        "mode": mode,
        "prompt": "雨夜，女主推门而入",
        "duration": Decimal(5),
        "resolution": "720p",
        "aspect_ratio": "9:16",
        "audio": True,
    }
    return Order(**(fields | changes))


def body_of(order_: Order, attempt: Attempt = ATTEMPT) -> dict[str, Any]:
    heard = Heard(in_turn(Response(200, json={"id": ID})))
    drive(SeedanceAdapter().submit(order_, attempt), heard)
    (request,) = heard.requests
    body: dict[str, Any] = json.loads(request.content)
    return body


def task(**fields: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "model": "doubao-seedance-2-0-260128",
        "status": "running",
        "created_at": CREATED,
        "updated_at": CREATED + 6,
        "service_tier": "default",
        "execution_expires_after": WAIT,
    } | fields


DONE = task(
    status="succeeded",
    content={"video_url": f"https://example.invalid/{ID}.mp4?X-Tos-Expires=86400&X-Tos-Signature=sesame"},
    usage={"completion_tokens": 108900, "total_tokens": 108900},
    updated_at=CREATED + 175,
    seed=SEED,
    resolution="720p",
    duration=5,
    framespersecond=24,
)


def always(body: Any, status: int = 200, **headers: str) -> Respond:
    return lambda _: Response(status, json=body, headers=headers)


def refusal(
    code: str, message: str = "no. Request id: 02179533290012300aa", type_: str = "BadRequest"
) -> Any:
    return {"error": {"code": code, "message": message, "param": "", "type": type_}}


def ticket(id_: str = ID) -> Ticket:
    return Ticket(id=id_, route=CN)


def listed(*tasks: Mapping[str, Any], total: Any = None) -> Respond:
    return always({"total": len(tasks) if total is None else total, "items": list(tasks)})


ERRORS: Sequence[tuple[int, str, type[DramagenError], bool]] = (
    (400, "MissingParameter", InvalidShot, False),
    (400, "MissingParameter.content", InvalidShot, False),
    (400, "InvalidParameter", InvalidShot, False),
    (400, "InvalidParameter.UnsupportedParameter", InvalidShot, False),
    (400, "InvalidParameter.TaskTypeConstraint", InvalidShot, False),
    (400, "InvalidParameter.TaskTypeMismatch", InvalidShot, False),
    (400, "InvalidImageURL.EmptyURL", InvalidShot, False),
    (400, "InvalidImageURL.InvalidFormat", InvalidShot, False),
    (400, "InvalidEndpoint.ClosedEndpoint", ProviderUnavailable, True),
    (400, "SensitiveContentDetected", ContentRejected, False),
    (400, "SensitiveContentDetected.SevereViolation", ContentRejected, False),
    (400, "SensitiveContentDetected.Violence", ContentRejected, False),
    (400, "InputTextSensitiveContentDetected", ContentRejected, False),
    (400, "InputTextSensitiveContentDetected.PolicyViolation", ContentRejected, False),
    (400, "InputImageSensitiveContentDetected", ContentRejected, False),
    (400, "InputImageSensitiveContentDetected.PolicyViolation", ContentRejected, False),
    (400, "InputImageSensitiveContentDetected.PrivacyInformation", ContentRejected, False),
    (400, "InputVideoSensitiveContentDetected", ContentRejected, False),
    (400, "InputVideoSensitiveContentDetected.PrivacyInformation", ContentRejected, False),
    (400, "InputAudioSensitiveContentDetected", ContentRejected, False),
    (400, "InputTextRiskDetection", ContentRejected, False),
    (400, "InputImageRiskDetection", ContentRejected, False),
    (400, "OutputVideoSensitiveContentDetected", ContentRejected, True),
    (400, "OutputVideoSensitiveContentDetected.PolicyViolation", ContentRejected, False),
    (400, "OutputAudioSensitiveContentDetected", ContentRejected, True),
    (400, "OutputAudioSensitiveContentDetected.PolicyViolation", ContentRejected, False),
    (400, "ContentSecurityDetectionError", ProviderUnavailable, True),
    (400, "InvalidSubscription", InsufficientBalance, False),
    (401, "AuthenticationError", AuthError, False),
    (401, "InvalidAccountStatus", AuthError, False),
    (403, "AccountOverdueError", InsufficientBalance, False),
    (403, "OperationDenied.ServiceOverdue", InsufficientBalance, False),
    (403, "AccessDenied", AuthError, False),
    (403, "OperationDenied.PermissionDenied", AuthError, False),
    (403, "OperationDenied.ServiceNotOpen", AuthError, False),
    (403, "OperationDenied.SomethingNew", AuthError, False),
    (404, "ModelNotOpen", AuthError, False),
    (404, "InvalidEndpointOrModel.NotFound", AuthError, False),
    (404, "InvalidEndpointOrModel.ModelIDAccessDisabled", AuthError, False),
    (404, "UnsupportedModel", AuthError, False),
    (404, "NotFound.Task", JobExpired, False),
    (409, "InvalidAction.RunningTaskDeletion", DramagenError, False),
    (429, "RateLimitExceeded.EndpointRPMExceeded", RateLimited, True),
    (429, "RateLimitExceeded.EndpointTPMExceeded", RateLimited, True),
    (429, "RateLimitExceeded.SomethingNew", RateLimited, True),
    (429, "ModelAccountRpmRateLimitExceeded", RateLimited, True),
    (429, "ModelAccountTpmRateLimitExceeded", RateLimited, True),
    (429, "APIAccountRpmRateLimitExceeded", RateLimited, True),
    (429, "ModelAccountIpmRateLimitExceeded", RateLimited, True),
    (429, "AccountRateLimitExceeded", RateLimited, True),
    (429, "ServerOverloaded", RateLimited, True),
    (429, "RequestBurstTooFast", RateLimited, True),
    (429, "InflightBatchsizeExceeded", ConcurrencyLimited, True),
    (429, "QuotaExceeded", ConcurrencyLimited, True),
    (429, "SetLimitExceeded", QuotaExhausted, False),
    (400, "SomethingNew", InvalidShot, False),
    (429, "SomethingNew", RateLimited, True),
)
"""Every 4xx row of the vendor's table: HTTP status, code, our error, whether the same call may work later."""


class TestContract(AdapterContract):
    def adapter(self) -> Adapter:
        return SeedanceAdapter()

    def goldens(self) -> Mapping[str, Golden]:
        def golden(order_: Order, attempt: Attempt = ATTEMPT, **body: Any) -> Golden:
            return Golden(
                order=order_,
                attempt=attempt,
                path=TASKS,
                body={"seed": SEED, "execution_expires_after": WAIT, "watermark": False} | body,
                accept=always({"id": ID}),
                id=ID,
            )

        people = (
            OrderReference(name="林夏", images=(PICTURE, OTHER), voice=SOUND),
            OrderReference(name="天台", images=(PICTURE,), kind="scene"),
        )
        return {
            "text": golden(
                order(camera=Camera("push_in", "slow"), dialogue=(Line("她", "你终于来了。"),)),
                model="doubao-seedance-2-0-260128",
                content=[
                    {"type": "text", "text": '雨夜，女主推门而入。镜头缓慢向前推进。她说："你终于来了。"'}
                ],
                resolution="720p",
                ratio="9:16",
                duration=5,
                generate_audio=True,
            ),
            "first frame": golden(
                order("first_frame", first_frame=PICTURE, aspect_ratio=None, audio=False, seed=7),
                Attempt(tag=TAG, created=0.0, inputs=BYTES, callback_url="https://example.invalid/cb/1"),
                model="doubao-seedance-2-0-260128",
                content=[
                    {"type": "text", "text": "雨夜，女主推门而入。"},
                    {"type": "image_url", "image_url": {"url": PNG_URL}, "role": "first_frame"},
                ],
                resolution="720p",
                duration=5,
                generate_audio=False,
                seed=7,
                callback_url="https://example.invalid/cb/1",
            ),
            "first and last frame": golden(
                order("first_last_frame", first_frame=PICTURE, last_frame=OTHER, aspect_ratio=None),
                model="doubao-seedance-2-0-260128",
                content=[
                    {"type": "text", "text": "雨夜，女主推门而入。"},
                    {"type": "image_url", "image_url": {"url": PNG_URL}, "role": "first_frame"},
                    {"type": "image_url", "image_url": {"url": JPG_URL}, "role": "last_frame"},
                ],
                resolution="720p",
                duration=5,
                generate_audio=True,
            ),
            "references": golden(
                order(
                    "references",
                    route=INTL,
                    wire={"model": "dreamina-seedance-2-5-260628", "omni_reference_task_type": "reference"},
                    prompt="@林夏 走上 @天台",
                    duration=Decimal(12),
                    references=people,
                    options={"return_last_frame": True},
                ),
                model="dreamina-seedance-2-5-260628",
                content=[
                    {
                        "type": "text",
                        "text": "图片1、图片2的音色参考音频1。图片1、图片2 走上 图片3。",
                    },
                    {"type": "image_url", "image_url": {"url": PNG_URL}, "role": "reference_image"},
                    {"type": "image_url", "image_url": {"url": JPG_URL}, "role": "reference_image"},
                    {"type": "audio_url", "audio_url": {"url": MP3_URL}, "role": "reference_audio"},
                    {"type": "image_url", "image_url": {"url": PNG_URL}, "role": "reference_image"},
                ],
                resolution="720p",
                ratio="9:16",
                duration=12,
                generate_audio=True,
                omni_reference_task_type="reference",
                return_last_frame=True,
            ),
        }

    def refusals(self) -> Mapping[str, Refusal]:
        def row(status: int, body: Any, error: type[DramagenError], retryable: bool, **also: Any) -> Refusal:
            return Refusal(
                answer=Response(status, json=body, headers={"x-request-id": "0217953329"}),
                error=error,
                retryable=retryable,
                refused=400 <= status < 500,
                billed=False if 400 <= status < 500 else None,
                also={"request_id": "0217953329"} | also,
            )

        rows = {
            f"{status} {code}": row(status, refusal(code), error, retryable, code=code)
            for status, code, error, retryable in ERRORS
        }
        rows |= {
            f"{code} at the {stage} of {field}": row(
                400, refusal(code), ContentRejected, False, stage=stage, field=field
            )
            for code, stage, field in (
                ("InputTextSensitiveContentDetected.PolicyViolation", "input", "prompt"),
                ("InputImageSensitiveContentDetected.PrivacyInformation", "input", "image"),
                ("InputVideoSensitiveContentDetected", "input", "video"),
                ("InputAudioSensitiveContentDetected", "input", "voice"),
                ("OutputVideoSensitiveContentDetected.PolicyViolation", "output", None),
            )
        }
        return rows | {
            "500 InternalServiceError": row(500, refusal("InternalServiceError"), ProviderUnavailable, True),
            "503 with an unknown code": row(503, refusal("SomethingNew"), ProviderUnavailable, True),
            "200 with an error code": row(200, refusal("AccountOverdueError"), InsufficientBalance, False),
            "the form of the old gateway": row(
                403,
                {"ResponseMetadata": {"Error": {"Code": "AccessDenied", "Message": "no"}}},
                AuthError,
                False,
                vendor_message="no",
            ),
            "the flat form": row(400, {"code": "InvalidParameter", "message": "no"}, InvalidShot, False),
            "a file the vendor could not fetch": row(
                400, refusal("InvalidParameter", "resource download failed"), InvalidShot, True
            ),
            "a trial used up": row(
                429, refusal("QuotaExceeded", "your free trial quota is used up"), QuotaExhausted, False
            ),
            "a weekly plan used up": row(
                429, refusal("QuotaExceeded", "exceeded the weekly limit"), QuotaExhausted, False
            ),
            "an empty 429": Refusal(
                answer=Response(429, headers={"retry-after": "7"}),
                error=RateLimited,
                retryable=True,
                refused=False,
                billed=None,
                also={"retry_after": 7.0},
            ),
        }

    def reports(self) -> Mapping[str, Report]:
        moderated = refusal("OutputVideoSensitiveContentDetected.PolicyViolation")
        return {
            "running": Report(answer=always(task()), state="running"),
            "queued": Report(answer=always(task(status="queued")), state="queued"),
            "succeeded": Report(
                answer=always(DONE), state="succeeded", usage=Usage(tokens=108900), seed=SEED
            ),
            "numbers as text": Report(
                answer=always(DONE | {"usage": {"completion_tokens": "108900"}, "seed": "7"}),
                state="succeeded",
                usage=Usage(tokens=108900),
                seed=7,
            ),
            "only the total": Report(
                answer=always(DONE | {"usage": {"total_tokens": 5}, "seed": -1}),
                state="succeeded",
                usage=Usage(tokens=5),
            ),
            "moderated": Report(
                answer=always(task(status="failed", **moderated)), state="failed", error=ContentRejected
            ),
            "another task type": Report(
                answer=always(task(status="failed", **refusal("InvalidParameter.TaskTypeMismatch"))),
                state="failed",
                error=JobFailed,
            ),
            "failed without a reason": Report(
                answer=always(task(status="failed")), state="failed", error=JobFailed
            ),
            "cancelled": Report(answer=always(task(status="cancelled")), state="canceled", error=JobFailed),
            "expired": Report(answer=always(task(status="expired")), state="expired", error=JobExpired),
            "missing": Report(
                answer=always(refusal("NotFound.Task", type_="NotFound"), 404),
                state="missing",
                error=JobExpired,
                billed=None,
            ),
        }

    def unknown_status(self) -> Respond:
        return always(task(status="rendering"))

    def deliveries(self) -> Respond:
        return always(DONE)

    def gone(self) -> Respond:
        return always(refusal("NotFound.Task"), 404)

    def canceled(self) -> Mapping[bool, Respond]:
        return {
            True: in_turn(Response(200, json=task(status="queued")), Response(200, json={})),
            False: in_turn(
                Response(200, json=task(status="queued")),
                Response(409, json=refusal("InvalidAction.RunningTaskDeletion")),
            ),
        }

    def lost(self) -> Respond:
        return listed(
            task(id="cgt-1", execution_expires_after=WAIT + 1), task(seed=SEED), task(id=None), total=3
        )

    def not_found(self) -> Respond:
        return listed(task(id="cgt-1", execution_expires_after=WAIT + 1))

    def unsendable(self) -> Sequence[tuple[Order, Attempt]]:
        video = OrderReference(name="跑酷", video=MOVIE)
        ogg = SOUND.model_copy(update={"media_type": "audio/ogg"})
        orders = [
            order(options={name: 1})
            for name in ("duration", "frames", "framespersecond", "seed", "draft", "ratio", "model", "content",
                         "resolution", "generate_audio", "execution_expires_after", "callback_url",
                         "omni_reference_task_type", "tools")
        ]  # fmt: skip
        orders += [
            order(duration=Decimal("4.5")),
            order(seed=2**31),
            order("references", references=(video,)),
            order("references", references=(OrderReference(name="声", voice=ogg),)),
            order("references", first_frame=PICTURE, references=(OrderReference(name="a", images=(OTHER,)),)),
            order("first_last_frame", last_frame=PICTURE),
            order("first_frame", first_frame=MOVIE),
            order(prompt="一只猫 --dur 15"),
            order(prompt="a cat", cuts=(Cut("a dog --RESOLUTION 1080p", 5.0),)),
            order(prompt="a cat", dialogue=(Line("he", "go --seed 1"),)),
        ]
        return [
            *((o, ATTEMPT) for o in orders),
            (order("first_frame", first_frame=PICTURE), Attempt("t", 0.0)),
        ]

    def callback(self) -> tuple[Delivery, Sequence[str]]:
        return Delivery(headers={}, body=json.dumps(DONE).encode()), [ID]


# -- what is sent ----------------------------------------------------------------------------------------------


def test_sound_is_always_said_because_the_vendor_turns_it_on_by_itself() -> None:
    assert body_of(order(audio=False))["generate_audio"] is False


def test_nothing_is_sent_as_null_and_no_frame_rate_ever() -> None:
    body = body_of(order(fps=Decimal(24), options={"priority": 3, "safety_identifier": None}))
    assert "framespersecond" not in body
    assert "safety_identifier" not in body
    assert None not in body.values()
    assert body["priority"] == 3


def test_a_watermark_may_be_asked_for() -> None:
    assert body_of(order(options={"watermark": True}))["watermark"] is True


def test_no_ratio_where_the_clip_follows_its_frame() -> None:
    assert "ratio" not in body_of(order("first_frame", first_frame=PICTURE, aspect_ratio=None))


def test_the_task_type_only_for_references_of_a_model_that_has_it() -> None:
    heroine = (OrderReference(name="a", images=(PICTURE,)),)
    typed = {"model": "m", "omni_reference_task_type": "reference"}
    assert "omni_reference_task_type" not in body_of(order("references", references=heroine))
    assert "omni_reference_task_type" not in body_of(order(wire=typed))
    assert (
        body_of(order("references", references=heroine, wire=typed))["omni_reference_task_type"]
        == "reference"
    )


def test_a_model_without_seeds_is_sent_none_of_ours() -> None:
    assert "seed" not in body_of(order(wire={"model": "m", "seed_echo": False}))


def test_the_create_is_posted_to_the_one_path_that_creates() -> None:
    heard = Heard(always({"id": ID}))
    drive(SeedanceAdapter().submit(order(), ATTEMPT), heard)
    (request,) = heard.requests
    assert (request.method, str(request.url), request.extensions[PAID]) == ("POST", TASKS, True)


@given(tag=st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=24, max_size=24))
def test_marks_stay_inside_the_vendors_ranges(tag: str) -> None:
    drawn = marks(order(), Attempt(tag=tag, created=0.0))
    assert 0 <= drawn["seed"] <= 2_147_483_647
    assert 86_400 <= drawn["execution_expires_after"] <= 172_800
    assert drawn == marks(order(), Attempt(tag=tag, created=9.0))


def test_marks_differ_between_attempts() -> None:
    drawn = {tuple(marks(order(seed=1), Attempt(f"tag{n}", 0.0)).values()) for n in range(1000)}
    assert len(drawn) > 990


# -- wording ---------------------------------------------------------------------------------------------------


def worded(prompt: str, **changes: Any) -> str:
    return SeedanceAdapter().wording(order(prompt=prompt, **changes))


LIN = OrderReference(name="林夏", images=(PICTURE,))
LIN_TIAN = OrderReference(name="林夏天", images=(OTHER, PICTURE))
SCENE = OrderReference(name="roof", images=(PICTURE,), kind="scene")


def test_mentions_become_the_vendors_names_by_type_and_number() -> None:
    said = worded("@林夏天和@林夏走上@roof", references=(LIN, LIN_TIAN, SCENE))
    assert said == "图片2、图片3和图片1走上图片4。"


def test_an_english_prompt_speaks_english_even_with_a_chinese_name() -> None:
    said = worded("@林夏 walks onto @roof.", references=(LIN, SCENE), camera=Camera("orbit_left", "slow"))
    assert said == "Image 1 walks onto Image 2. The camera slowly orbits the subject to the left."


def test_an_unmentioned_reference_is_introduced() -> None:
    assert worded("雨夜", references=(LIN,)) == "图片1为林夏。雨夜。"
    assert worded("A rainy night", references=(SCENE,)) == "Image 1 is roof. A rainy night."


def test_a_speaker_is_named_as_the_mention_is() -> None:
    said = worded(
        "雨夜", references=(LIN,), dialogue=(Line("林夏", '他说"走"', language="ja"), Line("路人", "好"))
    )
    assert said == '雨夜。图片1用日语说："他说\'走\'"路人说："好"'


def test_voices_are_numbered_on_their_own() -> None:
    voiced = OrderReference(name="阿青", images=(OTHER,), voice=SOUND)
    said = worded("@林夏和@阿青", references=(LIN, voiced))
    assert said == "图片2的音色参考音频1。图片1和图片2。"


def test_a_reference_that_is_only_heard_keeps_its_name() -> None:
    heard = OrderReference(name="旁白", voice=SOUND)
    said = worded("雨夜", references=(heard,), dialogue=(Line("旁白", "那一年"),))
    assert said == '旁白的音色参考音频1。雨夜。旁白说："那一年"'


def test_cuts_are_numbered_shots() -> None:
    cuts = (Cut("她推门", 2.0), Cut("特写 @林夏 的手", 3.0))
    said = worded("雨夜", cuts=cuts, references=(LIN,))
    assert said == "雨夜。镜头1：她推门。镜头2：切至特写 图片1 的手。"


def test_a_cut_that_is_said_is_not_said_twice() -> None:
    assert worded("x", cuts=(Cut("a", 2.0), Cut("Cut to b", 3.0))) == "x. Shot 1: a. Shot 2: Cut to b."


def test_seconds_only_for_a_model_that_follows_them_and_only_whole_ones() -> None:
    wire = {"model": "m", "timestamps": True}
    assert "Shot 2 (2-5s): cut to b." in worded("x", cuts=(Cut("a", 2.0), Cut("b", 3.0)), wire=wire)
    assert "Shot 2: cut to b." in worded("x", cuts=(Cut("a", 2.5), Cut("b", 2.5)), wire=wire)
    assert "Shot 2: cut to b." in worded("x", cuts=(Cut("a", 2.0), Cut("b", 3.0)))


@pytest.mark.parametrize("speed", ["slow", "normal", "fast"])
@pytest.mark.parametrize("prompt", ["雨夜", "A rainy night"])
def test_every_camera_move_has_words_of_its_own(speed: Any, prompt: str) -> None:
    from dramagen.shot import MOVES

    said = {worded(prompt, camera=Camera(move, speed)) for move in MOVES}  # type: ignore[arg-type]  # all moves
    assert len(said) == len(MOVES)
    assert not any("{" in text or "  " in text for text in said)


def test_dashes_that_are_no_command_stay() -> None:
    assert worded("she waits -- then --no more") == "she waits -- then --no more."


# -- poll ------------------------------------------------------------------------------------------------------


def test_one_ticket_is_asked_for_by_itself() -> None:
    heard = Heard(always(task()))
    drive(SeedanceAdapter().poll([ticket()]), heard)
    assert [str(r.url) for r in heard.requests] == [f"{TASKS}/{ID}"]


def test_an_id_cannot_leave_its_place_in_the_path() -> None:
    heard = Heard(always({}, 503))
    with pytest.raises(ProviderUnavailable):
        drive(SeedanceAdapter().poll([ticket("../../x?y")]), heard)
    assert str(heard.requests[0].url) == f"{TASKS}/..%2F..%2Fx%3Fy"


def test_several_tickets_go_through_the_list_with_the_filter_repeated() -> None:
    heard = Heard(listed(task(id="t1"), task(id="t2", status="queued")))
    told = drive(SeedanceAdapter().poll([ticket("t1"), ticket("t2")]), heard)
    assert [str(r.url) for r in heard.requests] == [
        f"{TASKS}?page_num=1&page_size=100&filter.task_ids=t1&filter.task_ids=t2"
    ]
    assert {id_: status.state for id_, status in told.items()} == {"t1": "running", "t2": "queued"}


def test_a_task_the_list_hides_is_asked_for_by_itself_before_it_is_called_missing() -> None:
    def respond(request: Request) -> Response:
        if request.url.query:
            return Response(200, json={"total": 1, "items": [task(id="t1")]})
        if request.url.path.endswith("/flex"):
            return Response(200, json=task(id="flex", service_tier="flex"))
        return Response(404, json=refusal("NotFound.Task"))

    told = drive(SeedanceAdapter().poll([ticket("t1"), ticket("flex"), ticket("gone")]), respond)
    assert {i: s.state for i, s in told.items()} == {"t1": "running", "flex": "running", "gone": "missing"}


def test_a_key_that_may_not_list_still_polls() -> None:
    def respond(request: Request) -> Response:
        if request.url.query:
            return Response(403, json=refusal("AccessDenied"))
        return Response(200, json=task(id=request.url.path.rpartition("/")[2]))

    assert set(drive(SeedanceAdapter().poll([ticket("t1"), ticket("t2")]), respond)) == {"t1", "t2"}


def test_one_odd_answer_does_not_hide_the_others() -> None:
    def respond(request: Request) -> Response:
        if request.url.query:
            return Response(200, json={"items": [task(id="t2")], "total": 1})
        return Response(403, json=refusal("AccessDenied"))

    assert set(drive(SeedanceAdapter().poll([ticket("t1"), ticket("t2")]), respond)) == {"t2"}


def test_a_flooded_service_is_left_alone() -> None:
    heard = Heard(always(refusal("APIAccountRpmRateLimitExceeded"), 429))
    with pytest.raises(RateLimited) as caught:
        drive(SeedanceAdapter().poll([ticket("t1"), ticket("t2"), ticket("t3")]), heard)
    assert len(heard.requests) == 1
    assert (caught.value.provider, caught.value.model) == ("seedance", "seedance-2.0")


def test_another_tasks_answer_is_not_ours() -> None:
    with pytest.raises(DramagenError):
        drive(SeedanceAdapter().poll([ticket()]), always(task(id="cgt-other", status="failed")))


def test_a_proxys_404_does_not_make_a_job_missing() -> None:
    for answer in (Response(404, html="<html>not here"), Response(404, json=refusal("ModelNotOpen"))):
        with pytest.raises(DramagenError):
            drive(SeedanceAdapter().poll([ticket()]), in_turn(answer))


def test_a_failure_without_a_reason_keeps_what_was_said_without_the_link() -> None:
    odd = task(status="failed", hint="gpu 7", content=DONE["content"])
    status = drive(SeedanceAdapter().poll([ticket()]), always(odd))[ID]
    assert status.error is not None
    assert "gpu 7" in str(status.error)
    assert "sesame" not in str(status.error)


def test_the_vendors_own_failure_may_pass_on_another_day() -> None:
    failed = task(status="failed", **refusal("InternalServiceError"))
    error = drive(SeedanceAdapter().poll([ticket()]), always(failed))[ID].error
    assert isinstance(error, JobFailed)
    assert error.retryable
    assert error.code == "InternalServiceError"


# -- find ------------------------------------------------------------------------------------------------------


def found(*answers: Response, order_: Order | None = None) -> Any:
    return drive(SeedanceAdapter().find(order_ or order(), ATTEMPT), in_turn(*answers))


def page(*tasks: Mapping[str, Any], total: Any = None, **headers: str) -> Response:
    total = len(tasks) if total is None else total
    return Response(200, json={"total": total, "items": list(tasks)}, headers=headers)


def test_the_search_names_the_model_and_the_tier() -> None:
    heard = Heard(listed())
    drive(SeedanceAdapter().find(order(options={"service_tier": "flex"}), ATTEMPT), heard)
    assert dict(heard.requests[0].url.params) == {
        "page_num": "1",
        "page_size": "500",
        "filter.model": "doubao-seedance-2-0-260128",
        "filter.service_tier": "flex",
    }


def test_a_running_task_that_shows_no_seed_yet_is_known_by_its_waiting_time() -> None:
    assert found(page(task())) == ticket()


def test_another_seed_is_another_task() -> None:
    assert found(page(task(seed=SEED + 1))) == Absent()


@pytest.mark.parametrize("created", [CREATED - 3600, CREATED + 3600, None])
def test_a_task_outside_the_attempts_window_is_another(created: int | None) -> None:
    assert found(page(task(seed=SEED, created_at=created))) == Absent()


def test_every_page_is_read_before_a_job_is_called_absent() -> None:
    others = [task(id=f"cgt-{n}", execution_expires_after=n) for n in range(3)]
    assert found(page(*others[:2], total=3), page(others[2], total=3)) == Absent()
    assert found(page(*others[:2], total=3), page(task(), total=3)) == ticket()


def test_a_list_that_does_not_add_up_settles_nothing() -> None:
    other = task(id="cgt-1", execution_expires_after=1)
    assert isinstance(found(page(other, total=2), page(total=2)), Unsure)
    assert isinstance(found(page(other, total="many")), Unsure)
    assert isinstance(found(page(other, total=0)), Unsure)
    assert isinstance(found(page(task(id=None), total=1)), Unsure)


def test_two_tasks_alike_settle_nothing() -> None:
    twins = found(page(task(id="cgt-1"), task(id="cgt-2")))
    assert isinstance(twins, Unsure)
    assert "cgt-1, cgt-2" in twins.why


def test_an_error_half_way_settles_nothing() -> None:
    half = found(page(task(id="cgt-1", execution_expires_after=1), total=2), Response(429, json={}))
    assert isinstance(half, Unsure)


def test_the_list_reaches_back_seven_days_and_no_further() -> None:
    within = formatdate(CREATED + 6 * 86_400, usegmt=True)
    beyond = formatdate(CREATED + 8 * 86_400, usegmt=True)
    assert found(page(date=within)) == Absent()
    assert isinstance(found(page(date=beyond)), Unsure)


# -- deliver, cancel, probe, receive -----------------------------------------------------------------------------


def test_the_link_lives_a_day_from_the_tasks_end() -> None:
    download = drive(SeedanceAdapter().deliver(ticket()), always(DONE))
    assert download.expires == CREATED + 175 + 86_400
    assert str(download.request.url) == DONE["content"]["video_url"]


@pytest.mark.parametrize("url", [None, 7, "", "file:///etc/passwd", "https://", "https://a b/\x00", "//x/y"])
def test_a_link_that_is_none_is_asked_for_again(url: Any) -> None:
    with pytest.raises(ProviderUnavailable):
        drive(SeedanceAdapter().deliver(ticket()), always(DONE | {"content": {"video_url": url}}))


def test_a_failed_job_delivers_its_failure() -> None:
    with pytest.raises(ContentRejected):
        drive(
            SeedanceAdapter().deliver(ticket()),
            always(task(status="failed", **refusal("OutputVideoSensitiveContentDetected"))),
        )


@pytest.mark.parametrize("state", ["running", "succeeded", "failed", "expired", "rendering"])
def test_cancelling_never_deletes_the_record_of_a_job_that_is_not_waiting(state: str) -> None:
    heard = Heard(always(task(status=state)))
    assert drive(SeedanceAdapter().cancel(ticket()), heard) is False
    assert [r.method for r in heard.requests] == ["GET"]


def test_a_cancelled_job_is_cancelled() -> None:
    assert drive(SeedanceAdapter().cancel(ticket()), always(task(status="cancelled"))) is True


def test_the_probe_is_a_get_and_tells_a_bad_key() -> None:
    heard = Heard(always(refusal("AuthenticationError"), 401))
    account = drive(SeedanceAdapter().probe(), heard)
    assert [r.method for r in heard.requests] == ["GET"]
    assert not account.valid
    assert isinstance(account.error, AuthError)
    assert drive(SeedanceAdapter().probe(), listed()).valid


def test_a_key_pair_alone_cannot_sign() -> None:
    from dramagen.adapters.base import Secret

    with pytest.raises(AuthError):
        SeedanceAdapter().sign(Request("GET", TASKS), Secret(access="a", secret="b"), 0.0)


# -- errors ----------------------------------------------------------------------------------------------------


def test_the_request_id_is_read_from_the_words_where_no_header_has_it() -> None:
    assert SeedanceAdapter().fault(Response(400, json=refusal("X"))).request_id == "02179533290012300aa"


@pytest.mark.parametrize(
    ("header", "seconds"), [("3.5", 3.5), ("nan", None), ("-1", None), ("Wed, 1 Jan", None)]
)
def test_the_wait_asked_for_is_kept_where_it_is_a_number(header: str, seconds: float | None) -> None:
    assert SeedanceAdapter().fault(Response(429, headers={"retry-after": header})).retry_after == seconds


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["id", "status", "content", "usage", "error", "created_at", "updated_at", "seed", "items", "total", "code",
          "ResponseMetadata", "execution_expires_after"]  # fmt: skip


@given(
    changes=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4),
    dropped=st.sets(st.sampled_from(FIELDS), max_size=3),
    status=st.sampled_from([200, 200, 200, 400, 404, 429, 500]),
    operation=st.sampled_from(["submit", "poll", "poll two", "find", "deliver", "cancel", "probe"]),
)
def test_whatever_comes_back_only_typed_errors_are_raised(
    changes: dict[str, Any], dropped: set[str], status: int, operation: str
) -> None:
    adapter = SeedanceAdapter()
    body = {k: v for k, v in (DONE | {"items": [DONE], "total": 1} | changes).items() if k not in dropped}
    flows: dict[str, Any] = {
        "submit": adapter.submit(order(), ATTEMPT),
        "poll": adapter.poll([ticket()]),
        "poll two": adapter.poll([ticket(), ticket("t2")]),
        "find": adapter.find(order(), ATTEMPT),
        "deliver": adapter.deliver(ticket()),
        "cancel": adapter.cancel(ticket()),
        "probe": adapter.probe(),
    }
    result, error = attempted(flows[operation], always(body, status))
    id_ = body.get("id")
    if operation == "submit" and status == 200 and isinstance(id_, str) and id_:
        assert result is not None, "an id was lost"
        assert result.id == id_
    elif operation == "submit":
        assert error is not None
        assert error.refused is (400 <= status < 500 and error.code != f"HTTP {status}")
    elif operation.startswith("poll") and result is not None:
        assert all(isinstance(s, Status) and s.ticket.id == i for i, s in result.items())
        assert result.keys() <= {ID, "t2"}


def attempted(flow: Any, respond: Respond) -> tuple[Any, DramagenError | None]:
    try:
        return drive(flow, respond), None
    except DramagenError as error:
        return None, error
